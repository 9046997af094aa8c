"""A mark before each call, so that a run after a kill knows what it may have paid for."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.nouns.errors import DataError
from harness.nouns.scale import is_number

TABLE = """
CREATE TABLE IF NOT EXISTS in_flight (
    key TEXT NOT NULL, call_id TEXT NOT NULL, owner TEXT NOT NULL, cost_usd REAL NOT NULL
);
"""

LEFT = "left"
"""Owner of marks whose run has ended: what they may have cost counts as spent for good."""


def _owner() -> str:
    return f"{platform.node()}:{os.getpid()}:{_TOKENS.setdefault(os.getpid(), uuid.uuid4().hex)}"


_TOKENS: dict[int, str] = {}


@dataclass(frozen=True, slots=True)
class Left:
    """What was in flight when earlier runs ended.

    Args:
        calls: How many calls the last ones left.
        cost_usd: Dollars that those may have cost at most.
        ids: Key of each call, also of runs before, and under which id it was sent.
    """

    calls: int
    cost_usd: float
    ids: dict[str, str]

    def __str__(self) -> str:
        """Return a sentence for the terminal; empty where nothing was left."""
        if not self.calls:
            return ""
        were, calls = ("was", "call") if self.calls == 1 else ("were", "calls")
        cost = f": up to ${self.cost_usd:.4f} counts as spent" if self.cost_usd else ""
        return (
            f"{self.calls} {calls} {were} in flight when the last run ended and may be paid"
            f" twice{cost}"
        )


class Marks:
    """The marks of a journal.

    Args:
        put: Hands a statement with its values to the writer of the journal.
        rows: Returns the rows of a query, with all that was put before.
    """

    def __init__(
        self,
        put: Callable[[str, tuple[Any, ...]], None],
        rows: Callable[[str], list[tuple[Any, ...]]],
    ) -> None:
        self._put = put
        self._rows = rows
        self._left: Left | None = None
        self._told = False

    def begin(self, key: str, call_id: str, cost_usd: float) -> None:
        """Mark a call that is about to be sent, and may cost so many dollars."""
        self._put("INSERT INTO in_flight VALUES (?, ?, ?, ?)", (key, call_id, _owner(), cost_usd))

    def end(self, key: str) -> None:
        """Take the mark of a call back: what it cost is known."""
        self._put("DELETE FROM in_flight WHERE key = ? AND owner = ?", (key, _owner()))

    def left(self) -> Left:
        """Return what earlier runs left in flight; found once for each journal that is opened."""
        if self._left is None:
            self._left = self._find()
        return self._left

    def note(self) -> str:
        """Return what earlier runs left as a sentence, the first time that it is asked for."""
        if self._told:
            return ""
        self._told = True
        return str(self.left())

    def _find(self) -> Left:
        answered = {key for (key,) in self._rows(
            "SELECT key FROM in_flight WHERE key IN (SELECT key FROM replies)"
        )}  # fmt: skip
        calls, cost, ids = 0, 0.0, {}
        for row, key, call_id, owner, cost_usd in self._rows(
            "SELECT rowid, key, call_id, owner, cost_usd FROM in_flight"
        ):
            if not is_mark((key, call_id, owner, cost_usd)):
                raise DataError(
                    "the journal's mark of a call in flight is damaged",
                    hint="keep what can be read of it: harness recover FILE",
                )
            if owner != LEFT:
                if _alive(owner):
                    continue
                if key in answered:  # the reply came, and the kill before the mark went
                    self._put("DELETE FROM in_flight WHERE rowid = ?", (row,))
                    continue
                calls, cost = calls + 1, cost + cost_usd
                self._put("UPDATE in_flight SET owner = ? WHERE rowid = ?", (LEFT, row))
            ids[key] = call_id
        return Left(calls, cost, ids)


def is_mark(row: Sequence[Any]) -> bool:
    """Tell whether a row is a mark: key, id of the call, owner and dollars."""
    texts, cost = row[:3], row[3]
    if not all(isinstance(cell, str) for cell in texts) or not is_number(cost):
        return False
    parts = row[2].rsplit(":", 2)
    is_owner = len(parts) == 3 and parts[1].isdecimal() and 0 < len(parts[1]) < 10
    return cost >= 0 and (row[2] == LEFT or is_owner)


def _alive(owner: str) -> bool:
    """Tell whether the process that made a mark may still wait for its answer."""
    node, pid, _ = owner.rsplit(":", 2)
    if owner == _owner():
        return True
    if node != platform.node() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
