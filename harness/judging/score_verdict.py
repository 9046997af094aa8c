"""Reads the score or label that a judge gives, and the scores of several criteria."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from harness.judging.reply import Answer, answer_of
from harness.judging.stated import (
    DASHES,
    SHORT,
    WRAP,
    alone,
    explicit,
    is_short,
    no_verdict,
)
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Verdict

_DIGITS = r"[-+]?\d++(?:[.,]\d++)?+"
_NUMBER = rf"(?<![\w.])(?P<value>{_DIGITS})(?![\w]|[.,]\d)"
_OUT_OF = r"(?:[*_`\"')\]]*+\s*+(?:/|out\s++of|of)\s*+(?P<out_of>\d++(?:\.\d++)?+))?"
_SCORE_MARK = (
    r"(?:\b(?:final\s++|overall\s++|total\s++)?(?:rating|score|grade|verdict|mark)\b|\[result\])"
)
# Each of its parts begins with another character, so that giving back what a label needs is quick.
_SCORE_LINK = rf"(?:(?:is|of|would\s++be|as|a|an)\b|-\s|[:=>{DASHES}(\[{{<*_`\"'\s])*"
_MARKED_SCORE = re.compile(rf"{_SCORE_MARK}{_SCORE_LINK}+{_NUMBER}{_OUT_OF}", re.IGNORECASE)
_BRACKETED_SCORE = re.compile(rf"\[\[\s*+{_NUMBER}\s*+{_OUT_OF}\s*+\]\]")
_BARE_SCORE = re.compile(rf"^{WRAP}{_NUMBER}{_OUT_OF}{SHORT}$", re.DOTALL)
_WHOLE_SCORE = re.compile(rf"\s*+{_NUMBER}{_OUT_OF}\s*+")
_RANGE_AFTER = re.compile(rf"\s*+(?:[-{DASHES}]|to|\.\.++)\s*+\d", re.IGNORECASE)
_NUMBER_LABEL = re.compile(r"-?\d++(?:\.\d++)?")


def read_score(reply: str, scale: Scale, prompt: str = "", cut: bool = False) -> Verdict:
    """Return the verdict on one response: a value of a scale; one off it is no verdict."""
    return _score(answer_of(reply, prompt), reply, scale, cut)


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
                return no_verdict(answer, reply, cut)
            value = own[-1]["value"]
        found = read_score(f"Rating: {value if is_short(value) else ''}", criterion.scale)
        if found.status is not Status.OK:
            return Verdict(found.status, rationale=f"{criterion.id}: {found.rationale}")
        total += criterion.weight * criterion.scale.to_unit(found.value)
        parts.append(f"{criterion.id}: {found.value}")
    mean = total / sum(criterion.weight for criterion in criteria)
    return Verdict(Status.OK, mean, rationale="; ".join(parts))


def _score(answer: Answer, reply: str, scale: Scale, cut: bool) -> Verdict:
    entry = answer.field("rating", "score", "verdict", "grade", "value")
    if not (_has_number_labels(scale) or scale.is_numeric):
        return _label(answer, entry, reply, scale, cut)

    def number(found: re.Match[str]) -> Verdict:
        return _number(found["value"], found["out_of"], scale)

    def json_number(value: Any) -> Verdict | None:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        found = _WHOLE_SCORE.fullmatch(str(value)) if is_short(value) else None
        return number(found) if found else None

    patterns = (_BRACKETED_SCORE, _MARKED_SCORE)
    if stated := explicit(answer, patterns, number, entry, json_number, _RANGE_AFTER):
        return stated
    if not cut and (found := alone(answer.own, _BARE_SCORE)):
        return number(found)
    return no_verdict(answer, reply, cut)


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
    bare = re.compile(rf"^{WRAP[:-1]}{word}{SHORT}$", re.IGNORECASE)
    patterns = (bracketed, marked)
    if stated := explicit(answer, patterns, lambda found: named(found["value"]), entry, named):
        return stated
    if not cut and (found := alone(answer.own.strip(), bare)):
        return Verdict(Status.OK, names[found["value"].lower()])
    return no_verdict(answer, reply, cut)


def _off_scale(value: str, scale: Scale) -> Verdict:
    shown = value if len(value) <= 40 else f"{value[:40]}..."
    return Verdict(Status.UNPARSEABLE, rationale=f"{shown} is not on the scale {scale.describe()}")
