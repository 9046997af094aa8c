"""Ensembles of reward models: their one score, and their training."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from trainings import changed, trained_by

from harness.policy.models import load_policy
from harness.train.log import read_log
from harness.train.ppo_model import make_critic
from harness.train.report_to import Reports
from harness.train.reward_combined import Combine, combined, members_of, standardized
from harness.train.reward_ensemble import member_seed
from harness.train.reward_model import STATISTICS, RewardModelReward
from harness.train.reward_model_training import RewardModelSettings

SETTINGS = RewardModelSettings(
    learning_rate=1e-2, warmup_steps=0, batch_size=4, held_out_share=0.25, members=2,
    combine="worst",
)  # fmt: skip
ROWS: list[Any] = [
    {"prompt": f"{n}+1?", "chosen": f"Gladly: {n + 1}.", "rejected": f"{n + 1}, duh."}
    for n in range(16)
]


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("mean", [2.0, 0.0]),
        ("worst", [1.0, -4.0]),
        ("lower_bound", [2 - (2 / 3) ** 0.5, -(8**0.5)]),
    ],
)
def test_one_score_of_three_to_hand_computed_values(how: Combine, wanted: list[float]) -> None:
    found = combined([[1.0, 2.0], [2.0, 2.0], [3.0, -4.0]], how)
    assert found == pytest.approx(wanted)
    assert combined([[5.0]], how) == [5.0]  # one member is what it says


def test_scores_are_put_on_one_scale() -> None:
    assert standardized([1.0, 5.0], {"score_mean": 3.0, "score_deviation": 2.0}) == [-1.0, 1.0]


def test_members_have_seeds_of_their_own() -> None:
    seeds = [member_seed(seed, number) for seed in (0, 1) for number in range(4)]
    assert len(set(seeds)) == 8 and seeds[0] == 0 and seeds[4] == 1
    assert all(0 <= seed < 2**32 for seed in seeds)  # what TRL takes


class StoppedError(Exception):
    """A kill."""


@pytest.mark.slow
def test_an_ensemble_is_trained_measured_and_read(
    gpt2_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    tracked: dict[Path, list[int]] = {}

    def tracker(reports: Reports, _: str) -> Any:
        steps = tracked.setdefault(reports.out, [])
        return SimpleNamespace(
            start=lambda: None,
            store_init_configuration=lambda _: None,
            log=lambda _, step: steps.append(step),
            finish=lambda: None,
        )

    monkeypatch.setattr(Reports, "_tracker", tracker)
    monkeypatch.setattr("harness.train.training.check_installed", lambda _: None)

    def stop(row: dict[str, Any]) -> None:
        if row.get("member") == 1:
            raise StoppedError

    def go(out: str, **more: Any) -> Any:
        settings = changed(SETTINGS, report_to=("wandb",))
        return trained_by("reward_model", gpt2_path, ROWS, settings, tmp_path / out, **more)

    whole = go("whole", on_step=seen.append)
    with pytest.raises(StoppedError):
        go("killed", on_step=stop)
    again = go("killed")  # the first member is there already
    assert again.steps == whole.steps == 6
    assert not (tmp_path / "whole" / "resume").exists()
    for name in ("member-00", "member-01"):
        one, other = (r.checkpoint / name / "model.safetensors" for r in (whole, again))
        assert one.read_bytes() == other.read_bytes()
    first, second = members_of(whole.checkpoint)
    assert (first / "model.safetensors").read_bytes() != (second / "model.safetensors").read_bytes()

    log = read_log(whole.log_path)
    assert [(row["step"], row.get("member")) for row in log] == [
        (1, 0), (2, 0), (3, 0), (3, 0), (4, 1), (5, 1), (6, 1), (6, 1), (6, None),
    ]  # fmt: skip
    assert [row["step"] for row in seen] == [row["step"] for row in log]
    # A tracker is told of one training, whatever it is made of.
    assert {out.name for out in tracked} == {"whole", "killed"}
    assert tracked[tmp_path / "whole"] == [row["step"] for row in log]
    assert {row["total_steps"] for row in (*seen[:-1], *log[:-1])} == {6}
    told = [
        json.loads((path / STATISTICS).read_text()) for path in (whole.checkpoint, first, second)
    ]
    assert [one["n_held_out"] for one in told] == [4] * 3  # the same pairs
    assert log[-1]["held_out/accuracy"] == told[0]["accuracy"]
    assert (told[0]["members"], told[0]["combine"], whole.used) == (2, "worst", 12)

    reward = RewardModelReward(whole.checkpoint)
    texts = [text for row in ROWS for text in (row["chosen"], row["rejected"])]
    ids = [reward.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    prompts = [row["prompt"] for row in ROWS for _ in range(2)]
    noted: dict[str, float] = {}
    scores = reward(prompts, texts, ids, log_metric=noted.__setitem__)
    each = [RewardModelReward(path)(prompts, texts, ids) for path in (first, second)]
    scale = told[0]["scales"]["worst"]
    assert scores == pytest.approx(standardized(combined(each, "worst"), scale), abs=1e-4)
    mean = RewardModelReward(whole.checkpoint, combine="mean", standardize=False)
    assert mean(prompts, texts, ids) == pytest.approx(combined(each, "mean"), abs=1e-4)
    spread = statistics.fmean(statistics.pstdev(pair) for pair in zip(*each, strict=True))
    assert noted == {"reward_model_spread": pytest.approx(spread, abs=1e-4)}
    assert mean.identity != reward.identity != RewardModelReward(first).identity
    critic = make_critic(load_policy(gpt2_path), gpt2_path, "separate", str(whole.checkpoint))
    assert critic.body is not None
