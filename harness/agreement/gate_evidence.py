"""What a gate reads of a source: like with like, with the bounds that it decides by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from harness.agreement.accuracy import majority
from harness.agreement.alternative_annotator import replaced_bounds
from harness.agreement.calibration import error_bounds
from harness.agreement.gate import Measured
from harness.agreement.kappa import NOTHING_SHARED
from harness.agreement.probes import strength
from harness.agreement.settings import DEFAULT, Settings
from harness.nouns.gate import Gate
from harness.ratings.evidence import NOTHING, Evidence
from harness.ratings.table import MISSING, RatingTable
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.one_sided import (
    Bounds,
    kappa_bounds,
    lowest,
    mean_kappa_bounds,
    share_bounds,
)

Mask = npt.NDArray[np.bool_]

PEOPLE, GOLD = "people", "gold"
"""What the people of a table of labels are called together, and its gold column."""

NO_ORDERS = "no pair was judged in both orders"
NO_SINGLES = "nobody labelled single responses that it judged, too"


def measured(
    gate: Gate,
    table: RatingTable,
    evidence: Evidence = NOTHING,
    settings: Settings = DEFAULT,
) -> Measured:
    """Measure what a gate asks for.

    Those who are held to be right are the majority of the gate's ``against``, else of the settings'
    reference. A source with several annotators or samples counts as the one verdict that they are
    pooled to, the lowest where they are pooled in several ways; every gate reads that, but those of
    the order, the stated probabilities and the alternative annotator test, which are of annotators.
    Labels that chose the source (``Evidence.spent``) are left out.

    Args:
        gate: What is asked of which source.
        table: Ratings in which both have columns.
        evidence: Both orders, stated probabilities, pools, single responses.
        settings: The reference, and epsilon of the alternative annotator test.
    """
    found = _MEASURED[gate.statistic](_View(gate, table, evidence, settings))
    spent = int(evidence.spent.get(gate.source, np.zeros(1, dtype=bool)).sum())
    return replace(found, spent=spent) if spent and gate.measure.needs_people else found


class _View:
    """A source and those who are right, on the items of a gate."""

    def __init__(
        self, gate: Gate, table: RatingTable, evidence: Evidence, settings: Settings
    ) -> None:
        self.gate, self.table, self.evidence, self.settings = gate, table, evidence, settings
        self.people = gate.against or settings.reference
        self.inside = of_slice(gate.slice, table.slices, len(table.items))
        if gate.measure.needs_people and (spent := evidence.spent.get(gate.source)) is not None:
            self.inside = self.inside & ~spent
        self.clusters = table.clusters[self.inside]
        if self.people == GOLD and table.gold is not None and not self.columns(GOLD):
            truth = table.gold
        else:
            truth = majority(table.label_counts(self.columns(self.people)))
        self.truth = truth[self.inside]

    def columns(self, source: str) -> list[int]:
        """Return the columns of a source; without a name those of all people."""
        if not source:
            return list(self.table.humans)
        return [k for k, of in enumerate(self.table.source_names) if of == source]

    @property
    def verdicts(self) -> list[IntArray]:
        """What the source says, in each way in which its voices are pooled."""
        pools = [pool.codes for pool in self.evidence.pools.get(self.gate.source, ())]
        own = [self.table.codes[:, column] for column in self.columns(self.gate.source)]
        return [codes[self.inside] for codes in pools or own]

    def decided(self, codes: IntArray) -> Mask:
        """Return where there is a label that is no tie."""
        tie = MISSING if self.table.tie is None else self.table.tie
        return np.asarray((codes >= 0) & (codes != tie))

    def coverage(self, codes: IntArray) -> Bounds:
        """Return how much of what people decide is decided, too."""
        theirs = self.decided(self.truth)
        hits = self.decided(codes)[theirs].astype(np.float64)
        return share_bounds(hits, self.clusters[theirs], f"{self.people or 'nobody'} decides none")

    def found(self, bounds: Sequence[Bounds], voices: Mapping[str, float | None]) -> Measured:
        covered = [self.coverage(codes).value for codes in self.verdicts]
        known = [one for one in covered if one is not None]
        least = min(known) if known else None
        return Measured(lowest(bounds or [_none(NOTHING_SHARED)]), coverage=least, voices=voices)


def of_slice(name: str, slices: Sequence[str], n: int) -> Mask:
    """Return (n,) which items are of a slice; all of them where it has no name."""
    if not name:
        return np.ones(n, dtype=bool)
    return np.array([one == name for one in slices] or [False] * n, dtype=bool)


def _none(reason: str) -> Bounds:
    return Bounds(None, reason=reason)


def _kappa(view: _View) -> Measured:
    if view.gate.source == view.people:  # among themselves: the most that others can be asked for
        columns = [view.table.codes[:, k][view.inside] for k in view.columns(view.people)]
        return Measured(mean_kappa_bounds(columns, view.clusters))

    def bounds(codes: IntArray) -> Bounds:
        truth = view.truth
        if view.gate.pairs == "decided":
            both = view.decided(codes) & view.decided(truth)
            codes, truth = np.where(both, codes, MISSING), np.where(both, truth, MISSING)
        return kappa_bounds(codes, truth, view.clusters)

    voices = {
        name: bounds(codes[view.inside]).value
        for name, codes in view.evidence.voices.get(view.gate.source, {}).items()
    }
    return view.found([bounds(codes) for codes in view.verdicts], voices)


def _right(view: _View) -> Measured:
    found = []
    for codes in view.verdicts:
        both = view.decided(codes) & view.decided(view.truth)
        hits = (codes == view.truth)[both].astype(np.float64)
        found.append(share_bounds(hits, view.clusters[both], NOTHING_SHARED))
    return view.found(found, {})


def _coverage(view: _View) -> Measured:
    return Measured(lowest([view.coverage(codes) for codes in view.verdicts]))


def _flips(view: _View) -> Measured:
    """Of a jury each member's verdicts count: a member that turns with the order is no member."""
    names = {view.table.annotators[column] for column in view.columns(view.gate.source)}
    turned, groups = [], []
    for verdicts in view.evidence.orders:
        if verdicts.annotator in names:
            both = verdicts.both & view.inside
            turned.append((verdicts.first_order != verdicts.second_order)[both])
            groups.append(verdicts.clusters[both])
    if not turned:
        return Measured(_none(NO_ORDERS))
    hits = np.concatenate(turned).astype(np.float64)
    return Measured(share_bounds(hits, np.concatenate(groups), NO_ORDERS))


