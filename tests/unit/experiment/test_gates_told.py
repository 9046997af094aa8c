"""A gate of nobody is refused before the work, and what a gate did to a source is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.agree import command
from harness.experiment.stages.aggregate import How, aggregate
from harness.feedback.requests import build_requests
from harness.nouns.errors import InputError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, SourceInfo, Verdict
from harness.records.judgments import write_judgments

ITEMS = [Item(f"k{n}", f"prompt {n}") for n in range(4)]
RESPONSES = [
    Response(f"k{n}-{system}", f"k{n}", system, f"{system} says {n}")
    for n in range(4)
    for system in ("a", "b")
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Judgments of people, a judge and a critic."""
    kinds = {"people": "human", "judge": "judge", "critic": "judge"}
    infos = {n: SourceInfo(n, "1", k, identity=n) for n, k in kinds.items()}  # type: ignore[arg-type]
    asked = build_requests(ITEMS, RESPONSES, "pairwise")
    verdict = Verdict(Status.OK, "A")
    said = [Judgment(one.id, name, "1", name, verdict) for one in asked for name in infos]
    write_judgments(tmp_path / "j.jsonl", asked, said, infos)
    return tmp_path / "j.jsonl"


REFUSED = {
    "misspelt": ("jugde", "no judgment is from jugde (did you mean judge?)"),
    "unlike any": ("zzz", "no judgment is from zzz"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_gate_of_nobody_is_refused_before_anything_is_measured(case, file, monkeypatch):
    name, said = REFUSED[case]
    monkeypatch.setattr("harness.experiment.stages.agree.agree", lambda *_: pytest.fail("measured"))
    out = file.with_name("agreement.json")
    with pytest.raises(InputError) as caught:
        command(labels=file, gate=["judge=0.4:drop", f"{name}=0.4:drop"], out=out)
    assert str(caught.value) == said
    assert not out.exists()


def test_a_gate_is_not_held_against_its_own_source(file, monkeypatch):
    monkeypatch.setattr("harness.experiment.stages.agree.agree", lambda *_: pytest.fail("measured"))
    with pytest.raises(InputError, match="held against judge itself, which is no people"):
        command(labels=file, gate=["judge=minimum_right:0.9:drop,against=judge"])


@pytest.mark.parametrize("content", ["item,a,b\n1,A,B\n", None])
def test_nor_is_anything_measured_where_nobody_is_people(content, file, monkeypatch):
    monkeypatch.setattr("harness.experiment.stages.agree.agree", lambda *_: pytest.fail("measured"))
    path = file
    if content:
        path = file.with_name("t.csv")
        path.write_text(content)
    else:
        path.write_text(path.read_text().replace('"human"', '"judge"'))
    with pytest.raises(InputError, match="gates need judgments, and one source of people"):
        command(labels=path, gate=["judge=0.4:drop"])


def by(file: Path, gates: dict[str, tuple[float, str]], **more: object) -> tuple[str, ...]:
    written = file.with_name("agreement.json")
    rows = [{"source": n, "weight": w, "reason": why} for n, (w, why) in gates.items()]
    kappas = more.pop("kappas", {})
    written.write_text(json.dumps({"gates": rows, "kappas": kappas}))
    how = How(**{"method": "majority", "agreement": written, **more})  # type: ignore[arg-type]
    return tuple(n for n in aggregate([file], how).notes if "agreement.json" in n)


LOW = "kappa with people 0.15 [0.02, 0.29] < 0.4"
TOLD = {
    "dropped": (
        {"judge": (0.0, f"dropped: {LOW}"), "critic": (1.0, "passed: kappa with people 0.8")}, {},
        [f"judge is left out, by agreement.json: its gate: dropped: {LOW}"],
    ),
    "weighted": (
        {"judge": (0.15, f"weight 0.15: {LOW}")}, {},
        [f"judge counts with weight 0.15, by agreement.json: its gate: weight 0.15: {LOW}"],
    ),
    "both": (
        {"judge": (0.0, "dropped: x"), "critic": (0.5, "weight 0.50: y")}, {},
        ["judge is left out, by agreement.json: its gate: dropped: x",
         "critic counts with weight 0.5, by agreement.json: its gate: weight 0.50: y"],
    ),
    "with a weight of its own": (
        {"judge": (0.5, "weight 0.50: y")}, {"weights": {"judge": 3.0, "critic": 2.0}},
        ["judge counts with weight 1.5, by agreement.json: its gate: weight 0.50: y"],
    ),
    "passed": ({"judge": (1.0, "passed: z")}, {}, []),
    "no gate": ({}, {}, []),
    "by kappa": (
        {"judge": (0.0, "dropped: x")},
        {"method": "agreement_weighted", "kappas": {"people": 0.9, "judge": 0.1}},
        ["people counts with weight 0.9, by agreement.json: its kappa is 0.90",
         "judge is left out, by agreement.json: its gate: dropped: x",
         "critic is left out, by agreement.json: its kappa is undefined"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_what_a_gate_left_of_each_source_is_said(case, file):
    gates, more, told = TOLD[case]
    assert sorted(by(file, gates, **more)) == sorted(told)


def test_it_is_said_too_where_nobody_is_left(file):
    gates = {name: (0.0, f"dropped: {LOW}") for name in ("people", "judge", "critic")}
    with pytest.raises(InputError, match="no weight is left") as caught:
        by(file, gates)
    assert len(caught.value.details) == 3 and LOW in caught.value.details[0]
