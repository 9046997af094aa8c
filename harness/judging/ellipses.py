"""Reads clauses that deny of one response what is said of the other: "A has errors, B has none".

What they mean hangs on what they deny: without a fault of the other response it is no praise.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.judging import judge_words as known
from harness.judging import pair_words as words
from harness.judging.preference import Clause
from harness.judging.sides import OTHER

_DENIED = frozenset(
    "doesn't didn't isn't wasn't hasn't hadn't won't don't can't couldn't wouldn't".split()
)
_FAR = 60
"""Words before an elliptic clause in which stands what it denies."""
_HELPS = frozenset("does did is was has had will do would cannot can could".split())
_NONE = frozenset(("none", "neither"))
_HAS = frozenset(
    "has had have contains contained includes included is was makes made uses used gives gave "
    "shows showed introduces introduced adds added comes came seems feels reads provides".split()
)
"""Verbs that say nothing for or against a response; what stands behind them does."""
_FAULTY = words.FAULTS | frozenset(
    "repeats repeated rambles refuses refused confuses confused exaggerates overlooks overlooked "
    "leaves left neglects neglected violates violated breaks broke exceeds deviates drifts "
    "digresses hedges speculates guesses guessed errs erred stops stopped ends ended buries wastes "
    "mixes mistakes loses lost crashes distorts insults mocks lectures moralizes moralises "
    "stumbles struggles strays wanders suffers declines declined drops botches garbles conflates "
    "dodges evades trails plagiarizes plagiarises ".split()
)
"""What a response does that is a fault."""
_FLAWS = (known.LACKS - {"short", "long"}) | frozenset(
    "without unnecessary needless too typo gap gaps hole holes contradiction contradictions "
    "jargon padding filler fluff redundancy redundancies repetition omission omissions slang "
    "hard difficult false bad poor weak sloppy outdated broken".split()
)
_PREFIXES = ("mis", "over", "oversimpl", "unsupport", "unnecess", "unclear", "unrelat", "unneed")
_NO_FAULTS = frozenset("over overall overview mission misconception misconceptions".split())
_GOOD = words.GOOD | words.BETTER | {"correctly", "good", "right", "strong"}


def is_elliptic(near: Sequence[str]) -> bool:
    """Tell whether the words behind a response only deny: "does not", "has none of them"."""
    told = [word for word in near if word not in words.DEGREES]
    end = next((at for at, word in enumerate(told) if not word[:1].isalpha()), len(told))
    verb, rest = (told[0] if told else ""), told[1:end]
    if verb in _DENIED:
        return not rest
    if rest[:1] == ["not"] and verb in _HELPS:
        return len(rest) == 1 or rest[1:] == ["do", "so"]
    has = verb in _HAS or verb in ("does", "did")
    return has and rest[:1] != [] and rest[0] in _NONE and rest[1:2] in ([], ["of"])


def denies_fault(clause: Clause, place: int, side: str, before: Clause | None) -> bool:
    """Tell whether an elliptic clause denies a fault that is said of the other response.

    Args:
        clause: The sentence in which it stands.
        place: Where its response is named.
        side: That response.
        before: The sentence before.
    """
    last = _behind_other(clause, place, side)
    if last is None and before is not None:
        last = _behind_other(before, before.size, side)
        if last is None and before.side < 0 and before.word(0) in ("it", "its", "this", "there"):
            last = [token.word for token in before.tokens[1:]]
    return last is not None and _is_fault(last)


def _behind_other(clause: Clause, end: int, side: str) -> list[str] | None:
    """Return the words between the last place where the other response is named and an end."""
    found, at = None, max(0, end - _FAR)
    while at < end:
        named = clause.option(at)
        if named is None:
            at += 1
            continue
        at = named[1]
        found = at if named[0] == OTHER[side] else None
    return None if found is None else [clause.word(n) for n in range(found, end)]


def _is_fault(said: Sequence[str]) -> bool:
    told = [word for word in said if word not in words.DEGREES]
    while told[:1] and told[0].endswith("ly") and told[0] not in words.FAULTS:
        told.pop(0)
    verb, rest = (told[0] if told else ""), told[1:]
    if verb in _FAULTY or _has_prefix(verb):
        return True
    if verb not in _HAS or not (words.NOT - {"without"}).isdisjoint(rest[:2]):
        return False
    flawed = any(word in _FLAWS or _has_prefix(word) for word in rest)
    return flawed and _GOOD.isdisjoint(rest)


def _has_prefix(word: str) -> bool:
    return word.startswith(_PREFIXES) and word not in _NO_FAULTS
