"""Options of every command that reads a table of labels, and what they say of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from harness.cli.options import split_pairs
from harness.nouns.errors import InputError
from harness.nouns.scale import Level

if TYPE_CHECKING:
    from harness.labels.ratings import Reading

Several = list[str] | None


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """Where the labels are and how they are to be read."""

    labels: Annotated[
        Path,
        typer.Argument(
            help="Table of labels (.csv, .tsv, .json, .jsonl, .parquet, .xlsx), an export, or"
            " judgments."
        ),
    ]
    also: Annotated[
        list[Path] | None,
        typer.Option(help="More judgments, of the same panel; may be repeated."),
    ] = None
    item_column: Annotated[str, typer.Option(help="Column with the name of the item.")] = ""
    annotator_column: Annotated[
        str, typer.Option(help="Long tables: column with the annotator.")
    ] = ""
    label_column: Annotated[str, typer.Option(help="Long tables: column with the label.")] = ""
    set_: Annotated[
        Several,
        typer.Option(
            "--set",
            metavar="OPTION=VALUE",
            help="Any other table, or what an export's columns mean, in the options of human_csv,"
            " e.g. --set response_a=model_a; may be repeated.",
        ),
    ] = None
    cluster_column: Annotated[
        str, typer.Option(help="Column with the group (prompt) of items that belong together.")
    ] = ""
    gold_column: Annotated[str, typer.Option(help="Column with the gold label.")] = ""
    categories: Annotated[str, typer.Option(help="Labels in their order, as low,middle,high.")] = ""
    failure_values: Annotated[
        str,
        typer.Option(
            help='Labels of judges that stand for a failed verdict; "empty" is an empty'
            " cell. Default: skip,abstained,refused,unparseable,garbage,timeout,error."
        ),
    ] = ""
    where: Annotated[
        Several,
        typer.Option(help="Read only rows with this value, as column=value; may be repeated."),
    ] = None
    encoding: Annotated[str, typer.Option(help="Encoding of a text file.")] = ""
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything to this JSON file.")
    ] = None

    @property
    def files(self) -> list[Path]:
        """What is to be read: one table, or files of judgments."""
        return [self.labels, *(self.also or ())]

    def reading(self, **more: Any) -> Reading:
        """Return how the table is to be read; ``more`` are the fields that a command adds.

        Raises:
            InputError: An option is not written as its help says.
        """
        from harness.labels.mapping import read_said
        from harness.labels.ratings import Reading

        return Reading(
            item_column=self.item_column,
            annotator_column=self.annotator_column,
            label_column=self.label_column,
            columns=read_said(split_pairs(self.set_ or (), "--set")),
            cluster_column=self.cluster_column,
            gold_column=self.gold_column,
            categories=names(self.categories),
            failure_values=names(self.failure_values),
            where=assigned(self.where, "--where"),
            **more,
        )


@dataclass(frozen=True, kw_only=True)
class ReadingOptions(LabelOptions):
    """Who labelled, on which scale, and what else the table knows of the judges."""

    human_columns: Annotated[
        str,
        typer.Option(
            "--human-columns",
            "--people",
            help="People, as a,b,c: columns of a wide table, annotators of a long one.",
        ),
    ] = ""
    judge_columns: Annotated[
        str, typer.Option("--judge-columns", "--judges", help="Judges and verifiers, likewise.")
    ] = ""
    simulated: Annotated[
        str, typer.Option(help="Which of them a program made up; marked wherever they are shown.")
    ] = ""
    orders: Annotated[
        Several,
        typer.Option(
            help="Verdicts in both orders, as judge=column_ab:column_ba, both already"
            " mapped to the original order; may be repeated."
        ),
    ] = None
    scale: Annotated[
        str, typer.Option(help=f"Level of measurement: {', '.join(get_args(Level))}.")
    ] = "nominal"
    tie_label: Annotated[
        str, typer.Option(help='Label that means "no preference"; "tie" is recognised.')
    ] = ""
    stated: Annotated[
        Several,
        typer.Option(
            help="Stated probability that a judge's own label is right, as judge=column; may be"
            " repeated."
        ),
    ] = None
    retest: Annotated[
        Several,
        typer.Option(help="The same annotator asked again, as name=column; may be repeated."),
    ] = None
    length_column: Annotated[
        str, typer.Option(help="Pairs: column with the length of A minus the length of B.")
    ] = ""
    own_family: Annotated[
        Several,
        typer.Option(
            help="Pairs: column with 1 where A is of the judge's family, -1 where B is, else 0, as"
            " judge=column; may be repeated."
        ),
    ] = None
    drift: Annotated[
        Several, typer.Option(help="Two versions of one judge, as old:new; may be repeated.")
    ] = None

    def reading(self, **more: Any) -> Reading:
        """Return how the table is to be read; as of ``LabelOptions``."""
        if self.scale not in get_args(Level):
            raise InputError(
                f"--scale must be one of {', '.join(get_args(Level))}, got {self.scale!r}"
            )
        return super().reading(
            humans=names(self.human_columns),
            judges=names(self.judge_columns),
            simulated=names(self.simulated),
            orders={
                judge: two(columns, f"--orders {judge}")
                for judge, columns in assigned(self.orders, "--orders").items()
            },
            level=self.scale,
            tie=self.tie_label,
            stated=assigned(self.stated, "--stated"),
            retests=assigned(self.retest, "--retest"),
            length_column=self.length_column,
            own_family=assigned(self.own_family, "--own-family"),
            drifts=tuple(two(text, "--drift") for text in self.drift or ()),
            **more,
        )


def names(text: str) -> tuple[str, ...]:
    """Return the names in "a,b,c"."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def assigned(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """Return what each name=value says.

    Raises:
        InputError: A text is not name=value.
    """
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (equals and name.strip()):
            raise InputError(f"{option} must be name=value, got {text!r}")
        found[name.strip()] = value.strip()
    return found


def two(text: str, option: str) -> tuple[str, str]:
    """Return both names of "first:second".

    Raises:
        InputError: There are not two.
    """
    first, _, second = text.partition(":")
    if not (first.strip() and second.strip()):
        raise InputError(f"{option} needs two names as first:second, got {text!r}")
    return first.strip(), second.strip()
