"""Against base: what a judge of pairs says of an arm's responses and base's to the same prompts.

A response meets base's of the same seed and number, so that the calls grow with the responses and
not with their square. A pair counts by what the judge says of it in both orders: where these
disagree it is inconsistent, a tie whose number is shown (Zheng et al. 2023, "Judging LLM-as-a-
Judge", section 3.4); two responses with one text are a tie that nobody is asked about; a pair
without a verdict in either order is a failure, and never a tie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.evaluate.clusters import clusters_of
from harness.evaluate.differences import difference_of, mean_over, numbers
from harness.evaluate.scores import EvaluatorInfo, Scored, coverage_of
from harness.evaluate.style import FEATURES, characters, style_of
from harness.evaluate.verdicts import Difference
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response
from harness.ratings.both_orders import combine_orders
from harness.ratings.positions import MOST
from harness.statistics.intervals import clustered_mean
from harness.statistics.win_rates import at_equal_length, at_equal_style

EVEN = 0.5
"""The win rate of a policy that is no better and no worse than base."""

_FAILED = frozenset(status.value for status in Status if status is not Status.OK)
_WORTH = {"A": 1.0, "TIE": EVEN, "B": 0.0}

Question = tuple[str, str, str]
"""Item and both texts, the arm's first: what two arms said alike is one question."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """A response of a policy, and base's to the same item.

    Args:
        item: What was asked.
        cluster: Group of the item.
        policy: Who wrote the first.
        seed: Of the policy.
        base_seed: Of base.
        number: Of the response among the policy's to this item.
        mine: The policy's response; None where there is none.
        theirs: Base's; likewise.
    """

    item: Item
    cluster: str
    policy: str
    seed: int
    base_seed: int
    number: int
    mine: Response | None
    theirs: Response | None

    @property
    def failure(self) -> Status | None:
        """Why there is nothing to ask: a response never came; None where both did."""
        for one in (self.mine, self.theirs):
            if one is None:
                return Status.MISSING
            if (said := one.metadata.get("status")) in _FAILED:
                return Status(said)
        return None

    @property
    def question(self) -> Question:
        """What is asked, where both came."""
        assert self.mine is not None and self.theirs is not None
        return self.item.id, self.mine.text, self.theirs.text

    @property
    def is_open(self) -> bool:
        """Whether somebody must be asked: both responses came, and they differ."""
        return self.failure is None and self.question[1] != self.question[2]


def pairings(
    items: Sequence[Item], responses: Mapping[tuple[str, int], Sequence[Response]], base: str
) -> list[Pairing]:
    """Pair each response of each policy with base's to the same item, of the same seed and number.

    Where base has no such seed its seeds take turns, and so do its responses where it has fewer.
    An item that one of both has no response to is a pairing without it.
    """
    theirs = {seed: _by_item(found) for (name, seed), found in responses.items() if name == base}
    turns: Counter[str] = Counter()
    clusters = clusters_of(items)
    found = list[Pairing]()
    for (policy, seed), answers in responses.items():
        if policy == base or not theirs:
            continue
        base_seed = seed if seed in theirs else list(theirs)[turns[policy] % len(theirs)]
        turns[policy] += 1
        mine = _by_item(answers)
        for item in items:
            ours: Sequence[Response | None] = mine.get(item.id) or [None]
            others: Sequence[Response | None] = theirs[base_seed].get(item.id) or [None]
            found += [
                Pairing(
                    item,
                    clusters[item.id],
                    policy,
                    seed,
                    base_seed,
                    n,
                    one,
                    others[n % len(others)],
                )
                for n, one in enumerate(ours)
            ]
    return found


def _by_item(responses: Iterable[Response]) -> dict[str, list[Response]]:
    found: dict[str, list[Response]] = {}
    for response in responses:
        found.setdefault(response.item_id, []).append(response)
    return found


@dataclass(frozen=True, slots=True)
class Met:
    """What became of a pair.

    Args:
        pairing: Which.
        value: 1 where the policy's response is preferred, 0 where base's is, one half for a tie;
            None where there is no verdict.
        status: Why there is none.
        asked: Whether somebody was asked.
        turned: Whether a verdict turned with the order.
        cost_usd: Its part of what its question cost, in dollars.
        judgments: Likewise of the judgments on it.
    """

    pairing: Pairing
    value: float | None
    status: Status = Status.OK
    asked: bool = True
    turned: bool = False
    cost_usd: float = 0.0
    judgments: float = 0.0

    @property
    def inconsistent(self) -> bool:
        """Whether it is a tie because the orders disagree."""
        return self.turned and self.value == EVEN

    @property
    def gap(self) -> float:
        """Characters of the policy's response less those of base's."""
        mine, theirs = self.pairing.mine, self.pairing.theirs
        return float(characters(mine.text) - characters(theirs.text)) if mine and theirs else 0.0


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of one question.

    Args:
        judgments: In both orders, A being the arm's response.
        cost_usd: What asking it cost, in dollars.
        asked: How many judgments that took.
    """

    judgments: Sequence[Judgment]
    cost_usd: float = 0.0
    asked: float = 0.0


