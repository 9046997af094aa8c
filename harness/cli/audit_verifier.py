"""``harness audit-verifier``: is a verifier right, and are its tests any good?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.options import Answers, OneSource, Shown, Verifying, key_values, one_object
from harness.nouns.counted import counted

if TYPE_CHECKING:
    from rich.console import Console

    from harness.agreement.verifier_audit import Confusion, VerifierAudit
    from harness.report.tables import Table


@dataclass(frozen=True, kw_only=True)
class Options(OneSource, Answers, Shown, Verifying):
    """What ``harness audit-verifier`` is given.

    Args:
        label: Metadata field of a response that says whether it is right.
        out: JSON file for the whole result.
    """

    label: str = "label"
    out: Path | None = None


@one_object
def command(options: Options) -> None:
    """Compare verdicts with labels; look for hard-coded tests and tests that tell nothing."""
    from harness.cli.screen import bars, console
    from harness.experiment.stages.audit import audit_verifier, find_verifier
    from harness.records.rows import read_items, read_responses
    from harness.records.writes import write_json

    verifier = find_verifier(options.source, key_values(options.option))
    items = read_items(options.items)
    responses = read_responses(options.responses, items)
    with bars(options.quiet) as bar:
        given = verifier, items, responses, options.label
        audit = audit_verifier(*given, bar, options.timeout)
    screen = console()
    _show(screen, audit)
    if options.out:
        write_json(options.out, audit.as_row())
        screen.print(f"\nin {options.out}")


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
