"""``harness rescore``: what do changed verifiers and judges say of what a run has stored?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import Asking, filled, one_object
from harness.nouns.counted import counted

if TYPE_CHECKING:
    from rich.console import Console

    from harness.agreement.rescoring import Rescored

_MOVES = 12


@dataclass(frozen=True, kw_only=True)
class Options(Asking):
    """What ``harness rescore`` is given.

    Args:
        run_dir: Folder of a run, such as reports/demo.
        experiment: Its experiment file, as it is now.
        source: Only this source; repeatable.
        readers: Read what judges said again, whatever their prompts are now, and nothing else.
        ask: Ask a judge what no recorded reply answers; else such judgments are counted.
        out: JSON file for the whole result, every changed judgment included.
    """

    run_dir: Annotated[Path, typer.Argument()]
    experiment: Path
    source: list[str] | None = None
    readers: bool = False
    ask: bool = False
    out: Path | None = None


@one_object
def command(options: Options) -> None:
    """Judge the stored responses of a run again, and show which verdicts changed, and why.

    For verifiers, readers, rubrics and judges that changed since: nothing is sampled, replies of
    judges that are recorded are read again, and the run's own judgments stay as they are.
    """
    from harness.cli.screen import bars, console
    from harness.experiment.stages.rescore import RescoreSettings, rescore
    from harness.records.writes import write_json

    settings = filled(RescoreSettings, options, sources=tuple(options.source or ()))
    with bars(options.quiet) as bar:
        found = rescore(options.run_dir, options.experiment, settings, bar)
    screen = console()
    for one in found:
        _show(screen, one, options.readers)
    if options.out:
        write_json(options.out, {"sources": [one.as_row() for one in found]})
        screen.print(f"in {options.out}")


def _show(screen: Console, one: Rescored, readers: bool) -> None:
    from harness.report.tables import Column, Table, shown
    from harness.report.terminal import show

    when = {"train": "before training", "evaluation": "of the policies"}[one.part]
    moved = one.before != (one.version,)
    versions = f"{', '.join(one.before)} -> {one.version}" if moved else one.version
    screen.print(f"\n{one.source}, judgments {when} (version {versions})", markup=False)
    share, shift = one.share, one.shift
    if share.value is None:
        screen.print(f"  nothing to compare: {share.reason}", markup=False)
    else:
        told = f" ({shown((share.low, share.high), 'percent')})" if share.low is not None else ""
        screen.print(
            f"  {one.changed} of {counted(one.compared, 'verdict')} changed:"
            f" {shown(share.value, 'percent')}{told}",
            markup=False,
        )
    if one.changed and shift is not None and shift.value is not None:
        told = f" ({shown((shift.low, shift.high), 'rate')})" if shift.low is not None else ""
        screen.print(f"  mean of new minus old: {shift.value:+.3f}{told}", markup=False)
    needs = "need a new call of a model, since no reply to their prompt is recorded: --ask"
    needs += f" makes them ({one.cost})" if one.cost else ""
    if readers:
        needs = "were no words but log-probabilities, and their prompt is another one now"
    counts = (
        (one.lost, "lost their verdict"),
        (one.gained, "gained one"),
        (one.gone, "are not asked for any more"),
        (one.open, needs),
    )
    for count, what in counts:
        if count:
            screen.print(f"  {count} {what}", markup=False)
    columns: list[Column | str] = ["old", "new", Column("judgments", "count"), "most often because"]
    rows = [(m.old, m.new, m.count, m.reason) for m in one.moves[:_MOVES]]
    if rows:
        show(screen, Table("", columns, rows))
    if len(one.moves) > _MOVES:
        screen.print(f"  and {len(one.moves) - _MOVES} other kinds of change: --out has each")
