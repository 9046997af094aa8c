"""What the columns of a label table are taken for: a guess, and what a person says about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.labels.columns import LabelColumns, is_plain, named_columns
from harness.labels.exports import read_label_table
from harness.labels.files import Row, Table
from harness.labels.guess import Guess, guess_columns
from harness.labels.human_label import HumanLabel
from harness.labels.problems import Problems
from harness.labels.read_labels import Known, Labelled, read_some
from harness.labels.tidy import Tidy, tidied
from harness.labels.values import cell_text
from harness.labels.writing import PAIR_COLUMNS, SCORE_COLUMNS, long_rows, options_of, write_csv
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.schema import Item, Response
from harness.records.places import keep_apart
from harness.records.rows import read_items, read_responses
from harness.records.writes import write_jsonl

_LISTS = ("labels", "systems", "choices", "people", "failure_values")
_KEPT = ("scale", "duplicates", "people", "failure_values")
_TEXTS = ("prompt", "text", "text_a", "text_b")


def read_said(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return what a person says about columns, given as text by option.

    Lists and mappings are written as YAML; ``labels``, ``systems`` and ``choices`` also as a,b,c.
    Everything else stays text, for a column may be called 1.

    Raises:
        ConfigError: What looks like a list or a mapping is no YAML.
    """
    from harness.nouns.yaml_file import parse_yaml

    said: dict[str, Any] = {}
    for option, text in texts.items():
        value: Any = text
        if text[:1] in ("[", "{"):
            try:
                value = parse_yaml(text)
            except ValueError as error:
                raise ConfigError(f"--set {option}: {error}") from error
        elif text and option in _LISTS:
            value = [part.strip() for part in text.split(",")]
        said[option] = value
    return said


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters, with an ellipsis where some are left out."""
    return text if len(text) <= most else text[: most - 1] + "…"


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A table and what its columns mean.

    Args:
        table: The rows.
        guess: What the names and contents of the columns suggest.
        said: What a person says instead; an empty value takes a guess back.
        reading: encoding, delimiter and sheet of the file, empty where the default holds.
    """

    table: Table
    guess: Guess
    said: Mapping[str, Any]
    reading: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_file(cls, path: Path, said: Mapping[str, str], **reading: str) -> ColumnMapping:
        """Read a table or a tool's export, as ``read_label_table`` does, and guess its columns.

        Raises:
            DataError: The file cannot be read.
            ConfigError: What is said is no YAML where it looks like a list or a mapping.
        """
        options = read_said(said)
        table = read_label_table(
            path, named=named_columns(options), plain=is_plain(options), **reading
        )
        return cls(table, guess_columns(table, options), options, reading)

    @property
    def options(self) -> dict[str, Any]:
        """The options as ``human_csv`` takes them."""
        merged = {**self.guess.options, **self.said}
        return {key: value for key, value in merged.items() if value not in ("", None)}

    @property
    def unused(self) -> list[str]:
        """Columns that mean nothing, and could not be the labels that are asked for."""
        used = {*named_columns(self.options), *self.guess.candidates}
        return [column for column in self.table.columns if column not in used]

    def meanings(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield (option, what it is set to, an example from the first row, the reason)."""
        for option, value in self.options.items():
            columns = value if isinstance(value, list) else [value]
            rows = self.table.rows[:1]
            found = [row.text(c) for row in rows for c in columns if c in self.table.columns]
            guessed = f"guess: {self.guess.reasons.get(option, '')}"
            because = "you said so" if option in self.said else guessed
            yield option, ", ".join(map(str, columns)), shortened(", ".join(found), 40), because

    def columns(self) -> LabelColumns:
        """Return the checked mapping.

        Raises:
            ConfigError: Something could not be guessed and was not said, or does not hold together.
        """
        from pydantic import ValidationError

        options = self.options
        unanswered = [line for line in self.guess.open if not _answered(line, options)]
        if unanswered:
            raise ConfigError(
                "the columns do not say everything",
                details=unanswered,
                hint=self.guess.hint(unanswered),
            )
        try:
            return LabelColumns.model_validate(options)
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise ConfigError(
                "the mapping does not hold together",
                details=[li.removeprefix(": ").replace("Value error, ", "") for li in lines],
                hint=f"options: {', '.join(LabelColumns.model_fields)}",
            ) from error

    def tidy(self, known: Known | None = None) -> Tidy:
        """Return the table as it is read, each name and each label in one spelling.

        Raises:
            ConfigError: The mapping is not complete.
            DataError: A column is missing, or spellings may be one or two.
        """
        columns = self.columns()
        self.table.need(columns.columns())
        return tidied(self.table, columns, known.names if known is not None else None)

    def experiment_lines(self, labels: Sequence[HumanLabel], long_table: Path | None) -> str:
        """Return the lines of an experiment file that use the labels, by ``source_options``."""
        import yaml

        options = self.source_options(labels, long_table)
        source = {"sources": {"people": {"use": "human_csv", "options": options}}}
        return str(yaml.safe_dump(source, sort_keys=False, allow_unicode=True))

    def source_options(
        self, labels: Sequence[HumanLabel], long_table: Path | None
    ) -> dict[str, Any]:
        """Return the options with which ``human_csv`` reads the long table that was written.

        None stands for the table itself.
        """
        if long_table is None:
            lines = {key: value for key, value in self.options.items() if key not in _TEXTS}
            given = {key: value for key, value in self.reading.items() if value}
            return {"file": str(self.table.path), **lines, **given}
        columns = PAIR_COLUMNS if len(labels[0].responses) == 2 else SCORE_COLUMNS
        kept = {k: v for k, v in self.options.items() if k in _KEPT}
        return {"file": str(long_table), **options_of(columns), **kept}


def _answered(question: str, options: Mapping[str, Any]) -> bool:
    """Tell whether what could not be guessed was said."""
    asked = question.split(":")[0].replace(" (a column)", "")
    names = asked.replace(" or ", ",").replace(" and ", ",").split(",")
    return any(name.strip() in options for name in names)


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """What an import writes; None is not written.

    Args:
        labels: CSV table.
        items: JSONL.
        responses: JSONL.
        raw_cells: Cells of the table that a spreadsheet takes for formulas stay as they are.
    """

    labels: Path | None = None
    items: Path | None = None
    responses: Path | None = None
    raw_cells: bool = False

    @property
    def given(self) -> list[Path]:
        """The files that are written, in order."""
        return [path for path in (self.labels, self.items, self.responses) if path]


def known_answers(items: Path | None, responses: Path | None) -> Known | None:
    """Return what labels may be about, by JSONL files; None where no file says it.

    Raises:
        ConfigError: There are responses and no items.
        DataError: A file is wrong.
    """
    if items is None:
        if responses is not None:
            raise ConfigError("--responses needs --items")
        return None
    read = read_items(items)
    return Known.of(read, read_responses(responses, read) if responses else ())


def import_labels(
    mapping: ColumnMapping, files: ImportFiles, known: Known | None = None
) -> list[HumanLabel]:
    """Read the labels of a table, and write them: the labels of ``imported``."""
    return list(imported(mapping, files, known).labels)


def imported(mapping: ColumnMapping, files: ImportFiles, known: Known | None = None) -> Labelled:
    """Read the labels of a table and write them as one long table, with its texts if wished.

    Nothing is written when any row is wrong. With ``known`` a label for anything else is wrong.

    Raises:
        ConfigError: The mapping is not complete.
        DataError: One error for everything that is wrong with the rows.
        InputError: What is written would replace the table, or one another.
    """
    written = (("labels", files.labels), ("items", files.items), ("responses", files.responses))
    keep_apart(written, [("the table", mapping.table.path)])
    columns = mapping.columns()
    if columns.kind == "labels":
        raise ConfigError(
            "task: labels is for labels of items, and an import is of what was said of responses",
            hint="harness agree and harness aggregate read such a table as it is",
        )
    found = read_some(mapping.table, columns, known)
    wanted = any((files.items, files.responses))
    items, responses = read_texts(found.tidy.table, columns) if wanted else ([], [])
    if files.labels:
        write_csv(files.labels, *long_rows(found.labels), raw_cells=files.raw_cells)
    if files.items:
        write_jsonl(files.items, items)
    if files.responses:
        write_jsonl(files.responses, responses)
    return found


def read_texts(table: Table, columns: LabelColumns) -> tuple[list[Item], list[Response]]:
    """Collect items (column ``prompt``) and responses (``text``, or ``text_a`` and ``text_b``).

    A response is named "<item>/<name in the table>", its system is the name in the table.

    Raises:
        DataError: No column of texts is declared; or one error for all items and responses that
            have two different texts.
    """
    if not columns.prompt or not (columns.text or (columns.text_a and columns.text_b)):
        raise DataError(
            "no columns of texts are declared, so there are no items and responses to write",
            where=str(table.path),
            hint="set prompt, and text or text_a and text_b",
        )
    items: dict[str, Item] = {}
    responses: dict[str, Response] = {}
    problems = Problems(table.path, hint="one item id must be one prompt; is it the right column?")
    for row in table.rows:
        item = Item(row.text(columns.item), _prompt(row.cells.get(columns.prompt)))
        if items.setdefault(item.id, item).prompt != item.prompt:
            problems.add(row.place, f"item {item.id!r} has another prompt than before")
        for response in _responses(row, item.id, columns):
            known = responses.setdefault(response.id, response)
            if known.text != response.text:
                problems.add(row.place, f"response {response.id!r} has another text than before")
    problems.raise_if_any(len(table.rows))
    return list(items.values()), list(responses.values())


def _prompt(cell: Any) -> str | tuple[Any, ...]:
    return tuple(cell) if isinstance(cell, list) else cell_text(cell)


def _responses(row: Row, item: str, columns: LabelColumns) -> list[Response]:
    if columns.kind == "pairs":
        names = columns.systems or [row.text(columns.response_a), row.text(columns.response_b)]
        texts = [columns.text_a, columns.text_b]
    else:
        names = columns.systems or [row.text(columns.response)]
        texts = [columns.text]
    return [
        Response(f"{item}/{name}", item, name, row.text(text))
        for name, text in zip(names, texts, strict=False)
        if text
    ]
