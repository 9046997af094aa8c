"""Reads the last row of a table of winners: "| Overall | B |"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.judging import pair_words as words
from harness.judging.clauses import Sentence, Token
from harness.judging.preference import Clause

_WHOLE = frozenset(("overall", "final", "total", "conclusion", "verdict"))
"""Names of the row that is of all criteria."""
_SMALL = frozenset("the in my on balance result results".split())
_WINNERS = words.VERDICT | words.BETTER | words.ANSWER | frozenset("prefers wins favors".split())


def last_rows(lines: Sequence[Sentence], numbered: bool) -> Iterator[tuple[str, int, int]]:
    """Yield the verdicts of tables whose last row is of the whole.

    The other column has the name of a winner, so that it is not that of the worse response.

    Args:
        lines: The sentences of an answer.
        numbered: Whether the responses are called 1 and 2.

    Yields:
        A, B or TIE, where it stands, and the number of its sentence.
    """
    head: list[list[Token]] | None = None
    for number, line in enumerate(lines):
        cells = _cells(line)
        head = (head or cells) if cells else None
        following = lines[number + 1] if number + 1 < len(lines) else None
        ends = following is None or not _cells(following)
        if head is None or head is cells or not ends or len(cells) != 2 or len(head) != 2:
            continue
        name = {token.word for token in cells[0]} - _SMALL
        column = {token.word for token in head[1]}
        if not name or not name <= _WHOLE or column.isdisjoint(_WINNERS):
            continue
        if not column.isdisjoint(words.WORSE | words.NOT):
            continue
        if value := _value(Clause(cells[1], numbered)):
            yield value, cells[1][0].start, number


def _value(clause: Clause) -> str:
    tie = clause.tie(0, True)
    if tie is not None and tie >= clause.size:
        return "TIE"
    named = clause.option(0)
    return named[0] if named is not None and named[1] >= clause.size else ""


def _cells(line: Sentence) -> list[list[Token]]:
    """Return the cells of a row of a table; nothing of another line."""
    if line.words[0] != "|" or not line.first or not line.last:
        return []
    cells: list[list[Token]] = []
    for token in line.tokens:
        if token.word == "|":
            cells.append([])
        else:
            cells[-1].append(token)
    return [cell for cell in cells if cell]
