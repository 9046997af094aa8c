"""Which numbers are too large to write out."""

from __future__ import annotations

import math
from typing import Any

_LONGEST = 200_000  # digits of the largest number that is evaluated


def too_large(value: Any) -> bool:
    """Tell whether evaluating what was read would write out an immense number."""
    return _look(value)[1] > _LONGEST


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
