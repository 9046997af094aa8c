"""The answer of an agreement report, before its tables: may a judge replace a person, how sure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from harness.agreement.audit import Audit
from harness.agreement.report import GOLD, MAJORITY, MEAN, ON_SLICE
from harness.nouns.biases import BIASES, NOT_FOUND, bias_row
from harness.nouns.counted import counted
from harness.report.gates import plan
from harness.report.wording import Names, join, number, percent
from harness.statistics.estimate import Estimate
from harness.statistics.one_sided import MOST_LABELS, more_that, of_interval

MOST = 5
"""More judges than this are read off the tables."""

SAME_LABELS = "More labels would not close that gap"
OTHER_JUDGE = ": another rubric or model may"


def answers(
    rows: Sequence[Estimate],
    audit: Audit,
    names: Names,
    criteria: Mapping[str, str] = MappingProxyType({}),
    against: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Return a paragraph on each judge: replacement, agreement, what would change it, worst bias.

    A sentence has three numbers at most.

    Args:
        rows: Of the agreement report.
        audit: Who is people in it.
        names: How everybody is called.
        criteria: Source -> what it was asked to judge by, where that is known.
        against: Source -> the people whom its gate holds it against, where they are others.
    """
    found = {(row.name, row.annotators): row for row in rows}
    people = [one.annotator for one in audit.coverage if one.kind == "human"]
    judges = {one.annotator: one.kind for one in audit.coverage if one.kind != "human"}
    told = []
    held = any(who.rpartition(" - ")[2] in AGREES.get(name, ()) for name, who in found)
    if judges and not people and not held:
        told.append(NOBODY)
    for judge in list(judges)[:MOST]:
        keys = [(name, f"{judge} - {t}", t) for name, ts in AGREES.items() for t in ts]
        name, who, truth = next((key for key in keys if key[:2] in found), ("", "", ""))
        if not name:
            continue
        kappa = found[name, who]
        parts = [
            _may(found, judge, _scope(kappa), truth, names),
            _agrees(kappa, names),
            *_ceiling(kappa, _among(found, people), judges[judge] == "judge", names),
            _lowest(judge, truth, found),
            _worst(judge, found, judges),
        ]
        source = judge if judge in criteria or judge in against else judge.split("/")[0]
        if source in against and against[source] != truth:
            parts.append(f"Its gate holds it against {names.source(against[source])} instead")
        criterion = criteria.get(source)
        asked = f" by {criterion}" if criterion else ""
        said = names.prose(". ".join(part for part in parts if part))
        told.append(f"{names.source(judge)}{asked}: {said}.")
    if len(judges) > MOST:
        told.append(f"Of {counted(len(judges) - MOST, 'judge')} more only the tables tell.")
    return told


AGREES = {"cohen_kappa": (MAJORITY, GOLD), "concordance": (MEAN, GOLD)}
"""What tells how well a judge agrees, and with whom: of labels, and of scores."""

NOBODY = (
    "Whether a judge may replace a person cannot be told: nobody here is people (--people NAME says"
    " who is), and there are no gold labels (--gold-column)."
)


def _scope(kappa: Estimate) -> str:
    """Return on how much that rests."""
    groups = "" if kappa.clusters in (0, kappa.n) else f" in {kappa.clusters:,} independent groups"
    return f"on all {counted(kappa.n, 'item')}{groups}"


def _may(
    found: Mapping[tuple[str, str], Estimate], judge: str, scope: str, truth: str, names: Names
) -> str:
    """Say whether it is shown to do as well as people, shown to do worse, or neither."""
    omega = found.get(("alt_test_omega", judge))
    worse = found.get(("alt_test_worse", judge))
    if omega is None:
        why = "held against gold" if truth == GOLD else "nobody was tested"
        return f"whether it may replace a person cannot be told ({why}), {scope}"
    if omega.value is None:
        return f"whether it may replace a person cannot be told ({omega.reason}), {scope}"
    if omega.value >= 0.5:
        return f"it may replace a person {scope}: it does as well as {_of(omega, names)}"
    as_well = f"shown to do as well as {_of(omega, names)}"
    if worse is None or worse.value is None:
        return f"it may not replace a person {scope}: it was {as_well}, and half are asked for"
    if worse.value > 0.5:
        return (
            f"it may not replace a person {scope}: it was shown to do worse than"
            f" {_of(worse, names)}"
        )
    labels = found.get(("alt_test_labels", judge))
    return (
        f"whether it may replace a person is undecided {scope}. It was {as_well} and to do worse"
        f" than {percent(worse.value)}, and half decide. {plan(labels.value if labels else None)}"
    )


def _of(omega: Estimate, names: Names) -> str:
    return f"{percent(omega.value)} of the {names.people}"


def _agrees(kappa: Estimate, names: Names) -> str:
    whom = kappa.annotators.rpartition(" - ")[2].replace("people", names.people)
    what = "kappa" if kappa.name == "cohen_kappa" else kappa.name
    if kappa.value is None:
        return f"Its {what} with the {whom} is undefined ({kappa.reason})"
    ends = "" if kappa.low is None else f" ({number(kappa.low)} to {number(kappa.high)})"
    return f"Its {what} with the {whom} is {number(kappa.value)}{ends}"


