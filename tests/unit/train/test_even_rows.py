"""Rows of a short last pass weigh what the others do: the step is that of one whole pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import harness.examples
import pytest
from trainings import preference_pairs, trained_by

from harness.train.log import read_log

POLICY = Path(harness.examples.__path__[0]) / "arithmetic_policy"
ONE = {"epochs": 1, "warmup_steps": 0}


def rows_of(trainer: str) -> list[dict[str, Any]]:
    pairs = preference_pairs(10)
    if trainer == "kto":
        return [
            {"prompt": pair["prompt"], "completion": pair[key], "label": key == "chosen"}
            for pair in pairs
            for key in ("chosen", "rejected")
        ][:10]
    if trainer == "sft":
        return [{"prompt": pair["prompt"], "completion": pair["chosen"]} for pair in pairs]
    return [{**pair, "probability": 0.9 - n / 20} for n, pair in enumerate(pairs)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trainer", "settings"),
    [
        ("dpo", {"soft_labels": True}),
        ("dpo", {"soft_labels": False}),
        ("reward_model", {"held_out_share": 0}),
        ("kto", {"trl": {"loss_type": "apo_zero_unpaired"}}),  # without a KL of each pass
        ("sft", {}),
    ],
)
def test_a_step_of_uneven_passes_is_that_of_one_pass(
    trainer: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    """Passes of 4, 4 and 2 rows: the last two weighed twice as much."""
    norms = []
    for name, passes in (
        ("one", {"batch_size": 10}),
        ("cut", {"batch_size": 4, "accumulation": 3}),
    ):
        out = tmp_path / name
        result = trained_by(trainer, POLICY, rows_of(trainer), {**ONE, **settings, **passes}, out)
        (row,) = (row for row in read_log(result.log_path) if "grad_norm" in row)
        norms.append((row["grad_norm"], row["loss"]))
    assert norms[1] == pytest.approx(norms[0], rel=1e-4)
