"""The last number is near the reference, or is not: how far off an answer is."""

from __future__ import annotations

from typing import Any

import pytest
from harness_plugins.last_number import near_number

from harness.nouns.errors import PluginError
from harness.nouns.schema import Item, Response


def near(text: str, reference: Any = "12", **options: Any) -> bool | None:
    assert near_number.options is not None
    chosen = near_number.options(**{"within": 2, **options})
    found = near_number(Item("i", "?", reference), Response("r", "i", "s", text), chosen)
    assert found is None or isinstance(found, bool)
    return found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It is 12.", True),
        ("It is 14.", True),
        ("10", True),
        ("It is 14.01", False),
        ("9", False),
        ("-12", False),
        ("12, or rather 40", False),
        ("forty", False),
        ("", False),
        ("9 and then 13", True),
        ("25/2", True),
        ("12:30", False),  # no number
        ("3!", False),  # 3 or 6: both are far
        ("12!", None),  # 12, or its factorial
    ],
)
def test_what_is_near(text: str, said: bool | None) -> None:
    assert near(text) is said


@pytest.mark.parametrize(
    ("text", "reference", "said"),
    [("1050", 1000, True), ("1150", 1000, False), ("-95", -100, True), ("0", 0, True),
     ("1", 0, False)],
)  # fmt: skip
def test_a_share_of_the_reference(text: str, reference: int, said: bool) -> None:
    assert near(text, reference, within=0.1, share=True) is said


def test_the_end_is_exact() -> None:
    assert near("0.3", "0", within=0.3) is True and near("1.1", "1", within=0.1) is True


def test_what_cannot_be_checked_is_no_verdict() -> None:
    assert near("12", None) is None and near("12", "a dozen") is None


@pytest.mark.parametrize("options", [{}, {"within": 0}, {"within": -1}, {"within": 1, "off": 2}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(PluginError):
        near_number.build(options)
