"""Printed text is equal to the expected one exactly where the documented rules say so."""

from __future__ import annotations

from harness.sandbox.compare import same_output

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
    ("3", "\n3", False, False),
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
    ("1000000007", "1000000006.0", False, True),
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
