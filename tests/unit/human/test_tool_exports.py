"""Exports of annotation tools: recognised, flattened, guessed, and read as labels."""

import json
from pathlib import Path

import pytest

from harness.labels.columns import LabelColumns
from harness.labels.exports import read_label_table
from harness.labels.guess import guess_columns
from harness.labels.read_labels import read_labels
from harness.nouns.errors import DataError


def load(tmp_path: Path, content, name="export.json"):
    path = tmp_path / name
    if name.endswith(".jsonl"):
        path.write_text("\n".join(json.dumps(row) for row in content), encoding="utf-8")
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        path.write_text(json.dumps(content), encoding="utf-8")
    return read_label_table(path)


def labels_of(table, **said):
    guess = guess_columns(table)
    labels = read_labels(table, LabelColumns(**{**guess.options, **said}))
    return [(x.item_id, x.responses, x.annotator, x.value) for x in labels]


def pairwise(selected):
    return {
        "from_name": "pw",
        "to_name": "text1,text2",
        "type": "pairwise",
        "value": {"selected": selected},
    }


def test_label_studio_json(tmp_path):
    comment = {"from_name": "why", "type": "textarea", "value": {"text": ["clearer"]}}
    rating = {"from_name": "stars", "type": "rating", "value": {"rating": 4}}
    ranker = {"from_name": "order", "type": "ranker", "value": {"ranker": ["y", "x"]}}
    table = load(
        tmp_path,
        [
            {
                "id": 7,
                "data": {"prompt": "What is 2+2?", "text1": "Four", "text2": "Five"},
                "annotations": [
                    {"completed_by": 3, "result": [pairwise("left"), comment, rating, ranker]},
                    {
                        "completed_by": {"id": 4, "email": "bob@x.org"},
                        "result": [pairwise("right")],
                    },
                    {"completed_by": 5, "was_cancelled": True, "result": []},
                ],
                "predictions": [{"model_version": "m", "result": [pairwise("left")]}],
            }
        ],
    )
    assert table.tool == "Label Studio"
    assert table.rows[0].cells["why"] == "clearer"
    assert table.rows[0].cells["stars"] == 4
    assert table.rows[0].cells["order"] == ["y", "x"]
    assert labels_of(table, label="pw", systems=["x", "y"], values={"left": "A", "right": "B"}) == [
        ("7", ("x", "y"), "3", "A"),
        ("7", ("x", "y"), "bob@x.org", "B"),
        ("7", ("x", "y"), "5", None),
    ]


def test_label_studio_csv(tmp_path):
    table = load(
        tmp_path,
        "annotation_id,annotator,id,lead_time,pw,stars\n"
        '1,3,7,2.5,left,"[{""rating"": 4}]"\n'
        '2,4,7,2.5,"{""selected"": ""right""}","[{""rating"": 2}]"\n',
        "export.csv",
    )
    assert table.tool == "Label Studio"
    assert [row.cells["stars"] for row in table.rows] == [4, 2]
    pairs = labels_of(table, label="pw", systems=["x", "y"], values={"left": "A", "right": "B"})
    assert [value for *_, value in pairs] == ["A", "B"]


def argilla_row(responses, **more):
    fields = {"prompt": "What is 2+2?", "response": "Four"}
    return {
        "id": "r1",
        "fields": fields,
        "metadata": {"model": "m1"},
        "responses": responses,
        **more,
    }


ARGILLA_EXPECTED = [("r1", ("m1",), "u1", "4"), ("r1", ("m1",), "u2", None)]


def test_argilla_two_nested(tmp_path):
    quality = [
        {"value": 4, "user_id": "u1", "status": "submitted"},
        {"value": 3, "user_id": "u2", "status": "discarded"},
        {"value": 1, "user_id": "u3", "status": "draft"},
    ]
    table = load(tmp_path, [argilla_row({"quality": quality})])
    assert table.tool == "Argilla"
    assert table.notes == ("1 drafts left out: never submitted",)
    assert labels_of(table, label="quality") == ARGILLA_EXPECTED


def test_argilla_two_flattened(tmp_path):
    row = {
        "id": "r1",
        "metadata.model": "m1",
        "quality.responses": [4, None],
        "quality.responses.users": ["u1", "u2"],
        "quality.responses.status": ["submitted", "discarded"],
    }
    table = load(tmp_path, [row], "export.jsonl")
    assert table.tool == "Argilla"
    assert labels_of(table, label="quality", response=None, systems=["m1"]) == ARGILLA_EXPECTED


