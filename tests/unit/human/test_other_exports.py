"""Exports of survey tools, rankings of Label Studio, battles of several turns, files of pandas."""

from __future__ import annotations

import json

import pytest

from harness.labels.exports import read_label_table
from harness.labels.files import read_table
from harness.labels.mapping import ColumnMapping
from harness.labels.ratings import Reading, read_ratings
from harness.labels.read_labels import read_labels
from harness.nouns.errors import DataError


def written(folder, content, name="t.csv"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


MTURK = """HITId,WorkerId,AssignmentStatus,Input.prompt,Answer.choice
h1,w1,Approved,Why?,A
h1,w2,Rejected,Why?,B
h1,w3,Submitted,Why?,A
h2,w1,rejected,How?,B
h2,w2,,How?,B
"""


def test_rejected_assignments_are_left_out_and_counted(tmp_path):
    path = written(tmp_path, MTURK)
    mapping = ColumnMapping.of_file(path, {"systems": "m,n"})
    note = "2 rows left out: AssignmentStatus is Rejected"
    assert mapping.table.notes == (note,)
    labels = read_labels(mapping.table, mapping.columns())
    said = [(x.item_id, x.annotator, x.value) for x in labels]
    assert said == [("h1", "w1", "A"), ("h1", "w3", "A"), ("h2", "w2", "B")]
    reading = Reading(humans=("w1", "w2", "w3"), columns={"systems": ["m", "n"]})
    assert note in read_ratings(path, reading)[0].notes
    assert len(read_label_table(path, plain=True).rows) == 5


CHOICES = [
    ("true,false,false", "A"),
    ("False,TRUE,false", "B"),
    ("false,false,true", "tie"),
    ("false,false,false", ""),
    ("true,true,false", ["A", "B"]),
    (",,true", "tie"),
]


@pytest.mark.parametrize(("cells", "label"), CHOICES)
def test_a_choice_of_several_columns_becomes_one(tmp_path, cells, label):
    head = "HITId,WorkerId,Answer.pick.A,Answer.pick.B,Answer.pick.tie"
    table = read_label_table(written(tmp_path, f"{head}\nh1,w1,{cells}\n"))
    assert table.rows[0].cells["Answer.pick"] == label and "Answer.pick.A" in table.columns


def test_columns_that_are_no_choice_stay_as_they_are(tmp_path):
    head = "HITId,WorkerId,Answer.x.score,Answer.x.why,Answer.y.on"
    table = read_label_table(written(tmp_path, f"{head}\nh1,w1,4,good,true\n"))
    assert table.columns == tuple(head.split(","))


QUALTRICS = (
    "StartDate,ResponseId,Q1,Q2,Q3\nStart Date,Response ID,Which? 1,Which? 2,Which? 3\n"
    '"{""ImportId"":""startDate""}","{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}",'
    '"{""ImportId"":""QID2""}","{""ImportId"":""QID3_TEXT""}"\n'
    "2025-01-01,R_1,A,B,A\n2025-01-01,R_2,A,,B\n"
)


def test_a_survey_has_a_row_for_each_answer(tmp_path):
    mapping = ColumnMapping.of_file(written(tmp_path, QUALTRICS), {"systems": "m,n"})
    assert mapping.table.tool == "Qualtrics"
    said = [(x.item_id, x.annotator, x.value) for x in
            read_labels(mapping.table, mapping.columns())]  # fmt: skip
    assert said == [
        ("Q1", "R_1", "A"), ("Q2", "R_1", "B"), ("Q3", "R_1", "A"), ("Q1", "R_2", "A"),
        ("Q3", "R_2", "B"),
    ]  # fmt: skip
    assert mapping.table.rows[0].cells["question"] == "Which? 1"


@pytest.mark.parametrize("rows", ["R_1,A\nR_2,B\n", "R_1,{x}\nR_2,{y}\n", "R_1,A\n"])
def test_a_table_of_another_kind_is_no_survey(tmp_path, rows):
    assert read_label_table(written(tmp_path, f"ResponseId,Q1\n{rows}")).tool == ""


RANKERS = [
    ({"rank": ["m", "n", "o"]}, 3),
    ({"_": ["m", "n", "o"]}, 3),
    ({"_": [], "rank": ["m", "n"]}, 1),
    ({"rank": ["m", "n"], "_": ["o"]}, "several buckets ('rank', '_')"),
    ({"good": ["m"], "bad": ["n", "o"]}, "several buckets ('good', 'bad')"),
    ({}, "several buckets"),
    (["m", "n"], 1),
    ({"rank": ["m"]}, "a ranking needs two responses or more"),
]


@pytest.mark.parametrize(("ranker", "found"), RANKERS)
def test_a_ranker_of_label_studio_is_a_ranking(tmp_path, ranker, found):
    result = {"from_name": "rank", "type": "ranker", "value": {"ranker": ranker}}
    task = {"id": 1, "data": {}, "annotations": [{"completed_by": 7, "result": [result]}]}
    mapping = ColumnMapping.of_file(written(tmp_path, [task], "t.json"), {})
    assert mapping.options["task"] == "ranking" and mapping.options["label"] == "rank"
    if isinstance(found, int):
        labels = read_labels(mapping.table, mapping.columns())
        assert len(labels) == found and labels[0].responses == ("m", "n")
        return
    with pytest.raises(DataError) as caught:
        read_labels(mapping.table, mapping.columns())
    assert found in str(caught.value)


def turns(*texts):
    return [{"role": ["user", "assistant"][i % 2], "content": t} for i, t in enumerate(texts)]


BATTLES = [
    ({"prompt": '["a"]', "response_a": '["b"]', "response_b": '["c"]'}, 0),
    ({"prompt": '["a","d"]', "response_a": '["b","e"]', "response_b": '["c","f"]'}, "joined"),
    ({"prompt": "a", "response_a": "b", "response_b": "c"}, 0),
    ({"conversation_a": turns("a", "b"), "conversation_b": turns("a", "c")}, 0),
    ({"conversation_a": turns("a", "b", "d", "e"), "conversation_b": turns("a", "c", "d", "f")},
     "answers of model_a"),
    ({"conversation_a": turns("a", "b", "d", "e"), "conversation_b": turns("a", "b", "d", "f")}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "told"), BATTLES)
def test_several_turns_are_told(tmp_path, texts, told):
    rows = [{"id": i, "model_a": "m", "model_b": "n", "winner": "tie", **texts} for i in (1, 2)]
    table = read_label_table(written(tmp_path, rows, "t.json"))
    assert table.tool == "Chatbot Arena" and len(table.notes) == (told != 0)
    if told:
        assert table.notes[0].startswith("rows with several turns: 2; ")
        assert told in table.notes[0]


ROW = {"item": 1, "ann": "A"}
OTHERS = {
    "t.json": [
        ({"item": {"0": 1}, "ann": {"0": "A"}}, "orient='records'"),
        ({"columns": ["item"], "index": [0], "data": [[1]]}, "orient='records'"),
        ({"0": ROW, "1": ROW}, "orient='records'"),
        ({"schema": {"x": 1}, "data": [ROW]}, "its entry 'data' is such a list"),
        ({"n": 1, "rows": [ROW, ROW]}, "its entry 'rows' is such a list"),
        ({"item": 1, "ann": "A"}, "one object a line is JSONL"),
        ("text", "write a list of objects"),
        (7, "write a list of objects"),
    ],
    "t.csv.gz": [("", "unpack it first (gunzip)")],
    "t.zip": [("", "unpack it first (unzip)")],
    "t.xls": [("", "save it as .xlsx or .csv")],
    "t.ods": [("", "save it as .xlsx or .csv")],
    "t.feather": [("", "df.to_csv('labels.csv', index=False)")],
    "t.md": [("", "save its table as .csv")],
    "t.dat": [("", "rename it to end in one of .csv")],
    "t.csv": [
        (",Humans,,Judges\nitem,ann,ben,gpt\n1,A,A,A\n", "take out a title or a second header"),
        ("| item | ann |\n|---|---|\n| 1 | A |\n", "a Markdown table (| a | b |) as CSV"),
        ("item,ann,ann\n1,A,B\n", "give each column a name of its own"),
        ("item,ann,\n1,A,\n,,", ""),
    ],
}


@pytest.mark.parametrize(
    ("name", "content", "way"), [(n, c, way) for n, cases in OTHERS.items() for c, way in cases]
)
def test_a_file_that_is_no_table_says_what_to_do(tmp_path, name, content, way):
    text = json.dumps(content) if name == "t.json" else content
    path = written(tmp_path, text, name)
    if not way:
        assert len(read_table(path).rows) == 1
        return
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert way in caught.value.hint


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u200b", "", None, "\t"])
def test_a_blank_cell_far_below_a_table_is_no_row(tmp_path, blank):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["item", "ann"], [1, "A"], [2, "B"]):
        book.active.append(row)
    book.active.cell(row=60, column=2, value=blank)
    book.active.cell(row=61, column=5, value=blank)
    book.save(tmp_path / "t.xlsx")
    assert len(read_table(tmp_path / "t.xlsx").rows) == 2
    path = written(tmp_path, f"item,ann\n1,A\n{blank or ''},{blank or ''}\n2,B\n")
    assert len(read_table(path).rows) == 2
