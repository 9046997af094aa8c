"""What was made elsewhere serves a run: responses and labels, under ids that stay what they are."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import harness
from harness.experiment.experiment import Experiment
from harness.nouns.errors import InputError
from harness.nouns.schema import Response
from harness.records.label_uses import read_uses
from harness.records.rows import read_items, read_responses
from harness.records.writes import write_jsonl

if TYPE_CHECKING:
    from conftest import World

DPO = {"dpo": {"sources": ["people"], "trainer": "dpo"}}


def sampled(whole: World) -> list[Response]:
    """What ``harness respond`` gives with the settings of the experiment and no name."""
    policy = whole.experiment["policy"]
    settings = harness.RespondSettings(
        per_item=policy["responses_per_item"],
        temperature=policy["temperature"],
        max_new_tokens=policy["max_new_tokens"],
    )
    items = read_items(whole.folder / "train.jsonl")
    return harness.respond(str(whole.folder / "policy"), items, settings)


def run(whole: World, **changes: Any) -> dict[str, Any]:
    arms = {"arms": DPO, "agreement": None, "seeds": [0]}
    return whole.run(**{**arms, **changes})


def test_ids_of_harness_respond_are_those_of_the_run(whole: World) -> None:
    before = sampled(whole)
    run(whole)
    path = whole.out / "responses" / "train.jsonl"
    assert read_responses(path) == before
    assert before[0].id == f"base.0.{before[0].item_id}.0" and before[0].system == "base"


def test_responses_made_elsewhere_are_not_sampled_again(whole: World) -> None:
    run(whole)
    kept = {
        name: (whole.out / name).read_bytes()
        for name in ("responses/train.jsonl", "judgments/people.jsonl", "preferences/dpo.jsonl")
    }
    half = len(given := sampled(whole)) // 2
    before = len(whole.happened("sample", "base"))
    for name, rows in (("one", given[:half]), ("two", given[half:])):
        write_jsonl(whole.folder / f"{name}.jsonl", rows)
    whole.out.rename(whole.folder / "first")
    data = {**whole.experiment["data"], "responses": ["one.jsonl", "two.jsonl"]}
    run(whole, data=data)
    # On held-out items only: a few, then all.
    assert len(whole.happened("sample", "base")) == before + 2
    assert {name: (whole.out / name).read_bytes() for name in kept} == kept


def test_other_responses_make_the_run_anew(whole: World) -> None:
    given = sampled(whole)
    write_jsonl(whole.folder / "given.jsonl", given)
    data = {**whole.experiment["data"], "responses": "given.jsonl"}
    first = run(whole, data=data)["arms"][0]["n_preferences"]
    write_jsonl(whole.folder / "given.jsonl", given[:6])
    assert run(whole, data=data)["arms"][0]["n_preferences"] < first


def labels(whole: World, columns: Sequence[str]) -> None:
    """Write what ann says of the pairs, by ids that were there before the run."""
    rows = [
        (item, f"base.0.{item}.0", f"base.0.{item}.1", "ann", label)
        for item, label in zip(("t0", "t1", "t2", "t3"), "AABB", strict=True)
    ]
    with (whole.folder / "votes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


OWN = ("item", "response_a", "response_b", "annotator", "label")
OTHER = ("q", "first", "second", "who", "winner")


@pytest.mark.parametrize("columns", [OWN, OTHER])
def test_labels_made_before_the_run_train_an_arm(whole: World, columns: Sequence[str]) -> None:
    labels(whole, columns)
    options = {"file": "votes.csv", **dict(zip(OWN, columns, strict=True))}
    said: Any = "votes.csv" if columns is OWN else options
    data = {**whole.experiment["data"], "labels": {"volunteers": said}}
    arms = {"dpo": {"sources": ["volunteers"], "trainer": "dpo"}}
    gate = {"source": "verifier", "minimum_coverage": 0.01, "action": "warn"}
    agreement = {"reference": "volunteers", "gates": [gate]}
    report = run(whole, data=data, arms=arms, agreement=agreement)
    assert report["arms"][0]["n_preferences"] == 4
    chosen = {row["item_id"]: row["chosen_id"][-1] for row in whole.rows("preferences/dpo.jsonl")}
    assert chosen == {"t0": "0", "t1": "0", "t2": "1", "t3": "1"}
    source = next(row for row in report["sources"] if row["name"] == "volunteers")
    assert (source["kind"], source["use"]) == ("human", "human_csv")
    (use,) = read_uses([whole.folder / "label-uses.jsonl"])
    assert (use.deed, use.what, use.command) == ("certified", "gate", "harness run")
    assert use.result.startswith("verifier: coverage 0.01: ")
    assert use.annotators == ("volunteers/ann",) and use.items


def experiment(folder: Path, files: dict[str, list[dict[str, Any]]], **data: Any) -> Path:
    """Write a small experiment on real plugins, with what was made elsewhere."""
    (folder / "m").mkdir()
    (folder / "m" / "config.json").write_text("{}")
    items = [{"id": f"t{n}", "prompt": f"{n}?"} for n in range(3)]
    tables = {"t.jsonl": items, "e.jsonl": [{"id": "e", "prompt": "x"}], **files}
    for name, rows in tables.items():
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = {
        "name": "small",
        "data": {"train": {"file": "t.jsonl"}, "evaluation": {"file": "e.jsonl"}, **data},
        "policy": {"model": "m"},
        "sources": {"verifier": {"use": "last_number"}},
        "arms": {"rlvr": {"sources": ["verifier"], "trainer": "grpo"}},
        "evaluation": {"evaluators": ["verifier"]},
    }
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def pair(item: str, chosen: str, rejected: str, **more: Any) -> dict[str, Any]:
    return {"item_id": item, "prompt": item, "chosen": chosen, "rejected": rejected, **more}


def chat(*said: str) -> list[dict[str, str]]:
    return [{"role": "user assistant".split()[k % 2], "content": s} for k, s in enumerate(said)]


PREFERRED = {
    "texts": [pair("t0", "good", "bad"), pair("t1", "fine", "poor"), pair("t0", "good", "worse")],
    "chats": [
        {"item_id": "t0", "chosen": chat("0?", "good"), "rejected": chat("0?", "bad")},
        {"item_id": "t1", "chosen": chat("1?", "fine"), "rejected": chat("1?", "poor")},
        {"item_id": "t0", "chosen": chat("0?", "good"), "rejected": chat("0?", "worse")},
    ],
    "with ids": [
        pair("t0", "good", "bad", chosen_id="r1", rejected_id="r2", probability=0.9),
        pair("t1", "fine", "poor", chosen_id="r4", rejected_id="r3", probability=0.8),
        pair("t0", "worse", "good", chosen_id="r5", rejected_id="r1", probability=0.2),
    ],
    "pairs of texts": [
        {"item": "t0", "response_a": "x", "response_b": "y", "text_a": "good", "text_b": "bad",
         "label": "A"},
        {"item": "t1", "response_a": "x", "response_b": "y", "text_a": "poor", "text_b": "fine",
         "label": "B"},
        {"item": "t0", "response_a": "x", "response_b": "z", "text_a": "good", "text_b": "worse",
         "label": "A"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("form", PREFERRED)
def test_preferences_made_elsewhere_train_an_arm(whole: World, form: str) -> None:
    path = whole.folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in PREFERRED[form]))
    data = {**whole.experiment["data"], "preferences": {"public": "pairs.jsonl"}}
    arms = {"dpo": {"sources": ["public"], "trainer": "dpo"}}
    report = run(whole, data=data, arms=arms)
    assert report["arms"][0]["n_preferences"] == 3
    rows = whole.rows("preferences/dpo.jsonl")
    texts = {(one["item_id"], one["chosen"], one["rejected"]) for one in rows}
    assert texts == {("t0", "good", "bad"), ("t0", "good", "worse"), ("t1", "fine", "poor")}
    assert len(whole.happened("sample", "base")) == 2  # on held-out items: a few, then all


def row(name: str, item: str, text: str = "x") -> dict[str, Any]:
    return {"id": name, "item_id": item, "text": text}


WRONG = {
    "no such file": ({}, {"responses": "r.jsonl"}, ["no such file", "r.jsonl"]),
    "unknown item": ({"r.jsonl": [row("a", "zz")]}, {"responses": "r.jsonl"}, ["item 'zz'"]),
    "to a held-out item": ({"r.jsonl": [row("a", "e")]}, {"responses": "r.jsonl"}, ["item 'e'"]),
    "one id twice": (
        {"r.jsonl": [row("a", "t0"), row("a", "t1")]}, {"responses": "r.jsonl"}, ["'a'"],
    ),
    "one id in two files": (
        {"r.jsonl": [row("a", "t0")], "s.jsonl": [row("a", "t1")]},
        {"responses": ["r.jsonl", "s.jsonl"]},
        ["'a' stands in another", "s.jsonl", "--system"],
    ),
    "none at all": ({"r.jsonl": []}, {"responses": "r.jsonl"}, ["no item", "r.jsonl"]),
    "beyond the limit": (
        {"r.jsonl": [row("a", "t2")]},
        {"responses": "r.jsonl", "train": {"file": "t.jsonl", "limit": 2}},
        ["no item of data.train has a response"],
    ),
    "a number": ({}, {"responses": 3}, ["data.responses"]),
    "no labels": ({}, {"labels": {"people": "votes.csv"}}, ["no such file", "votes.csv"]),
    "a name of a source": ({}, {"labels": {"verifier": "v.csv"}}, ["another source 'verifier'"]),
    "labels that are no file": ({}, {"labels": {"people": 3}}, ["people"]),
    "labels without a name": ({}, {"labels": "votes.csv"}, ["data.labels"]),
    "preferences without texts": (
        {"v.jsonl": [{"item": "t0", "response_a": "x", "response_b": "y", "label": "A"}]},
        {"preferences": {"public": "v.jsonl"}},
        ["preferences have texts", "data.labels"],
    ),
    "preferences of other items": (
        {"v.jsonl": [pair("t0", "a", "b"), pair("t9", "a", "b")]},
        {"preferences": {"public": "v.jsonl"}},
        ["1 of 2 rows", "t9", "--items-out"],
    ),
    "preferences that contradict": (
        {"v.jsonl": [pair("t0", "a", "b"), pair("t0", "b", "a")]},
        {"preferences": {"public": "v.jsonl"}},
        ["already"],
    ),
    "preferences that are a number": ({}, {"preferences": {"public": 3}}, ["public"]),
    "one name for both": (
        {"v.jsonl": [pair("t0", "a", "b")]},
        {"preferences": {"p": "v.jsonl"}, "labels": {"p": "v.jsonl"}},
        ["another source 'p'"],
    ),
    "a mistyped key": ({}, {"respones": "r.jsonl"}, ["did you mean responses?"]),
    "options that are none": (
        {"v.jsonl": [{"a": 1}]},
        {"labels": {"people": {"file": "v.jsonl", "lable": "a"}}},
        ["lable", "label"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_before_anything_is_done(case: str, tmp_path: Path) -> None:
    files, data, words = WRONG[case]
    with pytest.raises(InputError) as error:
        Experiment.read(experiment(tmp_path, files, **data))
    for word in words:
        assert word in str(error.value)


def test_only_responses_within_the_limit_are_used(tmp_path: Path) -> None:
    files = {"r.jsonl": [row("a", "t0"), row("b", "t0"), row("c", "t2")]}
    limited = {"file": "t.jsonl", "limit": 2}
    read = Experiment.read(experiment(tmp_path, files, responses="r.jsonl", train=limited))
    assert [one.id for one in read.responses or ()] == ["a", "b"]
