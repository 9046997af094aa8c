"""What of a judge's reply is its own answer: not its thoughts, nor what it repeats or quotes.

Every step is linear in the length of the reply, whatever stands in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.judging.characters import plain
from harness.nouns.thoughts import parted

LONGEST = 100_000
"""Characters of an answer that are read, without thoughts; what is longer is no verdict."""

_LONGEST_VERDICT = 32
"""A line of the prompt that is longer than this is no verdict when the reply repeats it."""

_LONGEST_OBJECT = 64
"""A JSON object of the prompt that is longer than this is a quotation when the reply repeats it."""

_SWAPPED = str.maketrans("AB", "BA")

_BLANK = "\x00"
"""Stands for each character of a quotation; no pattern of a verdict goes across it."""

_FENCE = re.compile(r"\s*+(`{3,}+|~{3,}+)")
_QUOTED = re.compile(
    r"\"[^\"\n]*+\"|\u201c[^\u201c\u201d\n]*+\u201d|\u00ab[^\u00ab\u00bb\n]*+\u00bb|`[^`\n]*+`"
    r"|\u2018[^\u2018\u2019\n]*+\u2019|(?<!\w)'[^'\n]*+'(?!\w)"
)
_INLINE = " \t*_#`\"'([{>-" + _BLANK
_MARKUP = " \t\r\n*_#`\"'\u201c\u201d\u2018\u2019\u00ab\u00bb()[]{}."
# A quotation that could be a verdict has one of these and a value.
_TELLS = re.compile(
    r"verdict|winner|result|answer|decision|judg|choice|prefer|better|best|chosen|superior"
    r"|strong|rating|score|grade|mark|label|rank|\[\[|[a-z] > [a-z]",
    re.IGNORECASE,
)
_REPORTING = re.compile(
    r"\b(?:say(?:s|ing)|said|stat(?:es|ed|ing)|contain(?:s|ed|ing)|includ(?:es|ed|ing)|"
    r"according\s+to|claim(?:s|ed|ing)?|writes|written|writing|wrote|reads|quot(?:es|ed|ing|e)|insert(?:s|ed)?|"
    r"inject(?:s|ed|ion)|instruct\w*|demand\w*|order(?:s|ed)|asks|asked|asking|tell(?:s|ing)|told|"
    r"tries|trying|attempt\w*|manipulat\w*|text|line|lines|phrase|string|words?|end(?:s|ed|ing)\s+with|"
    r"beg(?:ins|an|inning)\s+with|fake|false|pretend\w*|planted|hidden|embedded|appended|suggest(?:s|ed))\b"
    r"(?:\W{1,8}(?!(?:so|therefore|thus|hence|my|i)\b)\w{1,24}){0,6}\W*\Z",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?;](?=\s|\Z)|\n")
_STRUCK = re.compile(
    r"(?<!~)~~(?![~\s])[^~\n]++~~(?!~)|<(del|s|strike)>(?:(?!</?(?:del|s|strike)>).)*+</\1>",
    re.IGNORECASE | re.DOTALL,
)
_END_OF_TURN = re.compile(
    r"(?:<\|(?:im_end|im_start|eot_id|eom_id|end_of_text|endoftext|end|return|start_header_id|"
    r"end_of_turn|user|assistant)\|>|</s>|<(?:end|start)_of_turn>|\[/?INST\])(?=[ \t]*+(?:\Z|\n|<))"
)
"""Tokens with which a turn ends: what follows them is not the judge's answer."""
_OBJECT = re.compile(r"\{(?=\s*+\")")
_OBJECTS = 64
"""JSON objects with a verdict of which it is asked whose they are, the last ones."""

_FAILED = 512
"""Characters that could be read in the time that it takes to fail."""
_LEAD = 160
"""Characters before a verdict in which it may be said whose words it is."""


