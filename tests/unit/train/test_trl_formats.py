"""Data sets in TRL's formats, from everywhere that the library ``datasets`` keeps them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.experiment.stages.train_files import train
from harness.nouns.errors import DataError, InputError
from harness.policy.models import load_tokenizer
from harness.policy.prompts import Continued, as_prompt, prompt_ids
from harness.train.data_sets import is_data_set
from harness.train.other_forms import notes_on
from harness.train.row_files import read_training_rows
from harness.train.row_forms import common_start
from harness.train.rows import plain_rows

datasets = pytest.importorskip("datasets", reason="the extra train is not installed")

SFT, PAIR, ONLINE = ("prompt", "completion"), ("prompt", "chosen", "rejected"), ("prompt",)
ASKED = [{"role": "user", "content": "What color is the sky?"}]
BLUE = [{"role": "assistant", "content": "It is blue."}]
GREEN = [{"role": "assistant", "content": "It is green."}]
SKY = "The sky is"

FORMATS: dict[str, tuple[Sequence[str], dict[str, Any], tuple[Any, ...]]] = {
    "language modeling": (SFT, {"text": "The sky is blue."}, ("", "The sky is blue.")),
    "language modeling, chat": (SFT, {"messages": ASKED + BLUE}, (ASKED, "It is blue.")),
    "prompt only": (ONLINE, {"prompt": SKY}, (SKY,)),
    "prompt only, chat": (ONLINE, {"prompt": ASKED}, (ASKED,)),
    "prompt and completion": (SFT, {"prompt": SKY, "completion": " blue."}, (SKY, " blue.")),
    "prompt and completion, chat": (
        SFT, {"prompt": ASKED, "completion": BLUE}, (ASKED, "It is blue."),
    ),
    "preference": (
        PAIR, {"prompt": SKY, "chosen": " blue.", "rejected": " green."},
        (SKY, " blue.", " green."),
    ),
    "preference, chat": (
        PAIR, {"prompt": ASKED, "chosen": BLUE, "rejected": GREEN},
        (ASKED, "It is blue.", "It is green."),
    ),
    "preference, implicit": (
        PAIR, {"chosen": "The sky is blue.", "rejected": "The sky is green."},
        (SKY, " blue.", " green."),
    ),
    "preference, implicit, chat": (
        PAIR, {"chosen": ASKED + BLUE, "rejected": ASKED + GREEN},
        (ASKED, "It is blue.", "It is green."),
    ),
    "preference, imitated": (
        SFT, {"chosen": "The sky is blue.", "rejected": "The sky is green."},
        ("", "The sky is blue."),
    ),
    "unpaired preference, imitated": (
        SFT, {"prompt": SKY, "completion": " blue.", "label": True}, (SKY, " blue."),
    ),
    "unpaired preference, chat, imitated": (
        SFT, {"prompt": ASKED, "completion": BLUE, "label": True}, (ASKED, "It is blue."),
    ),
}  # fmt: skip


def read_as(columns: Sequence[str], rows: list[Any]) -> list[tuple[Any, ...]]:
    plain = [row for _, row in plain_rows(rows, columns, "rows")]
    return [
        tuple(list(v) if isinstance(v := row[column], tuple) else v for column in columns)
        for row in plain
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_trl_is_read_from_everywhere(name: str, tmp_path: Path) -> None:
    columns, row, wanted = FORMATS[name]
    made = datasets.Dataset.from_list([row] * 2)
    made.save_to_disk(str(tmp_path / "saved"))
    made.to_parquet(str(tmp_path / "rows.parquet"))
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(row)}\n" * 2)
    cells = {k: v if isinstance(v, str) else json.dumps(v) for k, v in row.items()}
    datasets.Dataset.from_list([cells] * 2).to_csv(str(tmp_path / "rows.csv"))
    for rows in (
        made,
        datasets.DatasetDict({"train": made}),
        *(tmp_path / one for one in ("saved", "rows.parquet", "rows.jsonl", "rows.csv")),
    ):
        found, _ = read_training_rows(rows)
        assert read_as(columns, found) == [wanted, wanted], rows
        assert [line for line in notes_on(found, columns) if "label" not in line] == []


@pytest.mark.parametrize("inside", [".", "out"])
def test_nothing_is_written_into_a_data_set(inside: str, tmp_path: Path) -> None:
    """It would be another data set when the training is asked for again."""
    saved = tmp_path / "saved"
    datasets.Dataset.from_list([{"prompt": "a", "completion": "b"}]).save_to_disk(str(saved))
    before = sorted(saved.rglob("*"))
    with pytest.raises(InputError, match="lies in the data set's"):
        train("sft", "m", str(saved), saved / inside)
    assert sorted(saved.rglob("*")) == before


def test_a_label_of_a_csv_says_what_is_not_to_be_imitated(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("prompt,completion,label\na,b,True\na,c,false\na,d,maybe\n")
    found, _ = read_training_rows(path)
    assert [row["label"] for row in found] == [True, False, "maybe"]
    with pytest.raises(DataError, match="would be imitated"):
        plain_rows(found, SFT, "completions")


@pytest.mark.parametrize(
    ("first", "second", "start"),
    [
        ("Q: 2+3? A: 15", "Q: 2+3? A: 16", "Q: 2+3? A:"),  # tokens are not cut apart
        ("Q A: yes", "Q A: yes indeed", "Q A:"),
        ("foo bar", "foobar", ""),
        ("Q\nfoo", "Q\nbar", "Q"),
        ("Yes", "No", ""),
        ("", "a b", ""),
        ("a b", "a b", "a"),
        ("a  b", "a  c", "a "),
    ],
)
def test_the_prompt_in_two_texts(first: str, second: str, start: str) -> None:
    assert common_start(first, second) == start
    assert common_start(second, first) == start


def test_a_whole_text_is_learnt_from_its_first_token_and_ends_once(policy_path: Path) -> None:
    from harness.train.sft import Sft

    tokenizer = load_tokenizer(policy_path)
    sft = Sft.__new__(Sft)
    sft.model, sft.tokenizer = policy_path, tokenizer
    for model_is_chat in (False, True):
        if model_is_chat:
            tokenizer.chat_template = "{% for m in messages %}<{{ m.content }}>{% endfor %}"
        for end in ("", tokenizer.eos_token):
            ((_, row),) = plain_rows([{"text": "2+3 is 5." + end}], SFT, "rows")
            ids = prompt_ids(tokenizer, row["prompt"]) + sft.completion_ids(0, row)
            assert ids == tokenizer("2+3 is 5." + tokenizer.eos_token)["input_ids"]
            assert as_prompt(tokenizer, Continued("2+3")) == "2+3"


def test_a_text_with_its_bos_gets_no_second_one_also_from_trl(policy_path: Path) -> None:
    tokenizer = load_tokenizer(policy_path)
    bos, plain = tokenizer.bos_token, tokenizer("2+3?")["input_ids"]
    assert plain[0] == tokenizer.bos_token_id
    for prompt in ("2+3?", bos + "2+3?", Continued(bos + "2+3?")):
        assert prompt_ids(tokenizer, prompt) == plain
        seen = as_prompt(tokenizer, prompt)  # what TRL's trainers are given
        assert type(seen) is type(prompt) and tokenizer(seen)["input_ids"] == plain
    tokenizer.add_bos_token = False
    assert prompt_ids(tokenizer, bos + "2+3?")[:2].count(tokenizer.bos_token_id) == 1


@pytest.fixture
def hub_folder(tmp_path: Path) -> Path:
    """A data set as the Hub keeps it: two configurations of two splits."""
    folder = tmp_path / "owner" / "name"
    lines = ["configs:"]
    for config in ("plain", "hard"):
        lines += [f"- config_name: {config}", "  data_files:"]
        for split in ("train", "test"):
            path = folder / config / f"{split}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"prompt": f"{config} {split}"}) + "\n")
            lines += [f"  - split: {split}", f"    path: {config}/{split}.jsonl"]
    (folder / "README.md").write_text("\n".join(["---", *lines, "---", ""]))
    return folder


def test_a_configuration_and_a_split_of_a_data_set_of_the_hub(
    hub_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    load = datasets.load_dataset

    def from_folder(name: str, config: str | None) -> Any:
        assert name == "owner/name"
        return load(str(hub_folder), config, cache_dir=str(tmp_path / "cache"))

    monkeypatch.setattr(datasets, "load_dataset", from_folder)
    monkeypatch.setattr("harness.train.data_sets.hub.answers", lambda: False)
    rows, places = read_training_rows("owner/name", "hard")
    assert rows == [{"prompt": "hard train"}] and places == ["owner/name:row 1"]
    assert read_training_rows("owner/name", "plain", "test")[0] == [{"prompt": "plain test"}]
    for asked, words in (
        (("owner/name", "hrad"), "hard"),
        (("owner/name", "hard", "tset"), "no split 'tset'"),
    ):
        with pytest.raises(DataError, match=words):
            read_training_rows(*asked)


def test_what_is_no_data_set_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harness.train.data_sets.hub.answers", lambda: False)
    (tmp_path / "data").mkdir()
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a"}\n')
    assert is_data_set("owner/name-v1.5") and is_data_set("data")
    for name in ("data/rows", "rows.jsonl", "owner/name.jsonl", "name", "a/b/c", "/x/y"):
        assert not is_data_set(name)
    for name in ("b" * 300, '{"prompt": "' + 300 * "a" + '"}'):  # no system has such names
        with pytest.raises(DataError):
            read_training_rows(name)
    with pytest.raises(DataError, match="hub of data sets cannot be reached"):
        read_training_rows("owner/name")
    with pytest.raises(DataError, match="cannot be loaded"):
        read_training_rows("data")
    with pytest.raises(DataError, match="these rows are none"):
        read_training_rows("rows.jsonl", "main")
    halves = datasets.DatasetDict({k: datasets.Dataset.from_list([{"prompt": k}]) for k in "ab"})
    with pytest.raises(DataError, match=r"no split 'train'(?s:.*)one of a, b"):
        read_training_rows(halves)
    assert read_training_rows(halves, None, "b")[0] == [{"prompt": "b"}]
