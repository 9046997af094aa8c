"""Which part of a response counts, and what it must be: verdicts known without running anything."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.arithmetic_steps import arithmetic_steps
from harness_plugins.json_schema import json_schema
from harness_plugins.knowledge_base import knowledge_base
from harness_plugins.math_verify import math_verify
from harness_plugins.regex_format import regex_format

from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response
from harness.testing import fake_context


def value(verifier: Any, reference: Any, text: str, **options: Any) -> Any:
    verdict = verifier(
        Item("i", "", reference), Response("r", "i", "s", text), verifier.options(**options)
    )
    assert verdict.status is Status.OK, verdict
    return verdict.value


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("10 / 3 = 3", [False]),  # a whole number is exact
        ("7 / 2 = 4", [False]),
        ("7 / 2 = 3.5", [True]),
        ("10 / 3 = 3.3", [True]),  # off by 1/30, half a tenth is allowed
        ("1 / 8 = 0.13", [True]),  # off by .005, just half a hundredth
        ("1 / 8 = 0.131", [False]),  # off by .006, half a thousandth is allowed
    ],
)
def test_only_a_decimal_fraction_may_be_rounded(text: str, steps: list[bool]) -> None:
    assert arithmetic_steps(Item("i", ""), Response("r", "i", "s", text)) == steps


@pytest.mark.parametrize(
    ("reference", "text", "right"),
    [
        ("50%", "$50\\%$", True),
        ("50%", "so it is \\boxed{50\\%}", True),
        ("50\\%", "\\boxed{50 \\%}", True),
        ("$50\\%$", "50%", True),
        ("50%", "\\boxed{50}\\%", True),
        ("50%", "50.0%", True),  # the sign is looked for after the number of the response
        ("1500%", "1,500%", True),
        ("50%", "$0.5$", False),
        ("50%", "\\boxed{50}", False),
        ("50%", "not 250%, but \\boxed{50}", False),  # the sign of another number
        ("0.5", "$50\\%$", False),
        ("0.5", "50%", False),
        ("50%", "$40\\%$", False),
    ],
)
def test_an_exact_percent_sign_is_there_however_it_is_written(
    reference: str, text: str, right: bool
) -> None:
    assert value(math_verify, reference, text, percent="exact") is right


@pytest.mark.parametrize(
    ("reference", "text", "right"),
    [
        ("5 km", "5 m is too short, so the answer is 5 km", True),
        ("5 km", "5 km is too long, so the answer is 5 m", False),
        ("5 km", "The distance is 5", False),
        ("5", "5 km", True),  # the reference asks for none
    ],
)
def test_the_last_unit_counts_where_the_reference_has_one(
    reference: str, text: str, right: bool
) -> None:
    assert value(math_verify, reference, text, units="require") is right


@pytest.mark.parametrize(
    ("first", "last", "right"), [("3", '"x"', False), ('"x"', "3", True), ("3", "4", True)]
)
def test_the_last_fenced_block_is_the_document(first: str, last: str, right: bool) -> None:
    text = f"A draft:\n```json\n{first}\n```\nNo:\n```json\n{last}\n```\nDone."
    assert value(json_schema, {"type": "integer"}, text, where="fenced") is right


def test_facts_are_read_again_when_their_file_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    for second, capital in enumerate(("Paris", "Lyon", "Vichy")):
        path.write_text(f"key,answer,aliases\nFrance,{capital},\n", encoding="utf-8")
        os.utime(path, (second, second))
        right = [
            name
            for name in ("Paris", "Lyon", "Vichy")
            if value(knowledge_base, "France", name, file=str(path))
        ]
        assert right == [capital]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Question: which capital? Answer: Paris", True),
        ("Answer: Paris: a city", False),
        ("Paris: yes\nAnswer: Lyon", False),
        ("Paris", True),
    ],
)
def test_the_answer_stands_after_the_last_colon_of_the_last_line(
    tmp_path: Path, text: str, right: bool
) -> None:
    path = tmp_path / "facts.csv"
    path.write_text("key,answer,aliases\nFrance,Paris,\n", encoding="utf-8")
    assert value(knowledge_base, "France", text, file=str(path)) is right


@pytest.mark.parametrize(
    ("text", "wanted", "banned"),
    [("fine", False, True), ("sorry", True, False), ("sorry, sorry", False, False)],
)
def test_saying_it_too_often_is_right_neither_where_it_is_wanted_nor_where_it_is_banned(
    text: str, wanted: bool, banned: bool
) -> None:
    rule = {"pattern": "sorry", "match": "anywhere", "at_most": 1}

    def said(**more: bool) -> Any:
        options = regex_format.options(**rule, **more)  # type: ignore[misc]
        call = regex_format(Item("i", ""), Response("r", "i", "s", text), options, fake_context())
        return asyncio.run(call).value

    assert said() is wanted
    assert said(forbidden=True) is banned
