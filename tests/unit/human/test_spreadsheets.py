"""What spreadsheets write: cells that could not be computed, formulas, several sheets."""

import pytest
from in_process import harness

from harness.labels.comparisons import read_comparisons
from harness.labels.ratings import Reading, read_ratings
from harness.nouns.errors import DataError

ERRORS = [
    *("#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#REF!", "#NULL!", "#NUM!", "#ERROR!", "#SPILL!"),
    *("#CALC!", "#GETTING_DATA", "#WERT!", "#BEZUG!", "#ZAHL!", "#NV", "#value!", " #Ref! "),
]
PEOPLE = {"humans": ("ann",), "judges": ("gpt",)}


def said(path, **reading):
    """Annotator -> each label, or the reason why there is none."""
    table, _ = read_ratings(path, Reading(**reading))
    return {
        name: [
            table.categories[code] if code >= 0 else table.reasons[reason - 1] if reason else None
            for code, reason in zip(
                table.codes[:, k].tolist(), table.failures[:, k].tolist(), strict=True
            )
        ]
        for k, name in enumerate(table.annotators)
    }


@pytest.mark.parametrize("cell", ERRORS)
def test_what_a_spreadsheet_could_not_compute_is_no_label_and_counted(tmp_path, cell):
    path, reason = tmp_path / "t.csv", cell.strip().lower()
    path.write_text(f"item,ann,gpt\n1,A,{cell}\n2,{cell},B\n3,B,B\n")
    wanted = {"ann": ["A", reason, "B"], "gpt": [reason, "B", "B"]}
    assert said(path, **PEOPLE) == wanted
    long = {"item_column": "i", "annotator_column": "who", "label_column": "l"}
    path.write_text(f"i,who,l\n1,ann,A\n1,gpt,{cell}\n2,ann,{cell}\n2,gpt,B\n3,ann,B\n3,gpt,B\n")
    assert said(path, **PEOPLE, **long) == wanted
    assert said(path, **PEOPLE, **long, failure_values=("oops",)) == wanted


def test_of_numbers_and_gold_labels_alike(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("item,ann,gpt,gold\n1,1,#DIV/0!,1\n2,2,3,#REF!\n3,3,4,3\n")
    assert said(path, **PEOPLE, level="interval")["gpt"][0] == "#div/0!"
    table, _ = read_ratings(path, Reading(**PEOPLE, gold_column="gold"))
    assert table.gold.tolist()[1] == -1 and "#REF!" not in table.categories


def test_a_declared_label_of_that_name_stays_one(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("item,ann,gpt\n1,#REF!,A\n2,A,A\n")
    values = {"values": {"#REF!": "broken", "A": "A"}}
    assert said(path, **PEOPLE, columns=values)["ann"] == ["broken", "A"]


def book(tmp_path, *rows):
    """A file of two sheets, the second with the rows."""
    openpyxl = pytest.importorskip("openpyxl")
    made = openpyxl.Workbook()
    made.active.append(["note"])
    sheet = made.create_sheet("Raw 2")
    for row in rows:
        sheet.append(row)
    made.save(tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


def test_a_sheet_is_chosen_as_the_hint_says(tmp_path):
    path = book(tmp_path, ["item", "ann", "gpt"], [1, "A", "A"], [2, "B", "A"])
    with pytest.raises(DataError, match="2 sheets") as caught:
        said(path, **PEOPLE)
    assert "--set 'sheet=Raw 2'" in caught.value.hint
    assert said(path, **PEOPLE, columns={"sheet": "Raw 2"})["gpt"] == ["A", "A"]
    for command in (
        ["agree", "--people", "ann", "--judges", "gpt"],
        ["aggregate", "--annotators", "ann,gpt"],
    ):
        done = harness(command[0], path, *command[1:], "--set", "sheet=Raw 2")
        assert done.returncode == 0, done.stderr


def test_a_formula_without_a_value_stops_with_its_cell(tmp_path):
    path = book(tmp_path, ["item", "ann", "gpt"], [1, "A", "=B2"], [2, "B", None])
    with pytest.raises(DataError, match="sheet 'Raw 2': 1 formulas have no value: C2"):
        said(path, **PEOPLE, columns={"sheet": "Raw 2"})


@pytest.mark.parametrize("cell", ["#N/A", "#VALUE!", "n/a", "NaN"])
@pytest.mark.parametrize("more", [[], ["--pass-values", "ok"]])
def test_a_sample_without_a_label_has_not_failed_the_test(tmp_path, cell, more):
    path = tmp_path / "t.csv"
    path.write_text(f"task,ok\n1,{'ok' if more else 'passed'}\n1,{cell}\n2,failed\n")
    done = harness("pass-at-k", path, "--item-column", "task", "--label-column", "ok", *more)
    assert done.returncode == 0, done.stderr
    assert "2 samples of 2 items have a verdict; 1 have none: 1 missing" in done.stdout


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ("A,B,A", 0),
        ("B,A,A", None),
        ("B,A,b", None),
        ("B,A,model_a", 0),
        ("A,c,B", 2),
        ("c,A,A", None),
    ],
)
def test_a_winner_that_is_a_system_and_another_place_is_asked_about(tmp_path, row, outcome):
    path = tmp_path / "t.csv"
    path.write_text(f"x,y,won\n{row}\n")
    if outcome is not None:
        assert read_comparisons(path, "x", "y", "won").outcomes.tolist() == [outcome]
        return
    with pytest.raises(DataError) as caught:
        read_comparisons(path, "x", "y", "won")
    assert "may be the system" in str(caught.value) and "model_a" in str(caught.value)
