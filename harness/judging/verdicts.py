"""Reads verdicts from a judge's words.

The rules, each with golden cases in tests/golden:

- The last verdict wins, and an explicit one ("Verdict: A") before one in a sentence.
- Text that only repeats the prompt, or lists the options ("A or B"), is no verdict.
- Numbers are read whole: a rating of 10 is never 1, and a value off the scale is a failure.
- No verdict is a refusal (where the words say so) or unparseable; never a default.

Every reader is given the reply; the prompt that the judge was shown, whose lines do not count where
the reply repeats them; and ``cut``: the reply ended at its token limit, so that only an explicit
verdict counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Verdict

VERSION = "1"
"""Moves whenever the same reply may get another verdict."""

_QUOTES = "\u2018\u2019\u201c\u201d"
_DASHES = "\u2013\u2014"
_WRAP = rf"[\s*_`\"'{_QUOTES}(\[{{<]*"
_SHORT = rf"[*_`\"'{_QUOTES})\]}}>.,;:!\s]*"

_STRONG_MARK = r"(?:\b(?:final\s+)?(?:verdict|winner)\b|\[result\])"
_MARK = (
    r"(?:\b(?:final\s+)?(?:verdict|answer|decision|judge?ment|winner|choice|preference)\b"
    r"|\b(?:preferred|better|best|chosen|superior|stronger)"
    r"(?:\s+(?:response|answer|assistant|option|output|one))?\b)"
)
_JOIN = rf"(?:\bis\b|\bgoes\s+to\b|\bwould\s+be\b|[:=>]|-\s|[{_DASHES}])"
_LINK = rf"[\s*_`\"']*(?:{_JOIN}[\s*_`\"']*)+"
_LOOSE_LINK = rf"[\s*_`\"']*(?:{_JOIN}[\s*_`\"']*)*"
_NOUN = r"(?:(?:response|assistant|option|output|completion)[\s_*]*)?"
_TIE = r"tie|tied|draw|equal|neither|both"
# A small letter is an article ("a matter of taste"), unless the line ends with it.
_PAIR_VALUE = rf"(?P<value>(?-i:A|B)|[ab](?=[*_`\"')\]}}.!]*\s*$)|{_TIE})"
_NO_LIST = (
    r"(?!\w)(?![*_`\"')\]]*\s*(?:/|\||,|\bor\b|\bvs\b|\band\b)\s*[*_`\"'(\[]*"
    r"(?:response\s+)?(?:A|B|TIE)\b)"
)
_NO_LIST_BEFORE = r"(?<![/|,])"

_MARKED_PAIR = re.compile(
    rf"(?:{_STRONG_MARK}{_LOOSE_LINK}|{_MARK}{_LINK}){_WRAP}{_NOUN}{_WRAP}{_NO_LIST_BEFORE}"
    rf"{_PAIR_VALUE}{_NO_LIST}",
    re.IGNORECASE | re.MULTILINE,
)
_BRACKETED_PAIR = re.compile(rf"\[\[\s*{_NOUN}{_PAIR_VALUE}\s*\]\]", re.IGNORECASE | re.MULTILINE)
_SENTENCE_PAIR = re.compile(
    r"\b(?:response|assistant|option|answer|output)\s+[*_\"'(\[]*(?P<value>(?-i:A|B))\b[*_\"')\]]*\s+"
    r"(?:is|was|seems|appears\s+to\s+be|wins|provides)\s*(?:(?:the|a|an|clearly|much|slightly|"
    r"significantly|overall|far|somewhat|more|marginally)\s+)*(?:better|best|preferred|preferable|"
    r"superior|stronger|winner|wins|helpful|friendlier)\b"
    r"|\bprefer\s+(?:the\s+)?(?:response|assistant|option|answer)?\s*[*_\"'(\[]*(?P<other>(?-i:A|B))\b"
    r"|\b(?:response|assistant|option|answer)\s+[*_\"'(\[]*(?P<third>(?-i:A|B))\b[*_\"')\]]*\s+wins\b",
    re.IGNORECASE,
)
_NOT_BETTER = re.compile(r"\b(?:not|no|n't|neither|hardly|if)\W+(?:\w+\W+){0,3}$", re.IGNORECASE)
_BARE_PAIR = re.compile(
    rf"^{_WRAP}{_NOUN}{_WRAP}(?P<value>A|B|{_TIE}){_SHORT}$", re.IGNORECASE | re.DOTALL
)

_REFUSAL = re.compile(
    rf"\b(?:i\s*['{_QUOTES}]?\s*a?m\s+(?:sorry|unable|not\s+able)"
    rf"|i\s+(?:can\s*['{_QUOTES}]?\s*(?:no)?t|cannot|can\s+not|won\s*['{_QUOTES}]t|will\s+not"
    r"|must\s+decline)"
    r"|as\s+an\s+ai)\b",
    re.IGNORECASE,
)

_LONGEST_VERDICT = 32
"""A line of the prompt that is longer than this is no verdict when the reply repeats it."""

_NUMBER = r"(?<![\w.])(?P<value>[-+]?\d+(?:[.,]\d+)?)(?![\w]|[.,]\d)"
_OUT_OF = r"(?:[*_`\"')\]]*\s*(?:/|out\s+of|of)\s*(?P<out_of>\d+(?:\.\d+)?))?"
_SCORE_MARK = (
    r"(?:\b(?:final\s+|overall\s+|total\s+)?(?:rating|score|grade|verdict|mark)\b|\[result\])"
)
_SCORE_LINK = (
    r"[\s*_`\"']*(?:(?:is|of|would\s+be|as|a|an)\b"
    rf"|-\s|[:=>{_DASHES}(\[{{<*_`\"'\s])*"
)
_MARKED_SCORE = re.compile(rf"{_SCORE_MARK}{_SCORE_LINK}{_NUMBER}{_OUT_OF}", re.IGNORECASE)
_BRACKETED_SCORE = re.compile(rf"\[\[\s*{_NUMBER}\s*{_OUT_OF}\s*\]\]")
_BARE_SCORE = re.compile(rf"^{_WRAP}{_NUMBER}{_OUT_OF}{_SHORT}$", re.DOTALL)
_RANGE_AFTER = re.compile(rf"^\s*(?:[-{_DASHES}]|to|\.\.+)\s*\d", re.IGNORECASE)


def read_pair(reply: str, prompt: str = "", cut: bool = False) -> Verdict:
    """Return the verdict on a pair: A, B or TIE."""
    value = _json_value(reply, ("verdict", "winner", "preferred", "choice", "answer"))
    if isinstance(value, str) and (found := _BARE_PAIR.match(value)):
        return _pair(found["value"])
    text = _without_echo(reply, prompt)
    if found := _last(text, _BRACKETED_PAIR, _MARKED_PAIR):
        return _pair(found["value"])
    if cut:
        return _cut(reply)
    if found := _alone(text, _BARE_PAIR):
        return _pair(found["value"])
    sentences = [
        found
        for found in _SENTENCE_PAIR.finditer(text)
        if not _NOT_BETTER.search(text[max(0, found.start() - 40) : found.start()])
    ]
    if sentences:
        last = sentences[-1]
        return _pair(last["value"] or last["other"] or last["third"])
    return _no_verdict(reply)


def read_score(reply: str, scale: Scale, prompt: str = "", cut: bool = False) -> Verdict:
    """Return the verdict on one response: a value of a scale; one off it is no verdict."""
    value = _json_value(reply, ("rating", "score", "verdict", "grade", "value"))
    text = _without_echo(reply, prompt)
    if _has_number_labels(scale) or scale.is_numeric:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            if found := re.fullmatch(rf"\s*{_NUMBER}{_OUT_OF}\s*", str(value)):
                return _number(found["value"], found["out_of"], scale)
        if found := _last(text, _BRACKETED_SCORE, _MARKED_SCORE, before=_RANGE_AFTER):
            return _number(found["value"], found["out_of"], scale)
        if cut:
            return _cut(reply)
        if found := _alone(text, _BARE_SCORE):
            return _number(found["value"], found["out_of"], scale)
        return _no_verdict(reply)
    if isinstance(value, bool) and scale.is_binary:
        return Verdict(Status.OK, value)
    return _label(value if isinstance(value, str) else None, text, reply, scale, cut)


def read_ranking(
    reply: str, letters: Sequence[str], prompt: str = "", cut: bool = False
) -> Verdict:
    """Return the verdict on responses that were shown under letters: these, best to worst."""
    value = _json_value(reply, ("ranking", "order", "verdict"))
    if isinstance(value, list) and sorted(map(str, value)) == sorted(letters):
        return Verdict(Status.OK, tuple(map(str, value)))
    text = value if isinstance(value, str) else _without_echo(reply, prompt)
    one = rf"{_WRAP}(?:[Rr]esponse\s+)?([{''.join(letters)}])(?!\w)[*_`\"')\]]*"
    chain = re.compile(rf"{one}(?:\s*(?:>|,|;|\n\s*\d+[.)]|->|→|\s)\s*{one}){{{len(letters) - 1}}}")
    found = None
    for match in chain.finditer(text):
        names = tuple(re.findall(rf"(?<!\w)([{''.join(letters)}])(?!\w)", match[0]))
        if sorted(names) == sorted(letters):
            found = names
    if found is not None:
        return Verdict(Status.OK, found)
    return _cut(reply) if cut else _no_verdict(reply)


def rationale_of(reply: str, limit: int = 2000) -> str:
    """Return the judge's reasoning for the row: its words, from a JSON answer the reasoning."""
    value = _json_value(reply, ("reasoning", "rationale", "explanation"))
    text = value if isinstance(value, str) else reply
    return text.strip()[:limit]


