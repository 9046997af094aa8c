"""Everything that is wrong with one file, in one error."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.nouns.alike import listed
from harness.nouns.errors import DataError

SHOWN = 20
"""Different problems that one error shows; it counts the rest."""

_PLACES = 6


@dataclass(slots=True)
class Problems:
    """Collects problems; the same message at several places is one line with all its places."""

    path: Path
    hint: str = ""
    _places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, place: str, message: str) -> None:
        """Note that a message holds at a place, such as "row 7"."""
        self._places.setdefault(message, []).append(place)

    @property
    def full(self) -> bool:
        """Whether a further problem is counted and not shown."""
        return len(self._places) >= SHOWN

    def __bool__(self) -> bool:
        return bool(self._places)

    def raise_if_any(self, rows: int) -> None:
        """Raise one DataError for all problems of a table with so many rows.

        Raises:
            DataError: There is at least one problem.
        """
        wrong = len({p.split(",")[0] for places in self._places.values() for p in places})
        self.refuse(f"{wrong} of {rows} rows are wrong; nothing was imported")

    def refuse(self, message: str) -> None:
        """Raise one DataError with this message for all problems, if there are any.

        Raises:
            DataError: There is at least one problem.
        """
        if not self._places:
            return
        details = [
            f"{listed(places, _PLACES)}: {m}" for m, places in list(self._places.items())[:SHOWN]
        ]
        if len(self._places) > SHOWN:
            details.append(f"and {len(self._places) - SHOWN} further problems")
        raise DataError(message, where=str(self.path), details=details, hint=self.hint)
