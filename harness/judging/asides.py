"""Sentences beside a verdict: a word against it, and what a response chose as the item's answer."""

from __future__ import annotations

from harness.judging import pair_words as words
from harness.judging.clauses import Sentence
from harness.judging.preference import Clause
from harness.judging.sides import CLOSE

_OF_CHOICES = frozenset("option answer choice letter with the correct right also (".split())
_THAT = frozenset("it this that same so".split())


def speaks_against(sentence: Sentence, numbered: bool) -> bool:
    """Tell whether a sentence is nothing but a word against the verdict before it: "Wrong."."""
    clause = Clause(sentence.tokens, numbered)
    return clause.size <= 2 and clause.side < 0 and clause.is_against(0, "")


def tells_choice(sentence: Sentence, numbered: bool) -> bool:
    """Tell whether a sentence says which option of the item a response chose: "A picked C"."""
    clause = Clause(sentence.tokens, numbered)
    subject = words.BOTH | words.NOUNS
    for place in range(clause.size):
        named = clause.option(place)
        begins = clause.word(place) == "both" and clause.word(place - 1) != "both"
        end = named[1] if named else clause.past(place, subject) if begins else place
        if end == place:
            continue
        if clause.word(end) in words.CHOSE:
            end = clause.past(end + 1, _OF_CHOICES)
        elif named is None or clause.word(end) != ":" or clause.word(place) not in words.NOUNS:
            continue
        else:
            end += 1
        tail = clause.word(end + 1)
        ends = end + 1 >= clause.size or clause.pauses(end + 1) or tail in (*CLOSE, "too", "and")
        text = clause.tokens[end].text if end < clause.size else ""
        if ends and len(text) == 1 and text in "ABCDE":
            return True
        if clause.word(end) in _THAT and clause.word(end - 1) != ":":
            return True
    return False


def is_whole_score(clause: Clause, place: int) -> bool:
    """Tell whether "Score: A" is the whole sentence: of figures, the word marks no verdict."""
    named = clause.option(place + 2)
    if clause.word(place) != "score" or named is None or clause.word(place + 1) != ":":
        return False
    begins = all(clause.word(at) in words.BEFORE for at in range(place))
    return begins and named[1] >= clause.size and not clause.word(place + 2)[0].isdigit()
