"""What checking a run found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Changed:
    """One place that is not as it should be.

    Attributes:
        file: Name in the run directory, or of an input.
        row: Which row of it, as people find it; empty where the file is no table.
        place: Which key of the row, keys inside keys joined by dots.
        says: What stands there.
        should: What should.
        why: How that is known.
    """

    file: str
    row: str
    place: str
    says: Any
    should: Any
    why: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What checking a run found.

    Attributes:
        run: Its directory.
        seal: The hash of all that it stands on, as its manifest says.
        changed: What is not as it should be; what was edited itself comes first, then what does not
            follow from the rows any more.
        unchecked: What could not be checked, and why.
        checked: What was.
        other: That another version of the harness made the run, and which; empty where this did.
        otherwise: Where this version comes to other numbers than the one that made the run. That
            tells of no edit: what was edited in a row is in ``changed``, whoever made it.
    """

    run: str
    seal: str
    changed: tuple[Changed, ...]
    unchecked: tuple[str, ...]
    checked: tuple[str, ...]
    other: str = ""
    otherwise: tuple[Changed, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was changed, and all of it was computed again as it stands."""
        return not self.changed and not self.otherwise

    def as_row(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "ok": self.ok}
