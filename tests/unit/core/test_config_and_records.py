"""Bad input gets one clear error that names value, file and place."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from harness.experiment.config import read_config
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, Verdict
from harness.records.rows import judgment_from, read_items, read_responses, to_dict
from harness.records.writes import write_jsonl

GOOD = {
    "name": "small",
    "data": {"train": {"file": "t.jsonl"}, "evaluation": {"file": "e.jsonl"}},
    "policy": {"model": "policy"},
    "sources": {"v": {"use": "exact_match"}, "p": {"use": "simulated_people"}},
    "agreement": {"reference": "p", "gates": []},
    "arms": {"rlvr": {"sources": ["v"], "trainer": "grpo"}},
    "evaluation": {"evaluators": ["v"]},
}


def write(folder: Path, **changes: object) -> Path:
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}), encoding="utf-8")
    return path


def test_a_good_file_loads(tmp_path: Path) -> None:
    assert read_config(write(tmp_path))[0].arms["rlvr"].trainer == "grpo"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sedes": [1]}, ["sedes: unknown key", "did you mean seeds"]),
        (
            {"policy": {"model": "m", "temprature": 1}},
            ["policy.temprature: unknown key", "did you mean temperature"],
        ),
        (
            {"arms": {"a": {"sources": ["v"], "trainer": "grpo", "setings": {}}}},
            ["arms.a.setings: unknown key", "did you mean settings"],
        ),
        ({"arms": {"a": {"sources": ["w"], "trainer": "grpo"}}}, ["no source is named 'w'"]),
        ({"arms": {"a": {"sources": ["v"], "trainer": "pp0"}}}, ["arms.a.trainer", "'pp0'"]),
        ({"seeds": [1, 1]}, ["seeds: repeated"]),
        ({"seeds": [0, -1]}, ["seeds.1", "greater than or equal to 0", "-1"]),
        ({"seeds": [2**32]}, ["seeds.0", "less than or equal to 4294967295"]),
        ({"arms": {"base": {"sources": ["v"], "trainer": "ppo"}}}, ["arms.base"]),
        ({"name": "../x"}, ["name"]),
        ({"policy": {}}, ["policy.model: missing"]),
        (
            {"arms": {"a": {"sources": ["v"], "trainer": "ppo", "weights": {"v": -1}}}},
            ["arms.a.weights.v", "greater than or equal to 0", "-1"],
        ),
        (
            {"arms": {"a": {"sources": ["v"], "trainer": "ppo", "weights": {"v": float("inf")}}}},
            ["arms.a.weights.v", "finite"],
        ),
        (
            {"arms": {"a": {"sources": ["v", "p", "v"], "trainer": "ppo"}}},
            ["arms.a.sources: v stands there twice"],
        ),
        (
            {"arms": {"a": {"sources": ["v"], "trainer": "ppo", "settings": None}}},
            ["arms.a.settings: must be a mapping of names to values, got None"],
        ),
        ({"policy": None}, ["policy: must be a mapping of names to values, got None"]),
        ({"policy": {"model": "m", "temperature": 1e-300}}, ["policy.temperature", "0.001"]),
        (
            {"policy": {"model": "m", "max_new_tokens": 10**23}},
            ["policy.max_new_tokens", "1000000"],
        ),
        (
            {"evaluation": {"evaluators": ["v", "v"]}},
            ["evaluation.evaluators: v stands there twice"],
        ),
        ({"evaluation": {"evaluators": {"w": None}}}, ["evaluation.evaluators: no source", "'w'"]),
        (
            {"evaluation": {"evaluators": {"v": {"direction": "down"}}}},
            ["evaluation.evaluators.v.direction", "'higher' or 'lower'"],
        ),
        (
            {"evaluation": {"evaluators": {"v": {"margin": 5}}}},
            ["evaluation.evaluators.v.margin", "less than 1"],
        ),
        (
            {"evaluation": {"evaluators": {"v": {"margins": 0.05}}}},
            ["evaluation.evaluators.v.margins: unknown key", "margin"],
        ),
    ],
)
def test_each_mistake_in_an_experiment_is_named(
    tmp_path: Path, changes: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(write(tmp_path, **changes))
    for word in (*words, "experiment.yaml"):
        assert word in str(caught.value)


def test_evaluators_may_say_how_they_are_read(tmp_path: Path) -> None:
    by_list, _ = read_config(write(tmp_path))
    by_name, _ = read_config(write(tmp_path, evaluation={"evaluators": {"v": None}}))
    assert by_name == by_list and list(by_list.evaluation.evaluators) == ["v"]
    assert by_list.model_dump(mode="json")["evaluation"]["evaluators"] == ["v"]
    given = {"v": {"direction": "lower", "margin": 0.05}, "p": None}
    read, _ = read_config(write(tmp_path, evaluation={"evaluators": given}))
    first, second = (read.evaluation.evaluators[name] for name in "vp")
    assert (first.direction, first.margin) == ("lower", 0.05)
    assert (second.direction, second.margin) == ("higher", None)
    dumped = read.model_dump(mode="json")["evaluation"]["evaluators"]
    assert dumped == {"v": {"direction": "lower", "margin": 0.05}, "p": {}}


def test_a_repeated_key_of_an_experiment_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    count = len(path.read_text().splitlines())
    path.write_text(path.read_text() + "name: other\n")
    with pytest.raises(ConfigError, match=f"key 'name' stands twice.* and {count + 1}"):
        read_config(path)
    path.write_bytes("name: été\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(path)


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(write(tmp_path, sedes=[1], policy={}, budget=3))
    assert len(caught.value.details) == 3


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    items = [Item("a", "q", 3, {"k": 1}), Item("b", ({"role": "user", "content": "é"},))]
    responses = [Response("r", "a", "s", "text\nline\u2028", {})]
    write_jsonl(tmp_path / "i.jsonl", items)
    write_jsonl(tmp_path / "r.jsonl", responses)
    assert read_items(tmp_path / "i.jsonl") == items
    assert read_responses(tmp_path / "r.jsonl", items) == responses
    judgment = Judgment("q", "s", "1", "a", Verdict(Status.OK, ("x", "y")))
    assert judgment_from(json.loads(json.dumps(to_dict(judgment)))) == judgment


def test_all_wrong_lines_are_reported_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(
        '{"id": "a", "prompt": "x"}\n{"id": "a", "prompt": "y"}\n\n{"id": "c"}\n'
        '{"id": "d", "prompt": 3}\n{"id": "e", "prompt": "z", "referense": 1}\n'
    )
    with pytest.raises(DataError) as caught:
        read_items(path)
    assert caught.value.details == (
        "line 2: id 'a' stands already in line 1",
        "line 4: misses prompt",
        "line 5: a prompt is text or a list of messages, got 3",
        "line 6: unknown key referense; known: id, prompt, reference, metadata"
        " (anything else goes under metadata)",
    )


def test_broken_json_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"id": "a", "prompt": "x"}\n{"id": \n')
    with pytest.raises(DataError, match=r"items\.jsonl:2: not JSON"):
        read_items(path)


def test_wrong_types_in_a_line_are_named(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "prompt": "x", "metadata": "y"},
        {"id": "b", "prompt": []},
        {"id": "c", "prompt": [{"role": "user", "content": ["x"]}]},
        {"id": "d", "prompt": ["x"]},
        {"id": "e", "prompt": "x", "metadata": []},
        {"id": "f", "prompt": "x", "metadata": None},
        {"id": "g", "prompt": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
    ]
    write_jsonl(tmp_path / "items.jsonl", rows)
    with pytest.raises(DataError) as caught:
        read_items(tmp_path / "items.jsonl")
    message = "a message has a role and a content, both text, got "
    assert caught.value.details == (
        "line 1: metadata must be an object, got 'y'",
        "line 2: the prompt has no messages",
        "line 3: a part of a content that is no text is not shown, got 'x'",
        f"line 4: {message}'x'",
        "line 5: metadata must be an object, got []",
    )
    write_jsonl(tmp_path / "r.jsonl", [{"id": "r", "item_id": "a", "text": "t", "metadata": "y"}])
    with pytest.raises(DataError, match="metadata must be an object"):
        read_responses(tmp_path / "r.jsonl")


def test_a_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(b'{"id": "a", "prompt": "x"}\r\n{"id": "b", "prompt": "caf\xe9"}\n')
    with pytest.raises(DataError, match=r"items\.jsonl:2: not UTF-8: .* at byte 27 of the line"):
        read_items(path)


def test_a_response_to_an_unknown_item(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "r.jsonl", [Response("r", "zzz", "s", "t")])
    with pytest.raises(DataError, match="unknown item 'zzz'"):
        read_responses(tmp_path / "r.jsonl", [Item("a", "q")])


def test_half_of_a_surrogate_pair_is_written_and_read_as_no_character(tmp_path: Path) -> None:
    broken = Response("r", "a", "s", "half \ud83d of it")
    write_jsonl(tmp_path / "r.jsonl", [broken])
    assert read_responses(tmp_path / "r.jsonl") == [replace(broken, text="half � of it")]