@dataclass(frozen=True, slots=True)
class Found:
    """A JSON object of a reply: where it begins and ends, and what it is."""

    start: int
    end: int
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that stands in a reply.

    Args:
        text: The reply without thoughts.
        own: The same, with a blank for each character that the judge only repeats or quotes, and
            for its JSON objects.
        prompt: What the judge was shown.
        known: The prompt's lines.
        objects: All JSON objects, in order.
        failure: Why there is nothing to read, empty where there is.
    """

    text: str
    own: str
    prompt: str = ""
    known: frozenset[str] = frozenset()
    objects: tuple[Found, ...] = ()
    failure: str = ""

    def is_reported(self, start: int, across: bool = False) -> bool:
        """Tell whether the words before a place say that what stands there is someone else's.

        Args:
            start: The place.
            across: Whether the line before counts even where it does not end with a colon.
        """
        lead = self.own[max(0, start - _LEAD) : start].rstrip(_INLINE)
        if lead.endswith("\n"):
            _, blank, gap = lead.rpartition(_BLANK)
            if blank and not across and gap.count("\n") > 1 and not gap.strip():
                return False  # what is reported stands before the empty line
            lead = lead.rstrip(_INLINE + "\n")
            if not across and not lead.endswith(":"):
                return False
        return _reports(lead)

    def begins_line(self, start: int) -> bool:
        """Tell whether nothing but markup stands before a place in its line."""
        begin = self.own.rfind("\n", max(0, start - _LEAD), start) + 1
        return (begin > 0 or start <= _LEAD) and not self.own[begin:start].strip(_MARKUP + ">-")

    def is_known(self, start: int) -> bool:
        """Tell whether the prompt has the line of a place, too."""
        end = self.own.find("\n", start)
        line = self.text[self.own.rfind("\n", 0, start) + 1 : end if end >= 0 else None]
        return line.strip() in self.known or line.strip(_MARKUP) in self.known

    def field(self, *names: str) -> tuple[int, Any] | None:
        """Return where the last own JSON object with one of some fields stands, and that field."""
        tried = 0
        for found in reversed(self.objects):
            lower = {key.lower(): entry for key, entry in found.value.items()}
            name = next((name for name in names if name in lower), None)
            if name is not None and (tried := tried + 1) <= _OBJECTS and self._is_own(found):
                return found.start, lower[name]
        return None

    def own_objects(self, counts: Callable[[dict[str, Any]], bool]) -> Iterator[Found]:
        """Yield the own JSON objects that count, the last ones, in reverse order."""
        tried = 0
        for found in reversed(self.objects):
            if tried < _OBJECTS and counts(found.value):
                tried += 1
                if self._is_own(found):
                    yield found

    def is_quotable(self, found: Found) -> bool:
        """Tell whether a JSON object may be a quotation: the prompt has it, not its opposite."""
        said = self.text[found.start : found.end]
        return said in self.prompt and said.translate(_SWAPPED) not in self.prompt

    def _is_own(self, found: Found) -> bool:
        text, start = self.text, found.start
        if not text[:start].strip() and not text[found.end :].strip():
            return True
        begin = text.rfind("\n", 0, start) + 1
        if text[begin : begin + 8].lstrip().startswith(">"):
            return False
        if start and text[start - 1] in "`'\u2018\u201c\u00ab":
            return False
        if self.is_reported(start, across=True):
            return False
        said = text[start : found.end]
        if said not in self.prompt:
            return True
        end = text.find("\n", found.end)
        line = text[begin : end if end >= 0 else None].strip()
        return len(said) <= _LONGEST_OBJECT and (line == said or line not in self.known)


def answer_of(reply: str, prompt: str = "", states: Callable[[str], bool] | None = None) -> Answer:
    """Return what a judge answered.

    Thoughts are left out; a thought that does not end leaves no answer. Lines that the prompt has
    too, fenced blocks, block quotes, comments, what is struck out and quotations that could be read
    as a verdict are blanked, but a last line or block that is nothing else and does not come from
    the prompt.

    Args:
        reply: What the judge wrote.
        prompt: What it was shown.
        states: Tells whether a line is a verdict as a whole. Such a line is the judge's own though
            the prompt lists it, unless the line before or behind it is repeated, too.
    """
    text = _unfenced(plain(_ended(parted(reply).answer)))
    prompt = plain(prompt)
    if not text.strip() and reply.strip():
        return Answer("", "", failure="the answer has nothing but thoughts")
    if len(text) > LONGEST:
        size = f"the answer has {len(text):,} characters"
        return Answer("", "", failure=f"{size}, more than the {LONGEST:,} that are read")
    objects = _objects(text)
    if objects is None:
        return Answer("", "", failure="too much of the answer is broken JSON")
    lines = [line.strip() for line in prompt.split("\n")]
    known = frozenset(lines)
    repeats = _Repeats(known, frozenset(pairwise(filter(None, lines))), states)
    own = _own(_without_comments(_STRUCK.sub(_blank_all, text)), repeats)
    parts, position = [], 0
    for found in objects:
        parts += [own[position : found.start], _blanked(text[found.start : found.end])]
        position = found.end
    return Answer(text, "".join(parts) + own[position:], prompt, known, objects)


def _objects(text: str) -> tuple[Found, ...] | None:
    """Return the JSON objects of a text; None where so much is broken that not all was tried."""
    decoder, position, found = json.JSONDecoder(object_pairs_hook=_entries), 0, []
    work = 4 * len(text) + 64 * _FAILED  # of tries that fail, in characters
    while match := _OBJECT.search(text, position):
        start = match.start()
        try:
            value, position = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            # Where it is too deep, the place is unknown.
            work -= _FAILED + getattr(error, "pos", len(text)) - start
            if work < 0:
                return None
            position = start + 1
        else:
            found.append(Found(start, position, value))
    return tuple(found)


def _entries(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of a JSON object; one that stands twice with two values has none."""
    entries: dict[str, Any] = {}
    for name, value in pairs:
        entries[name] = value if entries.get(name, value) == value else None
    return entries


