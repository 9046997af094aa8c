"""What a sum of numbers and signs comes to, by the usual order of operations."""

from __future__ import annotations

from fractions import Fraction
from math import factorial, isqrt

MOST = 120
"""Tokens of one side of an equation that is read."""
_LARGEST = 40
"""Factorial that is read."""
DIGITS = 20
"""Of a root that is no fraction."""


def value_of(side: list[str]) -> Fraction | None:
    """Return what a side comes to; None where it is no sum."""
    if not side or len(side) > MOST:
        return None
    try:
        reading = _Reading(side)
        value = reading.sum()
        return value if reading.at == len(side) else None
    except (ValueError, ZeroDivisionError, RecursionError):
        return None


class _Reading:
    """Reads a side by the usual order of operations."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0

    @property
    def next(self) -> str:
        """The token that comes, empty at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        """Return the token that comes and go on."""
        token = self.next
        self.at += 1
        return token

    def sum(self) -> Fraction:
        """Read sums and differences."""
        value = self.product()
        while self.next in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self) -> Fraction:
        """Read products and quotients; a bracket after a value multiplies."""
        value = self.signed()
        while self.next in ("*", "/", "("):
            if self.next == "(":
                value *= self.power()
            elif self.take() == "*":
                value *= self.signed()
            else:
                value /= self.signed()
        return value

    def signed(self) -> Fraction:
        """Read a value with its sign."""
        if self.next == "-":
            self.take()
            return -self.signed()
        return self.power()

    def power(self) -> Fraction:
        """Read a value and the power to which it is raised."""
        value = self.atom()
        while self.next in ("%", "!"):
            value = value / 100 if self.take() == "%" else _factorial(value)
        if self.next != "^":
            return value
        self.take()
        exponent = -self.power() if self.next == "-" and self.take() else self.power()
        if exponent.denominator != 1 or abs(exponent) > 64:
            raise ValueError("no power that is read")
        if max(abs(value.numerator), value.denominator).bit_length() > 64:
            raise ValueError("too large")
        return value ** int(exponent)

    def atom(self) -> Fraction:
        """Read a number, a root or what stands in brackets."""
        token = self.take()
        if token == "(":
            value = self.sum()
            if self.take() != ")":
                raise ValueError("a bracket is open")
            return value
        if token == "root":
            return _root(self.atom())
        if not token[:1].isdigit() and token[:1] != ".":
            raise ValueError("no number")
        return Fraction(token)


def _factorial(value: Fraction) -> Fraction:
    if value.denominator != 1 or not 0 <= value <= _LARGEST:
        raise ValueError("no factorial that is read")
    return Fraction(factorial(int(value)))


def _root(value: Fraction) -> Fraction:
    if value < 0 or max(value.numerator, value.denominator).bit_length() > 1000:
        raise ValueError("no root")
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Fraction(top, bottom)
    scale = 10 ** (2 * DIGITS)
    return Fraction(isqrt(value.numerator * scale * scale // value.denominator), scale)