def meet(pairs: Iterable[Pairing], said: Mapping[Question, Said]) -> list[Met]:
    """Return what became of each pair.

    The verdicts of several annotators or samples are one by their majority, each being its own in
    both orders. A verdict in one order only is none; where those without a verdict could have
    turned the majority, or made a tie of it, there is none. Where those whose verdict turned with
    the order could have, it is a tie that is inconsistent.

    Args:
        pairs: All of them.
        said: By question; what it cost is shared by the pairs that are that question.
    """
    found = list(pairs)
    shared = Counter(pair.question for pair in found if pair.is_open)
    return [_met(pair, said, shared) for pair in found]


def _met(pair: Pairing, said: Mapping[Question, Said], shared: Counter[Question]) -> Met:
    if pair.failure is not None:
        return Met(pair, None, pair.failure, asked=False)
    if not pair.is_open:
        return Met(pair, EVEN, asked=False)
    heard = said.get(pair.question, Said(()))
    times = shared[pair.question]
    cost, judgments = heard.cost_usd / times, heard.asked / times
    votes = combine_orders(heard.judgments)
    whole = [vote for vote in votes if vote.choice is not None and vote.orders == 2]
    worth = [EVEN if vote.flipped else _WORTH[str(vote.choice)] for vote in whole]
    lead, lost = sum(worth) - EVEN * len(worth), len(votes) - len(whole)
    # Those who have no vote could have said anything: nothing is decided that they could undo.
    if not whole or (lost and abs(lead) <= EVEN * lost):
        statuses = Counter(
            one.verdict.status for one in heard.judgments if one.verdict.status is not Status.OK
        )
        status = min(statuses, key=lambda s: (-statuses[s], s.value), default=Status.MISSING)
        return Met(pair, None, status, cost_usd=cost, judgments=judgments)
    turned = sum(bool(vote.flipped) for vote in whole)
    # A vote that turned with the order stands for nothing either: it could have been anybody's.
    value = EVEN if abs(lead) <= EVEN * turned else 1.0 if lead > 0 else 0.0
    return Met(pair, value, turned=turned > 0, cost_usd=cost, judgments=judgments)


def scored(met: Iterable[Met]) -> list[Scored]:
    """Return the pairs of a policy as scores: the win rate is their mean."""
    return [
        Scored(
            one.pairing.item.id,
            one.pairing.cluster,
            one.pairing.policy,
            one.pairing.seed,
            one.value,
            one.status,
            answered=one.pairing.mine is not None and one.pairing.theirs is not None,
        )
        for one in met
    ]


def from_even(
    met: Sequence[Met], margin: float | None, base_trained: bool
) -> tuple[Difference, dict[str, Any]]:
    """Return how far a policy's win rate against base is from one half.

    It is a difference like every other: one to a base whose score is one half at each item. Pairs
    without a verdict are all the policy's, so that they are taken at the worst in full. Of the
    margin, half of the share of inconsistent pairs is taken off: so far they could move the rate,
    and a judge that goes by the place alone shows that nothing differs of no two policies.

    Args:
        met: The pairs of the policy.
        margin: A win rate within this of one half counts as none.
        base_trained: Whether base's seeds are trainings.
    """
    even = [
        Scored(row.item_id, row.cluster, "", one.pairing.base_seed, EVEN, Status.OK)
        for one, row in zip(met, scored(met), strict=True)
    ]
    known = [one for one in met if one.value is not None]
    if margin is not None and known:
        margin -= sum(one.inconsistent for one in known) / len(known) / 2
        margin = margin if margin > 0 else None
    bounds = (-EVEN, EVEN)
    found, between = difference_of(scored(met), even, margin, (True, base_trained), bounds)
    return found, {**between, "n": len(known)}


