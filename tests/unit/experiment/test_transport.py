"""Rewards measured again on what trained policies write: the queue, the labels, the sentences."""

from __future__ import annotations

import copy
import csv
import json
import random
import re
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.experiment.context import Asking, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.stages.judge import Judged, ask, requests_of
from harness.experiment.stages.transport import TransportSettings, in_run, transport
from harness.experiment.stages.transport_measured import COMMAND, Transported
from harness.experiment.stages.transport_queue import Queue
from harness.feedback.requests import build_requests
from harness.label_page.store import Entry, LabelStore
from harness.label_page.tasks import Questions, read_tasks
from harness.nouns.errors import BudgetExceededError, ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo, Verdict
from harness.records.journal import JOURNAL, Journal
from harness.records.judgments import write_judgments
from harness.records.rows import read_items, read_responses, to_dict
from harness.records.writes import write_jsonl
from harness.testing import StubServer

ITEMS = [Item(f"t{n}", f"What is {n} + 2?", str(n + 2)) for n in range(200)]
HELD = [Item(f"e{n}", f"What is {n} + 3?", str(n + 3)) for n in range(200)]


def pairs_of(items: list[Item], system: str, wrong: str) -> list[Response]:
    """Two responses to each item: one right, and one wrong that says ``wrong``."""
    draw, found = random.Random(system), []
    for item in items:
        texts = [str(item.reference), f"{wrong} {item.id}"]
        draw.shuffle(texts)
        found += [Response(f"{system}:{item.id}:{k}", item.id, system, text, {"log_ratio": 0.1})
                  for k, text in enumerate(texts)]  # fmt: skip
    return found


