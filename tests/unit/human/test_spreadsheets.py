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
    ("row", "outcome", "name", "place"),
    [
        ("A,B,A", 0, 0, 0),
        ("B,A,A", None, 2, 0),
        ("B,A,b", None, 0, 2),
        ("B,A,model_a", 0, 0, 0),
        ("A,c,B", 2, 2, 2),
        ("c,A,A", None, 2, 0),
        ("c,A,d", "wrong", "wrong", "wrong"),
        ("tie,gpt,tie", None, 0, 1),
        ("gpt,Tie,tie", None, 2, 1),
        ("gpt,draw,DRAW", None, 2, 1),
        ("gpt,both_bad,both_bad", None, 2, 1),
        ("gpt,first,first", None, 2, 0),
        ("first,gpt,first", 0, 0, 0),
        ("model_b,model_a,model_a", None, 2, 0),
        ("gpt,llama,GPT", 0, 0, 0),
        ("gpt,llama,tie", 1, 1, 1),
        ("gpt,llama,skip", "wrong", "wrong", "wrong"),
    ],
)
def test_a_winner_that_is_a_system_and_another_place_is_asked_about(
    tmp_path, row, outcome, name, place
):
    path = tmp_path / "t.csv"
    path.write_text(f"x,y,won\n{row}\n")
    for column, wanted in (("won", outcome), ("won:name", name), ("won:place", place)):
        if isinstance(wanted, int):
            assert read_comparisons(path, "x", "y", column).outcomes.tolist() == [wanted]
            continue
        with pytest.raises(DataError) as caught:
            read_comparisons(path, "x", "y", column)
        if wanted is None:
            assert "may be the system" in str(caught.value)
            assert "--label-column won:name;" in str(caught.value.hint)
            assert str(caught.value.hint).endswith("--label-column won:place")


def test_a_column_may_be_called_so(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y,won:name,won\nB,A,B,model_a\n")
    with pytest.raises(DataError, match="not understood"):
        read_comparisons(path, "x", "y", "won:name")
    assert read_comparisons(path, "x", "y", "won:place").outcomes.tolist() == [0]


@pytest.mark.parametrize(
    ("row", "value"),
    [("B,A,A", None), ("B,A,b", None), ("A,B,A", "A"), ("m,A,A", None), ("tie,m,TIE", None),
     ("skip,m,skip", None), ("both,m,both", "A"), ("m,model_a,model_a", "B"), ("m,n,A", "A")],
)  # fmt: skip
def test_a_label_that_names_one_response_and_the_place_of_the_other_stops(tmp_path, row, value):
    path = tmp_path / "t.csv"
    path.write_text(f"item,x,y,won\n1,{row}\n2,p,q,A\n")
    options = {"response_a": "x", "response_b": "y", "annotator_name": "ann", "label": "won"}
    reading = {"item_column": "item", "humans": ("ann",)}
    if value is not None:
        assert said(path, **reading, columns=options)["ann"] == [value, "A"]
        return
    with pytest.raises(DataError, match="1 of 2 rows are wrong") as caught:
        said(path, **reading, columns=options)
    assert "may be the response of that name" in str(caught.value)
    word = row.rpartition(",")[2]
    values = {"values": {word: word.upper()}}
    declared = said(path, **reading, columns={**options, **values})["ann"][0]
    assert declared == ("skip" if word == "skip" else word.upper())


SEPARATED = {
    "a system called tie": (["tie,gpt,tie", "gpt,tie,tie", "gpt,tie,gpt"], "", "--no-place"),
    "first always wins": (["a,b,a", "b,a,b", "a,b,tie", "b,a,tie"], "", "--no-place"),
    "longer always wins": (
        ["a,b,a,5", "b,a,b,6", "a,b,b,-5", "b,a,a,-4", "a,b,tie,0"], "gap", "no --length-column",
    ),
    "one length": (["a,b,a,5", "b,a,b,5", "a,b,b,5", "b,a,a,5"], "gap", "no --length-column"),
}  # fmt: skip


@pytest.mark.parametrize("case", SEPARATED)
def test_comparisons_without_an_estimate_say_what_to_leave_out(tmp_path, case):
    rows, length, way = SEPARATED[case]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["x,y,won" + (f",{length}" if length else ""), *rows]) + "\n")
    systems = ["--first-column", "x", "--second-column", "y", "--label-column", "won:name"]
    asked = ["aggregate", path, "--method", "davidson", *systems]
    done = harness(*asked, *(["--length-column", length] if length else []))
    assert done.returncode == 2 and "no estimate" in done.stderr
    assert way in " ".join(done.stderr.split())
    done = harness(*asked, *(["--no-place"] if "place" in way else []))
    assert done.returncode == 0, done.stderr
