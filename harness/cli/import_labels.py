"""``harness import-labels``: labels of people from any table or export, mapping shown first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from harness.nouns.errors import ConfigError


def command(
    file: Annotated[
        Path, typer.Argument(help="CSV, TSV, JSON, JSONL, Parquet or Excel; or a tool's export.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the labels as one long CSV table.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="OPTION=VALUE",
            help="Say what a column means, e.g. --set label=winner --set 'values={\"1\": A}'. "
            "Empty takes a guess back.",
        ),
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="The mapping shown is right: use it.")
    ] = False,
    items: Annotated[
        Path | None, typer.Option(help="Items (JSONL): any other item is an error.")
    ] = None,
    responses: Annotated[
        Path | None, typer.Option(help="Responses (JSONL): any other response is an error.")
    ] = None,
    items_out: Annotated[
        Path | None, typer.Option(help="Write the prompts of the table as items.")
    ] = None,
    responses_out: Annotated[
        Path | None, typer.Option(help="Write the responses of the table.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of a text file; UTF-8 by default.")] = "",
    delimiter: Annotated[str, typer.Option(help="Of a CSV file; guessed by default.")] = "",
    sheet: Annotated[str, typer.Option(help="Of an Excel file.")] = "",
) -> None:
    """Import labels of people: shows what each column is taken for, then writes one table.

    Nothing is written before --accept confirms the mapping, and nothing is written when any row
    is wrong: everything that is wrong comes in one report.
    """
    from harness.cli.screen import console
    from harness.labels.exports import read_label_table
    from harness.labels.guess import guess_columns
    from harness.labels.read_labels import Known, read_labels
    from harness.labels.texts import read_texts
    from harness.labels.writing import long_rows, write_csv
    from harness.records.rows import read_items, read_responses
    from harness.records.writes import write_jsonl

    if responses and not items:
        raise ConfigError("--responses needs --items")
    screen = console()
    table = read_label_table(file, encoding=encoding, delimiter=delimiter, sheet=sheet)
    guess = guess_columns(table)
    said = _parse(set_ or [])
    options = {k: v for k, v in {**guess.options, **said}.items() if v not in ("", None)}
    answered = [line for line in guess.open if not _answered(line, options)]
    screen.print(_mapping(table, guess, said, options))
    for note in table.notes:
        screen.print(f"note: {note}", markup=False)
    columns = _columns(options, answered)
    if not accept:
        screen.print(
            "\nNothing was written. If the mapping is right, add [bold]--accept[/bold]; "
            "to correct it, add [bold]--set OPTION=VALUE[/bold]."
        )
        return
    known = None
    if items:
        read = read_items(items)
        known = Known.of(read, read_responses(responses, read) if responses else ())
    labels = read_labels(table, columns, known)
    texts = read_texts(table, columns) if items_out or responses_out else None
    if out:
        write_csv(out, *long_rows(labels))
    if texts and items_out:
        write_jsonl(items_out, texts[0])
    if texts and responses_out:
        write_jsonl(responses_out, texts[1])
    people = len({label.annotator for label in labels})
    about = len({label.item_id for label in labels})
    skips = sum(label.value is None for label in labels)
    screen.print(
        f"\n{len(labels)} labels ({skips} skips) by {people} people on {about} items, from "
        f"{len(table.rows)} rows."
    )
    for path in (out, items_out, responses_out):
        if path:
            screen.print(f"wrote {path}", markup=False)
    _show_source(screen, out, file, labels, options, (encoding, delimiter, sheet))


def _parse(pairs: list[str]) -> dict[str, Any]:
    """Return {option: value}; values are YAML, so that lists and mappings can be given."""
    import yaml

    said: dict[str, Any] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign:
            raise ConfigError(f"--set takes OPTION=VALUE, got {pair!r}")
        try:
            value = yaml.safe_load(text) if text[:1] in "[{" else text
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {name}: not YAML: {text}") from error
        if name in ("labels", "systems", "choices") and isinstance(value, str) and value:
            value = [part.strip() for part in value.split(",")]
        said[name.strip()] = value
    return said


def _answered(question: str, options: dict[str, Any]) -> bool:
    """Tell whether what could not be guessed was said by a flag."""
    asked = question.split(":")[0].replace(" (a column)", "")
    names = [
        name.strip(" ,") for name in asked.replace(" or ", ",").replace(" and ", ",").split(",")
    ]
    return any(name in options for name in names if name)


def _columns(options: dict[str, Any], unanswered: list[str]) -> Any:
    from pydantic import ValidationError

    from harness.labels.columns import LabelColumns

    if unanswered:
        raise ConfigError(
            "the columns do not say everything", details=unanswered, hint="add --set OPTION=VALUE"
        )
    try:
        return LabelColumns.model_validate(options)
    except ValidationError as error:
        raise ConfigError(
            "the mapping does not hold together",
            details=[
                f"{'.'.join(map(str, e['loc']))}: {e['msg']}".removeprefix(": ").replace(
                    "Value error, ", ""
                )
                for e in error.errors()
            ],
            hint=f"options: {', '.join(LabelColumns.model_fields)}",
        ) from error


def _mapping(table: Any, guess: Any, said: dict[str, Any], options: dict[str, Any]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    from harness.labels.values import cell_text

    kind = table.tool + " export" if table.tool else "plain table"
    shown = Table(title=escape(f"{table.path.name}: {kind}, {len(table.rows)} rows"), min_width=60)
    for heading in ("option", "means", "example", "because"):
        shown.add_column(heading, overflow="fold")
    first = table.rows[0].cells if table.rows else {}
    for option, value in options.items():
        example = ""
        if isinstance(value, str) and value in table.columns:
            example = cell_text(first.get(value))
        elif isinstance(value, list):
            example = ", ".join(cell_text(first.get(v)) for v in value if v in table.columns)
        because = "you said so" if option in said else f"guess: {guess.reasons.get(option, '')}"
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        example = example if len(example) <= 40 else example[:39] + "…"
        shown.add_row(option, escape(text), escape(example), escape(because))
    if guess.unused:
        names = ", ".join(map(str, guess.unused))
        shown.caption = escape(f"not used: {names if len(names) < 300 else names[:299] + '…'}")
    return shown


def _show_source(
    screen: Any,
    out: Path | None,
    file: Path,
    labels: Any,
    options: dict[str, Any],
    reading: tuple[str, str, str],
) -> None:
    """Print the lines of an experiment file that use these labels."""
    import yaml

    from harness.labels.writing import PAIR_COLUMNS, SCORE_COLUMNS, options_of

    if out:
        columns = PAIR_COLUMNS if len(labels[0].responses) == 2 else SCORE_COLUMNS
        lines: dict[str, Any] = {"file": str(out), **options_of(columns)}
        lines.update({k: v for k, v in options.items() if k in ("scale", "duplicates")})
    else:
        texts = ("prompt", "text", "text_a", "text_b")
        lines = {"file": str(file), **{k: v for k, v in options.items() if k not in texts}}
        names = ("encoding", "delimiter", "sheet")
        lines.update({k: v for k, v in zip(names, reading, strict=True) if v})
    source = {"sources": {"people": {"use": "human_csv", "options": lines}}}
    text = yaml.safe_dump(source, sort_keys=False, allow_unicode=True)
    screen.print("\nIn an experiment file:\n")
    screen.print(text, markup=False, end="")
