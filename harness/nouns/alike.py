"""What is wrong at many places of one input: the same thing is one line, with its first places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def alike(problems: Iterable[tuple[str, str]], most: int, places: int = 3) -> list[str]:
    """Return a line for each different problem, with its first places and how many more.

    Args:
        problems: Place, such as "line 3", and what is wrong there.
        most: Different problems that are shown; a last line counts the rest.
        places: Of each problem that are named.
    """
    found: dict[str, list[str]] = {}
    for place, problem in problems:
        found.setdefault(problem, []).append(place)
    lines = [f"{listed(where, places)}: {problem}" for problem, where in found.items()]
    more = [f"and {len(lines) - most} more"] if len(lines) > most else []
    return [*lines[:most], *more]


def listed(places: Sequence[str], most: int) -> str:
    """Return "rows 2, 5, 9 and 14 more" for places, each a word and what follows it."""
    if len(places) == 1:
        return places[0]
    kind = places[0].split(" ")[0]
    if any("," in place for place in places):  # one cell of a wide table
        more = f"; and {len(places) - most} more" if len(places) > most else ""
        return "; ".join(places[:most]) + more
    same = all(place.split(" ")[0] == kind for place in places)
    names = [place.removeprefix(f"{kind} ") for place in places] if same else places
    plural = (kind[:-1] + "ies" if kind.endswith("y") else f"{kind}s") + " " if same else ""
    more = f" and {len(places) - most} more" if len(places) > most else ""
    return plural + ", ".join(names[:most]) + more
