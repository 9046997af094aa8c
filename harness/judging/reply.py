"""What of a judge's reply is its own answer: not its thoughts, nor what it repeats or quotes.

Every step is linear in the length of the reply, whatever stands in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.judging.characters import plain
from harness.judging.frames import is_draft, without_framed
from harness.judging.repeats import (
    BLANK,
    FENCE,
    INLINE,
    LEAD,
    MARKUP,
    SWAPPED,
    Repeats,
    blanked,
    own_text,
    reports,
)
from harness.judging.sections import introduced, sections
from harness.judging.unjudged import void_field
from harness.judging.wrappings import CODE, HIDDEN, SWITCH, THINKS, unwrapped
from harness.nouns.thoughts import parted

LONGEST = 100_000
"""Characters of an answer that are read, without thoughts; what is longer is no verdict."""

_LONGEST_OBJECT = 64
"""A JSON object of the prompt that is longer than this is a quotation when the reply repeats it."""

_STRUCK = re.compile(
    r"(?<!~)~~(?![~\s])[^~\n]++~~(?!~)|<(del|s|strike)>(?:(?!</?(?:del|s|strike)>).)*+</\1>",
    re.IGNORECASE | re.DOTALL,
)
_END_OF_TURN = re.compile(
    r"(?:<\|(?:im_end|im_start|eot_id|eom_id|end_of_text|endoftext|end|return|start_header_id|"
    r"end_of_turn|end\u2581of\u2581sentence|user|assistant)\|>|</s>|<eos>|<(?:end|start)_of_turn>"
    r"|\[/?INST\])(?=[ \t]*+(?:\Z|\n|<))|(?<=[\w.!)*\]])<\|(?:im_end|eot_id|endoftext)\|>"
)
"""Tokens with which a turn ends: what follows them is not the judge's answer."""
_MARKS = INLINE.replace(BLANK, "\n")
_OBJECT = re.compile(r"\{(?=\s*+\")")
_OBJECTS = 64
"""JSON objects with a verdict of which it is asked whose they are, the last ones."""

_FAILED = 512
"""Characters that could be read in the time that it takes to fail."""


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
        lead = self.own[max(0, start - LEAD) : start].rstrip(INLINE)
        if lead.endswith("\n"):
            _, blank, gap = lead.rpartition(BLANK)
            if blank and not across and gap.count("\n") > 1 and not gap.strip():
                return False  # what is reported stands before the empty line
            lead = lead.rstrip(INLINE + "\n")
            if not across and not lead.endswith(":"):
                return introduced(lead, hangs=True)
        near = self.own[max(0, start - LEAD) : start].rstrip(_MARKS)
        labels = self.own[start : start + 1] != "[" and not near.endswith(BLANK)
        return reports(lead) or (labels and introduced(lead))

    def begins_line(self, start: int) -> bool:
        """Tell whether nothing but markup stands before a place in its line."""
        begin = self.own.rfind("\n", max(0, start - LEAD), start) + 1
        return (begin > 0 or start <= LEAD) and not self.own[begin:start].strip(MARKUP + ">-")

    def is_known(self, start: int) -> bool:
        """Tell whether the prompt has the line of a place, too."""
        end = self.own.find("\n", start)
        line = self.text[self.own.rfind("\n", 0, start) + 1 : end if end >= 0 else None]
        return line.strip() in self.known or line.strip(MARKUP) in self.known

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

    def is_whole(self, found: Found) -> bool:
        """Tell whether a JSON object is the judge's own, and nothing stands behind it."""
        return not self.text[found.end :].strip(" \n`*") and self._is_own(found)

    def is_quotable(self, found: Found) -> bool:
        """Tell whether a JSON object may be a quotation: the prompt has it, not its opposite."""
        said = self.text[found.start : found.end]
        return said in self.prompt and said.translate(SWAPPED) not in self.prompt

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


def answer_of(
    reply: str,
    prompt: str = "",
    states: Callable[[str], bool] | None = None,
    named: Collection[str] = (),
) -> Answer:
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
        named: Names that are asked for, whose tags are the judge's own.
    """
    said = parted(reply)
    text = _unfenced(_ended(plain(SWITCH.sub("", said.answer, 1))))
    text = unwrapped(text) if said.thoughts else text
    prompt = plain(prompt)
    if not text.strip() and reply.strip():
        return Answer("", "", failure="the answer has nothing but thoughts")
    if len(text) > LONGEST:
        size = f"the answer has {len(text):,} characters"
        return Answer("", "", failure=f"{size}, more than the {LONGEST:,} that are read")
    if is_draft(text):
        return Answer("", "", failure="it says that it is a draft")
    objects = _objects(text)
    if objects is None:
        return Answer("", "", failure="too much of the answer is broken JSON")
    lines = [line.strip() for line in prompt.split("\n")]
    known = frozenset(lines)
    repeats = Repeats(known, frozenset(pairwise(filter(None, lines))), states)
    seen = _without_sections(text, named)
    if THINKS.match(seen):
        return Answer("", "", failure="the answer has nothing but thoughts")
    objects = tuple(found for found in objects if seen[found.start] != BLANK)
    own = own_text(
        _without_comments(HIDDEN.sub(_blank_all, _STRUCK.sub(_blank_all, seen))), repeats
    )
    parts, position = [], 0
    for found in objects:
        parts += [own[position : found.start], blanked(text[found.start : found.end])]
        position = found.end
    own = without_framed("".join(parts) + own[position:], named)
    answer = Answer(text, own, prompt, known, objects)
    last = objects[-1] if objects else None
    if last is not None and (name := void_field(last.value)) and answer.is_whole(last):
        return Answer("", "", failure=f"its JSON says that it has no verdict: {name!r}")
    return answer


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


def _ended(text: str) -> str:
    """Return a text up to the end of its turn."""
    found = _END_OF_TURN.search(text)
    before = text[: found.start()] if found else ""
    struck = found is not None and found[0] == "</s>" and "<s>" in before
    return before if before.strip() and not struck else text


def _unfenced(text: str) -> str:
    """Return the content of a text that is one fenced block and nothing else."""
    whole = text.strip()
    fence = FENCE.match(whole)
    if not fence or not whole.endswith(fence[1]) or whole.count(fence[1]) != 2:
        return text
    return whole[: -len(fence[1])].partition("\n")[2] or text


def _without_sections(text: str, named: Collection[str]) -> str:
    parts, position = [], 0
    for begin, end in sections(text, named):
        parts += [text[position:begin], _veiled(text[begin:end])]
        position = end
    return "".join(parts) + text[position:]


def _without_comments(text: str) -> str:
    parts, position = [], 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts += [text[position:start], blanked(text[start : end + 3])]
        position = end + 3
    return CODE.sub(_blank_all, "".join(parts) + text[position:])


def _blank_all(found: re.Match[str]) -> str:
    return _veiled(found[0])


def _veiled(text: str) -> str:
    """Return a text with a blank for each character but the ends of lines."""
    return "\n".join(blanked(line) for line in text.split("\n"))
