"""Style of a text: how long it is, and how many headings, bold words and list items it has.

The four features of the style control of Chatbot Arena (Li, Angelopoulos & Chiang 2024, "Does
style matter? Disentangling style and substance in Chatbot Arena"), with characters for tokens. What
stands in a fenced block of code is no style, and one line that begins with a number no list.
"""

from __future__ import annotations

import re

Style = tuple[int, int, int, int]
"""Characters, and headings, bold spans and list items of markdown."""

FEATURES = ("length", "headings", "bold", "list items")
PLAIN: Style = (0, 0, 0, 0)

_CODE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n(?:.*?^ {0,3}\1[`~]*[ \t]*$|.*)", re.M | re.S)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.M)
_BOLD = re.compile(r"\*\*(?=\S)[^*\n]+(?<=\S)\*\*|(?<!\w)__(?=\S)[^_\n]+(?<=\S)__(?!\w)")
_BULLET = re.compile(r"^[ \t]*[-*+][ \t]+\S", re.M)
_NUMBERED = re.compile(r"^[ \t]*\d{1,9}[.)][ \t]+\S", re.M)


def characters(text: str) -> int:
    """Return how long a text is; the end of a line is one character, however it is written."""
    return len(text) - text.count("\r\n")


def style_of(text: str) -> Style:
    """Return the style of a text."""
    if not any(mark in text for mark in "#*_-+.)"):
        return characters(text), 0, 0, 0
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    prose = _CODE.sub("", lines) if "```" in lines or "~~~" in lines else lines
    headings, bold, items, numbered = (
        len(found.findall(prose)) for found in (_HEADING, _BOLD, _BULLET, _NUMBERED)
    )
    items += numbered if numbered > 1 else 0
    return len(lines), headings, bold, items
