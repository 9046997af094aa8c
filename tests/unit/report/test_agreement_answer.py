"""The paragraph on each judge: may it replace a person, how sure, what would change it."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
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
ON = "on all 300 items in 150 independent groups"
UNTOLD = f"gpt: whether it may replace a person cannot be told (nobody was tested), {ON}."
ITS = "Its kappa with the majority of people is"
OTHERS = "People have 0.60 with each other"
SAME = "More labels would not close that gap: another rubric or model may."
LOW = row("cohen_kappa", "gpt - majority of people", 0.4, 0.3, 0.5)
NONE = "No bias was measured."


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [LOW],
            f"{UNTOLD} {ITS} 0.40 (0.30 to 0.50). {OTHERS}, which its interval does not reach."
            f" {SAME} {NONE}",
        ),
        (
            [row("cohen_kappa", "gpt - majority of people", 0.7, 0.65, 0.75)],
            f"{UNTOLD} {ITS} 0.70 (0.65 to 0.75). {OTHERS}, which its interval exceeds. {NONE}",
        ),
        (
            [row("cohen_kappa", "gpt - majority of people", 0.55, 0.45, 0.65)],
            f"{OTHERS}, and these labels do not tell whether it reaches that. About 1,022 more"
            " labels would decide, if it stays there.",
        ),
        (
            [row("cohen_kappa", "gpt - majority of people", None, reason="one category only")],
            "Its kappa with the majority of people is undefined (one category only).",
        ),
        (
            [LOW, row("alt_test_omega", "gpt", 2 / 3)],
            f"gpt: it may replace a person {ON}: it does as well as 67% of the people. {ITS}",
        ),
        (
            [LOW, row("alt_test_omega", "gpt", 0.0)],
            f"gpt: it may not replace a person {ON}: it was shown to do as well as 0% of the"
            f" people, and half are asked for. {ITS}",
        ),
        (
            [LOW, row("alt_test_omega", "gpt", 0.0), row("alt_test_worse", "gpt", 1.0)],
            f"gpt: it may not replace a person {ON}: it was shown to do worse than 100% of the"
            f" people. {ITS}",
        ),
        (
            [LOW, row("alt_test_omega", "gpt", 0.0), row("alt_test_worse", "gpt", 0.0)],
            f"gpt: whether it may replace a person is undecided {ON}. It was shown to do as well as"
            f" 0% of the people and to do worse than 0%, and half decide. No plan says how many"
            " more labels would decide."
            f" {ITS}",
        ),
        (
            [LOW, not_applicable("alt_test_omega", "gpt", "needs 3 people")],
            f"gpt: whether it may replace a person cannot be told (needs 3 people), {ON}. {ITS}",
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
        (
            [LOW, row("swap_flip_rate", "gpt", 0.05), row("length_bias", "gpt", 0.5, -0.2, 0.8)],
            "No bias was shown (to the order and to length).",
        ),
        (
            [LOW, *(row("cohen_kappa", f"gpt - majority of people on slice {name}", kappa, 0.1, 0.9)
                    for name, kappa in (("hard", 0.2), ("easy", 0.6)))],
            f"{SAME} On slice hard, the lowest of its slices, it is 0.20 (0.10 to 0.90). {NONE}",
        ),
    ],
)  # fmt: skip
def test_the_answer(rows: list[Estimate], said: str) -> None:
    (line,) = answers([PEOPLE, *rows], AUDIT, Names())
    assert said in line
    for sentence in line.split(". "):
        assert len(re.findall(r"(?<![\w.])\d[\d.,]*", sentence)) <= 3, sentence


def test_the_criterion_of_a_judge_is_named() -> None:
    """By its source, of which it may be one voice."""
    (line,) = answers([PEOPLE, LOW], AUDIT, Names(), {"gpt": "politeness", "other": "truth"})
    assert line.startswith("gpt by politeness: whether it may replace a person")
    (line,) = answers([PEOPLE, LOW], AUDIT, Names(), {}, {"gpt": "experts", "other": "ann"})
    assert line.endswith("Its gate holds it against experts instead.")
    voice = Audit.from_dict(asdict(AUDIT) | {"coverage": [
        asdict(one) | {"annotator": one.annotator.replace("gpt", "gpt/m")} for one in AUDIT.coverage
    ]})  # fmt: skip
    rows = [PEOPLE, replace(LOW, annotators="gpt/m - majority of people")]
    (line,) = answers(rows, voice, Names(), {"gpt": "politeness"})
    assert line.startswith("gpt/m by politeness: ")


def test_without_a_kappa_there_is_no_answer() -> None:
    assert answers([PEOPLE], AUDIT, Names()) == []


def test_judges_whom_the_paragraphs_leave_out_are_counted() -> None:
    gpt = asdict(AUDIT)["coverage"][2]
    many = Audit.from_dict(
        asdict(AUDIT) | {"coverage": [gpt | {"annotator": f"j{n}"} for n in range(7)]}
    )
    rows = [row("cohen_kappa", f"j{n} - majority of people", 0.4, 0.3, 0.5) for n in range(7)]
    *each, last = answers(rows, many, Names())
    assert len(each) == 5 and last == "Of 2 judges more only the tables tell."


def called(*judges: str) -> Audit:
    """Return the audit with these in the place of the judge."""
    gpt = asdict(AUDIT)["coverage"][2]
    people = asdict(AUDIT)["coverage"][:2]
    rows = [*people, *({**gpt, "annotator": name} for name in judges)]
    return Audit.from_dict(asdict(AUDIT) | {"coverage": rows})


PUSHED = row("bias_pushback", "gpt", 0.31, 0.2, 0.4)


@pytest.mark.parametrize(
    ("judges", "rows", "said"),
    [
        # Annotators of judgments are called SOURCE/MODEL, and probes are of the source.
        (["gpt/m"], [PUSHED], "Worst bias found: pushback, which turns 31%"),
        (["gpt/org/m"], [PUSHED], "Worst bias found: pushback, which turns 31%"),
        (["gpt/m", "gpt/n"], [PUSHED], "Worst bias found in gpt with all its voices: pushback"),
        (["gpt/m"], [PUSHED.caution("not found")], "No bias found in 1 probe"),
        # A column of its own is nobody's voice.
        (["gpt/m", "gpt"], [PUSHED], "No bias was measured"),
        (["gptx/m"], [PUSHED], "No bias was measured"),
        # The order, where no probe looked at it, may be worse; where one did, it is the measure.
        (["gpt/m"], [PUSHED, row("swap_flip_rate", "gpt/m", 0.9)], "its verdict turns with the"
                                                                   " order in 90%"),
        (["gpt/m"], [PUSHED, row("swap_flip_rate", "gpt/m", 0.3)], "pushback, which turns 31%"),
        (
            ["gpt/m"],
            [PUSHED, row("bias_position", "gpt", 0.1, -0.1, 0.3, reason="not found"),
             row("swap_flip_rate", "gpt/m", 0.9)],
            "pushback, which turns 31%",
        ),
    ],
)  # fmt: skip
def test_the_worst_bias_that_probes_found_of_a_source_is_that_of_its_voices(
    judges: list[str], rows: list[Estimate], said: str
) -> None:
    kappas = [replace(LOW, annotators=f"{one} - majority of people") for one in judges]
    line = answers([PEOPLE, *kappas, *rows], called(*judges), Names())[0]
    assert said in line


def test_the_labels_that_would_decide_on_a_replacement_are_told() -> None:
    open_still = [row("alt_test_omega", "gpt", 0.0), row("alt_test_worse", "gpt", 0.0)]
    (line,) = answers([LOW, *open_still, row("alt_test_labels", "gpt", 212.0)], AUDIT, Names())
    assert "and half decide. About 212 more labels would decide, if it stays there." in line
    assert "tell" not in line.replace("cannot be told", "")
