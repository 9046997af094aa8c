"""The same problem at many places is one line: its first places, and how many more."""

from __future__ import annotations

import json

import pytest

from harness.nouns.alike import alike
from harness.nouns.errors import DataError
from harness.records.rows import read_items, read_responses
from harness.train.rows import plain_rows

TYPO = "misses prompt; it has unknown key promt"
ITEMS = {
    "one": ([{"id": 0, "promt": "x"}], [f"line 1: {TYPO}"]),
    "three": ([{"id": n, "promt": "x"} for n in range(3)], [f"lines 1, 2, 3: {TYPO}"]),
    "many": ([{"id": n, "promt": "x"} for n in range(24)], [f"lines 1, 2, 3 and 21 more: {TYPO}"]),
    "another problem behind them": (
        [*({"id": n, "promt": "x"} for n in range(24)), {"id": 24, "prompt": 3}],
        [f"lines 1, 2, 3 and 21 more: {TYPO}", "line 25: a prompt is text or a list of messages"],
    ),
    "two typos by turns": (
        [{"id": n, ("promt", "text")[n % 2]: "x"} for n in range(8)],
        [
            f"lines 1, 3, 5 and 1 more: {TYPO}",
            "lines 2, 4, 6 and 1 more: misses prompt; it has unknown key text",
        ],
    ),
    "one id": (
        [{"id": 1, "prompt": "x"}] * 6,
        ["lines 2, 3, 4 and 2 more: id '1' stands already in line 1"],
    ),
}


@pytest.mark.parametrize("case", ITEMS)
def test_a_file_of_items_says_the_same_thing_once(case, tmp_path):
    rows, told = ITEMS[case]
    path = tmp_path / "items.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError) as caught:
        read_items(path)
    found = caught.value.details
    assert len(found) == len(told)
    assert all(line.startswith(start) for line, start in zip(found, told, strict=True))


def test_responses_and_rows_to_train_on_do_so_too(tmp_path):
    path = tmp_path / "responses.jsonl"
    path.write_text('{"id": 1, "item": "a", "text": "x"}\n' * 9)
    with pytest.raises(DataError) as caught:
        read_responses(path)
    (line,) = caught.value.details
    assert line.startswith("lines 1, 2, 3 and 6 more: misses item_id")
    with pytest.raises(DataError) as caught:
        plain_rows([{"prompt": "x", "choosen": "y"}] * 40, ("prompt", "chosen"), "rows")
    (line,) = caught.value.details
    assert line.startswith("rows 1, 2, 3 and 37 more: ")
    assert "choosen" in caught.value.hint


def test_different_problems_are_counted():
    problems = [(f"line {n}", f"unknown item {n}") for n in range(23)]
    found = alike(problems, 20)
    assert found[-2:] == ["line 19: unknown item 19", "and 3 more"]
    assert alike([], 20) == []
