"""Rows and labels that may be one thing or another: sums below a table, two kinds of ties, ..."""

from __future__ import annotations

import shlex

import pytest
from in_process import harness

from harness.experiment.stages.agree import agree
from harness.labels.mapping import ColumnMapping, read_said
from harness.labels.ratings import Reading, read_ratings
from harness.nouns.errors import DataError

PEOPLE = {"humans": ("ann", "ben"), "judges": ("gpt",)}
PAIRS = {"response_a": "x", "response_b": "y", "annotator_name": "crowd", "label": "won"}


def table(folder, *rows, head="item,ann,ben,gpt"):
    path = folder / "t.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


TIES = [
    (("tie", "both_bad"), 2),
    (("tie", "bothbad"), 2),
    (("tie", "tie (bothbad)"), 2),
    (("Tie", "BothBad"), 2),
    (("draw", "both_bad"), 2),
    (("tie", "both"), 2),
    (("=", "both"), 2),
    (("both", "bothbad"), 2),
    (("tie", "draw", "TIE", "="), 1),
    (("both_bad", "bothbad", "tie (bothbad)"), 1),
    (("both_bad",), 1),
    (("tie",), 1),
]
"""Words for a tie in one table of pairs, and how many verdicts they may be."""


@pytest.mark.parametrize(("said", "kinds"), TIES)
def test_a_tie_beside_one_where_both_are_bad_is_asked_about(tmp_path, said, kinds):
    won = ["A", "model_b", *said]
    path = table(tmp_path, *(f"{i},m,n,{w}" for i, w in enumerate(won)), head="item,x,y,won")
    reading = Reading(item_column="item", columns=PAIRS)
    if kinds == 1:
        assert read_ratings(path, reading)[0].codes[:, 0].tolist() == [0, 2] + [1] * len(said)
        return
    with pytest.raises(DataError, match="labels that may be one or two") as caught:
        read_ratings(path, reading)
    hints = [part.split("'")[1] for part in caught.value.hint.split("--set ")[1:]]
    ties = []
    for hint in hints:
        option, _, text = hint.partition("=")
        columns = {**PAIRS, **read_said({option: text})}
        found, _ = read_ratings(path, Reading(item_column="item", columns=columns))
        ties.append(int((found.codes[:, 0] == 1).sum()))
    assert ties[0] == len(said) > ties[1]


def test_so_it_is_in_an_export_of_the_arena(tmp_path):
    path = tmp_path / "t.jsonl"
    row = '{{"question_id": {}, "model_a": "m", "model_b": "n", "winner": "{}"}}\n'
    path.write_text("".join(row.format(i, w) for i, w in enumerate(["model_a", "tie", "both_bad"])))
    mapping = ColumnMapping.of_file(path, {"annotator_name": "crowd"})
    with pytest.raises(DataError, match="'both_bad' and 'tie'"):
        mapping.tidy()


def test_a_system_may_be_called_a_tie(tmp_path):
    path = table(tmp_path, "1,both,n,both", "2,both,n,tie", head="item,x,y,won")
    found, _ = read_ratings(path, Reading(item_column="item", columns=PAIRS))
    assert found.codes[:, 0].tolist() == [0, 1]


ITEMS = ["1,TRUE,TRUE,TRUE", "2,FALSE,FALSE,TRUE", "3,TRUE,FALSE,TRUE", "4,FALSE,TRUE,TRUE"]
SCORES = ["1,4,5,3", "2,2,1,1", "3,5,4,4", "4,1,2,1"]
SUMS = [
    (ITEMS, "Total,2,2,4"),
    (ITEMS, "total:,2,2,4"),
    (ITEMS, "TOTAL,50%,50%,100%"),
    (ITEMS, "Summe,2,2,4"),
    (ITEMS, "Average,0.5,0.5,1"),
    (ITEMS, "Count,4,4,4"),
    (ITEMS, "\u5408\u8ba1,2,2,4"),
    (SCORES, "Total,12,12,9"),
    (SCORES, "Grand Total,12,12,9"),
    (SCORES, "Mean,3,3,2.25"),
    (SCORES, 'Mittelwert,"3,0","3,0","2,25"'),
    (SCORES, "Average,3.00,3.00,2.3"),
    (SCORES, "stdev,1.83,1.83,1.5"),
]


