"""Parts of numbers, powers of ten and cents in the equations of a reply."""

# ruff: noqa: RUF001

from __future__ import annotations

import pytest
from harness_plugins.arithmetic_steps import arithmetic_steps

from harness.nouns.schema import Item, Response

T, F = True, False
STEPS = [
    ("½ of 10 = 5", [T]),
    ("½ of 10 = 6", [F]),
    ("3/4 of 12 = 9", [T]),
    ("3/4 of 12 = 8", [F]),
    ("3/4 of 12 is 9", [T]),
    ("¾ of 12 is 8", [F]),
    ("\\frac{3}{4} of 12 = 9", [T]),
    ("\\frac34 of 12 = 8", [F]),
    ("$\\frac{3}{4}$ of 12 = 9", [T]),
    ("1½ of 10 = 15", [T]),
    ("1 1/2 of 10 = 15", [T]),
    ("(3/4) of 12 = 9", [T]),
    ("0.25 of 80 = 20", [T]),
    ("0.25 of 80 = 25", [F]),
    ("2 + 3/4 of 12 = 11", [T]),
    ("2 + ½ of 10 = 6", [F]),
    ("1/2 of 1/4 = 1/8", [T]),
    ("½ of ¼ = ⅛", [T]),
    ("½ of ¼ = ¼", [F]),
    ("3/4 of $12 = $9", [T]),
    ("3/4 of 12 = 9 apples", [T]),
    ("12 / 1/2 of 6 = 4", []),
    ("5 of 12 = 60", []),
    ("4.5 of 5 = 0.9", []),
    ("2^1/2 of 4 = 4", []),
    ("page 3/4 of 12 = 9", []),
    ("x/4 of 12 = 9", []),
    ("(2 + 1) of 12 = 36", []),
    ("3/4 of the 12 = 9", []),
    ("1/2/3 of 6 = 1", []),
    ("1e3 × 2 = 2000", [T]),
    ("1e3 × 2 = 2001", [F]),
    ("1.5e3 + 500 = 2000", [T]),
    ("1E3 * 2 = 3000", [F]),
    ("2e-3 * 1000 = 2", [T]),
    ("2e-3 * 1000 = 3", [F]),
    ("2e−3 * 1000 = 2", [T]),
    ("617 × 2 = 1.2e3", [T]),
    ("617 × 2 = 1.3e3", [F]),
    ("617 × 2 = 1e3", [F]),
    ("1/1000 = 1e-3", [T]),
    ("1/500 = 1e-3", [F]),
    ("6.02e23 × 2 = 1.204e24", [T]),
    ("1e999 + 1 = 2", []),
    ("2e × 2 = 4", []),
    ("2e3x = 4 + 1", []),
    ("1e3.5 + 1 = 2", []),
    ("5e3f + 1 = 2", []),
    ("4 × 25¢ = 100¢", [T]),
    ("4 × 25¢ = 110¢", [F]),
    ("4 × 25 ¢ = 100 ¢", [T]),
    ("25¢ + 10¢ = 35¢", [T]),
    ("25¢ + 10¢ = 36¢", [F]),
    ("4 × 25¢ = 100 cents", [T]),
    ("4 × 25¢ = $1", []),
    ("4 × 25¢ = $100", []),
    ("4 × 25¢ = 1 dollar", []),
    ("4 × 25¢ = 100", []),
    ("4 × 25¢ = 100¢\n= $1", []),
    ("3 + 4 = 7\n4 × 25¢ = 100¢", [T, T]),
    ("4 × ½ = 2", [T]),
    ("4 × ½ = 3", [F]),
    ("3 times ½ = 1.5", [T]),
    ("½ + ¼ is ¾", [T]),
    ("½ + ¼ is ½", [F]),
]


@pytest.mark.parametrize(("text", "steps"), STEPS)
def test_parts_powers_and_cents_hold_or_are_none(text: str, steps: list[bool]) -> None:
    assert arithmetic_steps(Item("i", "?"), Response("r", "i", "s", text)) == steps
