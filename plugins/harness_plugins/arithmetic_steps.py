"""Verifier of steps: every equation that the response states between numbers holds.

A process reward: it looks at the way, not at the answer, so it needs no reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from harness.plugin import UNIT, Item, Response, SourceFactory, hookimpl, verifier
from harness_plugins.arithmetic_runs import Run, prepared, runs_of
from harness_plugins.arithmetic_values import DIGITS, value_of

_ROUGHLY = Fraction(1, 50)


@verifier(name="arithmetic_steps", version="3", scale=UNIT, steps="mean")
def arithmetic_steps(item: Item, response: Response) -> list[bool]:
    """Check each stated equation, such as ``16 - 3 = 13``; abstain where there is none.

    An equation counts where both of its sides are read whole; one with letters, units between its
    numbers, a remainder or signs that are not known is none.
    """
    return [right for run in runs_of(prepared(response.text)) for right in _checked(run)]


def _checked(run: Run) -> Iterator[bool]:
    """Yield of each two neighbouring sides whether they are equal.

    A sum that begins with the result of the one before it, and is followed by its own, is the
    middle of a chain (5 + 3 = 8 + 2 = 10): there what is not equal is not counted, nor is a slight
    difference of two sums with decimals, which may be rounded. A percent sign on one side only may
    be one that the other side lacks.
    """
    first, last = run.sides[0], run.sides[-1]
    if first.count("(") > first.count(")") and first[0] == "(":
        del first[0]  # it holds more than a side
    if last.count(")") > last.count("(") and last[-1] == ")":
        del last[-1]
    values = [value_of(side) for side in run.sides]
    if not run.begins:
        values[0] = None
    if not run.ends:
        values[-1] = None
    sums = not all(map(_is_lone, run.sides))
    for number, (left, right) in enumerate(pairwise(values)):
        one, other = run.sides[number : number + 2]
        if left is None or right is None or not sums or one == other:
            continue
        slack = max(_slack(side) for side in (one, other))
        percent = ("%" in one) != ("%" in other)
        holds = abs(left - right) <= slack
        if percent and not holds:
            bare, known = (value_of([x for x in side if x != "%"]) for side in (one, other))
            holds = bare is not None and known is not None and abs(bare - known) <= slack
        if percent and number == 0 and _is_lone(one) and not holds:
            continue  # 48 = 100% + 20% = 120%
        if holds or not (_is_run_on(left, run.sides[number + 1 :]) or _are_near(one, other)):
            yield holds


def _is_run_on(value: Fraction, sides: Sequence[list[str]]) -> bool:
    """Tell whether a sum that another one follows begins with the result of the one before it."""
    side = sides[0]
    if len(sides) < 2 or _is_lone(side) or not side[0][:1].isdigit() or side[1:2] == ["^"]:
        return False
    return abs(Fraction(side[0]) - value) <= _slack(side[:1])


def _are_near(one: list[str], other: list[str]) -> bool:
    """Tell whether two sums with decimals differ by no more than their rounding may."""
    left, right = value_of(one), value_of(other)
    decimals = any("." in token for token in (*one, *other))
    if left is None or right is None or not decimals or _is_lone(one) or _is_lone(other):
        return False
    return abs(left - right) <= _ROUGHLY * max(abs(left), abs(right))


def _is_lone(side: Sequence[str]) -> bool:
    return sum(token not in ("-", "%") for token in side) == 1


def _slack(side: Sequence[str]) -> Fraction:
    """Return by how much a lone number may be off: half of its last digit behind the point.

    The digits of a percentage stand two places farther back.
    """
    if _is_lone(side):
        digits = next(token for token in side if token[:1] not in ("-", "%"))
        written, _, exponent = digits.partition("e")
        decimals = len(written.partition(".")[2]) + 2 * side.count("%")
        if decimals or int(exponent or 0) < 0:
            return Fraction(10) ** (int(exponent or 0) - decimals) / 2
    return Fraction(1, 10**DIGITS)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [arithmetic_steps]
