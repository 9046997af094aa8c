"""What a training does not learn from: rows left out or cut, each counted, named and told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.nouns.alike import alike
from harness.nouns.errors import DataError
from harness.records.writes import write_jsonl

TOO_LONG, CUT, EMPTY = "too long", "cut", "with an empty response"
UNASKED = "with a prompt of no tokens"
NO_END = "with no answer to the last message"
TOOLS = "with a call of tools as answer"
WITHOUT = (EMPTY, UNASKED, NO_END, TOOLS)
EMPTY_HINT = "give rows with a prompt and a response to it, both with a text"
ENDED = "cut after an end token"
UNREAD = "not reached by the steps"
"""Why nothing was learnt of a row that could be learnt from: the training ended before."""
SHORTER = (CUT, ENDED)
"""Why not all is learnt of a row that is learnt from."""
FILE = "left_out.jsonl"
"""File in the folder of a training: one line for each row that was left out or cut."""


class Nothing(str):
    """A response without a text, and why it has none."""

    def __new__(cls, reason: str) -> Nothing:
        """Return the empty text."""
        made = super().__new__(cls)
        made.reason = reason
        return made

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A row, and why it was left out, or "cut".

    Args:
        row: Number among the rows that were given, from 1.
        place: Where it stands.
        reason: In few words.
        tokens: Its length where that was the reason.
    """

    row: int
    place: str
    reason: str
    tokens: int | None = None


class LeftOut:
    """The account of the rows of one training.

    Args:
        places: Of all rows.
        longest: Tokens that a row may have.
        limit: What sets that: "max_length 1024".
    """

    def __init__(self, places: Sequence[str], longest: int, limit: str) -> None:
        self.places, self.longest, self.limit = places, longest, limit
        self.shorten = "rows"
        self.widest = 0  # tokens of the longest row that fits, once it is cut
        self.lost: list[Lost] = []

    def leave(self, number: int, reason: str, tokens: int | None = None) -> None:
        """Note that a row (from 0) is left out."""
        self.lost.append(Lost(number + 1, self.places[number], reason, tokens))

    def fits(self, number: int, needed: int, *lengths: int) -> bool:
        """Tell whether anything of a row is left within the limit; note it if it is cut or not.

        Args:
            number: Of the row, from 0.
            needed: Tokens without which there is nothing to learn.
            lengths: Tokens of the whole row, in each of its texts.
        """
        if needed > self.longest:
            self.leave(number, TOO_LONG, max(lengths, default=needed))
            return False
        whole = max(lengths, default=needed)
        self.widest = max(self.widest, min(whole, self.longest))
        if whole > self.longest:
            self.leave(number, CUT, whole)
        return True

    def asks(self, number: int, prompt: Any, ids: Sequence[int]) -> bool:
        """Tell whether a prompt asks anything; note the row if its text comes to no token.

        A text that is learnt whole has no prompt, and may do without.
        """
        if ids or prompt == "":
            return True
        self.leave(number, UNASKED)
        return False

    def says(self, number: int, *texts: str) -> bool:
        """Tell whether each of a row's texts says anything; note it if not."""
        empty = next((text for text in texts if not text.strip()), None)
        if empty is None:
            return True
        self.leave(number, empty.reason if isinstance(empty, Nothing) else EMPTY)
        return False

    @property
    def used(self) -> int:
        """Rows that something is learnt from."""
        return len(self.places) - sum(one.reason not in SHORTER for one in self.lost)

    def counts(self) -> dict[str, int]:
        """Return how many rows there are of each reason, the commonest first."""
        found: dict[str, int] = {}
        for one in self.lost:
            found[one.reason] = found.get(one.reason, 0) + 1
        return dict(sorted(found.items(), key=lambda entry: -entry[1]))

    def write(self, folder: Path) -> None:
        """Write a line for each row; no file where there is none."""
        if self.lost:
            write_jsonl(folder / FILE, self.lost)

    def refuse_nothing(self, what: str) -> None:
        """Refuse to train on nothing.

        Raises:
            DataError: No row is left.
        """
        if self.used:
            return
        long = [one.tokens or 0 for one in self.lost if one.reason == TOO_LONG]
        details = [
            (one.place, one.reason + (f", {one.tokens:,} tokens" if one.tokens else ""))
            for one in self.lost
            if one.reason not in SHORTER
        ]
        raise DataError(
            f"none of {len(self.places)} {what} can be learnt from:"
            f" {told(self.counts(), self.limit)}",
            details=alike(details, 10),
            hint=f"set max_length to {max(long):,} or more, as far as the model reads, or shorten"
            f" the {self.shorten}"
            if long
            else EMPTY_HINT
            if all(one.reason in WITHOUT for one in self.lost)
            else "use a source that can tell the responses apart, or lower minimum_probability",
        )


def told(counts: Mapping[str, int], limit: str = "max_length") -> str:
    """Return counts in words: "3 too long for max_length 64, 2 ties"."""
    return ", ".join(
        f"{number:,} {reason}" + (f" for {limit}" if reason == TOO_LONG else "")
        for reason, number in counts.items()
    )
