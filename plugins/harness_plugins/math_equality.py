"""Whether two answers are the same: math-verify's verdict, and a second opinion on it.

math-verify says when two formulas are equal. What it takes too lightly is looked at again: kinds
(a set is no tuple, an open interval no closed one), tiny numbers, bases, words, and equations to
solve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness_plugins.math_formulas import formula, ready
from harness_plugins.math_numerals import Answer

_LONGEST = 200_000  # digits of the largest number that is evaluated
_ORDERED = ("(", "[", "<")


class MathOptions(BaseModel):
    r"""Options of ``math_verify``.

    Args:
        answer: Where the answer may stand: anywhere (in the last box, after an answer phrase, or
            the last expression of the text), or only in ``\boxed{}``.
        precision: Decimal places that must agree, and twice the significant digits.
        strict: Whether names of variables matter and sets differ from tuples.
        set_relations: Whether ``1 < x < 2`` and ``(1, 2)`` are equal.
        percent: ``either``: 50 % equals both 50 and 0.5; ``exact``: the sign must be there exactly
            when the reference has it.
        units: ``ignore`` them, or ``require`` the unit of the reference after the number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: Literal["any", "boxed"] = "any"
    precision: int = Field(default=6, ge=0, le=15)
    strict: bool = True
    set_relations: bool = False
    percent: Literal["either", "exact"] = "either"
    units: Literal["ignore", "require"] = "ignore"


