"""Options of every command that reads a table of labels, and what they say of the table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from harness.cli.options import filled, split_pairs
from harness.nouns.errors import InputError
from harness.nouns.gate import Gate
from harness.nouns.scale import Level

if TYPE_CHECKING:
    from harness.experiment.stages.recorded import Answers
    from harness.labels.ratings import Reading

Several = list[str] | None


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """Where the labels are and how they are to be read.

    Args:
        labels: Table of labels (.csv, .tsv, .json, .jsonl, .parquet, .xlsx), an export, or
            judgments.
        also: More judgments, of the same panel; may be repeated.
        item_column: Column with the name of the item.
        annotator_column: Long tables: column with the annotator.
        label_column: Long tables: column with the label.
        set_: Any other table, or what an export's columns mean, in the options of human_csv, e.g.
            --set response_a=model_a; may be repeated.
        cluster_column: Column with the group (prompt) of items that belong together.
        gold_column: Column with the gold label.
        categories: Labels in their order, as low,middle,high.
        failure_values: Labels that stand for a failed verdict; "empty" is an empty cell.
            Default: skip, abstained, refused, unparseable, garbage, timeout, error and the like;
            n/a and its kin are no label in any case.
        where: Read only rows with this value, as column=value; may be repeated.
        encoding: Encoding of a text file.
        items: Judgments: JSONL file of the items; metadata.cluster groups them.
        responses: Judgments: JSONL file of the responses. The pairs of a run count: of each item
            the first with the second, the third with the fourth, ...
        json_file: Write everything to this JSON file.
    """

    labels: Annotated[Path, typer.Argument()]
    also: list[Path] | None = None
    item_column: str = ""
    annotator_column: str = ""
    label_column: str = ""
    set_: Annotated[Several, typer.Option("--set", metavar="OPTION=VALUE")] = None
    cluster_column: str = ""
    gold_column: str = ""
    categories: str = ""
    failure_values: str = ""
    where: Several = None
    encoding: str = ""
    items: Path | None = None
    responses: Path | None = None
    json_file: Annotated[Path | None, typer.Option("--json")] = None

    @property
    def files(self) -> list[Path]:
        """What is to be read: one table, or files of judgments."""
        return [self.labels, *(self.also or ())]

    def answers(self) -> Answers | None:
        """Read what was judged, if it is given.

        Raises:
            InputError: There are responses and no items.
        """
        from harness.experiment.stages.recorded import Answers

        if self.items is None:
            if self.responses is not None:
                raise InputError("--responses needs --items")
            return None
        return Answers.read(self.items, self.responses)

    def reading(self, **more: Any) -> Reading:
        """Return how the table is to be read; ``more`` are the fields that a command adds.

        Raises:
            InputError: An option is not written as its help says.
        """
        from harness.labels.mapping import read_said
        from harness.labels.ratings import Reading

        return filled(
            Reading,
            self,
            columns=read_said(split_pairs(self.set_, "--set")),
            categories=names(self.categories),
            failure_values=names(self.failure_values),
            where=split_pairs(self.where, "--where"),
            **more,
        )


@dataclass(frozen=True, kw_only=True)
class ReadingOptions(LabelOptions):
    """Who labelled, on which scale, and what else the table knows of the judges.

    Args:
        human_columns: People, as a,b,c: columns of a wide table, annotators of a long one.
        judge_columns: Judges and verifiers, likewise.
        simulated: Which of them a program made up; marked wherever they are shown.
        slice_column: Column with the slice of each item, for gates like judge=0.4:drop,slice=hard.
            Default: slice, where the table has that column.
        orders: Verdicts in both orders, as judge=column_ab:column_ba, both already mapped to the
            original order; may be repeated.
        tie_label: Label that means "no preference"; "tie" is recognised.
        stated: Stated probability that a judge's own label is right, as judge=column; may be
            repeated.
        retest: The same annotator asked again, as name=column; may be repeated.
        length_column: Pairs: column with the length of A minus the length of B.
        own_family: Pairs: column with 1 where A is of the judge's family, -1 where B is, else 0, as
            judge=column; may be repeated.
        drift: Two versions of one judge, as old:new; may be repeated.
    """

    human_columns: Annotated[str, typer.Option("--human-columns", "--people")] = ""
    judge_columns: Annotated[str, typer.Option("--judge-columns", "--judges")] = ""
    simulated: str = ""
    slice_column: str = ""
    orders: Several = None
    scale: Annotated[
        str, typer.Option(help=f"Level of measurement: {', '.join(get_args(Level))}.")
    ] = "nominal"
    tie_label: str = ""
    stated: Several = None
    retest: Several = None
    length_column: str = ""
    own_family: Several = None
    drift: Several = None

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
                for judge, columns in split_pairs(self.orders, "--orders").items()
            },
            level=self.scale,
            tie=self.tie_label,
            stated=split_pairs(self.stated, "--stated"),
            retests=split_pairs(self.retest, "--retest"),
            own_family=split_pairs(self.own_family, "--own-family"),
            drifts=tuple(two(text, "--drift") for text in self.drift or ()),
            **more,
        )


def names(text: str) -> tuple[str, ...]:
    """Return the names in "a,b,c"."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def two(text: str, option: str) -> tuple[str, str]:
    """Return both names of "first:second".

    Raises:
        InputError: There are not two.
    """
    first, _, second = text.partition(":")
    if not (first.strip() and second.strip()):
        raise InputError(f"{option} needs two names as first:second, got {text!r}")
    return first.strip(), second.strip()


HOW_GATES = (
    "like judge=0.4:down_weight, or judge=maximum_flip_rate:0.2:warn and more keys of"
    " agreement.gates, as in ...:drop,against=people_style,undecided=train"
)


def gates(texts: Several) -> list[Gate]:
    """Return the gates that are written as source=0.4:drop or source=LIMIT:0.2:drop,KEY=VALUE.

    Raises:
        InputError: A text is written otherwise.
    """
    from pydantic import ValidationError

    from harness.experiment.gate_config import GateConfig

    found = []
    for text in texts or ():
        source, _, rest = text.partition("=")
        asked, *more = rest.split(",")
        *named, limit, action = ["", *asked.split(":")] if asked.count(":") else ["", "", ""]
        key = "".join(named).strip() or "minimum_kappa"
        pairs = [part.partition("=") for part in more]
        keys = {name.strip(): value.strip() for name, _, value in pairs}
        try:
            keys = {**keys, "source": source.strip(), "action": action.strip(), key: limit.strip()}
            found.append(GateConfig.model_validate(keys).gate())
        except ValidationError as error:
            details = [
                f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ")
                for one in error.errors()
            ]
            raise InputError(f"--gate must be {HOW_GATES}; got {text}", details=details) from error
    return found
