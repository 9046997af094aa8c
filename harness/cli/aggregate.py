"""``harness aggregate``: many labels of each item to one, judgments to preferences and rewards."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.label_options import LabelOptions, names
from harness.cli.options import Seed, filled, one_object, split_pairs
from harness.nouns.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Options(LabelOptions):
    """What ``harness aggregate`` is given.

    Args:
        method: mean, median, majority, soft, agreement_weighted, dawid_skene, one_coin, mace, glad,
            stacking, bradley_terry, davidson, or a plugin's.
        annotators: Annotators, as a,b,c: columns of a wide table or names of a long one.
        scale: Level of measurement: nominal or ordinal labels, or interval or ratio: numbers, of
            which mean and median are taken.
        weight: Weight of a source or annotator, as name=0.5; may be repeated.
        gold: Table with true labels: columns as --item-column and 'label'.
        agreement: agreement.json of harness agree, whose gates and kappas weigh the sources or
            annotators.
        gold_source: Judgments: the source that stacking takes for the truth.
        first_column: Comparisons: system whose answer stood first.
        second_column: Comparisons: system whose answer stood second.
        length_column: Comparisons: length of the first minus the second answer.
        place: Comparisons: give standing first a worth of its own; --no-place leaves it out, as
            where one system always stands first.
        prior: Share of each label before any vote: uniform, estimated, or as yes=0.3,no=0.7. For
            one_coin and glad uniform by default, for dawid_skene and mace estimated.
        seed: Seed of the folds of stacking.
        out: Write the labels with probabilities to this CSV.
        raw_cells: Cells that begin like formulas stay as they are; not for spreadsheets.
        preferences: Judgments: write the preferences to this JSONL.
        rewards: Judgments: write the rewards to this JSONL.
    """

    method: str = "dawid_skene"
    annotators: str = ""
    scale: str = "nominal"
    weight: list[str] | None = None
    gold: Path | None = None
    agreement: Path | None = None
    gold_source: str = ""
    first_column: str = ""
    second_column: str = ""
    length_column: str = ""
    place: Annotated[bool, typer.Option("--place/--no-place")] = True
    prior: str = ""
    seed: Seed = 0
    out: Path | None = None
    raw_cells: bool = False
    preferences: Path | None = None
    rewards: Path | None = None


@one_object
def command(options: Options) -> None:
    """Aggregate labels on a plain table, or judgments.

    Labels of several annotators become one for each item:

        harness aggregate LABELS.csv --method dawid_skene --annotators a1,a2,a3 --gold GOLD.csv

    Judgments of harness judge become preferences and rewards, with --items and --responses in the
    columns that harness train takes, and with --agreement the weights of an experiment's arm:

        harness aggregate JUDGMENTS.jsonl --method majority --items ITEMS.jsonl
        --responses RESPONSES.jsonl --agreement agreement.json
        --preferences preferences.jsonl --rewards rewards.jsonl

    Comparisons of systems become strengths with intervals:

        harness aggregate ARENA.csv --method davidson --first-column model_a
        --second-column model_b --label-column winner
    """
    from harness.cli.screen import busy, console
    from harness.experiment.stages.aggregate import How, aggregate, write_result
    from harness.records.writes import write_json
    from harness.report.aggregation import blocks
    from harness.report.terminal import show

    if (options.items is None) != (options.responses is None):
        raise InputError("--items and --responses go together")
    answers = options.answers()
    reading = options.reading(judges=names(options.annotators), level=options.scale)
    how = filled(How, options, weights=_weights(options.weight), prior=_prior(options.prior))
    labels = options.files
    with busy(f"aggregating {labels[0].name}"):
        result = aggregate(labels, how, reading, answers, options.encoding)
    files = (options.out, options.preferences, options.rewards)
    written = write_result(result, files, answers, raw_cells=options.raw_cells)
    if options.json_file is not None:
        content: Any = result.as_dict() if hasattr(result, "as_dict") else asdict(result)
        write_json(options.json_file, {"file": labels[0].name, "method": how.method, **content})
    screen = console()
    show(screen, *blocks(result, how.method))
    for what, path in written:
        screen.print(f"\n{what}: {path}", soft_wrap=True, markup=False)


def _weights(texts: list[str] | None, option: str = "--weight") -> dict[str, float]:
    try:
        return {name: float(x) for name, x in split_pairs(texts, option).items()}
    except ValueError as error:
        raise InputError(f"{option}: {error}") from error


def _prior(text: str) -> str | dict[str, float]:
    return _weights(text.split(","), "--prior") if "=" in text else text
