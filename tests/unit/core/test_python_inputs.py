"""What stages are given from Python: taken where it can mean one thing, else one clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas
import pytest

import harness
from harness.agreement import Settings
from harness.nouns.errors import InputError
from harness.nouns.schema import Item, Response

ITEMS = [Item("a", "2+2?", "4"), Item("b", "3+4?", "7")]
RESPONSES = [Response("a1", "a", "base", "4"), Response("b1", "b", "base", "8")]
READING = harness.Reading(humans=("ann", "ben"), judges=("judge",))


@pytest.mark.parametrize(
    "given",
    [None, [], (), {"ann": ["A"]}, pandas.DataFrame({"ann": ["A"]}), b"labels.csv", 3, [None]],
)
def test_what_is_no_file_of_labels_is_refused(given: Any) -> None:
    for stage in (lambda: harness.agree(given, READING), lambda: harness.aggregate(given)):
        with pytest.raises(InputError, match="path"):
            stage()


@pytest.mark.parametrize(
    "given", [None, 3, b"items.jsonl", [{"id": "a", "prompt": "x"}], pandas.DataFrame({"id": [1]})]
)
def test_what_is_no_item_or_response_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match="give Item objects"):
        harness.judge("last_number", given, RESPONSES)
    with pytest.raises(InputError, match="give Response objects"):
        harness.judge("last_number", ITEMS, given)
    with pytest.raises(InputError, match="give Response objects"):
        harness.evaluate(ITEMS, {"base": given}, ["last_number"])


def test_generators_are_items_and_responses() -> None:
    listed = harness.judge("last_number", ITEMS, RESPONSES)
    generated: Any = harness.judge("last_number", iter(ITEMS), iter(RESPONSES))  # type: ignore[arg-type]
    assert [j.verdict for j in generated.judgments] == [j.verdict for j in listed.judgments]
    policies: Any = {"base": iter(RESPONSES), "x": iter(RESPONSES)}
    rows = harness.evaluate(iter(ITEMS), policies, "last_number")["scores"]  # type: ignore[arg-type]
    assert [(row["policy"], row["n"]) for row in rows] == [("base", 2), ("x", 2)]


@pytest.mark.parametrize("given", [{}, [RESPONSES], None])
def test_an_evaluation_of_no_policy_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match="no responses of a policy"):
        harness.evaluate(ITEMS, given, ["last_number"])


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        ("last_number", {"way": "pointwize"}, "way: Input should be .*pointwise.* got 'pointwize'"),
        (None, {}, "source None cannot be asked so"),
        ("last_number", {"limit": 0}, "limit: .*greater than 0, got 0"),
        ("last_number", {"options": 3}, "options: .*got 3"),
        ("last_number", {"concurrency": 0}, "concurrency must be .*got 0"),
        ("last_number", {"concurrency": "9"}, "concurrency must be .*got '9'"),
        ("last_number", {"budget": -1}, "budget must be .*got -1"),
        ("last_number", {"budget": float("nan")}, "budget must be .*got nan"),
    ],
)
def test_settings_of_a_judge_are_checked(source: Any, settings: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        harness.judge(source, ITEMS, RESPONSES, harness.JudgeSettings(**settings))


def test_a_journal_may_be_named_by_a_text(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    harness.judge("last_number", ITEMS, RESPONSES, harness.JudgeSettings(journal=str(path)))
    assert path.is_file()


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ({"level": "ordnal"}, r"level 'ordnal' is none of nominal, .* did you mean ordinal\?"),
        ({"humans": "ann,ben"}, r"humans is the text 'ann,ben'[^']*humans=\('ann', 'ben'\)"),
        ({"judges": "judge"}, "judges is the text 'judge'"),
        ({"categories": "1,2"}, "categories is the text '1,2'"),
    ],
)
def test_a_reading_that_means_nothing_is_refused(reading: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        harness.Reading(**reading)


@pytest.mark.parametrize(
    "settings",
    [
        {"replicates": 0}, {"replicates": 2.5}, {"risk": 5}, {"risk": float("nan")},
        {"epsilon": -9}, {"epsilon": "0.2"}, {"half_width": 0},
    ],
)  # fmt: skip
def test_settings_of_agreement_are_checked(settings: Any) -> None:
    with pytest.raises(InputError, match=next(iter(settings))):
        Settings(**settings)
