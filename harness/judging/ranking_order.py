"""Reads an order of responses in a clause: "B > A > C", "worst to best: C, A, B"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.judging import pair_words as words
from harness.judging.clauses import Token
from harness.judging.sides import CLOSE, OPEN, PAUSES
from harness.judging.taken_back import within

_FORWARD = (
    "best to worst", "best first", "descending", "decreasing", "most to least", "worst last",
    "highest to lowest", "first to last", "top to bottom", "strongest to weakest",
    "strongest first", "weakest last", "top first",
)  # fmt: skip
_BACKWARD = (
    "worst to best", "worst first", "ascending", "increasing", "least to most", "best last",
    "lowest to highest", "last to first", "bottom to top", "weakest to strongest",
    "weakest first", "strongest last",
)  # fmt: skip
_PLACES = frozenset(
    "best worst last top bottom lowest highest reverse reversed strongest weakest least".split()
)
"""Words before a ranking that may turn it round, unless they are understood."""
_QUALITY = r"(?: [a-z]{1,14})?+"
_PLACED = re.compile(
    rf"\b(?:best|most{_QUALITY}) to (?:worst|least{_QUALITY})"
    r"|\b1 (?:=|is) (?:the )?best|\b[a-z] (?:is )?(?:the )?(?:best|worst)\b"
)
"""Words that turn no ranking round: "B is the best" is compared with the order."""
_TIED = frozenset(
    "tie ties tied equal equally equivalent identical same joint share shares =".split()
)
_BINDS = CLOSE | OPEN | frozenset(("is", "was", "as", "the", "clearly", "=", ":"))
_MORE, _LESS = frozenset(">\u227b\u226b"), frozenset("<\u227a\u226a")
_JOINTS = frozenset(", ; then and followed by \u2192 -".split())
_SIGNS = _MORE | _LESS | _JOINTS | frozenset("=\u2248\u2261~\u2265\u2264/&")
_BEGINS = _MORE | _LESS | frozenset(",;=\u2248\u2261~\u2265\u2264/&")
"""Signs that cannot stand before the first letter."""
_GLOSSES = (["(", "best", ")"], ["(", "worst", ")"])
"""Remarks on a place, which are compared with the order."""
_MINE = frozenset("is as my the our final overall ranking order".split())
"""Words behind an order that only call it one."""
_ARROWS = ("=>", "==>")


def direction(lead: str, behind: str = "") -> int | None:
    """Return 1 for "best to worst", -1 for "worst to best", 0 where nothing is said.

    None where both are said, or where it is not clear.

    Args:
        lead: The words before an order.
        behind: Those behind it, which may give reasons as well.
    """
    text = f"{lead} {behind}"
    forward = any(phrase in text for phrase in _FORWARD)
    backward = any(phrase in text.replace("descending", "") for phrase in _BACKWARD)
    if forward and backward:
        return None
    for phrase in (*_FORWARD, *_BACKWARD):
        lead, behind = lead.replace(phrase, ""), behind.replace(phrase, "")
    lead, behind = (_PLACED.sub(" ", part) for part in (lead, behind))
    reasons = any(word in words.REASONS for word in behind.split())
    if _PLACES & set(lead.split()) or (_PLACES & set(behind.split()) and not reasons):
        return None
    return 1 if forward else -1 if backward else 0


def turns_round(text: str) -> bool:
    """Tell whether words clearly say that the last one is the best."""
    if any(phrase in text.replace("descending", "") for phrase in _BACKWARD):
        return True
    links = ("the", "one", "is", "=", "being", "means", "mean")
    names = [word for word in text.split() if word not in links]
    for word, following in pairwise(names):
        if (word, following) in (("last", "best"), ("first", "worst")):
            return True
        if word.isdigit() and (word == "1") == (following in ("worst", "lowest")):
            return following in ("best", "worst", "lowest", "highest")
    return False


def ties(names: Sequence[str], letters: Sequence[str]) -> bool:
    """Tell whether words say that responses are tied, and nothing limits it."""
    at = next((i for i, name in enumerate(names) if name in _TIED), None)
    if at is None or any(name in words.NOT for name in names):
        return False
    several = {"two", "three", "all", "both", "them", "these"} & set(names)
    if not several and sum(name.upper() in letters for name in names) < 2:
        return False
    rest = [name for name in names[at + 1 :] if name not in CLOSE and name != "."]
    if names[at] == "equally":
        return rest[:1] in (["good"], ["strong"], ["helpful"], ["bad"]) and len(rest) == 1
    places = {"for", "second", "first", "third", "last", "place", "between", "and", ":"}
    return all(name in places or name.upper() in letters or name in words.NOUNS for name in rest)


def claims(tokens: Sequence[Token], letters: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield the responses that a sentence calls the best (True) or the worst (False)."""
    first = tokens[0].word if tokens else ""
    if first in ("in", "for", "on", "if", "when", "at", "by"):
        return
    for at, token in enumerate(tokens):
        if token.text not in letters:
            continue
        begin = at
        while begin and (tokens[begin - 1].word in words.NOUNS or tokens[begin - 1].word in OPEN):
            begin -= 1
        opened = at > 0 and tokens[at - 1].word in OPEN
        before = tokens[begin - 1].word if begin and not opened else ""
        if before not in ("", ",", "as", "since", "because", "and", ";", "that", ">", ":", "."):
            continue
        end = at + 1
        while end < len(tokens) and tokens[end].word in _BINDS:
            end += 1
        word = tokens[end].word if end < len(tokens) else ""
        behind = tokens[end + 1].word if end + 1 < len(tokens) else ""
        ends = behind in words.NOUNS | CLOSE | PAUSES | words.REASONS - {"in", "for", "with"}
        if word in ("best", "worst") and (ends or behind in ("", "of", "overall", "one", "and")):
            yield token.text, word == "best"


