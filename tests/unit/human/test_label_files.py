"""Files of labels: encodings, quoting, delimiters, Excel, Parquet, and their clear errors."""

import codecs
import json
from pathlib import Path

import pytest

from harness.labels.files import read_table
from harness.nouns.errors import DataError, MissingExtraError

TEXT = 'item,label\né1,"a ""b"", c\nd"\né2,x\n'


def write(tmp_path: Path, content: bytes | str, name="t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells(table):
    return [dict(row.cells) for row in table.rows]


EXPECTED = [{"item": "é1", "label": 'a "b", c\nd'}, {"item": "é2", "label": "x"}]


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
    ],
    ids=["utf-8", "utf-8-bom", "utf-16", "utf-16-be", "utf-32"],
)
def test_encodings_with_a_mark_are_read(tmp_path, content):
    table = read_table(write(tmp_path, content))
    assert cells(table) == EXPECTED
    assert [row.place for row in table.rows] == ["row 2", "row 3"]


def test_other_encodings_are_named_and_can_be_given(tmp_path):
    path = write(tmp_path, TEXT.encode("latin-1"))
    with pytest.raises(DataError, match=r"not UTF-8: byte 0xe9 in line 2[\s\S]*cp1252"):
        read_table(path)
    assert cells(read_table(path, encoding="latin-1")) == EXPECTED
    with pytest.raises(DataError, match="unknown encoding 'latin-17'"):
        read_table(path, encoding="latin-17")
    with pytest.raises(DataError, match="probably UTF-16"):
        read_table(write(tmp_path, "item,label\n1,2\n".encode("utf-16-le")))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_header(tmp_path, delimiter):
    text = delimiter.join(("item", "label")) + "\r\n" + delimiter.join(("1", "x")) + "\r\n"
    assert cells(read_table(write(tmp_path, text))) == [{"item": "1", "label": "x"}]


def test_a_tsv_may_hold_commas(tmp_path):
    table = read_table(write(tmp_path, "a,b,c\tlabel\n1\tx,y\n", "t.tsv"))
    assert cells(table) == [{"a,b,c": "1", "label": "x,y"}]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "t.csv", "the file is empty"),
        ("item,label\n", "t.csv", "no rows"),
        ("item,item\n1,2\n", "t.csv", "'item' stands in the header more than once"),
        ('item,label\n1,"x\n', "t.csv", "broken quoting after row 1"),
        ('item,label\n1,"x"y\n', "t.csv", "broken quoting after row 1"),
        ("{", "t.json", "not JSON"),
        ("{}", "t.json", "a JSON table is a list of objects, got dict"),
        ("x", "t.ods", "unknown kind of table '.ods'"),
        ("x", "t.parquet", "not a Parquet file"),
        ("x", "t.xlsx", "not an Excel file"),
    ],
)
def test_broken_files_are_one_clear_error(tmp_path, content, name, message):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl")
    with pytest.raises(DataError, match=message) as caught:
        read_table(write(tmp_path, content, name))
    assert name in caught.value.where


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "none.csv")


def test_broken_lines_of_jsonl_are_kept_for_the_report(tmp_path):
    table = read_table(write(tmp_path, '{"a": 1}\n{broken\n[1]\n', "t.jsonl"))
    assert cells(table) == [{"a": 1}]
    assert [place for place, _ in table.problems] == ["line 2", "line 3"]


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"item": ["1", "2"], "label": [4.0, None]}), path)
    table = read_table(path)
    assert cells(table) == [{"item": "1", "label": 4.0}, {"item": "2", "label": None}]


def test_excel(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["item", "label"])
    book.active.append([1, "A"])
    book.active.append([None, None])
    book.active.append([2, None])
    path = tmp_path / "t.xlsx"
    book.save(path)
    table = read_table(path)
    assert cells(table) == [{"item": 1, "label": "A"}, {"item": 2, "label": None}]
    assert [row.place for row in table.rows] == ["row 2", "row 4"]
    book.create_sheet("more")
    book.save(path)
    with pytest.raises(DataError, match="2 sheets: Sheet, more"):
        read_table(path)
    assert len(read_table(path, sheet="Sheet").rows) == 2
    with pytest.raises(DataError, match="no sheet 'less'"):
        read_table(path, sheet="less")


def test_a_missing_library_names_its_extra(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"feedback-harness\[tables\]"):
        read_table(write(tmp_path, "x", "t.xlsx"))


def test_a_very_long_cell(tmp_path):
    long = "x" * 300_000
    assert cells(read_table(write(tmp_path, f"item,label\n1,{long}\n")))[0]["label"] == long


def test_json_list(tmp_path):
    table = read_table(write(tmp_path, json.dumps([{"a": 1}, {"b": 2}]), "t.json"))
    assert table.columns == ("a", "b")
    assert [row.place for row in table.rows] == ["entry 1", "entry 2"]
