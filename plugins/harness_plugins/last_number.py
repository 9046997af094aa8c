"""Verifiers: the last number of the response equals the reference, or is near it."""

import re
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from math import factorial

from pydantic import BaseModel, ConfigDict, Field

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


class NearOptions(BaseModel):
    """Options of ``near_number``.

    Attributes:
        within: So far off the number may be.
        share: Whether that is a share of the reference: 0.1 is a tenth of it.
    """

    model_config = ConfigDict(extra="forbid")

    within: float = Field(gt=0, allow_inf_nan=False)
    share: bool = False


@verifier(name="near_number", version="1", options=NearOptions)
def near_number(item: Item, response: Response, options: NearOptions) -> bool | None:
    """Tell whether the last number of the response is near the reference; no number is not.

    It is read as ``last_number`` reads it; where it may be several numbers, they must be near all
    or none, or it is not decided.
    """
    gold = None if item.reference is None else number_of(str(item.reference))
    if gold is None:
        return None
    text = without_exponents(plain(response.text))
    last = deque(numbers(text), maxlen=1)
    if not last:
        return False
    number = signed(text, last[0])
    readings: set[Fraction | int | None] = {number.value, *number.perhaps}
    if _EXCLAIMED.match(text, number.end) and number.value is not None:
        readings.add(_factorial(number.value))
    furthest = Fraction(str(options.within)) * (abs(gold) if options.share else 1)
    near = {one is not None and abs(one - gold) <= furthest for one in readings}
    return near.pop() if len(near) == 1 else None


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifiers."""
    return [last_number, near_number]
