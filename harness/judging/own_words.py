"""Tells what a judge says of itself: that it made a mistake, or only how it came to its verdict.

A clause with the judge as its subject ("I", "we", "my hand") is split into its verb and what is
said with it. It admits a mistake where it names one, and is unclear where its verb is not one of
reading, weighing or finding, which go with any verdict. So it is with what is said of the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.judging import judge_words as known

_FAR = 40
"""Words before a clause that may deny or suppose it."""
_ANEW = frozenset(
    "again more once twice reconsider reread recheck rethink closer closely second really".split()
)
"""Words by which a judge looks at what it has looked at."""
_CORRECTS = (
    "\u3044\u3084", "\u3044\u3044\u3048", "\u9593\u9055\u3048", "\u8a02\u6b63", "\u5931\u793c",
    "\u3059\u307f\u307e\u305b\u3093", "\u3084\u3063\u3071\u308a", "\uc544\ub2c8", "\uc815\uc815",
    "\uc8c4\uc1a1",
)  # fmt: skip
"""How a correction begins in Japanese and Korean."""
_NEAR = 14
"""Words in which it is said what a verdict is."""
_MANY = 100
"""Clauses about the judge in one sentence; a sentence with more is not understood."""


@dataclass(frozen=True, slots=True)
class _Own:
    """A clause whose subject is the judge.

    Args:
        before: The words before it.
        lead: The judge, and the auxiliary verbs and adverbs behind it.
        verb: The verb; what the judge is, where ``being`` says so; empty where there is none.
        rest: The words behind.
        being: Whether it says what the judge is.
    """

    before: tuple[str, ...]
    lead: frozenset[str]
    verb: str
    rest: tuple[str, ...]
    being: bool

    @property
    def denied(self) -> bool:
        """Whether it is denied."""
        return bool(self.lead & known.NEVER)


def admits(words: Sequence[str]) -> bool:
    """Tell whether a judge speaks of its own mistake, or changes its verdict."""
    rash = words[:1] in (["that"], ["this"]) and words[1:2] == ["was"]
    if rash and not known.RASH.isdisjoint(words[2:5]):
        return True
    return any(_is_mistake(own) for own in _clauses(words))


def is_unclear(words: Sequence[str], last: bool = True) -> bool:
    """Tell whether what a judge says of itself, or of its verdict, is not known to go with it.

    Args:
        words: A sentence behind a verdict.
        last: Whether nothing stands behind it: of a judge that is about to think, nobody knows
            what comes of it.
    """
    if sum(word in known.JUDGES for word in words) > _MANY:
        return True
    if admits(words) or not all(map(_is_known, _clauses(words))):
        return True
    if _undoes(words, last) or _is_foreign(words) or _is_void(words):
        return True
    begins = [0, *(at + 1 for at, word in enumerate(words) if word in known.STOPS or word == "but")]
    begins += [at for at in range(len(words) - 2) if (words[at], words[at + 2]) == ("the", "above")]
    return any(_is_odd(words[at : at + _NEAR]) for at in begins)


def _undoes(words: Sequence[str], last: bool) -> bool:
    """Tell whether a reader is told not to take the verdict as it stands: "Please swap it"."""
    first, second = (*words[:2], "", "")[:2]
    if first == "the" and second in ("opposite", "reverse", "contrary"):
        return len(words) < 5
    looks = any(
        (one, two) in (("let", "me"), ("let", "us"))
        and not known.LOOKS.isdisjoint(words[at + 2 : at + 4])
        for at, (one, two) in enumerate(pairwise(words))
    )
    if looks and ":" not in words and (last or not _ANEW.isdisjoint(words)):
        return True
    if first in ("please", "kindly") and second and second not in known.ASKS:
        return True
    at = int(first in ("please", "kindly", "so", "just", "then"))
    told = known.MOVES | known.TURNED | known.UNDOES
    return not told.isdisjoint(words[at : at + 1]) and not known.UNDONE.isdisjoint(
        words[at + 1 : at + 2]
    )


def _is_void(words: Sequence[str]) -> bool:
    """Tell whether a sentence only says that what stands before it does not count: "Valid: no"."""
    said = [word for word in words if word.isalpha() and word not in ("is", "this", "it", "and")]
    if len(said) == 2 and said[0] in ("valid", "usable", "applicable"):
        return said[1] in ("no", "false", "none")
    return said in (["null", "void"], ["void"], ["n", "a"], ["na"], ["not", "applicable"])


def _is_foreign(words: Sequence[str]) -> bool:
    """Tell whether a judge says in another language of itself what is not known."""
    if any(word[:1] == "\u6211" and not any(v in word for v in known.CHINESE) for word in words):
        return True
    first, second = (*words[:2], "", "")[:2]
    told = first in ("ich", "je") and second != "" and not second.startswith(known.FOREIGN)
    return told or first.startswith(_CORRECTS)


def _clauses(words: Sequence[str]) -> Iterator[_Own]:
    places = [at for at, word in enumerate(words) if word in known.JUDGES][:_MANY]
    ends = [*places[1:], len(words)]
    for start, last in zip(places, ends, strict=False):
        end = next((at for at in range(start + 1, last) if words[at] in known.STOPS), last)
        at, being = start + (words[start] in ("i", "we")), False
        while at < end:
            word, following = words[at], words[at + 1] if at + 1 < end else ""
            got = (
                word in ("got", "getting", "get", "have", "had", "has")
                and following in known.OBJECTS
            )
            if word in known.WANTS and following == "to":
                being = False
                at += 1
            elif (word, following) == ("no", "longer") or following == "-":
                at += 1
            elif (word == "too" and being) or got:
                break
            elif word in known.BEING or (
                word in ("feel", "felt") and following in known.SLIPPED | known.FIRM
            ):
                being = True
            elif word in ("got", "getting") and not following.endswith("ing"):
                being = True
            elif word not in known.HELPS and word not in known.NEVER and not _is_adverb(word):
                break
            at += 1
        before, lead = tuple(words[max(0, start - _FAR) : start]), frozenset(words[start:at])
        yield _Own(before, lead, words[at] if at < end else "", tuple(words[at + 1 : end]), being)


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") and word not in ("rely", "apply", "reply", "supply", "comply")


def _is_mistake(own: _Own) -> bool:
    rest, verb, forms = own.rest, own.verb, stems(own.verb)
    near = set(rest[:6])
    if "longer" in own.lead or own.lead >= {"should", "have"} or own.lead >= {"ought", "have"}:
        return True
    if verb.startswith(("mis", "over", "under")) and not verb.startswith(("miss", "understo")):
        return verb != "understand"
    if not (known.MOVES | known.TURNED).isdisjoint(forms):
        return _is_change(own)
    if own.before[-1:] == ("why",) and not known.NEVER.isdisjoint(own.before):
        return not known.WRITES.isdisjoint(forms)
    if own.being and not verb.endswith("ing"):
        if verb in known.FIRM:
            doubts = not rest or rest[-1] in ("anymore", "more") or _is_of_verdict(rest[1:])
            return own.denied and doubts
        if verb in known.SLIPPED and rest and not own.lead.isdisjoint({"may", "might", "could"}):
            return False
        return not own.denied and (verb in known.SLIPPED or verb == "too")
    if verb in ("meant", "intended", "mean"):
        return verb != "mean" or not rest
    if verb in ("stand", "stood"):
        return own.denied or rest[:1] == ("corrected",)
    if verb in ("agree", "hold", "believe", "think"):
        return own.denied and _is_of_verdict(rest[verb in ("agree", "hold") :])
    if "take" in forms or verb == "took":
        return "back" in near
    if verb in ("mix", "mixed", "mixing"):
        return "up" in rest
    if verb in ("made", "make") and not known.MISTAKES.isdisjoint(near):
        return "in" not in near or not near.isdisjoint({"my", "above"})
    if verb in ("have", "had", "having") and near >= {"second", "thoughts"}:
        return True
    if not (known.WRITES | {"make", "made", "think"}).isdisjoint(forms) and _is_astray(rest):
        return True
    return "my" in rest and not known.MISTAKES.isdisjoint(rest)


def _is_of_verdict(rest: Sequence[str]) -> bool:
    """Tell whether words name the verdict: "this", "what I wrote", "the verdict above"."""
    named = rest[:1] == ("the",) and not known.RATED.isdisjoint(rest[1:2])
    return named or not known.THIS.isdisjoint(rest[:1])


def _is_change(own: _Own) -> bool:
    """Tell whether a judge changes, or takes back, its verdict."""
    rest = own.rest
    if own.denied:
        return False
    if not known.TURNED.isdisjoint(stems(own.verb)):
        return not set(rest[:6]) & {"length", "long", "late", "delay", "whether"}
    first = rest[0] if rest else ""
    named = (
        first in ("it", "this", "that", "my", "to", "one")
        or first in known.RATED
        or len(first) == 1
    )
    named = named or (first in ("the", "our") and not known.RATED.isdisjoint(rest[1:3]))
    supposed = (set(own.before) | own.lead) & known.SUPPOSED or "if" in rest
    return named and not supposed


def _is_astray(rest: Sequence[str]) -> bool:
    """Tell whether something was written, or chosen, that was not meant, or too soon."""
    at = next((n for n, word in enumerate(rest) if word not in known.LINKS), len(rest))
    here, following = (*rest[at : at + 2], "", "")[:2]
    if here in known.ASTRAY | {"opposite", "other", "worse"} and (
        not following or following in known.ONES
    ):
        return True
    named = not known.NAMED.isdisjoint(rest)
    described = not {"a's", "b's", "b"}.isdisjoint(rest)
    for one, two in pairwise(rest):
        if named and (two in known.ASTRAY or (one == "worse" and two in known.ONES)):
            return True
        if one in ("wrong", "different") and two in known.TASKS and not described:
            return True
        if (one in ("by", "in", "out", "of") and two in known.MISTAKES) or (
            one == "too" and two in known.QUICK
        ):
            return True
    return "before" in rest[:2] or rest[:1] == ("without",)


def _is_known(own: _Own) -> bool:
    verb = own.verb
    if own.being and (
        verb in known.FIRM | known.SLIPPED or verb in known.STATES or verb.endswith("ing")
    ):
        return True
    if not verb or verb in ("mean", "s") or (verb == "torn" and own.rest[:1] == ("between",)):
        return True
    told = not {"b", "a's", "b's", "both", "response", "responses"}.isdisjoint(own.rest)
    return told or not (known.WORKS | known.MOVES | known.TURNED).isdisjoint(stems(verb))


def stems(word: str) -> tuple[str, ...]:
    """Return what a verb may be a form of: "flipping" of "flip", "tried" of "try"."""
    for ending in ("ing", "ed", "s"):
        root = word.removesuffix(ending)
        if root != word and len(root) > 1:
            return word, root, f"{root}e", root[:-1], f"{root[:-1]}y"
    return (word,)


def _is_odd(words: Sequence[str]) -> bool:
    """Tell whether something unknown is said of the verdict, or of what is the judge's own."""
    at = 0
    while at < len(words) and words[at] in known.ADJECTIVES:
        at += 1
    noun, own = words[at] if at < len(words) else "", "my" in words[:at]
    if not at or not noun.isalpha():
        return False
    above = "above" in words[:at] or "above" in words[at + 1 : at + 3]
    if words[at - 1] == "above" and noun in known.SPOKEN:
        return True
    rated = noun in known.VERDICTS | known.NAMES or (noun in known.RATED and (above or own))
    if not rated:
        return own and noun not in known.OWN
    rest = list(words[at + 1 :])
    while rest and rest[0] in ("above", "here", "i", "we", "gave", "given", "wrote", "made"):
        rest.pop(0)
    if (
        rest[:1]
        and rest[0] in known.SPOKEN
        and not known.MISTAKES.isdisjoint(rest)
        and "b" not in rest
    ):
        return True
    if noun in known.NAMES:
        return above or (rest[:1] != [] and rest[0] in known.SPOKEN | {"get", "were", "are"})
    if not {"not", "never"}.isdisjoint(rest) and not known.LOST.isdisjoint(rest):
        return True
    if not rest or rest[0] not in known.SPOKEN:
        return False
    while rest and rest[0] in known.DEGREES | known.SPOKEN - {"changed"}:
        rest.pop(0)
    return (
        bool(rest)
        and rest[0].isalpha()
        and len(rest[0]) > 1
        and rest[0] not in known.SOUND | known.RESTS
    )
