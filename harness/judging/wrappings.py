"""What a reply wraps its words in: comments of a program, a thought in brackets, a whole tag."""

from __future__ import annotations

import re

CODE = re.compile(
    r"^[ \t]*+(?://|(?:\#++|--|;|%)[ \t]*+\w++[ \t]*+=(?!=))[^\n]*+$"
    r"|^(?:async\s)?(?:def|class|function)\s[^\n]*[:{][ \t]*$(?:\n[ \t]+[^\n]*+)*+"
    r"|/\*(?:(?!\*/).){0,2000}+\*/",
    re.MULTILINE | re.DOTALL,
)
"""A comment of a program; a Markdown heading has no assignment."""
THINKS = re.compile(
    r"\s*+(?:\(|\[|\{|\*(?!\*))(?:(?:the|my|begin|start|internal|inner|private|of|silently)\s)*+"
    r"(?:think(?:s|ing)?|thoughts?|monologue|reason(?:s|ing)|scratchpad)"
    r"(?:\s(?:aloud|out loud|process|to myself))?[.\u2026]*+[)\]}*]",
    re.IGNORECASE,
)
"""Begins a text that says in brackets that it is thought; what ends it is known to ``sections``."""
SWITCH = re.compile(r"(?<!\S)/(?:no_?)?think\b")
"""A switch of a chat template that a model repeats."""


def unwrapped(text: str) -> str:
    """Return the content of a text that is, behind a thought, wrapped as a whole."""
    whole = text.strip()
    begins, ends = "<response>", "</response>"
    if not (whole.startswith(begins) and whole.endswith(ends)) or whole.count(begins) != 1:
        return text
    return whole[len(begins) : -len(ends)]
