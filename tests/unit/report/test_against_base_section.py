"""What the report says of a judge of pairs: where the order decided, and what length did."""

from __future__ import annotations

from typing import Any

import pytest

from harness.report.against_base import against_base_findings, against_base_table
from harness.report.wording import Names


def rate(value: float | None, low: float | None = None, high: float | None = None) -> Any:
    return {"value": value, "low": low, "high": high, "n": 40, "reason": "separated"}


def data(verdict: str, even: Any, turned: float = 0.0, lost: int = 0) -> Any:
    ends = {"low": 0.1, "high": 0.3, "p_holm": 0.001, "verdict": verdict}
    difference = {"value": 0.2, **ends, "seeds": 3, "trainings": ends}
    row = {
        "evaluator": "taste", "policy": "rlhf", "pairs": 40 + lost, "n": 40, "wins": 28, "ties": 0,
        "losses": 12, "alike": 0, "inconsistent": round(40 * turned), **rate(0.7, 0.6, 0.8),
        "seeds": 3, "trainings": {"low": 0.6, "high": 0.8}, "failures": {"refused": lost},
        "unanswered": 0, "length_controlled": even, "turned": rate(turned), "longer": rate(0.9),
        "judgments": 80, "cost_usd": 0.0,
    }  # fmt: skip
    score = {"evaluator": "taste", "policy": "rlhf", "difference": difference}
    return {"evaluation": {"against_base": [row], "scores": [score]}}


@pytest.mark.parametrize(
    ("verdict", "even", "says"),
    [
        ("raised", rate(0.52, 0.4, 0.64), "at equal length rlhf wins 0.52, which may be none"),
        ("raised", rate(None), "what it would say at equal length is not known (separated)"),
        ("raised", rate(0.7, 0.6, 0.8), ""),
        ("unclear", rate(0.52, 0.4, 0.64), ""),
    ],
)
def test_a_gain_that_may_be_length_is_told(verdict: str, even: Any, says: str) -> None:
    made = data(verdict, even)
    found = [one.text for one in against_base_findings(made, Names.of_run(made))]
    if says:
        (line,) = found
        assert line.startswith("taste preferred the longer response in 90% of 40 decided pairs")
        assert says in line
    else:
        assert found == []


def test_a_judge_whose_orders_disagree_is_told() -> None:
    made = data("unclear", rate(0.5), turned=0.5, lost=3)
    (found,) = against_base_findings(made, Names.of_run(made))
    assert "50% of 40 pairs of rlhf and base when their order was turned: 20 are ties" in found.text
    table = against_base_table(made["evaluation"], str)
    assert table is not None
    cells = {head.heading: cell for head, cell in zip(table.heads, table.rows[0], strict=True)}
    assert "cost" not in cells and "in equal style" not in cells
    lost: Any = cells["without verdict"]
    assert (lost.value, lost.note) == ("3", "of 43: 3 refused")
