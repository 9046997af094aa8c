"""What one sentence of a judge says of a pair: a verdict, nothing, or what is not understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.judging import pair_words as words
from harness.judging.asides import is_whole_score
from harness.judging.clauses import Sentence
from harness.judging.comparisons import ASPECTS
from harness.judging.judge_words import JUDGES
from harness.judging.preference import LINK_MARKS, Clause
from harness.judging.sides import CLOSE, OTHER, STEPS
from harness.judging.taken_back import takes_back, turn_of

_WHOLE = frozenset(
    "opinion view judgment judgement conclusion summary end overall balance reason reasons short "
    "these this light whole above both all general my every".split()
)
_CLAUSE_ENDS = frozenset(", : but yet so therefore thus hence however and ( \u2014 \u2013".split())
_SAY = frozenset("say concludes conclude argues argue thinks think believes believe".split())
_UNREAL = frozenset(
    "avoid opposite contrary assume assuming suppose supposing imagine pretend advocate persona "
    "advocate's invert wrong".split()
)
"""Words before a verdict that is not the judge's."""
_NOT_THIS = frozenset((("not", "this"), ("not", "that"), ("not", "my"), ("not", "the")))
_IN_LABELS = frozenset(
    "a b c tie or which is one line only either option options choice letter helpful helpfulness "
    "quality verdict winner summary me mine single".split()
)
_OF_OTHERS = frozenset(("other", "another", "previous", "user's", "human", "human's"))
_INSISTS = frozenset(
    (
        "it is", "it is then", "then", "instead", "after all", "actually", "is right", "is correct",
        "is the right one", "is the correct one", "is the one", "is best", "is the best",
        "is the best one", "is better", "is the better one", "is the winner",
        "is the correct answer", "is the right answer", "should win", "should be the winner",
        "deserves to win", "then is best", "'s answer is right", "is my choice", "is my verdict",
        "besser", "sein",
    )
)  # fmt: skip
"""What behind a response makes a sentence that prefers it."""
_CLAIMS = words.IS | {"it", "it's", "this", "that", "still", "yes", ",", "so"}
"""Words between a turn and a response."""
_FAR = 200
"""Words before a verdict among which it is looked for a denial."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A verdict that a sentence states.

    Args:
        value: A, B or TIE; empty where it is not understood.
        start: Where it begins.
        mark: Where the mark of a marked one stands; None for others.
        concludes: Whether it is said to be the last one.
    """

    value: str
    start: int
    mark: int | None = None
    concludes: bool = False


def stated(sentence: Sentence, numbered: bool) -> Stated | None:
    """Return what a sentence states of a pair: its first marked verdict, or its last clause."""
    clause = Clause(sentence.tokens, numbered, sentence.end == "?")
    for place in range(clause.side + 1):
        found = _bracketed(clause, place) or _marked(clause, place)
        if found is not None:
            return found
    return _said(clause) if clause.side >= 0 else None


def goes_on(sentence: Sentence, numbered: bool, value: str) -> bool:
    """Tell whether a sentence behind a semicolon takes nothing of a verdict before it back."""
    clause = Clause(sentence.tokens, numbered)
    if any(token.word in words.DECEIVING for token in clause.tokens):
        return False
    places = range(min(clause.size, 4))
    named = next(filter(None, map(clause.option, places)), None)
    if value == "TIE" and named is not None and named[1] >= clause.size:
        return False  # "tiebreak: A"
    if named is None or named[0] != OTHER[value]:
        return True
    return clause.said_of(*named) is not None or clause.is_faulty(named[1])


def labelled(sentence: Sentence, numbered: bool) -> str:
    """Return the verdict of "Response A: more complete", which must be the whole answer."""
    clause = Clause(sentence.tokens, numbered, sentence.end == "?")
    named = clause.option(0)
    if named is None or clause.word(named[1]) != ":" or clause.side >= named[1]:
        return ""
    said = clause.compared(named[1] + 1)
    return named[0] if said and said[0] == "+" and clause.tail(said[1], named[0]) else ""


