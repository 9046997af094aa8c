"""``harness aggregate``: many labels of each item to one, judgments to preferences and rewards."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.label_options import LabelOptions, assigned, names
from harness.cli.options import filled, one_object
from harness.nouns.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Options(LabelOptions):
    """What ``harness aggregate`` is given."""

    method: Annotated[
        str,
        typer.Option(
            help="mean, majority, soft, agreement_weighted, dawid_skene, one_coin, mace, glad,"
            " stacking, bradley_terry, davidson, or a plugin's."
        ),
    ] = "dawid_skene"
    annotators: Annotated[
        str,
        typer.Option(help="Annotators, as a,b,c: columns of a wide table or names of a long one."),
    ] = ""
    weight: Annotated[
        list[str] | None,
        typer.Option(help="Weight of a source or annotator, as name=0.5; may be repeated."),
    ] = None
    gold: Annotated[
        Path | None,
        typer.Option(help="Table with true labels: columns as --item-column and 'label'."),
    ] = None
    gold_source: Annotated[
        str, typer.Option(help="Judgments: the source that stacking takes for the truth.")
    ] = ""
    first_column: Annotated[
        str, typer.Option(help="Comparisons: system whose answer stood first.")
    ] = ""
    second_column: Annotated[
        str, typer.Option(help="Comparisons: system whose answer stood second.")
    ] = ""
    length_column: Annotated[
        str, typer.Option(help="Comparisons: length of the first minus the second answer.")
    ] = ""
    seed: Annotated[int, typer.Option(help="Seed of the folds of stacking.")] = 0
    items: Annotated[
        Path | None,
        typer.Option(help="Judgments: JSONL of the items; with it the rows get their texts."),
    ] = None
    responses: Annotated[Path | None, typer.Option(help="Judgments: JSONL of the responses.")] = (
        None
    )
    out: Annotated[
        Path | None, typer.Option(help="Write the labels with probabilities to this CSV.")
    ] = None
    preferences: Annotated[
        Path | None, typer.Option(help="Judgments: write the preferences to this JSONL.")
    ] = None
    rewards: Annotated[
        Path | None, typer.Option(help="Judgments: write the rewards to this JSONL.")
    ] = None


@one_object
def command(options: Options) -> None:
    """Aggregate labels on a plain table, or judgments.

        harness aggregate LABELS.csv --method dawid_skene --annotators a1,a2,a3 --gold GOLD.csv

    Judgments of harness judge become preferences and rewards, with --items and --responses in the
    columns that harness train takes:

        harness aggregate JUDGMENTS.jsonl --method majority --items ITEMS.jsonl
        --responses RESPONSES.jsonl --preferences preferences.jsonl --rewards rewards.jsonl

    Comparisons of systems become strengths with intervals:

        harness aggregate ARENA.csv --method davidson --first-column model_a
        --second-column model_b --label-column winner
    """
    from harness.cli.screen import console
    from harness.experiment.stages.aggregate_labels import How, aggregate, write_result
    from harness.experiment.stages.recorded import Answers
    from harness.records.writes import write_json
    from harness.report.aggregation import blocks
    from harness.report.terminal import show

    if (options.items is None) != (options.responses is None):
        raise InputError("--items and --responses go together")
    answers = None
    if options.items is not None and options.responses is not None:
        answers = Answers.read(options.items, options.responses)
    reading = options.reading(judges=names(options.annotators), length_column=options.length_column)
    how = filled(How, options, weights=_weights(options.weight))
    labels = options.files
    result = aggregate(labels, how, reading, answers, options.encoding)
    written = write_result(result, (options.out, options.preferences, options.rewards), answers)
    if options.json_file is not None:
        content: Any = result.as_dict() if hasattr(result, "as_dict") else asdict(result)
        write_json(options.json_file, {"file": labels[0].name, "method": how.method, **content})
    screen = console()
    show(screen, *blocks(result, how.method))
    for what, path in written:
        screen.print(f"\n{what}: {path}", soft_wrap=True, markup=False)


def _weights(texts: list[str] | None) -> dict[str, float]:
    try:
        return {name: float(x) for name, x in assigned(texts, "--weight").items()}
    except ValueError as error:
        raise InputError(f"--weight: {error}") from error
