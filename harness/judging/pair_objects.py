"""Reads the verdict on a pair of a JSON object, with what its other fields say against it."""

from __future__ import annotations

from typing import Any

from harness.judging.characters import plain
from harness.judging.clauses import sentences
from harness.judging.contrary import figures_differ, is_contrary
from harness.judging.preference import Clause
from harness.judging.second_thoughts import differs
from harness.judging.sides import OTHER
from harness.judging.taken_back import is_last_word, is_taken_back_in
from harness.judging.unjudged import is_unjudged

_FIELDS = frozenset(
    f"{lead}{name}"
    for lead in ("", "final", "overall", "my")
    for name in (
        "verdict", "winner", "preferred", "preferredresponse", "preferredanswer", "preference",
        "better", "betterresponse", "betteranswer", "best", "bestresponse", "bestanswer", "choice",
        "chosen", "chosenresponse", "answer", "decision", "result", "judgment", "judgement",
        "selection", "selected", "selectedresponse", "pick", "winningresponse",
    )
)  # fmt: skip
_WORSE_FIELDS = frozenset(
    ("loser", "worse", "worst", "worseresponse", "rejected", "losingresponse")
)
_CHOICES = frozenset(("choice", "finalchoice"))
"""Fields in which "B+" says how much better B is, and is no grade."""
_REASONS = frozenset(
    "explanation reason reasoning rationale justification analysis why comment feedback".split()
)
"""Fields whose text gives the reasons of a verdict."""
_MOST = 2000
"""Characters of a JSON field in which a verdict is looked for."""


def verdict_of(entry: dict[str, Any], numbered: bool, inside: bool = False) -> str | None:
    """Return the verdict of an object: empty where unclear, None where it has no field of one."""
    values = set[str]()
    for name, value in entry.items():
        key = "".join(filter(str.isalnum, name.lower()))
        if values and is_last_word(name) and (other := _value(value, numbered, inside)):
            values.add(other)
        elif values and key not in _FIELDS and is_taken_back_in(value):
            values.add("")
        if key in ("tie", "istie", "draw") and value is True:
            values.add("TIE")
        elif key in _FIELDS:
            sure = key in _CHOICES and value in ("A+", "B+")
            values.add(_value(value[:1] if sure else value, numbered, inside))
        elif key in _WORSE_FIELDS:
            values.add(OTHER.get(_value(value, numbered, inside), ""))
    if not values:
        inner = next(iter(entry.values())) if len(entry) == 1 else None
        if inside or not isinstance(inner, dict):
            return None
        return verdict_of(inner, numbered, inside=True)
    value = values.pop() if len(values) == 1 else ""
    doubted = value and (figures_differ(entry, value) or _is_against(entry, numbered, value))
    return "" if doubted else value


def _is_against(entry: dict[str, Any], numbered: bool, value: str) -> bool:
    """Tell whether the text of another field means another verdict, or that there is none."""
    behind = False
    for name, text in entry.items():
        key = "".join(filter(str.isalnum, name.lower()))
        behind = behind or key in _FIELDS
        if not isinstance(text, str) or key in _FIELDS | _WORSE_FIELDS:
            continue
        lines = sentences(plain(text[:_MOST]))
        if any(map(is_unjudged, (line.words for line in lines))):
            return True
        if key in _REASONS and lines:
            if is_contrary(lines, numbered, value):
                return True
            if behind and any(differs(line, numbered, value, line is lines[-1]) for line in lines):
                return True
    return False


def _value(value: Any, numbered: bool, inside: bool) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and not inside:
        return verdict_of(value, numbered, inside=True) or ""
    if isinstance(value, int) and not isinstance(value, bool) and numbered:
        return {1: "A", 2: "B"}.get(value, "")
    said = sentences(plain(value[:_MOST])) if isinstance(value, str) else []
    if len(said) != 1:
        return ""
    return Clause(said[0].tokens, numbered, said[0].end == "?").marked(0)