def _reports(lead: str) -> bool:
    """Tell whether the last sentence of a lead ends in words that introduce somebody's text."""
    return _REPORTING.search(_SENTENCE_END.split(lead.rstrip(":"))[-1]) is not None


def _ended(text: str) -> str:
    """Return a text up to the end of its turn."""
    found = _END_OF_TURN.search(text)
    before = text[: found.start()] if found else ""
    struck = found is not None and found[0] == "</s>" and "<s>" in before
    return before if before.strip() and not struck else text


def _unfenced(text: str) -> str:
    """Return the content of a text that is one fenced block and nothing else."""
    whole = text.strip()
    fence = _FENCE.match(whole)
    if not fence or not whole.endswith(fence[1]) or whole.count(fence[1]) != 2:
        return text
    return whole[: -len(fence[1])].partition("\n")[2] or text


def _without_comments(text: str) -> str:
    parts, position = [], 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts += [text[position:start], _blanked(text[start : end + 3])]
        position = end + 3
    return "".join(parts) + text[position:]


@dataclass(frozen=True, slots=True)
class _Repeats:
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


def _own(text: str, repeats: _Repeats) -> str:
    lines = text.split("\n")
    repeated, known = repeats.of(lines), repeats.known
    own, fence = [], ""
    block = 0  # first line of the last fenced block
    quotes = _long_quotes(lines)
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip(" \t" + fence[0]):
                fence = ""
            own.append(_blanked(line))
        elif mark:
            fence, block = mark[1], number
            own.append(_blanked(line))
        elif line.lstrip().startswith(">") or number in repeated:
            own.append(_blanked(line))
        else:
            own.append(_unquoted(line, quotes.get(number, "")))
    said = [number for number, line in enumerate(lines) if line.strip()]
    if said and not fence:
        last = said[-1]
        inside = [number for number in said if block < number < last]
        if _FENCE.match(lines[last]) and len(inside) == 1:
            last = inside[0]
        before = [n for n in said[-4:] if n < last and not _FENCE.match(lines[n])]
        lead = lines[before[-1]] if before else ""
        quoted = own[last] != lines[last] and last not in repeated
        if quoted and _may_end(lines[last].strip(), lead, known):
            own[last] = lines[last]
    return "\n".join(own)


def _may_end(line: str, lead: str, known: frozenset[str]) -> bool:
    """Tell whether a last line that is quoted is the judge's own.

    Args:
        line: The line, which must be one short quotation.
        lead: The line before it that has words; empty without one.
        known: Lines of the prompt.
    """
    bare = line.strip(_MARKUP)
    if line.startswith(">") or '"' in bare or len(bare) > _LONGEST_VERDICT:
        return False
    lead = lead.strip()[-_LEAD:].rstrip(_INLINE)
    if not lead:
        return True
    if (bare in known and bare.translate(_SWAPPED) not in known) or _reports(lead):
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
        return _blanked(line)
    if part == "begin":
        rest, mark, inner = line.rpartition('"')
        return _QUOTED.sub(_blank, rest) + _blanked(mark + inner)
    if part == "end":
        inner, mark, rest = line.partition('"')
        return _blanked(inner + mark) + _QUOTED.sub(_blank, rest)
    return _QUOTED.sub(_blank, line)


def _blank(quoted: re.Match[str]) -> str:
    inner = quoted[0][1:-1].strip()
    says = len(inner) > 2 and any(mark in inner for mark in " :[=<")
    return _blanked(quoted[0]) if says and _TELLS.search(inner) else quoted[0]


def _blank_all(found: re.Match[str]) -> str:
    return "".join("\n" if character == "\n" else _BLANK for character in found[0])


def _blanked(text: str) -> str:
    return _BLANK * len(text)
