"""Every reader of files, as something that takes a path, with files that it reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from store_readers import (
    ANSWERS,
    DAMAGED,
    JOURNAL,
    LABELS,
    REPLIES,
    read_answer,
    read_damaged,
    read_journal,
    read_labels,
    read_reply,
)

from harness.cli.options import key_values, split_pairs
from harness.experiment.config import read_config
from harness.experiment.gates import read_gates
from harness.experiment.stages.recorded import read_recorded
from harness.judging.anchors import read_anchors
from harness.labels.exports import read_label_table
from harness.labels.mapping import ColumnMapping, ImportFiles, import_labels, read_said
from harness.labels.ratings import Reading, read_ratings
from harness.nouns.errors import HarnessError
from harness.nouns.hashing import content_hash
from harness.nouns.plain_text import parsed_json
from harness.nouns.rubric import load_rubric
from harness.policy.models import base_of
from harness.records.judgments import is_judgments
from harness.records.rows import read_items, read_responses, read_rows, to_dict
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_jsonl
from harness.sandbox.compare import same, same_output
from harness.sandbox.guest.codec import Malformed, from_tree, parse
from harness.train.result import TrainingFolder

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Reader:
    """A reader of files.

    Args:
        read: Takes the path of the file.
        name: Name of the file.
        samples: Contents that it reads.
        share: How often it is chosen, relative to the others.
    """

    read: Callable[[Path], object]
    name: str
    samples: Sequence[bytes]
    share: int = 4


def _lines(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


ITEMS = _lines(
    {"id": "i1", "prompt": "What is 1+1?", "reference": "2", "metadata": {"cluster": "a"}},
    {"id": "i2", "prompt": [{"role": "user", "content": "Hi"}], "metadata": {"slice": "b"}},
    {"id": "i3", "prompt": "Say \u00e9.", "reference": {"tests": [{"args": [1], "expected": 2}]}},
)
RESPONSES = _lines(
    *({"id": f"i{i}.{s}", "item_id": f"i{i}", "system": s, "text": f"{i} {s}"}
      for i in (1, 2, 3) for s in "ab")
)  # fmt: skip
_FIVE = {"level": "ordinal", "labels": ["1", "2", "3", "4", "5"], "low": None, "high": None}


def _judgment(number: int, source: str, value: Any, kind: str = "judge") -> dict[str, Any]:
    return {
        "request_id": f"q{number}",
        "source": source,
        "source_version": "1",
        "annotator": source,
        "verdict": {
            "status": "ok" if value else "timeout",
            "value": value,
            "probability": 0.7 if value else None,
            "rationale": "because",
        },
        "order": "AB",
        "repeat": 0,
        "cost_usd": 0.01,
        "latency_s": 0.5,
        "tokens": {"prompt": 5, "completion": 2},
        "raw": "Verdict: A",
        "metadata": {},
        "source_info": {
            "kind": kind,
            "simulated": False,
            "identity": "x",
            "models": ["m/a"],
            "scale": None,
        },
        "item_id": f"i{number}",
        "response_ids": [f"i{number}.a", f"i{number}.b"],
    }


JUDGMENTS = _lines(
    *(_judgment(n, "judge", v) for n, v in ((1, "A"), (2, "TIE"), (3, None))),
    *(_judgment(n, "ann", v, "human") for n, v in ((1, "A"), (2, "B"), (3, "B"))),
)
SCORES = _lines(
    *(
        _judgment(n, "grader", v)
        | {"request_id": f"s{n}", "response_ids": [f"i{n}.a"], "order": "",
           "source_info": {"kind": "judge", "simulated": False, "identity": "y", "models": [],
                           "scale": _FIVE}}
        for n, v in ((1, "5"), (2, "1"), (3, "3"))
    )
)  # fmt: skip

_PAIRWISE = {"from_name": "pw", "to_name": "text1,text2", "type": "pairwise"}
_STUDIO = [
    {
        "id": 7,
        "data": {"prompt": "What is 2+2?", "text1": "Four", "text2": "Five"},
        "annotations": [
            {"completed_by": 3, "result": [_PAIRWISE | {"value": {"selected": "left"}}]},
            {"completed_by": {"id": 4, "email": "b@x.org"},
             "result": [_PAIRWISE | {"value": {"selected": "right"}},
                        {"from_name": "stars", "type": "rating", "value": {"rating": 4}}]},
            {"completed_by": 5, "was_cancelled": True, "result": []},
        ],
    }
]  # fmt: skip
_ARGILLA = [
    {
        "id": "r1",
        "fields": {"prompt": "p", "response1": "x", "response2": "y"},
        "metadata": {"model": "m"},
        "responses": {"preference": [{"value": "A", "user_id": "u1", "status": "submitted"},
                                     {"value": None, "user_id": "u2", "status": "discarded"}]},
    },
    {
        "id": "r2",
        "fields": {"prompt": "p", "response1": "x", "response2": "y"},
        "responses": [{"user_id": "u1", "status": "submitted",
                       "values": {"preference": {"value": "B"}}}],
    },
]  # fmt: skip
_ARGILLA_FLAT = [
    {"id": "a", "prompt": "p", "q.responses": ["A", "B"], "q.responses.users": ["u", "v"],
     "q.responses.status": ["submitted", "draft"]}
]  # fmt: skip
_PRODIGY = _lines(
    {"text": "Hi", "label": "GOOD", "answer": "accept", "_task_hash": 1, "_session_id": "s-ann",
     "meta": {"id": "i1"}},
    {"input": {"text": "p"}, "accept": {"text": "x"}, "reject": {"text": "y"}, "answer": "reject",
     "mapping": {"A": "accept", "B": "reject"}, "_task_hash": 2, "id": "i2", 
     "_annotator_id": "bob"},
    {"text": "t", "accept": [3], "answer": "ignore", "_task_hash": 3, "id": "i3", 
     "_session_id": "ann"},
)  # fmt: skip
_ARENA = _lines(
    {"question_id": 81, "model_a": "x", "model_b": "y", "winner": "model_a", "judge": "e1",
     "turn": 1, "conversation_a": [{"role": "user", "content": "q"},
                                   {"role": "assistant", "content": "a"}],
     "conversation_b": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}]},
    {"question_id": 81, "model_a": "x", "model_b": "y", "winner": "tie", "judge": "e1", "turn": 2,
     "response_a": '["one", "two"]', "response_b": "three"},
)  # fmt: skip
_KAGGLE = (
    b"id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n"
    b'1,x,y,"[""p""]","[""a""]","[""b""]",1,0,0\n2,x,y,p,a,b,0,0,1\n'
)
_STUDIO_CSV = (
    b"annotation_id,annotator,id,lead_time,pw,stars\n"
    b'1,3,7,2.5,left,"[{""rating"": 4}]"\n2,4,7,2.5,"{""selected"": ""right""}",""\n'
)
LONG = (
    b"item,response_a,response_b,annotator,label,criterion,comment,shown\n"
    b"i1,i1.a,i1.b,ann,A,,good,AB\ni2,i2.a,i2.b,ann,TIE,,,BA\ni3,i3.a,i3.b,ann,SKIP,,,\n"
    b"i1,i1.a,i1.b,bob,B,,,AB\ni2,i2.a,i2.b,bob,A,,,\n"
)
WIDE = b"item,rater_1,rater_2,judge\nq1,good,bad,good\nq2,bad,bad,timeout\nq3,good,,bad\n"
_SCORED = b"item;response;annotator;rating\ni1;m;ann;4\ni1;n;ann;2\ni2;m;ann;3\ni2;n;ann;5.0\n"
_RANKED = b'item,annotator,ranking\ni1,ann,a > b = c\ni2,ann,"[""a"", ""b""]"\n'
_BEST = b"item,annotator,choice_1,choice_2,choice_3,best,worst\ni1,ann,a,b,c,a,c\ni2,ann,a,b,c,b,a"
_JSON_TABLE = json.dumps(
    [{"item": "i1", "response_a": "a", "response_b": "b", "annotator": "x", "label": "A"}] * 2
).encode()

RUBRICS = [path.read_bytes() for path in sorted((ROOT / "rubrics").glob("*.yaml"))]
CONFIGS = [
    (ROOT / "examples" / "arithmetic.yaml").read_bytes(),
    (ROOT / "tests" / "unit" / "experiment" / "whole.yaml").read_bytes().replace(
        b"use: scripted", b"use: keywords"
    ),
]  # fmt: skip
GATES = json.dumps(
    {"gates": [{"source": "judge", "weight": 0.4, "kappa": 0.4, "action": "down_weight"}],
     "kappas": {"judge": 0.4, "verifier": 0.9}}
).encode()  # fmt: skip
MANIFEST = json.dumps(
    {"name": "x", "created": "2024-01-01", "stages": {"respond": "ab"}, "seconds": 2.5,
     "source_seconds": {"judge": 1.5}, "seeds": [0], "packages": {"numpy": "2"}}
).encode()  # fmt: skip
RESULT = json.dumps(
    {
        "steps": 3,
        "seconds": 1.5,
        "peak_memory_mb": 200.0,
        "too_long": 1,
        "rows": 3,
        "used": 2,
        "left_out": {"too long": 1},
        "weights": sha256().hexdigest(),
    }
).encode()
LOG = _lines(*({"step": n, "loss": 0.5, "seconds": n * 0.1} for n in range(1, 5)))


_REQUEST = {
    "id": "q1",
    "item": {"id": "i1", "prompt": "p", "reference": None, "metadata": {}},
    "responses": [{"id": f"i1.{s}", "item_id": "i1", "system": s, "text": s, "metadata": {}}
                  for s in "ab"],
    "criterion": {"id": "overall", "text": "Which?", "scale": _FIVE, "weight": 1.0},
}  # fmt: skip
_PASS = [
    {key: value for key, value in _judgment(1, "judge", "A").items()
     if key not in ("source_info", "item_id", "response_ids")}
]  # fmt: skip
ANCHORS = json.dumps(
    {"use": "llm_judge", "version": "1", "options": {"model": "m"}, "seed": 0,
     "requests": [_REQUEST], "passes": [_PASS, _PASS]}
).encode()  # fmt: skip


def _items(path: Path) -> object:
    items = read_items(path)
    write_jsonl(path.with_name("again"), items)
    for item in items:
        item.prompt_text.encode()
    return content_hash([to_dict(item) for item in items])


def _responses(path: Path) -> object:
    responses = read_responses(path)
    write_jsonl(path.with_name("again"), responses)
    return content_hash([to_dict(response) for response in responses])


def _judgments(path: Path) -> object:
    is_judgments(path)
    found = read_recorded([path])
    return [content_hash(to_dict(judgment)) for judgment in found.judgments]


def _imported(path: Path, **said: str) -> object:
    mapping = ColumnMapping.of_file(path, said)
    list(mapping.meanings())
    out = path.with_name("labels.csv")
    texts = "prompt" in mapping.options
    more = (path.with_name("i.jsonl"), path.with_name("r.jsonl")) if texts else (None, None)
    labels = import_labels(mapping, ImportFiles(out, *more))
    return mapping.experiment_lines(labels, out)


def _labels(name: str, sample: bytes, **said: str) -> Reader:
    return Reader(partial(_imported, **said), name, [sample], 3)


def _rated(path: Path) -> object:
    table = read_label_table(path)
    columns = [str(column) for column in table.columns]
    people, judges = tuple(columns[1:3]), tuple(columns[3:4])
    return read_ratings(path, Reading(humans=people, judges=judges, item_column=columns[0]))


def _rated_long(path: Path) -> object:
    names = {"item_column": "item", "annotator_column": "annotator", "label_column": "label"}
    return read_ratings(path, Reading(humans=("ann",), judges=("bob",), **names))


def _rubric(path: Path) -> object:
    return load_rubric(path)


def _config(path: Path) -> object:
    config, _ = read_config(path)
    return content_hash(config.model_dump(mode="json"))


def _training(path: Path) -> object:
    # Of the inputs {}, which have ended here.
    (path.parent / "inputs.sha256").write_text(hashlib.sha256(b"{}").hexdigest())
    folder = TrainingFolder(path.parent, {}, None)
    (path.parent / "final").mkdir(exist_ok=True)
    try:
        return folder.finished()
    finally:
        (path.parent / "inputs.sha256").unlink(missing_ok=True)


def _log(path: Path) -> object:
    folder = TrainingFolder(path.parent, {}, None)
    (path.parent / "inputs.sha256").unlink(missing_ok=True)
    folder.rewind(2)
    return list(read_rows(path))


def _anchors(path: Path) -> object:
    """Read an anchor file whose hash fits: what a person wrote who knows how."""
    try:
        content = parsed_json(path.read_bytes())
        content.pop("sha256", None)
        path.write_text(json.dumps({"sha256": content_hash(content), **content}))
    except (ValueError, TypeError, AttributeError):
        pass
    anchors = read_anchors(path)
    return anchors.noise, anchors.sha256


def _options(path: Path) -> object:
    texts = path.read_bytes().decode("utf-8", "replace").split("\n")
    key_values(texts)
    return read_said(split_pairs(texts, "--set"))


def _claim(path: Path) -> object:
    data = path.read_bytes()
    try:
        tree = parse(data)
        for expected in _EXPECTED:
            same(expected, tree, 1e-6)
        return from_tree(tree)
    except Malformed as error:
        raise HarnessError(str(error)) from error


_EXPECTED: tuple[Any, ...] = (1, 2.5, "x", [1, [2.0, None]], {"a": {1, 2}}, {(1, 2): b"x"}, 10**30)


def _output(path: Path) -> object:
    text = path.read_bytes().decode("utf-8", "replace")
    return [same_output(text, text + "1", t) or same_output("1 2.5\nx", text, t) for t in (0, 1e-6)]


READERS: Mapping[str, Reader] = {
    "items": Reader(_items, "f.jsonl", [ITEMS]),
    "responses": Reader(_responses, "f.jsonl", [RESPONSES]),
    "judgments": Reader(_judgments, "f.jsonl", [JUDGMENTS, SCORES]),
    "labels, Label Studio": _labels(
        "f.json", json.dumps(_STUDIO).encode(), label="pw", systems="x,y", item="id",
        values="{left: A, right: B}", prompt="data.prompt", text_a="data.text1",
        text_b="data.text2",
    ),
    "labels, Label Studio CSV": _labels(
        "f.csv", _STUDIO_CSV, label="pw", systems="x,y", values="{left: A, right: B}"
    ),
    "labels, Argilla": _labels(
        "f.json", json.dumps(_ARGILLA).encode(), label="preference", systems="x,y", prompt=""
    ),
    "labels, Argilla, flat": _labels(
        "f.json", json.dumps(_ARGILLA_FLAT).encode(), label="q", systems="x,y", item="id"
    ),
    "labels, Prodigy": _labels(
        "f.jsonl", _PRODIGY, label="label", systems="m", annotator="annotator", item="id",
        values="{'true': good}"
    ),
    "labels, Chatbot Arena": _labels("f.jsonl", _ARENA),
    "labels, Chatbot Arena CSV": _labels("f.csv", _KAGGLE, annotator_name="all"),
    "labels, pairs": _labels("f.csv", LONG),
    "labels, scores": _labels("f.csv", _SCORED, scale="{level: interval, low: 1, high: 5}"),
    "labels, rankings": _labels("f.csv", _RANKED),
    "labels, best and worst": _labels("f.csv", _BEST),
    "labels, wide": _labels("f.csv", WIDE.replace(b"judge", b"rater_3"), systems="m"),
    "labels, JSON": _labels("f.json", _JSON_TABLE, duplicates="repeat"),
    "ratings, wide": Reader(_rated, "f.csv", [WIDE]),
    "ratings, long": Reader(_rated_long, "f.csv", [LONG]),
    "rubric": Reader(_rubric, "f.yaml", RUBRICS, 2),
    "experiment": Reader(_config, "f.yaml", CONFIGS, 1),
    "agreement": Reader(read_gates, "f.json", [GATES]),
    "manifest": Reader(lambda p: RunDirectory(p.parent).manifest(), "manifest.json", [MANIFEST]),
    "training": Reader(_training, "result.json", [RESULT], 2),
    "training log": Reader(_log, "log.jsonl", [LOG], 2),
    "adapter": Reader(
        lambda p: base_of(p.parent), "adapter_config.json", [b'{"base_model_name_or_path": "a/b"}']
    ),
    "anchors": Reader(_anchors, "f.json", [ANCHORS], 2),
    "options": Reader(_options, "f.txt", [b"a=1\nb=[x, y]\nvalues={1: A, 2: B}\nc=2024-01-01"]),
    "claim": Reader(_claim, "f", [b'{"d":[["a",{"s":[1,2]}],[{"t":[1,2]},{"b":"78"}]]}',
        b'[1,[2.0,null],{"i":"0xff"},{"f":"nan"},{"n":"1E+3"},{"p":[1,2]},{"c":["1","2"]}]',
        b'{"m":["date",2024,1,2]}', b'{"q":[[1],null]}', b'{"r":[0,9,2]}', b'{"z":[1,"x"]}'], 6),
    "journal": Reader(read_journal, "f.sqlite", [JOURNAL], 1),
    "journal, recovered": Reader(read_damaged, "f.sqlite", [DAMAGED], 1),
    "label store": Reader(read_labels, "f.sqlite", [LABELS], 1),
    "replies of judges": Reader(read_reply, "f.txt", REPLIES, 2),
    "answers of servers": Reader(read_answer, "f.json", ANSWERS, 4),
    "printed output": Reader(_output, "f", [b"1 2.5\nx\n", b"1_0 inf nan 1e5\n"], 3),
}  # fmt: skip
