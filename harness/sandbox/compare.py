"""Comparing what a program claims with what was expected, in the controller.

The usual case is equality of bytes. Otherwise the claim's tree is compared with the expected
value's tree, never decoded: no set or dictionary is built of hostile keys, and the work is bounded
by the size of the expected value.
"""

from __future__ import annotations

import math
from typing import Any

from harness.sandbox.guest.codec import dumps, to_tree


def same(expected: Any, claim: Any, tolerance: float) -> bool:
    """Tell whether a claimed tree is equal to an expected value.

    Follows Python's ``==``, but a tuple and a list of equal members are equal, since a reference
    in JSON cannot say tuple.

    Args:
        expected: The trusted value.
        claim: Tree from the tested process.
        tolerance: Relative and absolute tolerance of floating-point numbers; 0 means exact.
    """
    try:
        return _same(to_tree(expected), claim, tolerance)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False


def _same(expected: Any, claim: Any, tolerance: float) -> bool:
    left, right = _number(expected), _number(claim)
    if left is not None or right is not None:
        return left is not None and right is not None and _equal_numbers(left, right, tolerance)
    expected, claim = _untuple(expected), _untuple(claim)
    if isinstance(expected, list):
        return (
            isinstance(claim, list)
            and len(claim) == len(expected)
            and all(_same(e, c, tolerance) for e, c in zip(expected, claim, strict=True))
        )
    if isinstance(expected, dict):
        if not isinstance(claim, dict) or len(claim) != 1:
            return False
        ((tag, body),) = expected.items()
        if tag in "sz":  # a set and a frozenset are equal in Python too
            members = claim.get("s", claim.get("z"))
            return isinstance(members, list) and _same_members(body, members, tolerance)
        if tag == "d":
            pairs = claim.get("d")
            return isinstance(pairs, list) and _same_members(
                [list(pair) for pair in body], pairs, tolerance
            )
        return bool(claim == expected)
    return type(claim) is type(expected) and bool(claim == expected)


def _same_members(expected: list[Any], claim: list[Any], tolerance: float) -> bool:
    """Compare without order: sorted by encoding, which no choice of keys can make slow."""
    if len(expected) != len(claim):
        return False
    ours, theirs = sorted(expected, key=_order), sorted(claim, key=_order)
    return all(_same(e, c, tolerance) for e, c in zip(ours, theirs, strict=True))


def _order(tree: Any) -> str:
    """Sort 1, 1.0 and True alike, since they are equal."""
    if isinstance(tree, list):
        return "[" + ",".join(map(_order, tree)) + "]"
    number = _number(tree)
    if isinstance(number, float) and number.is_integer():
        return str(int(number))
    if isinstance(number, int):
        return hex(number) if abs(number) > 10**18 else str(int(number))
    return dumps(tree)


def _untuple(tree: Any) -> Any:
    return tree["t"] if isinstance(tree, dict) and set(tree) == {"t"} else tree


def _number(tree: Any) -> int | float | None:
    if isinstance(tree, int | float):
        return tree
    if isinstance(tree, dict) and len(tree) == 1:
        ((tag, body),) = tree.items()
        if tag == "i" and isinstance(body, str):
            return int(body, 16)
        if tag == "f" and body in ("nan", "inf", "-inf"):
            return float(body)
    return None


def _equal_numbers(expected: float, claim: float, tolerance: float) -> bool:
    if expected == claim:
        return True
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(claim, float) and math.isnan(claim)
    if not tolerance or isinstance(expected, bool) or isinstance(claim, bool):
        return False
    return math.isclose(expected, claim, rel_tol=tolerance, abs_tol=tolerance)


def same_output(expected: str, claim: str, tolerance: float) -> bool:
    """Tell whether two printed texts are equal.

    White space at line ends and blank lines at the end do not count; the number of lines does.

    Args:
        expected: The trusted text.
        claim: What the program printed.
        tolerance: Tolerance of words that are numbers; 0 compares texts.
    """
    ours, theirs = _lines(expected), _lines(claim)
    if len(ours) != len(theirs):
        return False
    return all(a == b or _same_words(a, b, tolerance) for a, b in zip(ours, theirs, strict=True))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _same_words(expected: str, claim: str, tolerance: float) -> bool:
    if not tolerance:
        return False
    ours, theirs = expected.split(), claim.split()
    if len(ours) != len(theirs):
        return False
    for a, b in zip(ours, theirs, strict=True):
        if a == b:
            continue
        try:
            x, y = float(a), float(b)
        except ValueError:
            return False
        if not math.isclose(x, y, rel_tol=tolerance, abs_tol=tolerance):
            return False
    return True
