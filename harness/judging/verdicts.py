"""Reads verdicts from a judge's words.

The rules, each with golden cases in tests/golden:

- Only the judge's own answer counts: no thought, no quotation, nothing that it reports of a
  response (``reply``).
- The last verdict wins, and an explicit one ("Verdict: A") before one in a sentence. An explicit
  one that another contradicts counts only where it is clear which is meant.
- Text that only repeats the prompt, or lists the options ("A or B"), is no verdict.
- Numbers are read whole: a rating of 10 is never 1, and a value off the scale is a failure.
- No verdict is a refusal (where the words say so) or unparseable; never a default.

Every reader is given the reply; the prompt that the judge was shown, whose lines do not count where
the reply repeats them; and ``cut``: the reply ended at its token limit, so that only an explicit
verdict counts.

Patterns take time that grows with the length of the text alone: neighbouring repetitions share no
character, or do not give back (``*+``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from harness.judging.reply import Answer, answer_of
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Verdict

VERSION = "2"
"""Moves whenever the same reply may get another verdict."""

_QUOTES = "\u2018\u2019\u201c\u201d"
_DASHES = "\u2013\u2014"
_WRAP = rf"[\s*_`\"'{_QUOTES}(\[{{<]*+"
_SHORT = rf"[*_`\"'{_QUOTES})\]}}>.,;:!\s]*+"

_STRONG_MARK = r"(?:\b(?:final\s++)?(?:verdict|winner)\b|\[result\])"
_MARK = (
    r"(?:\b(?:final\s++)?(?:verdict|answer|decision|judge?ment|winner|choice|preference)\b"
    r"|\b(?:preferred|better|best|chosen|superior|stronger)"
    r"(?:\s++(?:response|answer|assistant|option|output|one))?\b)"
)
_JOIN = rf"(?:\bis\b|\bgoes\s++to\b|\bwould\s++be\b|[:=>]|-\s|[{_DASHES}])"
_LINK = rf"[\s*_`\"']*+(?:{_JOIN}[\s*_`\"']*+)++"
_LOOSE_LINK = rf"[\s*_`\"']*+(?:{_JOIN}[\s*_`\"']*+)*+"
_NOUN = r"(?:(?:response|assistant|option|output|completion)[\s*_]*+)?"
_TIE = r"tie|tied|draw|equal|neither|both"
# A small letter is an article ("a matter of taste"), unless the line ends with it.
_PAIR_VALUE = rf"(?P<value>(?-i:A|B)|[ab](?=[*_`\"')\]}}.!]*+[^\S\n]*+$)|{_TIE})"
_NO_LIST = (
    r"(?!\w)(?![*_`\"')\]]*+\s*+(?:/|\||,|\bor\b|\bvs\b|\band\b)\s*+[*_`\"'(\[]*+"
    r"(?:response\s++)?(?:A|B|TIE)\b)"
)
_NO_LIST_BEFORE = r"(?<![/|,])"

_MARKED_PAIR = re.compile(
    rf"(?:{_STRONG_MARK}{_LOOSE_LINK}|{_MARK}{_LINK}){_WRAP}{_NOUN}{_WRAP}{_NO_LIST_BEFORE}"
    rf"{_PAIR_VALUE}{_NO_LIST}",
    re.IGNORECASE | re.MULTILINE,
)
_BRACKETED_PAIR = re.compile(rf"\[\[\s*+{_NOUN}{_PAIR_VALUE}\s*+\]\]", re.IGNORECASE | re.MULTILINE)
_SENTENCE_PAIR = re.compile(
    r"\b(?:response|assistant|option|answer|output)\s++[*_\"'(\[]*+(?P<value>(?-i:A|B))\b"
    r"[*_\"')\]]*+\s++"
    r"(?:is|was|seems|appears\s++to\s++be|wins|provides)\s*+(?:(?:the|a|an|clearly|much|slightly|"
    r"significantly|overall|far|somewhat|more|marginally)\s++)*+(?:better|best|preferred|preferable|"
    r"superior|stronger|winner|wins|helpful|friendlier)\b"
    r"|\bprefer\s++(?:the\s++)?(?:response|assistant|option|answer)?\s*+[*_\"'(\[]*+"
    r"(?P<other>(?-i:A|B))\b"
    r"|\b(?:response|assistant|option|answer)\s++[*_\"'(\[]*+(?P<third>(?-i:A|B))\b[*_\"')\]]*+"
    r"\s++wins\b",
    re.IGNORECASE,
)
_NOT_BETTER = re.compile(
    r"\b(?:not|no|n't|neither|hardly|if)\W++(?:\w++\W++){0,3}\Z", re.IGNORECASE
)
_BARE_PAIR = re.compile(
    rf"^{_WRAP}{_NOUN}{_WRAP}(?P<value>A|B|{_TIE}){_SHORT}$", re.IGNORECASE | re.DOTALL
)

_REFUSAL = re.compile(
    rf"\b(?:i ?['{_QUOTES}]? ?a?m (?:sorry|unable|not able)"
    rf"|i (?:can ?['{_QUOTES}]? ?(?:no)?t|cannot|can not|won ?['{_QUOTES}]t|will not|must decline)"
    r"|as an ai)\b",
    re.IGNORECASE,
)

_DIGITS = r"[-+]?\d++(?:[.,]\d++)?+"
_NUMBER = rf"(?<![\w.])(?P<value>{_DIGITS})(?![\w]|[.,]\d)"
_OUT_OF = r"(?:[*_`\"')\]]*+\s*+(?:/|out\s++of|of)\s*+(?P<out_of>\d++(?:\.\d++)?+))?"
_SCORE_MARK = (
    r"(?:\b(?:final\s++|overall\s++|total\s++)?(?:rating|score|grade|verdict|mark)\b|\[result\])"
)
# Each of its parts begins with another character, so that giving back what a label needs is quick.
_SCORE_LINK = rf"(?:(?:is|of|would\s++be|as|a|an)\b|-\s|[:=>{_DASHES}(\[{{<*_`\"'\s])*"
_MARKED_SCORE = re.compile(rf"{_SCORE_MARK}{_SCORE_LINK}+{_NUMBER}{_OUT_OF}", re.IGNORECASE)
_BRACKETED_SCORE = re.compile(rf"\[\[\s*+{_NUMBER}\s*+{_OUT_OF}\s*+\]\]")
_BARE_SCORE = re.compile(rf"^{_WRAP}{_NUMBER}{_OUT_OF}{_SHORT}$", re.DOTALL)
_WHOLE_SCORE = re.compile(rf"\s*+{_NUMBER}{_OUT_OF}\s*+")
_RANGE_AFTER = re.compile(rf"\s*+(?:[-{_DASHES}]|to|\.\.++)\s*+\d", re.IGNORECASE)
_DENIED = re.compile(r"\bnot\b", re.IGNORECASE)
_NUMBER_LABEL = re.compile(r"-?\d++(?:\.\d++)?")

_LETTER = r"(?<!\w)[{}](?!\w)"
_OUTER = r"[\s*_`\"'()\[\]{<]*+"
_BETWEEN = re.compile(
    rf"(?:(?=[*_`\"')\]]*+[^\S\n]*+\n)[*_`\"')\]]*+\s++\d++[.)]{_OUTER}"
    rf"|{_OUTER}(?:(?:->|[>,;\u2192]){_OUTER})?)(?:response\s++)?",
    re.IGNORECASE,
)
"""What stands between two letters of a ranking."""
_LETTERS = 1_000
"""Letters of a reply, the last ones, among which a ranking is looked for."""

Read = Callable[[Any], "Verdict | None"]
"""Returns the verdict of a match or of a JSON value; None where it is none."""


def read_pair(reply: str, prompt: str = "", cut: bool = False) -> Verdict:
    """Return the verdict on a pair: A, B or TIE."""
    answer = answer_of(reply, prompt)
    entry = answer.field("verdict", "winner", "preferred", "choice", "answer")
    patterns = (_BRACKETED_PAIR, _MARKED_PAIR)
    if stated := _explicit(answer, patterns, _matched_pair, entry, _json_pair):
        return stated
    if cut:
        return _none(answer, reply, cut)
    if found := _alone(answer.own, _BARE_PAIR):
        return _pair(found["value"])
    for found in reversed(list(_SENTENCE_PAIR.finditer(answer.own))):
        lead = answer.own[max(0, found.start() - 40) : found.start()]
        if not _NOT_BETTER.search(lead) and not answer.is_reported(found.start()):
            return _pair(found["value"] or found["other"] or found["third"])
    return _none(answer, reply, cut)


def read_score(reply: str, scale: Scale, prompt: str = "", cut: bool = False) -> Verdict:
    """Return the verdict on one response: a value of a scale; one off it is no verdict."""
    return _score(answer_of(reply, prompt), reply, scale, cut)


def _score(answer: Answer, reply: str, scale: Scale, cut: bool) -> Verdict:
    entry = answer.field("rating", "score", "verdict", "grade", "value")
    if not (_has_number_labels(scale) or scale.is_numeric):
        return _label(answer, entry, reply, scale, cut)

    def number(found: re.Match[str]) -> Verdict:
        return _number(found["value"], found["out_of"], scale)

    def json_number(value: Any) -> Verdict | None:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        found = _WHOLE_SCORE.fullmatch(str(value)) if _is_short(value) else None
        return number(found) if found else None

    patterns = (_BRACKETED_SCORE, _MARKED_SCORE)
    if stated := _explicit(answer, patterns, number, entry, json_number, _RANGE_AFTER):
        return stated
    if not cut and (found := _alone(answer.own, _BARE_SCORE)):
        return number(found)
    return _none(answer, reply, cut)


def read_ranking(
    reply: str, letters: Sequence[str], prompt: str = "", cut: bool = False
) -> Verdict:
    """Return the verdict on responses that were shown under letters: these, best to worst."""
    answer = answer_of(reply, prompt)
    text = answer.own
    if entry := answer.field("ranking", "order", "verdict"):
        value = entry[1]
        if isinstance(value, list) and sorted(map(str, value)) == sorted(letters):
            return Verdict(Status.OK, tuple(map(str, value)))
        text = value if isinstance(value, str) else text
    letter = re.compile(_LETTER.format("".join(letters)))
    chain: list[str] = []
    found, begin, end = None, 0, -1
    for match in list(letter.finditer(text))[-_LETTERS:]:
        joined = end >= 0 and _BETWEEN.fullmatch(text, end, match.start())
        if not joined or len(chain) == len(letters):
            chain, begin = [], match.start()
        chain.append(match[0])
        end = match.end()
        if sorted(chain) == sorted(letters) and not (
            text is answer.own and answer.is_reported(begin)
        ):
            found = tuple(chain)
    return Verdict(Status.OK, found) if found is not None else _none(answer, reply, cut)


def rationale_of(reply: str, limit: int = 2000) -> str:
    """Return the judge's reasoning for the row: its words, from a JSON answer the reasoning."""
    entry = answer_of(reply).field("reasoning", "rationale", "explanation")
    text = entry[1] if entry and isinstance(entry[1], str) else reply
    return text.strip()[:limit]


