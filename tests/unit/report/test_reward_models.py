"""What the report says of reward models: on held-out pairs, and on right against wrong."""

from __future__ import annotations

from typing import Any

from harness.report.blocks import Details
from harness.report.reward_models import reward_model_findings, reward_models
from harness.report.tables import Table
from harness.report.wording import NONE

BARS = [{"stated": 0.7, "observed": 0.5, "low": 0.3, "high": 0.7, "n": 20}]
MODEL = {
    "accuracy": 0.71, "accuracy_low": 0.6, "accuracy_high": 0.8, "brier": 0.2, "n_held_out": 80,
    "reliability": BARS,
}  # fmt: skip


def ranks(value: float | None, low: float | None, high: float | None, n: int = 140) -> Any:
    return {
        "gold": "correctness", "same": ["style"], "value": value, "low": low, "high": high, "n": n,
        "clusters": n // 2,
    }  # fmt: skip


def run(*models: Any) -> dict[str, Any]:
    seeds = [{"seed": n, "reward_model": model} for n, model in enumerate(models)]
    return {"arms": [{"name": "rlvr", "seeds": [{"seed": 0}]}, {"name": "rlhf", "seeds": seeds}]}


def rows(data: dict[str, Any]) -> list[list[tuple[str, str]]]:
    table: Any = reward_models(data)[0]
    return [[(cell.text, cell.note) for cell in row] for row in table.body]


def test_each_reward_model_is_a_row_with_its_intervals() -> None:
    data = run({**MODEL, "same_style": ranks(0.52, 0.44, 0.6)}, MODEL)
    assert rows(data) == [
        [("rlhf", ""), ("0", ""), ("80", ""), ("0.71", "0.60 to 0.80"), ("0.20", ""),
         ("0.52", "0.44 to 0.60 · 140 pairs")],
        [("rlhf", ""), ("1", ""), ("80", ""), ("0.71", "0.60 to 0.80"), ("0.20", ""), (NONE, "")],
    ]  # fmt: skip
    table, folded = reward_models(data)
    assert isinstance(table, Table) and isinstance(folded, Details)
    assert "correctness tells apart and of which style says the same" in table.notes[1]
    bars: Any = folded.blocks[0]
    assert [cell.text for cell in bars.body[0]] == ["rlhf", "0", "0.70", "0.50", "20"]


def test_what_an_earlier_run_did_not_measure_is_no_number() -> None:
    assert reward_models(run()) == []
    assert rows(run({"accuracy": 0.71})) == [
        [("rlhf", ""), ("0", ""), (NONE, ""), ("0.71", ""), (NONE, ""), (NONE, "")]
    ]
    none = {**MODEL, "reliability": [], "same_style": ranks(None, None, None, 0)}
    assert rows(run(none))[0][-1] == (NONE, "no such pairs")
    assert reward_model_findings(run(none)) == []


def test_a_reward_model_that_may_be_chance_is_a_finding() -> None:
    doubtful = {**MODEL, "accuracy": 2 / 3, "accuracy_low": 0.497, "accuracy_high": 0.836}
    assert reward_model_findings(run(MODEL, doubtful)) == [
        "The reward model of rlhf, seed 1, is not shown to be better than chance: 67% of 80"
        " held-out pairs (50% to 84%)."
    ]


def test_a_reward_model_of_manners_only_is_a_finding() -> None:
    blind, seeing = ranks(0.52, 0.44, 0.6), ranks(0.62, 0.54, 0.7)
    assert reward_model_findings(run({**MODEL, "same_style": blind})) == [
        "The reward model of rlhf is not shown to tell right from wrong where the style is the"
        " same: 52% of 140 pairs (44% to 60%)."
    ]
    both = [{**MODEL, "same_style": one} for one in (blind, seeing)]
    assert reward_model_findings(run(*both)) == []  # one of its seeds can
    (line,) = reward_model_findings(run(both[0], both[0]))
    assert line.endswith(
        "52% of 140 pairs (44% to 60%) and 52% of 140 pairs (44% to 60%), by seed."
    )
