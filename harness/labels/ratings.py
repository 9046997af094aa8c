"""From a table of labels to the rating table and the evidence of agreement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from harness.labels.beside import Beside
from harness.labels.columns import LabelColumns, ScaleOptions, is_plain, named_columns
from harness.labels.exports import read_label_table
from harness.labels.files import Table
from harness.labels.guess import Guess, guess_columns
from harness.labels.mapping import ColumnMapping
from harness.labels.read_labels import Labelled, read_labelled
from harness.labels.same_prompts import repeated
from harness.labels.spellings import listed
from harness.labels.values import TIES, cell_text
from harness.labels.writing import LONG_COLUMNS
from harness.nouns.errors import DataError, InputError
from harness.nouns.nearest import did_you_mean
from harness.nouns.scale import PREFERENCE, Level, Scale

if TYPE_CHECKING:
    from harness.ratings.evidence import Evidence, OrderVerdicts
    from harness.ratings.table import RatingTable

_OF_RESPONSES = ("response", "response_a", "response_b", "systems", "by", "best", "worst")
"""Options that say which responses were labelled; without them the items themselves were."""

INCONSISTENT = "inconsistent"
"""Reason of a pair whose verdict changed with the order, where the labels have no tie."""


SLICE = "slice"
"""What a column with slices is called where nobody says otherwise."""


@dataclass(frozen=True)
class Reading:
    """How to read a table of labels into ratings.

    Args:
        humans: People: columns of a wide table, annotators of a long one.
        judges: Judges and verifiers, likewise.
        simulated: Those of them that a program made up.
        item_column: Column with the name of the item; row numbers without it.
        annotator_column: Long tables: column with the annotator.
        label_column: Long tables: column with the label.
        columns: Any other table: options of ``LabelColumns``, as ``human_csv`` takes them.
        cluster_column: Column with the group of items that are not independent.
        gold_column: Column with the gold label.
        slice_column: Column with the slice of each item; "slice", where a table has that column.
        orders: Judge -> (column when A stood first, column when B stood first); both already
            mapped to the original order. Wide tables only, like all that follow.
        retests: Annotator -> column with its labels when asked again.
        stated: Judge -> column with the probability that its own label is right.
        length_column: Column with the length of A minus the length of B.
        own_family: Judge -> column with 1 where A is of its family, -1 where B is, else 0.
        drifts: (old, new) versions of a judge, both among the judges.
        level: Level of measurement.
        categories: Labels in their order; empty when they are to be found in the table.
        failure_values: Labels that stand for a failed verdict; empty for the usual words.
        where: Column -> the only value of it whose rows are read.
        tie: Label that means "no preference"; empty to recognise the usual names.
    """

    humans: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    simulated: tuple[str, ...] = ()
    item_column: str = ""
    annotator_column: str = ""
    label_column: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)
    cluster_column: str = ""
    gold_column: str = ""
    slice_column: str = ""
    orders: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    retests: Mapping[str, str] = field(default_factory=dict)
    stated: Mapping[str, str] = field(default_factory=dict)
    length_column: str = ""
    own_family: Mapping[str, str] = field(default_factory=dict)
    drifts: tuple[tuple[str, str], ...] = ()
    level: Level = "nominal"
    categories: tuple[str, ...] = ()
    failure_values: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    tie: str = ""

    def __post_init__(self) -> None:
        """Refuse a level that there is not, and names that are one text.

        Raises:
            InputError: They are.
        """
        if self.level not in get_args(Level):
            near = did_you_mean(str(self.level), get_args(Level), "; ")
            raise InputError(f"level {self.level!r} is none of {', '.join(get_args(Level))}{near}")
        for name in ("humans", "judges", "simulated", "categories", "failure_values"):
            if isinstance(text := getattr(self, name), str):
                raise InputError(
                    f"{name} is the text {text!r}, not several names",
                    hint=f"{name}={tuple(part.strip() for part in text.split(','))}",
                )

    @property
    def hidden(self) -> tuple[str, ...]:
        """Columns of labels that are not annotators of their own."""
        single = [column for pair in self.orders.values() for column in pair]
        return (*single, *self.retests.values())

    @property
    def numeric(self) -> Mapping[str, str]:
        """Option -> column of numbers."""
        columns = {f"--stated {judge}": name for judge, name in self.stated.items()}
        columns |= {f"--own-family {judge}": name for judge, name in self.own_family.items()}
        return columns | ({"--length-column": self.length_column} if self.length_column else {})

    @property
    def named(self) -> list[str]:
        """Every text that may name a column."""
        single = (self.item_column, self.annotator_column, self.label_column, self.gold_column)
        wide = (*self.humans, *self.judges, *self.hidden, *self.numeric.values(), *self.where)
        return [
            *single,
            self.cluster_column,
            self.slice_column,
            *wide,
            *named_columns(self.columns),
        ]

    @property
    def scale(self) -> Scale | None:
        """The declared scale; None when any label will do."""
        if self.level in ("interval", "ratio"):
            return Scale(self.level, low=0.0 if self.level == "ratio" else None)
        return Scale(self.level, self.categories) if len(self.categories) > 1 else None


def read_ratings(
    path: Path, reading: Reading, encoding: str = "", sheet: str = ""
) -> tuple[RatingTable, Evidence]:
    """Read labels of people and judges from any table or export.

    Raises:
        InputError: It is not said who labelled, or what is said does not fit together.
        DataError: Columns are missing or labels wrong; one error for the whole file, with rows.
        ScaleError: The labels do not fit the level of measurement.
    """
    from harness.ratings.evidence import Evidence, OrderVerdicts

    options = dict(reading.columns)
    file = {key: str(options.pop(key, "")) for key in ("encoding", "delimiter", "sheet")}
    file |= {"encoding": encoding or file["encoding"], "sheet": sheet or file["sheet"]}
    reading = replace(reading, columns=options)
    table = read_label_table(path, named=reading.named, plain=is_plain(options), **file)
    for column, value in reading.where.items():
        table = table.only(column, value)
    reading = _as_written(table, reading)
    if not reading.slice_column and SLICE in {*table.columns} - {*reading.named}:
        reading = replace(reading, slice_column=SLICE)
    _check_names(table, reading)
    columns = label_columns(table, reading)
    if not columns.labels and (reading.hidden or reading.numeric):
        raise InputError(
            "--orders, --retest, --stated, --length-column and --own-family need a wide table",
            where=str(table.path),
            hint="put each annotator's labels into a column of their own",
        )
    beside = {"--cluster-column": reading.cluster_column, "--gold-column": reading.gold_column}
    beside |= {"--slice-column": reading.slice_column, **reading.numeric}
    table.need({column: option for option, column in beside.items() if column})
    named = (*reading.humans, *reading.judges, *reading.hidden)
    labelled = read_labelled(table, columns, only=named, gold=reading.gold_column)
    table, columns = labelled.tidy.table, labelled.tidy.columns
    ratings = _rating_table(table, reading, columns, labelled)
    if reading.slice_column:
        found = Beside(table, labelled).slices(reading.slice_column)
        ratings = replace(ratings, slices=tuple(found))
    if not reading.cluster_column:
        told = _prompts_twice(table, labelled, reading, ratings)
        ratings = replace(ratings, notes=(*ratings.notes, *told))
    chances = {*reading.stated.values()}
    numbers = Beside(table, labelled).numbers(reading.numeric.values(), chances)
    orders: list[OrderVerdicts] = []
    for judge, (first, second) in reading.orders.items():
        one, two = (ratings.codes[:, ratings.column(column)] for column in (first, second))
        a, b = _sides(ratings, table.path)
        orders.append(OrderVerdicts(judge, one, two, ratings.clusters, a, b, ratings.tie))
    evidence = Evidence(
        orders=tuple(orders),
        stated={judge: numbers[column] for judge, column in reading.stated.items()},
        length_gap=numbers.get(reading.length_column),
        own_family={judge: numbers[column] for judge, column in reading.own_family.items()},
        retests={
            name: ratings.codes[:, ratings.column(column)]
            for name, column in reading.retests.items()
        },
        drifts=reading.drifts,
    )
    hidden = set(reading.hidden) - {*reading.humans, *reading.judges}
    return _without(ratings, hidden, orders, reading.orders), evidence


PROMPTS = frozenset({"prompt", "question", "instruction", "query"})
"""Columns that hold what was asked, in lower case."""


def _prompts_twice(
    table: Table, labelled: Labelled, reading: Reading, ratings: RatingTable
) -> list[str]:
    """Say where one prompt stands in several clusters, of a table that has a column of prompts."""
    named = [c for c in table.columns if c.lower() in PROMPTS and c not in reading.named]
    return [
        line
        for column in named[:1]
        for line in repeated(
            [next(filter(None, (row.text(column) for row in rows)), "")
             for rows in labelled.rows.values()],
            ratings.clusters.tolist(),
            f"say which belong together: --cluster-column {column}",
        )
    ]  # fmt: skip


def _as_written(table: Table, reading: Reading) -> Reading:
    """Name the columns of a table that ``long_rows`` wrote, of people, where nothing is said."""
    said = (reading.item_column, reading.annotator_column, reading.label_column, reading.columns)
    named = {*reading.humans, *reading.judges}
    if any(said) or named & {*table.columns} or not {*LONG_COLUMNS} <= {*table.columns}:
        return reading
    item, annotator, label = LONG_COLUMNS
    people = dict.fromkeys(row.text(annotator) for row in table.rows)
    return replace(
        reading,
        item_column=item,
        annotator_column=annotator,
        label_column=label,
        humans=reading.humans or tuple(name for name in people if name not in reading.judges),
    )


def _check_names(table: Table, reading: Reading) -> None:
    both = sorted(set(reading.humans) & set(reading.judges))
    if both:
        raise DataError(
            f"{', '.join(both)} cannot be both people and judges", where=str(table.path)
        )
    known = {*reading.humans, *reading.judges, *reading.orders}
    named = {
        "--retest": list(reading.retests),
        "--stated": list(reading.stated),
        "--own-family": list(reading.own_family),
        "--drift": [name for pair in reading.drifts for name in pair],
    }
    for option, names in named.items():
        strange = sorted(set(names) - known)
        if strange:
            raise InputError(
                f"{option} names {', '.join(strange)}, who is no annotator",
                hint=f"annotators: {', '.join(sorted(known))}",
            )


def label_columns(table: Table, reading: Reading) -> LabelColumns:
    """Return what the columns mean: as declared, and for an export of a tool as its tool has it.

    Raises:
        InputError: It is not said who labelled, or what is said does not fit together.
    """
    named = {
        "item": reading.item_column,
        "annotator": reading.annotator_column,
        "label": reading.label_column,
        "people": list(reading.humans),
        "failure_values": list(reading.failure_values),
    }
    said = {**reading.columns, **{key: value for key, value in named.items() if value}}
    wide = list(dict.fromkeys((*reading.humans, *reading.judges, *reading.hidden)))
    guess = Guess()
    if table.tool and not (wide and set(wide) <= set(table.columns)):
        guess = guess_columns(table, said)
    elif not said.keys() & {"task", *_OF_RESPONSES}:
        said["task"] = "labels"
        if said.keys() & {"annotator", "label"}:
            if not said.keys() >= {"item", "annotator", "label"}:
                raise InputError(
                    "a long table needs --item-column, --annotator-column and --label-column",
                    where=str(table.path),
                )
        elif wide:
            said = {"labels": wide, **said}
        else:
            raise InputError(
                "nobody to compare",
                hint="name who labelled: --annotators (harness aggregate), --human-columns and"
                " --judge-columns (harness agree), or a long table with --annotator-column",
            )
    columns = ColumnMapping(table, guess, said).columns()
    if columns.kind == "labels" and columns.labels and "item" not in said:
        columns = columns.model_copy(update={"item": ""})  # rows are items
    if reading.scale is None or columns.scale or columns.kind not in ("labels", "scores"):
        return columns
    level, labels, low = reading.scale.level, reading.scale.labels, reading.scale.low
    scale = ScaleOptions(level=level, labels=list(labels), low=low)
    return columns.model_copy(update={"scale": scale})


def _rating_table(
    table: Table, reading: Reading, columns: LabelColumns, labelled: Labelled
) -> RatingTable:
    from harness.ratings.table import from_labels

    things = {thing: i for i, thing in enumerate(labelled.rows)}
    names = _annotators(table, reading, columns, labelled)
    said: dict[str, list[str | None]] = {name: [None] * len(things) for name in names}
    failures = {name: [""] * len(things) for name in names}
    for label in labelled.labels:
        if label.repeat:
            continue
        label, place = label.named(labelled.responses[label.thing]), things[label.thing]
        if label.value is not None:
            said[label.annotator][place] = cell_text(label.value)
        failures[label.annotator][place] = label.reason
    pairs = any(len(responses) == 2 for responses in labelled.responses.values())
    beside = Beside(table, labelled)
    gold = beside.gold(reading.gold_column, columns) if reading.gold_column else None
    seen = {text for column in (*said.values(), gold or ()) for text in column if text is not None}
    tie = labelled.tidy.folded.label(reading.tie) if reading.tie else ""
    tie = tie or next((text for text in sorted(seen) if text.lower() in TIES), "")
    if not seen and not any(map(any, failures.values())):
        raise DataError("no row holds a label", where=str(table.path))
    ratings = from_labels(
        said,
        humans=reading.humans,
        level=PREFERENCE.level if pairs else reading.level,
        categories=PREFERENCE.labels if pairs else reading.categories or None,
        clusters=beside.clusters(reading.cluster_column),
        failures=failures,
        gold=gold,
        tie="TIE" if pairs else tie or None,
    )
    items = tuple(labelled.name(thing) for thing in things)
    notes = (*table.notes, *labelled.tidy.notes, *_apart(said, gold, reading))
    return replace(
        ratings,
        items=items,
        simulated=frozenset(reading.simulated),
        notes=notes,
    )


def _apart(
    said: Mapping[str, Sequence[str | None]], gold: Sequence[str | None] | None, reading: Reading
) -> list[str]:
    """Say whose labels are none of the people's, or of the gold ones: other words for the same?"""
    used = {name: {text for text in column if text is not None} for name, column in said.items()}
    people = {text for name in reading.humans for text in used[name]}
    if reading.level in ("interval", "ratio"):
        return []
    held = [(name, "the people", used[name], people) for name in reading.judges]
    true = {text for text in gold or () if text is not None}
    held.append(("the annotators", "the gold labels", set().union(*used.values()), true))
    return [
        f"warning: {who} and {whom} have no label in common ({_some(theirs)} against"
        f" {_some(right)}): if these are other words for the same, say so: --set values={{...}}"
        for who, whom, theirs, right in held
        if theirs and right and not theirs & right
    ]


