"""What a difference is called: one rule, for tables, findings and every other reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.evaluate.missing import Missing, Worst
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import holm
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
    """

    seeded: Seeded
    margin: float | None = None
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """A difference over prompts, or over seeds and prompts, with what holds at the worst."""

    seeded: Seeded
    margin: float | None
    worst: Worst | None

    @property
    def estimate(self) -> Estimate:
        return self.seeded.estimate

    @property
    def p(self) -> float | None:
        """Of "no difference", at the worst that responses without a score can do."""
        own, worst = self.estimate.p, self.worst
        if own is None or worst is None or self.estimate.value is None:
            return own
        return max(own, worst.p(self.estimate.value))

    @property
    def p_same(self) -> float | None:
        """Of "outside of the margin"; None without one."""
        if self.margin is None:
            return None
        found = [self.seeded.p_beyond(self.margin)]
        if self.worst is not None:
            found += [end.p_beyond(self.margin) for end in (self.worst.lowest, self.worst.highest)]
        known = [p for p in found if p is not None]
        return max(known) if len(known) == len(found) else None

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

    Returns:
        For each: ``value``, ``low``, ``high``, ``interval_over``, ``reason``, ``n``, ``clusters``,
        ``seeds``, ``p``, ``p_holm``, ``mdd``, ``verdict``, ``failures`` and ``trainings`` with its
        own ``low``, ``high``, ``p``, ``p_holm``, ``mdd`` and ``verdict``.
    """
    whole, those = [], []
    for one in differences:
        alone, lost = one.seeded.alone(), one.missing
        whole.append(_Case(one.seeded, one.margin, lost.worst if lost else None))
        those.append(_Case(alone, one.margin, lost.alone if lost else None))
    rows = []
    for one, all_, own in zip(differences, _settled(whole), _settled(those), strict=True):
        if one.seeded.seeds is not None and one.seeded.seeds < FEWEST_SEEDS:
            kept = own["verdict"] in ("undecidable", "unknown")
            all_ |= {"mdd": None, "verdict": own["verdict"] if kept else "unclear"}
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
    adjusted = holm([case.p for case in cases])
    same = holm([case.p_same for case in cases])
    family = sum(case.p is not None for case in cases)
    return [
        {
            "low": case.estimate.low,
            "high": case.estimate.high,
            "p": case.p,
            "p_holm": p,
            "mdd": case.seeded.mdd(ALPHA / family) if family else None,
            "verdict": case.verdict(p, p_same),
        }
        for case, p, p_same in zip(cases, adjusted, same, strict=True)
    ]