def _pair(value: str) -> Verdict:
    letter = value.upper()
    return Verdict(Status.OK, letter if letter in ("A", "B") else "TIE")


def _matched_pair(found: re.Match[str]) -> Verdict:
    return _pair(found["value"])


def _json_pair(value: Any) -> Verdict | None:
    found = _BARE_PAIR.match(value) if isinstance(value, str) else None
    return _pair(found["value"]) if found else None


def _is_short(value: Any) -> bool:
    """Tell whether a value can be written: whole numbers of thousands of digits cannot."""
    return not isinstance(value, int) or value.bit_length() < 1024


def _explicit(
    answer: Answer,
    patterns: Sequence[re.Pattern[str]],
    read: Read,
    entry: tuple[int, Any] | None,
    read_json: Read,
    before: re.Pattern[str] | None = None,
) -> Verdict | None:
    """Return the verdict that an answer states, None where it states none.

    Args:
        answer: The answer.
        patterns: Of explicit verdicts.
        read: Reads their matches.
        entry: What a JSON object says, and where.
        read_json: Reads that.
        before: Where this follows a match, it is no verdict.
    """
    place, stated = _last(answer, patterns, read, before)
    said = read_json(entry[1]) if entry else None
    if entry is None or said is None or place is None:
        return stated
    if stated is None or _same(said, stated):
        return said
    return stated if place > entry[0] else _contradiction(stated, said)


