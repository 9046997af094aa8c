"""What of a model's text is its answer, and what it thought before: the only place that tells.

A thought counts where a model puts it, and not where a text speaks of it: a mark in quotation
marks, in code or in a fenced block, or named in a sentence ("the <think> tag"), is a part of the
answer. Every step is linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PAIRS = {
    "[THINK]": "[/THINK]",
    "\u25c1think\u25b7": "\u25c1/think\u25b7",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|thinking|>": "<|/thinking|>",
    "<|channel>": "<channel|>",
    "<unused94>": "<unused95>",
}
"""Marks that are written in one way, with those that end what they begin."""

_FAMILIES = {
    "think": "think", "thinking": "think", "thought": "think", "thoughts": "think",
    "think_fast": "think", "think_faster": "think", "longcat_think": "think",
    "inner_thought": "inner", "inner_thoughts": "inner", "inner_monologue": "inner",
    "reasoning": "reasoning", "reflection": "reflection", "scratchpad": "scratchpad",
}  # fmt: skip
"""Names of tags, and those that may end one another: models begin <thinking> and end </think>."""

_TAG = (
    rf"<\s?(?P<end>[\\/]{{0,2}})\s?(?:[a-z]{{1,16}}:)?(?P<name>{'|'.join(_FAMILIES)})"
    r"(?:\s[^<>=\n]{0,80}=[^<>\n]{0,200})?(?<!/)\s?>"
)
_CHANNEL = (
    r"<\|channel\|>\s?(?P<channel>\w{1,24})[^<\n]{0,80}"
    r"(?:<\|constrain\|>[^<\n]{0,80})?<\|message\|>"
)
_FIXED = "|".join(re.escape(mark) for pair in _PAIRS.items() for mark in pair)
_MARK = re.compile(rf"{_TAG}|{_CHANNEL}|(?P<fixed>(?-i:{_FIXED}))", re.IGNORECASE)
_OUTSIDE = re.compile(
    r"(?P<fence>^[ \t>]*+(?:`{3,}+[^`\n]*+|~{3,}+[^\n]*+)$|(?<=[ \t:])`{3,}+\w*+$)"
    r"|(?P<code>`[^`\n]++`)|(?P<string>\"[^\"\n]*+\")|" + _MARK.pattern,
    re.IGNORECASE | re.MULTILINE,
)
_BARE = re.compile(r"^[ \t>]*+(`{3,}+|~{3,}+)[ \t\r]*+$", re.MULTILINE)

_QUOTES = {
    '"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb",
}  # fmt: skip
_NAMED = re.compile(r"[ -](?:tags?|tokens?|blocks?|elements?|sections?|markers?|delimiters?)\b")
_NOTHING = re.compile(r"[^\w\n]*+(?:(?:and|or|to|with|then)[^\w\n]*+)?")
_LABEL = re.compile(r"[^\w:]*+\w++[^\w:]*+:\W*+")

_WORDED = (
    (re.compile(r"\s*analysis(?=[A-Z])"), "assistantfinal", True),
    (re.compile(r"\s*Here(?:'s| is) my thought process:"), "Here is my response:", False),
    (re.compile(r"\s*Thinking\.\.\.[ \t\r]*\n"), "...done thinking.", True),
)
"""Forms without marks at the beginning of a text (special tokens that a server left out; Granite;
Ollama in a terminal):
what begins the thought, what begins the answer, and whether without the second there is none."""

_CONTROL = re.compile(
    r"<\|(?:start\|>\w{0,16}|end\|>|return\|>|(?:begin|end)_of_solution\|>"
    r"|(?:START|END)_(?:RESPONSE|TEXT)\|>)"
)
_NEAR = 200
"""Characters before a mark in which words of its line are looked for."""


@dataclass(frozen=True, slots=True)
class Parted:
    """A model's text in its parts.

    Args:
        answer: Without thoughts, and without the white space after them, but for the indent of the
            first line.
        thoughts: What was thought, without its marks; blank lines between several thoughts.
        unfinished: Whether the text ends inside a thought. Then there is no answer, whatever stood
            before the thought.
    """

    answer: str
    thoughts: str = ""
    unfinished: bool = False


def parted(text: str) -> Parted:
    """Tell a model's answer from its thoughts.

    Thoughts stand in tags (think, thinking, thought, reasoning, reflection, scratchpad and their
    like, in any case, with attributes), in the marks of Magistral, Kimi, Command A, OpenThinker and
    others, and in channels that are not the final one (gpt-oss). Where an end mark has no
    beginning, a chat template began the thought: all that stands before it was thought.
    """
    worded = _worded(text)
    if worded is not None:
        return worded
    if _MARK.search(text) is None:
        return Parted(text)
    return _Parting(text).parted()


def has_mark(text: str) -> bool:
    """Tell whether a mark of a thought stands anywhere in a text."""
    return _MARK.search(text) is not None


def end_of_thought(mark: str) -> str:
    """Return the mark that ends what a mark begins; "" of a channel, which has none of its own."""
    found = _MARK.fullmatch(mark)
    if found is None or found["channel"] is not None or not _kind(found)[0]:
        return ""
    return f"</{found['name']}>" if found["name"] is not None else _PAIRS[mark]


def begun_thought(prompt: str) -> str:
    """Return the mark of a thought with which a prompt ends, as chat templates begin one; or ""."""
    tail = prompt[-_NEAR:].rstrip()
    for mark in _MARK.finditer(tail):
        if mark.end() == len(tail) and _kind(mark)[0]:
            return mark[0]
    return ""


class _Parting:
    """The walk through one text that has marks."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pieces: list[tuple[bool, str]] = []  # whether it was thought, and what
        self.first = 0  # piece of the answer: those before it are thoughts
        self.begin = 0  # of what is said since the last thought
        self.unclosed: set[str] = set()  # families without an end mark in the rest of the text
        self.longest: dict[str, int] = {}  # fences of this length or more do not close any more

    def parted(self) -> Parted:
        text, position, plain = self.text, 0, 0
        while found := _OUTSIDE.search(text, position):
            position = found.end()
            if found["fence"] is not None:
                if mark := _MARK.search(text, found.start(), position):
                    position = mark.start()  # it ends in a thought, or is none
                    continue
                if found.start() < plain:
                    continue
                end = self._end_of_fence(found)
                if end is None:
                    continue
                if self._is_torn(position, end):
                    plain = end  # the fence was opened in a thought
                else:
                    position = end
            elif found["code"] is not None or found["string"] is not None:
                if self._is_torn(found.start(), position, found["code"] is not None):
                    position = found.start() + 1
            elif not _is_named(text, found, self.begin):
                position = self._mark(found)
                if position < 0:
                    self.pieces.append((True, text[self.begin :]))
                    return Parted("", self._thoughts(), True)
        if not self.pieces:
            return Parted(text)
        self.pieces.append((False, text[self.begin :]))
        return Parted(self._answer(), self._thoughts())

    def _answer(self) -> str:
        said, last = [], " "
        for thought, piece in self.pieces[self.first :]:
            piece = "" if thought else _CONTROL.sub("", piece)
            if piece:
                torn = not (last.isspace() or piece[0].isspace())
                said.append("\n" * torn + piece)  # no new word is made of two
                last = piece[-1]
        return _begun("".join(said))

    def _thoughts(self) -> str:
        whole = [
            piece for n, (thought, piece) in enumerate(self.pieces) if thought or n < self.first
        ]
        bare = [_CONTROL.sub("", _MARK.sub("", piece)).strip() for piece in whole]
        return "\n\n".join(filter(None, bare))

    def _mark(self, found: re.Match[str]) -> int:
        """Take a mark outside of thoughts; return where to go on, -1 where a thought never ends."""
        text, (opens, family) = self.text, _kind(found)
        if not opens:
            self.pieces.append((True, text[self.begin : found.start()]))
            self.first = len(self.pieces)
            self.begin = found.end()
            return self.begin
        inline = found["name"] is not None and self._is_inline(found)
        end = None if family in self.unclosed else self._end_of_thought(found, family, inline)
        if end is None:
            if not inline:
                return -1
            self.unclosed.add(family)
            return found.end()
        inner = text[found.end() : end.start()]
        if inline and _NOTHING.fullmatch(inner):
            return end.end()
        self.pieces += [(False, text[self.begin : found.start()]), (True, inner)]
        self.begin = end.end()
        return self.begin

    def _end_of_thought(
        self, found: re.Match[str], family: str, inline: bool
    ) -> re.Match[str] | None:
        """Return the mark that ends a thought.

        A mark inside that begins another one counts at the beginning of a line, but not right at
        the beginning of the thought: there a model only repeats what its template has written.
        """
        text, depth = self.text, 1
        for mark in _MARK.finditer(text, found.end()):
            opens, other = _kind(mark)
            if other != family or _is_named(text, mark, found.end()):
                continue
            if not opens:
                depth -= 1
                if depth == 0 or inline:
                    return mark
            elif mark["name"] is not None and not inline:
                lead = text[max(found.end(), mark.start() - _NEAR) : mark.start()]
                depth += bool(lead.strip()) and not lead.rpartition("\n")[2].strip()
        return None

    def _is_inline(self, found: re.Match[str]) -> bool:
        """Tell whether words stand before a mark in its line, other than the name of a role."""
        first = max(self.begin, found.start() - _NEAR)
        lead = self.text[first : found.start()].rpartition("\n")[2]
        if first == 0 and _LABEL.fullmatch(lead):
            return False
        return any(c.isalnum() for c in lead)

    def _end_of_fence(self, found: re.Match[str]) -> int | None:
        mark = found["fence"].lstrip(" \t>")
        kind, length = mark[0], len(mark) - len(mark.lstrip(mark[0]))
        if length >= self.longest.get(kind, length + 1):
            return None
        for bare in _BARE.finditer(self.text, found.end()):
            if bare[1][0] == kind and len(bare[1]) >= length:
                return bare.end()
        self.longest[kind] = length
        return None

    def _is_torn(self, start: int, end: int, code: bool = False) -> bool:
        """Tell whether something quoted has the end of a thought that does not begin in it.

        In code only one that has a line of its own.
        """
        text = self.text
        open_: set[str] = set()
        for mark in _MARK.finditer(text, start, end):
            opens, family = _kind(mark)
            if opens:
                open_.add(family)
            elif family not in open_ and not _is_named(text, mark, self.begin):
                if text[start] == '"' and not code:
                    return True
                before = text[max(0, mark.start() - _NEAR) : mark.start()].rpartition("\n")[2]
                alone = not before.strip(" \t`~") and text[mark.end() : mark.end() + 1] in (
                    "",
                    *"\r\n`~",
                )
                if alone:
                    return True
        return False


