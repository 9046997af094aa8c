"""``harness label-pairs``: pairs of each arm and base for people, and what their labels say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import SEED, Shown, filled, one_object
from harness.nouns.counted import counted

if TYPE_CHECKING:
    from rich.console import Console

    from harness.experiment.stages.label_pairs import LabelledPairs


@dataclass(frozen=True, kw_only=True)
class Options(Shown):
    """What ``harness label-pairs`` is given.

    Args:
        run_dir: Folder of a run, such as reports/demo.
        experiment: Its experiment file.
        labels: Labels of the pairs: the store of harness label, a table, or judgments; repeatable.
            Without it the pairs are written.
        pairs: Pairs of each arm.
        by: Evaluator whose word on all pairs corrects the labels, said when the pairs are drawn; by
            default the experiment's primary one, else its first that is no people.
        seed: Decides what is drawn; by default drawn itself, so that nobody can tell the sides.
        ask: Source of simulated people of the experiment, which answers at once.
    """

    run_dir: Annotated[Path, typer.Argument()]
    experiment: Path
    labels: list[Path] | None = None
    pairs: Annotated[int, typer.Option(min=1)] = 20
    by: str | None = None
    seed: Annotated[int | None, SEED] = None
    ask: str | None = None


@one_object
def command(options: Options) -> None:
    """Let people say how often they prefer each arm of a run to base.

    Without --labels it writes pairs for harness label, of each arm's and base's responses to the
    same held-out prompt, and apart from them the key, which says who wrote what. With them the
    report is built anew with each arm's win rate by people.
    """
    from harness.cli.screen import bars, console
    from harness.experiment.stages.label_pairs import LabelPairsSettings, label_pairs

    settings = filled(LabelPairsSettings, options, labels=tuple(options.labels or ()))
    with bars(options.quiet) as bar:
        found = label_pairs(options.run_dir, options.experiment, settings, bar)
    screen = console()
    if found.queue is not None:
        _show_queue(screen, found, found.queue, options)
    else:
        _show(screen, found)
    if found.seal:
        screen.print(f"seal of key and labels: {found.seal}", markup=False, soft_wrap=True)


def _show_queue(
    screen: Console, found: LabelledPairs, queue: tuple[Path, Path], options: Options
) -> None:
    items, responses = queue
    store = items.with_name("labels.sqlite")
    of = ", ".join(f"{count} of {arm}" for arm, count in found.asked.items())
    again = f"  harness label-pairs {options.run_dir} --experiment {options.experiment}"
    lines = [
        f"{counted(sum(found.asked.values()), 'pair')} to label: {of}; {found.by} will correct",
        *(
            [f"{counted(found.twice, 'prompt')} shown more than once: there are too few of them"]
            * bool(found.twice)
        ),
        "Let people label them; the page says nothing of the arms:",
        f"  harness label --items {items} --responses {responses} --store {store}",
        "and then",
        f"{again} --labels {store}",
    ]
    for line in lines:
        screen.print(line, markup=False, soft_wrap=True)


def _show(screen: Console, found: LabelledPairs) -> None:
    from harness.report.blocks import Text
    from harness.report.people import people_sentence, people_table
    from harness.report.terminal import show

    for row in found.rows:
        show(screen, Text(people_sentence(row)))
    show(screen, people_table(found.rows))
    for note in found.notes:
        screen.print(note, markup=False)
    if found.report is None:
        screen.print("no report yet: harness run EXPERIMENT builds it with these labels")
    else:
        screen.print(f"report: {found.report}", markup=False, soft_wrap=True)