def _last(
    answer: Answer,
    patterns: Sequence[re.Pattern[str]],
    read: Read,
    before: re.Pattern[str] | None,
) -> tuple[int | None, Verdict | None]:
    """Return where the last own match of some patterns stands, and its verdict.

    No match counts that is denied ("the better response is not A"), reported ("the response says")
    or followed by ``before``. Where an earlier line that is a verdict says otherwise, the last one
    must be such a line too, and none that the prompt has; else there is no place, and the verdict
    is a failure.
    """
    text, last = answer.own, None
    matches = [found for pattern in patterns for found in pattern.finditer(text)]
    for found in sorted(matches, key=lambda found: -found.end()):
        verdict, start = read(found), found.start()
        if verdict is None or (last is not None and _same(verdict, last[1])):
            continue
        if last is not None and not answer.begins_line(start):
            continue
        if _DENIED.search(found[0]) or (before and before.match(text, found.end())):
            continue
        if answer.is_reported(start):
            continue
        if last is not None:
            return None, _contradiction(verdict, last[1])
        if answer.begins_line(start) and not answer.is_known(start):
            return start, verdict
        last = start, verdict
    return last or (0, None)


def _same(one: Verdict, other: Verdict) -> bool:
    return (one.status, one.value) == (other.status, other.value)


def _contradiction(first: Verdict, last: Verdict) -> Verdict:
    return Verdict(
        Status.UNPARSEABLE,
        rationale=f"two verdicts: {_said(first)}, then {_said(last)}, which may be a quotation",
    )


def _said(verdict: Verdict) -> str:
    return str(verdict.value) if verdict.status is Status.OK else verdict.rationale


