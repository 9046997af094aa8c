"""Verifier: the last number of the response equals the reference."""

import re
from collections.abc import Sequence

from harness.plugin import Item, Response, SourceFactory, hookimpl, verifier

_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")


@verifier(name="last_number", version="1")
def last_number(item: Item, response: Response) -> bool | None:
    """Compare the last number of the response with the reference; no number is a wrong answer."""
    try:
        gold = float(str(item.reference).replace(",", ""))
    except ValueError:
        return None
    found = _NUMBER.findall(response.text)
    return bool(found) and float(found[-1].replace(",", "")) == gold


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [last_number]