def alone(sentence: Sentence, numbered: bool) -> str:
    """Return the verdict of a sentence that is nothing else; empty where there is more."""
    if sentence.end == "?" or not sentence.tokens or sentence.tokens[-1].word == ":":
        return ""
    clause = Clause(sentence.tokens, numbered)
    tie = clause.tie(0, True)
    if tie is not None and clause.past(tie, CLOSE) >= clause.size:
        return "" if clause.word(0) in words.BOTH | {"no", "none", "neither"} else "TIE"
    named = clause.option(0)
    if named is None:
        return ""
    value, end = clause.relation(named[1], named[0]) or named
    return value if clause.past(end, CLOSE | {"!", "."}) >= clause.size else ""


def opens(sentence: Sentence, numbered: bool) -> str:
    """Return the verdict of an answer's first sentence: a letter alone, and why."""
    clause = Clause(sentence.tokens, numbered, sentence.end == "?")
    tie = clause.equal(0)
    if tie is not None:
        return "TIE" if clause.tail(tie, "TIE") else ""
    named = clause.option(0)
    if named is None:
        return ""
    value, end = clause.relation(named[1], named[0]) or named
    why = clause.word(end + (clause.word(end) == ",")) in ("because", "since", "due", "over")
    return value if why and clause.tail(end, value) else ""


def behind_turn(sentence: Sentence) -> Sentence:
    """Return what stands behind the words by which a sentence takes something back."""
    turn = turn_of(sentence.words)
    at = turn.rest if turn else 0
    while at < len(sentence.tokens) and not sentence.tokens[at].word[0].isalnum():
        at += 1
    return Sentence(sentence.tokens[at:], sentence.end, sentence.first, sentence.last)


def turns_in(lines: Sequence[Sentence]) -> list[int]:
    """Return the numbers of the sentences that take back what stands before them."""
    found = [number for number, line in enumerate(lines) if takes_back(line.words)]
    return [n for n in found if not (n and _is_judged(lines[n - 1], lines[n]))]


def _is_judged(heading: Sentence, sentence: Sentence) -> bool:
    """Tell whether a sentence such as "Wrong." stands under the name of a response."""
    first = heading.words[0]
    named = first in words.NOUNS or heading.words[1:] == [":"]
    return named and not heading.end and len(sentence.tokens) <= 2


def corrected(sentence: Sentence, numbered: bool) -> str:
    """Return the verdict of a sentence that only corrects, or only stands by one: "Edit: B"."""
    turn = turn_of(sentence.words)
    at = turn.rest if turn else 0
    if sentence.words[0] == "wrong":
        return ""
    if at < len(sentence.tokens) and (sentence.words[at] == "yes" or turn):
        stops = sentence.words[at] in (":", ",", "-", "\u2014", ".", "yes")
        stops = stops or sentence.words[at - 1] in ("is", "be")
        rest = behind_turn(sentence)
        skipped = Clause(rest.tokens, numbered).past(0, _CLAIMS - words.IS)
        return alone(Sentence(rest.tokens[skipped:], sentence.end), numbered) if stops else ""
    return ""


def turns_to(sentence: Sentence, numbered: bool) -> str:
    """Return the verdict that a later sentence puts in place of another; empty without one."""
    if sentence.end == "?":
        return ""
    turn, rest = turn_of(sentence.words), behind_turn(sentence)
    clause = Clause(rest.tokens, numbered)
    at = clause.past(0, _CLAIMS if turn else words.CONCLUDES | {"oh", "then", "ps", ":", ","})
    named = clause.option(at)
    if named is not None:
        side, end = named
        if sentence.words[0] == "not" and clause.word(end) in (",", "but"):
            other = clause.option(end + 1)
            return other[0] if other else ""
        behind = " ".join(rest.words[end:]).strip(" .,:()!")
        if behind in _INSISTS if behind else turn is not None:
            return side
    if turn is None:
        return ""
    return alone(rest, numbered) or clause.judgement(0) or ""


