"""Reads what a sentence says against a response, or against the verdict before it."""

from __future__ import annotations

import unicodedata

from harness.judging import pair_words as words
from harness.judging.comparisons import Comparisons
from harness.judging.sides import CLOSE, OPEN

_SIGNS_AGAINST = frozenset(
    "\u274c\u2717\u2718\u2716\u274e\u2612\u2620\u26d4\u2753\u26a0\u2639\u2b07\u2b05\u27a1"
    "\U0001f44e\U0001f6ab\U0001f6d1\U0001f914\U0001f928\U0001f937\U0001f615\U0001f611\U0001f644"
    "\U0001f92e\U0001f4a9\U0001f480\U0001f612\U0001f61e\U0001f621\U0001f922\U0001f53d\U0001f948"
    "\U0001f949\U0001f926\U0001f61f\U0001f641\U0001f622\U0001f62d\U0001f198\U0001f19a\U0001f5d1"
)
NONE_OF = frozenset(
    "question doubt contest error errors mistake mistakes issue issues problem problems false "
    "hallucination hallucinations inaccuracies fluff".split()
)
"""Words behind "no" that speak for a response."""
MODEST = ("perfect", "close", "flawless", "ideal", "great")
"""Words behind "not" that only limit a praise."""
_INSTEAD = ("\u4f46", "\u5e94\u4e3a", "\u5e94", "\u800c")
_LESSENED = words.BAD | frozenset("errors mistakes wrong false issues typos verbose wordy".split())


class Objections(Comparisons):
    """A sentence that may say something against a response."""

    def past_signs(self, place: int) -> int:
        """Return the place behind emoji and ticks that say nothing against a response."""
        while unicodedata.category(self.word(place)[:1] or "x") == "So":
            if self.word(place) in _SIGNS_AGAINST:
                break
            place += 1
        return place

    def is_against(self, place: int, value: str) -> bool:
        """Tell whether the words behind a pause speak against a verdict: "A (worse)"."""
        at, less = place, False
        skipped = words.ARTICLES | words.IS | words.DEGREES | OPEN | CLOSE | {"it", "it's", "this"}
        if self._quotes(at):
            return True
        while at < self.size and (self.word(at) in skipped or self.pauses(at)):
            if self.option(at):
                return False
            at += 1
        word, following = self.word(at), self.word(at + 1)
        if word in ("less", "least"):
            less, at = True, at + 1
            word, following = self.word(at), self.word(at + 1)
        named = self.option(at + 1)
        if words.AGAINST_SIGNS & set(word) or word in _INSTEAD:
            return not (named and named[0] != value) or word not in ("\u4e0d\u662f", "\u4e0d")
        if less:
            return word not in _LESSENED
        if word == "not":
            return following not in MODEST and named is None and self.tie(at + 1, False) is None
        if self._quotes(at):
            return True
        return word in words.AGAINST and self.option(at) is None

    def _quotes(self, place: int) -> bool:
        """Tell whether words say from which response something is quoted."""
        places = range(place, min(self.size, place + 8))
        named = next(filter(None, map(self.option, places)), None)
        if named is None:
            return False
        if self.word(place) == "as":
            says = self.word(named[1]) in ("says", "said", "claims", "asks", "demands", "wants")
            return says and self.past(named[1] + 1, CLOSE) >= self.size
        return self.word(place) in words.QUOTING

    def is_faulty(self, place: int) -> bool:
        """Tell whether a fault of a response is said at a place, and nothing else of it."""
        rest = {token.word for token in self.tokens[place:]}
        if rest & (words.WORSE | words.LOSES | words.TURNS | {"nothing", "less", "fewer"}):
            return False
        if self.tokens[place - 1].text.endswith("'s") and self.word(place) not in words.IS:
            place += 1  # "B's code fails"
        near = [self.word(at) for at in range(place, place + 3)]
        denies = any(word in words.NOT for word in near)
        if rest & words.ERRORS:
            return not rest & words.NOT and near[0] in words.GIVES | words.CONTAINS
        denies = denies and not rest & (words.BAD | words.FAULTS)
        bad = near[0] in words.IS and any(word in words.BAD | {"off"} for word in near[1:])
        bad = bad or (near[0] in words.IS and near[1] == "too" and near[2].isalpha())
        return denies or bad or any(word in words.FAULTS for word in near[:2])