def same(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    """Tell whether an answer is the gold one."""
    if gold.percent == answer.percent:
        return _same(gold, answer, options)
    if _same(_share(gold), _share(answer), options):
        return True
    small = answer.kind == "number" and answer.percent and abs(answer.value) < 1
    return not small and _same(gold, answer, options)


def _share(answer: Answer) -> Answer:
    if not answer.percent:
        return answer
    return replace(answer, value=answer.value / 100, text=f"({answer.text})/100")


def _same(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if gold.kind == answer.kind and gold.text.split() == answer.text.split():
        return True
    kinds = {gold.kind, answer.kind}
    if kinds & {"date", "based"}:
        return gold.kind == answer.kind and gold.value == answer.value
    if "time" in kinds:
        return _same_time(gold, answer, options)
    if "words" in kinds:
        return _same_words(gold, answer, options)
    if kinds == {"list"}:
        return _same_list(gold, answer, options)
    if kinds == {"number"}:
        if gold.rounded or answer.rounded:
            return close(gold.value, answer.value, options.precision)
        return bool(gold.value == answer.value)
    if options.strict and _misplaced(gold, answer):
        return False
    return _same_value(gold, answer, options)


def _same_time(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if gold.kind == answer.kind:
        half = not gold.value[3] or gold.value[3] == answer.value[3]
        return bool(half and gold.value[:3] == answer.value[:3])
    if "formula" in (gold.kind, answer.kind) and (":" in gold.text and ":" in answer.text):
        return _same_value(gold, answer, options)  # a ratio
    return False


def _same_words(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if gold.kind == answer.kind:
        one = len(gold.value) == len(answer.value) == 1
        if gold.value == answer.value or options.strict or not one:
            return bool(gold.value == answer.value)
    if any(len(a.value) > 1 for a in (gold, answer) if a.kind == "words"):
        return False
    return _same_value(gold, answer, options)


def _same_list(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if options.strict and gold.name and answer.name and gold.name != answer.name:
        return False
    ordered = [a.brackets.startswith(_ORDERED) for a in (gold, answer)]
    pairs = [gold.brackets, answer.brackets]
    if all(ordered):
        if pairs[0] != pairs[1] and (len(gold.items) < 3 or not set(pairs) <= {"()", "[]", "<>"}):
            return options.set_relations and _same_value(gold, answer, options)
        return _in_order(gold.items, answer.items, options)
    if any(ordered):
        tuple_, other = pairs if ordered[0] else pairs[::-1]
        if not options.strict:
            return _in_any_order(gold.items, answer.items, options)
        if other == "{}" or tuple_ not in ("()", "<>"):
            return False
        if ordered[1] and len({item.name for item in gold.items} - {""}) < len(gold.items):
            return False  # values without names are in no order
        return _in_order(gold.items, answer.items, options)
    named = [bool([i for i in a.items if i.name]) for a in (gold, answer)]
    if named[0] != named[1] and len({_base(i.name) for a in (gold, answer) for i in a.items}) > 2:
        return _in_order(gold.items, answer.items, options)
    return _in_any_order(gold.items, answer.items, options)


def _base(name: str) -> str:
    """A name without its number: roots of one equation may be given in any order."""
    return name.split("_")[0].split("(")[0].rstrip("0123456789")


def _in_order(gold: Sequence[Answer], answer: Sequence[Answer], options: MathOptions) -> bool:
    if len(gold) != len(answer):
        return False
    return all(same(g, a, options) for g, a in zip(gold, answer, strict=True))


def _in_any_order(gold: Sequence[Answer], answer: Sequence[Answer], options: MathOptions) -> bool:
    """Compare as sets: what is said twice is said."""
    missing = set(range(len(gold)))
    for found in answer:
        places = [n for n, wanted in enumerate(gold) if same(wanted, found, options)]
        if not places:
            return False
        missing -= set(places)
    return not missing


def _misplaced(gold: Answer, answer: Answer) -> bool:
    """Tell whether one is a list in order and the other a set, which math-verify may let pass."""
    for one, other in ((gold, answer), (answer, gold)):
        if one.kind == "list" and one.brackets.startswith(_ORDERED):
            value = sympy_value(other)
            return type(value).__name__ in ("FiniteSet",)
    return False


def _same_value(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    first, second = sympy_value(gold), sympy_value(answer)
    if first is None or second is None:
        return False
    if too_large(second):
        if str(first) == str(second):
            return True
        if not too_large(first):
            return False
    second = _renamed(first, second)
    numbers = [_numeric(first), _numeric(second)]
    if (gold.rounded or answer.rounded) and all(numbers):
        return _close_values(first, second, options.precision)
    if _equal(first, second, options):
        return _agrees(first, second, options)
    return _same_inequality(first, second)


def _renamed(first: Any, second: Any) -> Any:
    """Give the argument of a function that an equation defines the other's name."""
    left: Any = getattr(first, "lhs", None)
    right: Any = getattr(second, "lhs", None)
    if not (getattr(left, "is_Function", False) and getattr(right, "is_Function", False)):
        return second
    if left.func != right.func or not len(left.args) == len(right.args) == 1:
        return second
    symbols = left.args[0].is_Symbol and right.args[0].is_Symbol
    return second.subs(right.args[0], left.args[0]) if symbols else second


def sympy_value(answer: Answer) -> Any:
    """Return an answer as an object of sympy, or None."""
    if answer.kind == "number":
        from sympy import Rational

        return Rational(answer.value.numerator, answer.value.denominator)
    if answer.kind == "formula":
        return answer.value
    return formula(answer.text)


def close(gold: Any, answer: Any, precision: int) -> bool:
    """Tell whether two numbers agree in their decimal places, and half as many digits at least."""
    if round(gold, precision) != round(answer, precision):
        return False
    largest = max(abs(gold), abs(answer))
    return bool(abs(gold - answer) <= largest * Fraction(1, 10) ** (precision // 2))


def _numeric(value: Any) -> bool:
    return bool(getattr(value, "is_number", False)) and not getattr(value, "is_Matrix", False)


def _close_values(first: Any, second: Any, precision: int) -> bool:
    """Compare numbers of which one is rounded, by their real and imaginary parts."""
    from sympy import im, re

    try:
        for part in (re, im):
            values = [Fraction(str(part(one.doit()).evalf(40))) for one in (first, second)]
            if not close(values[0], values[1], precision):
                return False
    except (TypeError, ValueError, ArithmeticError):
        return False
    return True


def _equal(first: Any, second: Any, options: MathOptions) -> bool:
    """Return math-verify's verdict."""
    ready()
    from math_verify import verify

    return bool(
        verify(
            [first],
            [second],
            float_rounding=options.precision,
            strict=options.strict,
            allow_set_relation_comp=options.set_relations,
            timeout_seconds=None,
        )
    )


def _agrees(first: Any, second: Any, options: MathOptions) -> bool:
    """Return the second opinion on a verdict that two formulas are equal."""
    if _numeric(first) and _numeric(second):
        return _near(first, second, options.precision)
    equations = [type(value).__name__ == "Equality" for value in (first, second)]
    if all(equations):
        return _same_equation(first, second)
    if equations[1] and not equations[0]:
        return not _unsolved(second.lhs, second.rhs)
    return True


def _near(first: Any, second: Any, precision: int) -> bool:
    """Tell whether the difference of two numbers is small beside them, too."""
    try:
        values = [value.doit().evalf(40) for value in (first, second)]
        largest = max(abs(value) for value in values)
        small = Fraction(1, 10) ** (precision // 2)
        return bool(abs(values[0] - values[1]) <= largest * small.numerator / small.denominator)
    except (TypeError, ValueError, ArithmeticError):
        return True


def _same_equation(first: Any, second: Any) -> bool:
    """Tell whether two equations hold for the same values: also where they hold for none."""
    from sympy import simplify, solve

    if str(first) == str(second):
        return True
    try:
        ratio = simplify((first.lhs - first.rhs) / (second.lhs - second.rhs))
        if ratio.is_number and ratio.is_finite and ratio != 0:
            return True
        return bool(solve(first, first.free_symbols))
    except (TypeError, ValueError, ArithmeticError, NotImplementedError, AttributeError):
        return True


def _same_inequality(first: Any, second: Any) -> bool:
    """Tell whether one inequality is a multiple of the other: ``2x > 6`` is ``x > 3``."""
    signs = {"StrictLessThan": (1, 1), "StrictGreaterThan": (1, -1), "LessThan": (2, 1)}
    signs |= {"GreaterThan": (2, -1)}
    kinds = [signs.get(type(value).__name__) for value in (first, second)]
    if kinds[0] is None or kinds[1] is None or kinds[0][0] != kinds[1][0]:
        return False
    from sympy import simplify

    ratio = simplify((first.lhs - first.rhs) / (second.lhs - second.rhs))
    return bool(ratio.is_number and (ratio * kinds[0][1] * kinds[1][1]).is_positive)


def _unsolved(left: Any, right: Any) -> bool:
    """Tell whether an equation is still to be solved: ``x^2 = 9`` does not answer 9."""
    symbols: set[Any] = getattr(left, "free_symbols", set())
    if len(symbols) != 1 or left in symbols or getattr(right, "free_symbols", None):
        return False
    distance = type(left).__name__ == "Abs" and left.args[0] in symbols
    return distance or bool(left.is_polynomial(*symbols))


# -- what is too large to evaluate --------------------------------------------------------------


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
