"""Rows in the forms that people have them in: as good as plain rows, or one clear error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.experiment.stages.train_files import train
from harness.nouns.errors import DataError
from harness.policy.prompts import Ended
from harness.train.left_out import EMPTY, NO_END, TOOLS, LeftOut
from harness.train.rows import plain_rows

SFT, PAIR, ONLINE = ("prompt", "completion"), ("prompt", "chosen", "rejected"), ("prompt",)


def said(*texts: str, first: str = "user") -> list[dict[str, str]]:
    """Return a chat of turns, user and assistant by turns, or with a word of the system first."""
    roles = ["user", "assistant"] * len(texts)
    if first != "user":
        roles = roles[1:] if first == "assistant" else [first, *roles]
    return [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]


ANSWER, OTHER = said("2", first="assistant"), said("3", first="assistant")
ASKED = said("1+1?")
WHOLE, WORSE = said("1+1?", "2"), said("1+1?", "3")
WITH_SYSTEM = said("Be brief.", "1+1?", "2", first="system")
LONG = said("Hello.", "Hi.", "1+1?", "2")
LONG_WORSE = said("Hello.", "Hi.", "1+1?", "3")

FORMS: list[tuple[str, Sequence[str], Mapping[str, Any], Any]] = [
    # name, columns, the row, the plain rows that it is
    ("text", SFT, {"prompt": "1+1?", "completion": "2"}, [("1+1?", "2")]),
    ("what revise writes", SFT, {"prompt": ASKED, "completion": ANSWER}, [(ASKED, "2")]),
    ("text, chat", SFT, {"prompt": "1+1?", "completion": ANSWER}, [("1+1?", "2")]),
    ("the whole chat", SFT, {"prompt": "1+1?", "completion": WHOLE}, [("1+1?", "2")]),
    ("no prompt", SFT, {"completion": WHOLE}, [(ASKED, "2")]),
    ("messages", SFT, {"messages": WHOLE}, [(ASKED, "2")]),
    ("messages, null prompt", SFT, {"prompt": None, "messages": WHOLE}, [(ASKED, "2")]),
    ("messages, system", SFT, {"messages": WITH_SYSTEM}, [(WITH_SYSTEM[:2], "2")]),
    ("messages, first turn as prompt", SFT, {"prompt": "Hello.", "messages": LONG},
     [(LONG[:1], "Hi."), (LONG[:3], "2")]),
    ("an answer in messages", SFT, {"prompt": "1+1?", "messages": ANSWER}, [("1+1?", "2")]),
    ("a preference", SFT, {"prompt": "1+1?", "chosen": "2", "rejected": "3"}, [("1+1?", "2")]),
    ("a preference of chats", SFT, {"chosen": WHOLE, "rejected": WORSE}, [(ASKED, "2")]),
    ("a preference for the other", SFT,
     {"prompt": "1+1?", "chosen": "3", "rejected": "2", "probability": 0.1}, [("1+1?", "2")]),
    ("a tie", SFT, {"prompt": "1+1?", "chosen": "2", "rejected": "3", "probability": 0.5},
     [("1+1?", "2")]),
    ("pairs of texts", PAIR, {"prompt": "1+1?", "chosen": "2", "rejected": "3"},
     [("1+1?", "2", "3")]),
    ("pairs of answers", PAIR, {"prompt": ASKED, "chosen": ANSWER, "rejected": OTHER},
     [(ASKED, "2", "3")]),
    ("pairs without a prompt", PAIR, {"chosen": WHOLE, "rejected": WORSE}, [(ASKED, "2", "3")]),
    ("pairs with all of it", PAIR,
     {"prompt": "1+1?", "chosen": WHOLE, "rejected": WORSE, "messages": WHOLE, "score": 7.0},
     [("1+1?", "2", "3")]),
    ("pairs, spaces", PAIR, {"prompt": "1+1? ", "chosen": WHOLE, "rejected": WORSE},
     [("1+1? ", "2", "3")]),
    ("pairs of long chats", PAIR, {"prompt": "1+1?", "chosen": LONG, "rejected": LONG_WORSE},
     [(LONG[:3], "2", "3")]),
    ("pairs, the prompt is the first turn", PAIR,
     {"prompt": "Hello.", "chosen": LONG, "rejected": LONG_WORSE}, [(LONG[:3], "2", "3")]),
    ("pairs, tuples", PAIR, {"chosen": tuple(WHOLE), "rejected": tuple(WORSE)},
     [(ASKED, "2", "3")]),
    ("a prompt", ONLINE, {"prompt": ASKED, "reference": "2"}, [(ASKED,)]),
    ("a prompt in messages", ONLINE, {"messages": ASKED, "reference": "2"}, [(ASKED,)]),
    ("a prompt in a whole chat", ONLINE, {"messages": WHOLE}, [(ASKED,)]),
    ("a prompt in a preference", ONLINE, {"chosen": WHOLE, "rejected": WORSE}, [(ASKED,)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "columns", "row", "right"), FORMS, ids=[f[0] for f in FORMS])
def test_every_usual_form_is_the_plain_rows_that_it_means(
    name: str, columns: Sequence[str], row: Mapping[str, Any], right: Any
) -> None:
    found = plain_rows([row], columns, "rows")
    assert [tuple(one[column] for column in columns) for _, one in found] == right
    assert {place for place, _ in found} == {"row 1"}
    again = plain_rows([one for _, one in found], columns, "rows")
    assert [one for _, one in again] == [one for _, one in found]
    assert all(one.get("reference") == row.get("reference") for _, one in found)


WRONG: list[tuple[str, Sequence[str], Mapping[str, Any], list[str]]] = [
    ("two chats", PAIR, {"chosen": WHOLE, "rejected": LONG_WORSE},
     ["chosen and rejected do not answer the same chat"]),
    ("a chat and a text", PAIR, {"chosen": WHOLE, "rejected": "3"},
     ["chosen and rejected do not answer the same chat"]),
    ("another prompt", PAIR, {"prompt": "2+2?", "chosen": WHOLE, "rejected": WORSE},
     ["the chat before the answer does not have the prompt"]),
    ("texts without a prompt", PAIR, {"chosen": "Human: 1+1? Assistant: 2", "rejected": "x"},
     ["column 'prompt' is missing"]),
    ("no text", SFT, {"text": ""}, ["column 'text' must be a text, got ''"]),
    ("a text of parts", SFT, {"text": ["1+1?"]}, ["column 'text' must be a text, got ['1+1?']"]),
    ("a text and a prompt", SFT, {"prompt": "1+1?", "text": "1+1? 2"},
     ["column 'completion' is missing"]),
    ("a text and a system", SFT, {"system": "Be terse.", "text": "1+1? 2"},
     ["column 'system' belongs to a prompt, and the row has none"]),
    ("instructions", SFT, {"instruction": "Add.", "input": "1+1", "output": "2"},
     ["column 'prompt' is missing", "column 'completion' is missing"]),
    ("questions", ONLINE, {"question": "1+1?", "answer": "2"}, ["column 'prompt' is missing"]),
    ("other keys", SFT, {"messages": [{"from": "human", "value": "1+1?"}]},
     ["column 'messages': a message has a role and a content, both text, got"
      " {'from': 'human', 'value': '1+1?'}"]),
    ("no messages", SFT, {"messages": []}, ["column 'messages' is empty"]),
    ("messages as text", SFT, {"messages": "1+1? 2"},
     ["column 'messages' must be a chat, got '1+1? 2'"]),
    ("a bot", SFT, {"messages": [*ASKED, {"role": "bot", "content": "2"}]},
     ["column 'messages' ends with a message of 'bot'"]),
    ("no content", SFT, {"messages": [*ASKED, {"role": "assistant", "content": None}]},
     ["column 'messages': a message has a role and a content, both text, got"
      " {'role': 'assistant', 'content': None}"]),
    ("an answer of the user", SFT, {"prompt": "1+1?", "completion": ASKED},
     ["column 'completion' ends with a message of 'user'"]),
    *((f"parts {part}", SFT, {"prompt": "1+1?", "completion": [
        {"role": "assistant", "content": [{"type": "text", "text": "2"}, part]}]},
     [f"column 'completion': a part of a content that is no text is not shown, got {part!r}"])
      for part in ({"type": "image"}, {"type": "image", "text": "a"}, {"type": "text"}, "2", None)),
    ("per cent", SFT, {"prompt": "1+1?", "chosen": "2", "rejected": "3", "probability": 90},
     ["probability must be a number from 0 to 1, got 90"]),
    ("more than sure", SFT, {"prompt": "1+1?", "chosen": "2", "probability": 1.5},
     ["probability must be a number from 0 to 1, got 1.5"]),
    ("the better one is missing", SFT, {"prompt": "1+1?", "chosen": "2", "probability": 0.2},
     ["column 'rejected' is missing"]),
    ("no answer before", SFT, {"completion": ANSWER}, ["column 'prompt' is missing"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "columns", "row", "right"), WRONG, ids=[w[0] for w in WRONG])
def test_any_other_form_is_one_clear_error(
    name: str, columns: Sequence[str], row: Mapping[str, Any], right: list[str]
) -> None:
    with pytest.raises(DataError) as wrong:
        plain_rows([row], columns, "rows")
    assert list(wrong.value.details) == [f"row 1: {problem}" for problem in right]
    assert f"the first has {', '.join(row)}" in wrong.value.hint


CALL: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [{"type": "function"}]}
CALLED = CALL | {"content": ""}
GOT = {"role": "tool", "content": "2"}
SAYS_2 = {"role": "assistant", "content": "2"}

# messages, and of each answer what stands before it, its text and why there is none
UNSAID: list[tuple[list[dict[str, Any]], list[tuple[list[Any], str, str]]]] = [
    (ASKED, [(ASKED, "", NO_END)]),
    (said("a", "b", "c"), [(said("a"), "b", ""), (said("a", "b", "c"), "", NO_END)]),
    (said("1+1?", ""), [(ASKED, "", EMPTY)]),
    (said("a", "", "c", "d"), [(said("a"), "", EMPTY), (said("a", "", "c"), "d", "")]),
    ([*ASKED, CALL], [(ASKED, "", TOOLS)]),
    ([*ASKED, CALLED], [(ASKED, "", TOOLS)]),
    ([*ASKED, {k: v for k, v in CALL.items() if k != "content"}], [(ASKED, "", TOOLS)]),
    ([*ASKED, CALL, GOT], [(ASKED, "", TOOLS), ([*ASKED, CALLED, GOT], "", NO_END)]),
    ([*ASKED, CALL, GOT, SAYS_2], [(ASKED, "", TOOLS), ([*ASKED, CALLED, GOT], "2", "")]),
    ([*ASKED, SAYS_2, SAYS_2], [(ASKED, "2", ""), ([*ASKED, SAYS_2], "2", "")]),
]


@pytest.mark.parametrize(("messages", "right"), UNSAID)
def test_what_says_nothing_in_a_chat_is_left_out_and_counted(
    messages: list[dict[str, Any]], right: list[tuple[list[Any], str, str]]
) -> None:
    rows = [row for _, row in plain_rows([{"messages": messages}], SFT, "rows")]
    found = [(r["prompt"], r["completion"], getattr(r["completion"], "reason", "")) for r in rows]
    assert found == right
    assert all(isinstance(row["prompt"], Ended) for row in rows)
    account = LeftOut([f"line {n}" for n, _ in enumerate(rows)], 9, "max_length 9")
    kept = [n for n, row in enumerate(rows) if account.says(n, row["completion"])]
    assert kept == [n for n, (_, text, _) in enumerate(right) if text]
    assert [one.reason for one in account.lost] == [why for *_, why in right if why]


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize("columns", [SFT, PAIR])
def test_a_probability_that_a_table_has_no_value_of_is_none(columns: Any, nothing: Any) -> None:
    row = {"prompt": "1+1?", "chosen": "2", "rejected": "3"}
    found = plain_rows([row | {"probability": nothing}], columns, "rows")
    assert found == plain_rows([row], columns, "rows")


@pytest.mark.parametrize("probability", [90, 1.5, -0.1, "often", "1.5", True])
@pytest.mark.parametrize("trainer", ["sft", "dpo", "reward_model"])
def test_no_trainer_takes_a_probability_that_is_none(
    trainer: str, probability: Any, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.jsonl"
    row = {"prompt": "a", "chosen": "b", "rejected": "c"}
    path.write_text(
        "".join(json.dumps(one) + "\n" for one in (row, {**row, "probability": probability}))
    )
    with pytest.raises(DataError) as wrong:
        train(trainer, "absent/or/not", path, tmp_path / "out")
    value = 1.5 if probability == "1.5" else probability
    told = f"line 2: probability must be a number from 0 to 1, got {value!r}"
    assert wrong.value.details == (told,)


def parts(*texts: str) -> list[dict[str, str | None]]:
    return [{"type": "text", "text": text, "image": None} for text in texts]


def test_contents_of_parts_of_text_are_texts() -> None:
    """As chats have them that processors of several kinds of data read."""
    asked = [{"role": "user", "content": parts("1+", "1?")}]
    answer = [{"role": "assistant", "content": parts("2")}]
    both = {"prompt": asked, "chosen": answer, "rejected": [{**answer[0], "content": parts("3")}]}
    plain_chat = [{"role": "user", "content": "1+1?"}]
    for columns, row in [
        (SFT, {"prompt": asked, "completion": answer}),
        (SFT, {"messages": asked + answer}),
        (SFT, {"prompt": asked, "completion": "2"}),
        (SFT, {"completion": asked + answer}),
        (SFT, both),
        (PAIR, both),
        (PAIR, {"chosen": asked + answer, "rejected": asked + both["rejected"]}),
        (ONLINE, {"prompt": asked}),
        (ONLINE, {"messages": asked + answer}),
        (ONLINE, {"prompt": asked, "chosen": answer}),
    ]:
        ((_, found),) = plain_rows([row], columns, "rows")
        assert found["prompt"] == plain_chat, row
        assert [found[key] for key in columns[1:]] == ["2", "3"][: len(columns) - 1]
    ((_, found),) = plain_rows([{"system": "Be terse.", "prompt": asked}], ONLINE, "rows")
    assert found["prompt"] == [{"role": "system", "content": "Be terse."}, *plain_chat]


def test_numbers_in_words_are_numbers_where_answers_are_learnt_from() -> None:
    row = {"prompt": "1+1?", "chosen": "2", "rejected": "3"}
    for said, value in [("0.8", 0.8), ("1", 1.0), ("8e-1", 0.8), (" 0.5 ", 0.5), ("0", 0.0)]:
        ((_, found),) = plain_rows([row | {"probability": said, "margin": said}], PAIR, "rows")
        assert (found["probability"], found["margin"]) == (value, value)
    ((_, found),) = plain_rows([row | {"probability": "0.2"}], SFT, "rows")
    assert found["completion"] == "3"
    ((_, found),) = plain_rows([{"prompt": "a", "label": "1", "margin": "2"}], ONLINE, "rows")
    assert (found["label"], found["margin"]) == ("1", "2")
