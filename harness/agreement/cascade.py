"""Which verdicts of a judge may stand without a person? (Jung et al. 2024, Trust or Escalate)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from harness.nouns.schema import Judgment
from harness.ratings.both_orders import Vote, combine_orders, likelier
from harness.statistics.arrays import FloatArray
from harness.statistics.estimate import Estimate, not_applicable
from harness.statistics.intervals import clopper_pearson_upper, wilson

FEWEST = 30


@dataclass(frozen=True, slots=True)
class Threshold:
    """The confidence from which verdicts stand.

    Args:
        confidence: Smallest stated probability that is accepted; None where none is safe.
        accepted: Verdicts at or above it.
        wrong: Those of them that were wrong.
        n: All verdicts.
        risk: Exact upper bound of the share of wrong ones among the accepted.
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

    Thresholds are tried from the highest down; the first whose Clopper-Pearson upper bound passes
    alpha ends the sequence, so no correction for several tests is needed (fixed-sequence testing).
    Thresholds with too few verdicts to be able to pass are skipped beforehand, without a look at
    the outcomes.

    Args:
        stated: (n,) stated probability of being right.
        right: (n,) 1 where the verdict was right.
        alpha: Largest share of wrong verdicts among the accepted.
        delta: Chance that the promise fails.
    """
    if not stated.size:
        return Threshold(None, 0, 0, 0, None)
    order = np.argsort(-stated, kind="stable")
    confidence, wrong = stated[order], np.cumsum(1 - right[order])
    # Verdicts with the same confidence are accepted together.
    ends = np.flatnonzero(np.append(confidence[:-1] != confidence[1:], True))
    best = Threshold(None, 0, 0, stated.size, None)
    for end in ends:
        n, misses = int(end) + 1, int(wrong[end])
        if clopper_pearson_upper(0, n, delta) > alpha:
            continue
        upper = clopper_pearson_upper(misses, n, delta)
        if upper > alpha:
            break
        best = Threshold(float(confidence[end]), n, misses, stated.size, upper)
    return best


@dataclass(frozen=True, slots=True)
class StatedVerdict:
    """What a source says about a pair over both orders, samples and members.

    Args:
        value: A or B.
        probability: Stated probability that the value is right, at least one half.
        source: Who says so.
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
        accepted: Verdicts that stand.
        left: Pairs without a verdict that stands.
    """

    threshold: Threshold
    labelled: int
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
        found[request] = (
            StatedVerdict(value, max(mean, 1 - mean), votes[0].source) if sure else None
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
    return Split(threshold, len(labelled), accepted, left)


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
        reason=f"verdicts with confidence >= {found.confidence:.3f} stand; {promise}",
    )  # fmt: skip
    risk = Estimate(
        found.wrong / found.accepted, 0.0, found.risk, found.accepted, found.accepted,
        name="cascade_risk", annotators=annotator,
        reason="upper end: Clopper-Pearson, one-sided",
    )  # fmt: skip
    return [share, risk]
