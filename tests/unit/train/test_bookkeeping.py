"""Settings, rows, logs and the monitor: what surrounds the trainers."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness.examples.arithmetic_task import (
    HELD_OUT_PAIRS,
    RIGHT_SHARE,
    STYLE_SHARES,
    imitation_rows,
    is_correct,
    prompt_rows,
    split_pairs,
    style_of,
)

from harness.nouns.errors import DataError, InputError
from harness.policy.models import Reference, load_policy, load_tokenizer
from harness.train.log import read_log
from harness.train.monitor import Monitor, distinct_n, kl_statistics
from harness.train.result import TrainingFolder
from harness.train.rows import plain_rows


def test_importing_the_package_loads_no_heavy_library() -> None:
    code = (
        "import sys, importlib, pkgutil, harness.train as t\n"
        "own = {'masters', 'own_tokens', 'ppo_model', 'soft_preferences', 'trl_callbacks'}\n"
        "for m in pkgutil.iter_modules(t.__path__):\n"
        "    if m.name not in own: importlib.import_module('harness.train.' + m.name)\n"
        "bad = {'torch', 'transformers', 'trl', 'datasets', 'peft', 'numpy'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_wrong_rows_are_one_error() -> None:
    rows = [{"prompt": "a", "chosen": "b"}, {"prompt": ""}]
    with pytest.raises(DataError) as caught:
        plain_rows(rows, ["prompt", "chosen"], "preferences")
    assert caught.value.details == (
        "row 2: column 'prompt' is empty",
        "row 2: column 'chosen' is missing",
    )
    with pytest.raises(DataError, match="there are no preferences"):
        plain_rows([], ["prompt"], "preferences")


def test_a_missing_model_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model folder"):
        load_policy(tmp_path / "absent")


def test_the_log_goes_back_to_the_state_and_drops_half_a_line(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path, {"seed": 1}, None)
    for step in range(5):
        folder.log({"step": step, "reward": math.nan if step == 3 else 0.5})
    with folder.log_path.open("a") as file:
        file.write('{"step": 5, "rew')  # kill -9 in the middle of a write
    again = TrainingFolder(tmp_path, {"seed": 1}, None)
    again.rewind(3)
    rows = read_log(folder.log_path)
    assert [row["step"] for row in rows] == [0, 1, 2, 3]
    assert rows[3]["reward"] is None  # strict JSON has no NaN
    assert again.seconds() >= rows[3]["seconds"]
    again.rewind(0)  # no state at all: the log starts anew
    assert read_log(folder.log_path) == []


def test_distinct_n() -> None:
    assert distinct_n(["a b a", "a b"], 1) == 2 / 5
    assert distinct_n(["a b a", "a b"], 2) == 2 / 3
    assert distinct_n(["a"], 2) == 0.0


def test_kl_statistics_count_only_the_completion() -> None:
    import torch

    mask = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    policy = torch.tensor([[-1.0, -1.0], [-2.0, 50.0]])
    reference = torch.tensor([[-2.0, -1.5], [-2.5, -50.0]])
    assert kl_statistics(policy, reference, mask) == pytest.approx(
        {"kl_sequence": 1.0, "kl_token": 2 / 3}
    )


def test_a_look_is_repeatable_and_moves_nothing(policy_path: Path) -> None:
    import torch

    tokenizer, policy = load_tokenizer(policy_path), load_policy(policy_path)
    reference = Reference(load_policy(policy_path, trainable=False))

    def correct(prompts: Any, completions: Any, **_: Any) -> list[float | None]:
        scores = [float(is_correct(p, c)) for p, c in zip(prompts, completions, strict=True)]
        return [None, *scores[1:]]

    rows = prompt_rows(split_pairs()[1])[:20]
    monitor = Monitor(rows, {"correct": correct}, every=5, max_new_tokens=40, samples=2)
    state = torch.get_rng_state()
    first, second = (monitor.look(policy, reference, tokenizer) for _ in range(2))
    assert first == second
    assert torch.get_rng_state().equal(state)
    assert first["held_out/kl_sequence"] == pytest.approx(0, abs=1e-4)
    assert first["held_out/coverage/correct"] == 39 / 40
    assert 0.2 < first["held_out/gold/correct"] < 0.8
    assert first["held_out/eos_rate"] == 1 - first["held_out/truncated"] / 40
    assert [step for step in range(13) if monitor.is_due(step, 12)] == [0, 5, 10, 12]


def test_the_task_keeps_sums_and_their_mirror_images_on_one_side() -> None:
    train, held_out = split_pairs()
    assert len(train) + len(held_out) == 21 * 21
    assert HELD_OUT_PAIRS <= len(held_out) <= HELD_OUT_PAIRS + 1
    assert not {tuple(sorted(p)) for p in train} & {tuple(sorted(p)) for p in held_out}


def test_the_imitated_answers_have_the_stated_shares() -> None:
    rows = imitation_rows(4000, seed=1)
    styles = [style_of(row["completion"]) for row in rows]
    right = [is_correct(row["prompt"], row["completion"]) for row in rows]
    assert sum(right) / len(rows) == pytest.approx(RIGHT_SHARE, abs=0.03)
    for style, share in STYLE_SHARES.items():
        mine = [r for r, s in zip(right, styles, strict=True) if s == style]
        assert len(mine) / len(rows) == pytest.approx(share, abs=0.03)
        assert sum(mine) / len(mine) == pytest.approx(RIGHT_SHARE, abs=0.06)  # independent
    assert rows == imitation_rows(4000, seed=1)
    assert "other" not in styles


def test_the_committed_policy_is_right_half_of_the_time_and_could_be_right(
    policy_path: Path,
) -> None:
    from harness.policy.sampling import Sampling, sample

    tokenizer, policy = load_tokenizer(policy_path), load_policy(policy_path)
    assert len({tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id}) == 3
    rows = prompt_rows(split_pairs()[1])
    prompts = [row["prompt"] for row in rows]

    def share(temperature: float, repeats: int) -> tuple[float, float]:
        sampling = Sampling(temperature, 40, seed=0)
        texts = sample(policy, tokenizer, prompts * repeats, sampling).texts
        right = [is_correct(p, t) for p, t in zip(prompts * repeats, texts, strict=True)]
        polite = [style_of(t) == "polite" for t in texts]
        return sum(right) / len(right), sum(polite) / len(polite)

    right, polite = share(1.0, 4)
    assert 0.42 < right < 0.58
    assert 0.33 < polite < 0.5
    assert share(0.0, 1)[0] > 0.9
    configs = [json.loads(file.read_text()) for file in policy_path.glob("*.json")]
    assert not any("/" in str(config.get("_name_or_path", "")) for config in configs)