def _among(found: Mapping[tuple[str, str], Estimate], people: Sequence[str]) -> float | None:
    """Return the mean kappa of the people with each other, None without one."""
    kappas = [
        row.value
        for (name, who), row in found.items()
        if name == "cohen_kappa" and row.value is not None
        and (ends := who.split(" - "))[0] in people and ends[-1] in people and len(ends) == 2
    ]  # fmt: skip
    return sum(kappas) / len(kappas) if kappas else None


def _ceiling(kappa: Estimate, among: float | None, is_judge: bool, names: Names) -> list[str]:
    """Say how far that is from people's kappa with each other, and what would change it."""
    if kappa.name != "cohen_kappa" or among is None:
        return []
    if kappa.value is None or kappa.low is None or kappa.high is None:
        return []
    said = f"{names.people.capitalize()} have {number(among)} with each other"
    if kappa.low > among:
        return [f"{said}, which its interval exceeds"]
    if kappa.high < among:
        return [f"{said}, which its interval does not reach", SAME_LABELS + OTHER_JUDGE * is_judge]
    more = more_that(
        of_interval(kappa.value, kappa.low, kappa.high, kappa.n),
        lambda ends: not (ends.lower or 0.0) <= among <= (ends.upper or 0.0),
        MOST_LABELS,
    )
    return [f"{said}, and these labels do not tell whether it reaches that", plan(more)]


def _lowest(judge: str, truth: str, found: Mapping[tuple[str, str], Estimate]) -> str:
    """Name the slice on which it agrees least."""
    start = f"{judge} - {truth}{ON_SLICE}"
    slices = [row for (_, who), row in found.items() if who.startswith(start)]
    known = [row for row in slices if row.value is not None and row.low is not None]
    if not known:
        return ""
    low = min(known, key=lambda row: row.value or 0.0)
    of = ", the lowest of its slices," if len(slices) > 1 else ""
    return (
        f"On slice {low.annotators.removeprefix(start)}{of} it is {number(low.value)}"
        f" ({number(low.low)} to {number(low.high)})"
    )


WORDS = {"length_bias": "to length", "self_preference": "to its own family"}
"""Biases in log-odds at equal preference of people: the statistic, and what it is called."""


def _probes(
    judge: str, found: Mapping[tuple[str, str], Estimate], others: Collection[str]
) -> tuple[str, dict[str, Estimate]]:
    """Return who was probed and the row of each bias: a judge, or the source it is a voice of."""
    parts = judge.split("/")
    for end in range(len(parts), 0, -1):
        who = "/".join(parts[:end])
        if who != judge and who in others:
            continue
        rows = {bias: row for bias in BIASES if (row := found.get((bias_row(bias), who)))}
        if rows:
            return who, rows
    return judge, {}


def _worst(judge: str, found: Mapping[tuple[str, str], Estimate], others: Collection[str]) -> str:
    """Name the worst bias whose interval shows that it is one: probes before what pairs tell.

    Only turns with the order, where no probe looked at them, may be worse than what probes found.
    """
    who, probed = _probes(judge, found, others)
    voices = sum(one.startswith(f"{who}/") for one in others)
    whole = f" in {who} with all its voices" if who != judge and voices > 1 else ""
    shown_by = {
        b: r.value for b, r in probed.items() if r.value is not None and NOT_FOUND not in r.reason
    }
    most = max(map(abs, shown_by.values()), default=0.0)
    flips = found.get(("swap_flip_rate", judge))
    first = found.get(("first_pick_rate", judge))
    turns = flips is not None and flips.value is not None and flips.value > max(0.1, most)
    asked = "position" in probed and probed["position"].value is not None
    if shown_by and (asked or not turns):
        bias = max(shown_by, key=lambda one: abs(shown_by[one]))
        turned = f"turns {percent(abs(shown_by[bias]))} of its verdicts beyond a placebo"
        away = ", away from the changed answer" if shown_by[bias] < 0 else ""
        return f"Worst bias found{whole}: {bias}, which {turned}{away}"
    if turns and flips is not None:
        told = f"its verdict turns with the order in {percent(flips.value)} of the pairs"
        if first is not None and first.value is not None:
            told += f", and what stands first wins {percent(first.value)}"
        return f"Worst bias found: {told}"
    measured = {
        what: row
        for name, what in WORDS.items()
        if (row := found.get((name, judge))) is not None and row.value is not None
    }
    shown = {
        what: row.value
        for what, row in measured.items()
        if row.low is not None and row.high is not None and not row.low <= 0 <= row.high
    }
    known = sum(row.value is not None for row in probed.values())
    if not shown and known:
        return f"No bias found{whole} in {counted(known, 'probe')}"
    if not shown:
        looked = ["to the order"] * (flips is not None and flips.value is not None)
        looked += list(measured)
        return f"No bias was shown ({join(looked)})" if looked else "No bias was measured"
    worst = max(shown, key=lambda what: abs(shown[what] or 0.0))
    return f"Worst bias found: {worst}, {number(shown[worst])} log-odds at equal preference"
