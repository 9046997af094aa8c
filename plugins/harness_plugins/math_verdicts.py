"""Value against value: math-verify's verdict on two formulas, and a second opinion on it."""

from __future__ import annotations

from typing import Any, Literal

from harness_plugins.math_formulas import ready
from harness_plugins.math_numerals import Answer
from harness_plugins.math_options import MathOptions
from harness_plugins.math_sets import same_inequality, same_reals
from harness_plugins.math_size import too_large
from harness_plugins.math_value import close_values, near, numeric, sympy_value


def same_value(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    """Tell whether two answers have one value, be it a number, a formula or a relation."""
    first, second = sympy_value(gold), sympy_value(answer)
    if first is None or second is None:
        return False
    if too_large(second):
        if str(first) == str(second):
            return True
        if not too_large(first):
            return False
    first, second = _imaginary(first, second)
    second = _renumbered(first, _renamed(first, second))
    first, second = _values_of_functions(first, second)
    numbers = [numeric(first), numeric(second)]
    if (gold.rounded or answer.rounded) and all(numbers):
        return close_values(first, second, options.precision)
    if equal(first, second, options):
        return _agrees(first, second, options)
    return same_inequality(first, second) or same_reals(gold, answer)


def _renumbered(first: Any, second: Any) -> Any:
    """Give the whole number in a family of angles, ``2k pi``, the other's name."""
    from sympy import pi

    plain = type(first).__name__ == "Equality" != type(second).__name__
    both: list[set[Any]] = [
        getattr(value, "free_symbols", set()) for value in (first.rhs if plain else first, second)
    ]
    only = [list(both[0] - both[1]), list(both[1] - both[0])]
    if [len(one) for one in only] != [1, 1] or not {str(one[0]) for one in only} <= set("kmn"):
        return second
    return second.subs(only[1][0], only[0][0]) if first.has(pi) else second


def _renamed(first: Any, second: Any) -> Any:
    """Give the argument of a function that an equation defines the other's name."""
    left: Any = getattr(first, "lhs", None)
    right: Any = getattr(second, "lhs", None)
    if not (getattr(left, "is_Function", False) and getattr(right, "is_Function", False)):
        return second
    if left.func != right.func or not len(left.args) == len(right.args) == 1:
        return second
    old, new = right.args[0], left.args[0]
    if not (old.is_Symbol and new.is_Symbol) or new in getattr(second.rhs, "free_symbols", ()):
        return second
    return second.subs(old, new)


def _imaginary(first: Any, second: Any) -> tuple[Any, Any]:
    """Read i as the imaginary unit where no other letter stands, and 0.5 as a half."""
    from sympy import Float, I, Rational

    names: set[str] = set()
    for value in (first, second):
        names |= {str(symbol) for symbol in getattr(value, "free_symbols", ())}
    both = []
    for value in (first, second):
        if names == {"i"} and hasattr(value, "free_symbols"):
            value = value.subs({symbol: I for symbol in value.free_symbols})
        if numeric(value) and not value.is_Float:
            powers = {f: Rational(str(f)) for f in value.atoms(Float)}
            value = value.xreplace(powers)
        both.append(value)
    return both[0], both[1]


def _values_of_functions(first: Any, second: Any) -> tuple[Any, Any]:
    """``f(2) = 5`` says 5, where the other is a plain value."""
    values = [first, second]
    for n, other in ((0, second), (1, first)):
        left: Any = getattr(values[n], "lhs", None)
        if getattr(left, "is_Function", False) and type(values[n]).__name__ == "Equality":
            if (
                numeric(other)
                and not left.free_symbols
                and type(left.func).__name__ != "FunctionClass"
            ):
                values[n] = values[n].rhs
    return values[0], values[1]


def equal(first: Any, second: Any, options: MathOptions) -> bool:
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
    if numeric(first) and numeric(second):
        return near(first, second, options.precision)
    equations = [type(value).__name__ == "Equality" for value in (first, second)]
    if all(equations):
        return _same_equation(first, second)
    if equations[1] and not equations[0]:
        return not _unsolved(second.lhs, second.rhs)
    return may_state(first, second) == "value"


def may_state(gold: Any, answer: Any) -> Literal["value", "unsure", "no"]:
    """Return whether an equation may say a value, as ``V = s^3`` says ``s^3`` and ``a + b = 5`` 5.

    Of ``x + y = z``, ``a = b`` or a differential equation no side is the answer; ``x + y = 1`` may
    be a line as well as what the sum is. What is no equation, or compared with one, says its value.
    """
    if type(gold).__name__ != "Equality" or type(answer).__name__ == "Equality":
        return "value"
    left, right = gold.lhs, gold.rhs
    names = {str(letter) for letter in getattr(left, "free_symbols", ())}
    if getattr(left, "is_Symbol", False) and getattr(right, "is_Symbol", False):
        solved = names <= set("xyz") and (names == {"y"} or str(right) not in "xyz")
        return "value" if solved else "no"
    kind = type(left).__name__
    if not names or kind not in ("Add", "Mul", "Pow"):
        return "value"
    derived = any(mark in name for name in names for mark in ("_{d", "_{q", "_{p", "_d", "_p"))
    if kind == "Add" and (derived or not numeric(right)):
        return "no"
    curve = names <= set("xyz") and (kind == "Add" or len(names) > 1)
    return "unsure" if numeric(right) and (curve or right == 0) else "value"


def _unsolved(left: Any, right: Any) -> bool:
    """Tell whether an equation is still to be solved: ``x^2 = 9`` does not answer 9."""
    symbols: set[Any] = getattr(left, "free_symbols", set())
    if len(symbols) != 1 or left in symbols or getattr(right, "free_symbols", None):
        return False
    distance = type(left).__name__ == "Abs" and left.args[0] in symbols
    return distance or bool(left.is_polynomial(*symbols))


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
