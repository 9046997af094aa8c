"""What of a reply only repeats or quotes: lines of the prompt, blocks, quotations."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LONGEST_VERDICT = 32
"""A line of the prompt that is longer than this is no verdict when the reply repeats it."""

SWAPPED = str.maketrans("AB", "BA")

BLANK = "\x00"
"""Stands for each character of a quotation; no pattern of a verdict goes across it."""

FENCE = re.compile(r"\s*+(`{3,}+|~{3,}+)")
_QUOTED = re.compile(
    r"\"[^\"\n]*+\"|\u201c[^\u201c\u201d\n]*+\u201d|\u00ab[^\u00ab\u00bb\n]*+\u00bb|`[^`\n]*+`"
    r"|\u2018[^\u2018\u2019\n]*+\u2019|(?<!\w)'[^'\n]*+'(?!\w)"
)
INLINE = " \t*_#`\"'([{>-" + BLANK
MARKUP = " \t\r\n*_#`\"'\u201c\u201d\u2018\u2019\u00ab\u00bb()[]{}."
# A quotation that could be a verdict has one of these and a value; "I" in one is not the judge.
_TELLS = re.compile(
    r"verdict|winner|result|answer|decision|judg|choice|prefer|better|best|chosen|superior"
    r"|strong|rating|score|grade|mark|label|rank|\[\[|[a-z] > [a-z]|\b(?:i|we|my)\b",
    re.IGNORECASE,
)
_REPORTING = re.compile(
    r"\b(?:say(?:s|ing)|said|stat(?:es|ed|ing)|contain(?:s|ed|ing)|includ(?:es|ed|ing)|"
    r"according\s+to|claim(?:s|ed|ing)?|writes|written|writing|wrote|reads|quot(?:es|ed|ing|e)|insert(?:s|ed)?|"
    r"inject(?:s|ed|ion)|instruct\w*|demand\w*|order(?:s|ed)|asks|asked|asking|tell(?:s|ing)|told|"
    r"tries|trying|attempt\w*|manipulat\w*|(?<!\\)text|(?<!bottom )line|"
    r"lines|phrase|string|words?|end(?:s|ed|ing)\s+with|"
    r"beg(?:ins|an|inning)\s+with|fake|false|pretend\w*|planted|hidden|embedded|appended|suggest(?:s|ed))\b"
    r"(?:\W{1,8}(?!(?:so|therefore|thus|hence|my|i)\b)\w{1,24}){0,6}\W*\Z",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"\W{0,4}+(?:let me know|please let|i hope|hope (?:this|that|it)|feel free|thank)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?;](?=\s|\Z)|\n")
LEAD = 160
"""Characters before a verdict in which it may be said whose words it is."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """What of a reply repeats the prompt.

    Args:
        known: The prompt's lines.
        pairs: Lines that follow each other in it, without empty ones between.
        states: Tells whether a line is a verdict as a whole.
    """

    known: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    states: Callable[[str], bool] | None

    def of(self, lines: Sequence[str]) -> set[int]:
        """Return the numbers of the lines that only repeat the prompt."""
        said = [(number, line.strip()) for number, line in enumerate(lines) if line.strip()]
        found = set()
        for place, (number, line) in enumerate(said):
            if line not in self.known:
                continue
            is_long = len(line) > _LONGEST_VERDICT
            if self.states is None:
                repeats = is_long
            elif is_long and not self.states(line):
                repeats = True
            else:
                before = said[place - 1][1] if place else ""
                after = said[place + 1][1] if place + 1 < len(said) else ""
                repeats = (before, line) in self.pairs or (line, after) in self.pairs
            if repeats:
                found.add(number)
        return found


def own_text(text: str, repeats: Repeats) -> str:
    """Return a text with a blank for each character that is only repeated or quoted."""
    lines = text.split("\n")
    repeated, known = repeats.of(lines), repeats.known
    own, fence = [], ""
    block = 0  # first line of the last fenced block
    quotes = _long_quotes(lines)
    for number, line in enumerate(lines):
        mark = FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip(" \t" + fence[0]):
                fence = ""
            own.append(blanked(line))
        elif mark:
            fence, block = mark[1], number
            own.append(blanked(line))
        elif line.lstrip().startswith(">") or number in repeated:
            own.append(blanked(line))
        else:
            own.append(_unquoted(line, quotes.get(number, "")))
    said = _without_courtesy([number for number, line in enumerate(lines) if line.strip()], lines)
    if said and not fence:
        last = said[-1]
        inside = [number for number in said if block < number < last]
        if FENCE.match(lines[last]) and len(inside) == 1:
            last = inside[0]
        before = [n for n in said[-4:] if n < last and not FENCE.match(lines[n])]
        lead = lines[before[-1]] if before else ""
        quoted = own[last] != lines[last] and last not in repeated
        if quoted and _may_end(lines[last].strip(), lead, known):
            own[last] = lines[last]
    return "\n".join(own)


def _without_courtesy(said: list[int], lines: Sequence[str]) -> list[int]:
    """Return the numbers of lines up to a block behind which a reply is only polite."""
    last = len(said)
    while last > 1 and _COURTESY.match(lines[said[last - 1]]):
        last -= 1
    return said[:last] if last and FENCE.match(lines[said[last - 1]]) else said


def _may_end(line: str, lead: str, known: frozenset[str]) -> bool:
    """Tell whether a last line that is quoted is the judge's own.

    Args:
        line: The line, which must be one short quotation.
        lead: The line before it that has words; empty without one.
        known: Lines of the prompt.
    """
    bare = line.strip(MARKUP)
    if line.startswith(">") or '"' in bare or len(bare) > _LONGEST_VERDICT:
        return False
    lead = lead.strip()[-LEAD:].rstrip(INLINE)
    if not lead:
        return True
    if (bare in known and bare.translate(SWAPPED) not in known) or reports(lead):
        return False
    return not lead.endswith(":") or _TELLS.search(lead) is not None


def _long_quotes(lines: Sequence[str]) -> dict[int, str]:
    """Return the part that lines have in quotations of several lines: begin, inner or end."""
    odd = [number for number, line in enumerate(lines) if line.count('"') % 2]
    parts: dict[int, str] = {}
    for first, last in zip(odd[::2], odd[1::2], strict=False):
        parts |= {number: "inner" for number in range(first + 1, last)}
        parts |= {first: "begin", last: "end"}
    return parts


def _unquoted(line: str, part: str) -> str:
    """Return a line with the quotations blanked that could be a verdict."""
    if part == "inner":
        return blanked(line)
    if part == "begin":
        rest, mark, inner = line.rpartition('"')
        return _QUOTED.sub(_blank, rest) + blanked(mark + inner)
    if part == "end":
        inner, mark, rest = line.partition('"')
        return blanked(inner + mark) + _QUOTED.sub(_blank, rest)
    return _QUOTED.sub(_blank, line)


def _blank(quoted: re.Match[str]) -> str:
    inner = quoted[0][1:-1].strip()
    says = len(inner) > 2 and any(mark in inner for mark in " :[=<")
    return blanked(quoted[0]) if says and _TELLS.search(inner) else quoted[0]


def reports(lead: str) -> bool:
    """Tell whether the last sentence of a lead ends in words that introduce somebody's text."""
    return _REPORTING.search(_SENTENCE_END.split(lead.rstrip(":"))[-1]) is not None


def blanked(text: str) -> str:
    """Return as many blanks as a text has characters."""
    return BLANK * len(text)