def _alone(text: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Return the match of a reply that is nothing else, or whose last line is nothing else."""
    lines = text.rstrip().splitlines()
    return pattern.match(text) or pattern.match(lines[-1] if lines else "")


def _has_number_labels(scale: Scale) -> bool:
    return bool(scale.labels) and all(map(_NUMBER_LABEL.fullmatch, scale.labels))


def _number(value: str, out_of: str | None, scale: Scale) -> Verdict:
    number = float(value.replace(",", "."))
    high = float(scale.labels[-1]) if scale.labels else scale.high
    if out_of is not None and high is not None and float(out_of) != high:
        return _off_scale(f"{value}/{out_of}", scale)
    if scale.labels:
        for label in scale.labels:
            if float(label) == number:
                return Verdict(Status.OK, label)
        return _off_scale(value, scale)
    return Verdict(Status.OK, number) if scale.contains(number) else _off_scale(value, scale)


def _label(
    answer: Answer, entry: tuple[int, Any] | None, reply: str, scale: Scale, cut: bool
) -> Verdict:
    """Read a label of a nominal or ordinal scale; a binary one is also yes and no."""
    names: dict[str, Any] = {label.lower(): label for label in scale.labels}
    if scale.is_binary:
        names = {"true": True, "yes": True, "pass": True, "correct": True}
        names |= {"false": False, "no": False, "fail": False, "incorrect": False}

    def named(value: Any) -> Verdict | None:
        if isinstance(value, bool) and scale.is_binary:
            return Verdict(Status.OK, value)
        known = isinstance(value, str) and value.strip().lower() in names
        return Verdict(Status.OK, names[value.strip().lower()]) if known else None

    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    word = rf"(?P<value>(?<!\w)(?:{either})(?!\w))"
    no_list = rf"(?!\s*+(?:/|\||,|\bor\b)\s*+(?:{either}))"
    marked = re.compile(
        rf"(?:{_SCORE_MARK}|\b(?:answer|label)\b){_SCORE_LINK}{word}{no_list}", re.IGNORECASE
    )
    bracketed = re.compile(rf"\[\[\s*+{word}\s*+\]\]", re.IGNORECASE)
    # Of what may surround a label, some may begin or end one: let it be given back.
    bare = re.compile(rf"^{_WRAP[:-1]}{word}{_SHORT}$", re.IGNORECASE)
    patterns = (bracketed, marked)
    if stated := _explicit(answer, patterns, lambda found: named(found["value"]), entry, named):
        return stated
    if not cut and (found := _alone(answer.own.strip(), bare)):
        return Verdict(Status.OK, names[found["value"].lower()])
    return _none(answer, reply, cut)


def _off_scale(value: str, scale: Scale) -> Verdict:
    shown = value if len(value) <= 40 else f"{value[:40]}..."
    return Verdict(Status.UNPARSEABLE, rationale=f"{shown} is not on the scale {scale.describe()}")


def _none(answer: Answer, reply: str, cut: bool) -> Verdict:
    """Return the failure of an answer without a verdict."""
    if answer.failure:
        return Verdict(Status.UNPARSEABLE, rationale=answer.failure)
    words = " ".join(reply.split())
    if cut:
        reason = f"cut at the token limit before a verdict: ...{words[-80:]}"
        return Verdict(Status.UNPARSEABLE, rationale=reason)
    if _REFUSAL.search(words[:300]):
        return Verdict(Status.REFUSED, rationale=words[:200])
    return Verdict(Status.UNPARSEABLE, rationale=f"no verdict in: {words[:200]}")


def read_scores(
    reply: str, criteria: Sequence[Criterion], prompt: str = "", cut: bool = False
) -> Verdict:
    """Return the weighted mean, between 0 and 1, of the values of several criteria.

    The reply is a JSON object, or has a line "name: value" for each criterion; all need a value.
    """
    answer = answer_of(reply, prompt)
    total, parts = 0.0, []
    for criterion in criteria:
        entry = answer.field(criterion.id.lower())
        value = entry[1] if entry else None
        if value is None:
            name = re.escape(criterion.id)
            mark = re.compile(rf"(?<!\w){name}[\s*_`\"']*+[:=]\s*+(?P<value>.++)", re.IGNORECASE)
            lines = list(mark.finditer(answer.own))
            own = [line for line in lines[-64:] if not answer.is_reported(line.start())]
            if not own:
                return _none(answer, reply, cut)
            value = own[-1]["value"]
        found = read_score(f"Rating: {value if _is_short(value) else ''}", criterion.scale)
        if found.status is not Status.OK:
            return Verdict(found.status, rationale=f"{criterion.id}: {found.rationale}")
        total += criterion.weight * criterion.scale.to_unit(found.value)
        parts.append(f"{criterion.id}: {found.value}")
    mean = total / sum(criterion.weight for criterion in criteria)
    return Verdict(Status.OK, mean, rationale="; ".join(parts))
