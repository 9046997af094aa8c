"""Verifier: the mathematical answer of the response equals the reference (math-verify).

math-verify's own time limits are alarms, which do not work outside the main thread; they are
switched off here, and the worker process's hard limit holds instead. Before anything is evaluated,
a look at an answer tells whether it is a number too large to write out, such as 9**9**9**9.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.plugin import (
    Item,
    MissingExtraError,
    Response,
    SourceFactory,
    Status,
    Verdict,
    hookimpl,
    verifier,
)

_PERCENT = r"(?:\s|[}$])*\\?%"
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SPACE = r"(?:\s|~|\\[,;: ]|\\(?:text|mathrm|textrm)\s*\{|\{|\$)*"
_LONGEST = 200_000  # digits of the largest number that is evaluated
_UNIT = _SPACE + r"([A-Za-z\u00b0\u00b5][\w/^\u00b2\u00b3]*)"


class MathOptions(BaseModel):
    r"""Options of ``math_verify``.

    Args:
        answer: Where the answer may stand: anywhere (the last expression after an answer phrase, in
            a box or in the text counts), or only in ``\boxed{}``.
        precision: Decimal places that must agree.
        strict: Whether names of variables matter and sets differ from tuples.
        set_relations: Whether ``1 < x < 2`` and ``(1, 2)`` are equal.
        percent: ``either``: 50 % equals both 50 and 0.5; ``exact``: the sign must be there exactly
            when the reference has it.
        units: ``ignore`` them, or ``require`` the unit of the reference after the number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: Literal["any", "boxed"] = "any"
    precision: int = Field(default=6, ge=0, le=15)
    strict: bool = True
    set_relations: bool = False
    percent: Literal["either", "exact"] = "either"
    units: Literal["ignore", "require"] = "ignore"


def warm_up() -> None:
    """Import sympy and run everything once."""
    _equal(_parse("$\\frac{1}{2}$"), _parse("0.5"), MathOptions())


@verifier(name="math_verify", version="3", options=MathOptions, cpu_s=1.0, preload=warm_up)
def math_verify(item: Item, response: Response, options: MathOptions) -> Verdict:
    """Compare the answer of a response with the reference as mathematical objects."""
    gold_text = _reference(item.reference)
    if not gold_text:
        return Verdict(Status.ABSTAINED, rationale="the item has no reference")
    gold = _parse(gold_text)
    if not gold and "\\" in gold_text:
        gold = _parse(f"${gold_text}$")
    if not gold:
        return Verdict(
            Status.ABSTAINED, rationale=f"the reference is no mathematics: {gold_text!r:.80}"
        )
    if options.answer == "boxed" and "\\boxed" not in response.text:
        return Verdict(Status.OK, False, rationale="format: no \\boxed{} answer")
    answer = _parse(response.text, boxed_only=options.answer == "boxed")
    if not answer:
        return Verdict(Status.OK, False, rationale="format: no mathematical answer found")
    shown = str(answer[-1])[:80]
    if not _same(gold, answer, options):
        large = "too large to evaluate: " if _too_large(answer) else ""
        return Verdict(Status.OK, False, rationale=f"answer: {large}{shown}")
    if options.percent == "exact" and _percent(gold_text, gold) != _percent(response.text, answer):
        return Verdict(Status.OK, False, rationale=f"percent sign differs: {shown}")
    if options.units == "require":
        wanted, found = _unit(gold_text, gold), _unit(response.text, answer)
        if wanted and wanted != found:
            return Verdict(Status.OK, False, rationale=f"unit: {found or 'none'}, not {wanted}")
    return Verdict(Status.OK, True, rationale=f"answer: {shown}")


def _reference(reference: Any) -> str:
    """Return the gold answer; of a worked solution what stands after its last ``####``."""
    return "" if reference is None else str(reference).rsplit("####", 1)[-1].strip()


def _parse(text: str, boxed_only: bool = False) -> list[Any]:
    """Return what math-verify extracts: the expression, then its text."""
    try:
        from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse
    except ImportError as error:
        raise MissingExtraError("math_verify", "math") from error
    # Switching off its alarms makes it warn, once a process.
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    if boxed_only:
        start = text.rfind("\\boxed")
        configs = [LatexExtractionConfig(boxed_match_priority=0)]
        return list(parse(text[start:], configs, parsing_timeout=None))
    return list(
        parse(text, [LatexExtractionConfig(), ExprExtractionConfig()], parsing_timeout=None)
    )


def _equal(gold: list[Any], answer: list[Any], options: MathOptions) -> bool:
    from math_verify import verify

    return bool(
        verify(
            gold,
            answer,
            float_rounding=options.precision,
            strict=options.strict,
            allow_set_relation_comp=options.set_relations,
            timeout_seconds=None,
        )
    )


def _same(gold: list[Any], answer: list[Any], options: MathOptions) -> bool:
    """Tell whether two answers are equal; what is too large is equal only as it is written."""
    if _too_large(answer):
        if str(gold[-1]) == str(answer[-1]):
            return True
        if not _too_large(gold):
            return False
    return _equal(gold, answer, options)


def _too_large(parsed: list[Any]) -> bool:
    """Tell whether evaluating what was extracted would write out an immense number."""
    return not isinstance(parsed[0], str) and _look(parsed[0])[1] > _LONGEST


def _look(expression: Any) -> tuple[float, float]:
    """Return a bound of the decimal logarithm of a value, and of the digits that it takes."""
    if getattr(expression, "is_Rational", False):
        p, q = (_logarithm(int(part)) for part in (expression.p, expression.q))
        return p - q, p + q
    if getattr(expression, "is_Float", False):
        _, _, exponent, bits = expression._mpf_
        return (exponent + bits) * math.log10(2), 0.0
    parts = [_look(part) for part in getattr(expression, "args", ())]
    if not parts:
        return 1.0 if getattr(expression, "is_number", False) else 0.0, 0.0
    sizes, digits = [size for size, _ in parts], max(digits for _, digits in parts)
    count = 10.0 ** min(sizes[-1], 300.0)  # the exponent, or what a factorial is taken of
    kind = type(expression).__name__
    size = max(sizes)
    if kind == "Pow":
        size = abs(sizes[0]) * count
        digits = max(digits, max(parts[0][1], abs(sizes[0])) * count)
    elif kind in ("factorial", "factorial2", "gamma", "subfactorial", "RisingFactorial"):
        size = count * max(sizes[-1], 0.0)
        digits = max(digits, size)
    elif kind == "binomial":
        size = 10.0 ** min(sizes[0], 300.0) * math.log10(2)
        digits = max(digits, size)
    elif kind == "Mul":
        size = sum(sizes)
    elif kind == "Add":
        size += math.log10(len(sizes))
    return size, digits


def _logarithm(number: int) -> float:
    return math.log10(abs(number)) if number else 0.0


def _percent(text: str, parsed: list[Any]) -> bool:
    """Tell whether the extracted number has a percent sign: LaTeX keeps it, plain text drops it."""
    number, text = (_THOUSANDS.sub("", part) for part in (str(parsed[-1]), text))
    sign = re.search(r"(?<![\d.])" + re.escape(number) + _PERCENT, text)
    return number.endswith("%") or sign is not None


def _unit(text: str, parsed: list[Any]) -> str:
    """Return the word that follows the last occurrence of the extracted number."""
    units = re.findall(re.escape(str(parsed[-1])) + _UNIT, text)
    return str(units[-1]) if units else ""


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [math_verify]
