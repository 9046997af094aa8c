"""Verifier: the answer is one that a knowledge base gives for the item's key."""

from __future__ import annotations

import csv
import functools
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.plugin import (
    DataError,
    Item,
    Response,
    RunContext,
    SourceFactory,
    Status,
    Verdict,
    hookimpl,
    verifier,
)
from harness_plugins.knowledge_answers import answers_in
from harness_plugins.knowledge_names import ARTICLES, normal

_ALIASES = "aliases"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_Row = Mapping[str, str]


class KnowledgeBaseOptions(BaseModel):
    """Options of ``knowledge_base``.

    Args:
        file: .csv or .tsv with a header, or .sqlite / .db.
        table: Table of a SQLite file.
        key: Column that the item's key is looked up in. A key may have several rows.
        answer: Column of the answer.
        aliases: Column of further right answers, between separators; by default the one called
            aliases, where there is one.
        separator: Between aliases.
        item_key: Where the item's key is: "reference", or the name of a metadata field.
        match: ``equals``: the whole response; ``last_line``: its last line, or what follows a colon
            in it, without a remark in brackets; ``mentions``: anywhere in it, which a response
            that lists every answer passes too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    table: str = "facts"
    key: str = "key"
    answer: str = "answer"
    aliases: str | None = None
    separator: str = "|"
    item_key: str = "reference"
    match: Literal["equals", "last_line", "mentions"] = "last_line"


def _check(ctx: RunContext, options: KnowledgeBaseOptions) -> None:
    """Refuse a file that cannot be read, before anything is judged."""
    _facts_of(options)


@verifier(name="knowledge_base", version="4", options=KnowledgeBaseOptions, check=_check)
def knowledge_base(item: Item, response: Response, options: KnowledgeBaseOptions) -> Verdict:
    """Compare the answer with those of the base, ignoring case, accents and articles."""
    given = item.reference if options.item_key == "reference" else item.metadata
    key = given.get(options.item_key) if isinstance(given, Mapping) else given
    if key is None:
        return Verdict(Status.ABSTAINED, rationale=f"the item has no {options.item_key}")
    facts = _facts_of(options)
    names = facts.named(str(key))
    if not names:
        return Verdict(Status.ABSTAINED, rationale=f"{key!r} is not in the knowledge base")
    if len(names) > 1:
        several = ", ".join(map(repr, names[:4]))
        return Verdict(Status.ABSTAINED, rationale=f"{key!r} could be each of the keys {several}")
    right = facts.answers[names[0]]
    if not right:
        return Verdict(Status.ABSTAINED, rationale=f"the base has no answer for {key!r}")
    if options.match == "mentions" and right <= ARTICLES:
        return Verdict(Status.ABSTAINED, rationale="an article cannot be told from an answer")
    answers = list(answers_in(response.text, options.match))
    if options.match == "mentions":
        known = right - ARTICLES
        found = any(f" {name} " in f" {answer} " for answer in answers for name in known)
    else:
        found = any(answer in right for answer in answers)
    said = f"answer: {answers[-1][:80]}" if answers else "no answer that is not denied"
    return Verdict(Status.OK, found, rationale=said)


def _facts_of(options: KnowledgeBaseOptions) -> Facts:
    """Return the knowledge base as its file is now.

    Raises:
        DataError: There is no such file, or it is none with these columns.
    """
    if not Path(options.file).is_file():
        raise DataError("no such knowledge base", where=options.file)
    try:
        return _facts(options, os.stat(options.file).st_mtime_ns)
    except (OSError, UnicodeDecodeError, csv.Error, sqlite3.Error) as error:
        raise DataError(f"not a knowledge base: {error!s:.200}", where=options.file) from error


@dataclass(frozen=True, slots=True)
class Facts:
    """A knowledge base in memory.

    Args:
        answers: Key as it stands there -> the right answers, normal.
        keys: Normal key -> the keys of which it is the normal form.
    """

    answers: Mapping[str, frozenset[str]]
    keys: Mapping[str, Sequence[str]]

    def named(self, key: str) -> Sequence[str]:
        """Return the keys that a key may be: itself, or those that are like it."""
        exact = " ".join(key.split())
        return [exact] if exact in self.answers else self.keys.get(normal(key), ())


@functools.lru_cache(maxsize=4)
def _facts(options: KnowledgeBaseOptions, modified: int) -> Facts:
    """Return the right answers for each key; read again when the file has changed."""
    facts: defaultdict[str, set[str]] = defaultdict(set)
    for key, answer, aliases in _rows(options):
        names = [answer, *(aliases.split(options.separator) if aliases else [])]
        facts[" ".join(key.split())].update(name for name in map(normal, names) if name)
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for key in facts:
        keys[normal(key)].append(key)
    return Facts({key: frozenset(names) for key, names in facts.items()}, dict(keys))


def _rows(options: KnowledgeBaseOptions) -> Iterable[tuple[str, str, str]]:
    """Yield key, answer and aliases of each row.

    Raises:
        DataError: There are no such columns or no rows, or a row has more cells than the header.
    """
    path = Path(options.file)
    known, rows = (_of_csv if path.suffix.lower() in _DELIMITERS else _of_base)(options, path)
    if not rows:
        raise DataError("the knowledge base has no rows", where=options.file)
    aliases = _ALIASES if options.aliases is None and _ALIASES in known else options.aliases
    for row in rows:
        yield row[options.key], row[options.answer], row[aliases] if aliases else ""


def _missing(options: KnowledgeBaseOptions, known: Iterable[str]) -> str:
    """Return the columns that are not there, in words."""
    wanted = [options.key, options.answer, *([options.aliases] if options.aliases else [])]
    return ", ".join(name for name in wanted if name not in set(known))


def _of_csv(options: KnowledgeBaseOptions, path: Path) -> tuple[Sequence[str], list[_Row]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, delimiter=_DELIMITERS[path.suffix.lower()])
        known = list(reader.fieldnames or ())
        if missing := _missing(options, known):
            hint = f"columns: {', '.join(known):.400}"
            raise DataError(f"no column {missing}", where=options.file, hint=hint)
        rows: list[_Row] = []
        for row in reader:
            if None in row:
                raise DataError(
                    f"{len(known) + len(row[None])} cells where the header has {len(known)}",
                    where=f"{options.file}, line {reader.line_num}",
                    hint='put a cell that holds the delimiter between quotes: "Washington, D.C."',
                )
            rows.append({str(name): cell or "" for name, cell in row.items()})
        return known, rows


def _of_base(options: KnowledgeBaseOptions, path: Path) -> tuple[Sequence[str], list[_Row]]:
    table = options.table.replace('"', '""')
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
        # SQLite takes an unknown quoted name for a text; asking the table first avoids that.
        known = [row[1] for row in base.execute(f'PRAGMA table_info("{table}")')]
        if missing := _missing(options, known):
            tables = [row[0] for row in base.execute("SELECT name FROM sqlite_master")]
            others = f"none; tables: {', '.join(tables) or 'none'}"
            raise DataError(
                f"no column {missing} in table {options.table}",
                where=options.file,
                hint=f"columns: {', '.join(known) or others:.400}",
            )
        found = base.execute(f'SELECT * FROM "{table}"')
        cells = [[str(v if v is not None else "") for v in row] for row in found]
        return known, [dict(zip(known, row, strict=True)) for row in cells]


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [knowledge_base]
