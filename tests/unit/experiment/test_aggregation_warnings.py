"""What a method of aggregation warns of stands among the findings of an experiment's report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from tiny_experiment import config

from harness.aggregate import METHODS
from harness.experiment.config import SourceConfig
from harness.experiment.sources import NamedSource
from harness.experiment.stages import aggregate as stage
from harness.experiment.stages.judge import Judged
from harness.feedback.requests import build_requests
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, Verdict
from harness.registry import registry
from harness.report.findings import findings

ITEMS = [Item(f"i{n}", f"q{n}") for n in range(3)]
RESPONSES = [Response(f"r{n}{k}", f"i{n}", "base", f"{n}{k}") for n in range(3) for k in "ab"]
PAIRS = build_requests(ITEMS, RESPONSES, "pairwise")
ONE = (
    "warning: glad gives every item the label 'A': it collapsed to one class; use --method majority"
)
SAID = "glad gives every item the label 'A': it collapsed to one class; use aggregation: majority"


def arm_with(*notes: str, name: str = "rlhf") -> dict[str, Any]:
    """Return the row of an arm whose method has these notes."""
    factory, origin = registry().source("simulated_people"), registry().origins["simulated_people"]
    entry = SourceConfig(use="simulated_people")
    source = NamedSource("people", entry, factory.build({}, "people"), origin)
    said = [Judgment(p.id, "people", "1", "ann", Verdict(Status.OK, "A")) for p in PAIRS]
    arm = config(arms={name: {"sources": ["people"], "trainer": "dpo"}}).arms[name]

    def method(table: Any, weights: Any) -> Any:
        return replace(METHODS["majority"](table, weights), notes=notes)

    with patch.object(stage, "aggregator", lambda *_: method):
        return stage.arm_of(
            name, arm, {"people": Judged(source, PAIRS, said)}, None, PAIRS
        ).as_row()


@pytest.mark.parametrize(
    ("notes", "right"),
    [
        ((), []),
        (("abilities: ann 0.9",), []),
        ((ONE,), [f"Aggregation of rlhf: {SAID}."]),
        ((ONE, ONE, "weights: ann 1"), [f"Aggregation of rlhf: {SAID}."]),
        ((ONE, "warning: two err together."),
         [f"Aggregation of rlhf: {SAID}.", "Aggregation of rlhf: two err together."]),
    ],
)  # fmt: skip
def test_a_warning_of_an_aggregation_is_a_finding(notes: tuple[str, ...], right: list[str]) -> None:
    row = arm_with(*notes)
    assert ("warnings" in row) == bool(right)
    told = [line for line in findings({"arms": [row]}) if line.startswith("Aggregation")]
    assert told == right


def test_two_arms_of_one_warning_are_one_sentence() -> None:
    rows = [arm_with(ONE, name="one"), arm_with(ONE, name="two")]
    assert f"Aggregation of one, two: {SAID}." in findings({"arms": rows})
