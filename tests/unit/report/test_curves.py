"""The curves as tables, and their ends beside the evaluation."""

from __future__ import annotations

from typing import Any

import pytest

from harness.report.blocks import Details, Figure
from harness.report.curves import (
    MOST_LOOKS,
    curve_tables,
    falls,
    forms,
    looks_of,
    measured_twice,
)
from harness.report.tables import Table
from harness.report.training import training
from harness.report.wording import Names

Data = dict[str, Any]


def log(steps: int, every: int, **more: Any) -> list[Data]:
    rows: list[Data] = []
    for step in range(steps + 1):
        row: Data = {"step": step, "reward": step / 10, **more}
        if step % every == 0 or step == steps:
            row |= {"gold": 0.5 + step / 1000, "gold_se": 0.05, "held_out/kl_sequence": step / 50}
        rows.append(row)
    return rows


def test_a_table_has_every_look_of_each_seed() -> None:
    curves = {"ppo": {"0": log(25, 10), "1": log(20, 10)}, "none": {"0": []}}
    (details,) = curve_tables({"curves": curves})
    assert isinstance(details, Details)
    (table,) = details.blocks
    assert isinstance(table, Table)
    assert [head.heading for head in table.heads] == [
        "seed", "step", "reward", "gold", "its standard error", "KL, nats per response",
    ]  # fmt: skip
    body = [[cell.text for cell in row] for row in table.body]
    assert [row[:2] for row in body] == [
        ["0", "0"], ["0", "10"], ["0", "20"], ["0", "25"], ["1", "0"], ["1", "10"], ["1", "20"],
    ]  # fmt: skip
    assert body[3] == ["0", "25", "2.50", "0.53", "0.050", "0.50"]


@pytest.mark.parametrize("looks", [1, 2, MOST_LOOKS, MOST_LOOKS + 1, 500])
def test_of_many_looks_a_dozen_are_shown_with_the_first_and_the_last(looks: int) -> None:
    (details,) = curve_tables({"curves": {"ppo": {"0": log(looks - 1, 1)}}})
    assert isinstance(details, Details)
    steps = [int(row[1].text) for row in details.blocks[0].body]  # type: ignore[union-attr]
    assert steps == sorted(set(steps))
    assert (len(steps), steps[0], steps[-1]) == (min(looks, MOST_LOOKS), 0, looks - 1)


def test_a_log_without_looks_has_its_steps() -> None:
    rows = [{"step": step, "loss": 1.0, "reward_margin": step / 2} for step in range(3)]
    assert looks_of(rows) == rows
    (details,) = curve_tables({"curves": {"dpo": {"0": rows}}})
    assert isinstance(details, Details)
    assert [row[2].text for row in details.blocks[0].body] == ["0.00", "0.50", "1.00"]  # type: ignore[union-attr]
    assert curve_tables({"curves": {"odd": {"0": [{"step": 1, "other": 2.0}]}}}) == []
    assert curve_tables({}) == []


def test_the_last_look_stands_beside_the_evaluation() -> None:
    """Gold .52 and .53 at the last looks, .61 in the evaluation: both are there, each named."""
    score = {"evaluator": "exam", "policy": "ppo", "value": 0.61, "low": 0.5, "high": 0.7}
    data = {
        "gold_falls": [{"gold": "exam", "looks": 0}],
        "curves": {"ppo": {"0": log(20, 10), "1": log(30, 10)}, "unknown": {"0": log(20, 10)}},
        "evaluation": {
            "scores": [score, score | {"evaluator": "other", "value": 0.1}],
            "policies": [{"name": "ppo", "kl": {"value": 0.9, "low": 0.8, "high": 1.0}}],
        },
    }
    (table,) = measured_twice(data, Names())
    assert isinstance(table, Table)
    assert [head.heading for head in table.heads] == [
        "arm", "exam, last look", "exam, evaluation", "KL, last look", "KL, evaluation",
    ]  # fmt: skip
    (row,) = table.body
    assert [cell.text for cell in row] == ["ppo", "0.53", "0.61", "0.50", "0.90"]
    assert row[2].note == "0.50 to 0.70"
    assert measured_twice({"curves": data["curves"]}, Names()) == []
    data["curves"] = {"ppo": {"0": [{"step": 1, "reward": 1.0}]}}
    assert measured_twice(data, Names()) == []


