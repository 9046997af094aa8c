"""The section on arms against each other: what it shows, in what words, and how large."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harness.report import html, markdown
from harness.report.blocks import Block, Details, Figure, Page, Section, Text
from harness.report.forest import MOST, WIDTH, Pair, forest
from harness.report.rivals import rivals
from harness.report.rivals_findings import rivals_findings
from harness.report.tables import Table
from harness.report.wording import Names

PHONE, AROUND = 390.0, 58.0
"""Width of a phone, and what page and panel take of it."""

HOSTILE = '<script>alert("x")</script> | `rm`'


def difference(value: float, half: float, verdict: str, **more: Any) -> dict[str, Any]:
    own = {"low": value - half, "high": value + half, "p": 0.01, "p_holm": 0.02, "mdd": 0.123,
           "verdict": verdict}  # fmt: skip
    return {
        "value": value, "from": 0.5, "to": 0.5 + value, "n": 80, "items": 40, "clusters": 30,
        "interval_over": "seeds and prompts", "seeds": 3, "reason": "", "failures": None,
        "trainings": own, **own,
    } | more  # fmt: skip


def evaluation(*contrasts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "base": "base",
        "evaluators": [{"name": "right", "title": "right", "held_out_for": ["a", "b", "c"]}],
        "policies": [{"name": name, "seeds": [0, 1, 2]} for name in ("base", "a", "b", "c")],
        "contrasts": [{"evaluator": "right", "held_out": True, **row} for row in contrasts],
    } | more


def made(found: dict[str, Any]) -> list[Block]:
    data = {"evaluation": found}
    return rivals(data, Names.of_run(data))


def said(found: dict[str, Any]) -> list[str]:
    data = {"evaluation": found}
    return [one.text for one in rivals_findings(data, Names.of_run(data))]


def tables(blocks: list[Block]) -> list[Table]:
    found = []
    for block in blocks:
        found += [block] if isinstance(block, Table) else []
        found += tables(list(block.blocks)) if isinstance(block, Details) else []
    return found


ALL = [
    {"a": "a", "b": "b", **difference(0.2, 0.1, "raised")},
    {"a": "a", "b": "c", **difference(0.25, 0.1, "raised")},
    {"a": "b", "b": "c", **difference(0.05, 0.1, "unclear")},
]


def test_each_pair_has_a_verdict_and_what_would_have_been_seen_where_none_is_clear() -> None:
    (table,) = tables(made(evaluation(*ALL)))
    rows = {(row[0].text, row[0].note): row for row in table.body}
    assert rows["a", "against b"][1].text == "higher" and not rows["a", "against b"][1].note
    unclear = rows["b", "against c"][1]
    assert (unclear.text, unclear.note) == ("no clear difference", "0.12 would have been seen")
    assert rows["a", "against b"][4].text == "40 (30 independent)"
    assert said(evaluation(*ALL)) == ["a is better than every other arm by right, by 0.20 or more."]


def test_less_is_better_where_the_evaluator_says_so() -> None:
    lower = [{"name": "right", "title": "harm", "held_out_for": None, "direction": "lower"}]
    (line,) = said(evaluation(*ALL[:2], evaluators=lower))
    assert line == "b and c are each better than a by harm, by 0.20 or more."


def test_an_arm_that_the_evaluator_trained_is_not_among_every_other() -> None:
    found = evaluation(ALL[0], {**ALL[1], "held_out": False})
    assert said(found) == ["a is better than b by right, by 0.20."]
    assert said(evaluation(ALL[2])) == ["By right, none of b and c is clearly better than another."]


def test_of_two_trainings_the_words_are_of_those_two() -> None:
    few = difference(0.2, 0.9, "unclear", seeds=2, mdd=None)
    few["trainings"] = difference(0.2, 0.1, "raised")
    blocks = made(evaluation({"a": "a", "b": "b", **few}))
    figure = next(block for block in blocks if isinstance(block, Figure))
    assert "in these two trainings" in figure.caption
    assert "+0.10 to +0.30" in figure.panels[0]  # what holds for them, not what nobody knows
    assert tables(blocks)[0].body[0][1].note == "in these two trainings"
    (line,) = said(evaluation({"a": "a", "b": "b", **few}))
    assert line.startswith("In these two trainings, a is better than b")


def test_failures_that_leave_it_open_are_counted() -> None:
    lost = {"policy": 5, "base": 3}
    row = {"a": "a", "b": "b", **difference(0.2, 0.1, "undecidable", failures=lost)}
    cell = tables(made(evaluation(row)))[0].body[0][1]
    assert (cell.text, cell.note) == ("not decidable", "8 failures")


@pytest.mark.parametrize(
    "names", [("a", "b"), ("x" * 60, "y" * 60), ("x" * 60, "b"), (HOSTILE, "b")]
)
def test_a_forest_is_read_on_a_phone_and_names_stay_text(names: tuple[str, str]) -> None:
    plot = forest("f", "right", [Pair(*names, difference(0.1, 0.2, "unclear"))])
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', plot)[1])  # type: ignore[index]
    assert width == WIDTH <= PHONE - AROUND  # so that nothing is made smaller
    assert " small" not in plot and "<script>" not in plot
    label = Pair(*names, {}).label
    assert len(label) <= MOST and " less " in label


SLICE = {"slice": "", "items": 20, "clusters": 20, "against_rest": None,
         "difference": difference(0.2, 0.1, "raised")}  # fmt: skip


def interaction(shown: bool, **more: Any) -> dict[str, Any]:
    test = {"p": 0.01, "p_holm": 0.02, "shown": shown}
    return test | {"tested": 2, "seeds": 3, "reason": "", "trainings": test} | more


@pytest.mark.parametrize("shown", [True, False])
def test_a_slice_has_a_verdict_of_its_own_only_where_slices_are_shown_to_differ(
    shown: bool,
) -> None:
    other = {**SLICE, "slice": "sums", "difference": difference(-0.1, 0.2, "unclear")}
    row = {"evaluator": "right", "policy": "a", "interaction": interaction(shown),
           "slices": [SLICE, other]}  # fmt: skip
    found = evaluation(contrasts=[], slices={"slices": ["", "sums"], "rows": [row]})
    first, second = tables(made(found))
    assert first.body[0][2].text == ("yes" if shown else "not shown")
    claims = [one[5].text for one in second.body]
    assert claims == (["raised", "no clear change"] if shown else ["none of its own"] * 2)
    lines = said(found)
    assert bool(lines) == shown
    if shown:
        told = "What a changed of right differs between slices: most in no slice (+0.20), least in"
        assert lines[0].startswith(f"{told} sums (") and lines[0].endswith("0.10).")


def test_why_there_are_no_ranks_is_told() -> None:
    row = {"evaluator": "right", "policies": [], "reason": "nobody ever beat a"}
    (block,) = made(evaluation(contrasts=[], ranks=[row]))
    assert isinstance(block, Text) and block.text == "No ranks by right: nobody ever beat a."


def test_the_page_of_hostile_names_is_text() -> None:
    row = {"a": HOSTILE, "b": "b", **difference(0.2, 0.1, "raised")}
    blocks = made(evaluation(row))
    page = Page("t", [], [Section("rivals", "Arm against arm", blocks)])
    assert "<script>" not in html.render(page).replace("<script>\n", "")
    assert "<script>" not in markdown.render(page)


def test_what_was_planned_stands_first_and_is_answered_whatever_came_of_it() -> None:
    asked = {**ALL[2], "planned": True, "p_planned": 0.3}
    blocks = made(evaluation(*ALL[:2], asked))
    first, *others = tables(blocks)[0].body
    assert (first[0].text, first[0].note) == ("b", "against c, planned")
    assert "planned: p 0.300" in first[2].note
    assert not any("planned" in row[0].note for row in others)
    figure = next(block for block in blocks if isinstance(block, Figure))
    assert "said before the first training" in figure.caption
    told = said(evaluation(*ALL[:2], asked))
    assert told[0] == "As planned, b was held against c: by right no clear difference (+0.05)."
    assert told[1:] == ["a is better than every other arm by right, by 0.20 or more."]


@pytest.mark.parametrize("asked", [["a", "b"], ["b", "a"]])
@pytest.mark.parametrize(
    ("verdict", "direction", "best"),
    [("raised", "higher", "a"), ("lowered", "higher", "b"), ("raised", "lower", "b"),
     ("lowered", "lower", "a")],
)  # fmt: skip
def test_a_planned_pair_is_answered_as_it_was_asked(
    verdict: str, direction: str, best: str, asked: list[str]
) -> None:
    row = {"a": "a", "b": "b", **difference(-0.2, 0.1, verdict), "planned": True, "p_planned": 0.01}
    one = [{"name": "right", "title": "harm", "held_out_for": None, "direction": direction}]
    data = {
        "evaluation": evaluation(row, evaluators=one), "plan": {"content": {"contrasts": [asked]}},
    }  # fmt: skip
    (line,) = [one.text for one in rivals_findings(data, Names.of_run(data))]
    how = "better" if asked[0] == best else "worse"
    assert line == (f"As planned, {asked[0]} was held against {asked[1]}: {how} by harm, by 0.20.")


def test_an_arm_that_was_to_be_held_against_base_is_answered_where_nothing_is_clear() -> None:
    scores = [
        {"evaluator": "right", "policy": arm, "planned": True,
         "difference": difference(value, 0.1, verdict, p_planned=0.4)}
        for arm, value, verdict in (("a", 0.05, "unclear"), ("b", 0.2, "raised"))
    ]  # fmt: skip
    (line,) = said(evaluation(scores=scores))
    assert line == "As planned, a was held against base: by right no clear difference (+0.05)."


def test_of_two_trainings_a_planned_pair_is_answered_for_those_two() -> None:
    few = difference(0.2, 0.9, "unclear", seeds=2, mdd=None)
    few["trainings"] = difference(0.2, 0.1, "raised")
    (line,) = said(evaluation({"a": "a", "b": "b", **few, "planned": True, "p_planned": 0.4}))
    assert line == (
        "As planned, a was held against b: better by right, by 0.20, in these two trainings."
    )