def _some(labels: Iterable[str]) -> str:
    """Return a few of some labels, in order."""
    return listed(sorted(f"{label:.30}" for label in labels), ", ")


def _annotators(
    table: Table, reading: Reading, columns: LabelColumns, labelled: Labelled
) -> list[str]:
    """Return the annotators in order: the declared ones first, then as they come."""
    wide = columns.labels if columns.by == "annotator" else ()
    came = dict.fromkeys([*wide, *(label.annotator for label in labelled.labels)])
    declared = (*reading.humans, *reading.judges)
    unknown = sorted(set(declared) - set(came))
    if unknown:
        everybody = came if wide or not columns.annotator else table.texts(columns.annotator)
        raise DataError(
            f"no label of {', '.join(unknown)}",
            where=str(table.path),
            hint=f"annotators: {', '.join(sorted(set(everybody))[:20])}",
        )
    return [*dict.fromkeys([*declared, *came])]


def _sides(table: RatingTable, path: Path) -> tuple[int, int]:
    """Return the codes of "A preferred" and "B preferred"."""
    sides = [code for code in range(table.n_categories) if code != table.tie]
    if len(sides) != 2:
        raise DataError(
            "verdicts in both orders need two labels and at most a tie, got"
            f" {', '.join(table.categories)}",
            where=str(path),
            hint="declare them, A first: --categories 1,2 (and --tie-label NAME)",
        )
    return sides[0], sides[1]