def test_argilla_one(tmp_path):
    responses = [
        {"user_id": "u1", "status": "submitted", "values": {"quality": {"value": 4}}},
        {"user_id": "u2", "status": "discarded", "values": None},
    ]
    table = load(tmp_path, [argilla_row(responses)])
    assert labels_of(table, label="quality") == ARGILLA_EXPECTED


def test_argilla_ranking(tmp_path):
    ranked = [{"value": "b", "rank": 1}, {"value": "a", "rank": 2}, {"value": "c", "rank": 2}]
    responses = [{"user_id": "u1", "status": "submitted", "values": {"order": {"value": ranked}}}]
    table = load(tmp_path, [argilla_row(responses)])
    columns = LabelColumns(item="id", annotator="annotator", label="order", task="ranking")
    found = [(x.responses, x.value) for x in read_labels(table, columns)]
    assert found == [(("b", "a"), "A"), (("b", "c"), "A"), (("a", "c"), "TIE")]


PRODIGY = {
    "_task_hash": 1,
    "_input_hash": 99,
    "_session_id": "data-ann",
    "_annotator_id": "data-ann",
}


def test_prodigy_choice_and_binary(tmp_path):
    options = [{"id": "good", "text": "Good"}, {"id": "bad", "text": "Bad"}]
    table = load(
        tmp_path,
        [
            {"text": "t", "options": options, "accept": ["good"], "answer": "accept", **PRODIGY},
            {"text": "u", "options": options, "accept": [], "answer": "ignore", **PRODIGY, "id": 8},
            {"text": "v", "label": "TOXIC", "answer": "reject", **PRODIGY, "id": 9},
        ],
        "export.jsonl",
    )
    assert table.tool == "Prodigy"
    assert labels_of(table, systems=["m"]) == [
        ("99", ("m",), "data-ann", "good"),
        ("8", ("m",), "data-ann", None),
        ("9", ("m",), "data-ann", "false"),
    ]


def test_prodigy_compare_keeps_the_order_on_the_screen(tmp_path):
    base = {"input": {"text": "q"}, "accept": {"text": "x"}, "reject": {"text": "y"}, **PRODIGY}
    table = load(
        tmp_path,
        [
            {**base, "id": 1, "mapping": {"A": "accept", "B": "reject"}, "answer": "accept"},
            {**base, "id": 2, "mapping": {"A": "reject", "B": "accept"}, "answer": "reject"},
            {**base, "id": 3, "mapping": {"A": "reject", "B": "accept"}, "answer": "ignore"},
        ],
        "export.jsonl",
    )
    options = {"item": "id", "annotator": "annotator", "label": "label", "shown": "shown"}
    labels = read_labels(table, LabelColumns(systems=["new", "old"], **options))
    assert [(x.value, x.shown) for x in labels] == [("A", "AB"), ("B", "BA"), (None, "BA")]


def talk(text):
    return [{"role": "user", "content": "hi"}, {"role": "assistant", "content": text}]


def test_chatbot_arena(tmp_path):
    battle = {
        "model_a": "x",
        "model_b": "y",
        "conversation_a": talk("1"),
        "conversation_b": talk("2"),
    }
    rows = [
        {"question_id": "q1", "winner": "model_a", "judge": "u1", "turn": 1, **battle},
        {"question_id": "q2", "winner": "tie (bothbad)", "judge": "u1", "turn": 1, **battle},
    ]
    table = load(tmp_path, rows, "arena.jsonl")
    assert table.tool == "Chatbot Arena"
    assert labels_of(table) == [("q1", ("x", "y"), "u1", "A"), ("q2", ("x", "y"), "u1", "TIE")]
    assert table.rows[0].cells["prompt"] == "hi" and table.rows[0].cells["text_b"] == "2"


def test_mt_bench_turns_are_items_of_their_own(tmp_path):
    rows = [
        {"question_id": 81, "model_a": "x", "model_b": "y", "winner": w, "judge": "e", "turn": t}
        for t, w in ((1, "model_a"), (2, "model_b"))
    ]
    found = labels_of(load(tmp_path, rows))
    assert [(item, value) for item, *_, value in found] == [("81-turn1", "A"), ("81-turn2", "B")]


def test_arena_with_one_column_per_outcome(tmp_path):
    table = load(
        tmp_path,
        "id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n"
        '5,x,y,"[""hi""]","[""1""]","[""2""]",0,0,1\n',
        "train.csv",
    )
    assert labels_of(table, annotator_name="crowd") == [("5", ("x", "y"), "crowd", "TIE")]