def _pair(value: str) -> Verdict:
    letter = value.upper()
    return Verdict(Status.OK, letter if letter in ("A", "B") else "TIE")


def _last(
    text: str, *patterns: re.Pattern[str], before: re.Pattern[str] | None = None
) -> re.Match[str] | None:
    """Return the last match of the first pattern that has any, neither denied nor ``before`` this.

    Denied is "the better response is not A".
    """
    for pattern in patterns:
        matches = [
            found
            for found in pattern.finditer(text)
            if not re.search(r"\bnot\b", found[0], re.IGNORECASE)
            and not (before and before.match(text[found.end() :]))
        ]
        if matches:
            return matches[-1]
    return None


def _alone(text: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Return the match of a reply that is nothing else, or whose last line is nothing else."""
    lines = [line for line in text.splitlines() if line.strip()]
    return pattern.match(text) or pattern.match(lines[-1] if lines else "")


def _has_number_labels(scale: Scale) -> bool:
    return bool(scale.labels) and all(re.fullmatch(r"-?\d+(\.\d+)?", v) for v in scale.labels)


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


def _label(value: str | None, text: str, reply: str, scale: Scale, cut: bool) -> Verdict:
    """Read a label of a nominal or ordinal scale; a binary one is also yes and no."""
    names: dict[str, Any] = {label.lower(): label for label in scale.labels}
    if scale.is_binary:
        names = {"true": True, "yes": True, "pass": True, "correct": True}
        names |= {"false": False, "no": False, "fail": False, "incorrect": False}
    if value is not None and value.strip().lower() in names:
        return Verdict(Status.OK, names[value.strip().lower()])
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    word = rf"(?P<value>(?<!\w)(?:{either})(?!\w))"
    no_list = rf"(?!\s*(?:/|\||,|\bor\b)\s*(?:{either}))"
    marked = re.compile(
        rf"(?:{_SCORE_MARK}|\b(?:answer|label)\b){_SCORE_LINK}{word}{no_list}", re.IGNORECASE
    )
    bracketed = re.compile(rf"\[\[\s*{word}\s*\]\]", re.IGNORECASE)
    bare = re.compile(rf"^{_WRAP}{word}{_SHORT}$", re.IGNORECASE)
    found = _last(text, bracketed, marked) or (None if cut else _alone(text.strip(), bare))
    if found:
        return Verdict(Status.OK, names[found["value"].lower()])
    return _cut(reply) if cut else _no_verdict(reply)


def _without_echo(reply: str, prompt: str) -> str:
    """Return the reply without lines that the prompt has too.

    Short lines stay: "Verdict: A" is an answer even where an example or a response says it too.
    """
    known = {line.strip() for line in prompt.splitlines() if len(line.strip()) > _LONGEST_VERDICT}
    lines = [line for line in reply.splitlines() if line.strip() not in known]
    return "\n".join(lines)


def _json_value(reply: str, names: Sequence[str]) -> Any:
    """Return the first of some fields of the last JSON object in a reply, None without one."""
    decoder = json.JSONDecoder()
    found: Any = None
    position = reply.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(reply, position)
        except ValueError:
            position = reply.find("{", position + 1)
            continue
        lower = {str(key).lower(): entry for key, entry in value.items()}
        for name in names:
            if name in lower:
                found = lower[name]
                break
        position = reply.find("{", end)
    return found


def _off_scale(value: str, scale: Scale) -> Verdict:
    return Verdict(Status.UNPARSEABLE, rationale=f"{value} is not on the scale {scale.describe()}")


def _cut(reply: str) -> Verdict:
    tail = " ".join(reply.split())[-80:]
    return Verdict(
        Status.UNPARSEABLE, rationale=f"cut at the token limit before a verdict: ...{tail}"
    )


def _no_verdict(reply: str) -> Verdict:
    words = " ".join(reply.split())
    if _REFUSAL.search(words[:300]):
        return Verdict(Status.REFUSED, rationale=words[:200])
    return Verdict(Status.UNPARSEABLE, rationale=f"no verdict in: {words[:200]}")


def read_scores(
    reply: str, criteria: Sequence[Criterion], prompt: str = "", cut: bool = False
) -> Verdict:
    """Return the weighted mean, between 0 and 1, of the values of several criteria.

    The reply is a JSON object, or has a line "name: value" for each criterion; all need a value.
    """
    text = _without_echo(reply, prompt)
    total, parts = 0.0, []
    for criterion in criteria:
        value = _json_value(reply, (criterion.id.lower(),))
        if value is None:
            mark = re.compile(rf"(?<!\w){re.escape(criterion.id)}[\s*_`\"']*[:=]\s*(.+)", re.I)
            lines = mark.findall(text)
            if not lines:
                return _cut(reply) if cut else _no_verdict(reply)
            value = lines[-1]
        found = read_score(f"Rating: {value}", criterion.scale)
        if found.status is not Status.OK:
            return Verdict(found.status, rationale=f"{criterion.id}: {found.rationale}")
        total += criterion.weight * criterion.scale.to_unit(found.value)
        parts.append(f"{criterion.id}: {found.value}")
    mean = total / sum(criterion.weight for criterion in criteria)
    return Verdict(Status.OK, mean, rationale="; ".join(parts))
