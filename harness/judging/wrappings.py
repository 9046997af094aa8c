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
HIDDEN = re.compile(
    r"\[(?P<bb>s|strike|del|quote|spoiler|hide)\](?:(?!\[/?(?P=bb)\]).){0,2000}+\[/(?P=bb)\]"
    r"|(?<![~\w])~(?![~\s])[^~\n]{2,80}+(?<!\s)~(?![~\w])"
    r"|\\(?:sout|st|xout|cancel|bcancel|xcancel|phantom)\s?\{(?:[^{}\n]|\{[^{}\n]{0,200}+\}){0,200}+\}"
    r"|\\begin\{(?P<env>comment|quote|quotation|verbatim|lstlisting)\*?\}"
    r"(?:(?!\\(?:end|begin)\{).){0,2000}+\\end\{(?P=env)\*?\}"
    r"|<(?P<tag>span|div|p|font|b|i)\s(?=[^<>\n]{0,200}(?:display\s?:\s?none|visibility\s?:\s?hidden"
    r"|line-through|\shidden\b))[^<>\n]{1,200}>(?:(?!</?(?P=tag)\b).){0,2000}+</(?P=tag)>"
    r"|\{\#(?:(?!\#\}|\{\#).){0,2000}+\#\}"
    r"|\{%-?\s?comment\s?-?%\}(?:(?!\{%).){0,2000}+\{%-?\s?endcomment\s?-?%\}"
    r"|\{\{!(?:(?!\}\}|\{\{).){0,2000}+\}\}|<%--(?:(?!--%>|<%--).){0,2000}+--%>"
    r"|^\[(?://|comment)\]:\s?\#[^\n]*+$|^[ \t]*+(?:;;|%(?=\s?\w))[^\n]*+$"
    r"|^=begin\b(?:(?!^=(?:end|begin)).){0,2000}+^=end\b",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
"""What other markups strike out, hide, quote or leave out as a comment."""
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
