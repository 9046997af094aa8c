"""Reads which place a response has: "1st: B, 2nd: A", "B is the best", "the weakest one is C".

An order in places counts where every clause of it names one response and one place, and nothing
else. What a sentence says of the first or the last place is compared with the order before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.judging import pair_words as words
from harness.judging.clauses import Sentence, Token
from harness.judging.sides import CLOSE, OPEN

_BEST = frozenset("best first top winner strongest \U0001f947".split())
_WORST = frozenset("worst last bottom weakest lowest poorest".split())
_PLACES = {"second": 2, "third": 3, "fourth": 4, "fifth": 5, "\U0001f948": 2, "\U0001f949": 3}
_ORDINALS = frozenset("st nd rd th".split())
_RANKS = frozenset("rank place position number no".split())
_SPLITS = frozenset(", ; . and &".split())
_LINKS = OPEN | CLOSE | words.NOUNS | frozenset(
    ": = - \u2013 \u2014 . | is was are the a in at as comes came place placed ranks ranked spot "
    "position rank goes to be being clearly overall one of all them three i would put".split()
)  # fmt: skip
_LONGEST = 120
"""Words and marks of a sentence that are read."""
_NEXT = ("then", "next")
_SMALL = frozenset(
    "but so and overall however yet still though really clearly actually definitely simply easily "
    "also even truly of three "
    "in fact by far honestly obviously here now of course the a an my it's".split()
)
"""Words that change nothing of who is the best."""
_IS = frozenset("is was remains are : =".split())
_OF_ALL = words.NOUNS | frozenset(
    "one ones of all them these three four overall here choice".split()
)
_STOPS = frozenset(", ; : ( because since as and but \u2014 -".split())
_RIGHT = frozenset("correct right accurate acceptable good helpful valid usable".split())
_ONLY = frozenset(("only",))
_PICKS = frozenset("pick choice favorite favourite preference".split())
_CHOICES = frozenset("prefer choose pick favor favour recommend".split())


def in_places(lines: Sequence[Sentence], letters: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yield the orders that are said in places, as letters from the best on, and where they stand.

    Args:
        lines: The sentences of an answer.
        letters: Of all responses.
    """
    held: dict[int, str] = {}
    start = end = 0
    for line in [*lines, None]:
        said = (
            line
            and line.end != "?"
            and _places(line.tokens, len(letters), max(held, default=0), letters)
        )
        if line and said and not set(said) & set(held):
            start = start if held else line.tokens[0].start
            held.update(said)
            end = line.tokens[-1].end
            continue
        if set(held) == set(range(1, len(letters) + 1)) and len(set(held.values())) == len(held):
            yield "".join(held[place] for place in sorted(held)), start, end
        held = dict(said) if said else {}
        start, end = (line.tokens[0].start, line.tokens[-1].end) if line else (0, 0)


def of_keys(fields: Mapping[str, object], letters: Sequence[str]) -> dict[int, object]:
    """Return the values of a JSON object whose names are all places; nothing otherwise."""
    found: dict[int, object] = {}
    for name, value in fields.items():
        parts = name.lower().replace("_", " ").replace("-", " ").split()
        for ending in _ORDINALS:
            if parts and parts[0].removesuffix(ending).isdigit():
                parts[0] = parts[0].removesuffix(ending)
        at = _place(parts, 0, len(letters), 0)
        if at is None and len(parts) == 1 and parts[0].isdigit() and len(parts[0]) < 3:
            at = int(parts[0]), 1
        if at is None or not set(parts[at[1] :]) <= {"place", "rank"} or at[0] in found:
            return {}
        found[at[0]] = value
    return found if set(found) == set(range(1, len(letters) + 1)) else {}


def _places(
    tokens: Sequence[Token], size: int, last: int, letters: Sequence[str]
) -> dict[int, str]:
    """Return the places of a sentence that says nothing else; empty where it does."""
    found: dict[int, str] = {}
    clause: list[Token] = []
    if len(tokens) > _LONGEST:
        return {}
    for token in [*tokens, None]:
        if token is not None and not (token.word in _SPLITS and _is_whole(clause, letters)):
            clause.append(token)
            continue
        said = _clause(clause, size, max([last, *found]), letters)
        if said is None or said[0] in found or said[1] in found.values():
            return {}
        found[said[0]] = said[1]
        clause = []
    return found


def _is_whole(clause: Sequence[Token], letters: Sequence[str]) -> bool:
    return any(token.text in letters for token in clause)


