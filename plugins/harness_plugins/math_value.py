"""The value of an answer, and whether two numbers are close to each other."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from harness_plugins.math_formulas import formula
from harness_plugins.math_numerals import Answer
from harness_plugins.math_size import too_large

_NUMERAL = re.compile(
    r"(?P<whole>\d+)?(?:\.(?P<part>\d*))?(?:[eE](?P<power>-?\d{1,4}))?"
    r"(?:\s*(?:\\times|\\cdot|\*|x)\s*10\s*(?:\^|\*\*)\s*(?P<ten>-?\d{1,4}))?"
)


def sympy_value(answer: Answer) -> Any:
    """Return an answer as an object of sympy, or None."""
    if answer.kind == "number":
        from sympy import Rational

        return Rational(answer.value.numerator, answer.value.denominator)
    if answer.kind == "formula":
        return answer.value
    return formula(answer.text)


def is_number(answer: Answer) -> bool:
    """Tell whether an answer is one number."""
    return answer.kind == "number" or (answer.kind == "formula" and numeric(answer.value))


def single(value: Any) -> bool:
    """Tell whether a formula is one expression or equation, and so no set and no several values."""
    from sympy import Equality, Expr

    return isinstance(value, Expr | Equality)


def expression(value: Any) -> bool:
    """Tell whether a formula is one expression, a number or not, that can be multiplied."""
    from sympy import Expr

    return isinstance(value, Expr)


def rounds_to(value: Any, answer: Answer, about: bool = False, cut: bool = False) -> bool:
    """Tell whether a number is another one, or it rounded to the digits of a numeral.

    Args:
        value: What is rounded.
        answer: The numeral.
        about: Whether it is said to be rounded, so that its last zeros may be no digits.
        cut: Whether its digits go on, so that they need not be rounded.
    """
    share = 100 if answer.percent else 1
    if too_large(value):
        return False
    if near(value, sympy_value(answer) / share, 20):
        return True
    if answer.kind != "number":
        return False
    if not about and (answer.percent or (abs(answer.value) < 10 and "." not in answer.text)):
        return False
    last = _last_digit(answer.text, zeros=about) / share
    try:
        off = Fraction(str(value.doit().evalf(40))) - answer.value / share
    except (TypeError, ValueError, ArithmeticError):
        return False
    onward = 0 <= off < last if answer.value >= 0 else -last < off <= 0
    return bool(abs(off) <= last / 2 or (cut and onward))


def _last_digit(numeral: str, zeros: bool) -> Fraction:
    r"""Return what the last digit of a numeral stands for.

    Args:
        numeral: ``3.14``, ``1200``, ``1.2 \times 10^{6}``.
        zeros: Whether zeros at the end of a whole number may be no digits.
    """
    found = _NUMERAL.search(re.sub(r"(?<=\d)(?:,|\\[,!])+(?=\d{3})|[{}()$]|^[^\d.]+", "", numeral))
    if found is None:
        return Fraction(1)
    places = len(found["part"] or "")
    power = int(found["power"] or found["ten"] or 0)
    if not places and zeros and found["whole"]:
        places = -(len(found["whole"]) - len(found["whole"].rstrip("0") or "0"))
    return Fraction(10) ** (power - places)


def numeric(value: Any) -> bool:
    """Tell whether a formula is one number."""
    return (
        bool(getattr(value, "is_number", False))
        and hasattr(value, "evalf")
        and not getattr(value, "is_Matrix", False)
    )


def close(gold: Any, answer: Any, precision: int) -> bool:
    """Tell whether two numbers agree in their decimal places, and half as many digits at least."""
    if round(gold, precision) != round(answer, precision):
        return False
    largest = max(abs(gold), abs(answer))
    return bool(abs(gold - answer) <= largest * Fraction(1, 10) ** (precision // 2))


def close_values(first: Any, second: Any, precision: int) -> bool:
    """Compare numbers of which one is rounded, by their real and imaginary parts."""
    from sympy import im
    from sympy import re as real

    try:
        for part in (real, im):
            values = [Fraction(str(part(one.doit()).evalf(40))) for one in (first, second)]
            if not close(values[0], values[1], precision):
                return False
    except (TypeError, ValueError, ArithmeticError):
        return False
    return True


def near(first: Any, second: Any, precision: int) -> bool:
    """Tell whether the difference of two numbers is small beside them, too."""
    try:
        values = [value.doit().evalf(40) for value in (first, second)]
        largest = max(abs(value) for value in values)
        small = Fraction(1, 10) ** (precision // 2)
        return bool(abs(values[0] - values[1]) <= largest * small.numerator / small.denominator)
    except (TypeError, ValueError, ArithmeticError):
        return True
