"""Whether two answers are the same: math-verify's verdict, and a second opinion on it.

math-verify says when two formulas are equal. What it takes too lightly is looked at again: kinds
(a set is no tuple, an open interval no closed one), tiny numbers, bases, words, and equations to
solve.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness_plugins.math_formulas import formula, ready
from harness_plugins.math_numerals import Answer
from harness_plugins.math_units import contradicts

_LONGEST = 200_000  # digits of the largest number that is evaluated
_SIGNS = {
    "StrictLessThan": (1, 1), "StrictGreaterThan": (1, -1), "LessThan": (2, 1),
    "GreaterThan": (2, -1),
}  # fmt: skip
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
    if _points(gold.name) != _points(answer.name) and gold.name and answer.name:
        return False
    if gold.text != answer.text and contradicts(gold.unit, answer.unit):
        return False
    if answer.percent and gold.unit:
        return False
    if gold.percent == answer.percent:
        return _same(gold, answer, options)
    if _same(_share(gold), _share(answer), options):
        return True
    small = any(one.kind == "number" and one.percent and abs(one.value) < 1
                for one in (gold, answer))  # fmt: skip
    return not small and _same(gold, answer, options)


def _points(name: str) -> str:
    """Return the points that name an angle: from either side they are the same."""
    points = re.sub(r"[^A-Z]", "", name) if "\\angle" in name else ""
    return min(points, points[::-1])


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
    if "choice" in kinds:
        return _same_choice(gold, answer, options)
    if "time" in kinds:
        return _same_time(gold, answer, options)
    if "ratio" in kinds:
        return gold.kind == answer.kind and _same_ratio(gold, answer)
    if "words" in kinds:
        return _same_words(gold, answer, options)
    if kinds == {"list"}:
        return _same_list(gold, answer, options)
    if "list" in kinds and _same_reals(gold, answer):
        return options.set_relations or gold.kind != "list" or "\\infty" in gold.text
    if kinds == {"number"}:
        if gold.rounded or answer.rounded:
            return close(gold.value, answer.value, options.precision)
        return bool(gold.value == answer.value)
    if options.strict and _misplaced(gold, answer):
        return False
    return not _other_letters(gold.text, answer.text) and _same_value(gold, answer, options)


def _same_choice(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    """An option may be named by its letter, by what it says, or by both."""
    if gold.kind == answer.kind:
        return bool(gold.value == answer.value) and same(gold.items[0], answer.items[0], options)
    choice, other = (gold, answer) if gold.kind == "choice" else (answer, gold)
    if other.kind == "words" and len(other.value) == 1:
        return bool(choice.value == other.value)
    return same(choice.items[0], other, options)


def _same_ratio(gold: Answer, answer: Answer) -> bool:
    """Tell whether all members are the same multiple of the other's."""
    first, second = ([item.value for item in one.items] for one in (gold, answer))
    if len(first) != len(second) or len(first) != gold.text.count(":") + 1 or not first[0]:
        return False
    return all(
        one * second[0] == other * first[0] for one, other in zip(first, second, strict=True)
    )


def _other_letters(gold: str, answer: str) -> bool:
    """Tell whether a letter is large in one and small in the other: math-verify takes them for one.

    A letter by itself may be an option, and is not looked at here.
    """
    texts = [
        re.sub(r"\\[A-Za-z]+|[\d.]e[+-]?\d|\+\s*[Cc]\s*$", " ", text) for text in (gold, answer)
    ]
    letters = [set(re.findall("[A-Za-z]", text)) for text in texts]
    return any(
        letter.swapcase() in letters[1] and letter not in letters[1]
        and letter.swapcase() not in letters[0] for letter in letters[0]
    )  # fmt: skip


