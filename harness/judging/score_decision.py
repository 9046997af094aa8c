"""What several statements of a score come to: one value, or a failure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.judging.clauses import tokens_of
from harness.judging.own_words import is_unclear
from harness.judging.reply import Answer
from harness.judging.score_changes import CHANGES, RESULTS
from harness.judging.score_deserved import deserves_other
from harness.judging.score_lines import sentences
from harness.judging.score_polarity import against
from harness.judging.score_several import name_pattern
from harness.judging.score_statement import spoken
from harness.judging.score_value import Values
from harness.judging.taken_back import Names, Turn, turn_of
from harness.judging.tasks import is_conditional, is_next
from harness.nouns.outcomes import Status
from harness.nouns.schema import Verdict

_NAME = 24
"""Characters in which a statement may say that it is a new one."""

_NEW = frozenset("now then new final finally not or instead".split())
"""Words that may open a statement about something else."""

_UNSURE = re.compile(
    r"\b(?:actually|perhaps|maybe|possibly|rather|instead|fairer|better|appropriate|revise[ds]?|lower|raise"
    r"|adjust(?:ed)?|should\s+be|final(?:ly)?|fits|too\s+(?:high|low|generous|harsh)|in\s+fact|besser|lieber|mejor|mieux)\b",
    re.IGNORECASE,
)

_HEDGES = re.compile(r"\W*(?:or|well|but|though|however|yet)\b", re.IGNORECASE)

_ENDS_IN = re.compile(
    r"\b(?:becomes?|became|settled\s++(?:on|for|at)|land(?:s|ed)?\s++(?:on|at)|end(?:s|ed)?\s++up\s++(?:at|with)"
    r"|comes?\s++(?:out\s++at|to)|went\s++with|go(?:ing|es)?\s++with|call\s++it|make\s++it|makes\s++it|drops?\s++(?:it\s++)?to|eher|plut\u00f4t"
    r"|m\u00e1s\s++bien)\s++(?:an?\s++|eine?\s++|une?\s++)?[\w./]{1,6}(?:\s++(?:in\s++the\s++end|after\s++all|overall|instead|out\s++of\s++\d++))?"
    r"\s*+[.!]?\s*+\Z",
    re.IGNORECASE,
)
"""Ends a sentence with a number that a judge came to."""
_SUPPOSED = re.compile(r"\b(?:would|could|might|if|not|unless|had)\b|n't\b", re.IGNORECASE)
_DESERVES_OTHER = re.compile(
    r"\b(?:deserves?|merits?|warrants?|should\s++(?:be|get|have))\s++(?:much\s++|far\s++)?"
    r"(?:more|less|higher|lower|better|worse)\b",
    re.IGNORECASE,
)

_OF_ALL = re.compile(
    r"^\W*(?:final|overall|total|weighted|average|mean)(?:\s(?:score|rating|grade|mark|average|total))?"
    r"\W{0,4}[:=]\W{0,4}\d{1,4}(?:[.,]\d{1,3})?(?:\s?/\s?\d{1,4}|\sout\sof\s\d{1,4})?\W*$",
    re.IGNORECASE | re.MULTILINE,
)

_NOT_MEANT = re.compile(
    r"\b(?:would|could|might|needs?|requires?|to\s+(?:get|earn|reach|deserve|be)|if|not|short\s+of|than"
    r"|instead\s+of|means|from)\b|n't\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a statement says.

    Args:
        start: Where it begins in the answer.
        end: Where its sentence ends.
        rank: "whole": the overall score. "main": a score. "part": that of a part. "said": a score
            in a sentence. "off": an overall score that is not on the scale. "weak": what a
            response is, which may be no score.
        verdict: On the scale, or a failure.
        closed: Whether more text could not change it.
    """

    start: int
    end: int
    rank: str
    verdict: Verdict
    closed: bool = False

    @property
    def is_ok(self) -> bool:
        """Whether it is a value of the scale."""
        return self.verdict.status is Status.OK


def decided(
    answer: Answer, values: Values, found: Sequence[Said], cut: bool, names: Names = ()
) -> Verdict | None:
    """Return the verdict that statements come to; None where there is none.

    Args:
        answer: The answer.
        values: Those of the scale.
        found: What the statements say.
        cut: Whether the reply was cut.
        names: The words of the criteria, where there are several, so that an overall score is no
            change of one of them.
    """
    found = sorted(found, key=lambda one: (one.start, one.end))
    mains = [one for one in found if one.rank in ("main", "whole")]
    said = [one for one in found if one.rank == "said"]
    if cut:
        own = answer.own
        mains = [
            one for one in mains if one.closed or own[one.end :].strip() or "\n" in own[one.end :]
        ]
        if not any(one.closed or one.rank for one in mains):
            return None
    group = mains
    if not mains:
        if cut:
            return None
        off = [one for one in found if one.rank == "off"]
        if off and not said:
            return off[-1].verdict
        group = said or [one for one in found if one.rank == "part" and one.is_ok]
        group = group or [one for one in found if one.rank == "weak"]
        if not group:
            failed = [one for one in found if not one.is_ok]
            return failed[-1].verdict if failed else None
    last = group[-1]
    if not last.is_ok:
        return last.verdict
    wholes = [n for n, one in enumerate(group) if one.rank == "whole" and one.is_ok]
    for one in reversed(group[wholes[-1] if wholes else 0 : -1]):
        if one.is_ok and one.verdict != last.verdict:
            if _is_turned(answer, one, last, names):
                break
            return _contradiction(one.verdict, last.verdict)
    if mains:
        later = [one for one in said if one.start > last.start and one.is_ok]
        if later and later[-1].verdict != last.verdict:
            if not _is_turned(answer, last, later[-1], names):
                return _contradiction(last.verdict, later[-1].verdict)
            last = later[-1]
    others = [one for one in found if one.is_ok and one.verdict != last.verdict]
    if others and is_next(answer.own, last.start, others[-1].start):
        return _contradiction(last.verdict, others[-1].verdict)
    if is_conditional(answer.text, last.start):
        said_as = f"{last.verdict.value} depends on a condition"
        return Verdict(Status.UNPARSEABLE, rationale=said_as)
    rest = spoken(answer)[last.end :]
    if names:
        rest = _OF_ALL.sub("", rest)
    if turned := changed_after(rest, values, last.verdict.value, names):
        return Verdict(
            Status.UNPARSEABLE,
            rationale=f"{last.verdict.value}, then a change of mind: {turned[:80]}",
        )
    return last.verdict


