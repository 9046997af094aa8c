"""A knowledge base that cannot be read stops the run before anything is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.experiment.stages.judge import JudgeSettings, judge
from harness.nouns.errors import DataError
from harness.registry import registry
from harness.testing import fake_context

FACTS = "key,answer,aliases\nFrance,Paris,\n"


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("facts.csv", None, {}, "no such knowledge base"),
        ("facts.sqlite", None, {}, "no such knowledge base"),
        ("facts.csv", b"", {}, "no column key, answer"),
        ("facts.csv", FACTS.encode(), {"key": "country"}, "no column country"),
        ("facts.csv", FACTS.encode("utf-16"), {}, "not a knowledge base"),
        ("facts.csv", b"key,answer,aliases\nx,\xff,\n", {}, "not a knowledge base"),
        ("facts.sqlite", b"not a base at all, but text" * 40, {}, "not a knowledge base"),
        ("facts.db", b"", {}, "no column key, answer"),
        ("facts.txt", FACTS.encode(), {}, "not a knowledge base"),
    ],
)
def test_a_file_that_is_no_knowledge_base_is_one_refusal(
    tmp_path: Path, name: str, content: bytes | None, options: dict[str, Any], message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    source = registry().source("knowledge_base").build({"file": str(path), **options})
    with pytest.raises(DataError, match=message) as wrong:
        source.check(fake_context())
    assert wrong.value.where == str(path)


def test_the_command_refuses_before_it_judges(tmp_path: Path) -> None:
    items, responses = tmp_path / "items.jsonl", tmp_path / "responses.jsonl"
    items.write_text('{"id": "i", "prompt": "Capital?", "reference": "France"}\n')
    responses.write_text('{"id": "r", "item_id": "i", "system": "s", "text": "Paris"}\n')
    facts = tmp_path / "facts.csv"
    settings = JudgeSettings({"file": str(facts)}, journal=tmp_path / "j.sqlite")
    with pytest.raises(DataError, match="no such knowledge base"):
        judge("knowledge_base", items, responses, settings)
    facts.write_text(FACTS)
    assert judge("knowledge_base", items, responses, settings).judgments[0].verdict.value is True
