"""Tells whether a judge says that it did not judge: a guess, a placeholder, a response unseen.

A clause that is nothing but such a remark counts ("coin flip"), and what the judge says that it
could not do ("I was not given the responses"). What a response does not do is a reason, not this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from harness.judging import pair_words as words
from harness.judging.judge_words import JUDGES, NEVER

_MARKS = frozenset(", ; : . ( ) [ ] { } - \u2014 \u2013 | ! \uff0c \u3002 \uff08 \uff09".split())


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_REMARKS = _words(
    "random randomly arbitrary arbitrarily placeholder dummy hypothetical hypothetically tentative "
    "tentatively provisional provisionally preliminary pending draft tbc tbd guess guessing "
    "guessed guesswork coin coinflip truncated unfinished illustration illustrative default "
    "filler unsicher zuf\u00e4llig vorl\u00e4ufig platzhalter geraten unklar al\u00e9atoire "
    "provisoire incertain aleatorio azar provisional inseguro \u968f\u673a \u5360\u4f4d "
    "\u5360\u4f4d\u7b26 \u731c\u6d4b \u731c\u7684 \u6682\u5b9a \u4e0d\u786e\u5b9a n/a na unknown "
    "undetermined undecided inconclusive abstain abstained skipped unjudged unevaluated example "
    "unread unverified sample invented fictional fictitious meaningless "
    "void copied stub filled autofilled"
)
"""What a verdict is that does not come from judging."""
_WITH = words.ARTICLES | _words(
    "just only purely mere merely chosen picked pick choice for at to be as by it's its it is this "
    "was my still very flip toss tossed flipped fair wild blind pure quick by on value verdict "
    "answer letter selection so here more or less basically somewhat really honestly i'm i am "
    "stand - in and made entirely completely educated best of these those they all both two "
    "above below here number numbers value values score scores rating ratings ranking rankings "
    "order grade grades mark marks letters verdicts are were i've given up totally from treat "
    "following auto"
)
"""Words beside it."""
_PHRASES = (
    "subject to change", "for now", "at the moment", "so far", "to be confirmed",
    "to be continued", "to be determined",
    "to be decided", "cannot determine", "can't determine", "cannot decide", "cannot judge",
    "cannot tell", "can't tell", "cannot evaluate", "cannot assess", "not applicable",
    "could not determine", "unable to determine", "unable to judge", "unable to evaluate",
    "unable to assess", "unable to decide", "cannot be determined", "cannot be judged",
    "cannot be assessed", "not evaluated", "not judged", "not assessed", "don't know",
    "do not know", "no idea", "no basis", "keine ahnung", "weiss nicht", "wei\u00df nicht",
)  # fmt: skip
"""Clauses that say it in more words."""
_LACKING = _words(
    "insufficient not enough too little information info context data evidence lack of due to "
    "because for there is was given the a an missing incomplete no verdict judgment judgement "
    "available provided i have we had"
)
_LACKED = _words("information info context data evidence")
_SEES = _words(
    "see read access view open receive received given shown provided sent got get load find seen"
)
"""What a judge could not do to a response, or was not done for it."""
_JUDGES = _words("evaluate assess judge determine compare decide tell rate grade rank score")
_OBJECTS = words.ARTICLES | _words("both either any these those all two of this full text texts")
_UNABLE = _words("unable impossible decline declined refuse refused")
_ENDS = frozenset(
    ("", "and", "so", "but", "because", "here", "at", "yet", "to", "properly", "fully")
)
_ABSENT = _words("missing unavailable inaccessible absent invisible unreadable")
_GIVEN = _words("provided given shown included attached supplied found visible available present")
_GONE = _words("appear appears seem seems to be is are was were have has been also")
_WHICH = frozenset("a b the first second other one two".split())
_CHOSEN = _words("pick picks picked choose chose chosen select selected go went say said answer")

_VOID = frozenset(
    "abstain abstained abstains refused refusal judgerefused refuse skipped skip placeholder "
    "example dummy invalid failed truncated incomplete draft tentative provisional guess guessed "
    "random retracted error haserror".split()
)
"""Fields of JSON that say so where they are true."""
_SOUND = frozenset("valid isvalid final isfinal judged evaluated complete success ok".split())
"""Fields that say so where they are false."""
_ERRORS = frozenset("error errormessage exception failurereason refusalreason".split())
_DONE = frozenset(
    "ok success successful succeeded final complete completed done valid confirmed evaluated "
    "judged finished pass passed correct incorrect scored".split()
)
_KINDS = frozenset(
    "max maximum min minimum threshold target expected baseline reference gold weight template "
    "example sample placeholder dummy draft default limit cutoff goal ideal".split()
)
"""What a number is, by a field "type", that is no score."""
_NONE = frozenset(("", "none", "null", "no", "n/a", "no error", "no errors", "false", "0"))
_OF_VERDICTS = frozenset(
    "verdict winner preferred better choice rating score ranking preference decision".split()
)


def is_unjudged(said: Sequence[str], remarks: bool = True) -> bool:
    """Tell whether a sentence says that the judge did not judge.

    Args:
        said: Its words and marks in small letters.
        remarks: Whether a mere remark counts, as beside a verdict and behind it.
    """
    return (
        (remarks and any(map(is_remark, _clauses(said))))
        or _could_not(said)
        or _is_missing(said)
        or (remarks and any(map(_is_of_another, _clauses(said))))
    )


def is_remark(clause: Sequence[str]) -> bool:
    """Tell whether a clause is nothing but a word for a verdict without judging."""
    if not clause or list(clause[:2]) == ["for", "example"]:
        return False
    if not _LACKED.isdisjoint(clause) and set(clause) <= _LACKING and "no" not in clause[1:]:
        return not {"insufficient", "enough", "lack", "little", "missing", "no"}.isdisjoint(clause)
    text = " ".join(clause)
    if any(text == phrase or text.removeprefix("i ") == phrase for phrase in _PHRASES):
        return True
    if len(clause) <= 5 and (clause[0] == "pending" or list(clause[:2]) == ["subject", "to"]):
        return True
    if list(clause[-2:]) == ["made", "up"]:
        clause = [*clause[:-2], "invented"]
    verb = clause[0] in ("a", "b") and clause[-1] == "guesses"
    singular = [word if word in _REMARKS or verb else word.removesuffix("s") for word in clause]
    singular = [word[:-1] if word.endswith("sse") else word for word in singular]  # guesses
    known = all(w in _REMARKS or word in _WITH for word, w in zip(clause, singular, strict=True))
    return known and not _REMARKS.isdisjoint(singular)


def _is_of_another(clause: Sequence[str]) -> bool:
    """Tell whether a clause says that the verdict is that of another task or response."""
    at = 0
    while at < len(clause) and clause[at] in _THESE:
        at += 1
    if not at or at >= len(clause) or clause[at] not in _IS_OF:
        return False
    while at < len(clause) and clause[at] in _IS_OF | words.ARTICLES:
        at += 1
    rest = clause[at : at + 2]
    other = len(rest) > 1 and rest[0] in _ANOTHER and rest[1] in _TASKS
    lettered = len(rest) > 1 and rest[0] in words.NOUNS and rest[1] in ("a", "b", "1", "2")
    return other or (lettered and bool(_BELONGS.intersection(clause[:at])))


_THESE = _words(
    "that this these those the it they all score scores number numbers rating ratings verdict "
    "value values ranking letter order above line given"
)
_BELONGS = _words("belong belongs applies apply refers refer concerns concern meant")
_IS_OF = _BELONGS | _words("was is were are to for of from about with goes go actually really")
_ANOTHER = _words("previous other another last next earlier different former preceding")
_TASKS = words.NOUNS | _words("question item prompt task pair example set batch case conversation")


def void_field(entry: Mapping[str, Any], named: Collection[str] = ()) -> str:
    """Return the field by which a JSON object with a verdict says that it is none; or nothing.

    Args:
        entry: The object.
        named: Fields that are asked for, of which one makes it such an object.
    """
    names = {"".join(filter(str.isalnum, name.lower())): name for name in entry}
    if named:
        if {name.lower() for name in entry}.isdisjoint(named):
            return ""
        names = {key: name for key, name in names.items() if name.lower() not in named}
    elif _OF_VERDICTS.isdisjoint(names):
        return ""
    for key, name in names.items():
        value = entry[name]
        text = value.strip().lower() if isinstance(value, str) else ""
        if key in _VOID and (value is True or text in ("true", "yes")):
            return name
        if key in _SOUND and (value is False or text in ("false", "no")):
            return name
        if key in _ERRORS and text not in _NONE:
            return name
        if key in ("type", "kind") and text in _KINDS:
            return name
        if key in ("status", "state") and text and not _DONE.intersection(text.split()):
            return name
    return ""


def _clauses(said: Sequence[str]) -> Iterator[Sequence[str]]:
    begin = 0
    for at, word in enumerate([*said, "."]):
        if word in _MARKS:
            if at > begin:
                yield said[begin:at]
            begin = at + 1


def _could_not(said: Sequence[str]) -> bool:
    """Tell whether a judge says that it could not see, or judge, the responses, or guessed."""
    for clause in _clauses(said):
        if JUDGES.isdisjoint(clause):
            continue
        start = next(at for at, word in enumerate(clause) if word in JUDGES)
        own = clause[start:]
        if _guesses(own):
            return True
        if "only" in own and not _SEES.isdisjoint(own) and "one" in own:
            after = own[own.index("one") + 1 :]
            if after[:1] and after[0] in words.NOUNS and (len(after) == 1 or after[1] in _ENDS):
                return True
        no = next((at for at, word in enumerate(own) if word in NEVER | _UNABLE | {"no"}), -1)
        if no < 0 or no > 4:
            continue
        if own[no] == "no":
            if own[no + 1 : no + 2] not in (["way"], ["means"], ["basis"], ["access"]):
                continue
            if own[no + 1] in ("basis", "access") or len(own) - no < 6:
                return True
        verb = next(
            (at for at in range(no, min(len(own), no + 6)) if own[at] in _SEES | _JUDGES), -1
        )
        if verb >= 0:
            rest = list(own[verb + 1 :])
            while rest and rest[0] in _OBJECTS:
                rest.pop(0)
            named = bool(rest) and (rest[0] in words.NOUNS or rest[0] in ("b", "a"))
            while rest and (rest[0] in words.NOUNS or rest[0] in ("a", "b", "them", "it", "or")):
                named = True
                rest.pop(0)
            if own[verb] in _SEES and named and (not rest or rest[0] in _ENDS):
                return True
            if own[verb] in _JUDGES and (not rest or rest[0] in _ENDS):
                return not (named and own[verb] in ("tell", "decide"))
    return False


def _guesses(own: Sequence[str]) -> bool:
    if own[-1] in ("guess", "guessing", "guessed"):
        return True
    if not {"coin", "dice"}.isdisjoint(own):
        return not {"flip", "flipped", "toss", "tossed", "roll", "rolled"}.isdisjoint(own)
    chance = {"arbitrarily", "randomly"} & set(own) or (
        "random" in own and own[own.index("random") - 1] == "at"
    )
    return bool(chance) and not _CHOSEN.isdisjoint(own)


def _is_missing(said: Sequence[str]) -> bool:
    """Tell whether a sentence says that the responses are not there."""
    for clause in _clauses(said):
        if not JUDGES.isdisjoint(clause):
            continue
        at = int(clause[0] in ("no", "the", "both", "neither", "either", "since", "because", "as"))
        none = clause[0] in ("no", "neither")
        noun = at
        while at < len(clause) and (clause[at] in words.NOUNS or clause[at] in _WHICH):
            at += 1
        if words.NOUNS.isdisjoint(clause[noun:at]):
            continue
        while at < len(clause) and (clause[at] in _GONE or clause[at] in words.NOT):
            none = none or clause[at] in words.NOT
            at += 1
        last = clause[at] if at < len(clause) else ""
        if at + 1 < len(clause) and clause[at + 1] not in _ENDS:
            continue
        if last in _ABSENT or (none and last in _GIVEN):
            return True
    return False
