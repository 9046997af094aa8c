"""Verifier: the last number of the response equals the reference."""

from collections import deque
from collections.abc import Sequence

from harness.plugin import Item, Response, SourceFactory, hookimpl, verifier
from harness_plugins.written_numbers import number_of, numbers, plain, signed


@verifier(name="last_number", version="3")
def last_number(item: Item, response: Response) -> bool | None:
    """Compare the last number of the response with the reference; no number is a wrong answer.

    It is read whole, with its sign, groups of digits, fraction or power of ten; digits that stand
    together and are no number (12:30, 3,5) are a wrong answer. Units and percent signs do not
    count.
    """
    gold = None if item.reference is None else number_of(str(item.reference))
    if gold is None:
        return None
    text = plain(response.text)
    last = deque(numbers(text), maxlen=1)
    return bool(last) and signed(text, last[0]).value == gold


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [last_number]
