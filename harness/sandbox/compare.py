"""Comparing what a program claims with what was expected, in the controller.

The usual case is equality of bytes. Otherwise the claim's tree is compared with the expected
value's tree; only single numbers, texts and the like are decoded: no set or dictionary is built of
hostile keys, and the work is bounded by the sizes of the expected value and of the claim's text.
"""

from __future__ import annotations

import cmath
import math
import re
from decimal import Decimal
from fractions import Fraction
from itertools import repeat
from numbers import Number
from typing import Any

from harness.nouns.errors import InputError
from harness.sandbox.guest.codec import Malformed, dumps, from_tree, to_tree

# Tags of containers, by what can be equal: a set and a frozenset are in Python too.
_CONTAINERS = {"t": "l", "d": "d", "q": "q", "s": "s", "z": "s"}
_LINEAR = ("i", "b", "a")  # read in time that grows with their length alone
_LONGEST = 4096  # characters or digits of any other tagged value
# How numbers are printed; Python would also read 1_0, full-width digits and more.
_WHOLE = re.compile(r"([+-]?)([0-9]++)(?:\.0*+)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)


def usable(tolerance: float) -> float:
    """Return a tolerance.

    Raises:
        InputError: It is not a number from 0 to below 1.
    """
    if isinstance(tolerance, int | float) and 0 <= tolerance < 1:
        return tolerance
    raise InputError(
        f"tolerance {tolerance!r} is not a number from 0 to below 1",
        hint="1e-6 is usual; from 1 on, 0 would be equal to every number",
    )


def same(expected: Any, claim: Any, tolerance: float) -> bool:
    """Tell whether a claimed tree is equal to an expected value.

    Follows Python's ``==``, with two exceptions: a tuple and a list of equal members are equal,
    since a reference in JSON cannot say tuple, and NaN is equal to NaN.

    Args:
        expected: The trusted value.
        claim: Tree from the tested process.
        tolerance: Relative and absolute tolerance of numbers, where at least one of two is a float
            or complex; 0 means exact. Nothing is nearly equal to an expected whole number.

    Raises:
        Unencodable: The expected value is not plain data.
    """
    tree = to_tree(expected)
    try:
        return bool(tree == claim) or _same(tree, claim, tolerance)
    except (Malformed, ValueError, TypeError, ArithmeticError, LookupError, RecursionError):
        return False


def _same(expected: Any, claim: Any, tolerance: float) -> bool:
    ours, body = _container(expected)
    theirs, members = _container(claim)
    if ours != theirs:
        return False
    if not ours:
        return _same_scalars(expected, claim, tolerance)
    if not isinstance(members, list) or len(members) != len(body):
        return False
    if ours in ("s", "d"):
        body, members = sorted(body, key=_order), sorted(members, key=_order)
    return all(map(_same, body, members, repeat(tolerance)))


def same_but_for_json(expected: Any, claim: Any, tolerance: float) -> bool:
    """Tell whether a claimed tree differs only by what an expected value in JSON cannot say.

    That is a set where a list is expected, and keys that are texts only in JSON: ``{1: 2}`` where
    ``{"1": 2}`` is.
    """
    try:
        return _same_but_for_json(to_tree(expected), claim, tolerance)
    except (Malformed, ValueError, TypeError, ArithmeticError, LookupError, RecursionError):
        return False


def _same_but_for_json(expected: Any, claim: Any, tolerance: float) -> bool:
    ours, body = _container(expected)
    theirs, members = _container(claim)
    if not ours and not theirs:
        return _same_scalars(expected, claim, tolerance)
    if not isinstance(members, list) or len(members) != len(body):
        return False
    if (ours, theirs) == ("l", "s"):
        body, members = sorted(body, key=_order), sorted(members, key=_order)
        return all(map(_same, body, members, repeat(tolerance)))
    if ours != theirs:
        return False
    if ours == "d":
        body = sorted(([_as_key(key), value] for key, value in body), key=_order)
        members = sorted(([_as_key(key), value] for key, value in members), key=_order)
        return all(
            one[0] == other[0] and _same_but_for_json(one[1], other[1], tolerance)
            for one, other in zip(body, members, strict=True)
        )
    return ours == "l" and all(map(_same_but_for_json, body, members, repeat(tolerance)))


def _as_key(tree: Any) -> Any:
    """Return the text that JSON makes of a key."""
    return dumps(tree) if tree is None or isinstance(tree, bool | int | float) else tree


def _container(tree: Any) -> tuple[str, Any]:
    """Return the kind of a container and its members; no kind for what holds no others."""
    if isinstance(tree, list | tuple):
        return "l", tree
    if isinstance(tree, dict) and len(tree) == 1:
        ((tag, body),) = tree.items()
        if tag in _CONTAINERS:
            # A deque's greatest length does not count.
            return _CONTAINERS[tag], body[0] if tag == "q" else body
    return "", None


def _same_scalars(expected: Any, claim: Any, tolerance: float) -> bool:
    if expected == claim:
        return True
    left, right = _value(expected), _value(claim)
    if left == right:
        return True
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    if not tolerance or isinstance(left, int) or isinstance(right, bool):
        return False
    if isinstance(left, float | complex) or isinstance(right, float | complex):
        return cmath.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)
    return False


