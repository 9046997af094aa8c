"""``harness audit-verifier``: is a verifier right, and are its tests any good?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.options import OneSource, Shown, Verifying, key_values, one_object
from harness.nouns.counted import counted

if TYPE_CHECKING:
    from rich.console import Console

    from harness.agreement.reference_audit import ReferenceAudit
    from harness.agreement.verifier_audit import Confusion, VerifierAudit
    from harness.report.tables import Table


@dataclass(frozen=True, kw_only=True)
class Options(OneSource, Shown, Verifying):
    """What ``harness audit-verifier`` is given.

    Args:
        items: JSONL file of items.
        responses: JSONL file of responses with labels; without it, the audit is by the references
            alone.
        label: Metadata field of a response that says whether it is right.
        out: JSON file for the whole result.
    """

    items: Path
    responses: Path | None = None
    label: str = "label"
    out: Path | None = None


@one_object
def command(options: Options) -> None:
    """Try a verifier with responses whose verdict is known, made from the references alone.

    With --responses it is compared with their labels as well, and hard-coded tests and tests that
    tell nothing are looked for.
    """
    from harness.cli.screen import bars, console
    from harness.experiment.stages.audit import audit_by_reference, audit_verifier, find_verifier
    from harness.records.rows import read_items, read_responses
    from harness.records.writes import write_json

    verifier = find_verifier(options.source, key_values(options.option))
    items = read_items(options.items)
    screen, row = console(), {"source": verifier.name, "version": verifier.info.version}
    if options.responses is not None:
        responses = read_responses(options.responses, items)
        with bars(options.quiet) as bar:
            given = verifier, items, responses, options.label
            audit = audit_verifier(*given, bar, options.timeout)
        _show(screen, audit)
        row |= audit.as_row()
    with bars(options.quiet) as bar:
        known = audit_by_reference(verifier, items, bar, options.timeout)
    _show_known(screen, verifier.name, known)
    if options.out:
        write_json(options.out, {**row, "by_reference": known.as_row()})
        screen.print(f"\nin {options.out}")


def _show_known(screen: Console, name: str, audit: ReferenceAudit) -> None:
    from harness.report.tables import Column, Table
    from harness.report.terminal import show

    if not audit.families:
        why = f"{audit.used} of {audit.items} items have a reference that responses can be made of"
        if audit.used:
            why += f"; {name} does not decide by it: it takes it in no form, or anything else too"
        screen.print(f"\nby the references alone nothing is known: {why}", markup=False)
        return
    columns: list[Column | str] = [
        "",
        "must be",
        *Column.each("count", "tried", "wrong", "no verdict"),
    ]
    told = {True: "accepted", False: "refused"}
    rows = [(f.name, told[f.right], f.tried, f.wrong, f.without) for f in audit.failing]
    tried = sum(family.tried for family in audit.families)
    screen.print(
        f"\n[bold]{len(rows)}[/] of {len(audit.families)} families of responses whose verdict is"
        f" known have a wrong verdict ({counted(tried, 'response')} to {audit.used} of"
        f" {counted(audit.items, 'item')}, in the form: {audit.frame})"
    )
    (lost, right), (open_, wrong) = audit.without(True), audit.without(False)
    if lost or open_:
        screen.print(f"no verdict: {lost} of {right} equal forms, {open_} of {wrong} attacks")
    if rows:
        show(screen, Table("", columns, rows))
    for family in audit.failing:
        example = family.example
        assert example is not None
        said = f" ({example.rationale})" if example.rationale else ""
        screen.print(
            f"  {family.name}: {told[not family.right]}, item {example.item_id}:"
            f" {example.text[:300]!r}{said}",
            markup=False,
        )


def _show(screen: Console, audit: VerifierAudit) -> None:
    from harness.report.terminal import show

    table, weak = audit.confusion, audit.weak_tests
    show(screen, _errors(audit.source, table))
    for status, count in sorted(table.without.items()):
        screen.print(f"{counted(count, 'response')} without a verdict: {status}")
    _show_ids(screen, "accepted but wrong", table.false_positive)
    _show_ids(screen, "refused but right", table.false_negative)
    screen.print(
        f"\n[bold]{len(audit.hard_coded)}[/] responses hard-code test inputs, {audit.passed} of"
        " them accepted"
    )
    _show_ids(screen, "hard-coded", audit.hard_coded)
    screen.print(
        f"\n[bold]{len(weak)}[/] of {audit.items} items have tests that a trivial answer passes"
    )
    for name, text in list(weak.items())[:10]:
        screen.print(f"  {name}: {' '.join(text.split())!r}", markup=False)


def _errors(source: str, table: Confusion) -> Table:
    from harness.report.tables import Column, Table
    from harness.statistics.intervals import wilson

    columns: list[Column | str] = [
        "", Column("of", "count"), Column("share", "percent"), Column("95% interval", "percent"),
    ]  # fmt: skip
    rows = [
        (
            f"{len(ids)} {name}",
            total,
            len(ids) / total if total else None,
            wilson(len(ids), total) if total else None,
        )
        for name, ids, total in (
            ("false positives (accepted but wrong)", table.false_positive, table.wrong),
            ("false negatives (refused but right)", table.false_negative, table.right),
        )
    ]
    return Table(source, columns, rows)


def _show_ids(screen: Console, title: str, ids: Sequence[str]) -> None:
    if ids:
        more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
        screen.print(f"  {title}: {', '.join(ids[:10])}{more}", markup=False)