def test_one_name_has_one_number(made_up: Data) -> None:
    """distinct-2, which monitor and evaluation count differently, is the evaluation's alone."""
    shown = [block for block in training(made_up, Names()) if isinstance(block, Figure)]
    panels = "".join(panel for figure in shown for panel in figure.panels)
    assert "distinct-2" not in panels
    assert "at the looks" in panels


def test_the_section_has_both_measurements_and_all_looks(made_up: Data) -> None:
    blocks = training(made_up, Names())
    assert [b.title for b in blocks if isinstance(b, Table)] == [
        "The end of each curve and the evaluation"
    ]
    assert [b.summary for b in blocks if isinstance(b, Details)] == ["The curves as tables"]


def test_forms_that_fit_are_named_and_a_peak_only_where_it_is_known() -> None:
    number = {"value": 0.4, "low": 0.3, "high": 0.5}
    form = {"alpha": number, "beta": number, "peak": number, "misfit": 3.0}
    fitted = {"looks": 9, "reason": "", "forms": {"rl": form, "best_of_n": form}}
    rows = [
        {"arm": "ppo", **fitted, "fits": "rl", "peak": number},
        {"arm": "dpo", **fitted, "fits": "either", "peak": None},
        {"arm": "sft", "looks": 3, "forms": {}, "fits": "", "peak": None, "reason": "3 of the 5"},
        {"arm": "none", "looks": 0, "forms": {}, "fits": "", "peak": None, "reason": ""},
    ]
    (table,) = forms({"overoptimisation": rows})
    assert isinstance(table, Table)
    body = [[cell.text for cell in row] for row in table.body]
    assert [(row[0], row[1], row[2], row[-1]) for row in body] == [
        ("ppo", "9", "0.40", "0.40"), ("dpo", "9", "0.40", "not determined"),
        ("sft", "3", "\N{EN DASH}", "not determined"),
    ]  # fmt: skip
    assert [row[-2] for row in body][1:] == ["not determined", "not fitted"]
    assert "ln d" in body[0][-2] and table.body[0][-1].note == "0.30 to 0.50"
    assert table.notes[1:] == ["sft: 3 of the 5."]
    assert forms({}) == []


def test_the_end_is_said_to_be_the_highest_and_no_peak_is_below_it() -> None:
    row = {
        "arm": "rlvr", "seed": 0, "gold": "exam", "verdict": "no fall", "reason": "", "peak": 50,
        "last": 60, "before": 0.8355, "after": 0.8444, "value": 0.0089, "low": -0.01, "high": 0.03,
        "clusters": 64, "looks": 12, "evaluated": {"value": None, "low": None, "high": None},
    }  # fmt: skip
    (table,) = falls({"gold_falls": [row, row | {"value": -0.02, "after": 0.8155}]}, Names())
    assert isinstance(table, Table)
    shown = [dict(zip([h.heading for h in table.heads], line, strict=True)) for line in table.body]
    up, down = ({name: cell.text for name, cell in line.items()} for line in shown)
    assert up["gold"] == "highest at the end" and down["gold"] == "no clear fall"
    assert "peak" not in " ".join(up) and up["highest earlier look, step"] == "50"
    there, end, change = (float(up[key]) for key in ("there", "at the end", "change"))
    assert end - there == pytest.approx(change) and change == pytest.approx(0.0089, abs=6e-4)
    assert shown[0]["change"].note == "\N{MINUS SIGN}0.01 to +0.03"
