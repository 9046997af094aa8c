"""What the fields of a judge's JSON object say of the ranges of its scores."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.judging.score_names import words
from harness.judging.score_range import Ends

_PLAIN_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?")

_MOST = frozenset({"max", "maximum", "possible", "full", "bound", "ceiling"})
_LEAST = frozenset({"min", "minimum"})
_ENDS_OF_RANGE = {
    "low": "least", "lower": "least", "bottom": "least", "from": "least", "start": "least",
    "high": "most", "upper": "most", "top": "most", "to": "most", "end": "most",
}  # fmt: skip
_OF_LIMITS = (
    _MOST
    | _LEAST
    | {
        "upper",
        "marks",
        "out",
        "of",
        "outof",
        "scale",
        "range",
        "value",
        "highest",
        "lowest",
        "best",
        "worst",
    }
)
_OF_SCORES = frozenset("score scores rating ratings grade grades mark marks points point".split())
_ABOUT = frozenset({"meta", "metadata", "info", "rubric", "config", "settings", "scoring"})
_PERCENT = frozenset(("percent", "percentage", "%", "per cent", "prozent"))
_WORD_FIELDS = frozenset("label description meaning level verbal word words grade text".split())


@dataclass(frozen=True, slots=True)
class Limit:
    """A field of a JSON object that says what a score of it is out of.

    Args:
        of: Words of the score; empty for all scores of the object.
        kind: "most", "least", "range", "best", "worst" or "word".
        value: What the field holds.
    """

    of: tuple[str, ...]
    kind: str
    value: Any

    def misfits(self, ends: Ends) -> bool:
        """Tell whether this is no limit of a scale."""
        value = self.value
        if isinstance(value, list) and len(value) > 1:
            return [value[0], value[-1]] != [ends.low, ends.high]
        if isinstance(value, str):
            value = float(value) if _PLAIN_NUMBER.fullmatch(value) else value
        if isinstance(value, str):
            return bool(ends.misfit(value))
        if self.kind == "lower":
            return value is True and ends.best == ends.high
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        worst = ends.low if ends.best == ends.high else ends.high
        wanted = {"least": ends.low, "best": ends.best, "worst": worst}.get(self.kind, ends.high)
        return value != wanted and not (self.kind in ("best", "worst") and ends.best is None)


def limits(fields: dict[str, Any]) -> Iterator[Limit]:
    """Yield what the fields of a JSON object say of the ranges of scores."""
    for key, value in fields.items():
        name = words(key[:80])
        of = tuple(word for word in name if word not in _OF_LIMITS | _OF_SCORES)
        said = set(name)
        if "possible" in said:
            of = ()
        if {"lower", "better"} <= said:
            yield Limit((), "lower", value)
        elif {"higher", "better"} <= said and isinstance(value, bool):
            yield Limit((), "lower", not value)
        elif said & {"unit", "units"} and str(value).strip().lower() in _PERCENT:
            yield Limit((), "most", 100)
        elif said & {"scale", "range"} and isinstance(value, dict):
            for inner, end in value.items():
                kind = _ENDS_OF_RANGE.get(inner.lower(), _kind(set(words(inner[:80]))))
                if kind:
                    yield Limit(of, kind, end)
        elif isinstance(value, dict) and value and all(map(_kind, map(set, map(words, value)))):
            for one in limits(value):
                yield Limit(
                    (*(word for word in of if word not in _ABOUT), *one.of), one.kind, one.value
                )
        elif kind := _kind(said):
            if isinstance(value, dict):
                for inner, end in value.items():
                    yield Limit((*of, *words(inner[:80])), kind, end)
            else:
                yield Limit(of, kind, value)
        elif said & _WORD_FIELDS and isinstance(value, str) and len(value) < 60:
            yield Limit(tuple(w for w in of if w not in _WORD_FIELDS | {"in", "as"}), "word", value)


def _kind(said: set[str]) -> str:
    """Return which end of a range a name is of; empty where of none."""
    if said & {"scale", "range"} and not said & (_MOST | _LEAST):
        return "range"
    if said & _MOST or {"out", "of"} <= said or "outof" in said:
        return "most"
    if said & _LEAST:
        return "least"
    return next(iter(said)) if said in ({"best"}, {"worst"}) else ""