def _clause(
    tokens: Sequence[Token], size: int, last: int, letters: Sequence[str]
) -> tuple[int, str] | None:
    names, letter, place, at = [token.word for token in tokens], "", 0, 0
    while names and names[0] in ("and", ","):
        names, tokens = names[1:], tokens[1:]
    while at < len(names):
        found = _place(names, at, size, last)
        if found is None and names[at].isdigit() and tokens[at + 1 : at + 2]:
            beside = [t.text for t in tokens[at + 1 : at + 3] if t.word not in "|.:)"]
            found = (int(names[at][:3]), at + 1) if beside[:1] and beside[0] in letters else None
        if found is not None:
            if place:
                return None
            place, at = found
        elif tokens[at].text in letters:
            if letter:
                return None
            letter, at = tokens[at].text, at + 1
        elif names[at] in _LINKS:
            at += 1
        else:
            return None
    return (place, letter) if letter and 0 < place <= size else None


def _place(names: Sequence[str], at: int, size: int, last: int) -> tuple[int, int] | None:
    """Return the place that words name, and where they end."""
    word, following = (*names[at : at + 2], "", "")[:2]
    if word.isdigit() and following in _ORDINALS:
        return int(word[:3]), at + 2
    if word in _RANKS and following.isdigit():
        return int(following[:3]), at + 2
    if word in _PLACES:
        if following in _WORST:
            return size + 1 - _PLACES[word], at + 2
        return _PLACES[word], at + 2 if following == "best" else at + 1
    if word in _BEST:
        return 1, at + 1
    if word in _WORST:
        return size, at + 1
    if word == "middle" and size == 3:
        return 2, at + 1
    if word == "runner" and list(names[at + 1 : at + 3]) == ["-", "up"]:
        return 2, at + 3
    if last and word == "followed" and following == "by":
        return last + 1, at + 2
    return (last + 1, at + 1) if last and word in _NEXT else None


def end_said(tokens: Sequence[Token], letters: Sequence[str]) -> tuple[str, bool] | None:
    """Return which response a sentence calls the best (True) or the worst (False), in any words."""
    said = [
        token for token in tokens[:_LONGEST] if token.text in letters or token.word not in _SMALL
    ]
    while said and said[0].word == ",":
        said.pop(0)
    names = ["" if token.text in letters else token.word for token in said]
    at = 1 if names[:1] and names[0] in words.NOUNS and names[1:2] == [""] else 0
    if names[at : at + 1] == [""]:
        return _of_response(said[at].text, names[at + 1 :])
    lead = names[0] if names else ""
    begin = next((n for n, name in enumerate(names) if name == ""), len(names))
    letter = said[begin].text if begin < len(said) else ""
    between = [name for name in names[1:begin] if name not in _OF_ALL]
    behind = names[begin + 1 : begin + 2]
    if not letter or (behind and behind[0] not in _STOPS):
        if lead == "only" and letter and between == [] and behind[0] in _IS:
            return (
                (letter, True)
                if names[begin + 2 : begin + 3][:1] and names[begin + 2] in _RIGHT
                else None
            )
        return None
    if lead in _PICKS and between and set(between) <= _IS:
        return letter, True
    if lead in _BEST | _WORST and between and set(between) <= _IS:
        return letter, lead in _BEST
    if lead == "i" and set(between) <= _CHOICES | {"would"} and set(between) & _CHOICES:
        return letter, True
    return None


def _of_response(letter: str, rest: Sequence[str]) -> tuple[str, bool] | None:
    """Return what the words behind a response say of its place."""
    names = list(rest)
    if names[:1] in (["wins"], ["won"]) and _stops(names[1:]):
        return letter, True
    if names[:2] in (["should", "be"], ["must", "be"], ["deserves", "be"]):
        names[:2] = ["is"]
    if names[:1] and names[0] in ("comes", "ranks", "deserves"):
        names[0] = "is"
    if not names or names[0] not in _IS - {":", "="}:
        return None
    word, behind = (*names[1:2], "")[0], names[2:]
    if word == "only" and behind[:1] and behind[0] in _RIGHT:
        return letter, True
    while behind and behind[0] in _OF_ALL | {"place"}:
        behind = behind[1:]
    if word in _BEST | _WORST and _stops(behind):
        return letter, word in _BEST
    return None


def _stops(names: Sequence[str]) -> bool:
    return not names or names[0] in _STOPS
