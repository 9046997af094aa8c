"""Every field of the vote that two orders, one order or a failure amount to."""

import pytest

from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, Verdict
from harness.ratings.both_orders import Vote, combine_orders


def said(order, value, p=None, *, of="pair", source="j", who="j", repeat=0):
    verdict = Verdict(value) if isinstance(value, Status) else Verdict(Status.OK, value, p)
    return Judgment(of, source, "1", who, verdict, order, repeat)


ONE_ORDER = "failed in one order"


@pytest.mark.parametrize(
    ("verdicts", "choice", "probability", "orders", "flipped", "failure", "stated"),
    [
        # Bare verdicts in both orders: equal ones stand, unequal ones are a tie with a flag.
        ([("AB", "A"), ("BA", "A")], "A", 1.0, 2, False, "", False),
        ([("AB", "B"), ("BA", "B")], "B", 0.0, 2, False, "", False),
        ([("AB", "TIE"), ("BA", "TIE")], "TIE", 0.5, 2, False, "", False),
        ([("AB", "A"), ("BA", "B")], "TIE", 0.5, 2, True, "", False),
        ([("AB", "A"), ("BA", "TIE")], "TIE", 0.5, 2, True, "", False),
        ([("AB", "TIE"), ("BA", "B")], "TIE", 0.5, 2, True, "", False),
        # Stated probabilities: their mean decides, whatever the words were.
        ([("AB", "A", 0.75), ("BA", "A", 1.0)], "A", 0.875, 2, False, "", True),
        ([("AB", "A", 0.75), ("BA", "B", 0.375)], "A", 0.5625, 2, True, "", True),
        ([("AB", "A", 0.625), ("BA", "B", 0.125)], "B", 0.375, 2, True, "", True),
        ([("AB", "A", 0.75), ("BA", "B", 0.25)], "TIE", 0.5, 2, True, "", True),
        # A probability in one order only: the words decide, (0.75 + 1) / 2, (0.25 + 0) / 2.
        ([("AB", "A", 0.75), ("BA", "A")], "A", 0.875, 2, False, "", False),
        ([("AB", "B"), ("BA", "B", 0.25)], "B", 0.125, 2, False, "", False),
        ([("AB", "TIE", 0.75), ("BA", "TIE")], "TIE", 0.625, 2, False, "", False),
        ([("AB", "A", 0.75), ("BA", "B")], "TIE", 0.5, 2, True, "", False),
        # One order was asked.
        ([("", "A")], "A", 1.0, 1, None, "", False),
        ([("", "TIE")], "TIE", 0.5, 1, None, "", False),
        ([("BA", "B")], "B", 0.0, 1, None, "", False),
        ([("AB", "A", 0.75)], "A", 0.75, 1, None, "", True),
        ([("AB", "B", 0.0)], "B", 0.0, 1, None, "", True),
        # A failure is no vote, and its reason is kept.
        ([("AB", "A"), ("BA", Status.TIMEOUT)], None, None, 1, None, ONE_ORDER, False),
        ([("AB", Status.REFUSED), ("BA", "B", 0.1)], None, None, 1, None, ONE_ORDER, False),
        ([("AB", Status.REFUSED), ("BA", Status.TIMEOUT)], None, None, 0, None, "refused", False),
        ([("", Status.MISSING)], None, None, 0, None, "missing", False),
        # Asked again: the latest verdict of an order counts.
        ([("AB", Status.ERROR), ("AB", "A"), ("BA", "A")], "A", 1.0, 2, False, "", False),
        ([("AB", "A"), ("BA", "B"), ("AB", "B")], "B", 0.0, 2, False, "", False),
    ],
)
def test_vote(verdicts, choice, probability, orders, flipped, failure, stated):
    (vote,) = combine_orders([said(*verdict) for verdict in verdicts])
    assert vote == Vote(
        "pair", "j", "j", 0, choice, probability, orders, flipped, failure, stated
    )  # fmt: skip


def test_one_vote_for_each_request_source_annotator_and_repeat_in_order_of_appearance():
    judgments = [
        said("AB", "B", of="q", repeat=1),
        said("AB", "A", of="p"),
        said("AB", "A", of="q"),
        said("", "TIE", of="q", source="people", who="ann"),
        said("", "B", of="q", source="people", who="bob"),
        said("", "A", of="q", source="panel", who="ann"),
        said("BA", "A", of="q"),
        said("BA", "B", of="q", repeat=1),
        said("BA", "B", of="p"),
    ]
    votes = combine_orders(iter(judgments))
    assert [(v.request_id, v.source, v.annotator, v.repeat, v.choice) for v in votes] == [
        ("q", "j", "j", 1, "B"),
        ("p", "j", "j", 0, "TIE"),
        ("q", "j", "j", 0, "A"),
        ("q", "people", "ann", 0, "TIE"),
        ("q", "people", "bob", 0, "B"),
        ("q", "panel", "ann", 0, "A"),
    ]


def test_no_judgments_no_votes():
    assert combine_orders([]) == []


@pytest.mark.parametrize("value", ["C", "a", True, 1.0])
def test_a_value_that_is_no_choice_is_named(value):
    with pytest.raises(ValueError, match=f"A, B or TIE, got {value!r}"):
        combine_orders([said("AB", value)])
