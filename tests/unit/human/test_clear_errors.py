"""What is no table, and what is wrong with one, is said in its own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.labels.exports import read_label_table
from harness.nouns.errors import DataError
from harness.records.rows import read_rows
from harness.registry import registry

WIDE = {"item": "item", "systems": ["m", "n"], "labels": ["ann"]}


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        registry().source("human_csv").build({"file": str(path), **WIDE, **options})
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"), [("t.json", "[1, 2]"), ("t.jsonl", "1\n2\n"), ("t.jsonl", "x\n[1]\n")]
)
def test_json_without_objects_is_no_table(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    said = refused(path)
    assert "no row is a JSON object" in said and "objects, one for each row" in said
    assert "missing" not in said


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    for read in (read_label_table, lambda path: list(read_rows(path))):
        with pytest.raises(DataError, match="it is a folder, not a file"):
            read(tmp_path)
        with pytest.raises(DataError, match="no such file"):
            read(tmp_path / "t.csv")


def test_a_key_that_stands_twice_is_no_label(tmp_path: Path) -> None:
    twice = '{"item": "q7", "ann": "A", "ann": "B"}'
    (tmp_path / "t.json").write_text(f"[{twice}]")
    said = refused(tmp_path / "t.json")
    assert "key 'ann' stands twice in the object {'item': 'q7'" in said
    (tmp_path / "t.jsonl").write_text(json.dumps({"item": "q1", "ann": "A"}) + f"\n{twice}\n")
    assert "line 2: key 'ann' stands twice" in refused(tmp_path / "t.jsonl")
    with pytest.raises(DataError, match=r"t\.jsonl:2: key 'ann' stands twice"):
        list(read_rows(tmp_path / "t.jsonl"))


@pytest.mark.parametrize(
    ("rows", "twice"),
    [("q1,A\nq1,B", True), ("q1,A\nq2", False), ("q1,C", False), ("q1,A\n,B", False)],
)
def test_duplicates_are_hinted_at_only_where_there_are_some(
    tmp_path: Path, rows: str, twice: bool
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"item,ann\n{rows}\n")
    assert ("--set duplicates=last" in refused(path)) == twice
