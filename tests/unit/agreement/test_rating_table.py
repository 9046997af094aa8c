"""The rating table: order of categories, gaps, failures; nothing is guessed silently."""

import numpy as np
import pytest

from harness.agreement import majority
from harness.agreement.audit import audit
from harness.nouns.errors import DataError, ScaleError
from harness.ratings.table import from_labels


def test_missing_is_no_category_and_failures_are_counted_by_reason():
    table = from_labels(
        {"ann": ["a", "b", None], "judge": ["a", None, None]},
        humans=["ann"],
        failures={"judge": ["", "timeout", ""]},
    )
    assert table.categories == ("a", "b")
    judge = audit(table).coverage[1]
    assert (judge.labels, judge.failed, judge.missing) == (1, 1, 1)
    assert judge.failures == {"timeout": 1}
    assert judge.share == 0.5


def test_ordinal_words_need_their_order():
    labels = {"a": ["low", "high", "middle"], "b": ["low", "high", "low"]}
    with pytest.raises(ScaleError, match="not declared"):
        from_labels(labels, level="ordinal")
    table = from_labels(labels, level="ordinal", categories=["low", "middle", "high"])
    assert table.codes[:, 0].tolist() == [0, 2, 1]


def test_numbers_are_sorted_as_numbers():
    table = from_labels({"a": ["10", "9", "2"]}, level="ordinal")
    assert table.categories == ("2", "9", "10")


def test_interval_labels_that_are_one_number_are_one_category():
    table = from_labels({"a": ["1", "2.5"], "b": ["1.0", "2.50"]}, level="interval")
    assert table.codes[:, 0].tolist() == table.codes[:, 1].tolist() == [0, 1]
    assert table.values.tolist() == [1.0, 2.5]


@pytest.mark.parametrize(
    ("labels", "level", "categories", "message"),
    [
        (["x", "1"], "interval", None, "must be numbers"),
        (["-1", "1"], "ratio", None, "no negative"),
        (["a", "c"], "nominal", ["a", "b"], "outside"),
        (["a", "b"], "nominal", ["a", "a"], "twice"),
    ],
)
def test_labels_that_are_not_on_the_scale_are_refused(labels, level, categories, message):
    with pytest.raises((DataError, ScaleError), match=message):
        from_labels({"a": labels}, level=level, categories=categories)


def test_a_majority_tie_stays_a_tie():
    counts = np.array([[2, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1]])
    assert majority(counts).tolist() == [0, -1, -1, 2]


def test_failures_become_a_label_only_when_asked():
    table = from_labels({"judge": ["1", None, "0"]}, failures={"judge": ["", "garbage", ""]})
    assert table.codes[:, 0].tolist() == [1, -1, 0]
    assert table.failures_as("0").codes[:, 0].tolist() == [1, 0, 0]
    with pytest.raises(DataError, match="cannot be scored"):
        table.failures_as("7")


def test_items_keep_their_own_failures():
    table = from_labels({"j": ["a", None, "b", None]}, failures={"j": ["", "refused", "", "late"]})
    assert table.items == ("0", "1", "2", "3")
    failed = [table.reasons[f - 1] if f else "" for f in table.failures[:, 0]]
    assert failed == ["", "refused", "", "late"]
    assert table.failures_as("b").codes[:, 0].tolist() == [0, 1, 1, 1]


def test_without_ties_there_is_no_gold_tie_either():
    labels = {"j": ["A", "TIE", "B", "TIE"]}
    gold = ["TIE", "TIE", "B", None]
    table = from_labels(labels, categories=["A", "TIE", "B"], gold=gold, tie="TIE")
    untied = table.without_category(table.tie)
    assert untied.codes[:, 0].tolist() == [0, -1, 2, -1]
    assert untied.gold.tolist() == [-1, -1, 2, -1]


def test_the_audit_counts_items_by_their_number_of_people():
    columns = {
        "p1": ["a", "b", None, "a", "b", None, "a"],
        "p2": ["a", "a", None, None, "b", None, None],
        "p3": ["b", None, None, None, None, None, None],
        "judge": ["a"] * 7,
    }
    found = audit(from_labels(columns, humans=["p1", "p2", "p3"]))
    # Labels of people by item: 3, 2 (a tie), 0, 1, 2, 0, 1; no label is no tie.
    assert found.humans_per_item == {0: 2, 1: 2, 2: 2, 3: 1}
    assert found.majority_ties == 1
    assert found.prevalence == pytest.approx({"a": 5 / 9, "b": 4 / 9})
