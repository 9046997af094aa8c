"""The known name that somebody who wrote an unknown one most likely meant."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_LONGEST = 100  # characters: comparing two texts takes the product of their lengths
_MOST = 1000  # names that are compared


def did_you_mean(name: str, known: Iterable[str], before: str = "", after: str = "") -> str:
    """Return "did you mean X?" for the known name that is near, else an empty text.

    Args:
        name: What was written.
        known: The names that there are.
        before: Stands before the question, if there is one.
        after: Stands after it.
    """
    import difflib

    short = (one for one in known if len(one) <= _LONGEST)
    near = difflib.get_close_matches(name[:_LONGEST], list(islice(short, _MOST)), 1)
    return f"{before}did you mean {near[0]}?{after}" if near else ""