WRITTEN = {
    "with an apostrophe": {"Decimal('1')": "1"},
    "many": {f"{c}.{n}": f"{c}.{n}." for c in "ab" for n in range(1, 30)},
}


@pytest.mark.parametrize("case", WRITTEN)
def test_the_hint_works_when_it_is_copied_however_many_labels_it_is_about(tmp_path, case):
    labels = WRITTEN[case]
    path = table(tmp_path, *(f"{i},{x},{x},{y}" for i, (x, y) in enumerate(labels.items())))
    said: dict[str, object] = {}
    for _ in range(20):
        try:
            found, _ = read_ratings(path, Reading(**PEOPLE, columns=said))
            break
        except DataError as error:
            one = str(error.hint).partition("say ")[2].partition("; if they are two")[0]
            option, _, text = shlex.split(one)[1].partition("=")
            said = read_said({option: text})
    assert len(found.categories) == len(labels)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("rows", "last"), SUMS)
def test_a_row_that_sums_up_is_no_item(tmp_path, rows, last, named):
    item = {"item_column": "item"} if named else {}
    path = table(tmp_path, *rows, ",,,", last)
    with pytest.raises(DataError, match="row 7 sums up the rows above and is no item") as caught:
        read_ratings(path, Reading(**PEOPLE, **item))
    assert "take it out" in caught.value.hint
    assert len(read_ratings(table(tmp_path, *rows), Reading(**PEOPLE, **item))[0].items) == 4


def test_several_rows_that_sum_up_are_named_at_once(tmp_path):
    path = table(tmp_path, *SCORES, "Total,12,12,9", "Mean,4.8,4.8,3.6")
    with pytest.raises(DataError, match="row 6, row 7 sum up the rows above"):
        read_ratings(path, Reading(**PEOPLE, item_column="item"))


MAYBE = [
    (SCORES, "Total,4,4,4"),
    (SCORES, "total,13,12,9"),
    (SCORES, ",12,12,9"),
    (ITEMS, ",2,2,4"),
]
"""Rows that may sum up: without their name, or with other numbers."""


@pytest.mark.parametrize(("rows", "last"), MAYBE)
def test_a_row_that_may_sum_up_is_told(tmp_path, rows, last):
    found, _ = read_ratings(table(tmp_path, *rows, last), Reading(**PEOPLE))
    assert "warning: row 6 may sum up the rows above; counted as items" in found.notes


ITEMS_OF_THEIR_OWN = [
    (SCORES, "5,3,3,2"),
    (SCORES, "5,12,12,9"),
    (SCORES, "totals of a firm,4,4,4"),
    (ITEMS, "Total,TRUE,FALSE,TRUE"),
    (["total,4,5,3", "mean,1,1,2", "q,2,2,2"] * 3, "x,1,1,2"),
    (["1,1,1,1"], "2,1,1,1"),
]


@pytest.mark.parametrize(("rows", "last"), ITEMS_OF_THEIR_OWN)
def test_an_item_stays_one(tmp_path, rows, last):
    found, _ = read_ratings(table(tmp_path, *rows, last), Reading(**PEOPLE))
    assert len(found.items) == len(rows) + 1 and not any("sum up" in n for n in found.notes)


ONE_OR_TWO = [
    ("1", "np.int64(1)"),
    ("1", "numpy.int64(1)"),
    ("1.5", "np.float64(1.5)"),
    ("1", "array(1)"),
    ("1", "tensor(1)"),
    ("1", "Decimal('1')"),
    ("True", "np.True_"),
    ("good", "np.str_('good')"),
    ("\U0001f44d", "\U0001f44d\U0001f3fd"),
    ("\U0001f44e\U0001f3fb", "\U0001f44e\U0001f3ff"),
    ("1", "1\ufe0f\u20e3"),
]


@pytest.mark.parametrize(("one", "other"), ONE_OR_TWO)
def test_how_a_program_writes_a_value_may_be_the_value(tmp_path, one, other):
    path = table(tmp_path, f"1,{one},{one},{other}", "2,x,x,x", "3,y,y,y")
    with pytest.raises(DataError, match="labels that may be one or two"):
        read_ratings(path, Reading(**PEOPLE))