def _denied(clause: Clause, place: int) -> bool:
    """Tell whether words before a place make what follows no statement."""
    begin, end = place, place
    while begin > max(0, place - _FAR) and clause.word(begin - 1) not in (",", ":", "but"):
        begin -= 1
    while end < min(clause.size, place + STEPS) and clause.word(end) != ",":
        end += 1
    lead = {clause.word(at) for at in range(begin, place)}
    if clause.word(place - 1) == ":":
        lead |= {clause.word(at) for at in range(max(0, place - STEPS), place)}
    if not _UNREAL.isdisjoint(lead):
        return True
    if clause.word(place - 1) == ":" and clause.word(place - 2) in _SAY:
        return JUDGES.isdisjoint(lead)
    near_by = " ".join(token.word for token in clause.tokens[begin:end])
    if any(phrase in near_by for phrase in words.UNSAID):
        return True
    if clause.word(place - 1) == ":":
        place -= 1
        label = [clause.word(at) for at in range(max(0, place - STEPS), place)]
        if any(pair in _NOT_THIS for pair in pairwise(label)):
            return True
    near = True
    if clause.word(place - 1) == ")":  # what stands in brackets before is only a remark
        inside = range(place - 2, max(-1, place - 2 * STEPS), -1)
        place = next((at for at in inside if clause.word(at) == "("), place)
    for at in range(place - 1, max(-1, place - _FAR), -1):
        word = clause.word(at)
        if word in words.CONDITIONS and word not in ("would", "had", "were", "should"):
            return True
        if near and (word in words.NOT or word in words.HEDGES):
            return True
        near = near and word not in (",", ":", "but", "so", "therefore")
    return False


def _bracketed(clause: Clause, place: int) -> Stated | None:
    """Return the verdict of double brackets: [[A]], [[A>B]], [[C]] for a tie."""
    if clause.word(place) != "[" or clause.word(place + 1) != "[":
        return None
    if clause.tokens[place + 1].start != clause.tokens[place].end:
        return None
    start = clause.tokens[place].start
    ends = range(place + 2, min(clause.size, place + 3 * STEPS))
    end = next((i for i in ends if clause.word(i) in ("]", "}")), None)
    unclear = Stated("", start, start)
    if end is None:
        return unclear
    inner = clause.tokens[place + 2 : end]
    value = "TIE" if [token.text for token in inner] == ["C"] else ""
    value = value or alone(Sentence(tuple(inner)), clause.numbered)
    if not value:
        return unclear if Clause(inner, clause.numbered).side >= 0 else None
    lead = Clause(clause.tokens[:place], clause.numbered)
    before = lead.judgement(0) if lead.side >= 0 else None
    if before not in (None, "", value) or _denied(clause, place) or not clause.tail(end, value):
        return unclear
    return Stated(value, start, start)


def _marked(clause: Clause, place: int) -> Stated | None:
    """Return the verdict that a word such as "Verdict" or "Winner" marks."""
    word = clause.word(place)
    compares = word in words.BETTER or word in words.WORSE
    named = word in words.VERDICT or word in words.ANSWER or is_whole_score(clause, place)
    if not compares and not named:
        return None
    at = place + 1
    if compares:
        at += clause.word(at) in words.NOUNS or clause.word(at) == "one"
        at += clause.word(at) in ("index", "id", "label", "letter")
    elif word == "overall" and clause.word(at) != ":":
        return None
    at += clause.word(at) == "overall"
    framed = clause.word(at) in ("]", "\u3011")
    at += framed
    bracket = range(at, at)
    if clause.word(at) == "(":
        ends = (i for i in range(at, at + 2 * STEPS) if clause.word(i) == ")")
        end = next(ends, at - 1)
        bracket = range(at + 1, end)
        at = end + 1 if clause.word(end + 1) in LINK_MARKS else at
    link = at
    while link < at + STEPS and (
        clause.word(link) in words.LINKS or clause.word(link) in LINK_MARKS
    ):
        link += 1
    colon = framed or any(clause.word(i) in LINK_MARKS for i in range(at, link))
    if link == at and not framed and word not in words.VERDICT:
        return None
    begin = place
    while begin > max(0, place - STEPS) and clause.word(begin - 1) in words.BEFORE:
        begin -= 1
    mark, start = clause.tokens[place].start, clause.tokens[begin].start
    if begin < place and clause.word(begin - 1) == "or":
        return Stated("", start, mark)
    if not _may_mark(clause, begin, place, colon):
        return None
    if link > at and any(not _is_of_label(clause.word(i)) for i in bracket):
        return Stated("", start, mark)
    if _is_mark(clause, clause.past(link, words.BEFORE)) or _leads_to_brackets(clause, link):
        return None
    if link == at and not framed:
        value = clause.direct(link)
    else:
        value = clause.marked(link, turns=colon)
    if value:
        return Stated(OTHER[value] if word in words.WORSE else value, start, mark)
    filled = clause.filled(link)
    names = clause.option(filled) is not None or clause.tie(filled, True) is not None
    return Stated("", start, mark) if names or (colon and link <= clause.side) else None