def _turn(sentence: str, names: Names) -> Turn | None:
    if names:
        either = name_pattern(tuple(map(tuple, names)))
        spelt = rf"(?:\A|(?<=[-*#\s])){either}(?=[*_`]{{0,3}}\s?[:=])"
        sentence = re.sub(spelt, "score", sentence.replace("\\_", "_"), flags=re.IGNORECASE)
    return turn_of([token.word for token in tokens_of(sentence)], names)


def _is_turned(answer: Answer, one: Said, last: Said, names: Names) -> bool:
    """Tell whether the judge says between two statements that it changes its mind."""
    if answer.is_known(one.start) and not answer.is_known(last.start):
        return True
    between = answer.own[one.end : last.start + _NAME]
    for begin, end in sentences(between):
        spoken_words = [token.word for token in tokens_of(between[begin:end])]
        turn = turn_of(spoken_words, names)
        if turn is None:
            continue
        here = begin >= last.start - one.end
        if here and turn.rest >= len(spoken_words) and isinstance(last.verdict.value, bool):
            continue  # "Wrong." may be said of the response, or of the verdict before it
        if turn.strong or (end == len(between) and _NEW.isdisjoint(spoken_words[: turn.rest])):
            return True
    return False


def changed_after(text: str, values: Values, value: Any, names: Names) -> str:
    """Return the sentence after a statement by which the judge may take it back; empty if none."""
    for begin, end in sentences(text):
        sentence = text[begin : min(end, begin + 600)]
        if CHANGES.match(sentence):
            return " ".join(sentence.split())
        if not names and RESULTS.match(sentence) and values.rivals(sentence, value):
            return " ".join(sentence.split())
        if not names and against(values.scale, value, text[begin : begin + 300]):
            return " ".join(sentence.split())
        turn = _turn(sentence, names)
        said, last = [token.word for token in tokens_of(sentence)], not text[end:].strip()
        unclear = is_unclear(said, last)
        if unclear or (turn is not None and turn.strong):
            return " ".join(sentence.split())
        if not names and _is_other(sentence, values, value):
            return " ".join(sentence.split())
        if not names and deserves_other(sentence, values, value):
            return " ".join(sentence.split())
        if _DESERVES_OTHER.search(sentence) and turn is not None:
            return " ".join(sentence.split())
        if not names and _ENDS_IN.search(sentence) and not _SUPPOSED.search(sentence):
            if values.rivals(sentence, value):
                return " ".join(sentence.split())
        opens = _HEDGES.match(sentence) or turn
        if turn is not None and _says_other(sentence, turn, values, value):
            return " ".join(sentence.split())
        if opens and values.scale.is_binary and values.disagrees(sentence, value):
            return " ".join(sentence.split())
        if (
            (opens or _UNSURE.search(sentence))
            and not _NOT_MEANT.search(sentence)
            and values.rivals(sentence, value)
        ):
            return " ".join(sentence.split())
    return ""


def _is_other(sentence: str, values: Values, value: Any) -> bool:
    """Tell whether a short sentence has another value between commas: "3, not 4."."""
    parts = sentence.rstrip(" .!").split(",")
    if len(parts) != 2 or len(sentence.split()) > 6 or "=" in sentence:
        return False
    denied = parts[1].strip().removeprefix("not ")
    said = [values.clause(part.strip()) for part in (*parts, denied)]
    if denied != parts[1].strip() and said[2] is not None and said[2].value == value:
        return True
    return any(one and one.status is Status.OK and one.value != value for one in said[:2])


def _says_other(sentence: str, turn: Turn, values: Values, value: Any) -> bool:
    """Tell whether nothing but another value follows the words that open a sentence."""
    behind = list(tokens_of(sentence))[turn.rest :]
    verdict = values.clause(sentence[behind[0].start :].strip()) if behind else None
    return verdict is not None and verdict.status is Status.OK and verdict.value != value


def _contradiction(first: Verdict, last: Verdict) -> Verdict:
    said = f"{first.value}, then {last.value}"
    return Verdict(Status.UNPARSEABLE, rationale=f"two verdicts: {said}, which may be a quotation")