@pytest.mark.parametrize(
    ("one", "other", "labels"),
    [("\u2764", "\u2764\ufe0f", 2), ("\U0001f44d", "\U0001f44e", 3), ("f", "g(z)", 3),
     ("tie", "(tie) x", 3)],
)  # fmt: skip
def test_the_variant_of_an_emoji_is_no_label(tmp_path, one, other, labels):
    path = table(tmp_path, f"1,{one},{one},{other}", "2,x,x,x")
    assert len(read_ratings(path, Reading(**PEOPLE))[0].categories) == labels


NUMBERS = [("1,5", "2,0"), ("80%", "20%"), ("80 %", "7 %"), ("12,5%", "3,5%")]


@pytest.mark.parametrize("labels", NUMBERS)
def test_numbers_that_only_a_person_reads_are_told(tmp_path, labels):
    rows = [f'{i},"{x}","{x}","{x}"' for i, x in enumerate(labels)]
    path = table(tmp_path, *rows)
    (note,) = read_ratings(path, Reading(**PEOPLE))[0].notes
    assert note.startswith("warning: ") and "not as numbers" in note and "--scale interval" in note
    with pytest.raises(DataError, match="not on the scale") as caught:
        read_ratings(path, Reading(**PEOPLE, level="interval"))
    assert "write 1.5 for 1,5, and 0.8 or 80 for 80%" in caught.value.hint
    said = harness("agree", path, "--people", "ann,ben", "--judges", "gpt")
    assert said.returncode == 0 and "read as words, not as numbers" in said.stdout


@pytest.mark.parametrize(
    "labels", [("1.5", "2.0"), ("A", "B"), ("x%y", "1,2,3"), ("1,5", "a", "b")]
)
def test_other_labels_are_not(tmp_path, labels):
    rows = [f'{i},"{x}","{x}","{x}"' for i, x in enumerate(labels)]
    assert read_ratings(table(tmp_path, *rows), Reading(**PEOPLE))[0].notes == ()


def test_whom_nobody_named_is_told_to_be_taken_for_a_judge(tmp_path):
    path = table(tmp_path, "1,m,n,A", "2,m,n,B", head="item,x,y,won")
    reading = Reading(item_column="item", columns=PAIRS)
    (note,) = agree(path, reading).table.notes
    assert "taken for a judge" in note and note.endswith("--people crowd")
    for named in ({"humans": ("crowd",)}, {"judges": ("crowd",)}):
        assert agree(path, Reading(item_column="item", columns=PAIRS, **named)).table.notes == ()


LONG = {"item_column": "item", "annotator_column": "who", "label_column": "label"}
TWICE = ["q1,ann,A", "q1,gpt,A", "q1,ann,A", "q2,ann,B", "q2,gpt,A", "q2,gpt,B", "q3,ann,A"]


@pytest.mark.parametrize(
    ("rows", "how", "told"),
    [
        (TWICE, "last", "2 labels left out, as a later one of the same person on the same thing"
         " counts (1 of ann, 1 of gpt); 1 of them said something else"),
        (["q1,ann,A", "q1,ann,B", "q1,ann,A"], "last", "2 labels left out, as a later one of the"
         " same person on the same thing counts (2 of ann); 2 of them said something else"),
        (TWICE, "repeat", "2 labels repeat an earlier one of the same person on the same thing;"
         " what takes one label of a person takes the first"),
        (["q1,ann,A", "q2,ann,B"], "last", ""),
        (["q1,ann,A", "q1,ann,A"], "last", "1 label left out, as a later one of the same person on"
         " the same thing counts (1 of ann); 0 of them said something else"),
        (["q1,ann,A", "q1,ann,skip"], "last", "1 label left out, as a later one of the same person"
         " on the same thing counts (1 of ann); 1 of them said something else"),
    ],
)  # fmt: skip
def test_labels_that_a_later_one_replaces_are_counted(tmp_path, rows, how, told):
    path = table(tmp_path, *rows, head="item,who,label")
    reading = Reading(**LONG, columns={"duplicates": how})
    assert read_ratings(path, reading)[0].notes == ((told,) if told else ())
    asked = ["--set", "systems=m", "--set", f"duplicates={how}", "--accept"]
    done = harness("import-labels", path, *asked)
    assert done.returncode == 0, done.stderr
    assert told in " ".join(done.stdout.split())
