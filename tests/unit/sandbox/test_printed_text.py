"""Printed text is equal to the expected one exactly where the documented rules say so."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from harness.nouns.errors import InputError
from harness.sandbox import Sandbox
from harness.sandbox.compare import same_output, usable

# Expected, printed, equal without a tolerance, equal within 1e-6.
TEXTS: list[tuple[str, str, bool, bool]] = [
    ("3", "3", True, True),
    ("3", "4", False, False),
    ("3", "", False, False),
    ("", "3", False, False),
    ("", "", True, True),
    ("", " \n\n", True, True),
    ("3\n", "3", True, True),
    ("3", "3\n\n \n", True, True),
    ("3  \n4", "3\n4\t", True, True),
    ("3\r\n4\r\n", "3\n4\n", True, True),
    ("3\n4", "3\r\n4", True, True),
    ("3\r4", "3\n4", False, False),
    ("3", " 3", False, True),
    ("3", "\n3", True, True),  # blank lines at both ends do not count
    ("\n \n3\n4", "3\n4", True, True),
    ("\n3", "\n\n3", True, True),
    ("", "\n\n", True, True),
    ("\n  3", "  3", True, True),
    ("\n  3", "3", False, True),
    ("3\n4", "3", False, False),
    ("3", "3\n4", False, False),
    ("3\n4", "3\n\n4", False, False),
    ("3\n\n4", "3\n4", False, False),
    ("3\n4", "4\n3", False, False),
    ("3\n4", "3 4", False, False),
    ("3\n4", "5\n4", False, False),
    ("3\n4", "3\n5", False, False),
    ("a b", "a  b", False, True),
    ("a b", "ab", False, False),
    ("a b", "a", False, False),
    ("a", "a b", False, False),
    ("a b", "b a", False, False),
    ("yes", "Yes", False, False),
    ("yes", "no", False, False),
    ("0.3", "0.30000000000000004", False, True),
    ("0.3", "0.31", False, False),
    ("x 0.3 y", "x 0.30000001 y", False, True),
    ("x 0.3 y", "x 0.30000001 z", False, False),
    ("x 0.3 y", "z 0.30000001 y", False, False),
    ("0.3 0.7", "0.30000001 0.8", False, False),
    ("0.3 0.7", "0.4 0.70000001", False, False),
    ("1\n0.3", "1\n0.30000001", False, True),
    ("0.3\n1", "0.30000001\n2", False, False),
    ("0.3,", "0.30000001,", False, False),
    ("0.0", "1e-7", False, True),
    ("0.0", "1e-5", False, False),
    ("1e9", "1000000100.0", False, True),
    ("1e9", "1000010000.0", False, False),
    ("1000000007", "1000000006", False, False),
    ("1000000007", "1000000006.0", False, False),  # an expected whole number is met exactly
    ("1000000007", "1000000007.0", False, True),
    ("100", "100.00001", False, False),
    ("100", "99.99999", False, False),
    ("100", "1e2", False, False),
    ("100000", "1e5", False, False),
    ("1e5", "100000", False, True),
    ("100", "1_00", False, False),
    ("100.0", "1_00.0", False, False),
    ("10", "1_0", False, False),
    ("10", "\uff11\uff10", False, False),
    ("10.0", "\uff11\uff10", False, False),
    ("10", "0xa", False, False),
    ("10.0", "0xa", False, False),
    ("10", "10.", False, True),
    ("10.", "10", False, True),
    ("10", ".1e2", False, False),
    ("0.5", ".5", False, True),
    (".5", "+0.5", False, True),
    ("0", "-0", False, True),
    ("0.0", "-0.0", False, True),
    ("1", "True", False, False),
    ("1", "1+0j", False, False),
    ("1.0", "1.0f", False, False),
    ("1", "1L", False, False),
    ("0", "", False, False),
    ("0.0", "nan", False, False),
    ("nan", "NaN", False, False),
    ("nan", "0.0", False, False),
    ("inf", "1" * 401, False, False),
    ("1" * 401, "inf", False, False),
    ("1" * 401, "2" * 401, False, False),
    ("1" * 401 + ".0", "2" * 401 + ".0", False, False),
    ("1e400", "1e400", True, True),
    ("1e400", "1e401", False, False),
    ("1e400", "inf", False, False),
    ("inf", "1e400", False, False),
    ("-inf", "-Infinity", False, True),
    ("inf", "+inf", False, True),
    ("infinity", "in_f", False, False),
    ("1e-400", "0.0", False, True),
    ("5", "+5", False, True),
    ("5", "++5", False, False),
    ("5", "5e0", False, False),
    ("12", "1 2", False, False),
    ("00", "0", False, True),
    ("-007", "-7.000", False, True),
    ("1000000007.0", "1000000006", False, True),
    ("123456789012345678", "123456789012345679", False, False),
    ("+7", "7", False, True),
    ("007", "7", False, True),
    ("-7", "7", False, False),
    ("1" * 5000, "1" * 4999 + "2", False, False),
    ("7", "7.0", False, True),
    ("7", "seven", False, False),
    ("0.5", "half", False, False),
    ("half", "0.5", False, False),
    ("nan", "nan", True, True),
    ("nan", "1.0", False, False),
    ("inf", "Infinity", False, True),
    ("inf", "-inf", False, False),
    ("inf", "1e308", False, False),
    ("é", "é", True, True),
]


def test_the_verdict_on_printed_text_is_the_documented_one() -> None:
    wrong = []
    for expected, printed, exact, near in TEXTS:
        found = same_output(expected, printed, 0.0), same_output(expected, printed, 1e-6)
        if found != (exact, near):
            wrong.append((expected, printed, found))
    assert wrong == []


@pytest.mark.parametrize("tolerance", [1.0, 2, True, math.inf, math.nan, -1e-9, None, "1e-6"])
def test_a_tolerance_that_passes_all_is_refused(tolerance: Any) -> None:
    with pytest.raises(InputError, match=r"is not a number from 0 to below 1"):
        usable(tolerance)
    with Sandbox(1) as sandbox, pytest.raises(InputError):
        tests = [{"input": "", "output": "1"}]
        asyncio.run(sandbox.run_stdio("print(2)", tests, tolerance=tolerance))
    with Sandbox(1) as sandbox, pytest.raises(InputError):
        asyncio.run(sandbox.run_functions("", "f", [], tolerance=tolerance))


@pytest.mark.parametrize("tolerance", [0, 0.0, 1e-6, 0.5, 0.999])
def test_other_tolerances_are_taken(tolerance: float) -> None:
    assert usable(tolerance) == tolerance


def test_words_are_compared_in_time_that_grows_with_their_length() -> None:
    """A program prints what it likes, and this is the controller."""
    for word in ("0" * 2_000_000, "1" * 2_000_000, "1." + "0" * 2_000_000, "-" * 2_000_000):
        for end in ("", "x", ".", "e", "e9"):
            for expected in ("12", "1.5", "inf", "0"):
                same_output(expected, word + end, 0.5)
