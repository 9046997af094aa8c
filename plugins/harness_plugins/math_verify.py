"""Verifier: the mathematical answer of the response equals the reference (math-verify).

Reference and answer are read as wholes or not at all (``math_reading``), wherever the answer stands
(``math_boxes``, ``math_answers``), and compared (``math_equality``). math-verify's own time limits
are alarms, which do not work outside the main thread; they are switched off, and the worker
process's hard limit holds instead. Before anything is evaluated, a look at an answer tells whether
it is a number too large to write out, such as 9**9**9**9.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from harness.plugin import (
    Item,
    Response,
    SourceFactory,
    Status,
    Verdict,
    hookimpl,
    verifier,
    without_end_tokens,
)
from harness_plugins.math_answers import NO_UNIT, after_box, in_text
from harness_plugins.math_boxes import Stated, in_box
from harness_plugins.math_choices import said_choice
from harness_plugins.math_context import without_asides
from harness_plugins.math_doubts import doubt
from harness_plugins.math_equality import same
from harness_plugins.math_numerals import Answer
from harness_plugins.math_options import MathOptions
from harness_plugins.math_parts import is_open
from harness_plugins.math_reading import LONGEST, percent_after, read
from harness_plugins.math_replies import rewritten
from harness_plugins.math_roundings import beside, rounds, without_rounding
from harness_plugins.math_signs import plain
from harness_plugins.math_size import too_large
from harness_plugins.math_spelling import spelled
from harness_plugins.math_tags import marked
from harness_plugins.math_units import same_unit, turned, with_unit
from harness_plugins.math_value import numeric, sympy_value
from harness_plugins.math_words import said_word

_UNIT = re.compile(
    r"(?:\s|~|[$})*]|\\[,;: )\]]|\\(?:text|mathrm|textrm|mbox)\s*\{|\{)*"
    r"((?:(?:hundred|thousand|million|billion|trillion|dozen)s?\s){0,2}"
    r"(?:[ap]\.?m\b\.?|(?:[\u4e07\u4ebf\u767e]|\u5343(?![\u7c73\u514b\u74e6\u5361\u8d6b\u4f0f\u7126\u5e15])){1,2}|(?:(?:square|sq\.?|cubic)\s)?"
    r"[A-Za-z\u00b0\u00b5][\w/^\u00b2\u00b3]*(?:\sper\s[A-Za-z]{1,20})?)(?:\}?\s?\^\s?\{?-?\d\}?)?)"
)
_FINAL = re.compile(r"(?:(?:final|the) answer(?: is)?|^answer)\s*:?", re.IGNORECASE)


_RATIO = re.compile(r"(?<=\d)\$?\s?(?:\\text\{\s?to\s?\}|to)\s?\$?(?=\d)")
_ODDS = re.compile(
    r"\b(?P<lead>(?:probability|chances?|likelihood|answer)\b(?:\s(?!or\b|not\b)[\w$]{1,15}){0,5}\s(?:is|are)\s[*$]{0,3})"
    r"(?P<part>\d{1,6})\$?\s(?:in|out\sof)\s\$?(?P<whole>[1-9]\d{0,6})(?=[*$.\s]{0,6}$)"
)


_FIRST = (
    ("$\\frac{1}{2}$", "0.5"),
    ("$\\sum_{k=0}^{n-1} a_k a_{n-k}$", "$\\sum_{k=0}^{n-1} a_{n-k} a_k$"),
    ("$\\int x dx$", "$\\frac{x^2}{2}$"),
)
"""References and answers that load what sympy loads late: simplifying a sum alone, 1.6 s of it."""


def warm_up() -> None:
    """Import sympy and run everything once, so that no answer pays for what is loaded late."""
    for reference, text in _FIRST:
        (gold,), (answer,) = read(reference), read(text)
        same(gold, answer, MathOptions())


@verifier(name="math_verify", version="5", options=MathOptions, cpu_s=2.0, preload=warm_up)
def math_verify(item: Item, response: Response, options: MathOptions) -> Verdict:
    """Compare the answer of a response with the reference as mathematical objects."""
    reference = "" if item.reference is None else str(item.reference).rsplit("####", 1)[-1].strip()
    if not reference:
        return Verdict(Status.ABSTAINED, rationale="the item has no reference")
    gold = _gold(plain(reference))
    text = rewritten(without_asides(plain(without_end_tokens(response.text))))
    text = _RATIO.sub(":", text) if ":" in reference else text
    odds = _ODDS.search(text, max(0, len(text) - 200))
    if odds and int(odds["part"]) <= int(odds["whole"]):
        text = text[: odds.start("part")].rstrip("$") + f"{odds['part']}/{odds['whole']}."
    said = marked(text)
    if options.answer == "any" or "\\boxed" in said:
        text = said
    stated = in_box(text)
    if stated is None and options.answer == "boxed":
        return Verdict(Status.OK, False, rationale="format: no \\boxed{} answer")
    text, about = without_rounding(text)
    if stated is None:
        stated = in_text(text)
        if gold and gold[0].kind == "words" and (word := said_word(text)):
            stated = Stated(word, read(word), [], "")
        if gold and gold[0].kind in ("words", "choice") and (option := said_choice(text)):
            stated = Stated(option, read(option), [], "")
    elif options.answer == "any":
        stated = after_box(text) or stated
    known = any(numeric(sympy_value(one)) for one in gold)
    near = beside(stated.after) if stated is not None and known else None
    for value in (about, near):
        if value is not None and not rounds(gold, value):
            return _unsure(gold, stated, options, value["value"])
    if _identical(reference, text, stated):
        return Verdict(Status.OK, True, rationale=f"answer: as the reference: {reference:.80}")
    if not gold:
        return Verdict(
            Status.ABSTAINED,
            rationale=f"the reference cannot be read as one answer: {reference!r:.80}",
        )
    return _judged(gold, stated, options)


def _unsure(
    gold: Sequence[Answer], stated: Stated | None, options: MathOptions, value: str
) -> Verdict:
    """Return an abstention where an answer is right and the value beside it is another one."""
    verdict = _judged(gold, stated, options)
    if not verdict.value and gold:
        return verdict
    return Verdict(Status.ABSTAINED, rationale=f"more than one answer is stated: {value}")


def _identical(reference: str, text: str, stated: Stated | None) -> bool:
    """Tell whether the answer is the reference letter by letter, but for the spelling of LaTeX."""
    wanted = spelled(reference)
    if is_open(stated.text if stated else text) and not is_open(reference):
        return False
    if len(text) <= LONGEST and wanted == spelled(text):
        return True
    if stated is None or (stated.doubtful and not stated.readings):
        return False
    return (
        len(stated.text) <= LONGEST
        and wanted == spelled(stated.text)
        and not (stated.also or percent_after(stated.after) or turned(_unit(stated.after)))
    )


def _judged(gold: Sequence[Answer], stated: Stated | None, options: MathOptions) -> Verdict:
    if stated is None:
        return Verdict(Status.OK, False, rationale="format: no mathematical answer found")
    shown = " ".join(stated.text.split())[:80]
    reason = f"format: no one answer can be read: {shown}"
    if stated.parts and any(_same_parts(one, stated.parts, options) for one in gold):
        return Verdict(Status.OK, True, rationale=f"answer: {shown}")
    for other in stated.also:
        if not any(not _wrong(one, found, options) for found in read(other) for one in gold):
            stated = replace(stated, readings=[], doubtful=stated.readings + stated.doubtful)
    for reading in stated.readings:
        answer = _with_rest(reading, stated.after)
        reasons = [_wrong(one, answer, options) for one in gold]
        if "" in reasons:
            return Verdict(Status.OK, True, rationale=f"answer: {shown}")
        reason = reasons[0] + ("" if reasons[0].startswith("unit") else shown)
        for why in (doubt(one, answer, options) for one in gold):
            if why:
                return Verdict(Status.ABSTAINED, rationale=f"the reference may be {why}: {shown}")
    for reading in stated.doubtful:
        answer = _with_rest(reading, stated.after)
        if not all(_wrong(one, answer, options) for one in gold):
            return Verdict(Status.ABSTAINED, rationale=f"more than one answer is stated: {shown}")
    return Verdict(Status.OK, False, rationale=reason)


def _same_parts(gold: Answer, parts: Sequence[str], options: MathOptions) -> bool:
    """Tell whether labelled boxes hold the members of a list, one each, in its order."""
    if gold.kind != "list" or gold.brackets or gold.value == "or" or len(gold.items) != len(parts):
        return False
    return all(
        any(not _wrong(one, found, options) for found in read(part))
        for one, part in zip(gold.items, parts, strict=True)
    )


@lru_cache(maxsize=64)
def _gold(reference: str) -> list[Answer]:
    """Read a reference: all of it, or what a worked solution puts in a box or calls the answer."""
    if found := read(reference, reference=True):
        return found
    stated = in_box(reference, reference=True)
    if stated is None and _FINAL.search(reference):
        stated = in_text(reference)
    if stated is None and (opened := re.match(r"\s*\\+boxed\{", reference)):
        return read(reference[opened.end() :], reference=True)
    if stated is None or stated.doubtful:
        return []
    return [_with_rest(answer, stated.after) for answer in stated.readings]


def _with_rest(answer: Answer, after: str) -> Answer:
    """Add the percent sign or the unit that follows an answer."""
    if answer.percent:
        return answer
    if not answer.unit and answer.kind in ("number", "formula") and percent_after(after):
        return replace(answer, percent=True)
    unit = _unit(after)
    if (
        answer.kind == "time"
        and not answer.value[3]
        and (half := re.fullmatch(r"([ap])\.?m\.?", unit.lower()))
    ):
        return replace(answer, value=(*answer.value[:3], half[1] + "m"))
    if not unit or (answer.unit and not turned(unit)):
        return answer
    return (
        replace(with_unit(answer, unit), unit=f"{answer.unit} {unit}")
        if answer.unit
        else (with_unit(answer, unit))
    )


def _unit(after: str) -> str:
    """Return the unit, or number word, that comes next."""
    unit = _UNIT.match(after)
    if unit is None or unit[1].casefold() in NO_UNIT or "\n\n" in after[: unit.start(1)]:
        return ""
    return unit[1]


def _wrong(gold: Answer, answer: Answer, options: MathOptions) -> str:
    """Return why an answer is not the gold one; nothing if it is."""
    if not same(gold, answer, options):
        if answer.kind == "words" != gold.kind:
            return "format: no mathematical answer found: "
        values = [sympy_value(one) for one in answer.items or (answer,) if one.kind == "formula"]
        large = any(too_large(value) for value in values)
        return "answer: " + ("too large to evaluate: " if large else "")
    if options.percent == "exact" and gold.percent != answer.percent:
        return "percent sign differs: "
    if options.units == "require":
        units = ["%" * one.percent or one.unit for one in (gold, answer)]
        if units[0] and not same_unit(*units):
            return f"unit: {units[1] or 'none'}, not {units[0]}"
    return ""


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [math_verify]
