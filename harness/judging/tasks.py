"""Tells whether two verdicts are on two tasks, or one holds only under a condition."""

from __future__ import annotations

import re

_ROLE = (
    r"(?:question|pair|task|item|example|case|criterion|round|test|prompt|problem|input|query"
    r"|sample"
    r"|comparison|scenario|part|frage|aufgabe|pregunta|t\u00e2che|response|\u95ee\u9898)"
)
_TASK = re.compile(
    rf"[\W_]*+(?:(?:next|another|second|third)(?: {_ROLE})?[\W_]*+\Z|(?:next|second|third"
    rf"|another) {_ROLE}\s?[:\u2014-]"
    rf"|{_ROLE}s?[\s_]?(?:\#\s?|no\.?\s?)?(?:\d{{1,3}}+|two|three)\b"
    r"|(?:question|prompt|user|task|problem|query|instruction|input)[\W_]{0,4}:(?!\W*\d)"
    r"|q\s?:|(?<=\[)(?:prompt|question|user|task|input)\]"
    r"|(?:now )?(?:swap|switch|flip|revers|exchang)\w{0,5} (?:the |both |them)"
    r"|with (?:the )?(?:order|responses|positions) (?:swapped|switched|reversed))",
    re.IGNORECASE,
)
_NEXT = re.compile(rf"[\W_]*+(?:next|another|second)(?: {_ROLE})?[\W_]*+\Z", re.IGNORECASE)
_CONDITION = re.compile(
    r"[\W_]*+(?:if|else|elif|otherwise|when|unless|case|for|switch|wenn|falls|sonst"
    r"|si)\b.{0,200}[:{]\W{0,4}\Z",
    re.IGNORECASE,
)
_INLINE = re.compile(
    r"(?<![\w'])[\"'](?:\w{1,12})[\"'] if .{1,200}? else |\w \? [\"']\w{1,12}[\"'] : ",
    re.IGNORECASE,
)
_LISTED = re.compile(r"\s*+\d{1,3}+[.)]\s")


def is_another_task(text: str, first: int, last: int) -> bool:
    """Tell whether verdicts at two places of a text are on two tasks, or two of a JSON list."""
    begin = text.rfind("\n", 0, first) + 1
    end = text.find("\n", last)
    lines = text[begin : end if end >= 0 else None].split("\n")
    listed = len(lines) > 1 and bool(_LISTED.match(lines[0]) and _LISTED.match(lines[-1]))
    return listed or any(_TASK.match(line) for line in lines[1:])


def is_next(text: str, first: int, last: int) -> bool:
    """Tell whether a line between two places says that something else to judge follows."""
    return any(_NEXT.match(line) for line in text[first:last].split("\n")[1:])


def is_conditional(text: str, place: int) -> bool:
    """Tell whether the line of a place, or the one above it, makes it hold only in one case."""
    end = text.find("\n", place)
    begin = text.rfind("\n", 0, place) + 1
    line = text[begin : end if end >= 0 else None]
    above = text[:begin].rstrip().rpartition("\n")[2]
    return bool(_INLINE.search(line[:600]) or _CONDITION.match(above[-300:]))