@pytest.mark.parametrize(
    ("header", "row", "expected", "count"),
    [
        (
            "question_id,rater,model_a,model_b,preference",
            "1,ann,x,y,1\n1,bob,x,y,0\n2,ann,x,y,2",
            {"item": "question_id", "annotator": "rater", "label": "preference"},
            3,
        ),
        (
            "id,response_id,worker_id,helpfulness,honesty",
            "1,r1,w1,4,5\n1,r1,w2,3,5",
            {"labels": ["helpfulness", "honesty"], "by": "criterion", "response": "response_id"},
            4,  # two people on two criteria
        ),
        (
            "item,system,annotator_1,annotator_2",
            "1,m,4,5\n2,m,3,5",
            {"labels": ["annotator_1", "annotator_2"], "response": "system"},
            4,
        ),
        (
            "item,annotator,choice_1,choice_2,choice_3,best,worst",
            "1,ann,x,y,z,x,z",
            {"choices": ["choice_1", "choice_2", "choice_3"], "best": "best", "worst": "worst"},
            3,  # x > y, x > z, y > z
        ),
        ("item,annotator,ranking", "1,ann,x > y", {"label": "ranking", "task": "ranking"}, 1),
    ],
)
def test_plain_tables_are_guessed(tmp_path, header, row, expected, count):
    table = load(tmp_path, f"{header}\n{row}\n", "t.csv")
    guess = guess_columns(table)
    assert guess.open == []
    assert {name: guess.options[name] for name in expected} == expected
    assert len(read_labels(table, LabelColumns(**guess.options))) == count


def test_an_ambiguous_coding_is_left_open(tmp_path):
    table = load(tmp_path, "item,annotator,model_a,model_b,label\n1,a,x,y,0\n2,a,x,y,1\n", "t.csv")
    assert guess_columns(table).open == [
        "values: what do the labels '0', '1' mean? Each is A, B, TIE or SKIP"
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"data": {}, "annotations": ["x"]},
        {"data": {}, "annotations": {"a": 1}},
        {"data": {}, "annotations": [{"result": ["x"]}]},
        {"data": {}, "annotations": [{"result": 3}]},
        {"fields": {}, "responses": ["x"]},
        {"fields": {}, "responses": {"q": ["x"]}},
        {"fields": {}, "responses": [{"values": {"q": "x"}}]},
        {"q.responses": [1, 2], "q.responses.users": ["u"], "q.responses.status": ["submitted"]},
    ],
)
def test_an_export_that_is_built_in_another_way_is_one_clear_error(tmp_path, row):
    with pytest.raises(DataError, match="built in another way"):
        load(tmp_path, [row])


NO_ID = "entries 1, 2: no item id (column '{}')"


@pytest.mark.parametrize(
    ("row", "tool", "report"),
    [
        ({"data": None, "annotations": None}, "Label Studio", "'l' for label"),
        (
            {"data": {"a": [1]}, "annotations": [{"result": [{"type": "relation"}]}]},
            "Label Studio",
            "'l' for label",
        ),
        ({"fields": {}, "responses": {}}, "Argilla", "'l' for label"),
        ({"answer": None, "_task_hash": None}, "Prodigy", NO_ID.format("id")),
        (
            {"answer": "accept", "_task_hash": 1, "accept": {}, "meta": 3},
            "Prodigy",
            NO_ID.format("id"),
        ),
        (
            {"model_a": None, "model_b": None, "winner": None, "conversation_a": [], "turn": 1},
            "Chatbot Arena",
            NO_ID.format("item"),
        ),
        (
            {"model_a": "x", "model_b": "y", "winner": "tie", "conversation_a": "[broken"},
            "Chatbot Arena",
            NO_ID.format("item"),
        ),
    ],
)
def test_odd_rows_are_left_to_the_report(tmp_path, row, tool, report):
    table = load(tmp_path, [row, row])
    assert table.tool == tool
    guess = guess_columns(table)
    assert guess.open != []  # nothing is made up for what is not there
    said = {"item": "id", "label": "l", **guess.options}
    if "annotator" not in said:
        said["annotator_name"] = "x"
    if "response_a" not in said:
        said["systems"] = ["m"]
    with pytest.raises(DataError) as caught:
        read_labels(table, LabelColumns(**said))
    assert report in caught.value.details
