"""Verifier: the last number of the response equals the reference."""

import re
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from math import factorial

from harness.plugin import Item, Response, SourceFactory, hookimpl, verifier
from harness_plugins.written_numbers import number_of, numbers, plain, signed, without_exponents

_EXCLAIMED = re.compile(r"!(?!=)")
_LARGEST = 40


@verifier(name="last_number", version="4")
def last_number(item: Item, response: Response) -> bool | None:
    """Compare the last number of the response with the reference; no number is a wrong answer.

    ``5!`` may be 120 or an exclamation, so that neither 5 nor 120 is decided; so it is with what
    words may mean: "3 quarters", "2 and 1/2", "the sum minus 3".

    It is read whole, with its sign, groups of digits, fraction or power of ten; digits that stand
    together and are no number (12:30, 3,5) are a wrong answer. Units and percent signs do not
    count.
    """
    gold = None if item.reference is None else number_of(str(item.reference))
    if gold is None:
        return None
    text = without_exponents(plain(response.text))
    last = deque(numbers(text), maxlen=1)
    if not last:
        return False
    number = signed(text, last[0])
    if _EXCLAIMED.match(text, number.end) and number.value is not None:
        return None if gold in (number.value, _factorial(number.value)) else False
    if gold in number.perhaps:
        return None
    return number.value == gold


def _factorial(value: Fraction) -> int | None:
    return factorial(int(value)) if value.denominator == 1 and 0 <= value <= _LARGEST else None


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [last_number]
