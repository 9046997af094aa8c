"""Sets of real numbers, and the inequalities that say them: ``x > 1`` and ``(1, oo)``."""

from __future__ import annotations

import re
from typing import Any

from harness_plugins.math_numerals import Answer
from harness_plugins.math_value import numeric, sympy_value

_SIGNS = {
    "StrictLessThan": (1, 1), "StrictGreaterThan": (1, -1), "LessThan": (2, 1),
    "GreaterThan": (2, -1),
}  # fmt: skip


_CLOSED = re.compile(
    r"\[\s?[-+]?\s?\\infty|\\infty\s?(?:\\right\s?)?\]|\\leq?\s?[-+]?\s?\\infty|\\infty\s?\\geq?(?![A-Za-z])"
)


def reaches_infinity(text: str) -> bool:
    """Tell whether an interval is said to hold an infinite end, which none does."""
    return _CLOSED.search(text) is not None


def same_reals(gold: Answer, answer: Answer) -> bool:
    """Tell whether two are the same set of numbers: ``x > 1`` and ``(1, oo)``."""
    sets = [_reals(gold), _reals(answer)]
    if None in sets or sets[0] != sets[1]:
        return False
    letters = {letter for one in (gold, answer) for letter in _letters(one)}
    return len(letters) == 1 or (len(letters) < 2 and "\\cup" in gold.text + answer.text)


def _reals(answer: Answer) -> Any:
    """Return an interval, a relation of one letter to numbers, or several, as a set of numbers."""
    from sympy import And, Interval

    if answer.kind == "list":
        if answer.brackets in ("()", "[]", "[)", "(]") and len(answer.items) == 2:
            low, high = (sympy_value(item) for item in answer.items)
            if all(numeric(end) and end.is_extended_real for end in (low, high)):
                return Interval(low, high, answer.brackets[0] == "(", answer.brackets[1] == ")")
            return None
        if answer.brackets or answer.value not in ("and", "or"):
            return None
        parts = [_reals(item) for item in answer.items]
        if None in parts or len({_letter(item.value) for item in answer.items}) != 1:
            return None
        return _together(parts, answer.value == "or")
    value = sympy_value(answer)
    if type(value).__name__ in ("Interval", "Union"):
        return value
    if isinstance(value, And):
        parts = [_half_line(part) for part in value.args]
        if None in parts or _letter(value) is None:
            return None
        return _together(parts, False)
    return _half_line(value)


def _letters(answer: Answer) -> set[str]:
    values = [item.value for item in answer.items] or [answer.value]
    return {str(letter) for value in values for letter in getattr(value, "free_symbols", ())}


def _together(parts: list[Any], alternatives: bool) -> Any:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.union(part) if alternatives else whole.intersect(part)
    return whole


def _letter(value: Any) -> str | None:
    symbols: set[Any] = getattr(value, "free_symbols", set())
    return str(next(iter(symbols))) if len(symbols) == 1 else None


def _half_line(value: Any) -> Any:
    from sympy import Interval, oo

    kind = type(value).__name__
    if kind not in ("LessThan", "StrictLessThan", "GreaterThan", "StrictGreaterThan"):
        return None
    left, right, less = value.lhs, value.rhs, "Less" in kind
    if not left.is_Symbol:
        left, right, less = right, left, not less
    if not (left.is_Symbol and numeric(right) and right.is_extended_real):
        return None
    return (
        Interval(-oo, right, True, "Strict" in kind)
        if less
        else Interval(right, oo, "Strict" in kind, True)
    )


def same_inequality(first: Any, second: Any) -> bool:
    """Tell whether one inequality is a multiple of the other: ``2x > 6`` is ``x > 3``."""
    if (orders := _orders(first)) and orders == _orders(second):
        return True
    kinds = [_SIGNS.get(type(value).__name__) for value in (first, second)]
    if kinds[0] is None or kinds[1] is None or kinds[0][0] != kinds[1][0]:
        return False
    from sympy import simplify

    ratio = simplify((first.lhs - first.rhs) / (second.lhs - second.rhs))
    return bool(ratio.is_number and (ratio * kinds[0][1] * kinds[1][1]).is_positive)


def _orders(value: Any) -> frozenset[tuple[int, str, str]]:
    """Return what a chain of inequalities says, from the small to the large; nothing of others."""
    kind = type(value).__name__
    if kind == "And":
        parts = [_orders(part) for part in value.args]
        return frozenset().union(*parts) if all(parts) else frozenset()
    if kind == "Unequality":
        left, right = sorted((str(value.lhs), str(value.rhs)))
        return frozenset({(0, left, right)})
    if kind not in _SIGNS:
        return frozenset()
    strict, way = _SIGNS[kind]
    left, right = str(value.lhs), str(value.rhs)
    return frozenset({(strict, left, right) if way == 1 else (strict, right, left)})


def relation(value: Any) -> bool:
    """Tell whether a formula orders, or tells apart, its two sides."""
    return type(value).__name__ in (*_SIGNS, "And", "Unequality")
