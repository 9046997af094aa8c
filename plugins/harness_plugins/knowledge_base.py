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

_ARTICLES = frozenset(("a", "an", "the"))
_RAISED = "\u00b2\u00b3\u00b9\u2074\u2075\u2076\u2077\u2078\u2079"
_BEFORE = str.maketrans(
    {**dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-"),
     "\u2260": "!=", "\u226e": "!<", "\u226f": "!>", "&": " and ",
     **{c: f"^{unicodedata.digit(c)}" for c in _RAISED},
     **{chr(c): f" {unicodedata.normalize('NFKC', chr(c)).replace(chr(0x2044), '/')}"
        for c in (0xBC, 0xBD, 0xBE, *range(0x2150, 0x215F))}}
)  # fmt: skip
"""What would be another sign, or none, without its accents."""
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_INITIALS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){1,9}(?:[^\W\d_](?![^\W_]))?+")
_COMPARED = re.compile(r"(?<=[<>\u2264\u2265~\u2248\u00b1])[^\S\n]++(?=[-+.\d$\u20ac\u00a3\u00a5])")
_PERCENT = re.compile(r"(?<=\d)[^\S\n]++(?=%)")
_SYMBOL = re.compile(r"[^\w\s]|_")
_DECIMAL = re.compile(r"(?<![\w.:/-])(\d*+)\.(\d++)(?![\w.:/])")
_MONEY = frozenset(".$\u20ac\u00a3\u00a5")
_KEPT = frozenset("+#<>\u2264\u2265~\u2248\u00b1%$\u20ac\u00a3\u00a5\u00b0^\u221a\u221e@|")
_REMARK = re.compile(r"\([^()]{0,200}\)[\s.]{0,20}\Z")
_DENIED = (
    r"(?:not|\w{1,6}n['\u2019]t|cannot|never|nor|neither|no|wrong"
    r"|incorrect|false|untrue|mistaken|mistakes?|errors?|misconceptions?|except|excluding|excluded"
    r"|exclude|but|besides|without|unlike|instead\sof|rather\sthan|other\sthan|apart\sfrom|avoid"
    r"|reject(?:ed)?|ruled\sout|rule\sout|discard(?:ed)?|eliminated?|distractors?|doubt|trap|lie"
    r"|unlikely|impossible|opposite|nicht|kein(?:e|er)?|falsch(?:e|er)?|niemals|au\u00dfer|pas|faux"
    r"|fausse|incorrecte?|jamais|sauf|falsa?|falso|incorrecta|incorrecto|equivocad[ao]|nunca|excepto"
    r"|salvo|sbagliat[ao]|tranne|n\u00e3o|errad[ao]|\u043d\u0435|\u043d\u0435\u0432\u0435\u0440\u043d\w{0,9})"
)
_CROSSES = "\u2717\u2718\u274c"
_DENIAL = re.compile(
    rf"(?<!\w){_DENIED}(?!\w)"
    r"|\u4e0d\u662f|\u9519\u8bef|\u4e0d\u5bf9|\u9664\u4e86|\u4e0d\u6b63\u786e|\u975e"
    r"|\u9593\u9055|\u9055\u3046",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    rf"\b(?:or|maybe|perhaps|possibly|probably)\b|\?|{_DENIAL.pattern}", re.IGNORECASE
)
_WRAPPED = (
    re.compile(r"[^\\]{0,80}\\(?:boxed|fbox)\{(?:\\text\{)?([^{}]{1,400})\}{1,2}[\s.$*]{0,9}"),
    re.compile(r"<(?:final_)?answer>(.{1,400})</(?:final_)?answer>[\s.]{0,9}", re.IGNORECASE),
    re.compile(r"\(?\d{1,3}[.)]\s(.{1,400})"),
    re.compile(
        r"(?:(?:so|thus|hence|therefore),?\s)?(?:the|my)?\s?(?:final|correct|right)?\s?answer\sis\s"
        r"(.{1,400})",
        re.IGNORECASE,
    ),
)
_LABEL = re.compile(r":(?=[\s*_])|\uff1a")
_ALIASES = "aliases"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_Row = Mapping[str, str]
_LABELS = 8
"""Colons of a line after which the answer may stand, the last ones."""
_FAR = 200
"""Letters before a colon that say what stands behind it."""


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


