"""One file of people's labels serves cascade and align-judge: its items may be called item_id."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.experiment.context import asking_with
from harness.experiment.stages.people import said_of
from harness.feedback.requests import build_requests
from harness.labels.judged_pairs import read_pair_truth
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, SourceInfo, Verdict
from harness.records.judgments import read_judgments, write_judgments

ITEMS = [Item(f"i{n}", f"{n}?") for n in range(3)]
RESPONSES = [Response(f"{i.id}/{s}", i.id, s, f"{s} {i.id}") for i in ITEMS for s in ("x", "y")]
PAIRS = build_requests(ITEMS, RESPONSES, "pairwise")


@pytest.mark.parametrize("column", ["item", "item_id"])
def test_both_names_of_the_items_are_read_by_both_readers(tmp_path: Path, column: str) -> None:
    lines = [
        f"{column},response_a,response_b,label",
        "i0,i0/x,i0/y,A",
        "i1,i1/y,i1/x,A",
        "i2,x,y,TIE",
    ]
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(lines) + "\n")
    judged = [Judgment(pair.id, "j", "1", "j", Verdict(Status.OK, "A")) for pair in PAIRS]
    write_judgments(tmp_path / "j.jsonl", PAIRS, judged, {"j": SourceInfo("j", "1", "judge")})
    rows = read_judgments(tmp_path / "j.jsonl")
    truth = read_pair_truth(labels, rows, RESPONSES)
    assert [truth.labels[pair.id] for pair in PAIRS] == ["A", "B", "TIE"]
    with asking_with(None) as asking:
        said = said_of([labels], "people", PAIRS, ITEMS, asking)
    assert {one.request_id: one.verdict.value for one in said.judgments} == truth.labels


def test_a_table_without_items_is_refused_by_name(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("pair,response_a,response_b,label\n1,x,y,A\n")
    with asking_with(None) as asking, pytest.raises(DataError, match="a column is missing"):
        said_of([labels], "people", PAIRS, ITEMS, asking)
