"""Files of chosen and rejected answers: each public form becomes items, responses and labels."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from in_process import harness

from harness.feedback.annotate import annotate
from harness.feedback.contract import RunContext
from harness.feedback.requests import build_requests
from harness.labels.exports import read_label_table
from harness.labels.mapping import ColumnMapping, ImportFiles, import_labels
from harness.labels.ratings import Reading, read_ratings
from harness.nouns.errors import DataError
from harness.records.rows import read_items, read_responses
from harness.registry import registry


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def bot(text: str) -> dict:
    return {"role": "assistant", "content": text}


def talk(*texts: str) -> str:
    return "".join(
        f"\n\n{'Assistant' if n % 2 else 'Human'}: {text}" for n, text in enumerate(texts)
    )


ASKED = [user("hi"), bot("hello"), user("bye")]
FORMS = {
    "texts": ({"prompt": "2+2?", "chosen": "four", "rejected": "five"}, "2+2?"),
    "chats with a prompt": (
        {"prompt": "2+2?", "chosen": [user("2+2?"), bot("four")],
         "rejected": [user("2+2?"), bot("five")]},
        "2+2?",
    ),
    "chats alone": (
        {"chosen": [user("2+2?"), bot("four")], "rejected": [user("2+2?"), bot("five")]},
        "2+2?",
    ),
    "answers as messages": (
        {"prompt": ASKED, "chosen": [bot("four")], "rejected": [bot("five")]}, ASKED,
    ),
    "long chats": (
        {"prompt": "bye", "chosen": [*ASKED, bot("four")], "rejected": [*ASKED, bot("five")]},
        ASKED,
    ),
    "dialogues": (
        {"chosen": talk("hi", "hello", "bye", "four"),
         "rejected": talk("hi", "hello", "bye", "five")},
        ASKED,
    ),
    "a dialogue of one turn": (
        {"chosen": talk("2+2?", "four").strip(), "rejected": talk("2+2?", "five").strip()}, "2+2?",
    ),
    "chats as JSON texts": (
        {"chosen": json.dumps([user("2+2?"), bot("four")]),
         "rejected": json.dumps([user("2+2?"), bot("five")])},
        "2+2?",
    ),
    "a system message": (
        {"chosen": [{"role": "system", "content": "s"}, user("2+2?"), bot("four")],
         "rejected": [{"role": "system", "content": "s"}, user("2+2?"), bot("five")]},
        [{"role": "system", "content": "s"}, user("2+2?")],
    ),
}  # fmt: skip


def written(folder: Path, *rows: dict) -> Path:
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_public_form_becomes_a_pair_with_its_prompt(tmp_path, form):
    row, prompt = FORMS[form]
    table = read_label_table(written(tmp_path, row))
    assert table.tool == "chosen/rejected" and table.problems == ()
    (found,) = (one.cells for one in table.rows)
    assert found["prompt"] == prompt
    texts = {"A": found["text_a"], "B": found["text_b"]}
    assert texts[found["label"]] == "four" and {*texts.values()} == {"four", "five"}


def many(count: int = 40) -> list[dict]:
    return [
        {"prompt": f"What is {n}+1?", "chosen": f"It is {n + 1}.", "rejected": f"It is {n + 2}."}
        for n in range(count)
    ]


def test_what_is_imported_is_found_again_and_a_does_not_always_win(tmp_path):
    path = written(tmp_path, *many())
    mapping = ColumnMapping.of_file(path, {"annotator_name": "crowd"})
    out = [tmp_path / name for name in ("labels.csv", "items.jsonl", "responses.jsonl")]
    labels = import_labels(mapping, ImportFiles(*out))
    values = [label.value for label in labels]
    assert 8 < values.count("A") < 32 and {*values} == {"A", "B"}
    items = read_items(out[1])
    responses = read_responses(out[2], items)
    source = registry().source("human_csv").build(mapping.source_options(labels, out[0]))
    requests = build_requests(items, responses, "pairwise")
    ctx = RunContext(chat=None, workers=None, sandbox=None)
    judgments = asyncio.run(annotate(source, requests, ctx))
    text = {response.id: response.text for response in responses}
    wins = [
        text[request.responses[0 if judgment.verdict.value == "A" else 1].id]
        for request, judgment in zip(requests, judgments, strict=True)
    ]
    assert wins == [row["chosen"] for row in many()]


def test_the_side_is_decided_by_the_texts_alone(tmp_path):
    row = {"prompt": "?", "chosen": "x", "rejected": "y"}
    one = read_label_table(written(tmp_path, row)).rows[0].cells
    two = read_label_table(written(tmp_path, {**row, "chosen": "y", "rejected": "x"})).rows[0].cells
    assert {one["label"], two["label"]} == {"A", "B"}
    assert {**one, "label": ""} == {**two, "label": ""}


def test_several_pairs_of_a_prompt_share_their_item_and_its_responses(tmp_path):
    rows = [
        {"prompt": "?", "chosen": "x", "rejected": "y"},
        {"prompt": "?", "chosen": "x", "rejected": "z"},
        {"prompt": "!", "chosen": "x", "rejected": "y"},
    ]
    table = read_label_table(written(tmp_path, *rows))
    assert len({*table.texts("item")}) == 2
    names = [{*map(row.text, ("response_a", "response_b"))} for row in table.rows[:2]]
    assert len(names[0] & names[1]) == 1 and len(names[0] | names[1]) == 3


def test_ids_probabilities_and_other_columns_stay(tmp_path):
    row = {"item_id": "q", "chosen_id": "r1", "rejected_id": "r2", "chosen": "x", "rejected": "y"}
    row |= {"prompt": "?", "who": "ann", "score_chosen": 4}
    rows = [
        row,
        {**row, "item_id": "w", "probability": 0.2},
        {**row, "item_id": "t", "probability": 0.5},
    ]
    mapping = ColumnMapping.of_file(written(tmp_path, *rows), {})
    assert mapping.options["annotator"] == "who" and "score_chosen" in mapping.table.columns
    labels = import_labels(mapping, ImportFiles())
    winners = [
        label.responses["AB".index(label.value)] if label.value in ("A", "B") else label.value
        for label in labels
    ]
    assert ([label.item_id for label in labels], winners) == (["q", "w", "t"], ["r1", "r2", "TIE"])


def test_equal_answers_are_left_out_and_counted(tmp_path):
    same = {"prompt": "?", "chosen": "x", "rejected": "x"}
    table = read_label_table(written(tmp_path, same, *many(2), same))
    assert len(table.rows) == 2
    assert table.notes == ("2 rows left out: chosen and rejected are the same text",)
    done = harness("import-labels", tmp_path / "pairs.jsonl", "--set", "annotator_name=crowd")
    assert done.returncode == 0 and "2 rows left out" in done.stdout


WRONG = [
    ({"prompt": "?", "chosen": "x", "rejected": None}, "rejected is empty"),
    ({"prompt": "?", "chosen": "", "rejected": "y"}, "chosen is empty"),
    ({"prompt": "?", "chosen": 3, "rejected": "y"}, "3 is neither a text nor a chat"),
    ({"chosen": [user("a"), bot("x")], "rejected": [user("b"), bot("y")]}, "the same chat"),
    ({"chosen": [user("a")], "rejected": [user("a"), bot("y")]}, "ends with a message of 'user'"),
    ({"chosen": ["x"], "rejected": ["y"]}, "is no chat"),
    ({"chosen": [], "rejected": []}, "is no chat"),
    ({"prompt": "?", "chosen": "x", "rejected": "x"}, "are the same text"),
]


@pytest.mark.parametrize(("row", "message"), WRONG)
def test_what_is_no_pair_is_named_with_its_row(tmp_path, row, message):
    with pytest.raises(DataError, match=message) as caught:
        read_label_table(written(tmp_path, row))
    assert "line 1" in caught.value.details[0]
    path = written(tmp_path, *many(3), row)
    mapping = ColumnMapping.of_file(path, {"annotator_name": "crowd"})
    if "same text" in message:
        assert len(import_labels(mapping, ImportFiles())) == 3
        return
    with pytest.raises(DataError, match=f"line 4: .*{message}"):
        import_labels(mapping, ImportFiles())


def test_names_of_systems_may_be_called_chosen_and_rejected(tmp_path):
    path = written(
        tmp_path, *({"q": n, "who": "ann", "chosen": "m", "rejected": "n"} for n in (1, 2))
    )
    said = {"item": "q", "annotator": "who", "label": "chosen", "response_a": "chosen",
            "response_b": "rejected"}  # fmt: skip
    table, _ = read_ratings(path, Reading(columns=said))
    assert table.items == ("1 | m | n", "2 | m | n") and table.codes.tolist() == [[0], [0]]
