"""Each arm against base as people see it: rows by hand."""

from __future__ import annotations

from typing import Any

import pytest

from harness.evaluate.people_pairs import DrawnPair, Pool, Written
from harness.evaluate.people_wins import Evaluator, Vote, people_rows

ARMS = {"good": [1.0] * 12, "bad": [0.0] * 12}


def pool(arm: str, item: int, alike: bool) -> Pool:
    texts = ("same", "same") if alike else (f"{arm} says", "base says")
    return Pool([Written((arm, 0, f"{arm}{item}"), texts[0])],
                [Written(("base", 0, f"base{item}"), texts[1])])  # fmt: skip


POOLS = {arm: {f"e{n}": pool(arm, n, n >= 16) for n in range(20)} for arm in ARMS}


def pairs_of(arm: str) -> list[DrawnPair]:
    """Every second one has the arm as B; of 16 prompts 12 are drawn."""
    return [
        DrawnPair(arm, f"e{n}", "", 12 / 16, (arm, 0, f"{arm}{n}"), ("base", 0, f"base{n}"),
                  "A" if n % 2 == 0 else "B")
        for n in range(12)
    ]  # fmt: skip


PAIRS = [*pairs_of("good"), *pairs_of("bad")]
VALUES = {("base", 0, f"base{n}"): 0.5 for n in range(20)}
VALUES |= {("good", 0, f"good{n}"): float(n not in (0, 10, 13, 14)) for n in range(20)}
VALUES |= {("bad", 0, f"bad{n}"): 0.5 for n in range(1, 20)}  # the evaluator failed on one


def rows(votes: list[Vote], **more: Any) -> dict[str, dict[str, Any]]:
    clusters = {f"e{n}": f"e{n}" for n in range(20)}
    found = people_rows(POOLS, PAIRS, votes, Evaluator("exam", VALUES), clusters, **more)
    return {row["arm"]: row for row in found}


def vote(number: int, for_arm: bool | None, person: str = "ann") -> Vote:
    if for_arm is None:
        return Vote(number, person, "TIE")
    side = PAIRS[number].arm_is if for_arm else "BA"[PAIRS[number].arm_is == "B"]
    return Vote(number, person, side)


def test_votes_are_joined_by_the_key_ties_are_half_and_people_are_pooled() -> None:
    votes = [vote(n, True) for n in range(10)] + [vote(10, None), Vote(11, "ann", None)]
    votes += [vote(0, False, "ben"), vote(1, True, "ben")]
    votes += [vote(n, False) for n in range(12, 24)]
    found = rows(votes)
    good, bad = found["good"], found["bad"]
    counts = ("labels", "skipped", "wins", "ties", "losses", "people", "pairs", "drawn")
    assert [good[key] for key in counts] == [13, 1, 11, 1, 1, 2, 11, 12]
    # Nine wins, one pair of two minds, one tie, of 11; four of 20 prompts have one text twice.
    of_different = (9 + 0.5 + 0.5) / 11
    assert good["labelled"]["value"] == pytest.approx(0.5 + 16 / 20 * (of_different - 0.5))
    assert (good["prompts"], good["alike"], good["left"]) == (20, 4, 5)
    # Of 16 different pairs the evaluator prefers 12.
    assert good["judged"] == pytest.approx(0.5 + 16 / 20 * (12 / 16 - 0.5))
    assert good["decides"] == "corrected" and good["verdict"] == "preferred"
    assert bad["verdict"] == "rejected" and bad["corrected"]["value"] == pytest.approx(0.1)
    assert (bad["decides"], bad["tuning"], bad["unjudged"]) == ("labels", 0, 1)
    low, high = sorted((good["p"], bad["p"]))
    assert sorted((good["p_holm"], bad["p_holm"])) == pytest.approx([2 * low, max(2 * low, high)])
    assert not good["simulated"] and rows(votes, simulated=True)["bad"]["simulated"]


def test_a_pair_without_a_label_is_as_if_it_had_not_been_drawn() -> None:
    some = rows([vote(n, n < 8) for n in range(11)])["good"]
    assert some["labelled"]["value"] == pytest.approx(0.5 + 16 / 20 * (8 / 11 - 0.5))
    few = rows([vote(n, True) for n in range(4)])["good"]
    assert few["decides"] == "nothing" and few["verdict"] == "undecided" and few["more"] == 6
    assert few["corrected"]["reason"] == "too few labels: 6 more labels may decide"
    assert rows([])["bad"]["more"] == 10


def test_slices_weigh_as_many_prompts_as_they_have() -> None:
    """Ten prompts of one slice, of which two are labelled, and two of another, both labelled."""
    pools = {"good": {f"e{n}": pool("good", n, alike=False) for n in range(12)}}
    pairs = [
        DrawnPair("good", f"e{n}", "large" if n < 2 else "small", 0.2 if n < 2 else 1.0,
                  ("good", 0, f"good{n}"), ("base", 0, f"base{n}"), "A")
        for n in (0, 1, 10, 11)
    ]  # fmt: skip
    votes = [Vote(0, "ann", "A"), Vote(1, "ann", "A"), Vote(2, "ann", "B"), Vote(3, "ann", "B")]
    clusters = {f"e{n}": f"e{n}" for n in range(12)}
    (row,) = people_rows(pools, pairs, votes, Evaluator("exam", VALUES), clusters)
    assert row["labelled"]["value"] == pytest.approx(10 / 12)
    (skipped,) = people_rows(pools, pairs, votes[1:], Evaluator("exam", VALUES), clusters)
    assert skipped["labelled"]["value"] == pytest.approx(10 / 12)
