"""Spellings of a preference that are read as one are told, as those of other labels are."""

from __future__ import annotations

import pytest

from harness.labels.mapping import ColumnMapping
from harness.nouns.schema import off_scale
from harness.plugin import BINARY, UNIT

PAIR = "item,response_a,response_b,Ann,ben\n"


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ("1,x,y,A,a\n", "Read as one label: a (once) as A"),
        ("1,x,y,A,a\n2,x,y,B,b\n", "Read as one label: a (once) as A; b (once) as B"),
        (
            "1,x,y,tie,=\n2,x,y,Tie,A\n",
            "Read as one label: = (once), Tie (once), tie (once) as TIE",
        ),
        ("1,x,y,model_a,A\n2,x,y,B,n/a\n", "Read as one label: model_a (once) as A"),
        ("1,x,y,A,B\n2,x,y,A,TIE\n", None),
        ("1,x,y,A,B\n2,x,y,skip,A\n", None),
        ("1,a,b,A,B\n2,a,b,A,B\n", None),
    ],
)
def test_spellings_of_a_preference_are_told(tmp_path, rows, note):
    path = tmp_path / "t.csv"
    path.write_text(PAIR + rows)
    notes = ColumnMapping.of_file(path, {"labels": "Ann,ben"}).tidy().notes
    assert [line for line in notes if line.startswith("Read")] == ([note] if note else [])


def test_spellings_of_a_label_on_a_scale_are_told(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("item,response,annotator,label\n1,x,ann,Good\n2,x,ann,good\n3,x,ann,bad\n")
    said = {"scale": "{level: nominal, labels: [good, bad]}"}
    (note,) = ColumnMapping.of_file(path, said).tidy().notes
    assert note == "Read as one label: Good (once) as good"


@pytest.mark.parametrize("value", [1.0, 0.0, 0.5, 1])
def test_a_number_of_a_source_of_yes_and_no_is_told_its_scale(value):
    assert "scale=UNIT" in off_scale(value, BINARY, ["r"])
    assert not off_scale(value, UNIT, ["r"])


@pytest.mark.parametrize("value", ["yes", "1.0", None, 5.0])
def test_what_is_no_number_is_not(value):
    assert "scale=UNIT" not in off_scale(value, BINARY, ["r"])
