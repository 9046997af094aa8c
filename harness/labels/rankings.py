"""Rankings and best-worst choices to pairs: each says which of two responses a person prefers.

A ranking of n responses is n(n-1)/2 pairs, where equal ranks are ties. A best-worst choice among n
says 2n-3 pairs: the best before each other, and each other before the worst (Louviere and Woodworth
1991); nothing is known of the rest among themselves. Pairs of one ranking are not independent, so
intervals are to be clustered by item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any

from harness.labels.columns import LabelColumns
from harness.labels.failures import SKIP, FailureWords
from harness.labels.files import Row
from harness.labels.human_label import HumanLabel
from harness.labels.problems import Problems
from harness.labels.values import cell_text, number_of
from harness.nouns.plain_text import parsed_json

Pair = tuple[str, str, str]
"""(A, B, value): value is A, B or TIE."""


def pairs_of_ranks(ranks: Mapping[str, float]) -> list[Pair]:
    """Return the pairs of a ranking, from the rank of each response; 1 is the best."""
    return [
        (a, b, "TIE" if ranks[a] == ranks[b] else "A" if ranks[a] < ranks[b] else "B")
        for a, b in combinations(ranks, 2)
    ]


def pairs_of_best_worst(shown: Sequence[str], best: str, worst: str) -> list[Pair]:
    """Return the pairs that a best-worst choice decides.

    Raises:
        ValueError: Best or worst was not shown, they are the same, or a response stands twice.
    """
    if len(set(shown)) != len(shown):
        raise ValueError("a response was shown twice")
    for role, name in (("best", best), ("worst", worst)):
        if name not in shown:
            raise ValueError(f"{role} {name!r} is not among {', '.join(shown)}")
    if best == worst:
        raise ValueError(f"{best!r} is both best and worst")
    others = [name for name in shown if name not in (best, worst)]
    pairs = [(best, name, "A") for name in others] + [(name, worst, "A") for name in others]
    return [(best, worst, "A"), *pairs]


def ranks_of_columns(cells: Mapping[str, Any]) -> dict[str, float]:
    """Return the rank of each response from one column per response; empty ones are left out.

    Raises:
        ValueError: A rank is not a number.
    """
    ranks = {}
    for name, cell in cells.items():
        text = cell_text(cell)
        if text:
            ranks[name] = _rank(text)
    return _at_least_two(ranks)


def ranks_of_list(cell: Any) -> dict[str, float]:
    """Return ranks from one cell: a list from best to worst, or a text such as ``a > b = c``.

    In a list, an entry that is itself a list is a tie, and ``{"value": name, "rank": 1}`` is a
    name with its rank.

    Raises:
        ValueError: It is none of these, or a response stands twice.
    """
    if isinstance(cell, str):
        text = cell.strip()
        if text.startswith("["):
            try:
                cell = parsed_json(text)
            except ValueError as error:
                raise ValueError(f"{text!r:.60} is not a JSON list") from error
        else:
            cell = [[name.strip() for name in tier.split("=")] for tier in text.split(">")]
    if isinstance(cell, Mapping):
        named = ", ".join(map(repr, cell))
        raise ValueError(f"a ranking in several buckets ({named:.60}), whose order nobody says")
    if not isinstance(cell, list | tuple):
        raise ValueError(f"{cell!r:.60} is not a ranking; write a > b = c, or a list")
    ranks: dict[str, float] = {}
    for place, entry in enumerate(cell, 1):
        if isinstance(entry, dict) and "rank" in entry:
            tier = [(cell_text(entry.get("value")), _rank(cell_text(entry["rank"])))]
        else:
            names = entry if isinstance(entry, list | tuple) else [entry]
            tier = [(cell_text(name), float(place)) for name in names]
        for name, rank in tier:
            if not name or name in ranks:
                raise ValueError(f"response {name!r} stands twice" if name else "an empty name")
            ranks[name] = rank
    return _at_least_two(ranks)


def only_bucket(ranker: Any) -> Any:
    """Return the list of the only bucket of a Label Studio Ranker that holds anything."""
    if not isinstance(ranker, Mapping):
        return ranker
    filled = [names for names in ranker.values() if names]
    return filled[0] if len(filled) == 1 and isinstance(filled[0], list) else dict(ranker)


def _rank(text: str) -> float:
    number = number_of(text)
    if number is None:
        raise ValueError(f"rank {text!r} is not a number")
    return number


def _at_least_two(ranks: dict[str, float]) -> dict[str, float]:
    if len(ranks) < 2:
        raise ValueError(f"a ranking needs two responses or more, got {len(ranks)}")
    return ranks


def _pairs_of_list(cell: Any) -> list[Pair]:
    return pairs_of_ranks(ranks_of_list(cell))


def _pairs_of_columns(cells: Mapping[str, Any]) -> list[Pair]:
    return pairs_of_ranks(ranks_of_columns(cells))


@dataclass(frozen=True, slots=True)
class _By:
    """Who ranks the responses of which item, by which criterion."""

    item: str
    annotator: str
    criterion: str


@dataclass(slots=True)
class RankingReader:
    """Reads the rows of a table of rankings or best-worst choices; what is wrong goes to problems.

    Args:
        columns: What the columns mean.
        words: The words that stand for failures.
        problems: Where problems go.
    """

    columns: LabelColumns
    words: FailureWords
    problems: Problems
    _long: dict[_By, dict[str, tuple[str, Row]]] = field(default_factory=dict, init=False)
    _found: list[tuple[HumanLabel, Row]] = field(default_factory=list, init=False)
    _failed: list[tuple[_By, Row, list[str], str]] = field(default_factory=list, init=False)

    def read(self, item: str, annotator: str, row: Row) -> None:
        """Read one row, in which somebody ranks the responses of an item, or one of them."""
        columns = self.columns
        by = _By(item, annotator, row.text(columns.criterion))
        if columns.kind == "best_worst":
            self._best_worst(by, row)
        elif columns.response and columns.label:
            self._one_rank(by, row)
        elif columns.label:
            cell = row.cells.get(columns.label)
            self._decide(by, row, self._failure([cell], by), (), partial(_pairs_of_list, cell))
        else:
            cells = {column: row.text(column) for column in columns.labels}
            reason = self._failure(cells.values(), by)
            if columns.by == "rank":
                names = [name for name in cells.values() if name]
                self._decide(by, row, reason, (), partial(_pairs_of_list, names))
            else:
                self._decide(by, row, reason, cells, partial(_pairs_of_columns, cells))

    def labels(self) -> Iterator[tuple[HumanLabel, Row]]:
        """Yield the label of each decided pair with its row, once all rows are read.

        A ranking that failed is a failure of every pair that it could have decided.
        """
        for by, rows in self._long.items():
            ranks = {name: rank for name, (rank, _) in rows.items()}
            row = next(iter(rows.values()))[1]
            reason = self._failure(ranks.values(), by)
            self._decide(by, row, reason, ranks, partial(_pairs_of_columns, ranks))
        ranked: dict[tuple[str, str], dict[str, None]] = {}
        for label, _ in self._found:
            named = ranked.setdefault((label.item_id, label.criterion), {})
            named.update(dict.fromkeys(label.responses))
        for by, row, shown, reason in self._failed:
            names = shown or list(ranked.get((by.item, by.criterion), ()))
            pairs = list(combinations(names, 2))
            if not pairs:
                self.problems.add(row.place, f"{reason!r}, and no row ranks item {by.item!r}")
            failure = "" if reason == SKIP.lower() else reason
            self._add(by, row, [(a, b, None) for a, b in pairs], failure)
        yield from self._found

    def _one_rank(self, by: _By, row: Row) -> None:
        """Keep the rank of one response, in a table with a row for each."""
        name, rank = row.text(self.columns.response), row.text(self.columns.label)
        named = self._long.get(by, {})
        if not name or not (rank or self._reason("", by)):
            self.problems.add(row.place, "no response" if not name else "no rank")
        elif name in named:
            before = named[name][1].place
            self.problems.add(row.place, f"{by.annotator} ranked {name!r} already in {before}")
        else:
            self._long.setdefault(by, named)[name] = (rank, row)

    def _best_worst(self, by: _By, row: Row) -> None:
        columns = self.columns
        shown = [row.text(column) for column in columns.choices]
        best, worst = row.text(columns.best), row.text(columns.worst)
        # Tables name the choice by its response or by the column in which it stood.
        named = dict(zip(columns.choices, shown, strict=True))
        present = [name for name in shown if name]
        reason = "" if best in present else self._failure([best, worst or best], by)
        chosen = named.get(best, best), named.get(worst, worst)
        self._decide(by, row, reason, present, partial(pairs_of_best_worst, present, *chosen))

    def _decide(
        self,
        by: _By,
        row: Row,
        reason: str,
        names: Iterable[str],
        pairs: Callable[[], list[Pair]],
    ) -> None:
        """Add the pairs of a ranking, or note the names and the reason of one that failed."""
        if reason:
            self._failed.append((by, row, list(names), reason))
            return
        try:
            self._add(by, row, pairs())
        except ValueError as error:
            about = f" ({by.annotator} on item {by.item!r})" if by in self._long else ""
            self.problems.add(row.place, f"{error}{about}")

    def _failure(self, cells: Iterable[Any], by: _By) -> str:
        """Return the word of failure that all filled cells of a ranking say, or none."""
        texts = [text for text in map(cell_text, cells) if text] or [""]
        reasons = {self._reason(text, by) for text in texts}
        return reasons.pop() if len(reasons) == 1 else ""

    def _reason(self, text: str, by: _By) -> str:
        """Return the word of failure of a cell; empty when it ranks."""
        if text in self.columns.values:
            return SKIP.lower() if self.columns.values[text].upper() == SKIP else ""
        return self.words.reason(text, by.annotator)

    def _add(
        self, by: _By, row: Row, pairs: Iterable[tuple[str, str, str | None]], failure: str = ""
    ) -> None:
        for a, b, value in pairs:
            label = HumanLabel(
                by.item, (a, b), by.annotator, value, by.criterion, row.place, failure=failure
            )
            self._found.append((label, row))
