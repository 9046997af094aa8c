"""Judgments of another version of the responses are no judgments of these: an error, not a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.experiment.stages.aggregate import aggregate
from harness.experiment.stages.agree import agree
from harness.experiment.stages.cascade import cascade
from harness.experiment.stages.pass_at_k import read_samples
from harness.experiment.stages.recorded import Answers, read_recorded
from harness.feedback.requests import build_requests, criterion_for
from harness.label_page.tasks import judgments_on
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.scale import UNIT
from harness.nouns.schema import Item, Judgment, Response, SourceInfo, Verdict, Way
from harness.records.judgments import read_judgments, write_judgments

ITEMS = [Item(f"k{n}", f"prompt {n}", "6", {"max_words": 20}) for n in range(8)]
RESPONSES = [
    Response(f"k{n}-{system}", f"k{n}", system, f"{system} says {n}")
    for n in range(8)
    for system in ("chef", "bot", "cook")
]
Change = Callable[[list[Item], list[Response]], tuple[list[Item], list[Response]]]


def reworded(*numbers: int) -> Change:
    def change(items: list[Item], responses: list[Response]) -> tuple[list[Item], list[Response]]:
        return items, [
            replace(one, text=one.text + "!") if index in numbers else one
            for index, one in enumerate(responses)
        ]

    return change


def with_items(**new: object) -> Change:
    def change(items: list[Item], responses: list[Response]) -> tuple[list[Item], list[Response]]:
        return [replace(items[0], **new), *items[1:]], responses  # type: ignore[arg-type]

    return change


def with_metadata(**new: str) -> Change:
    return with_items(metadata={"max_words": 20, **new})


CHANGES: dict[str, tuple[Change, int]] = {
    # what changed; how many of the 8 pairs were then judged otherwise
    "one text": (reworded(0), 1),
    "the other of the pair": (reworded(4), 1),
    "both texts of a pair": (reworded(0, 1), 1),
    "two pairs": (reworded(0, 3), 2),
    "all texts": (reworded(*range(24)), 8),
    "the prompt": (with_items(prompt="prompt 0?"), 1),
    "the reference": (with_items(reference="7"), 1),
    "metadata that a source may read": (with_metadata(colour="red"), 1),
    "nothing": (reworded(), 0),
    "a response that stands in no pair": (reworded(2), 0),
    "a cluster is named": (with_metadata(cluster="c"), 0),
    "a slice is named": (with_metadata(slice="s"), 0),
    "both are named": (with_metadata(cluster="c", slice="s"), 0),
    "the order of the files": (lambda i, r: (i[::-1], r[::-1]), 0),
    "more of both": (
        lambda i, r: ([*i, Item("new", "?")], [*r, Response("new-a", "new", "a", "x")]),
        0,
    ),
}


def judged(path: Path, way: Way = "pairwise", names: Callable[[str], str] = str) -> Path:
    scale = UNIT if way == "pointwise" else None
    info = SourceInfo("judge", "1", "judge", scale, identity="x")
    requests = [
        replace(one, id=names(one.id))
        for one in build_requests(ITEMS, RESPONSES, way, criterion_for(info, way))
    ]
    values = {"pairwise": "A", "pointwise": 1.0}
    verdict = Verdict(Status.OK, values[way], 0.9) if way in values else Verdict(Status.ERROR)
    said = [
        Judgment(one.id, "judge", "1", person, verdict) for one in requests for person in ("m", "n")
    ]
    write_judgments(path, requests, said, {"judge": info})
    return path


def read(path: Path, change: Change) -> None:
    read_recorded([path], answers=Answers(*change(ITEMS, RESPONSES)))


@pytest.mark.parametrize("change", CHANGES)
def test_the_request_tells_what_was_judged(change: str, tmp_path: Path) -> None:
    path = judged(tmp_path / "judge.jsonl")
    how, changed = CHANGES[change]
    if not changed:
        read(path, how)
        return
    with pytest.raises(DataError) as caught:
        read(path, how)
    said = str(caught.value)
    assert f"{2 * changed} judgments ({changed} of 8 requests) are of another version" in said
    assert "item k0 and responses k0-chef, k0-bot" in said or change == "the other of the pair"
    assert "judge.jsonl" in said


@pytest.mark.parametrize("way", ["pairwise", "pointwise", "listwise"])
def test_every_way_of_asking(way: Way, tmp_path: Path) -> None:
    path = judged(tmp_path / "judge.jsonl", way)
    read(path, reworded())
    with pytest.raises(DataError, match="2 judgments"):
        read(path, reworded(0))


def test_ids_of_another_program_tell_nothing(tmp_path: Path) -> None:
    read(judged(tmp_path / "judge.jsonl", names=lambda name: f"q-{name}"), reworded(0))


def test_without_responses_nothing_is_looked_at(tmp_path: Path) -> None:
    path = judged(tmp_path / "judge.jsonl")
    read_recorded([path], answers=Answers([replace(ITEMS[0], prompt="x"), *ITEMS[1:]], ()))


def by_cascade(path: Path, answers: Answers) -> None:
    labels = path.with_name("labels.csv")
    rows: Sequence[str] = [f"k{n},A" for n in range(8)]
    labels.write_text("\n".join(["item_id,label", *rows]) + "\n")
    cascade(read_judgments(path), labels, answers)


def by_label_page(path: Path, answers: Answers) -> None:
    for way in ("pairwise", "pointwise"):
        asked = build_requests(answers.items, answers.responses, way)
        assert len(judgments_on(asked[:1], [judged(path, way)])) == 2


def by_pass_at_k(path: Path, answers: Answers) -> None:
    lines = judged(path, "pointwise").read_text().splitlines(keepends=True)
    path.write_text("".join(lines[::2]))  # one voice
    assert len(read_samples([path], answers=answers)) == 24


COMMANDS: dict[str, Callable[[Path, Answers], object]] = {
    "aggregate": lambda path, answers: aggregate([path], answers=answers),
    "agree": lambda path, answers: agree([path], answers=answers),
    "cascade": by_cascade,
    "label": by_label_page,
    "pass-at-k": by_pass_at_k,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_texts_that_nobody_judged(command: str, tmp_path: Path) -> None:
    path = judged(tmp_path / "judge.jsonl")
    COMMANDS[command](path, Answers(ITEMS, RESPONSES))
    with pytest.raises(DataError, match="another version"):
        COMMANDS[command](path, Answers(*reworded(0)(ITEMS, RESPONSES)))
