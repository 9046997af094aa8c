"""Rows as other tools write them: read, or one clear error; and every column not used is named."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.experiment.stages.train_files import train
from harness.nouns.errors import DataError, HarnessError, InputError
from harness.policy.prompts import prompt_ids
from harness.train.dpo import certain_pair
from harness.train.other_forms import notes_on
from harness.train.row_files import read_training_rows
from harness.train.rows import plain_rows

SFT, PAIR, ONLINE = ("prompt", "completion"), ("prompt", "chosen", "rejected"), ("prompt",)
SYSTEM = {"role": "system", "content": "Be terse."}
ASKED = {"role": "user", "content": "1+1?"}
TWO, THREE = {"role": "assistant", "content": "2"}, {"role": "assistant", "content": "3"}
CHAT = [SYSTEM, ASKED]
GPT = {"from": "gpt", "value": "2"}
HUMAN = {"from": "human", "value": "1+1?"}
HH, WORSE = "\n\nHuman: 1+1?\n\nAssistant: 2", "\n\nHuman: 1+1?\n\nAssistant: 3"
LONG = "\n\nHuman: Hi.\n\nAssistant: Hello.\n\nHuman: 1+1?\n\nAssistant:"
TALK = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}, ASKED]

FORMS: list[tuple[str, Sequence[str], Mapping[str, Any], Any]] = [
    # name, columns, the row, the plain rows that it is
    ("system", SFT, {"system": "Be terse.", "prompt": "1+1?", "completion": "2"}, [(CHAT, "2")]),
    ("system of a pair", PAIR,
     {"system": "Be terse.", "prompt": "1+1?", "chosen": "2", "rejected": "3"}, [(CHAT, "2", "3")]),
    ("system of a prompt", ONLINE, {"system": "Be terse.", "prompt": "1+1?"}, [(CHAT,)]),
    ("system of chats", PAIR,
     {"system": "Be terse.", "prompt": "1+1?", "chosen": [ASKED, TWO], "rejected": [ASKED, THREE]},
     [(CHAT, "2", "3")]),
    ("system of chats alone", PAIR,
     {"system": "Be terse.", "chosen": [ASKED, TWO], "rejected": [ASKED, THREE]},
     [(CHAT, "2", "3")]),
    ("system of messages", SFT, {"system": "Be terse.", "messages": [ASKED, TWO]}, [(CHAT, "2")]),
    ("the same system twice", SFT, {"system": "Be terse.", "messages": [*CHAT, TWO]},
     [(CHAT, "2")]),
    ("system of what is imitated", SFT,
     {"system": "Be terse.", "prompt": "1+1?", "chosen": "2", "rejected": "3"}, [(CHAT, "2")]),
    ("empty system", SFT, {"system": "", "prompt": "1+1?", "completion": "2"}, [("1+1?", "2")]),
    ("null system", SFT, {"system": None, "prompt": "1+1?", "completion": "2"}, [("1+1?", "2")]),
    ("no images", SFT, {"images": [], "tools": None, "prompt": "1+1?", "completion": "2"},
     [("1+1?", "2")]),
    ("conversations", SFT, {"conversations": [HUMAN, GPT]}, [([ASKED], "2")]),
    ("conversations with system", SFT,
     {"conversations": [{"from": "system", "value": "Be terse."}, HUMAN, GPT]}, [(CHAT, "2")]),
    ("conversations, system beside", SFT,
     {"system": "Be terse.", "conversations": [HUMAN, GPT]}, [(CHAT, "2")]),
    ("conversations of roles", SFT, {"conversations": [ASKED, TWO]}, [([ASKED], "2")]),
    ("conversations of two turns", SFT, {"conversations": [HUMAN, GPT, HUMAN, GPT]},
     [([ASKED], "2"), ([ASKED, TWO, ASKED], "2")]),
    ("conversations of a prompt", ONLINE, {"conversations": [HUMAN, GPT]}, [([ASKED],)]),
    ("hh", PAIR, {"chosen": HH, "rejected": WORSE}, [([ASKED], "2", "3")]),
    ("hh of two turns", PAIR, {"chosen": f"{LONG} 2", "rejected": f"{LONG} 3"},
     [(TALK, "2", "3")]),
    ("hh for sft", SFT, {"chosen": HH, "rejected": WORSE}, [([ASKED], "2")]),
    ("hh for a prompt", ONLINE, {"chosen": HH, "rejected": WORSE}, [([ASKED],)]),
    ("a wanted completion", SFT, {"prompt": "1+1?", "completion": "2", "label": True},
     [("1+1?", "2")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "columns", "row", "right"), FORMS, ids=[f[0] for f in FORMS])
def test_forms_of_other_tools_are_the_plain_rows_that_they_mean(
    name: str, columns: Sequence[str], row: Mapping[str, Any], right: Any
) -> None:
    found = plain_rows([row], columns, "rows")
    assert [tuple(one[column] for column in columns) for _, one in found] == right
    again = plain_rows([one for _, one in found], columns, "rows")
    assert [one for _, one in again] == [one for _, one in found]


TEXTS = {"prompt": "1+1?", "completion": "2"}
WRONG: list[tuple[str, Sequence[str], Mapping[str, Any], str]] = [
    ("images", SFT, TEXTS | {"images": ["x.png"]}, "column 'images' holds what is not shown"),
    ("an image", PAIR, {"prompt": "1+1?", "chosen": "2", "rejected": "3", "image": "x.png"},
     "column 'image' holds what is not shown"),
    ("tools", SFT, {"tools": [{"name": "add"}], "messages": [ASKED, TWO]},
     "column 'tools' holds what is not shown"),
    ("two systems", SFT, {"system": "Be kind.", "messages": [*CHAT, TWO]},
     "two system messages: 'Be kind.' and 'Be terse.'"),
    ("system is no text", SFT, TEXTS | {"system": 3}, "column 'system' must be a text, got 3"),
    ("not wanted", SFT, TEXTS | {"label": False}, "label is false"),
    ("a tool speaks", SFT, {"conversations": [HUMAN, {"from": "tool", "value": "2"}, GPT]},
     "nobody is called 'tool'"),
    ("no conversations", SFT, {"conversations": "1+1? 2"}, "column 'conversations' is no list"),
    ("other keys", SFT, {"conversations": [{"who": "human", "text": "1+1?"}]},
     "column 'conversations' is no list of from and value"),
    ("hh of two questions", PAIR, {"chosen": HH, "rejected": f"{LONG} 3"},
     "do not answer the same chat"),
    ("hh without an end", PAIR, {"chosen": HH, "rejected": LONG}, "ends with an empty message"),
    ("a bad prompt beside a system", SFT, {"system": "Be terse.", "prompt": [1], "completion": "2"},
     "a message has a role"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "columns", "row", "told"), WRONG, ids=[w[0] for w in WRONG])
def test_what_cannot_be_read_is_one_clear_error(
    name: str, columns: Sequence[str], row: Mapping[str, Any], told: str
) -> None:
    with pytest.raises(DataError) as wrong:
        plain_rows([row], columns, "rows")
    assert told in str(wrong.value)


def test_instructions_are_told_their_way_out() -> None:
    with pytest.raises(DataError, match="write output as completion, and as prompt the instruct"):
        plain_rows([{"instruction": "Add.", "input": "1+1", "output": "2"}], SFT, "rows")


HOUSE = {"item_id": "i", "chosen_id": "a", "rejected_id": "b", "n_judgments": 3, "probability": 1}
NOTES: list[tuple[Sequence[str], Mapping[str, Any], list[str]]] = [
    (SFT, TEXTS, []),
    (SFT, TEXTS | {"score": 7, "source": "x"}, ["2 columns are not used: score, source"]),
    (SFT, TEXTS | {"score": None, "source": ""}, []),
    (SFT, TEXTS | {"value": 0.5, "item_id": "i"}, ["a column is not used: value"]),
    (SFT, TEXTS | {"chosen": "2"}, ["a column is not used: chosen"]),
    (SFT, {"prompt": "1+1?", "chosen": "2", "rejected": "3", "probability": 1.0}, []),
    (SFT, {"messages": [{**ASKED, "weight": 0}, TWO]},
     ["a column is not used: weight of a message"]),
    (SFT, {"conversations": [HUMAN, GPT], "id": "1"}, []),
    (SFT, TEXTS | {"system": "Be terse."}, ["column 'system': the system message of 1 row"]),
    (PAIR, {"prompt": "1+1?", "chosen": "2", "rejected": "3", **HOUSE}, []),
    (PAIR, {"prompt": "1+1?", "chosen": "2", "rejected": "3", "margin": 2.0},
     ["a column is not used: margin"]),
    (PAIR, {"prompt": "1+1?", "chosen": "2", "rejected": "3", "messages": [ASKED, TWO]},
     ["a column is not used: messages"]),
    (ONLINE, {"id": "1", "prompt": "1+1?", "reference": "2", "metadata": {"slice": "easy"}}, []),
    (ONLINE, {"prompt": "1+1?", "answer": "2"}, ["a column is not used: answer"]),
    (ONLINE, {"messages": [ASKED], "reference": "2"}, []),
    (ONLINE, {"chosen": [ASKED, TWO], "rejected": [ASKED, THREE]},
     ["a column is not used: rejected"]),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "row", "right"), NOTES)
def test_every_column_that_is_not_used_is_named_once(
    columns: Sequence[str], row: Mapping[str, Any], right: list[str]
) -> None:
    assert notes_on([row], columns) == right
    more = [line.replace("1 row", "2 rows") for line in right]
    assert notes_on([row, row], columns) == more


def test_the_command_names_them_before_it_trains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(TEXTS | {"system": "Be terse.", "score": 7}) + "\n")
    with pytest.raises(HarnessError):
        train("sft", "absent/or/not", path, tmp_path / "out")
    assert capsys.readouterr().err.splitlines()[:2] == [
        "rows.jsonl: column 'system': the system message of 1 row",
        "rows.jsonl: a column is not used: score",
    ]


PAIRS: list[dict[str, Any]] = [
    {"prompt": "1+1?", "chosen": "2", "rejected": "3", "probability": 0.75},
    {"prompt": "2+2?", "chosen": "4", "rejected": "5", "probability": 1},
]
FILES = {
    "rows.jsonl": "\n".join(map(json.dumps, PAIRS)),
    "lines.json": "\n".join(map(json.dumps, PAIRS)),  # JSON lines under another ending
    "rows.json": json.dumps(PAIRS),
    "rows.txt": "\ufeff \n" + json.dumps(PAIRS, indent=1),
    "rows.csv": "prompt,chosen,rejected,probability\n1+1?,2,3,0.75\n2+2?,4,5,1\n",
    "rows.tsv": "prompt\tchosen\trejected\tprobability\n1+1?\t2\t3\t0.75\n2+2?\t4\t5\t1\n",
}


@pytest.mark.parametrize("name", FILES)
def test_a_table_is_read_by_what_it_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FILES[name], encoding="utf-8")
    rows, places = read_training_rows(path)
    assert rows == PAIRS
    found = plain_rows(rows, PAIR, "rows", places)
    ends = {"rows.json": ["entry 1", "entry 2"], "rows.txt": ["entry 1", "entry 2"],
            "rows.csv": ["row 2", "row 3"], "rows.tsv": ["row 2", "row 3"]}  # fmt: skip
    assert [place for place, _ in found] == ends.get(name, ["line 1", "line 2"])


BAD: list[tuple[str, str, str]] = [
    ("rows.json", '[{"prompt": "a", "completion": "b"}, 3]', "entry 2: is no object of columns"),
    ("rows.json", '[{"prompt": "a"', "not JSON"),
    ("rows.json", "[]", "there are no completions"),
    ("rows.csv", "prompt,completion\na,b\nc\n", "row 3: 1 cells, but the header has 2"),
    ("rows.csv", "question,answer\na,b\n", "row 2: column 'prompt' is missing"),
    ("rows.csv", "prompt,completion\n\"[{'role': 'user', 'content': 'a'}]\",b\n",
     "row 2: column 'prompt' begins as a chat and is no JSON"),
    ("rows.csv", "prompt,chosen,rejected,probability\na,b,c,often\n",
     "row 2: probability must be a number from 0 to 1, got 'often'"),
    ("rows.parquet", "prompt,completion\na,b\n", "not a Parquet file"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "told"), BAD)
def test_a_broken_table_is_one_clear_error(name: str, text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as wrong:
        train("sft", "absent/or/not", tmp_path / name, tmp_path / "out")
    assert told in str(wrong.value)


def test_chats_in_cells_of_a_table_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["prompt", "completion"], [json.dumps([ASKED]), json.dumps([TWO])]])
    rows_read, _ = read_training_rows(path)
    assert rows_read == [{"prompt": [ASKED], "completion": [TWO]}]


class Template:
    """A tokenizer of a chat template, of which the tokens do not matter."""

    bos_token = eos_token = ""

    def __init__(self, template: str) -> None:
        self.chat_template = template

    def apply_chat_template(self, chat: Any, **_: Any) -> str:
        from jinja2 import Environment, TemplateError

        def refuse(what: str) -> None:
            raise TemplateError(what)

        made = Environment(autoescape=False).from_string(self.chat_template)
        return made.render(messages=chat, raise_exception=refuse)

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        return {"input_ids": [len(text)]}


ALL = "{% for m in messages %}{{ m.role }}: {{ m.content | trim }}\n{% endfor %}"
SOME = "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}"
NONE = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"


def test_a_system_message_is_shown_to_the_model_or_refused() -> None:
    assert prompt_ids(Template(ALL), [{**SYSTEM, "content": " Be terse. "}, ASKED]) == [29]
    assert prompt_ids(Template(SOME), [ASKED]) == [4]
    with pytest.raises(InputError, match="leaves out the system message 'Be terse"):
        prompt_ids(Template(SOME), CHAT)
    with pytest.raises(InputError, match="refuses the chat: no system role"):
        prompt_ids(Template(NONE), CHAT)
    with pytest.raises(InputError, match="without a column system, which makes a chat"):
        prompt_ids(Template(""), CHAT)


SAMES: list[tuple[dict[str, Any], bool]] = [
    ({"chosen": "2", "rejected": "2"}, True),
    ({"chosen": "2", "rejected": "2", "probability": 0.9}, True),
    ({"chosen": "2", "rejected": "2", "probability": 0.1}, True),
    ({"chosen": "2", "rejected": "2 "}, False),
    ({"chosen": "2", "rejected": "3"}, False),
]


@pytest.mark.parametrize(("row", "is_same"), SAMES)
def test_a_pair_of_one_text_prefers_nothing(row: dict[str, Any], is_same: bool) -> None:
    assert (certain_pair(row, 0.5) == "with the same text twice") == is_same
