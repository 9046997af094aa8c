"""Verifier: the response has the form of a regular expression."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from harness.plugin import (
    Item,
    Response,
    RunContext,
    SourceFactory,
    Status,
    Verdict,
    hookimpl,
    verifier,
)

LIMIT_S = 5.0
"""Seconds for one response; a pattern that does not backtrack for ever takes milliseconds."""


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


def count_matches(pattern: str, whole: bool, text: str) -> int:
    """Return how often a pattern matches; runs in a worker, since it may never end."""
    compiled = re.compile(pattern, re.DOTALL | re.MULTILINE)
    if whole:
        return int(compiled.fullmatch(text.strip()) is not None)
    return sum(1 for _ in compiled.finditer(text))


# The worker has the limit, which waiting for it does not use up.
@verifier(name="regex_format", version="3", options=RegexOptions, timeout_s=math.inf)
async def regex_format(
    item: Item, response: Response, options: RegexOptions, ctx: RunContext
) -> Verdict:
    """Match the response; a pattern that backtracks for ever is stopped, and named."""
    limit = min(LIMIT_S, ctx.limits.timeout_s)
    call = (options.pattern, options.match == "whole", response.text)
    (outcome,) = await ctx.workers.run(f"{__name__}:count_matches", [call], limit)
    if outcome.status is not Status.OK:
        reason = f"pattern {options.pattern[:200]!r}: {outcome.reason}"
        return Verdict(outcome.status, rationale=reason)
    count = int(outcome.value)
    if options.at_most is not None and count > options.at_most:
        return Verdict(Status.OK, False, rationale=f"format: {count} matches")
    found = count > 0
    reason = "" if found is not options.forbidden else f"format: {count} matches"
    return Verdict(Status.OK, found is not options.forbidden, rationale=reason)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [regex_format]
