"""Files and options that are wrong stop a source before anything is judged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.experiment.stages.judge import JudgeSettings, judge
from harness.nouns.errors import DataError, HarnessError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response
from harness.registry import registry
from harness.testing import fake_context

CAPITALS = {"France": "Paris", "Spain": "Madrid"}
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
        ("facts.csv", b"key,answer\nFrance,Paris\n", {"aliases": "aliases"}, "no column aliases"),
        ("facts.csv", b"key,answer\n", {}, "has no rows"),
        ("facts.csv", b"key;answer\nFrance;Paris\n", {}, "no column key, answer"),
        ("facts.tsv", b"key,answer\nFrance,Paris\n", {}, "no column key, answer"),
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


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("facts.csv", "key,answer\nFrance,Paris\nSpain,Madrid\n", {}),
        ("facts.CSV", "key,answer\nFrance,Paris\nSpain,Madrid\n", {}),
        ("facts.tsv", "key\tanswer\nFrance\tParis\nSpain\tMadrid\n", {}),
        ("facts.csv", "\ufeffkey,answer\r\nFrance,Paris\r\nSpain,Madrid\r\n", {}),
        ("facts.csv", "answer,notes,key\nParis,big,France\nMadrid,,Spain\n", {}),
        ("facts.csv", "key,answer,aliases\nFrance,Paris,\nSpain,Madrid\n", {}),
        ("facts.csv", "key,answer,aliases\nFrance,Paris,Lutetia\nSpain,Madrid,\n", {"aliases": ""}),
        ("facts.csv", "Land,Hauptstadt\nFrance,Paris\nSpain,Madrid\n",
         {"key": "Land", "answer": "Hauptstadt"}),
        ("facts.sqlite", "", {}),
    ],
)  # fmt: skip
def test_a_plain_table_of_keys_and_answers_is_a_knowledge_base(
    tmp_path: Path, name: str, content: str, options: dict[str, Any]
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    if path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as base:
            base.execute("CREATE TABLE facts (key, answer)")
            base.executemany("INSERT INTO facts VALUES (?, ?)", CAPITALS.items())
            base.commit()
    items = [Item(key, "Capital?", key) for key in CAPITALS]
    said = [("France", "Paris", True), ("Spain", "Madrid", True), ("Spain", "Paris", False),
            ("France", "Lutetia", False)]  # fmt: skip
    responses = [Response(f"r{i}", key, f"s{i}", text) for i, (key, text, _) in enumerate(said)]
    settings = JudgeSettings({"file": str(path), **options}, way="pointwise")
    judged = judge("knowledge_base", items, responses, settings)
    verdicts = {j.request_id: j.verdict for j in judged.judgments}
    found = [verdicts[request.id].value for request in judged.requests]
    asked_for = [request.responses[0].id for request in judged.requests]
    assert dict(zip(asked_for, found, strict=True)) == {
        f"r{i}": right for i, (_, _, right) in enumerate(said)
    }


def test_a_row_with_too_many_cells_is_named(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text("key,answer\nFrance,Paris\nUSA,Washington, D.C.\n")
    source = registry().source("knowledge_base").build({"file": str(path)})
    with pytest.raises(DataError, match="3 cells where the header has 2") as wrong:
        source.check(fake_context())
    assert wrong.value.where == f"{path}, line 3"


def test_a_key_without_an_answer_is_no_wrong_answer(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text("key,answer\nFrance,\nSpain,Madrid\n")
    items = [Item("i", "Capital?", "France")]
    responses = [Response("r", "i", "s", "Paris")]
    (judged,) = judge(
        "knowledge_base", items, responses, JudgeSettings({"file": str(path)})
    ).judgments
    assert judged.verdict.status is Status.ABSTAINED
    assert judged.verdict.rationale == "the base has no answer for 'France'"


def test_a_table_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    with closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE capitals (key, answer)")
    source = registry().source("knowledge_base").build({"file": str(path)})
    with pytest.raises(DataError, match="tables: capitals"):
        source.check(fake_context())


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("command", {"command": ["no-such-program"]}, "no program 'no-such-program'"),
        ("command", {"command": ["/no/such/program", "{file}"]}, "no program '/no/such/program'"),
        ("command", {"command": ["true"], "score": "("}, "not a regular expression"),
        ("command", {"command": ["true"], "file": "../x"}, "no file within the folder"),
        ("command", {"command": ["true"], "file": "/x"}, "no file within the folder"),
        ("command", {"command": ["true"], "file": ""}, "no file within the folder"),
        ("command", {"command": ["true"], "files": {"a/../../x": ""}}, "no file within the folder"),
        ("python_code", {"import_paths": ["/no/such/folder"]}, "no folder '/no/such/folder'"),
        ("python_code", {"import_paths": [__file__]}, "no folder"),
        ("python_code", {"preimport": ["no_such_module"]}, "no module 'no_such_module'"),
        ("code_translation", {"preimport": ["numpy"]}, "no module 'numpy' in import_paths"),
        ("json_schema", {"file": "/no/such/file.json"}, "no such file"),
        ("regex_format", {"pattern": "("}, "not a regular expression"),
        ("human_csv", {"file": "/no/such.csv", "item": "i", "response": "r", "label": "l",
                       "annotator": "a"}, "no such file"),
        ("llm_judge", {"model": "x/y", "rubric": "/no/such.yaml"}, "no such file"),
        ("constitution", {"model": "x/y", "constitution": "/no/such.yaml"}, "no such file"),
    ],
)  # fmt: skip
def test_wrong_files_and_options_are_told_before_the_first_request(
    source: str, options: dict[str, Any], message: str
) -> None:
    given = {"unsandboxed": True, **options} if source == "command" else options
    with pytest.raises(HarnessError) as wrong:
        registry().source(source).build(given).check(fake_context())
    assert message in str(wrong.value)


@pytest.mark.parametrize("program", ["{file}", "{folder}/run", "./run", "sh", "/bin/sh"])
def test_a_program_that_may_come_with_the_item_is_not_looked_for(program: str) -> None:
    options = {"unsandboxed": True, "command": [program]}
    registry().source("command").build(options).check(fake_context())


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
