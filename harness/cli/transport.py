"""``harness transport``: are rewards still valid on what the trained policies write?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import Asking, filled, one_object
from harness.nouns.counted import counted

if TYPE_CHECKING:
    from rich.console import Console

    from harness.experiment.stages.transport_measured import Transported


@dataclass(frozen=True, kw_only=True)
class Options(Asking):
    """What ``harness transport`` is given.

    Args:
        run_dir: Folder of a run, such as reports/demo.
        experiment: Its experiment file.
        labels: Labels of people of the queue: the store of harness label, a table, or judgments;
            as NAME=FILE where there are several sources of people; repeatable. Without it the queue
            is written; simulated people answer at once.
        pairs: Pairs of each arm in the queue.
        out: JSON file for the whole result.
    """

    run_dir: Annotated[Path, typer.Argument()]
    experiment: Path
    labels: list[str] | None = None
    pairs: Annotated[int, typer.Option(min=1)] = 150
    out: Path | None = None


@one_object
def command(options: Options) -> None:
    """Ask whether a run's rewards are still valid on what its trained policies write.

    Without --labels it writes a queue for harness label: pairs of each policy's own responses, in
    an order and under names that hide the policy. With them its judges and verifiers judge these
    pairs, too, and agree with people as before the training, or no longer.
    """
    from harness.cli.screen import bars, console
    from harness.experiment.stages.transport import TransportSettings, transport
    from harness.records.writes import write_json

    settings = filled(TransportSettings, options, labels=tuple(options.labels or ()))
    with bars(options.quiet) as bar:
        found = transport(options.run_dir, options.experiment, settings, bar)
    screen = console()
    if found.queue is not None:
        _show_queue(screen, found, found.queue, options)
    else:
        _show(screen, found)
    if options.out:
        write_json(options.out, found.as_row())
        screen.print(f"in {options.out}", markup=False)


def _show_queue(
    screen: Console, found: Transported, queue: tuple[Path, Path], options: Options
) -> None:
    items, responses = queue
    of = ", ".join(f"{count} of {arm}" for arm, count in found.asked.items())
    stores = {name: items.with_name(f"{name}.sqlite") for name in found.people}
    told = "" if len(stores) < 2 else "; each --question is what these people were asked"
    screen.print(f"{counted(sum(found.asked.values()), 'pair')} to label: {of}", markup=False)
    again = " ".join(f"--labels {name}={store}" for name, store in stores.items())
    for line in (
        f"Let people label them{told}. The page says nothing of the policies:",
        *(
            f"  harness label --items {items} --responses {responses} --store {store}"
            + " --question '...'" * bool(told)
            for store in stores.values()
        ),
        "and then",
        f"  harness transport {options.run_dir} --experiment {options.experiment} {again}",
    ):
        screen.print(line, markup=False, soft_wrap=True)


def _show(screen: Console, found: Transported) -> None:
    from harness.report.terminal import show
    from harness.report.transport import READING, limits, transport_table

    for row in found.rows:
        screen.print(f"{row.arm}, {row.source}: {row.found.sentence}", markup=False)
    if not found.rows:
        screen.print("no trained arm has a source that is no people", markup=False)
        return
    told = found.as_row()
    show(screen, transport_table(told))
    for line in (
        READING,
        limits(told),
        *(["The people are simulated: this says nothing of real ones."] * bool(found.simulated)),
        *found.notes,
    ):
        screen.print(line, markup=False)