def goes_by_place(met: Iterable[Met]) -> bool:
    """Tell whether most of the pairs that somebody was asked about are inconsistent.

    What such a judge could have seen is not known: it hardly looks at the responses.
    """
    asked = [one for one in met if one.asked and one.value is not None]
    return sum(one.inconsistent for one in asked) > MOST * len(asked)


def base_row(evaluator: EvaluatorInfo, base: str) -> dict[str, Any]:
    """Return the score row of base, which a judge of pairs compares with itself."""
    return {
        "evaluator": evaluator.name,
        "policy": base,
        "held_out": None if evaluator.held_out_for is None else True,
        "same_rule": [],
        "value": EVEN,
        "low": None,
        "high": None,
        "interval_over": None,
        "reason": "the others are compared with it",
        "trainings": {"low": None, "high": None},
        **coverage_of(()),
        "clusters": 0,
        "seeds": [],
        "seed_sd": None,
        "difference": None,
    }


def against_base_row(
    evaluator: EvaluatorInfo, policy: str, met: Sequence[Met], base_trained: bool
) -> dict[str, Any]:
    """Return all that pairs show of a policy and base, beside its row in ``scores``.

    Args:
        evaluator: Who judged.
        policy: Whose pairs they are.
        met: The pairs.
        base_trained: Whether base's seeds are trainings.
    """
    known = [(one, one.value) for one in met if one.value is not None]
    outcomes = np.array([{1.0: 0, EVEN: 1, 0.0: 2}[value] for _, value in known], dtype=np.int64)
    wins, ties, losses = np.bincount(outcomes, minlength=3).tolist()
    clusters = [one.pairing.cluster for one, _ in known]
    groups = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    seeds = [
        np.array([one.pairing.seed for one, _ in known], dtype=np.int64),
        np.array([one.pairing.base_seed for one, _ in known], dtype=np.int64),
    ]
    gap = np.array([one.gap for one, _ in known], dtype=np.float64)
    trained_by = [seeds[0], seeds[1] if base_trained else None]
    even = at_equal_length(outcomes, groups, gap, trained_by)
    over = mean_over(
        ((o.pairing.seed, c, v) for (o, v), c in zip(known, clusters, strict=True)), trained=True
    )
    styles = [
        np.array([style_of(one.text) for one in side], dtype=np.float64).reshape(-1, len(FEATURES))
        for side in (
            [o.pairing.mine for o, _ in known if o.pairing.mine],
            [o.pairing.theirs for o, _ in known if o.pairing.theirs],
        )
    ]
    in_style = at_equal_style(outcomes, groups, styles[0], styles[1], FEATURES, trained_by)
    asked = [(one, c) for (one, _), c in zip(known, clusters, strict=True) if one.asked]
    decided = [
        (float((value > EVEN) == (one.gap > 0)), c)
        for (one, value), c in zip(known, clusters, strict=True)
        if value != EVEN and one.gap != 0
    ]
    return {
        "evaluator": evaluator.name,
        "policy": policy,
        "way": evaluator.way,
        "pairs": len(met),
        "wins": wins,
        "ties": ties,
        "losses": losses,
        "alike": sum(not one.asked for one, _ in known),
        "inconsistent": sum(one.inconsistent for one, _ in known),
        **numbers(over, "n", "clusters", "reason"),
        "seeds": over.seeds,
        "trainings": {"low": over.trainings.low, "high": over.trainings.high},
        "failures": coverage_of(scored(met))["failures"],
        "unanswered": coverage_of(scored(met))["unanswered"],
        "length_controlled": numbers(even, "reason"),
        **(
            {"style_controlled": numbers(in_style, "n", "reason")}
            if any(side[:, 1:].any() for side in styles)
            else {}
        ),
        "turned": _share([(float(one.turned), c) for one, c in asked]),
        "longer": _share(decided),
        "judgments": round(sum(one.judgments for one in met), 6),
        "cost_usd": sum(one.cost_usd for one in met),
    }


def _share(rows: Sequence[tuple[float, str]]) -> dict[str, Any]:
    found = clustered_mean([value for value, _ in rows], [cluster for _, cluster in rows])
    return found.numbers("n", "reason")
