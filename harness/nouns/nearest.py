"""The known name that somebody who wrote an unknown one most likely meant."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], before: str = "", after: str = "") -> str:
    """Return "did you mean X?" for the known name that is near, else an empty text.

    Args:
        name: What was written.
        known: The names that there are.
        before: Stands before the question, if there is one.
        after: Stands after it.
    """
    import difflib

    near = difflib.get_close_matches(name, list(known), 1)
    return f"{before}did you mean {near[0]}?{after}" if near else ""
