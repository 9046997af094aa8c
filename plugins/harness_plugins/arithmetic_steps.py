"""Verifier of steps: every equation that the response states between numbers holds.

A process reward: it looks at the way, not at the answer, so it needs no reference.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from harness.plugin import UNIT, Item, Response, SourceFactory, hookimpl, verifier

# Possessive, atomic and of bounded length, so that no text makes it slow.
_SIGNS = "-+*/x\u00d7\u00f7"
_NUMBER = r"(?>\d{1,300}+(?:,\d{3}){0,100}+(?:\.\d{1,300}+)?|\.\d{1,300}+)(?!\d)"
_SIDE = (
    rf"(?<![\d.,])(?:[-(]{{1,60}}+\s*+)?{_NUMBER}\s*+(?:[{_SIGNS}()]\s*+|{_NUMBER}\s*+){{0,60}}+"
)
_AFTER = rf"(?!\s*(?:[{_SIGNS}%\d]|[a-zA-Z]*/))"  # the right side goes on
_EQUATION = re.compile(rf"(?P<left>{_SIDE})=\s*(?P<right>(?>-?\s*{_NUMBER})){_AFTER}")
_ALGEBRA = re.compile(r"[-+*/^=(%]\s*\Z|[\w)]\Z")  # what stands before belongs to the left side
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@verifier(name="arithmetic_steps", version="1", scale=UNIT, steps="mean")
def arithmetic_steps(item: Item, response: Response) -> list[bool]:
    """Check each stated equation, such as ``16 - 3 = 13``; abstain where there is none."""
    text = response.text.replace("$", "")
    checked = []
    for match in _EQUATION.finditer(text):
        before = text[max(0, match.start() - 8) : match.start()]
        signed = match["left"][0] == "-" and re.search(r"\w\s*\Z", before)
        if not signed and not _ALGEBRA.search(before):
            checked.append(holds(match["left"], match["right"]))
    return [right for right in checked if right is not None]


def holds(left: str, right: str) -> bool | None:
    """Tell whether both sides are equal, at the precision that the right side has.

    None when the left side is no sum: a lone number states nothing.
    """
    plain = left.replace(",", "").translate(str.maketrans("x\u00d7\u00f7", "**/")).strip()
    try:
        tree = ast.parse(plain, mode="eval").body
        if isinstance(tree, ast.Constant):
            return None
        value = _value(tree)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError):
        return None
    stated = right.replace(",", "").replace(" ", "")
    decimals = len(stated.partition(".")[2])
    slack = Fraction(1, 2 * 10**decimals) if decimals else 0
    return abs(value - Fraction(stated)) <= slack


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError("no arithmetic")


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [arithmetic_steps]
