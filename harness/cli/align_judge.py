"""``harness align-judge``: a judge that agrees better with people, where that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import Answers, Asking, Seed, filled, key_values, one_object
from harness.nouns.counted import counted

if TYPE_CHECKING:
    from rich.console import Console

    from harness.experiment.stages.aligned import Aligned


@dataclass(frozen=True, kw_only=True)
class Options(Answers, Asking):
    """What ``harness align-judge`` is given.

    Args:
        labels: People's labels of pairs: a table, a store of harness label, or judgments; may be
            repeated.
        out: Rubric file to write (.yaml), which any judge takes as its option rubric.
        source: Name of the judge's source; its option rubric is what is aligned.
        option: Option of the judge as it is, key=value; repeatable.
        rubric: Another wording: id or file of a rubric; may be repeated.
        template: Another prompt template (standard, question, brief); may be repeated.
        examples: How many worked examples are tried, as 2,4; 0 for none. They are pairs on which
            judge and people disagree.
        no_calibration: Fit no temperature of stated probabilities and no margin of ties.
        share: Share of the prompts whose labels choose; those of the others prove.
        seed: Of the halves, and of the judge.
        uses: File that says what the labels were used for. Default: label-uses.jsonl beside the
            labels.
        json_file: Write everything to this JSON file.
    """

    labels: list[Path]
    out: Path
    source: str = "llm_judge"
    option: list[str] | None = None
    rubric: list[str] | None = None
    template: list[str] | None = None
    examples: str = "2,4"
    no_calibration: bool = False
    share: Annotated[float, typer.Option(min=0.1, max=0.9)] = 0.5
    seed: Seed = 0
    uses: Path | None = None
    json_file: Annotated[Path | None, typer.Option("--json")] = None


@one_object
def command(options: Options) -> None:
    """Choose a judge's rubric by half of people's labels; prove the gain on the other half.

    Tried are wordings, templates, worked examples, a temperature and a margin of ties. Calls and
    dollars are said first, and what was judged is kept in OUT.journal.sqlite. Exits with 1, and
    writes no rubric, where the 95% interval of the gain holds 0.

        harness align-judge --items items.jsonl --responses responses.jsonl --labels people.jsonl
        --option model=openai/gpt-4o-mini --option rubric=helpfulness --rubric kinder.yaml
        --template question --out aligned.yaml
    """
    from harness.cli.screen import bars, console
    from harness.experiment.stages.align_judge import AlignSettings, align_judge
    from harness.records.writes import write_json

    settings = filled(
        AlignSettings,
        options,
        options=key_values(options.option),
        rubrics=tuple(options.rubric or ()),
        templates=tuple(options.template or ()),
        examples=_counts(options.examples),
        calibrate=not options.no_calibration,
    )
    with bars(options.quiet) as bar:
        found = align_judge(
            options.items, options.responses, options.labels, options.out, settings, bar
        )
    if options.json_file is not None:
        write_json(options.json_file, found.as_row())
    screen = console()
    _show(screen, found)
    if found.rubric is None:
        raise typer.Exit(1)
    screen.print(
        f"\nnext: harness judge with --option rubric={found.rubric}, and harness agree --gate on"
        " labels that chose nothing",
        soft_wrap=True,
        markup=False,
    )


def _counts(text: str) -> tuple[int, ...]:
    from harness.nouns.errors import InputError

    try:
        found = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        found = (-1,)
    if any(count < 0 for count in found):
        raise InputError(f"--examples are numbers such as 2,4, got {text!r}")
    return found


def _show(screen: Console, found: Aligned) -> None:
    from harness.report.tables import Column, Table
    from harness.report.terminal import show

    share = [Column("says what people say", "percent"), Column("has a verdict", "percent")]
    columns: list[Column | str] = ["judge", *share, Column("labels", "count")]
    rows = [(one.name, one.share, one.coverage, one.n) for one in found.candidates]
    show(screen, Table("On the labels that choose", columns, rows))
    if (gain := found.gain) is not None:
        covered = gain.coverage
        table = [
            ("as it is", gain.before.value, covered[0], gain.before.n),
            (found.chosen, gain.after.value, covered[1], gain.after.n),
        ]
        show(screen, Table("On the labels that were held back", columns, table))
        screen.print(
            f"{counted(gain.won, 'label')} won, {gain.lost:,} lost, {gain.gain.n:,} in all"
        )
    for note in found.notes:
        screen.print(note, soft_wrap=True, markup=False)
    screen.print(f"\n{found.sentence}, ${found.cost_usd:.4f}", soft_wrap=True, markup=False)
    if found.rubric is not None:
        screen.print(f"in {found.rubric}", markup=False)
