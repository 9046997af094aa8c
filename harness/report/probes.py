"""What probes found of a judge, in words and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from harness.agreement.probes import Probe, worst
from harness.nouns.biases import BIASES
from harness.nouns.counted import counted
from harness.report.tables import Cell, Column, Table, Tone
from harness.report.wording import MINUS, NONE, count, join

_NOTES = (
    "turned to it: towards the changed answer (position and pushback: at all); asked again: turned"
    " when the same was asked again; beyond: what is left of the one without the other, below 0"
    " where the judge turns away from the changed answer.",
    "found: of all probes together at most one in twenty finds a bias where there is none.",
)


def answer(probes: Sequence[Probe], unit: str) -> str:
    """Return in one sentence which bias is the worst, or that none was found, and how sure.

    Args:
        probes: Of one judge.
        unit: What was asked about: pair or response.
    """
    measured = [one for one in probes if one.p is not None]
    if not measured:
        return "Nothing could be measured: no probe has a verdict in all three askings"
    found = worst(measured)
    if found is not None:
        kind = BIASES[found.bias]
        assert found.excess.value is not None and found.low is not None and found.high is not None
        sign = -1 if found.excess.value < 0 else 1
        way = (" away from that answer" if sign < 0 else " to that answer") if kind.directed else ""
        low, high = sorted((sign * found.low, sign * found.high))
        ends, share = f"{_points(low)} to {_points(high)}", _points(abs(found.excess.value))
        return (
            f"Worst bias found: {found.bias}. When {kind.words}, {share} of"
            f" 100 verdicts turn{way} beyond those that turn when the same is asked again ({ends};"
            f" over {counted(found.excess.n, unit)})"
        )
    seen = [one.smallest for one in measured if one.smallest is not None]
    sizes = sorted({one.excess.n for one in measured})
    over = counted(sizes[-1], unit)
    if len(sizes) > 1:
        over = f"{sizes[0]:,} to {over}"
    could = (
        f"one that turns {_points(max(seen))} of 100 verdicts would have been found in nine of ten"
        " cases"
        if len(seen) == len(measured)
        else "so few would have shown hardly any"
    )
    most = max(measured, key=lambda one: one.silent)
    hidden = (
        f"; {most.bias} may be hidden by {counted(most.silent, unit)} without a verdict when asked"
        " with the change"
        if most.silent
        else ""
    )
    return f"No bias found in {counted(len(measured), 'probe')} over {over}; {could}{hidden}"


def table(probes: Sequence[Probe]) -> Table:
    """Return a row for each probe; failures and reasons stand below theirs."""
    columns = [
        Column("bias"),
        *Column.each("count", "of", "asked"),
        Column("turned to it", "percent"),
        Column("away", "percent"),
        Column("asked again", "percent"),
        Column("beyond (95%)", "change"),
        Column("found"),
        Column("", "note"),
    ]
    rows = [_row(one) for one in probes]
    return Table("Of 100 verdicts, those that turn", columns, rows, _NOTES)


def _row(one: Probe) -> list[Cell | str | float | None]:
    excess, told = one.excess, ""
    if excess.value is not None:
        told = _points(excess.value, sign=True)
        if one.low is not None:
            told += f" ({_points(one.low)} to {_points(one.high)})"
    tones: dict[str, Tone] = {"yes": "bad", "no": "good"}
    said = "yes" if one.found else "no" if one.p is not None else NONE
    return [
        one.bias, excess.n, one.asked, *map(_share, (one.towards, one.away, one.placebo)),
        told or NONE, Cell(said, tone=tones.get(said, "muted")), Cell(_note(one), tone="muted"),
    ]  # fmt: skip


def _note(one: Probe) -> str:
    parts = [one.excess.reason] if one.excess.reason else []
    parts += [f"no verdict: {_counts(one.failed)}"] if one.failed else []
    if one.left_out and one.asked:
        parts.append(f"not possible: {_counts(one.left_out)}")
    elif one.left_out:
        parts.append(f"of {count(sum(one.left_out.values()))}")
    return "; ".join(parts)


def _counts(counts: Mapping[str, int]) -> str:
    return join([f"{n:,} {why}" for why, n in Counter(counts).most_common()])


def _share(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.0f}"


def _points(value: float | None, sign: bool = False) -> str:
    if value is None:
        return NONE
    text = f"{100 * value:+.0f}" if sign else f"{100 * value:.0f}"
    text = "0" if float(text) == 0 else text
    return text.replace("-", MINUS)
