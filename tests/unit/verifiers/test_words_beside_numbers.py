"""Words beside a number make another one of it, or may: then nothing is decided."""

# ruff: noqa: RUF001

from __future__ import annotations

import pytest
from harness_plugins.last_number import last_number

from harness.nouns.schema import Item, Response

T, F, N = True, False, None

CASES = [
    # A fraction behind it.
    ("42", "42 and a half", F),
    ("42.5", "42 and a half", T),
    ("42", "It takes 42 and a half hours.", F),
    ("42.5", "It takes 42 and a half hours.", T),
    ("42", "42 and a quarter", F),
    ("42.25", "42 and a quarter", T),
    ("42.75", "42 and three quarters", T),
    ("42", "42-and-a-half", F),
    ("42.5", "42 miles and a half.", T),
    ("42", "42 miles and a half.", F),
    ("42", "42 apples and a half pear", N),
    ("42", "42, and a half of them are red", T),
    ("42", "42 and half of the rest", N),
    ("42", "42 and a third friend", N),
    ("42", "42 million and a half", F),
    ("42000000", "42 million and a half", N),
    ("2.5", "2 and 1/2", N),
    ("0.5", "2 and 1/2", N),
    ("2", "2 and 1/2", F),
    ("0.5", "-2 1/2", F),
    ("-2.5", "-2 1/2", T),
    ("2.5", "x = -2 1/2", F),
    ("-2.5", "x = −2 1/2", T),
    ("-2.5", r"-2\frac12", T),
    ("-2.5", "minus 2 1/2", T),
    # A sign in words.
    ("42", "minus 42", F),
    ("-42", "minus 42", T),
    ("42", "negative 42", F),
    ("-42", "negative 42", T),
    ("42", "The answer is negative $42.", F),
    ("-42", "The answer is **negative 42**.", T),
    ("-42", "The answer is minus 42.", T),
    ("42", "The answer is minus 42.", F),
    ("-42", "a negative **42**", T),
    ("-42", r"minus $\boxed{42}$", T),
    ("42", r"negative \boxed{42}", F),
    ("42", "x = minus 42", F),
    ("42", "10 minus 42", T),
    ("42", "x minus 42", T),
    ("42", "the total minus 42", N),
    ("-42", "the total minus 42", N),
    ("42", "plus or minus 42", N),
    ("42", "±42", N),
    ("42", r"\pm 42", N),
    ("7", "±42", F),
    ("42", "A non-negative 42.", T),
    ("42", "The terminus 42.", T),
    ("42", "负42", F),
    ("-42", "负42", T),
    ("-42", "答案是负42。", T),
    ("42", "零下42度", F),
    ("42", "マイナス42", F),
    ("42", "正负42", N),
    ("42", "It is 42 degrees below zero.", F),
    ("-42", "It is 42 °C below zero.", T),
    # Chinese parts.
    ("42", "42个半", F),
    ("42.5", "42个半", T),
    ("42", "42年半", F),
    ("42", "42点半", F),
    ("42", "42厘米半径", T),
    ("42", "42个半圆", T),
    ("1", "42分之1", F),
    ("42", "42分之1", F),
    ("1/42", "42分之1", T),
    ("5", "12点5", F),
    ("12", "12点5", F),
    ("2", "3比2", F),
    # Parts of one.
    ("42", "42 thousandths", F),
    ("0.042", "42 thousandths", T),
    ("42", "42 hundredths", F),
    ("42", "42 tenths", F),
    ("4.2", "42 tenths", T),
    ("42", "42 ten-thousandths", F),
    ("0.0042", "42 ten-thousandths", T),
    ("42", "42 hundred thousandths", F),
    ("0.4", "2 fifths", T),
    ("1/3", "1 third", T),
    ("3", "3 quarters", N),
    ("0.75", "3 quarters", N),
    ("4", "3 quarters", F),
    ("3", "3 thirds", N),
    # Scales.
    ("42", "42 bn", F),
    ("42000000000", "42 bn", T),
    ("42e9", "$42bn", T),
    ("42", "42 mn", F),
    ("42", "42 mln", F),
    ("42", "42 lakh", F),
    ("42", "42 dozens", F),
    ("42", "42-million", F),
    ("42", "42 hundreds", F),
    ("300", "3 hundred thousand", F),
    ("300000", "3 hundred thousand", T),
    ("3000000", "3百万", T),
    ("5", "42 point 5", F),
    ("42", "42 point 5", F),
    # None of these.
    ("42", "42 seconds", T),
    ("42", "42 and 42", T),
    ("42", "42 points", T),
    ("42", "42 minutes", T),
    ("42", "42 (forty-two)", T),
    ("42", "42 halfway marks", T),
    ("42", "42\n\nTenths are not needed.", T),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "text", "right"), CASES)
def test_words_beside_a_number_are_read_with_it(
    reference: str, text: str, right: bool | None
) -> None:
    assert last_number(Item("i", "?", reference), Response("r", "i", "s", text)) is right
