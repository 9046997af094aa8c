"""Tables that never end, or whose labels are texts, are refused before they fill the memory."""

from __future__ import annotations

import csv
import sqlite3
import zipfile
from pathlib import Path

import pytest

from harness.agreement import Settings
from harness.experiment.stages.aggregate import MOST_WEIGHT, How, aggregate
from harness.experiment.stages.agree import agree
from harness.label_page.exporting import export
from harness.labels import files
from harness.labels.files import read_table
from harness.labels.ratings import Reading
from harness.nouns.errors import DataError, InputError
from harness.ratings.table import MOST_CATEGORIES, from_labels

FOREVER = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT"


def view(path: Path, select: str) -> Path:
    with sqlite3.connect(path) as made:
        made.execute(f"CREATE VIEW labels AS {select}")
    made.close()
    return path


@pytest.mark.parametrize(
    ("select", "said"),
    [
        (f"{FOREVER} n AS item FROM r", "more than 1000 rows"),
        (f"{FOREVER} hex(zeroblob(100)) AS item FROM r", "more than 1000 rows, or 5000 characters"),
        (f"{FOREVER} hex(zeroblob(1000000)) AS item FROM r", "too big"),
        (f"{FOREVER} n AS item FROM r WHERE n < 0", "interrupted"),
        (f"{FOREVER} max(n) AS item FROM r", "interrupted"),
    ],
)
def test_a_view_that_never_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, select: str, said: str
) -> None:
    monkeypatch.setattr(files, "_MOST_ROWS", 1000)
    monkeypatch.setattr(files, "_MOST_TEXT", 5000)
    monkeypatch.setattr(files, "_LONGEST_READ_S", 0.2)
    with pytest.raises(DataError, match=said):
        read_table(view(tmp_path / "v.sqlite", select))


def test_texts_are_no_categories(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    rows = "".join(f"{n},one {n},another {n}\n" for n in range(MOST_CATEGORIES))
    path.write_text("item,ann,judge\n" + rows)
    with pytest.raises(DataError, match=r"2000 different labels.* of more than 1000") as wrong:
        agree([path], Reading(humans=("ann",), judges=("judge",)), Settings())
    assert "free text" in str(wrong.value)


def test_numbers_of_a_numeric_scale_may_be_many() -> None:
    numbers = [str(n) for n in range(MOST_CATEGORIES + 1)]
    assert from_labels({"ann": numbers}, level="interval").n_categories == MOST_CATEGORIES + 1
    assert from_labels({"ann": numbers[1:]}).n_categories == MOST_CATEGORIES
    with pytest.raises(DataError, match="need --scale interval or ratio"):
        from_labels({"ann": numbers})


def test_a_book_of_300_megabytes_is_refused_unread(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    path = tmp_path / "t.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book,
        book.open("[Content_Types].xml", "w", force_zip64=True) as part,
    ):
        for _ in range(300):
            part.write(b" " * (1 << 20))
    with pytest.raises(DataError, match="it unpacks to 300 MiB"):
        read_table(path)


@pytest.mark.parametrize("weight", [1e308, 2 * MOST_WEIGHT])
def test_weights_whose_sum_has_no_number_are_refused(tmp_path: Path, weight: float) -> None:
    path = tmp_path / "l.csv"
    path.write_text("item,ann,ben\n1,A,A\n2,B,A\n")
    how = How("majority", weights={"ann": weight, "ben": weight})
    with pytest.raises(InputError, match=r"--weight ann: .* is more than 1e\+09"):
        aggregate([path], how, Reading(judges=("ann", "ben")))


def test_a_column_without_a_name_is_no_other_column(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text(",item,ann,judge\n" + "".join(f"{n},i{n},A,A\n" for n in range(4)))
    report = agree([path], Reading(humans=("ann",), judges=("judge",)), Settings(replicates=100))
    assert len(report.as_dict()) and read_table(path).rows[0].text("") == ""


def test_an_export_keeps_blanks_that_tell_names_apart(tmp_path: Path) -> None:
    names = ["\t=1", "\x0b=1", "=1", " a", "a ", "a"]
    store = tmp_path / "s.sqlite"
    with sqlite3.connect(store) as made:
        made.execute("CREATE TABLE labels (item, label)")
        made.executemany("INSERT INTO labels VALUES (?, 'A')", [(name,) for name in names])
    made.close()
    export(store, tmp_path / "e.csv", None)
    with (tmp_path / "e.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["item"] for row in rows}) == len(names)
    assert [row.cells["item"] for row in read_table(tmp_path / "e.csv").rows] == names
