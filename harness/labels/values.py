"""Cells to values: what a cell says as text, on a scale, or about a pair."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from harness.labels.failures import SKIP
from harness.nouns.plain_text import composed
from harness.nouns.scale import Scale

PAIR_TARGETS = ("A", "B", "TIE", SKIP)

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")

SURE_SIDES: Mapping[str, str] = {
    **dict.fromkeys(("tie", "tied", "draw", "="), "TIE"),
    **{
        f"{word}{gap}{end}": side
        for word in ("response", "answer", "output", "model", "system", "assistant")
        for gap in ("", " ", "_", "-")
        for end, side in (("1", "A"), ("2", "B"), ("a", "A"), ("b", "B"))
    },
    "a": "A",
    "b": "B",
}
"""Words for A, B and a tie, in lower case, that mean the same wherever they stand together."""

SIDES: Mapping[str, str] = {
    **SURE_SIDES,
    **dict.fromkeys(("both", "bothbad", "both_bad", "tie (bothbad)"), "TIE"),
    **{"left": "A", "right": "B", "first": "A", "second": "B"},
}
"""Words that say a preference, in lower case: what A, B and a tie are called."""

TIES = tuple(word for word, side in SIDES.items() if side == "TIE")
"""Words that mean "no preference", in lower case; a tie where both are bad is a tie."""

_SKIPS = ("skip", "unsure", "not sure", "don't know", "cannot tell", "?")
"""Words of somebody who looked and gave no verdict, in any coding; to be declared."""

_CODINGS: tuple[Mapping[str, str], ...] = (
    {"1": "A", "2": "B", "0": "TIE"},
    {"1": "A", "-1": "B", "0": "TIE"},
    {"0": "A", "1": "B"},
    {
        **SIDES,
        **dict.fromkeys(("same", "equal", "neither", "both equal", "equally good"), "TIE"),
        **dict.fromkeys(("about the same", "no preference", "no difference"), "TIE"),
    },
)
"""Ways in which tools and papers write a preference; numbers are to be declared."""

_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\ufe0e\ufe0f"))
_ENDS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200c\u200d"
_WHOLE = re.compile(r"[+-]?\d+\.0+")


def cell_text(cell: Any) -> str:
    """Return a cell as trimmed text; an empty cell, None and NaN are the empty text.

    A whole number that a spreadsheet keeps as 4.0 is "4", so that it equals the 4 of a CSV file.
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if math.isnan(cell):
            return ""
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return json.dumps(cell, ensure_ascii=False, default=str)


def said_text(cell: Any) -> str:
    """Return what a cell says, in Unicode's composed form and without what nobody sees.

    Zero-width characters and the variants of emoji go; the joiners of scripts and emoji only at
    the ends.
    """
    text = cell_text(cell)
    if text.isascii():
        return text
    return composed(text).translate(_ZERO_WIDTH).strip(_ENDS)


def label_text(cell: Any) -> str:
    """Return the text of a cell that holds a label: 2.0 is 2, as columns with gaps write it."""
    text = said_text(cell)
    return text.partition(".")[0] if _WHOLE.fullmatch(text) else text


def number_of(text: str) -> float | None:
    """Return the finite number that a text says, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def on_scale(value: object, scale: Scale) -> str | float | bool | None:
    """Return a text or value in the form its scale wants, or None when it is not on the scale.

    That is a number for interval and ratio, True or False for the binary scale, else a label.
    """
    if scale.contains(value):
        return value  # type: ignore[return-value]
    text = said_text(value)
    if scale.is_numeric:
        number = number_of(text)
        return number if number is not None and scale.contains(number) else None
    if scale.is_binary:
        lower = text.lower()
        return True if lower in _TRUE else False if lower in _FALSE else None
    for label in scale.labels:
        if text.casefold() == said_text(label).casefold():
            return label
    number = number_of(text)
    if number is not None:
        for label in scale.labels:
            if number_of(label) == number:
                return label
    return None


def pair_value(text: str, values: Mapping[str, str], names: tuple[str, ...] = ()) -> str | None:
    """Return A, B, TIE or SKIP for the text of a cell, or None when it says none of them.

    What is declared in ``values`` goes first, then the names of A and B in the same row, for tables
    that write the winner's name, then the words of ``SIDES``.
    """
    text, names = said_text(text), tuple(map(said_text, names))
    if text in values:
        return values[text]
    if text.upper() in PAIR_TARGETS:
        return text.upper()
    if len(names) == 2 and text not in names:
        text, names = text.casefold(), tuple(map(str.casefold, names))
    if len(names) == 2 and text in names and names[0] != names[1]:
        return "A" if text == names[0] else "B"
    return SIDES.get(text.casefold())


def name_and_place(text: str, names: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return the side of the response of that name, and what the text says as a word; or None.

    As a word it is A, B, TIE or SKIP, or one of ``SIDES``.
    """
    text, names = said_text(text), tuple(map(said_text, names))
    upper = text.upper()
    place = upper if upper in PAIR_TARGETS else SIDES.get(text.casefold())
    if text not in names:
        text, names = text.casefold(), tuple(map(str.casefold, names))
    if len(names) != 2 or text not in names or names[0] == names[1]:
        return None, place
    return "A" if text == names[0] else "B", place


def guess_pair_values(texts: Iterable[str]) -> dict[str, str] | None:
    """Return the known coding that explains all texts of a preference column, or None.

    None, too, where two codings explain them differently, as for 0 and 1: that is to be declared.
    """
    found = sorted({text for text in texts if text})
    guesses = [
        {text: coding[text.casefold()] for text in found}
        for coding in ({**coding, **dict.fromkeys(_SKIPS, SKIP)} for coding in _CODINGS)
        if all(text.casefold() in coding for text in found)
    ]
    if not found or not guesses or any(guess != guesses[0] for guess in guesses):
        return None
    return guesses[0]
