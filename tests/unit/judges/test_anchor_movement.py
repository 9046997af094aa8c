"""What moved between two passes over the same anchors: values, and which verdicts there are."""

import numpy as np
import pytest
from scipy.stats import fisher_exact

from harness.agreement.drift import drift
from harness.judging.anchors import Movement, chance_of_change, compare, first_wins
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, Verdict

STATUSES = {
    "R": Status.REFUSED, "U": Status.UNPARSEABLE, "X": Status.ABSTAINED, "T": Status.TIMEOUT,
    "E": Status.ERROR, "M": Status.MISSING,
}  # fmt: skip


def said(verdicts):
    """One judgment for each letter: a value, a failure; "." is no judgment at all."""
    return [
        Judgment(
            f"r{n}", "j", "1", "j",
            Verdict(STATUSES[v]) if v in STATUSES else Verdict(Status.OK, v),
        )
        for n, v in enumerate(verdicts)
        if v != "."
    ]  # fmt: skip


# before, after -> compared, changed, lost, gained, without a verdict in either
CASES = {
    ("AABB", "AABB"): (4, 0, 0, 0, 0),
    ("AABB", "ABBA"): (4, 2, 0, 0, 0),
    ("AABB", "RRRR"): (0, 0, 4, 0, 0),
    ("AABB", "...."): (0, 0, 4, 0, 0),
    ("RRRR", "AABB"): (0, 0, 0, 4, 0),
    ("....", "AABB"): (0, 0, 0, 4, 0),
    ("ARBU", "AAXU"): (1, 0, 1, 1, 1),
    ("RUXTEM", "MMMMMM"): (0, 0, 0, 0, 6),
    ("A.", ".A"): (0, 0, 1, 1, 0),
    ("", ""): (0, 0, 0, 0, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_every_presentation_is_counted_once(case):
    found = compare(*map(said, case))
    counts = found.compared, found.changed, found.lost, found.gained, found.without
    assert counts == CASES[case]
    keys = {j.request_id for passed in case for j in said(passed)}
    assert found.presentations == len(keys)
    assert sum(found.failures.values()) == found.lost


def movement(before, after):
    return compare(said(before), said(after))


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ("A" * 40, "A" * 40, False),
        ("A" * 40, "B" * 40, True),
        ("A" * 800, "R" * 800, True),
        ("A" * 40, "R" * 40, True),
        ("A" * 40, "A" * 20 + "T" * 20, True),
        ("A" * 20 + "R" * 20, "A" * 40, True),
        ("A" * 20 + "R" * 20, "A" * 20 + "R" * 20, False),
        ("A" * 40, "A" * 39 + "E", False),
        ("A" * 40, "." * 40, True),
    ],
)
def test_verdicts_that_are_not_there_any_more_are_a_move(before, after, moved):
    noise = movement(before, before)
    assert (chance_of_change(noise, movement(before, after)) < 0.01) is moved


def test_the_smaller_of_both_chances_counts_twice():
    noise = Movement(90, 5, 4, 2, 4, {}, {}, None)
    now = Movement(80, 9, 12, 4, 4, {}, {}, None)
    changed = fisher_exact([[9, 71], [5, 85]], alternative="greater").pvalue
    there = fisher_exact([[16, 84], [6, 94]], alternative="greater").pvalue
    assert chance_of_change(noise, now) == pytest.approx(2 * min(changed, there))
    assert there < changed
    calm = Movement(90, 0, 0, 0, 0, {}, {}, None)
    assert chance_of_change(calm, calm) == 1.0


def test_no_verdict_is_no_share_of_wins():
    assert first_wins(said("RRU")) == (None, 0)
    assert first_wins(said(["A", "TIE", "R"])) == (0.75, 2)
    assert first_wins(said("ABBR"), {"r1", "r2", "r3"}) == (0.0, 2)
    assert first_wins(said("AB"), set()) == (None, 0)


def test_agreement_of_versions_counts_what_only_one_gave():
    before, after = np.array([0, 0, 1, 1, 0, -1]), np.array([0, 1, 1, -1, -1, 1])
    row, changed = drift(before, after, np.zeros(6, dtype=np.int64), np.arange(6), "a -> b")
    assert changed.n == 3 and changed.reason.endswith("2 verdicts lost, 1 gained")
    (row,) = drift(before, np.full(6, -1), np.zeros(6), np.arange(6), "a -> b")
    assert row.reason == "fewer than two common items: 5 verdicts lost, 0 gained"
    same = drift(before, before, np.zeros(6), np.arange(6), "a -> b")[-1]
    assert "lost" not in same.reason
