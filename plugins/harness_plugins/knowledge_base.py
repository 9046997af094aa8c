"""Verifier: the answer is one that a knowledge base gives for the item's key."""

from __future__ import annotations

import csv
import functools
import os
import re
import sqlite3
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.plugin import (
    DataError,
    Item,
    Response,
    SourceFactory,
    Status,
    Verdict,
    hookimpl,
    verifier,
)

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = re.compile(r"[^\w\s]")


class KnowledgeBaseOptions(BaseModel):
    """Options of ``knowledge_base``.

    Args:
        file: .csv with a header, or .sqlite / .db.
        table: Table of a SQLite file.
        key: Column that the item's key is looked up in. A key may have several rows.
        answer: Column of the answer.
        aliases: Column of further right answers, between separators; empty for none.
        separator: Between aliases.
        item_key: Where the item's key is: "reference", or the name of a metadata field.
        match: ``equals``: the whole response; ``last_line``: its last line, after a colon where it
            has one; ``mentions``: anywhere in it, which a response that lists every answer passes
            too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    table: str = "facts"
    key: str = "key"
    answer: str = "answer"
    aliases: str = "aliases"
    separator: str = "|"
    item_key: str = "reference"
    match: Literal["equals", "last_line", "mentions"] = "last_line"


@verifier(name="knowledge_base", version="1", options=KnowledgeBaseOptions)
def knowledge_base(item: Item, response: Response, options: KnowledgeBaseOptions) -> Verdict:
    """Compare the answer with those of the base, ignoring case, accents and articles."""
    given = item.reference if options.item_key == "reference" else item.metadata
    key = given.get(options.item_key) if isinstance(given, Mapping) else given
    if key is None:
        return Verdict(Status.ABSTAINED, rationale=f"the item has no {options.item_key}")
    facts = _facts(options, os.stat(options.file).st_mtime_ns if _exists(options) else 0)
    right = facts.get(normal(str(key)))
    if right is None:
        return Verdict(Status.ABSTAINED, rationale=f"{key!r} is not in the knowledge base")
    text = response.text.strip()
    if options.match == "last_line" and text:
        text = text.splitlines()[-1].rpartition(":")[2]
    answer = normal(text)
    if options.match == "mentions":
        found = any(f" {alias} " in f" {answer} " for alias in right)
    else:
        found = answer in right
    return Verdict(Status.OK, found, rationale=f"answer: {answer[:80]}")


def normal(text: str) -> str:
    """Return a text without case, accents, punctuation, articles and extra white space."""
    # Accents go first, too: putting a long run of them into order takes quadratic time.
    plain = unicodedata.normalize("NFKD", _without_accents(text.casefold()))
    plain = _without_accents(plain)
    return " ".join(_ARTICLES.sub(" ", _PUNCTUATION.sub(" ", plain)).split())


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c for c in text if not unicodedata.combining(c))


def _exists(options: KnowledgeBaseOptions) -> bool:
    if not Path(options.file).is_file():
        raise DataError("no such knowledge base", where=options.file)
    return True


@functools.lru_cache(maxsize=4)
def _facts(options: KnowledgeBaseOptions, modified: int) -> dict[str, frozenset[str]]:
    """Return the right answers for each key; read again when the file has changed."""
    facts: dict[str, set[str]] = defaultdict(set)
    for key, answer, aliases in _rows(options):
        names = [answer, *(aliases.split(options.separator) if aliases else [])]
        facts[normal(key)].update(name for name in map(normal, names) if name)
    return {key: frozenset(names) for key, names in facts.items()}


def _rows(options: KnowledgeBaseOptions) -> Iterable[tuple[str, str, str]]:
    columns = [options.key, options.answer, *([options.aliases] if options.aliases else [])]
    path = Path(options.file)
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"no column {', '.join(missing)}",
                    where=options.file,
                    hint=f"columns: {', '.join(reader.fieldnames or ())}",
                )
            rows = [[row[name] or "" for name in columns] for row in reader]
    else:
        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        table = options.table.replace('"', '""')
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
            # SQLite takes an unknown quoted name for a text; asking the table first avoids that.
            known = [row[1] for row in base.execute(f'PRAGMA table_info("{table}")')]
            missing = [name for name in columns if name not in known]
            if missing:
                raise DataError(
                    f"no column {', '.join(missing)} in table {options.table}",
                    where=options.file,
                    hint=f"columns: {', '.join(known) or 'none; is the name of the table right?'}",
                )
            query = f'SELECT {quoted} FROM "{table}"'
            rows = [[str(v if v is not None else "") for v in row] for row in base.execute(query)]
    return [(row[0], row[1], row[2] if len(row) > 2 else "") for row in rows]


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [knowledge_base]
