"""Verifier: the last number of the response equals the reference."""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from harness.plugin import Item, Response, SourceFactory, hookimpl, verifier

# After a letter or a digit a minus is a hyphen or a subtraction, not a sign.
_NUMBER = re.compile(r"(?:(?<!\w)-)?\d+(?:,\d{3})*(?:\.\d+)?")


@verifier(name="last_number", version="2")
def last_number(item: Item, response: Response) -> bool | None:
    """Compare the last number of the response with the reference; no number is a wrong answer."""
    try:
        gold = Decimal(str(item.reference).replace(",", ""))
    except InvalidOperation:
        return None
    if not gold.is_finite():
        return None
    found = _NUMBER.findall(response.text)
    return bool(found) and Decimal(found[-1].replace(",", "")) == gold


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [last_number]
