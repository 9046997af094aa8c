r"""Equations of three sides and more that say how letters stand to each other: ``x = 2y = 3z``.

Of ``S = ab = 6`` the last side is the value of S. Of ``a = b = c`` no side and no part is the
answer; the whole is, in any order, and what says the same: ``a = b, b = c``.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from harness_plugins.math_equations import sides_of
from harness_plugins.math_formulas import formula
from harness_plugins.math_numerals import Answer
from harness_plugins.math_value import numeric, sympy_value

_NAME = re.compile(r"\\?[A-Za-z]+(?:_\{?\w+\}?)?(?:\([^()]*\))?|\\overline\{?[A-Z]{2}\}?")
_LONE = re.compile(r"\\?[A-Za-z](?:_\{?\w+\}?)?|[A-Z]{2}|\\[A-Za-z]{2,9}")
_SEGMENT = re.compile(r"[A-Z]{2}")
_OTHER = re.compile(
    r"[<>,;]|\\(?:[lg]eq?|neq?|approx|equiv|begin|q?quad|text|pm|mp)(?![A-Za-z])|\b(?:and|or)\b"
)
_MOST = 8
"""Sides of a chain, and letters in it; what has more is compared as it is written."""


def linked(bare: str) -> Answer | None:
    """Read a chain of equations between letters; None where the last side is a name's value."""
    if "=" not in bare or _OTHER.search(bare):
        return None
    sides = sides_of(bare)
    if not 3 <= len(sides) <= _MOST or sum(bool(re.search("[A-Za-z]", s)) for s in sides) < 2:
        return None
    values = [_value(side) for side in sides]
    if any(value is None for value in values) or _is_value_of_a_name(sides, values):
        return None
    items = tuple(Answer(s, "formula", v) for s, v in zip(sides, values, strict=True))
    return Answer(bare, "chain", None, items)


def value_of_a_name(bare: str) -> str:
    """Write ``S = ab = 6`` as ``S = 6``; nothing of a chain that states no value of a name."""
    sides = sides_of(bare)
    if not 3 <= len(sides) <= _MOST or _OTHER.search(bare):
        return ""
    if not re.search("[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", "".join(sides[1:-1]))):
        return ""
    values = [_value(side) for side in sides]
    known = all(value is not None for value in values) and _is_value_of_a_name(sides, values)
    return f"{sides[0]}={sides[-1]}" if known else ""


def _is_value_of_a_name(sides: list[str], values: list[Any]) -> bool:
    if not _NAME.fullmatch(sides[0]) or any(_LONE.fullmatch(side) for side in sides[1:-1]):
        return False
    if numeric(values[-1]):
        return True
    return all(_identical(one, values[-1]) for one in values[1:-1])


def _identical(one: Any, other: Any) -> bool:
    from sympy import simplify

    try:
        return bool(simplify(one - other) == 0)
    except (TypeError, ValueError, ArithmeticError, AttributeError, NotImplementedError):
        return False


def _value(side: str) -> Any:
    from sympy import Symbol

    if _SEGMENT.fullmatch(side):
        return Symbol("".join(sorted(side)))  # the length of a segment
    value = formula(side)
    return value if hasattr(value, "free_symbols") and not hasattr(value, "lhs") else None


def same_chain(gold: Answer, answer: Answer) -> bool:
    """Tell whether an answer says of the letters of a chain what the chain does."""
    if answer.kind == "chain" and _same_sides(gold, answer):
        return True
    systems = [_system(one) for one in (gold, answer)]
    if not all(systems):
        return False
    rows = [_rows(one, systems) for one in systems]
    return rows[0] is not None and rows[0] == rows[1]


def is_side(gold: Answer, answer: Answer) -> bool:
    """Tell whether an answer is one side of a chain, which may be meant by it."""
    value = sympy_value(answer)
    return value is not None and any(
        _identical(item.value, value) for item in gold.items if item.value is not None
    )


def _same_sides(gold: Answer, answer: Answer) -> bool:
    first, second = ([item.value for item in one.items] for one in (gold, answer))
    return all(any(_identical(one, other) for other in second) for one in first) and all(
        any(_identical(one, other) for other in first) for one in second
    )


def _system(answer: Answer) -> list[Any]:
    """Return what is 0 where an answer holds; nothing of what is no system of equations."""
    if answer.kind == "chain":
        values = [item.value for item in answer.items]
        return [one - other for one, other in pairwise(values)]
    if answer.kind != "list" or answer.brackets not in ("", "{}") or answer.value == "or":
        return []
    found: list[Any] = []
    for item in answer.items:
        sides = [_value(side) for side in sides_of(item.text)]
        if len(sides) < 2 or any(side is None for side in sides):
            return []
        found += [one - other for one, other in pairwise(sides)]
    return found


def _rows(system: list[Any], both: list[list[Any]]) -> Any:
    """Return the reduced rows of a linear system; None of others."""
    from sympy import Matrix, linear_eq_to_matrix
    from sympy.solvers.solveset import NonlinearError

    letters: set[Any] = set()
    for one in both:
        for value in one:
            letters |= value.free_symbols
    if not letters or len(letters) > _MOST or len(system) > 2 * _MOST:
        return None
    try:
        left, right = linear_eq_to_matrix(system, *sorted(letters, key=str))
    except (NonlinearError, ValueError):
        return None
    rows, pivots = Matrix(left).row_join(right).rref()
    return rows[: len(pivots), :]
