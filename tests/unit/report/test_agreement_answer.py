"""The paragraph on each judge: may it replace a person, how sure, what would change it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.agreement.audit import Audit
from harness.report.agreement_answer import answers
from harness.report.wording import Names
from harness.statistics.estimate import Estimate, not_applicable


def row(name: str, who: str, value: float | None, *ends: float, **more: Any) -> Estimate:
    low, high = ends or (None, None)
    return Estimate(value, low, high, 300, 150, name=name, annotators=who, **more)


PEOPLE = row("cohen_kappa", "ann - bob", 0.6)
AUDIT = Audit.from_dict(
    {
        "n_items": 300, "n_clusters": 150, "humans_per_item": {"2": 300}, "majority_ties": 0,
        "prevalence": {"A": 1.0},
        "coverage": [
            {"annotator": name, "kind": kind, "simulated": False, "items": 300, "labels": 300,
             "failures": {}}
            for name, kind in (("ann", "human"), ("bob", "human"), ("gpt", "judge"))
        ],
    }
)  # fmt: skip
ITS = "Its kappa with the majority of people is"
OVER = "over 300 items in 150 independent groups; people have 0.60 with each other"
LOW = row("cohen_kappa", "gpt - majority of people", 0.4, 0.3, 0.5)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([LOW], f"gpt: {ITS} 0.40 (0.30 to 0.50), {OVER}, which its interval does not reach."),
        (
            [row("cohen_kappa", "gpt - majority of people", 0.7, 0.65, 0.75)],
            f"gpt: {ITS} 0.70 (0.65 to 0.75), {OVER}, which its interval exceeds.",
        ),
        (
            [row("cohen_kappa", "gpt - majority of people", 0.55, 0.45, 0.65)],
            "and these labels do not tell whether it reaches that: about 546 more labels would, if"
            " it stays where it is.",
        ),
        (
            [row("cohen_kappa", "gpt - majority of people", None, reason="one category only")],
            "gpt: Its kappa with the majority of people is undefined (one category only).",
        ),
        (
            [LOW, row("alt_test_omega", "gpt", 2 / 3)],
            f"gpt: may replace a person (it was shown to do as well as 67% of them). {ITS}",
        ),
        (
            [LOW, row("alt_test_omega", "gpt", 0.0)],
            "gpt: was not shown to be as good as a person (it was shown to do as well as 0% of"
            f" them, and half are asked for). {ITS}",
        ),
        (
            [LOW, not_applicable("alt_test_omega", "gpt", "needs 3 people")],
            f"gpt: whether it may replace a person cannot be told (needs 3 people). {ITS}",
        ),
        (
            [LOW, row("swap_flip_rate", "gpt", 0.9), row("first_pick_rate", "gpt", 0.95)],
            "Worst bias found: its verdict turns with the order in 90% of the pairs, and what"
            " stands first wins 95%.",
        ),
        (
            [LOW, row("swap_flip_rate", "gpt", 0.05), row("length_bias", "gpt", 0.5, 0.2, 0.8),
             row("self_preference", "gpt", -0.9, -2, 0.1)],
            "Worst bias found: to length, 0.50 log-odds at equal preference.",
        ),
        ([LOW, row("length_bias", "gpt", 0.5, -0.2, 0.8)], "does not reach."),
    ],
)  # fmt: skip
def test_the_answer(rows: list[Estimate], said: str) -> None:
    (line,) = answers([PEOPLE, *rows], AUDIT, Names())
    assert said in line


def test_without_a_kappa_there_is_no_answer() -> None:
    assert answers([PEOPLE], AUDIT, Names()) == []
