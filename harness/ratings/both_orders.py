"""One vote for each pair that a judge saw in both orders; pure, below all stages.

A judge that prefers whatever stands first says nothing about the answers, so the two verdicts of
one annotator on one pair are combined before anything else is done with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment

Choice = Literal["A", "TIE", "B"]

WORTH: Mapping[object, float] = {"A": 1.0, "TIE": 0.5, "B": 0.0}
"""P(A is preferred) that a verdict without a stated probability stands for."""

MARGIN = "tie_margin"
"""In the metadata of a judgment: a pair whose P(A) is nearer to one half than this is a tie."""

T = TypeVar("T")

ONE_ORDER_FAILED = "failed in one order"


@dataclass(frozen=True, slots=True)
class Vote:
    """What one annotator said of one pair, after both orders are combined.

    Args:
        request_id: The pair.
        source: The feedback source.
        annotator: The annotator inside the source.
        repeat: Index of the sample.
        choice: A, TIE or B in the request's own order; None when there is no vote.
        probability: Probability that A is preferred; 1, 1/2 or 0 when no verdict stated one.
        orders: Number of orders with a verdict, 0 to 2.
        flipped: Whether the verdict changed with the order; None unless both orders have one.
        stated: Whether the probability comes from probabilities that the verdicts stated.
        failure: Why there is no vote; empty when there is one.
    """

    request_id: str
    source: str
    annotator: str
    repeat: int
    choice: Choice | None
    probability: float | None
    orders: int
    flipped: bool | None = None
    failure: str = ""
    stated: bool = False


def one_of_two(first: T, second: T, tie: T) -> T:
    """Return the one verdict of two orders: equal ones stand, unequal ones are a tie."""
    return first if first == second else tie


def combine_orders(judgments: Iterable[Judgment]) -> list[Vote]:
    """Combine the AB and BA verdicts of each (request, source, annotator, repeat) to one vote.

    Verdicts with probabilities are averaged and the likelier answer is chosen (Lee et al. 2023,
    RLAIF, section 2.1). Without them, equal verdicts stand and unequal ones are a tie that keeps
    its flag (Zheng et al. 2023, section 3.4). Where one of two orders failed there is no vote:
    the other verdict may be nothing but a preference for a place. A source that was asked in one
    order only (people, or a judge so configured) keeps its verdict.

    Args:
        judgments: Pairwise judgments, their values already in the request's own order.

    Returns:
        One vote for each group, in order of first appearance.
    """
    groups: dict[tuple[str, str, str, int], list[Judgment]] = {}
    for judgment in judgments:
        key = (judgment.request_id, judgment.source, judgment.annotator, judgment.repeat)
        groups.setdefault(key, []).append(judgment)
    return [_vote(key, group) for key, group in groups.items()]


def _vote(key: tuple[str, str, str, int], group: list[Judgment]) -> Vote:
    latest = {judgment.order: judgment.verdict for judgment in group}
    valid = [verdict for verdict in latest.values() if verdict.status is Status.OK]
    failed = [verdict.status.value for verdict in latest.values() if verdict.status != Status.OK]
    if failed:
        reason = ONE_ORDER_FAILED if valid else failed[0]
        return Vote(*key, None, None, len(valid), failure=reason)
    choices = [_choice(verdict.value) for verdict in valid]
    stated = [verdict.probability for verdict in valid]
    known = [p for p in stated if p is not None]
    margin = max(_margin(judgment) for judgment in group)
    if len(valid) == 1:
        mean = known[0] if known else WORTH[choices[0]]
        choice = likelier(mean, margin) if known and margin else choices[0]
        return Vote(*key, choice, mean, 1, stated=bool(known))
    flipped = len(set(choices)) > 1
    if len(known) == len(valid):
        mean = sum(known) / len(known)
        return Vote(*key, likelier(mean, margin), mean, len(valid), flipped, stated=True)
    choice = one_of_two(choices[0], choices[1], "TIE")
    mean = sum(WORTH[c] if p is None else p for c, p in zip(choices, stated, strict=True))
    return Vote(*key, choice, 0.5 if flipped else mean / len(valid), len(valid), flipped)


def _choice(value: object) -> Choice:
    if value in ("A", "TIE", "B"):
        return value
    raise ValueError(f"a pairwise verdict is A, B or TIE, got {value!r}")


def _margin(judgment: Judgment) -> float:
    margin = judgment.metadata.get(MARGIN, 0.0)
    return float(margin) if isinstance(margin, int | float) else 0.0


def likelier(probability: float, margin: float = 0.0) -> Choice:
    """Return the choice that P(A) amounts to; one half, and what is so near to it, is a tie."""
    if abs(probability - 0.5) < margin + 1e-12:
        return "TIE"
    return "A" if probability > 0.5 else "B"


def at_temperature(probability: float, temperature: float) -> float:
    """Return a probability with its log-odds divided by a temperature (Guo et al. 2017)."""
    if not 0 < probability < 1:
        return probability
    odds = math.log(probability / (1 - probability)) / temperature
    return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
