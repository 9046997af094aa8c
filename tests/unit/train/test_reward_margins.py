"""The loss of a reward model with margins and centred scores, to hand-computed values."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from trainings import trained_by

from harness.experiment.stages.train_files import train
from harness.nouns.errors import DataError
from harness.train.reward_model_training import RewardModel
from harness.train.training import TrainOptions

PAIR = {"prompt": "2+3?", "chosen": "5.", "rejected": "5, duh."}


def loss(gap: float, probability: float, margin: float, coefficient: float | None = None) -> Any:
    """The loss of one pair of scores (1 + gap, 1), and its gradient in both."""
    import torch
    from trl import RewardTrainer

    from harness.train.soft_preferences import SoftRewardTrainer

    scores = torch.tensor([[1.0 + gap], [1.0]], requires_grad=True)

    class Stub(SoftRewardTrainer):
        def __init__(self) -> None:
            self.args = SimpleNamespace(center_rewards_coefficient=coefficient)

    inputs = {"probability": torch.tensor([probability]), "margin": torch.tensor([margin])}
    with pytest.MonkeyPatch.context() as patch:
        outputs = SimpleNamespace(logits=scores)
        patch.setattr(RewardTrainer, "compute_loss", lambda *a, **k: (None, outputs))
        found = Stub().compute_loss(None, inputs)
    found.backward()
    return float(found.detach()), [float(one) for one in scores.grad.flatten()]


def soft(x: float) -> float:
    """-log sigmoid(x)."""
    return math.log1p(math.exp(-x))


@pytest.mark.parametrize("gap", [-2.0, 0.0, 0.7])
@pytest.mark.parametrize("p", [1.0, 0.8, 0.5, 0.0])
@pytest.mark.parametrize("m", [0.0, 1.5])
def test_the_better_response_leads_by_the_margin(gap: float, p: float, m: float) -> None:
    found, gradient = loss(gap, p, m)
    assert found == pytest.approx(p * soft(gap - m) + (1 - p) * soft(-gap - m), abs=1e-6)
    slope = -p / (1 + math.exp(gap - m)) + (1 - p) / (1 + math.exp(-gap - m))
    assert gradient == pytest.approx([slope, -slope], abs=1e-6)
    # The same pair the other way round.
    assert loss(-gap, 1 - p, m)[0] == pytest.approx(found, abs=1e-6)


def test_scores_are_drawn_to_zero_by_their_sum() -> None:
    plain, _ = loss(0.5, 1.0, 0.0)
    centred, gradient = loss(0.5, 1.0, 0.0, 0.1)
    assert centred == pytest.approx(plain + 0.1 * 2.5**2, abs=1e-6)
    slope = -1 / (1 + math.exp(0.5))
    assert gradient == pytest.approx([slope + 0.1 * 2 * 2.5, -slope + 0.1 * 2 * 2.5], abs=1e-6)


def test_each_row_has_its_own_margin_or_that_of_the_settings(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [PAIR, {**PAIR, "margin": 2}, {**PAIR, "margin": None}, {**PAIR, "margin": 0.0}]
    seen: list[Any] = []

    def trl(self: Any, trainer: Any, config: Any, examples: Any, **options: Any) -> Any:
        seen.append(([one["margin"] for one in examples], options["center_rewards_coefficient"]))
        raise DataError("seen")

    monkeypatch.setattr(RewardModel, "trl", trl)
    for number, settings in enumerate(({}, {"margin": 0.5, "center_rewards_coefficient": 0.01})):
        with pytest.raises(DataError, match="seen"):
            more = {"held_out_share": 0.0, **settings}
            trained_by("reward_model", policy_path, rows, more, tmp_path / str(number))
    assert seen == [([0.0, 2.0, 0.0, 0.0], None), ([0.5, 2.0, 0.5, 0.0], 0.01)]


@pytest.mark.parametrize("margin", [-0.5, "wide", math.nan, math.inf, True, 1e39, 10**39])
def test_a_margin_that_is_none_is_refused(margin: Any, tmp_path: Path) -> None:
    rows = [PAIR, {**PAIR, "margin": margin}]
    with pytest.raises(DataError) as wrong:
        RewardModel("m", rows, RewardModel.Settings(), tmp_path, TrainOptions())
    line = f"row 2: margin must be a number from 0 to 1,000,000, got {margin!r}"
    assert wrong.value.details == (line,)


def test_margins_of_a_csv_are_numbers_and_only_a_reward_model_reads_them(
    policy_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("prompt,chosen,rejected,margin\n2+3?,5.,6.,1.5\n1+1?,2.,3.,\n")
    given: list[Any] = []

    def run(trainer: Any, model: Any, rows: Any, *_: Any) -> Any:
        given.append([row.get("margin") for row in rows])
        raise DataError("seen")

    monkeypatch.setattr("harness.train.trainers.train", run)
    for trainer in ("reward_model", "dpo"):
        with pytest.raises(DataError, match="seen"):
            train(trainer, str(policy_path), path, tmp_path / "out")
    assert given[0] in ([1.5, None], [1.5, ""])
    assert capsys.readouterr().err == "pairs.csv: a column is not used: margin\n"  # by DPO
