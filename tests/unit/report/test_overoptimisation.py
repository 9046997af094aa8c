"""The curve of gold and proxy over the square root of KL, by hand."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from harness.report.blocks import Figure
from harness.report.overoptimisation import Look, is_curve, looks, overoptimisation
from harness.report.tables import Table
from harness.report.training import training
from harness.report.wording import Names

Data = dict[str, Any]

ROWS = [
    {"step": 0, "gold": 0.5, "gold_se": 0.1, "held_out/kl_sequence": -0.02},
    {"step": 5, "reward": 1.0},
    {"step": 10, "reward": 2.0, "gold": 0.75, "gold_se": 0.05, "held_out/kl_sequence": 1.0},
    {"step": 20, "reward": 3.0, "gold": 0.25, "held_out/kl_sequence": 4.0},
]
METRICS = [("reward", "reward"), ("gold", "gold")]


def test_looks_are_where_kl_is_known() -> None:
    assert looks(ROWS, ["reward", "gold"]) == [
        Look(0, 0.0, {"reward": None, "gold": 0.5}, 0.1),
        Look(10, 1.0, {"reward": 2.0, "gold": 0.75}, 0.05),
        Look(20, 2.0, {"reward": 3.0, "gold": 0.25}, None),
    ]


@pytest.mark.parametrize(("last", "shown"), [(4, True), (3, False), (0, False)])
def test_three_looks_make_a_curve(last: int, shown: bool) -> None:
    assert is_curve({"0": ROWS[:2], "1": ROWS[:last]}) is shown


def test_points_lie_at_the_root_of_kl() -> None:
    """From 44 to 276 units for 0 to 2; gold from 0 to 1 over the 90 units above 274."""
    svg = overoptimisation("n", "arm", {"0": ROWS}, METRICS, 1, {"gold": (0.0, 1.0)})
    gold = re.findall(r'<circle class="seed s1" cx="([\d.]+)" cy="([\d.]+)"', svg)[-3:]
    assert [x for x, _ in gold] == ["44", "160", "276"]
    bottom, top = (float(gold[i][1]) for i in (2, 1))
    assert bottom - top == pytest.approx(0.5 * 90, abs=0.11)
    bars = re.findall(r'<line class="bar thin s1" x1="([\d.]+)" y1="([\d.]+)".*?y2="([\d.]+)"', svg)
    assert [x for x, *_ in bars] == ["44", "160"]  # the last look has no error
    assert float(bars[1][2]) - float(bars[1][1]) == pytest.approx(2 * 1.96 * 0.05 * 90, abs=0.11)
    assert "reward from 2.00 to 3.00 at 2.00; gold from 0.50 to 0.25 at 2.00" in svg


def test_seeds_are_averaged_by_step() -> None:
    other = [row | {"held_out/kl_sequence": 9.0} for row in ROWS[3:]]
    svg = overoptimisation("n", "arm", {"0": ROWS, "1": other}, METRICS, 1, {})
    assert "gold from 0.50 to 0.25 at 2.50" in svg


def test_a_metric_that_nobody_logged(made_up: Data) -> None:
    rows = [{k: v for k, v in row.items() if k != "reward"} for row in ROWS]
    assert "not logged" in overoptimisation("n", "arm", {"0": rows}, METRICS, 1, {})


def test_the_report_has_a_panel_for_each_arm_that_was_looked_at(made_up: Data) -> None:
    def captions(data: Data) -> list[str]:
        blocks = training(data, Names())
        return [block.caption[:30] for block in blocks if isinstance(block, Figure)]

    assert [c for c in captions(made_up) if c.startswith("The same against the distance")]
    data = copy.deepcopy(made_up)
    for seeds in data["curves"].values():
        for rows in seeds.values():
            for row in rows:
                row["gold"] = None
    assert not [c for c in captions(data) if c.startswith("The same against the distance")]


def test_the_table_of_gold_has_every_training_and_what_became_of_it() -> None:
    rows = [
        {
            "arm": arm, "seed": 0, "gold": "exam", "verdict": verdict, "reason": reason,
            "peak": 10, "last": 40, "before": 0.8, "after": 0.5, "value": -0.3, "low": -0.4,
            "high": -0.2, "clusters": 52, "looks": looks, "samples": 4,
            "evaluated": {"value": -0.25, "low": -0.35, "high": -0.15}, "proxy": None,
        }
        for arm, verdict, reason, looks in (
            ("ppo", "fell", "", 5), ("dpo", "unconfirmed", "the evaluation does not show it", 5),
            ("sft", "unknown", "it was looked at less than twice", 1),
            ("not watched", "unknown", "", 0),
        )
    ]  # fmt: skip
    curve = {"ppo": {"0": [{"step": 0, "reward": 1.0, "gold": 0.5}]}}
    (table,) = [
        block
        for block in training({"curves": curve, "gold_falls": rows}, Names())
        if isinstance(block, Table)
    ]
    assert [[cell.text for cell in row] for row in table.body] == [
        [arm, "0", "10", "0.80", "0.50", "\N{MINUS SIGN}0.30", "\N{MINUS SIGN}0.25", "52", said]
        for arm, said in (("ppo", "fell"), ("dpo", "not confirmed"), ("sft", "not known"))
    ]
    assert table.body[0][5].note == "\N{MINUS SIGN}0.40 to \N{MINUS SIGN}0.20"
    assert table.notes[1:] == (
        ["dpo, seed 0: the evaluation does not show it.",
         "sft, seed 0: it was looked at less than twice."]
    )  # fmt: skip