def _wrong(passed: bool) -> Callable[[_View], Measured]:
    """Of single responses that people call wrong the share passed, or of right ones failed."""

    def compute(view: _View) -> Measured:
        singles = view.evidence.singles
        if singles is None or not {view.gate.source, view.people} <= singles.passes.keys():
            return Measured(_none(NO_SINGLES))
        inside = of_slice(view.gate.slice, singles.slices, singles.clusters.size)
        if (spent := view.evidence.spent_singles.get(view.gate.source)) is not None:
            inside = inside & ~spent
        said, truth = singles.passes[view.gate.source], singles.passes[view.people]
        theirs = inside & (truth == (0 if passed else 1))
        both = theirs & (said >= 0)
        hits = (said == int(passed))[both].astype(np.float64)
        none = f"{view.people} call no response {'wrong' if passed else 'right'} that it judged"
        share = float(both.sum() / theirs.sum()) if theirs.any() else None
        return Measured(share_bounds(hits, singles.clusters[both], none), coverage=share)

    return compute


def _bias(view: _View) -> Measured:
    bias = view.gate.bias
    found = view.evidence.probes.get(view.gate.source, {}).get(bias)
    if found is not None:
        bounds, low, high = strength(bias, found.bounds), found.low, found.high
        if bounds.value != found.bounds.value and low is not None and high is not None:
            low, high = -high, -low
        return Measured(bounds, low, high)
    return Measured(_none(f"it was not probed: harness probe-judge --bias {bias} measures it"))


def _calibration(view: _View) -> Measured:
    stated: list[FloatArray] = []
    right: list[FloatArray] = []
    for column in view.columns(view.gate.source):
        said = view.evidence.stated.get(view.table.annotators[column])
        if said is not None:
            codes = view.table.codes[:, column][view.inside]
            known = view.decided(codes) & view.decided(view.truth)
            stated.append(said[view.inside])
            right.append(np.where(known, (codes == view.truth).astype(np.float64), np.nan))
    if not stated:
        return Measured(_none("it states no probability"))
    groups = np.tile(view.clusters, len(stated))
    return Measured(error_bounds(np.concatenate(stated), np.concatenate(right), groups))


def _replaced(view: _View) -> Measured:
    people = view.columns(view.people)
    found = [
        replaced_bounds(view.table, column, people, view.inside, view.settings.epsilon)
        for column in view.columns(view.gate.source)
    ]
    return Measured(lowest(found or [_none(NOTHING_SHARED)]))


_MEASURED: Mapping[str, Callable[[_View], Measured]] = {
    "cohen_kappa": _kappa,
    "share_right": _right,
    "coverage": _coverage,
    "swap_flip_rate": _flips,
    "false_pass_rate": _wrong(True),
    "false_fail_rate": _wrong(False),
    "bias": _bias,
    "ece": _calibration,
    "alt_test_omega": _replaced,
}
