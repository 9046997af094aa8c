"""Columns that a person names are there, whatever tool a table looks like, and are not guessed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from in_process import harness

from harness.labels.comparisons import read_comparisons
from harness.labels.exports import read_label_table
from harness.labels.mapping import ColumnMapping
from harness.labels.ratings import Reading, read_ratings
from harness.labels.read_labels import read_labels
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.yaml_file import parse_yaml
from harness.registry import registry

VOTES = """question_id,model_a,model_b,rater,winner
q1,gpt,llama,ann,1
q1,gpt,llama,ben,2
q2,llama,gpt,ann,0
q2,llama,gpt,ben,?
"""


def written(folder: Path, content: object, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_documented_table_of_people_is_read_as_documented(tmp_path, repo_root):
    text = (repo_root / "docs" / "human-labels.md").read_text(encoding="utf-8")
    (block,) = [part.split("```")[0] for part in text.split("```yaml\n")[1:] if "human_csv" in part]
    options = parse_yaml(block)["sources"]["people"]["options"]
    path = written(tmp_path, VOTES)
    for more in ({}, {"plain": True}):
        source = registry().source("human_csv").build({**options, "file": str(path), **more})
        assert [(x.item_id, x.annotator, x.value, x.responses) for x in source.labels] == [
            ("q1", "ann", "A", ("gpt", "llama")), ("q1", "ben", "B", ("gpt", "llama")),
            ("q2", "ann", "TIE", ("llama", "gpt")), ("q2", "ben", None, ("llama", "gpt")),
        ]  # fmt: skip


def test_a_usual_coding_with_a_mark_for_unsure_is_guessed(tmp_path):
    mapping = ColumnMapping.of_file(written(tmp_path, VOTES), {})
    assert mapping.options["values"] == {"0": "TIE", "1": "A", "2": "B", "?": "SKIP"}


ARENA = "question_id,model_a,model_b,winner,evaluator,response_a,conversation_b,winner_tie,group\n"
ARENA += "q1,x,y,model_a,ann,r1,c1,0,g\n"
PRODIGY = {"text": "t", "answer": "accept", "_task_hash": 1, "_session_id": "ann", "label": "T"}
FLAT = "annotation_id,annotator,id,lead_time,pw\n1,3,7,2.5,left\n"
ARGILLA = [{"id": "r", "fields": {"p": "?"}, "responses": {}, "score": 4}]


@pytest.mark.parametrize(
    ("content", "name", "named", "tool"),
    [
        (ARENA, "t.csv", (), "Chatbot Arena"),
        (ARENA, "t.csv", ("model_a", "winner", "group", "question_id"), "Chatbot Arena"),
        (ARENA, "t.csv", ("elsewhere",), "Chatbot Arena"),
        (ARENA, "t.csv", ("evaluator",), ""),
        (ARENA, "t.csv", ("response_a",), ""),
        (ARENA, "t.csv", ("conversation_b",), ""),
        (ARENA, "t.csv", ("winner_tie",), ""),
        ([PRODIGY], "t.json", (), "Prodigy"),
        ([PRODIGY], "t.json", ("label",), "Prodigy"),
        ([PRODIGY], "t.json", ("answer",), ""),
        ([PRODIGY], "t.json", ("_session_id",), ""),
        (FLAT, "t.csv", ("annotation_id", "pw"), "Label Studio"),
        (ARGILLA, "t.json", (), "Argilla"),
        (ARGILLA, "t.json", ("score",), ""),
        ([{"data": {}, "annotations": ["x"], "vote": "A"}], "t.json", ("vote",), ""),
    ],
)
def test_no_export_takes_a_named_column_away(tmp_path, content, name, named, tool):
    path = written(tmp_path, content, name)
    table = read_label_table(path, named=named)
    assert table.tool == tool
    raw = read_label_table(path, plain=True)
    assert raw.tool == "" and {*named} & {*raw.columns} <= {*table.columns}


def test_every_command_keeps_the_columns_that_it_is_told(tmp_path):
    path = written(tmp_path, ARENA + "q2,x,y,model_b,ann,r2,c2,0,g\nq2,x,y,model_b,ben,r2,c2,0,g\n")
    said = ["item=question_id", "annotator=evaluator", "response_a=model_a", "response_b=model_b"]
    said = [word for text in [*said, "label=winner"] for word in ("--set", text)]
    done = harness("agree", path, "--people", "ann,ben", *said)
    assert done.returncode == 0, done.stderr
    done = harness("agree", path, "--people", "ann,ben", *said, "--cluster-column", "response_a")
    assert done.returncode == 0, done.stderr
    done = harness("import-labels", path, *said, "--accept", "--out", tmp_path / "out.csv")
    assert done.returncode == 0 and "plain table" in done.stdout
    done = harness("import-labels", path, "--set", "plain=true")
    assert done.returncode == 0 and "plain table" in done.stdout
    found = read_comparisons(path, "response_a", "conversation_b", "winner")
    assert found.systems == ("r1", "r2", "c1", "c2")
    long = {"item_column": "question_id", "annotator_column": "evaluator", "label_column": "winner"}
    assert read_ratings(path, Reading(**long))[0].annotators == ("ann", "ben")


def test_an_export_that_is_none_can_be_read_as_it_is(tmp_path):
    path = written(tmp_path, [{"data": {}, "annotations": ["x"]}], "t.json")
    with pytest.raises(DataError, match="built in another way") as caught:
        read_label_table(path)
    assert "--set plain=true" in caught.value.hint
    assert read_label_table(path, plain=True).columns == ("data", "annotations")


# What is said is not guessed

WIDE = "id,ann,ben,cy\n1,A,a,tie\n2,B,b,Tie\n3,=,A,n/a\n4,A,A,A\n"


def test_said_labels_are_used_and_what_is_left_is_asked_for_with_what_to_add(tmp_path):
    path = written(tmp_path, WIDE)
    said = ["--set", "labels=ann,ben,cy"]
    done = harness("import-labels", path, *said)
    assert done.returncode == 2 and "not used" not in done.stdout
    asked = [line for line in done.stderr.splitlines() if line.startswith("  - ")]
    assert asked == ["  - response_a and response_b, or systems: which two were compared?"]
    assert "add --set systems=NAME_OF_A,NAME_OF_B" in done.stderr
    done = harness("import-labels", path, *said, "--set", "systems=m,n", "--accept")
    assert done.returncode == 0, done.stderr
    assert "12 labels (0 skips, 1 n/a) by 3 people on 4 items, from 4 rows." in done.stdout


def test_messy_labels_of_three_people_are_three_categories(tmp_path):
    path = written(tmp_path, WIDE)
    table, _ = read_ratings(path, Reading(humans=("ann", "ben", "cy"), item_column="id"))
    assert table.categories == ("A", "B", "TIE") and table.reasons == ("n/a",)
    assert (table.failures > 0).sum() == 1


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (WIDE, ["ann", "ben", "cy"]),
        ("id,ann,ben\n1,good,Good\n2,bad,bad\n3,ok,bad\n", ["ann", "ben"]),
        ("id,rater_1,rater_2,note\n1,4,5,x\n2,3,3,y\n", ["rater_1", "rater_2"]),
        ("id,prompt,x,y\n1,What is this?,left,right\n2,And that one?,tie,left\n", ["x", "y"]),
        ("id,ann,ben\n1,yes,no\n2,no,no\n3,skip,yes\n", ["ann", "ben"]),
    ],
)
def test_columns_of_people_are_guessed_by_what_they_say(tmp_path, text, labels):
    mapping = ColumnMapping.of_file(written(tmp_path, text), {})
    assert mapping.options["labels"] == labels
    assert not {*labels} & {*mapping.unused}


@pytest.mark.parametrize(
    ("text", "said", "column"),
    [
        ("id,who,model,free\n1,ann,m,fine\n2,ben,m,bad\n", {}, "free"),
        ("id,who,model,kind\n1,ann,m,fine\n2,ben,m,bad\n", {"label": "kind"}, "kind"),
        ("id,who,pref\n1,ann,left\n2,ben,right\n", {}, "pref"),
        ("id,who,model_a,model_b,pref\n1,ann,x,y,=\n2,ben,x,y,>>\n", {}, "pref"),
    ],
)
def test_what_could_be_the_label_is_never_called_not_used(tmp_path, text, said, column):
    mapping = ColumnMapping.of_file(written(tmp_path, text), said)
    assert column not in mapping.unused


def ls(data: dict, *selected: str) -> list:
    def result(side: str) -> list:
        return [{"from_name": "pw", "type": "pairwise", "value": {"selected": side}}]

    annotations = [{"completed_by": n, "result": result(s)} for n, s in enumerate(selected, 1)]
    return [{"id": 7, "data": {"prompt": "2+2?", **data}, "annotations": annotations}]


@pytest.mark.parametrize(
    ("data", "systems"),
    [
        ({"text1": "Four", "text2": "Five"}, ["text1", "text2"]),
        ({"answer1": "Four", "answer2": "Five"}, ["answer1", "answer2"]),
        ({"left": "Four", "right": "Five"}, ["left", "right"]),
        ({"reply_a": "Four", "reply_b": "Five"}, ["reply_a", "reply_b"]),
    ],
)
@pytest.mark.parametrize("sides", [("left", "right"), ("Left", "RIGHT"), ("left", "skip")])
def test_pairs_of_label_studio_are_guessed(tmp_path, data, systems, sides):
    mapping = ColumnMapping.of_file(written(tmp_path, ls(data, *sides), "t.json"), {})
    assert (mapping.options["label"], mapping.options["systems"]) == ("pw", systems)
    assert mapping.unused == []
    source = registry().source("human_csv")
    labels = source.build({"file": str(tmp_path / "t.json"), **{
        k: v for k, v in mapping.options.items() if k not in ("prompt", "text_a", "text_b")
    }}).labels  # fmt: skip
    assert labels[0].value == "A"


@pytest.mark.parametrize(
    "content",
    [
        ls({}, "left", "right"),
        ls({"only": "Four"}, "left", "right"),
        [{"id": 1, "x": "A", "y": "B"}, {"id": 2, "x": "B", "y": "A"}],
        [{"id": 1, "r": "m", "x": "fine"}, {"id": 2, "r": "m", "x": "bad"}],
        [{"id": 1, "model_a": "m", "model_b": "n", "who": "a", "pick": 0},
         {"id": 2, "model_a": "m", "model_b": "n", "who": "a", "pick": 1}],
        [{"thing": 1, "who": "a", "model": "m", "stars": 3}],
    ],
)  # fmt: skip
def test_the_hint_names_options_that_answer_every_question(tmp_path, content):
    """What stands in capitals is for the person to say."""
    path = written(tmp_path, content, "t.json")
    mapping = ColumnMapping.of_file(path, {})
    with pytest.raises(ConfigError) as caught:
        mapping.columns()
    said = {}
    for option, value in copied(caught.value.hint):
        column = mapping.table.columns[0]
        said[option] = value.replace("COLUMN", column).replace("A|B|TIE|SKIP", "A")
    again = ColumnMapping.of_file(path, said)
    assert again.columns() is not None
    assert all(f"{option}: " in str(caught.value) or option in said for option in said)


def copied(hint):
    """Yield what the options of a hint say, as a shell reads them."""
    words = shlex.split(hint.removeprefix("add ").partition("; put what is meant in place")[0])
    assert words[::2] == ["--set"] * (len(words) // 2)
    return [tuple(word.split("=", 1)) for word in words[1::2]]


CHAT = [{"role": "user", "content": "Why?"}]
TABLES = {
    "HelpSteer3": [
        {"domain": "general", "language": "english", "context": [*CHAT, {"n": i}],
         "response1": f"r{i}", "response2": f"s{i}", "overall_preference": p,
         "individual_preference": [{"score": -2}]}
        for i, p in enumerate((-1, -3, 0, 3, 1))
    ],
    "two domains": [
        {"domain": d, "context": c, "response1": "r", "response2": "s", "overall_preference": p}
        for d, c, p in (("x", "Why 1?", -1), ("y", "Why 2?", 1))
    ],
    "Mechanical Turk": "HITId,WorkerId,AssignmentStatus,Input.prompt,Input.response_a,"
    "Input.response_b,Answer.choice\nh,w,Approved,Why so?,long a,long b,A\n",
    "Mechanical Turk, a column for each choice": "HITId,WorkerId,Input.prompt,Answer.choice.A,"
    "Answer.choice.B,Answer.choice.tie\nh,w,Why so?,true,false,false\nh,v,Why?,false,false,true\n",
    "Qualtrics": "ResponseId,Q1,Q2\nResponse ID,Which?,Which?\n"
    '"{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"\n'
    "R_1,A,B\nR_2,B,A\n",
    "stars with odd names": "my id,how good?,it's who\n1,4,ann\n2,5,ann\n",
    "scores of people": "item,ann,ben\n1,4,5\n2,5,3\n",
    "wide words": "item,one,two\n1,good,bad\n2,bad,bad\n3,good,good\n",
    "a battle by numbers": "id,model_a,model_b,winner\n1,m,n,0\n2,n,m,1\n",
    "many texts": "id,text\n" + "".join(f"{i},word{i} and more\n" for i in range(20)),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_what_a_hint_says_is_taken_when_it_is_copied(tmp_path, name):
    """Each copy answers what was asked: it ends with labels, or with another question."""
    content = TABLES[name]
    path = written(tmp_path, content, "t.csv" if isinstance(content, str) else "t.json")
    said: dict[str, str] = {}
    for _ in range(4):
        mapping = ColumnMapping.of_file(path, said)
        try:
            mapping.columns()
            break
        except ConfigError as error:
            asked = copied(error.hint)
            assert not said.keys() & dict(asked).keys(), "asked again"
            for option, value in asked:
                if "COLUMN" in value or "A|B|TIE|SKIP" in value:
                    assert "put what is meant in place of" in error.hint
                left = [c for c in mapping.table.columns if c not in said.values()]
                said[option] = value.replace("COLUMN", left[-1]).replace("A|B|TIE|SKIP", "A")
    else:
        pytest.fail("never answered")
    mapping.table.need(mapping.columns().columns())
    if name not in ("many texts", "stars with odd names"):  # a column taken at random
        labels = read_labels(mapping.table, mapping.columns())
        assert labels and all(label.item_id and label.annotator for label in labels)


@pytest.mark.parametrize(
    ("column", "asked"),
    [("overall_preference", ""), ("user_rating", "label=user_rating"), ("verdict", ""),
     ("x", "label=COLUMN"), ("quality.score", "label=quality.score")],
)  # fmt: skip
def test_a_column_is_offered_for_the_label_where_its_name_says_so(tmp_path, column, asked):
    rows = [
        {
            "id": i,
            "domain": "xyz"[i % 3],
            "lang": ["en", "de"][i % 2],
            "model": "m",
            "who": "a",
            column: c,
        }
        for i, c in enumerate(["good", "bad", "bad", "fine"])
    ]
    mapping = ColumnMapping.of_file(written(tmp_path, rows, "t.json"), {})
    if not asked:
        assert mapping.options["label"] == column
        return
    with pytest.raises(ConfigError) as caught:
        mapping.columns()
    assert caught.value.hint.startswith(f"add --set {asked}")


def test_lists_of_objects_are_to_become_rows(tmp_path):
    rows = [{"source": "x", "instruction": f"Do {i}", "completions": [{"m": 1}]} for i in range(3)]
    with pytest.raises(ConfigError) as caught:
        ColumnMapping.of_file(written(tmp_path, rows, "t.json"), {}).columns()
    assert "completions holds lists: make a row of each entry first" in str(caught.value)
    assert "item=instruction" in caught.value.hint


def test_an_empty_option_takes_a_guess_back_and_its_column_is_free(tmp_path):
    path = written(tmp_path, "id,who,model,label,stars\n1,ann,m,long,4\n2,ann,m,short,3\n")
    assert ColumnMapping.of_file(path, {}).options["label"] == "label"
    mapping = ColumnMapping.of_file(path, {"label": "stars", "comment": "label"})
    assert (mapping.options["label"], mapping.unused) == ("stars", [])
    assert ColumnMapping.of_file(path, {"comment": "label"}).options["label"] == "stars"
    assert "response" not in ColumnMapping.of_file(path, {"response": ""}).options