def _value(tree: Any) -> Any:
    """Return the value of a tree that holds no others; of a decimal, the same fraction.

    Raises:
        Malformed: It is none, or so long that comparing it could be slow.
    """
    if isinstance(tree, dict) and not tree.keys() & _LINEAR and len(dumps(tree)) > _LONGEST:
        raise Malformed
    value = from_tree(tree)
    if not isinstance(value, Decimal):
        return value
    if not value.is_finite():
        return float(value)
    if abs(value.adjusted()) > _LONGEST:
        raise Malformed
    return Fraction(value)  # which compares with a huge whole number at once; a decimal does not


def _order(tree: Any) -> tuple[int, Any]:
    """Return a key that sorts equal values alike, so that sets and dictionaries match in order."""
    kind, body = _container(tree)
    if kind:
        keys = [_order(member) for member in body]
        return (4, sorted(keys)) if kind == "s" else (3, keys)
    value = _value(tree)
    if not isinstance(value, Number):
        return 2, dumps(tree)
    if value != value:
        return 0, repr(value)
    number: Any = value
    return 1, (number.real, number.imag)


def same_output(expected: str, claim: str, tolerance: float) -> bool:
    """Tell whether two printed texts are equal.

    White space at line ends and blank lines at both ends do not count; the number of lines does.

    Args:
        expected: The trusted text.
        claim: What the program printed.
        tolerance: Tolerance of words that are numbers, unless the expected one is whole: then 7.0
            is 7, and nothing else is. 0 compares texts, otherwise white space between words does
            not count either.
    """
    ours, theirs = _lines(expected), _lines(claim)
    if len(ours) != len(theirs):
        return False
    return all(map(_same_line, ours, theirs, repeat(tolerance)))


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.rstrip().split("\n")]
    begins = next((place for place, line in enumerate(lines) if line), 0)
    return lines[begins:]


def _same_line(expected: str, claim: str, tolerance: float) -> bool:
    if expected == claim:
        return True
    ours, theirs = expected.split(), claim.split()
    if not tolerance or len(ours) != len(theirs):
        return False
    return all(map(_same_word, ours, theirs, repeat(tolerance)))


def _same_word(expected: str, claim: str, tolerance: float) -> bool:
    if expected == claim:
        return True
    whole = _WHOLE.fullmatch(expected)
    if whole and "." not in expected:
        found = _WHOLE.fullmatch(claim)
        return found is not None and _signed(whole) == _signed(found)
    if _INFINITY.fullmatch(expected):
        return _INFINITY.fullmatch(claim) is not None and float(expected) == float(claim)
    if not (_NUMBER.fullmatch(expected) and _NUMBER.fullmatch(claim)):
        return False
    left, right = float(expected), float(claim)
    if math.isinf(left) or math.isinf(right):  # too large for a float: only as written
        return False
    return math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)


def _signed(whole: re.Match[str]) -> tuple[bool, str]:
    """Return what a printed whole number is, without making a number of very long digits."""
    digits = whole[2].lstrip("0")
    return digits != "" and whole[1] == "-", digits