def _kind(mark: re.Match[str]) -> tuple[bool, str]:
    """Tell whether a mark begins a thought, and of which family it is."""
    if mark["name"] is not None:
        return not mark["end"], _FAMILIES[mark["name"].lower()]
    if mark["channel"] is not None:
        return mark["channel"].lower() != "final", "channel"
    fixed = mark["fixed"]
    return fixed in _PAIRS, _PAIRS.get(fixed, fixed)


def _is_named(text: str, mark: re.Match[str], least: int) -> bool:
    """Tell whether a mark is only spoken of: quoted, or followed by "tag" and the like."""
    start, end = mark.span()
    if _NAMED.match(text, end):
        return True
    if start <= least or _QUOTES.get(text[start - 1]) != text[end : end + 1]:
        return False
    # A quotation mark behind a word ends a quotation.
    return start - 1 == least or not (text[start - 2].isalnum() or text[start - 2] in ".,!?)]`\"'")


def _begun(answer: str) -> str:
    """Return an answer from its first line on, with its indent: it may be a function's body."""
    first = len(answer) - len(answer.lstrip())
    line = answer.rfind("\n", 0, first) + 1
    indent = answer[line:first]
    return answer[first:] if len(indent) < 2 and "\t" not in indent else answer[line:]


def _worded(text: str) -> Parted | None:
    for opening, separator, needed in _WORDED:
        if begun := opening.match(text):
            thought, found, answer = text[begun.end() :].rpartition(separator)
            if found:
                return Parted(_begun(answer), thought.strip())
            return Parted("", answer.strip(), True) if needed else None
    return None
