"""``harness run``: an experiment file to its report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import Shown, one_object
from harness.nouns.counted import counted

if TYPE_CHECKING:
    from harness.experiment.experiment import Experiment

_UNTIMED = "not known before a first try; one of --small tells how long each part takes"


@dataclass(frozen=True, kw_only=True)
class Options(Shown):
    """What ``harness run`` is given.

    Args:
        experiment: The experiment file (YAML).
        out: The run directory; reports/<name> by default.
        small: Try all parts of it first: on four items, with two steps, short completions and one
            seed, in reports/<name>-small.
        dry_run: Say what the run would ask, call, pay and hold in memory, and do nothing; exits
            with 1 where it is certain to fail.
    """

    experiment: Annotated[Path, typer.Argument()]
    out: Path | None = None
    small: bool = False
    dry_run: bool = False


@one_object
def command(options: Options) -> None:
    """Run an experiment from items to report; the same command goes on after a stop."""
    from harness.cli.screen import bars
    from harness.experiment.experiment import Experiment
    from harness.experiment.run import run

    if options.dry_run:
        _tell_plan(Experiment.read(options.experiment, options.small), options.out)
        return
    with bars(options.quiet) as bar:
        report = run(options.experiment, options.out, small=options.small, bar=bar)
    tell_report(report)


def tell_report(page: Path) -> None:
    """Print the answer of a report in five lines at most, its run's seal, and where it is."""
    from harness.cli.screen import console
    from harness.report import load
    from harness.report.blocks import Text
    from harness.report.terminal import show

    screen = console()
    data = load(page.parent)
    first, *others = [line for line in data["answer"]["lines"] if line]
    show(screen, Text(first, "strong"), *map(Text, others))
    if seal := (data.get("manifest") or {}).get("seal"):
        screen.print(f"seal: {seal['sha256']}", soft_wrap=True)
    screen.print(f"report: {page}", soft_wrap=True)


def _tell_plan(experiment: Experiment, out: Path | None) -> None:
    from harness.cli.screen import console
    from harness.experiment.stages.plan import plan
    from harness.nouns.errors import HarnessError
    from harness.records.run_directory import RunDirectory
    from harness.report.tables import Column, Table
    from harness.report.terminal import show
    from harness.report.wording import count, seconds

    screen = console()
    found = plan(experiment)
    columns = (
        "source", "for", Column("requests", "count"), Column("calls", "count"),
        Column("about", "dollars"), Column("at most", "dollars"),
    )  # fmt: skip
    rows = [
        (s.name, s.part, s.requests, s.calls, *(
            ("price unknown", "") if s.unknown else (s.expected_usd, s.at_most_usd)
        ))
        for s in found.sources
    ]  # fmt: skip
    show(screen, Table("What is asked, at most", columns, rows))
    lines = [
        f"{counted(found.sampled, 'response')} sampled, {counted(found.trainings, 'training')}"
    ]
    if found.asking:
        lines.append(f"online arms ask judges in training besides: {', '.join(found.asking)}")
    if found.parameters is not None and found.training_bytes is not None:
        lines.append(
            f"{count(found.parameters)} parameters: {found.training_bytes / 2**20:,.0f} MB for each"
            " training at once of all weights, besides activations; LoRA takes less"
        )
    before = RunDirectory(out or Path("reports") / experiment.config.name).manifest()
    took = before.get("seconds")
    minutes = f"earlier tries took {seconds(took)}" if took else _UNTIMED
    lines.append(f"time: {minutes}")
    lines += found.notes
    lines.append("nothing was done; what an earlier try made or paid for falls away")
    for line in lines:
        screen.print(line, soft_wrap=True, markup=False)
    if found.failing:
        raise HarnessError("\n".join(["the run would end with an error", *found.failing]))