def _is_of_label(word: str) -> bool:
    """Tell whether a word may stand in brackets behind a mark, which stays that of the verdict."""
    known = words.BEFORE | words.BETTER | words.NOUNS | words.TIE_NOUNS | words.BOTH
    return word in known or word in _IN_LABELS or not word[:1].isalpha()


def _is_mark(clause: Clause, place: int) -> bool:
    """Tell whether another mark of a verdict stands at a place."""
    word, following = clause.word(place), clause.word(place + 1)
    linked = following in LINK_MARKS or following in words.LINKS
    known = word in words.VERDICT or (word in words.ANSWER and linked)
    if word in words.BETTER or word in words.WORSE:
        behind = place + 2
        named = following in words.NOUNS or following == "one"
        known = named and (clause.word(behind) in words.LINKS or clause.word(behind) in LINK_MARKS)
    return known or (word == "[" and (following == "[" or following in words.VERDICT))


def _leads_to_brackets(clause: Clause, place: int) -> bool:
    """Tell whether a verdict in double brackets follows, and no response is named before it."""
    pairs = pairwise(clause.tokens[place : min(place + 2 * STEPS, clause.side + 1)])
    ends = (at for at, pair in enumerate(pairs, place) if pair[0].word == pair[1].word == "[")
    end = next(ends, place)
    return Clause(clause.tokens[place:end], clause.numbered).side < 0 and end > place


def _may_mark(clause: Clause, begin: int, place: int, colon: bool) -> bool:
    """Tell whether words before a mark leave it the verdict of the judge on the whole pair."""
    before = clause.word(begin - 1)
    if begin < place and before in _OF_OTHERS:
        return False
    if begin == place > 1 and before == "-" and clause.word(place - 2).isalpha():
        joint = clause.tokens[place - 1]
        if clause.tokens[place - 2].end == joint.start and joint.end == clause.tokens[place].start:
            return False  # "Non-winner"
    if before in words.EARLY or clause.word(place - 1) in words.EARLY:
        return False
    if begin == place and (before[:1].isalnum() or (before.startswith("\x00") and not colon)):
        return False
    if begin < place and before[:1].isalpha() and clause.word(begin) in words.IS:
        return False
    return not in_one_respect(clause, begin) and not _denied(clause, begin)


def in_one_respect(clause: Clause, place: int) -> bool:
    """Tell whether words before a place say in which respect: "for brevity,", "stylistically,"."""
    near = {clause.word(i) for i in range(min(place, STEPS))}
    first, following = clause.word(0), clause.word(1)
    if (first, following) == ("as", "far"):
        return clause.word(3) not in ("i", "we")
    begins = first in ASPECTS or (first, following) in (("as", "for"), ("as", "to"), ("when", "it"))
    if place and begins and not _WHOLE & near:
        return True
    adverb = clause.word(place - 2) if clause.word(place - 1) == "," else ""
    return adverb.endswith("ly") and adverb not in words.LEADS


def _said(clause: Clause) -> Stated | None:
    """Return the verdict of the last clause of a sentence that is one."""
    if clause.asks:
        return None
    places = [0, *(i + 1 for i in range(clause.size) if clause.word(i) in _CLAUSE_ENDS)]
    for place in reversed(places[-STEPS:]):
        if clause.word(place - 1) == "," and clause.option(place - 2) and place > 1:
            if clause.word(place - 3) in (",", "(", "["):
                return None  # a list of all values
        value = clause.judgement(place) if place < clause.size else None
        if value is None:
            continue
        if _denied(clause, place) or in_one_respect(clause, place):
            return None
        near = {clause.word(i) for i in range(min(place + 3, clause.size))}
        behind = {token.word for token in clause.tokens[place:]}
        concludes = bool(near & words.CONCLUDES) or "overall" in behind
        return Stated(value, clause.tokens[place].start, concludes=concludes)
    return None
