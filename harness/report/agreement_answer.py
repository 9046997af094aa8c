"""The answer of an agreement report, before its tables: may a judge replace a person, how sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.agreement.audit import Audit
from harness.agreement.gate import more_labels
from harness.agreement.report import GOLD, MAJORITY
from harness.nouns.biases import BIASES, NOT_FOUND, bias_row
from harness.nouns.counted import counted
from harness.nouns.gate import Gate
from harness.report.wording import Names, number, percent
from harness.statistics.estimate import Estimate
from harness.statistics.one_sided import Bounds

MOST = 5
"""More judges than this are read off the tables."""

Z = 1.96
"""Half of a 95% interval in standard errors."""


def answers(rows: Sequence[Estimate], audit: Audit, names: Names) -> list[str]:
    """Return a paragraph on each judge: replacement, agreement, what would change it, worst bias.

    Args:
        rows: Of the agreement report.
        audit: Who is people in it.
        names: How everybody is called.
    """
    found = {(row.name, row.annotators): row for row in rows}
    people = [one.annotator for one in audit.coverage if one.kind == "human"]
    judges = [one.annotator for one in audit.coverage if one.kind != "human"]
    told = []
    for judge in judges[:MOST]:
        kappa = next(
            (found[key] for name in (MAJORITY, GOLD)
             if (key := ("cohen_kappa", f"{judge} - {name}")) in found), None,
        )  # fmt: skip
        if kappa is None:
            continue
        parts = [_may(found.get(("alt_test_omega", judge))), _agrees(kappa, names)]
        parts[-1] += _ceiling(kappa, _among(found, people))
        parts += [_worst(judge, found)]
        told.append(f"{names.source(judge)}: {'. '.join(part for part in parts if part)}.")
    return told


def _may(omega: Estimate | None) -> str:
    if omega is None:
        return ""
    if omega.value is None:
        return f"whether it may replace a person cannot be told ({omega.reason})"
    how = f"it was shown to do as well as {percent(omega.value)} of them"
    if omega.value >= 0.5:
        return f"may replace a person ({how})"
    return f"was not shown to be as good as a person ({how}, and half are asked for)"


def _agrees(kappa: Estimate, names: Names) -> str:
    whom = kappa.annotators.rpartition(" - ")[2].replace("people", names.people)
    if kappa.value is None:
        return f"Its kappa with the {whom} is undefined ({kappa.reason})"
    ends = "" if kappa.low is None else f" ({number(kappa.low)} to {number(kappa.high)})"
    sure = f"{counted(kappa.n, 'item')} in {counted(kappa.clusters, 'independent group')}"
    return f"Its kappa with the {whom} is {number(kappa.value)}{ends}, over {sure}"


def _among(found: Mapping[tuple[str, str], Estimate], people: Sequence[str]) -> float | None:
    """Return the mean kappa of the people with each other, None without one."""
    kappas = [
        row.value
        for (name, who), row in found.items()
        if name == "cohen_kappa" and row.value is not None
        and (ends := who.split(" - "))[0] in people and ends[-1] in people and len(ends) == 2
    ]  # fmt: skip
    return sum(kappas) / len(kappas) if kappas else None


def _ceiling(kappa: Estimate, among: float | None) -> str:
    """Say how far that is from people's kappa with each other, and what would change it."""
    if among is None or kappa.value is None or kappa.low is None or kappa.high is None:
        return ""
    said = f"; people have {number(among)} with each other"
    if kappa.low > among:
        return f"{said}, which its interval exceeds"
    if kappa.high < among:
        return f"{said}, which its interval does not reach"
    error = (kappa.high - kappa.low) / (2 * Z)
    bounds = Bounds(kappa.value, kappa.low, kappa.high, error, kappa.n, kappa.clusters)
    more = more_labels(Gate("", among, "warn"), bounds)
    labels = f": about {more:,} more labels would, if it stays where it is" if more else ""
    return f"{said}, and these labels do not tell whether it reaches that{labels}"


def _worst(judge: str, found: Mapping[tuple[str, str], Estimate]) -> str:
    """Name the worst bias whose interval shows that it is one, the order before the others."""
    probed = [(bias, row) for bias in BIASES if (row := found.get((bias_row(bias), judge)))]
    shown_by = {b: r.value for b, r in probed if r.value is not None and NOT_FOUND not in r.reason}
    if shown_by:
        bias = max(shown_by, key=lambda one: shown_by[one])
        turned = f"turns {percent(shown_by[bias])} of its verdicts beyond a placebo"
        return f"Worst bias found: {bias}, which {turned}"
    flips = found.get(("swap_flip_rate", judge))
    first = found.get(("first_pick_rate", judge))
    if flips is not None and flips.value is not None and flips.value > 0.1:
        told = f"its verdict turns with the order in {percent(flips.value)} of the pairs"
        if first is not None and first.value is not None:
            told += f", and what stands first wins {percent(first.value)}"
        return f"Worst bias found: {told}"
    words = {"length_bias": "to length", "self_preference": "to its own family"}
    shown = {
        what: row.value
        for name, what in words.items()
        if (row := found.get((name, judge))) is not None and row.value is not None
        and row.low is not None and row.high is not None and not row.low <= 0 <= row.high
    }  # fmt: skip
    if not shown and any(row.value is not None for _, row in probed):
        return f"No bias found in {counted(len(probed), 'probe')}"
    if not shown:
        return ""
    worst = max(shown, key=lambda what: abs(shown[what] or 0.0))
    return f"Worst bias found: {worst}, {number(shown[worst])} log-odds at equal preference"