@dataclass
class World:
    """A run directory as ``harness run`` leaves it, without the run."""

    file: Path
    run: Path
    config: dict[str, Any]

    def write(self) -> None:
        self.file.write_text(yaml.safe_dump(self.config, sort_keys=False))

    def again(self, **settings: Any) -> Transported:
        return transport(self.run, self.file, TransportSettings(**settings))

    @property
    def queue(self) -> list[JudgmentRequest]:
        """What people are shown of the written queue."""
        items, responses = (self.run / "transport" / f"{n}.jsonl" for n in ("items", "responses"))
        return read_tasks(items, responses, Questions())

    def label(self, right: float, name: str = "labels.csv") -> Path:
        """Write a table of labels; so many of them prefer the right answer."""
        path, draw = self.run / name, random.Random(7)
        with path.open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow("item response_a response_b annotator label".split())
            for pair in self.queue:
                a, b = pair.responses
                is_a = (a.text == pair.item.reference) == (draw.random() < right)
                table.writerow([pair.item.id, a.id, b.id, "ann", "A" if is_a else "B"])
        return path


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    """A copy of the run for one test."""
    copied = tmp_path / "copied"
    shutil.copytree(made.file.parent, copied)
    return World(copied / "again.yaml", copied / "run", copy.deepcopy(made.config))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A run of three arms; one was not trained."""
    tmp_path = tmp_path_factory.mktemp("made")
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "config.json").write_text("{}")
    for name, items in (("train", ITEMS), ("held", HELD)):
        write_jsonl(tmp_path / f"{name}.jsonl", map(to_dict, items))
    config: dict[str, Any] = {
        "name": "again",
        "data": {"train": {"file": "train.jsonl"}, "evaluation": {"file": "held.jsonl"}},
        "policy": {"model": "policy", "responses_per_item": 2},
        "sources": {
            "people": {"use": "simulated_people", "options": {"people": 3, "correctness": 2.0}},
            "folk": {"use": "simulated_people", "options": {"seed": 1, "correctness": -3.0}},
            "check": {"use": "exact_match"},
            "polite": {"use": "keywords", "options": {"any_of": ["duh"]}},
        },
        "agreement": {"reference": "people"},
        "arms": {
            "rlvr": {"sources": ["check"], "trainer": "grpo"},
            "hybrid": {"sources": ["people", "check"], "trainer": "ppo"},
            "rlhf": {"sources": ["people"], "trainer": "ppo"},
            "lost": {"sources": ["polite"], "trainer": "grpo"},
        },
        "evaluation": {"evaluators": ["polite"]},
    }
    made = World(tmp_path / "again.yaml", tmp_path / "run", config)
    made.write()
    read = Experiment.read(made.file)
    base = pairs_of(ITEMS, "base", "0")
    write_jsonl(made.run / "responses" / "train.jsonl", map(to_dict, base))
    for arm in ("rlvr", "hybrid", "rlhf"):
        path = made.run / "responses" / f"evaluation-{arm}-seed0.jsonl"
        write_jsonl(path, map(to_dict, pairs_of(HELD, arm, f"0 {arm[::-1]}")))
    with Journal(made.run / JOURNAL):
        for source in read.sources.values():
            requests = requests_of(source, read.train, base)
            said = ask(source, requests, Asking(None, processes=1), no_bar)
            Judged(source, requests, said).write(made.run / "judgments" / f"{source.name}.jsonl")
    return made


def of_real_people(world: World) -> None:
    """Let the people of the experiment be a table, as if they were real."""
    rows = (
        (world.run / "judgments" / "people.jsonl")
        .read_text()
        .replace('"simulated": true', '"simulated": false')
    )
    (world.run / "judgments" / "people.jsonl").write_text(rows)
    table = world.run / "people.csv"
    table.write_text("item,response_a,response_b,annotator,label\nt0,base:t0:0,base:t0:1,x,A\n")
    world.config["sources"]["people"] = {"use": "human_csv", "options": {"file": str(table)}}
    world.write()


def test_the_queue_hides_arms_and_what_told_them(world: World) -> None:
    of_real_people(world)
    found = world.again(pairs=50)
    assert found.asked == {"rlvr": 50, "hybrid": 50, "rlhf": 50} and not found.rows
    assert found.queue is not None
    items, responses = found.queue
    shown = read_responses(responses, read_items(items))
    assert {(one.system, tuple(one.metadata)) for one in shown} == {("policy", ())}
    assert len({one.id for one in shown}) == 300
    assert not any(arm in one.id for one in shown for arm in ("rlvr", "hybrid", "rlhf", "seed"))
    read = Experiment.read(world.file)
    queue = Queue.of_run(read, world.run)
    arms = {pair.id: arm for arm, pairs in queue.pairs.items() for pair in pairs}
    order = [arms[pair.id] for pair in queue.first(50)]
    assert len(set(order[:20])) == 3  # mixed, not one arm after the other
    assert {one.id for one in world.queue} == {one.id for one in queue.first(50)}
    more = {pair.id for pair in queue.first(60)}
    assert {pair.id for pair in queue.first(50)} < more and len(more) == 180
    firsts = [pair.responses[0].text == pair.item.reference for pair in queue.everything]
    assert 0.4 < sum(firsts) / len(firsts) < 0.6


@pytest.mark.parametrize(
    ("right", "pairs", "sentence"),
    [(0.98, 150, "this reward was still valid at the end"),
     (0.55, 150, "this reward was no longer valid at the end"),
     (0.95, 40, "not decidable: ")],
)  # fmt: skip
def test_labels_decide(world: World, right: float, pairs: int, sentence: str) -> None:
    of_real_people(world)
    world.again(pairs=pairs)
    found = world.again(labels=[world.label(right)])
    assert [(row.arm, row.source) for row in found.rows] == [("rlvr", "check"), ("hybrid", "check")]
    assert all(row.labelled[1] == row.decided[1] == pairs for row in found.rows)
    assert found.rows[0].found.sentence.startswith(sentence)
    after = found.rows[0].found.after.value
    assert after is not None and abs(after - right) < 0.07
    assert ("asks for more labels" in found.notes[0]) == (found.rows[0].found.more is not None)
    assert found.notes[-2:] == (
        "rlhf learns from people alone: no source is held against them",
        "lost was not trained",
    ) and not found.simulated  # fmt: skip


def test_only_what_people_labelled_is_judged(world: World) -> None:
    of_real_people(world)
    world.again()
    labels = world.label(0.9)
    rows = labels.read_text().splitlines()
    labels.write_text("\n".join(rows[:61]))
    world.again(labels=[labels])
    with Journal(world.run / JOURNAL) as journal:
        (scope,) = [scope for scope in journal.scopes() if scope.startswith("transport/check/")]
        judged = journal.judgments(scope)
    told = Queue.of_run(Experiment.read(world.file), world.run)
    answered = {row.split(",")[1] for row in rows[1:61]}
    mine = [pair for arm in ("rlvr", "hybrid") for pair in told.pairs[arm]
            if answered & {one.id for one in pair.responses}]  # fmt: skip
    assert len(judged) == 2 * len(mine) > 0


def test_judgments_and_their_other_side_are_labels_too(world: World) -> None:
    of_real_people(world)
    world.again(pairs=10)
    table = world.again(labels=[world.label(0.9)])
    requests, rows = (
        world.queue,
        list(csv.DictReader((world.run / "labels.csv").read_text().splitlines())),
    )
    turned = [build_requests([one.item], one.responses[::-1], "pairwise")[0] for one in requests]
    said = [Judgment(one.id, "folk", "1", "ann", Verdict(Status.OK, "BA"[row["label"] == "B"]))
            for one, row in zip(turned, rows, strict=True)]  # fmt: skip
    for one, row in zip(turned, rows, strict=True):
        assert one.responses[0].id == row["response_b"]
    file, info = world.run / "folk.jsonl", SourceInfo("folk", "1", "human")
    write_judgments(file, turned, said, {"folk": info})
    assert world.again(labels=[file]).rows == table.rows
    store = world.run / "transport" / "labels.sqlite"
    with closing(LabelStore(store, "pairwise")) as opened:
        opened.add_tasks(requests)
        for one, row in zip(requests, rows, strict=True):
            opened.show("ann", one.id, "BA")
            opened.record(Entry("ann", one.id, row["label"]), one.id)
    assert world.again(labels=[store]).rows == table.rows


def test_costs_are_said_first_and_the_budget_holds(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    of_real_people(world)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with StubServer("It is shorter.\n\nVerdict: A") as server:
        prices = {"input_cost_per_token": 1e-5, "output_cost_per_token": 1e-5}
        judge = {"model": "openai/m", "rubric": "helpfulness", "api_base": server.base_url} | prices
        world.config["sources"]["judge"] = {"use": "llm_judge", "options": judge}
        world.config["arms"] = {"rlvr": {"sources": ["judge"], "trainer": "dpo"}}
        world.write()
        read = Experiment.read(world.file)
        source = read.sources["judge"]
        responses = read_responses(world.run / "responses" / "train.jsonl", read.train)
        few = requests_of(source, read.train, responses)[:5]
        said = [Judgment(one.id, "judge", source.info.version, "judge", Verdict(Status.OK, "A"))
                for one in few]  # fmt: skip
        Judged(source, few, said).write(world.run / "judgments" / "judge.jsonl")
        world.again(pairs=6)
        labels, calls = world.label(1.0), len(server.bodies)
        capsys.readouterr()
        with pytest.raises(BudgetExceededError):
            world.again(labels=[labels], budget=1e-6)
        told = capsys.readouterr().err.splitlines()
        assert re.fullmatch(r"judge: 6 requests, about \$.*, at most \$.* for 12 calls", told[0])
        assert len(server.bodies) == calls


def test_simulated_people_are_asked_and_called_so(world: World) -> None:
    found = world.again(pairs=60)
    assert found.simulated and found.queue is None
    if not app.registered_commands:
        register()
    asked = ["transport", str(world.run), "--experiment", str(world.file), "--quiet"]
    out = world.run / "transport.json"
    run = CliRunner().invoke(app, [*asked, "--pairs", "60", "--out", str(out)])
    assert run.exit_code == 0, run.output
    lines = run.stdout.splitlines()
    assert lines[0] == f"rlvr, check: {found.rows[0].found.sentence}"
    assert lines[1] == f"hybrid, check: {found.rows[1].found.sentence}"
    assert "simulated people say" in run.output and "The people are simulated" in run.output
    kept = json.loads(out.read_text())
    assert kept["simulated"] and kept["rows"][0]["sentence"] == found.rows[0].found.sentence
    assert kept["rows"][0]["fall"]["low"] == found.rows[0].found.fall.low


def test_the_command_says_what_to_do_next(world: World) -> None:
    of_real_people(world)
    if not app.registered_commands:
        register()
    asked = ["transport", str(world.run), "--experiment", str(world.file), "--pairs", "20"]
    run = CliRunner().invoke(app, asked)
    assert run.exit_code == 0, run.output
    assert "60 pairs to label: 20 of rlvr, 20 of hybrid, 20 of rlhf" in run.output
    assert f"harness label --items {world.run}/transport/items.jsonl" in run.output
    assert f"--labels people={world.run}/transport/people.sqlite" in run.output


def test_wrong_input_is_one_clear_error(world: World, tmp_path: Path) -> None:
    of_real_people(world)
    strange = tmp_path / "strange.csv"
    strange.write_text("item,response_a,response_b,annotator,label\ne0,x,y,ann,A\n")
    with pytest.raises(DataError, match="no label is of a response of this run's trained"):
        world.again(labels=[strange])
    with pytest.raises(DataError, match="no directory of a run"):
        transport(tmp_path, world.file)
    world.again(pairs=20)
    labels = world.label(0.9)
    (world.run / "judgments" / "check.jsonl").unlink()
    with pytest.raises(DataError, match="no judgment of check on the responses before"):
        world.again(labels=[labels])
    del world.config["agreement"]
    world.write()
    with pytest.raises(ConfigError, match="People: people, folk"):
        world.again()
    for path in (world.run / "responses").glob("evaluation-*"):
        path.unlink()
    with pytest.raises(DataError, match="no response of a trained policy is stored"):
        world.again()


def in_its_run(world: World, **more: Any) -> Transported | None:
    """What the run itself would find."""
    world.config["agreement"]["transport"] = more.pop("transport", {})
    world.write()
    with Journal(world.run / JOURNAL) as journal:
        return in_run(Experiment.read(world.file), world.run, Asking(journal, **more))


def test_a_run_measures_again_where_people_are_made_up(world: World) -> None:
    found, again = in_its_run(world), world.again()
    assert found is not None and found.rows == again.rows and found.simulated == ("people",)
    few = in_its_run(world, transport={"pairs": 9})
    assert few is not None and [row.labelled[1] for row in few.rows] == [9, 9]
    assert in_its_run(world, transport={"pairs": 0}) is None
    of_real_people(world)
    found = in_its_run(world)
    assert found is not None and not found.rows
    assert found.notes == (f"people must label what the trained policies write: {COMMAND}",)
    del world.config["arms"]["rlvr"], world.config["arms"]["hybrid"], world.config["arms"]["lost"]
    assert in_its_run(world) is None  # nobody learns from a source that is no people


def test_a_run_asks_its_models_of_few_pairs_and_keeps_its_report(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with StubServer("It is shorter.\n\nVerdict: A") as server:
        prices = {"input_cost_per_token": 1e-5, "output_cost_per_token": 1e-5}
        judge = {"model": "openai/m", "rubric": "helpfulness", "api_base": server.base_url} | prices
        world.config["sources"]["judge"] = {"use": "llm_judge", "options": judge}
        world.config["arms"] = {"rlvr": {"sources": ["judge"], "trainer": "dpo"}}
        world.write()
        read = Experiment.read(world.file)
        source = read.sources["judge"]
        responses = read_responses(world.run / "responses" / "train.jsonl", read.train)
        asked = requests_of(source, read.train, responses)
        said = [Judgment(one.id, "judge", source.info.version, "judge",
                         Verdict(Status.OK, "A" if one.responses[0].text.isdigit() else "B"))
                for one in asked]  # fmt: skip
        Judged(source, asked, said).write(world.run / "judgments" / "judge.jsonl")
        none = in_its_run(world, transport={"judge_pairs": 0})
        assert none is not None and not server.bodies
        assert none.notes[0].startswith("the run asked judge of no pair: harness transport")
        told = r"not decidable: [\d,]+ labels if agreement stays what it was before training, .*"
        assert re.fullmatch(told, none.rows[0].found.sentence)
        poor = in_its_run(world, transport={"judge_pairs": 6}, budget_usd=1e-6)
        assert poor is not None and not poor.rows and poor.notes[0].startswith("not measured: ")
        calls = len(server.bodies)
        few = in_its_run(world, transport={"judge_pairs": 6})
        assert few is not None and few.rows[0].labelled[1] == 6
        assert len(server.bodies) == calls + 12
        assert few.notes[0].startswith("the run asked judge of 6 pairs of each arm only: harness")
        for path in (world.run / "responses").glob("evaluation-*"):
            path.unlink()
        lost = in_its_run(world)
        assert lost is not None and lost.notes[0].startswith("not measured: no response")


def test_a_source_is_held_against_the_people_of_its_gate(world: World) -> None:
    gate = {"source": "check", "against": "folk", "minimum_kappa": 0.1, "action": "drop"}
    world.config["agreement"]["gates"] = [gate]
    world.write()
    assert world.again(pairs=9).people == ("folk",)  # people are held against nobody
    world.config["arms"]["hybrid"]["sources"] = ["people", "check", "polite"]
    world.write()
    found = world.again(pairs=30)
    held = [(row.source, row.people) for row in found.rows]
    assert held == [("check", "folk"), ("check", "folk"), ("polite", "people")]
    before, after = found.rows[0].found.before.value, found.rows[0].found.after.value
    assert before is not None and before < 0.1 and after is not None and after < 0.2
    of_real_people(world)
    assert world.again(pairs=30).people == ("folk", "people")  # the queue: not all are simulated
    labels = world.label(0.9)
    with pytest.raises(ConfigError, match="whose labels are in"):
        world.again(labels=[labels])
    assert world.again(labels=[f"folk={labels}"]).rows[0].labelled[1] == 30
    other = world.again(labels=[f"people={labels}"])
    assert [row.source for row in other.rows] == ["polite"]
    assert "no labels of folk, whom check is held against: --labels" in other.notes
