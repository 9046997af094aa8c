"""Which verdicts of a judge may stand without a person? (Jung et al. 2024, Trust or Escalate)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from harness.nouns.schema import Judgment
from harness.ratings.both_orders import Vote, combine_orders, likelier
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.crossing import most_errors, uniform_level
from harness.statistics.estimate import Estimate, not_applicable
from harness.statistics.intervals import clopper_pearson_upper, wilson

FEWEST = 30


MOST_THRESHOLDS = 30
"""Thresholds that are tried."""

FEW_THRESHOLDS = 3
"""Up to so many are tried from the highest confidence down until one fails."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The confidence from which verdicts stand.

    Args:
        confidence: Smallest stated probability that is accepted, in as few digits (three or more)
            as tell it from the next lower one; None where none is safe.
        accepted: Verdicts at or above it.
        wrong: Those of them that were wrong.
        n: All verdicts.
        risk: Exact upper bound of the share of wrong ones among the accepted, which holds for all
            thresholds that were tried at once.
    """

    confidence: float | None
    accepted: int
    wrong: int
    n: int
    risk: float | None


def selective_threshold(
    stated: FloatArray, right: FloatArray, alpha: float, delta: float = 0.1
) -> Threshold:
    """Return the lowest confidence at which the risk is at most alpha with probability 1 - delta.

    The thresholds are chosen without a look at the outcomes: the confidences above which evenly
    rising shares of the verdicts lie, from the fewest that could pass. Up to three of them are
    tested from the highest down until one fails (fixed sequence). More are tested all at once: an
    early error would end a sequence at a small part of what is safe.

    Args:
        stated: (n,) stated probability of being right.
        right: (n,) 1 where the verdict was right.
        alpha: Largest share of wrong verdicts among the accepted.
        delta: Chance that the promise fails.
    """
    nothing = Threshold(None, 0, 0, stated.size, None)
    order = np.argsort(-stated, kind="stable")
    confidence, wrong = stated[order], np.cumsum(1 - right[order]).astype(np.int64)
    sizes = sizes_to_try(confidence, alpha, delta)
    search = _in_sequence if sizes.size <= FEW_THRESHOLDS else _all_at_once
    best, level = search(sizes, wrong[sizes - 1], alpha, delta)
    if not best:
        return nothing
    misses = int(wrong[best - 1])
    below = float(confidence[best]) if best < stated.size else -np.inf
    risk = clopper_pearson_upper(misses, best, level)
    lowest = _in_few_digits(float(confidence[best - 1]), below)
    return Threshold(lowest, best, misses, stated.size, risk)


def _in_sequence(sizes: IntArray, wrong: IntArray, alpha: float, delta: float) -> tuple[int, float]:
    """Return the last size that passes before one fails, 0 where none does, and its level."""
    passed = wrong <= most_errors(sizes, alpha, delta)
    number = int(np.argmin(passed)) if not passed.all() else passed.size
    return (int(sizes[number - 1]) if number else 0), delta


def _all_at_once(sizes: IntArray, wrong: IntArray, alpha: float, delta: float) -> tuple[int, float]:
    """Return the largest size that passes, 0 where none does, and the level of its test.

    All are tested at one level, at which any that is not safe passes with a chance of delta; those
    that pass are set aside, and the rest tested again at its own level, until none passes
    (step-down; Romano & Wolf 2005, JASA 100:94).
    """
    best, level, left = 0, delta, np.arange(sizes.size)
    while left.size:
        tried = uniform_level(sizes[left], alpha, delta)
        passed = wrong[left] <= most_errors(sizes[left], alpha, tried)
        if not passed.any():
            break
        if (largest := int(sizes[left[passed]].max())) > best:
            best, level = largest, tried
        left = left[~passed]
    return best, level


def fewest(alpha: float, delta: float) -> int:
    """Return how many verdicts, all right, the least accepted set needs."""
    return max(1, int(np.ceil(np.log(delta) / np.log(1 - alpha) - 1e-9)))


def sizes_to_try(confidence: FloatArray, alpha: float, delta: float) -> IntArray:
    """Return how many verdicts lie above each threshold, from falling confidences.

    Verdicts with the same confidence are accepted together.
    """
    least = fewest(alpha, delta)
    if confidence.size < least:
        return np.zeros(0, dtype=np.int64)
    ends = np.flatnonzero(np.append(confidence[:-1] != confidence[1:], True)) + 1
    even = np.linspace(least, confidence.size, MOST_THRESHOLDS).round().astype(np.int64)
    return np.unique(ends[np.searchsorted(ends, even)])


def _in_few_digits(confidence: float, below: float) -> float:
    """Return the confidence rounded down, above the next lower one."""
    for digits in range(3, 16):
        rounded = np.floor(confidence * 10**digits + 1e-9) / 10**digits
        if below < rounded <= confidence:
            return float(rounded)
    return confidence


@dataclass(frozen=True, slots=True)
class StatedVerdict:
    """What a source says about a pair over both orders, samples and members.

    Args:
        value: A or B.
        probability: Stated probability that the value is right, at least one half.
        source: Who says so; several with commas between.
    """

    value: str
    probability: float
    source: str


@dataclass(frozen=True, slots=True)
class Split:
    """Pairs whose verdict stands, and those that need a better judge; by request id.

    Args:
        threshold: The confidence from which verdicts stand.
        labelled: Verdicts that the threshold was calibrated on.
        unstated: Labelled pairs without such a verdict: it failed, is a tie, or states nothing.
        accepted: Verdicts that stand.
        left: Pairs without a verdict that stands.
    """

    threshold: Threshold
    labelled: int
    unstated: int
    accepted: Mapping[str, StatedVerdict]
    left: tuple[str, ...]


def stated_verdicts(judgments: Iterable[Judgment]) -> dict[str, StatedVerdict | None]:
    """Return what each pair's votes say together: their mean probability is the stated one.

    None where a vote failed or states no probability, or where the mean is one half: nothing that
    could be accepted.
    """
    pooled: dict[str, list[Vote]] = {}
    for vote in combine_orders(judgments):
        pooled.setdefault(vote.request_id, []).append(vote)
    found: dict[str, StatedVerdict | None] = {}
    for request, votes in pooled.items():
        known = [v.probability for v in votes if v.probability is not None]
        mean = sum(known) / len(votes)
        value = likelier(mean)
        sure = len(known) == len(votes) and value != "TIE"
        sources = dict.fromkeys(vote.source for vote in votes)
        found[request] = (
            StatedVerdict(value, max(mean, 1 - mean), ", ".join(sources)) if sure else None
        )
    return found


def split_by_confidence(
    judgments: Iterable[Judgment], truth: Mapping[str, str], alpha: float = 0.1, delta: float = 0.1
) -> Split:
    """Accept the verdicts on pairs that are confident enough, by a threshold from labelled ones.

    ``truth`` is A, B or TIE by request id, for some of the pairs; ``alpha`` and ``delta`` as of
    ``selective_threshold``.
    """
    stated = stated_verdicts(judgments)
    known = {request: verdict for request, verdict in stated.items() if verdict is not None}
    labelled = [request for request in known if request in truth]
    confidence = np.array([known[r].probability for r in labelled])
    right = np.array([float(known[r].value == truth[r]) for r in labelled])
    threshold = selective_threshold(confidence, right, alpha, delta)
    limit = threshold.confidence
    accepted = {
        r: verdict
        for r, verdict in known.items()
        if limit is not None and verdict.probability >= limit
    }
    left = tuple(request for request in stated if request not in accepted)
    unstated = sum(request in truth for request in stated) - len(labelled)
    return Split(threshold, len(labelled), unstated, accepted, left)


def cascade(
    stated: FloatArray, right: FloatArray, annotator: str, alpha: float = 0.1, delta: float = 0.1
) -> list[Estimate]:
    """Return the threshold, what share of verdicts stands, and their risk.

    ``stated`` and ``right`` as of ``calibration``; ``alpha`` and ``delta`` as of
    ``selective_threshold``.
    """
    usable = ~(np.isnan(stated) | np.isnan(right))
    n = int(usable.sum())
    if n < FEWEST:
        reason = f"{n} verdicts with a probability, needs {FEWEST}"
        return [not_applicable("cascade_coverage", annotator, reason, n)]
    found = selective_threshold(stated[usable], right[usable], alpha, delta)
    promise = f"risk at most {alpha:g} with probability {1 - delta:g}"
    if found.confidence is None or found.risk is None:
        reason = f"no threshold keeps the {promise}: every verdict needs a person"
        return [not_applicable("cascade_coverage", annotator, reason, n)]
    low, high = wilson(found.accepted, n)
    share = Estimate(
        found.accepted / n, low, high, n, n, name="cascade_coverage", annotators=annotator,
        reason=f"verdicts with confidence >= {found.confidence} stand; {promise}",
    )  # fmt: skip
    risk = Estimate(
        found.wrong / found.accepted, 0.0, found.risk, found.accepted, found.accepted,
        name="cascade_risk", annotators=annotator,
        reason="upper end: Clopper-Pearson, one-sided, for all thresholds at once",
    )  # fmt: skip
    return [share, risk]
