"""The sentences of an answer, as words and marks with their places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.judging import pair_words as words
from harness.judging.chinese import in_english

_TOKEN = re.compile(
    r"[A-Za-z\u00c0-\u024f]++(?:['\u2019](?=[A-Za-z])[A-Za-z]++)?+"
    r"|\d++(?:[.,]\d++)?+|[\u3040-\u9fff\uac00-\ud7af]++|[^\W\d_]++|\x00++|[^\s\w]"
)
_UNREAD = frozenset(
    "*_`\"'#$~\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a\u300c\u300d\u300e\u300f"
)
_ENDS = frozenset(".!?;\u3002\uff1b\u2026")
_MACRO = re.compile(r"\\(?:[fd]?box(?:ed)?|text\w{0,9}|math\w{0,9})\s?\{")
_TAG = re.compile(
    r"<(/?)([A-Za-z][A-Za-z0-9_-]{0,23}+)(?:\s[^<>\n=]{0,80}+=[^<>\n]{0,80}+)?+\s?/?>"
)
_ENTITY = re.compile(r"&(quot|lt|gt|amp|nbsp);")
_ENTITIES = {"quot": '"', "lt": "<", "gt": ">", "amp": "&", "nbsp": " "}
_BULLET = re.compile(r"\s*+(?:[-*+\u2022>]\s++|\d{1,2}+[.)]\s++)?+")


class Token(NamedTuple):
    """A word, a number or a mark of a text: as it stands there, in small letters, and where."""

    text: str
    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer.

    Args:
        tokens: Its words and marks, without the mark at its end.
        end: That mark; empty without one.
        first: Whether it begins its line.
        last: Whether it ends its line.
    """

    tokens: tuple[Token, ...]
    end: str = ""
    first: bool = True
    last: bool = True

    @property
    def words(self) -> list[str]:
        """Its words and marks in small letters."""
        return [token.word for token in self.tokens]


def sentences(text: str, labels: Callable[[Sequence[Token]], bool] | None = None) -> list[Sentence]:
    """Return the sentences of a text; a line that is a label goes on in the next one.

    Args:
        text: The text.
        labels: Tells whether words are a label; without it, those of verdicts on pairs are.
    """
    labels = labels or is_label
    place, found = 0, list[Sentence]()
    held: tuple[Token, ...] = ()
    for line in _shaped(text).split("\n"):
        skipped = _BULLET.match(line)
        tokens = (*held, *tokens_of(line, place, skipped.end() if skipped else 0))
        place += len(line) + 1
        if len(tokens) == len(held):
            continue
        if any(token.word in words.VERDICT for token in tokens[len(held) :]):
            tokens = tokens[len(held) :]
        held = ()
        if len(tokens) <= 8 and "|" not in line and labels(tokens):
            colon = tokens[-1]._replace(text=":", word=":")
            held = tokens if tokens[-1].word == ":" else (*tokens, colon)
        else:
            found += _split(tokens)
    return [*found, *_split(held)]


def is_label(tokens: Sequence[Token]) -> bool:
    """Tell whether words are nothing but the name of a verdict."""
    names = [token.word for token in tokens if token.word not in "[]\u3010\u3011"]
    if names and names[-1] == ":":
        names.pop()
    while len(names) > 1 and (names[0] in words.BEFORE or names[0] in words.EARLY):
        names.pop(0)
    compared = words.BETTER | words.WORSE
    if len(names) == 2:
        return names[0] in compared and names[1] in words.NOUNS
    return len(names) == 1 and names[0] in words.VERDICT | words.ANSWER | compared


def tokens_of(line: str, place: int = 0, begin: int = 0) -> Iterator[Token]:
    """Yield the words and marks of a line, from a place in it on, with their places in a text."""
    for found in _TOKEN.finditer(line, begin):
        text = found[0].replace("\u2019", "'")
        begin, end = place + found.start(), place + found.end()
        said = in_english(line, *found.span()) if "\u3040" <= text[0] <= "\u9fff" else None
        if said is not None:
            yield from (Token(word, word, begin, end) for word in said)
        elif text not in _UNREAD:
            yield Token(text, text.lower(), begin, end)


def _split(tokens: Sequence[Token]) -> Iterator[Sentence]:
    begin = 0
    for number, token in enumerate(tokens):
        last = number + 1 == len(tokens)
        if (
            token.word in _ENDS
            and not _abbreviates(tokens, number)
            and (last or tokens[number + 1].start > token.end)
        ):
            if number > begin:
                yield Sentence(tuple(tokens[begin:number]), token.word, begin == 0, last)
            begin = number + 1
    if begin < len(tokens):
        yield Sentence(tuple(tokens[begin:]), "", begin == 0)


def _abbreviates(tokens: Sequence[Token], number: int) -> bool:
    """Tell whether a full stop is the last one of "i.e." or "e.g."."""
    before = tuple(token.word for token in tokens[max(0, number - 3) : number])
    return before in (("i", ".", "e"), ("e", ".", "g"))


def _shaped(text: str) -> str:
    """Return a text of the same length in which tags, macros and entities are plain marks."""
    return _TAG.sub(_tag, _ENTITY.sub(_entity, _MACRO.sub(_macro, text)))


def _tag(found: re.Match[str]) -> str:
    size, name = len(found[0]), found[2]
    if name in ("A", "B") and not found[1]:
        return f"({name})".ljust(size)
    if name.lower() in words.FORMATTING:
        return ("\n" if name.lower() in words.LINES else " ").ljust(size)
    ranks = name.lower() in ("ranking", "final_ranking")
    if not ranks and not is_label(list(tokens_of(name.replace("-", "_")))):
        return found[0]
    return "\n".ljust(size) if found[1] else f"\n{name}".ljust(size - 1) + ":"


def _macro(found: re.Match[str]) -> str:
    return ("[[" if "box" in found[0] else "{").rjust(len(found[0]))


def _entity(found: re.Match[str]) -> str:
    return _ENTITIES[found[1]].ljust(len(found[0]))
