"""What a reply marks as its answer: ``<answer>42</answer>``, ``[ANSWER]``, ``{"answer": 42}``."""

from __future__ import annotations

import json
import re

_NAME = r"(?:(?:final|my|the|correct)[_ -]?)?(?:answer|ans|solution|result|output)"
_OPENED = re.compile(
    rf"<\s?(?P<a>{_NAME})\s?>|\[(?P<b>{_NAME})\]|<\|(?:begin_of_)?(?P<c>{_NAME})\|>", re.IGNORECASE
)
_CLOSED = re.compile(
    rf"<\s?/\s?{_NAME}\s?>|\[/{_NAME}\]|<\|(?:end_of_|/)\w{{1,20}}\|>", re.IGNORECASE
)
_FONT = re.compile(r"</?(?:b|strong|i|em|u|p|span|div|center|mark|br|h[1-6])\s?/?>", re.IGNORECASE)
_BLOCK = re.compile(r"```\w{0,9}\n(.*?)```", re.DOTALL)
_KEY = re.compile(_NAME, re.IGNORECASE)


def marked(text: str) -> str:
    """Return what a text marks as its answer, or the text; emphasis of HTML is taken off."""
    if "</" in text or "/>" in text:
        text = _FONT.sub("", text)
    opened = list(_OPENED.finditer(text))
    for match in reversed(opened):
        closed = _CLOSED.search(text, match.end())
        inner = text[match.end() : closed.start() if closed else len(text)]
        behind = text[closed.end() :] if closed else ""
        if inner.strip() and "\\boxed" not in behind:
            return _of_json(inner)
    return _of_json(text)


def _of_json(text: str) -> str:
    """Return the answer that an object of JSON names; nothing where it names none."""
    if "{" not in text or '"' not in text or "\\boxed" in text:
        return text
    blocks = _BLOCK.findall(text)
    start = re.search(r"\{\s{0,20}\"", text)
    for written in (text.strip(), *(blocks[-1:]), text[start.start() :].strip() if start else ""):
        try:
            found = json.loads(written) if len(written) <= 20_000 else None
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            values = [value for key, value in found.items() if _KEY.fullmatch(key.strip())]
            if len(values) != 1 or not isinstance(values[0], str | int | float):
                return ""
            return str(values[0])
    return text
