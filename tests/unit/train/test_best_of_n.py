"""Best-of-n keeps the best that was scored, nothing where nothing was, and imitates it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness.examples.arithmetic_task import is_correct, prompt_rows, split_pairs
from trainings import trained_by

from harness.nouns.errors import DataError, InputError
from harness.train.best_of_n import best_of_n_kl
from harness.train.log import read_log
from harness.train.monitor import Monitor
from harness.train.result import TrainResult

TRAIN, HELD_OUT = (prompt_rows(pairs) for pairs in split_pairs())
ROWS = HELD_OUT[:30]


def correct(prompts: Any, completions: Any, **_: Any) -> list[float]:
    return [float(is_correct(p, c)) for p, c in zip(prompts, completions, strict=True)]


def train(path: Path, out: Path, reward: Any, rows: Any = ROWS, **more: Any) -> TrainResult:
    options = {key: more.pop(key) for key in ("monitor", "on_step", "seed") if key in more}
    settings = {"n": 4, "max_new_tokens": 40, "epochs": 1, "batch_size": 8, **more}
    return trained_by("best_of_n", path, rows, settings, out, {"reward": reward}, **options)


def chosen(out: Path) -> list[dict[str, Any]]:
    best: list[dict[str, Any]] = json.loads((out / "best_of_n.json").read_text())["best"]
    return best


def test_more_samples_are_more_often_right(policy_path: Path, tmp_path: Path) -> None:
    shares = []
    for n in (1, 8):
        result = train(policy_path, tmp_path / str(n), correct, n=n, max_new_tokens=40)
        best = chosen(tmp_path / str(n))
        assert [row["prompt"] for row in best] == [row["prompt"] for row in ROWS]
        assert all(row["reward"] == is_correct(row["prompt"], row["completion"]) for row in best)
        shares.append(sum(row["reward"] for row in best) / len(best))
        first = read_log(result.log_path)[0]
        assert first["best_reward"] == pytest.approx(shares[-1], abs=1e-5)
        assert first["reward"] == pytest.approx(first["reward/reward"])
        assert (first["step"], first["coverage/reward"]) == (0, 1.0)
        assert first["kl_bound"] == pytest.approx(best_of_n_kl(n), abs=1e-5)
    assert shares[0] < 0.75 < 0.9 < shares[1]


def test_failures_never_win_and_unscored_prompts_are_left_out(
    policy_path: Path, tmp_path: Path
) -> None:
    def some(prompts: Any, completions: Any, **columns: Any) -> list[float | None]:
        """Only the second completion of a prompt gets a reward, and the last prompt has none."""
        last = ROWS[-1]["item_id"]
        return [
            None if i % 4 != 1 or item == last else -5.0
            for i, item in enumerate(columns["item_id"])
        ]

    train(policy_path, tmp_path / "some", some, max_new_tokens=8)
    best = chosen(tmp_path / "some")
    assert [row["prompt"] for row in best] == [row["prompt"] for row in ROWS[:-1]]
    assert {(row["reward"], row["scored"]) for row in best} == {(-5.0, 1)}
    with pytest.raises(DataError, match="none of 4 completions of any prompt has a reward"):
        train(policy_path, tmp_path / "none", lambda prompts, **_: [None] * len(prompts))


def test_what_is_imitated_are_the_sampled_tokens(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A truncated completion is not taught to end, and no text is encoded again."""
    import trl

    class Looked(Exception):
        pass

    def look(train_dataset: Any, **_: Any) -> None:
        raise Looked([dict(row) for row in train_dataset])

    monkeypatch.setattr(trl, "SFTTrainer", look)
    with pytest.raises(Looked) as looked:
        train(policy_path, tmp_path, correct, max_new_tokens=12)
    best = chosen(tmp_path)
    lengths = {len(row["completion_ids"]) for row in best}
    assert 12 in lengths and len(lengths) > 1  # some are truncated, and some are not
    for example, row in zip(looked.value.args[0], best, strict=True):
        assert [label for label in example["labels"] if label != -100] == row["completion_ids"]
        assert example["input_ids"][-len(row["completion_ids"]) :] == row["completion_ids"]


class Killed(Exception):
    """Stands for kill -9: nothing runs after it."""


def test_it_raises_the_reward(policy_path: Path, tmp_path: Path) -> None:
    monitor = Monitor(HELD_OUT, {"right": correct}, every=100, max_new_tokens=40, samples=2)
    result = train(
        policy_path, tmp_path, correct, TRAIN[:120], learning_rate=2e-3, batch_size=24, n=8,
        warmup_steps=5, epochs=2, monitor=monitor,
    )  # fmt: skip
    log = read_log(result.log_path)
    looks = [row["held_out/gold/right"] for row in log if "held_out/length" in row]
    assert looks[0] < 0.6
    assert looks[-1] > looks[0] + 0.1
    assert [row["step"] for row in log] == list(range(11))


def test_what_was_judged_before_a_kill_is_not_judged_again(
    policy_path: Path, tmp_path: Path
) -> None:
    asked: list[int] = []

    def counted(prompts: Any, completions: Any, **_: Any) -> list[float]:
        asked.append(len(prompts))
        return correct(prompts, completions)

    def kill(row: dict[str, Any]) -> None:
        if row["step"] == 2:
            raise Killed

    def run(**more: Any) -> TrainResult:
        small = {"batch_size": 4, "epochs": 2, "log_completions": True}
        return train(policy_path, tmp_path, counted, ROWS[:8], **small, **more)

    with pytest.raises(Killed):
        run(max_new_tokens=8, on_step=kill)
    kept = tmp_path / "completions.jsonl"
    elsewhere = kept.rename(tmp_path / "elsewhere.jsonl")
    with pytest.raises(InputError, match=r"completions\.jsonl of what was sampled here is gone"):
        run(max_new_tokens=8)
    elsewhere.rename(kept)
    result = run(max_new_tokens=8)
    assert asked == [32]
    assert [row["step"] for row in read_log(result.log_path)] == list(range(5))


def test_the_kl_bound() -> None:
    assert best_of_n_kl(1) == 0
    assert best_of_n_kl(4) == pytest.approx(0.6363, abs=1e-4)
