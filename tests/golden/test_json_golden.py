"""Golden replies with JSON among other things, for a schema."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.json_schema import JsonSchemaOptions, json_schema

from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response

TABLE = tomllib.loads((Path(__file__).parent / "programs/json.toml").read_text("utf-8"))
FENCED = JsonSchemaOptions(where="fenced")


@pytest.mark.parametrize("row", TABLE["reply"], ids=lambda row: row["name"])
def test_a_reply_has_the_verdict_of_its_json(row: dict[str, Any]) -> None:
    text = row["text"].replace("\n", "\r\n") if row.get("crlf") else row["text"]
    text = "\ufeff" + text if row.get("bom") else text
    verdict = json_schema(Item("i", "", TABLE["schema"]), Response("r", "i", "s", text), FENCED)
    found = (verdict.status, verdict.value)
    assert found == (Status.OK, row.get("value", True)), verdict.rationale


def test_a_byte_order_mark_is_no_content() -> None:
    response = Response("r", "i", "s", '\ufeff{"age": 3}')
    assert json_schema(Item("i", "", TABLE["schema"]), response, JsonSchemaOptions()).value is True