@verifier(name="knowledge_base", version="3", options=KnowledgeBaseOptions, check=_check)
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
    if options.match == "mentions" and right <= _ARTICLES:
        return Verdict(Status.ABSTAINED, rationale="an article cannot be told from an answer")
    answers = list(_answers(response.text.strip(), options.match))
    if options.match == "mentions":
        found = any(f" {alias} " in f" {answers[0]} " for alias in right - _ARTICLES)
    else:
        found = any(answer in right for answer in answers)
    said = f"answer: {answers[-1][:80]}" if answers else "no answer that is not denied"
    return Verdict(Status.OK, found, rationale=said)


def _answers(text: str, match: str) -> Iterable[str]:
    """Yield the readings of an answer: of a last line all of it, and what follows a label."""
    if match != "last_line" or not text:
        yield normal(text)
        return
    *earlier, line = text.splitlines()
    above = next((one.strip(" \t*_") for one in reversed(earlier) if one.strip()), "")[-_FAR:]
    if above.endswith((":", "\uff1a")) and _DENIAL.search(above):
        return
    if any(mark in line for mark in _CROSSES):
        return
    labels = [0, *(found.end() for found in _LABEL.finditer(line))][-_LABELS:]
    kept = [start for start in labels if not _DENIAL.search(line[max(0, start - _FAR) : start])]
    for answer in _unwrapped([line[start:] for start in kept]):
        yield normal(answer)
        remark = _REMARK.search(answer[-240:])
        if remark and not _HEDGE.search(remark[0]):
            yield normal(answer[: len(answer) - len(remark[0])])


def _unwrapped(answers: Sequence[str]) -> Iterable[str]:
    """Yield answers, and what stands in a box or a tag, or behind a number or "the answer is"."""
    for answer in answers:
        yield answer
        for form in _WRAPPED:
            found = form.fullmatch(answer.strip())
            if found and not _DENIAL.search(found.string[: found.start(1)]):
                yield found[1]


def normal(text: str) -> str:
    """Return a text without case, accents, punctuation, articles and extra white space.

    What changes the sense of an answer stays: signs and decimal points of numbers, comparisons,
    money, percent, times, and names such as C++ and .NET; of an answer that is an article, it, too.
    """
    plain = text.translate(_BEFORE)
    # Accents go first, too: putting a long run of them into order takes quadratic time.
    plain = unicodedata.normalize("NFKD", _without_accents(plain.casefold()))
    plain = _without_accents(plain)
    plain = _INITIALS.sub(lambda found: found[0].replace(".", ""), _THOUSANDS.sub("", plain))
    plain = _PERCENT.sub("", _COMPARED.sub("", _SYMBOL.sub(_symbol, plain)))
    words = _DECIMAL.sub(_decimal, plain).split()
    kept = [
        word
        for number, word in enumerate(words)
        if word not in _ARTICLES or (word == "a" and number == len(words) - 1)
    ]
    return " ".join(kept or words)


def _symbol(found: re.Match[str]) -> str:
    """Return a sign as it counts: itself, a blank, or nothing."""
    mark, text = found[0], found.string
    before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
    if mark in "'\u2019\u02bc":
        return "" if before.isalnum() and after.isalnum() else " "
    if mark == "=":
        return " = "
    if mark == "!":
        return mark if after and after in "=<>" else " "
    if mark == ".":
        inside = after.isdigit() and (before.isdigit() or not before.isalnum())
        return mark if inside or (after.isalpha() and (not before or before.isspace())) else " "
    if mark in ":/":
        return mark if before.isdigit() and after.isdigit() else " "
    if mark in "-+" and not before.isalnum() and (after.isdigit() or after in _MONEY):
        return "-" if mark == "-" else ""
    if mark == "-":
        joins = before.isdigit() and after.isdigit()
        word = text[max(0, found.start() - 2) : found.start()]
        grade = before.isalpha() and not (after.isalnum() or word[:-1].isalnum())
        return mark if joins or grade else " "
    return mark if mark in _KEPT else " "


def _decimal(found: re.Match[str]) -> str:
    whole, decimals = found[1] or "0", found[2].rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c for c in text if not unicodedata.combining(c))


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
