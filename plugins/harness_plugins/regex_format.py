"""Verifier: the response has the form of a regular expression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from harness.plugin import Item, Response, SourceFactory, Status, Verdict, hookimpl, verifier


class RegexOptions(BaseModel):
    """Options of ``regex_format``.

    Args:
        pattern: Python regular expression; ``.`` matches line ends too, ``^`` and ``$`` match at
            lines.
        match: ``whole`` response, or ``anywhere`` in it.
        at_most: How often it may match, when it may match anywhere; a model that repeats the form
            over and over has not answered.
        forbidden: Whether a match is wrong rather than right.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str
    match: Literal["whole", "anywhere"] = "whole"
    at_most: int | None = None
    forbidden: bool = False

    @field_validator("pattern")
    @classmethod
    def compiles(cls, pattern: str) -> str:
        """Refuse what is no regular expression."""
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern


@verifier(name="regex_format", version="2", options=RegexOptions)
def regex_format(item: Item, response: Response, options: RegexOptions) -> Verdict:
    """Match the response; a pattern that backtracks for ever is stopped by the worker's limit."""
    pattern = re.compile(options.pattern, re.DOTALL | re.MULTILINE)
    if options.match == "whole":
        count = int(pattern.fullmatch(response.text.strip()) is not None)
    else:
        count = sum(1 for _ in pattern.finditer(response.text))
    if options.at_most is not None and count > options.at_most:
        return Verdict(Status.OK, False, rationale=f"format: {count} matches")
    found = count > 0
    reason = "" if found is not options.forbidden else f"format: {count} matches"
    return Verdict(Status.OK, found is not options.forbidden, rationale=reason)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [regex_format]