def named(tokens: Sequence[Token], at: int, letters: Sequence[str]) -> tuple[str, int] | None:
    """Return the letter of the response that is named at a place, and the place behind it."""
    while at < len(tokens) and (tokens[at].word in words.NOUNS or tokens[at].word in OPEN):
        at += 1
    if at >= len(tokens) or tokens[at].text not in letters:
        return None
    letter, at = tokens[at].text, at + 1
    while at < len(tokens) and tokens[at].word in CLOSE:
        at += 1
    if [token.word for token in tokens[at : at + 3]] in _GLOSSES:
        at += 3
    return letter, at


def _chain(
    tokens: Sequence[Token], at: int, letters: Sequence[str]
) -> tuple[list[str], str, int] | None:
    """Return the letters of a chain, its sign ("<", ">" or ","), and the place behind it.

    None where no chain begins, where its signs differ, and where another thing is in it.
    """
    first = named(tokens, at, letters)
    if first is None:
        return None
    order, signs, end = [first[0]], set[str](), first[1]
    while len(order) <= len(letters):
        at = end
        while at < len(tokens) and tokens[at].word in _SIGNS:
            at += 1
        marks = {token.word for token in tokens[end:at]}
        if len(order) == len(letters) and marks == {"-"}:
            break  # a reason follows
        if not _is_one_sign(tokens[end:at]):
            return None
        following = named(tokens, at, letters) if marks else None
        if following is None:
            if marks - {",", ";", "-"}:
                return None
            break
        arrow = "".join(token.word for token in tokens[end:at]) in _ARROWS
        if not marks <= _JOINTS | _MORE and not marks <= _LESS and not arrow:
            return None
        joint = "then" if marks & {"then", "followed"} else ","
        signs.add("<" if marks <= _LESS else ">" if marks & _MORE else joint)
        order.append(following[0])
        end = following[1]
    if len(signs) > 1 and "<" not in signs:
        signs.discard("then")
    return (order, signs.pop().replace("then", ","), end) if len(signs) == 1 else None


def _is_one_sign(tokens: Sequence[Token]) -> bool:
    """Tell whether marks between two letters are one sign, such as ">>", or a comma and a word."""
    marks = [token for token in tokens if not token.word.isalpha()]
    known = len(marks) <= 1 or not {",", ";"} & {token.word for token in marks}
    return known and all(a.end == b.start for a, b in pairwise(marks))


def _ends(tokens: Sequence[Token], at: int, letters: Sequence[str]) -> bool:
    """Tell whether what follows a chain is understood, and takes nothing of it back."""
    if at >= len(tokens):
        return True
    rest = [token.word for token in tokens[at:]]
    if within(rest):
        return False
    if ties(rest, letters):
        return False
    if {"ranking", "order"} & set(rest) and _MINE.issuperset(rest):
        return True
    if len(rest) > 2 and rest[0] in OPEN and rest[1] == "no" and rest[2] in ("ties", "tie"):
        return True
    if rest[0] in words.REASONS:
        return True
    doubts = words.HEDGES | words.CONDITIONS | {"or", "no", "not"}
    return rest[0] in PAUSES and not (len(rest) > 1 and rest[1] in doubts)


def order_of(
    tokens: Sequence[Token], at: int, letters: tuple[str, ...], alone: bool = False
) -> tuple[str, ...]:
    """Return the order of a whole clause, the best one first; empty where it is none.

    Args:
        tokens: The clause.
        at: Where its chain begins.
        letters: Of all responses.
        alone: Whether nothing may stand behind letters that commas join.
    """
    chain = _chain(tokens, at, letters)
    if chain is None or sorted(chain[0]) != sorted(letters) or not _ends(tokens, chain[2], letters):
        return ()
    order, sign, _ = chain
    if at and tokens[at - 1].word in _BEGINS and (at == 1 or tokens[at - 1].word != ","):
        return ()
    if at > 1 and (tokens[at - 2].word, tokens[at - 1].word) == (":", ","):
        return ()
    lead, behind = tokens[:at], tokens[chain[2] :]
    said = direction(*(" ".join(token.word for token in part) for part in (lead, behind)))
    if said is None or (said, sign) in ((-1, ">"), (1, "<")):
        return ()
    if alone and sign == "," and chain[2] < len(tokens):
        return ()
    return tuple(order[::-1]) if sign == "<" or said < 0 else tuple(order)