def _same_time(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if gold.kind == answer.kind:
        half = not gold.value[3] or gold.value[3] == answer.value[3]
        if gold.text.count(":") > answer.text.count(":"):
            return False
        return bool(half and gold.value[:3] == answer.value[:3])
    if "formula" in (gold.kind, answer.kind) and (":" in gold.text and ":" in answer.text):
        return _same_value(gold, answer, options)  # a ratio
    return False


def _same_words(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if gold.kind == answer.kind:
        letters = gold.name and answer.name and len(gold.value) < 4
        if gold.value == answer.value or options.strict or not len(answer.value) == 1:
            return bool(gold.value == answer.value) and not (letters and gold.name != answer.name)
    words, other = (gold, answer) if gold.kind == "words" else (answer, gold)
    if len(words.value) > 1:
        return _MEANING.get(words.value) == _spelled(other.text)
    if re.fullmatch(r"[A-Z]", other.name) and words.value.isalpha():
        return False  # an equation of two letters
    return not _other_letters(gold.text, answer.text) and _same_value(gold, answer, options)


_MEANING = {
    "no solution": r"\emptyset", "all real numbers": r"\mathbb{R}", "infinity": r"\infty",
}  # fmt: skip


def _spelled(text: str) -> str:
    return re.sub(r"\s", "", text).replace(r"\varnothing", r"\emptyset")


def _same_list(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if options.strict and gold.name and answer.name and gold.name != answer.name:
        return False
    if not _joined_alike(gold, answer):
        return False
    if not gold.brackets and _same_reals(gold, answer):
        return True
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
        bare = answer if ordered[0] else gold
        if bare.value in ("or", "") or len({i.name for i in bare.items}) not in (
            1,
            len(bare.items),
        ):
            return False  # alternatives
        if bare.items[0].name and bare.items[0].name == bare.items[-1].name:
            return False
        if ordered[1] and len({item.name for item in gold.items} - {""}) < len(gold.items):
            return False  # values without names are in no order
        return _in_order(gold.items, answer.items, options)
    named = [bool([i for i in a.items if i.name]) for a in (gold, answer)]
    if named[0] != named[1] and len({_base(i.name) for a in (gold, answer) for i in a.items}) > 2:
        return _in_order(gold.items, answer.items, options)
    letters = [
        all(i.kind == "words" and len(i.value) == 1 for i in a.items) for a in (gold, answer)
    ]
    if all(letters) and not gold.brackets and gold.value == ",":
        if _codes(gold) != _codes(answer) and sorted(_codes(gold)) != _codes(gold):
            return False  # an order
    if not gold.value and not answer.value and not gold.brackets and not answer.brackets:
        return _in_order(gold.items, answer.items, options)
    if not gold.brackets and len(answer.items) != len(gold.items):
        if any(same(one, two, options) for one, two in combinations(gold.items[:20], 2)):
            return False  # said twice, and meant
    return _in_any_order(gold.items, answer.items, options)


def _codes(answer: Answer) -> list[str]:
    return [item.value for item in answer.items]


def _joined_alike(gold: Answer, answer: Answer) -> bool:
    """Tell whether "or" stands in both lists, or in neither, where it makes a difference."""
    if (gold.value == "or") == (answer.value == "or"):
        return True
    for one in (gold, answer):
        names = {_base(item.name) for item in one.items}
        related = any(item.kind == "formula" and _relation(item.value) for item in one.items)
        other = answer if one is gold else gold
        if related and "and" in (one.value, other.value):
            return False
        if len(names - {""}) > 1 and len(names) == len(one.items):
            return False
    return True


def _relation(value: Any) -> bool:
    return type(value).__name__ in (*_SIGNS, "And", "Unequality")


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
        places = [n for n, wanted in enumerate(gold)
                  if (wanted.brackets == "{}") == (found.brackets == "{}")
                  and same(wanted, found, options)]  # fmt: skip
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
    first, second = _imaginary(first, second)
    second = _renamed(first, second)
    first, second = _values_of_functions(first, second)
    numbers = [_numeric(first), _numeric(second)]
    if (gold.rounded or answer.rounded) and all(numbers):
        return _close_values(first, second, options.precision)
    if _equal(first, second, options):
        return _agrees(first, second, options)
    return _same_inequality(first, second) or _same_reals(gold, answer)


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
        if _numeric(value) and not value.is_Float:
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
                _numeric(other)
                and not left.free_symbols
                and type(left.func).__name__ != "FunctionClass"
            ):
                values[n] = values[n].rhs
    return values[0], values[1]


def _same_reals(gold: Answer, answer: Answer) -> bool:
    """Tell whether two are the same set of numbers: ``x > 1`` and ``(1, oo)``."""
    sets = [_reals(gold), _reals(answer)]
    if None in sets or sets[0] != sets[1]:
        return False
    letters = {letter for one in (gold, answer) for letter in _letters(one)}
    return len(letters) == 1 or (len(letters) < 2 and "\\cup" in gold.text + answer.text)


def _letters(answer: Answer) -> set[str]:
    values = [item.value for item in answer.items] or [answer.value]
    return {str(letter) for value in values for letter in getattr(value, "free_symbols", ())}


def _reals(answer: Answer) -> Any:
    """Return an interval, a relation of one letter to numbers, or several, as a set of numbers."""
    from sympy import And, Interval

    if answer.kind == "list":
        if answer.brackets in ("()", "[]", "[)", "(]") and len(answer.items) == 2:
            low, high = (sympy_value(item) for item in answer.items)
            if all(_numeric(end) and end.is_extended_real for end in (low, high)):
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
    if not (left.is_Symbol and _numeric(right) and right.is_extended_real):
        return None
    return (
        Interval(-oo, right, True, "Strict" in kind)
        if less
        else Interval(right, oo, "Strict" in kind, True)
    )


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


def is_number(answer: Answer) -> bool:
    """Tell whether an answer is one number."""
    return answer.kind == "number" or (answer.kind == "formula" and _numeric(answer.value))


def _numeric(value: Any) -> bool:
    return (
        bool(getattr(value, "is_number", False))
        and hasattr(value, "evalf")
        and not getattr(value, "is_Matrix", False)
    )


def _close_values(first: Any, second: Any, precision: int) -> bool:
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
