"""One is no plural, an empty section has no heading, and an unbiased judge has a line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.aggregate.labels import aggregate_labels
from harness.aggregate.methods import METHODS
from harness.agreement import agreement_report
from harness.experiment.failures import failures_of
from harness.nouns.counted import counted
from harness.nouns.schema import Judgment, Status, Verdict
from harness.ratings.positions import Position, position_of
from harness.ratings.table import from_labels
from harness.report.aggregation import blocks
from harness.report.agreement_tables import labels
from harness.report.blocks import Text
from harness.report.build import build
from harness.report.wording import Names, prompts

Data = dict[str, Any]


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [
        (0, "item", "0 items"),
        (1, "item", "1 item"),
        (2, "item", "2 items"),
        (1200, "independent group", "1,200 independent groups"),
        (np.int64(1), "time", "1 time"),
        (1, "more reply", "1 more reply"),
        (3, "reply", "3 replies"),
    ],
)
def test_a_number_and_its_noun(count: int, noun: str, said: str) -> None:
    assert counted(count, noun) == said


def test_nobody_knows_how_many_prompts() -> None:
    assert (prompts(None), prompts(1, "other prompt")) == ("\N{EN DASH} prompts", "1 other prompt")


def test_one_is_one_wherever_it_is_said() -> None:
    assert failures_of([("error", "503"), ("ok", "")]).told_reasons() == ["1 time: 503"]
    table = from_labels({"ann": ["x"]}, humans=["ann"])
    (lead, *_) = blocks(aggregate_labels("majority", METHODS["majority"], table, {}), "majority")
    assert isinstance(lead, Text)
    assert lead.text.startswith("majority: 1 item, 1 annotator, 1 label to x 1; 0 ties")
    audit = agreement_report(from_labels({"a": ["x"], "b": ["y"]}, humans=["a", "b"])).audit
    said = str(labels(audit, Names.of_labels(audit))[0])
    assert "1 item in 1 independent group, 2 annotators." in said
    assert "1 item has no majority of people: a tie stays a tie." in said


@pytest.mark.parametrize("kind", ["md", "html"])
@pytest.mark.parametrize("curves", [{}, {"dpo": {}}, {"dpo": {"1": []}}])
def test_without_a_logged_step_there_is_no_section_of_curves(
    curves: Data, kind: str, made_up: Data, tmp_path: Path
) -> None:
    text = build(made_up | {"curves": curves}, tmp_path).with_name(f"report.{kind}").read_text()
    assert "Training curves" not in text and "Cost and time" in text


def test_plots_have_a_section_where_they_can_be_seen(made_up: Data, tmp_path: Path) -> None:
    page = build(made_up, tmp_path)
    assert "Training curves" in page.read_text()
    heads = [line for line in page.with_name("report.md").read_text().split("\n\n") if line]
    assert not any(a.startswith("## ") and b.startswith("## ") for a, b in pairwise(heads))


def judged(*verdicts: tuple[str, str]) -> list[Judgment]:
    """Verdicts on pairs as a judge gave them: in the order AB, and in the order BA turned back."""
    return [
        Judgment(f"r{n}", "judge", "1", "judge", Verdict(Status.OK, value), order)
        for n, pair in enumerate(verdicts)
        for value, order in zip(pair, ("AB", "BA"), strict=True)
    ]  # type: ignore[misc]


LOST = "; such a pair is a tie and teaches nothing"
TURNED = {
    "unbiased": ([("A", "A"), ("B", "B"), ("A", "A")], "0 of 3 pairs"),
    "one pair": ([("A", "A")], "0 of 1 pair"),
    "one of three": ([("A", "A"), ("B", "B"), ("A", "B")], "1 of 3 pairs"),
    "half": ([("A", "A"), ("A", "B")], "1 of 2 pairs"),
    "most": (
        [("A", "B"), ("A", "B"), ("B", "B")],
        f"2 of 3 pairs, 2 times for what stood first{LOST}",
    ),
    "the second": ([("B", "A")], f"1 of 1 pair, 1 time for what stood second{LOST}"),
}


@pytest.mark.parametrize("case", TURNED)
def test_how_often_a_verdict_turned_with_the_order(case: str) -> None:
    verdicts, said = TURNED[case]
    bias = "position bias: " if LOST in said else ""
    line = position_of(judged(*verdicts)).line()
    assert line == f"{bias}its verdict turned with the order in {said}"


def test_nothing_is_said_of_pairs_without_both_orders() -> None:
    assert position_of(judged(("A", "A"))[:1]) == Position(0, 0, 0)
