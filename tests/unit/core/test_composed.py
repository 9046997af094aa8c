"""Texts in composed form: equal where they look equal, and long runs of accents left alone."""

from __future__ import annotations

import unicodedata

import pytest

from harness.nouns.code_blocks import parsed
from harness.nouns.plain_text import composed, has_long_marks

RUN = "\u0301\u0316"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "cafe\u0301",
        "e\u0323\u0302",
        "\u1112\u1161\u11ab",
        "\u212b \u2126",
        "a" + RUN * 15,
    ],
)
def test_ordinary_texts_are_as_unicode_composes_them(text: str) -> None:
    assert composed(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("text", ["a" + RUN * 16, RUN * 5000, "e\u0301" + "!" * 40 + RUN * 20])
def test_what_stands_beside_a_long_run_is_still_composed(text: str) -> None:
    assert composed(f"cafe\u0301 {text}").startswith("caf\xe9 ")
    assert composed(text).endswith(RUN)


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("\u0301" * 30, False),
        ("\u0301" * 31, True),
        ("# " + "\u2500" * 200, False),
        ("# " + "-" * 200 + "\xe9", False),
        ("x" + RUN * 500, True),
    ],
)
def test_only_accents_make_a_long_run(text: str, long: bool) -> None:
    assert has_long_marks(text) is long


def test_a_program_with_a_ruled_line_is_a_program_and_one_with_a_tower_of_accents_is_not() -> None:
    assert parsed("# " + "\u2550" * 80 + "\nx = 1\n") is not None
    assert parsed("x" + RUN * 500 + " = 1\n") is None