def _without(
    table: RatingTable,
    hidden: set[str],
    orders: Sequence[OrderVerdicts],
    columns: Mapping[str, tuple[str, str]],
) -> RatingTable:
    """Drop hidden columns and put one combined verdict in place of those of single orders.

    An inconsistent pair is a tie; without a tie category it is a failure of its own name.
    """
    import numpy as np

    reasons = table.reasons
    if orders and table.tie is None and INCONSISTENT not in reasons:
        reasons = (*reasons, INCONSISTENT)
    keep = [i for i, name in enumerate(table.annotators) if name not in hidden]
    codes = [table.codes[:, i] for i in keep]
    failures = [table.failures[:, i] for i in keep]
    for verdicts in orders:
        combined = verdicts.combined(-1 if table.tie is None else table.tie)
        one, two = (table.failures[:, table.column(c)] for c in columns[verdicts.annotator])
        failed = np.where(one > 0, one, two)
        codes.append(combined)
        failures.append(np.where(verdicts.both & (combined < 0), len(reasons), failed))
    return replace(
        table,
        annotators=(*(table.annotators[i] for i in keep), *(o.annotator for o in orders)),
        codes=np.column_stack(codes),
        failures=np.column_stack(failures),
        reasons=reasons,
        kinds=(*(table.kinds[i] for i in keep), *("judge" for _ in orders)),
    )
