"""Reads in a sentence which response is named, and how two of them are ordered."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.judging import pair_words as words
from harness.judging.clauses import Token

OPEN, CLOSE = frozenset("([{\u3010"), frozenset(")]}\u3011")
DASHES = frozenset("-\u2013\u2014")
PAUSES = frozenset(",:;.!|\u2026([{\u2192\uff0c\u3001") | DASHES
OTHER = {"A": "B", "B": "A", "TIE": ""}
STEPS = 14
"""Words that may stand before a verdict, or make up a link."""

_BETTER, _WORSE = frozenset(">\u227b\u226b"), frozenset("<\u227a\u226a")
_SAME = frozenset("=\u2248\u2261~")
_LETTERS = {"A": "A", "B": "B", "A's": "A", "B's": "B"}
_NUMBERS = {"1": "A", "2": "B", "one": "A", "two": "B"}


class Sides:
    """A sentence, or a part of one, that is read from left to right.

    Args:
        tokens: Its words and marks.
        numbered: Whether the responses are called 1 and 2.
        asks: Whether it ends with a question mark.
    """

    def __init__(self, tokens: Sequence[Token], numbered: bool, asks: bool = False) -> None:
        self.tokens = tokens
        self.numbered = numbered
        self.asks = asks
        self.size = len(tokens)
        self.side = max(filter(self._may_be_side, range(self.size)), default=-1)
        """The last place where a response, or a tie, may be named; -1 where none is."""

    def word(self, place: int) -> str:
        """Return a word in small letters; empty where there is none."""
        return self.tokens[place].word if 0 <= place < self.size else ""

    def past(self, place: int, known: Collection[str]) -> int:
        """Return the place behind all words that are known."""
        while place < self.size and self.tokens[place].word in known:
            place += 1
        return place

    def past_degrees(self, place: int) -> int:
        """Return the place behind adverbs that only say how much."""
        while True:
            if self.word(place) in words.DEGREES:
                place += 1
            elif self.word(place) == "a" and self.word(place + 1) in ("bit", "little", "lot"):
                place += 2
            else:
                return place

    def pauses(self, place: int) -> bool:
        """Tell whether a mark is a pause; a hyphen is none."""
        word = self.word(place)
        if word != "-":
            return word in PAUSES
        here = self.tokens[place]
        before = place > 0 and self.tokens[place - 1].end < here.start
        return before or (place + 1 < self.size and self.tokens[place + 1].start > here.end)

    def option(self, place: int) -> tuple[str, int] | None:
        """Return the response that is named at a place, and the place behind it.

        It may be named twice: "(A) Response A".
        """
        named = self._named(place)
        if named is None:
            return None
        again = self._named(named[1]) if self.word(named[1] - 1) in CLOSE else None
        return again if again is not None and again[0] == named[0] else named

    def _named(self, place: int) -> tuple[str, int] | None:
        at, noun, wrapped = place, False, False
        while at < min(self.size, place + STEPS):
            word = self.word(at)
            if word in words.NOUNS:
                noun = True
            elif word in OPEN:
                wrapped = True
            elif word not in ("the", "la", "die", "\u2116") and not (
                noun and word in ("number", "no")
            ):
                break
            at += 1
        if at >= self.size:
            return None
        value, after = self._letter(at, noun, wrapped)
        if value is None:
            return None
        if self.tokens[at].text.endswith("'s"):
            after += self.word(after) in words.NOUNS
        if self.word(after) == "+" and self.word(after + 1) == "+":  # "A++"; "A+" is a grade
            after += 2
        return value, self.past(after, CLOSE)

    def _letter(self, at: int, noun: bool, wrapped: bool) -> tuple[str | None, int]:
        token, after = self.tokens[at], at + 1
        if token.text in _LETTERS:
            return _LETTERS[token.text], after
        if token.word in ("a", "b"):  # a small letter may be an article
            rest = [token.word for token in self.tokens[after : after + STEPS]]
            ends = len(rest) < STEPS and all(word in CLOSE or word in PAUSES for word in rest)
            closed = wrapped and self.word(after) in CLOSE
            spoken = noun and self.word(after) in words.IS | words.WINS | words.LOSES | CLOSE
            return (token.word.upper() if ends or closed or spoken else None), after
        if token.word in ("first", "second"):
            if self.word(after) in words.NOUNS or self.word(after) == "one":
                return ("A" if token.word == "first" else "B"), after + 1
        elif self.numbered and token.word in _NUMBERS and (noun or token.word.isdigit()):
            return _NUMBERS[token.word], after
        return None, after

    def _may_be_side(self, place: int) -> bool:
        token = self.tokens[place]
        if token.word in ("a", "b"):
            before = self.word(place - 1)
            near = before in words.NOUNS or before in OPEN or place + 2 >= self.size
            return token.text in _LETTERS or near
        return (
            token.text in _LETTERS
            or token.word in words.TIE_NOUNS
            or token.word in words.EQUAL
            or token.word in ("equally", "first", "second", "neither", "both", "none", "no")
            or (token.text == "C" and self.word(place - 1) == "[")
            or (self.numbered and token.word in _NUMBERS)
        )

    def relation(self, place: int, side: str) -> tuple[str, int] | None:
        """Return what an order such as "> B" behind a response says, and the place behind it."""
        at = place
        while self.word(at) in _BETTER | _WORSE | _SAME and at < place + 4:
            at += 1
        marks = {self.word(i) for i in range(place, at)}
        other = self.option(at) if marks else None
        if other is None or other[0] != OTHER[side]:
            return None
        for kind, said in ((_BETTER, side), (_WORSE, other[0]), (_SAME, "TIE")):
            if marks <= kind:
                return said, other[1]
        return None
