"""What is wrong is said by its name, and before the work."""

from __future__ import annotations

import pytest

from harness.cli.agree import command
from harness.experiment.stages.recorded import files_of
from harness.judging.anchors import read_anchors
from harness.nouns.errors import DataError, InputError
from harness.records.rows import item_from, response_from


@pytest.mark.parametrize(
    ("build", "row", "unknown"),
    [
        (item_from, {"id": "1", "promt": "x"}, "promt"),
        (item_from, {"ID": "1", "prompt": "x"}, "ID"),
        (item_from, {"idx": "1", "question": "x"}, "idx, question"),
        (response_from, {"id": "1", "item": "1", "text": "x"}, "item"),
        (response_from, {"id": "1", "item_id": "1", "response": "x"}, "response"),
    ],
)
def test_an_unknown_key_is_named_beside_a_missing_one(build, row, unknown):
    with pytest.raises(ValueError, match=f"^misses .*; it has unknown key {unknown}$"):
        build(row)


@pytest.mark.parametrize("text", ["", "\n", "  \n\n"])
def test_an_empty_file_is_called_empty(tmp_path, text):
    one, two = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    one.write_text(text)
    two.write_text(text)
    with pytest.raises(DataError, match="the file is empty"):
        files_of([one, two])
    with pytest.raises(DataError, match="the file is empty"):
        read_anchors(one)


@pytest.mark.parametrize("gate", ["judge=0.4:dorp", "judge=x:drop", "judge=0.4"])
def test_a_gate_that_is_none_is_refused_before_the_labels_are_read(tmp_path, gate):
    with pytest.raises(InputError, match="--gate must be like"):
        command(labels=tmp_path / "none.csv", gate=[gate])
