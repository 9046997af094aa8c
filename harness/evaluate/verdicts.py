"""What a difference is called: one rule, for tables, findings and every other reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.evaluate.missing import Missing, Worst
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import holm
from harness.statistics.one_more import (
    REACH,
    least_with_one_more,
    p_beyond_with_one_more,
    p_with_one_more,
)
from harness.statistics.seeds import FEWEST_SEEDS, Seeded

Verdict = Literal["raised", "lowered", "unchanged", "unclear", "undecidable", "unknown"]

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two policies on one evaluator, before its family is known.

    Args:
        seeded: Over the items that both have a score for.
        margin: A change within this of zero counts as none; None where nobody declared one.
        missing: What responses without a score could do to it; None where there is none.
        reach: How far from zero it can be at one prompt.
    """

    seeded: Seeded
    margin: float | None = None
    missing: Missing | None = None
    reach: float = REACH


@dataclass(frozen=True, slots=True)
class _Case:
    """A difference over prompts, or over seeds and prompts, with what holds at the worst."""

    seeded: Seeded
    margin: float | None
    worst: Worst | None
    reach: float = REACH

    @property
    def estimate(self) -> Estimate:
        return self.seeded.estimate

    @property
    def unguarded(self) -> tuple[float | None, float | None]:
        """The p of "no difference" and of "outside of the margin", but for one prompt more.

        Both are at the worst that responses without a score can do.
        """
        own, worst = self.estimate.p, self.worst
        if own is not None and worst is not None and self.estimate.value is not None:
            own = max(own, worst.p(self.estimate.value))
        if self.margin is None:
            return own, None
        found = [self.seeded.p_beyond(self.margin)]
        if worst is not None:
            found += [end.p_beyond(self.margin) for end in (worst.lowest, worst.highest)]
        known = [p for p in found if p is not None]
        return own, max(known) if len(known) == len(found) else None

    @property
    def guarded(self) -> tuple[float | None, float | None]:
        """The same with one more prompt of the worst kind, each the larger of both."""
        own, same = self.unguarded
        if own is not None:
            own = max(own, p_with_one_more(self.seeded, self.reach) or 0.0)
        if same is not None and self.margin is not None:
            beyond = p_beyond_with_one_more(self.seeded, self.margin, self.reach)
            same = max(same, beyond or 0.0)
        return own, same

    def mdd(self, level: float) -> float | None:
        """Return the smallest true difference that would be found with power .8."""
        if self.seeded.estimate.low is None:
            return None
        found = self.seeded.mdd(level), least_with_one_more(self.seeded, level, self.reach)
        return None if found[1] is None else max(found[0] or 0.0, found[1])

    def verdict(self, p: float | None, p_same: float | None) -> Verdict:
        """Return the word, from p-values that allow for the whole family."""
        ends = self.estimate.numbers()
        allowed = self.margin if p_same is not None and p_same < ALPHA else None
        word = verdict_of(ends, p, allowed)
        if word == "unclear" and self.worst is not None and self.worst.holds_zero:
            if self.worst.far or ends["low"] > 0 or ends["high"] < 0:
                return "undecidable"
        return word


def verdict_of(found: Mapping[str, Any], p: float | None, margin: float | None = None) -> Verdict:
    """Return the word for an interval and a p-value that allows for its family.

    Args:
        found: ``value``, ``low`` and ``high``.
        p: Of "no difference".
        margin: A change within this of zero counts as none; None where none was declared.
    """
    low, high = found["low"], found["high"]
    if found["value"] is None or low is None or high is None:
        return "unknown"
    if p is not None and p < ALPHA and (low > 0 or high < 0):
        return "raised" if low > 0 else "lowered"
    return "unchanged" if margin is not None and -margin < low and high < margin else "unclear"


def told(differences: Sequence[Difference]) -> list[dict[str, Any]]:
    """Return the numbers and the verdict on each difference of one family.

    Raised and lowered need an interval without zero and a p-value below .05 by Holm's method over
    the family, unchanged the same of a test against the declared margin. Both are of the method
    only with three trainings or more; ``trainings`` holds what is true of those that there are.

    All three have to stand with one more prompt of the worst kind
    (:mod:`harness.statistics.one_more`), which is in the p-values.

    Returns:
        For each: ``value``, ``low``, ``high``, ``interval_over``, ``reason``, ``n``, ``clusters``,
        ``seeds``, ``p``, ``p_holm``, ``mdd``, ``verdict``, ``one_more`` (the verdict that only one
        more prompt of the worst kind stands against), ``failures`` and ``trainings`` with its own
        ``low``, ``high``, ``p``, ``p_holm``, ``mdd``, ``verdict`` and ``one_more``.
    """
    whole, those = [], []
    for one in differences:
        alone, lost = one.seeded.alone(), one.missing
        whole.append(_Case(one.seeded, one.margin, lost.worst if lost else None, one.reach))
        those.append(_Case(alone, one.margin, lost.alone if lost else None, one.reach))
    rows = []
    for one, all_, own in zip(differences, _settled(whole), _settled(those), strict=True):
        if one.seeded.seeds is not None and one.seeded.seeds < FEWEST_SEEDS:
            kept = own["verdict"] in ("undecidable", "unknown")
            word = own["verdict"] if kept else "unclear"
            all_ |= {"mdd": None, "verdict": word, "one_more": None}
        rows.append(
            {
                **one.seeded.estimate.numbers("n", "clusters", "reason"),
                **all_,
                "interval_over": one.seeded.over,
                "seeds": one.seeded.seeds,
                "failures": None if one.missing is None else one.missing.row(),
                "trainings": own,
            }
        )
    return rows


def _settled(cases: Sequence[_Case]) -> list[dict[str, Any]]:
    bare, found = [one.unguarded for one in cases], [one.guarded for one in cases]
    words = _words(cases, bare)
    adjusted = holm([p for p, _ in found])
    family = sum(p is not None for p in adjusted)
    return [
        {
            "low": case.estimate.low,
            "high": case.estimate.high,
            "p": p,
            "p_holm": p_holm,
            "mdd": case.mdd(ALPHA / family) if family else None,
            "verdict": word,
            "one_more": before if word == "unclear" and before != "unclear" else None,
        }
        for case, (p, _), p_holm, word, before in zip(
            cases, found, adjusted, _words(cases, found), words, strict=True
        )
    ]


def _words(
    cases: Sequence[_Case], found: Sequence[tuple[float | None, float | None]]
) -> list[Verdict]:
    """Return the verdicts by p-values of no difference and of one beyond the margin."""
    families = (holm([p for p, _ in found]), holm([same for _, same in found]))
    return [case.verdict(p, same) for case, p, same in zip(cases, *families, strict=True)]
