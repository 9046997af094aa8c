"""Keywords of JSON Schema mean what the standard says, not what Python makes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness_plugins.json_schema import JsonSchemaOptions, json_schema

from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response

WHOLE = JsonSchemaOptions()
ROWS: list[tuple[Any, str, bool]] = [
    *(({"multipleOf": 0.1}, value, True) for value in ("0.3", "0", "-0.7", "1", "1e3", "0.30")),
    *(({"multipleOf": 0.1}, value, False) for value in ("0.35", "0.30000000000000004", "1e-2")),
    *(({"multipleOf": 0.01}, value, True) for value in ("19.99", "4.35", "1.1", "100")),
    *(({"multipleOf": 0.01}, value, False) for value in ("19.999", "0.001")),
    ({"multipleOf": 3}, "9", True),
    ({"multipleOf": 3}, "10", False),
    ({"multipleOf": 3}, "9.0", True),
    ({"multipleOf": 1e-7}, "0.0000003", True),
    ({"multipleOf": 0.1}, '"0.35"', True),
    ({"properties": {"price": {"multipleOf": 0.01}}}, '{"price": 0.07}', True),
    ({"pattern": "^a+$"}, '"aaa"', True),
    ({"pattern": "^a+$"}, '"aaa\\n"', False),
    ({"pattern": "^(a|b$)"}, '"b\\n"', False),
    ({"pattern": "^[$]$"}, '"$"', True),
    ({"pattern": r"^\$$"}, '"$"', True),
    ({"pattern": r"^\$$"}, '"$\\n"', False),
    ({"pattern": r"^\\$"}, '"\\\\"', True),
    ({"pattern": "^[]$]$"}, '"$"', True),
    ({"pattern": "^[^$]$"}, '"a"', True),
    ({"pattern": "^[^$]$"}, '"$"', False),
    ({"pattern": "a"}, '"bab"', True),
    ({"patternProperties": {"^a$": {"type": "string"}}}, '{"a": 1}', False),
    ({"patternProperties": {"^a$": {"type": "string"}}}, '{"a\\n": 1}', True),
    ({"$schema": "http://json-schema.org/draft-04/schema#", "multipleOf": 0.1}, "0.3", True),
    ({"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "a$"}, '"a\\n"', False),
    ({"format": "date"}, '"2024-02-29"', True),
    ({"format": "date"}, '"2024-13-45"', False),
    ({"format": "email"}, '"x@example.org"', True),
    ({"format": "email"}, '"x"', False),
    ({"format": "ipv4"}, '"127.0.0.1"', True),
    ({"format": "ipv4"}, '"127.0.0.256"', False),
    ({"format": "ipv6"}, '"::1"', True),
    ({"format": "ipv6"}, '"::g"', False),
    ({"format": "uuid"}, '"123e4567-e89b-12d3-a456-426614174000"', True),
    ({"format": "uuid"}, '"123"', False),
    ({"format": "date"}, "3", True),
    ({"format": "of my own"}, '"anything"', True),
    (True, "{}", True),
    (False, "{}", False),
]


@pytest.mark.parametrize(("schema", "text", "value"), ROWS, ids=str)
def test_a_keyword_means_what_the_standard_says(schema: Any, text: str, value: bool) -> None:
    json.loads(text)
    verdict = json_schema(Item("i", "", schema), Response("r", "i", "s", text), WHOLE)
    assert (verdict.status, verdict.value) == (Status.OK, value), verdict.rationale


def test_a_number_that_cannot_be_divided_is_wrong_and_no_error() -> None:
    verdict = json_schema(
        Item("i", "", {"multipleOf": 0.1}), Response("r", "i", "s", "1e999"), WHOLE
    )
    assert (verdict.status, verdict.value) == (Status.OK, False)
