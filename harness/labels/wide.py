"""Which columns of a wide table are the labels of one person each: a part of the guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from harness.labels.failures import FAILURE_WORDS, NO_LABEL
from harness.labels.values import number_of, pair_value

_NOTHING = NO_LABEL | FAILURE_WORDS.keys()


def labels_in(cells: Sequence[str]) -> Counter[str]:
    """Return the labels of a column, in one case, and how often; words of failure left out."""
    return Counter(text.casefold() for text in cells if text and text.lower() not in _NOTHING)


def says_sides(labels: Collection[str]) -> bool:
    """Tell whether labels are nothing but A, B or a tie, in words that need no mapping."""
    sides = {pair_value(text, {}) for text in labels}
    return bool(sides & {"A", "B"}) and None not in sides


def says_scores(labels: Collection[str]) -> bool:
    """Tell whether labels are nothing but numbers."""
    return bool(labels) and all(number_of(text) is not None for text in labels)


def mostly(labels: Mapping[str, int], known: Collection[str]) -> bool:
    """Tell whether more than half of what a column says are known labels.

    An unknown word among them is a question to a person, and no reason to drop the column.
    """
    said = sum(count for text, count in labels.items() if text in known)
    return 2 * said > sum(labels.values())


def sides_of(columns: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return the columns that say mostly A, B or a tie; none where fewer than two do."""
    found = []
    for name, labels in columns.items():
        sides = {text for text in labels if pair_value(text, {})}
        if says_sides(sides) and mostly(labels, sides):
            found.append(name)
    return found if len(found) >= 2 else []


def alike(columns: Mapping[str, Mapping[str, int]], few: Collection[str]) -> list[str]:
    """Return the columns that say mostly the same words; none where fewer than two do.

    Args:
        columns: Labels of each column that could be a person's.
        few: Those of them with few enough words to start from.
    """
    saying: dict[str, list[str]] = {}
    for name in few:
        for text in columns[name]:
            saying.setdefault(text, []).append(name)
    for name in few:
        own = columns[name].keys()
        some = dict.fromkeys(n for text in own for n in saying[text])
        near = {n for n in some if 2 * len(own & columns[n].keys()) > len(own | columns[n].keys())}
        if len(near) >= 2:
            common = {text for n in near for text in columns[n]}
            return [n for n, said in columns.items() if n in near or mostly(said, common)]
    return []
