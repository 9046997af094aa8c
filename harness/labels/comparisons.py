"""Read comparisons of systems: who stood first, who second, who won."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.labels.tables import read_file, refuse

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]

WINS = {"a": 0, "model_a": 0, "first": 0, "b": 2, "model_b": 2, "second": 2}
TIES = ("tie", "both", "tie (bothbad)", "both_bad", "draw")


@dataclass(frozen=True)
class Comparisons:
    """Comparisons of systems.

    Args:
        first: (n,) system whose answer stood first.
        second: (n,) system whose answer stood second.
        outcomes: (n,) 0 first won, 1 tie, 2 second won.
        systems: Names.
        clusters: (n,) comparisons with the same number are not independent.
        length_gap: (n,) length of the first answer minus the second's; None without.
    """

    first: IntArray
    second: IntArray
    outcomes: IntArray
    systems: tuple[str, ...]
    clusters: IntArray
    length_gap: npt.NDArray[np.float64] | None


def read_comparisons(
    path: Path, first: str, second: str, winner: str, cluster: str = "", length: str = ""
) -> Comparisons:
    """Read a table with one comparison in each row.

    Args:
        path: The table.
        first: Column with the system whose answer stood first.
        second: Column with the other system.
        winner: Column with the winner: a system's name, A, B, first, second, model_a, model_b, tie.
        cluster: Column with the group of comparisons that belong together; empty for none.
        length: Column with the length of the first minus the second answer; empty for none.

    Raises:
        DataError: Columns are missing or rows not understood; one error for the whole file.
    """
    import numpy as np

    file = read_file(path)
    file.need([c for c in (first, second, winner, cluster, length) if c], "an option")
    names = tuple(dict.fromkeys([*file.columns[first], *file.columns[second]]))
    code = {name: k for k, name in enumerate(names)}
    outcomes, gaps, problems = [], [], []
    cells = zip(
        file.places,
        file.columns[first],
        file.columns[second],
        file.columns[winner],
        file.columns[length] if length else ["0"] * len(file.places),
        strict=True,
    )
    for place, a, b, won, gap in cells:
        result = 0 if won == a else 2 if won == b else WINS.get(won.lower())
        if won.lower() in TIES:
            result = 1
        if result is None or a == b or not a or not b:
            problems.append(f"{place}: {a!r} against {b!r}, winner {won!r}")
        try:
            gaps.append(float(gap))
        except ValueError:
            problems.append(f"{place}: {length} is {gap!r}, no number")
        outcomes.append(result or 0)
    refuse(
        path,
        "comparisons are not understood",
        problems,
        "the winner is a system's name, A, B, first, second, model_a, model_b or tie",
    )
    groups = file.columns[cluster] if cluster else file.places
    return Comparisons(
        np.array([code[name] for name in file.columns[first]]),
        np.array([code[name] for name in file.columns[second]]),
        np.array(outcomes),
        names,
        np.unique(np.array(groups), return_inverse=True)[1],
        np.array(gaps) if length else None,
    )
