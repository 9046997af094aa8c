"""Verifier: the mathematical answer of the response equals the reference (math-verify).

math-verify's own time limits are alarms, which do not work outside the main thread; they are
switched off here, and the worker process's hard limit holds instead.
"""

from __future__ import annotations

import logging
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


@verifier(name="math_verify", version="2", options=MathOptions)
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
    if not _equal(gold, answer, options):
        return Verdict(Status.OK, False, rationale=f"answer: {shown}")
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
