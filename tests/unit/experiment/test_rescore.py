"""What a run has stored, judged again by what changed since: no call, paired tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from harness.agreement.rescoring import rescored
from harness.cli.main import app, register
from harness.experiment.context import Asking, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.stages.judge import ask, requests_of
from harness.experiment.stages.rescore import RescoreSettings, rescore
from harness.judging import verdicts
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, Verdict
from harness.records.journal import JOURNAL, Journal
from harness.records.rows import to_dict
from harness.records.writes import write_jsonl
from harness.testing import StubServer

ITEMS = [Item(f"t{n}", f"What is {n} + 2?", str(n + 2)) for n in range(6)]
SAID = [Response(f"r{n}{k}", f"t{n}", "base", f"{'It is ' * k}{n + 2}") for n in range(6)
        for k in range(2)]  # fmt: skip


def judgment(request: str, value: Any, status: Status = Status.OK, why: str = "") -> Judgment:
    return Judgment(request, "s", "1", "s", Verdict(status, value, rationale=why))


def test_the_paired_table() -> None:
    ok, none = Status.OK, Status.UNPARSEABLE
    rows = [
        ("a", ("A", ok), ("A", ok), ""),
        ("b", ("A", ok), ("B", ok), "swapped"),
        ("c", ("A", ok), ("B", ok), "swapped"),
        ("d", ("TIE", ok), (None, none), "no verdict"),
        ("e", (None, none), ("A", ok), "read now"),
        ("f", (None, none), (None, none), "no verdict"),
        ("g", ("B", ok), ("TIE", ok), "level"),
    ]
    pairs = [(judgment(name, *old), judgment(name, *new, why)) for name, old, new, why in rows]
    found = rescored(
        ("s", "train"),
        "2",
        pairs,
        {name: name[:1] for name, *_ in rows},
        left=[judgment(name, "A") for name in "xyz"],
    )
    assert (found.rows, found.compared, found.changed, found.lost, found.gained) == (10, 4, 3, 1, 1)
    assert found.share.value == 0.75
    assert found.shift is not None and found.shift.value == (-1 - 1 + 0.5) / 4
    assert [(m.old, m.new, m.count, m.reason) for m in found.moves] == [
        ("A", "B", 2, "swapped"), ("TIE", "unparseable", 1, "no verdict"),
        ("unparseable", "A", 1, "read now"), ("B", "TIE", 1, "level"),
    ]  # fmt: skip
    assert found.share.low is not None and found.share.low < 0.75 < (found.share.high or 0)
    assert [row["request_id"] for row in found.each] == ["b", "c", "d", "e", "g"]


def test_nothing_to_compare_is_said_and_scores_may_differ_by_rounding() -> None:
    found = rescored(("s", "train"), "1", [], {})
    assert found.share.value is None and found.shift is None
    pair = judgment("a", 0.1 + 0.2), judgment("a", 0.3)
    assert rescored(("s", "train"), "1", [pair], {"a": "p"}).changed == 0
    lists = judgment("a", ("x", "y")), judgment("a", ("y", "x"))
    assert rescored(("s", "train"), "1", [lists], {"a": "p"}).moves[0].new == "y > x"


@dataclass
class World:
    """A run directory with judgments of a judge and a verifier, and the server of the judge."""

    file: Path
    run: Path
    server: StubServer
    config: dict[str, Any]

    def change(self, **options: Any) -> None:
        self.config["sources"]["judge"]["options"] |= options
        self.file.write_text(yaml.safe_dump(self.config))

    def again(self, **settings: Any) -> dict[str, Any]:
        found = rescore(self.run, self.file, RescoreSettings(**settings))
        return {one.source: one for one in found}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "config.json").write_text("{}")
    held = [Item("e0", "What is 1 + 1?", "2")]
    for name, items in (("train", ITEMS), ("held", held)):
        write_jsonl(tmp_path / f"{name}.jsonl", map(to_dict, items))
    with StubServer("It is shorter.\n\nVerdict: A") as server:
        price = {"input_cost_per_token": 0.001, "output_cost_per_token": 0}
        judge = {"model": "openai/m", "rubric": "helpfulness", "api_base": server.base_url} | price
        config = {
            "name": "again",
            "data": {"train": {"file": "train.jsonl"}, "evaluation": {"file": "held.jsonl"}},
            "policy": {"model": "policy", "responses_per_item": 2},
            "sources": {
                "judge": {"use": "llm_judge", "options": judge},
                "check": {"use": "exact_match"},
            },
            "arms": {"rlaif": {"sources": ["judge"], "trainer": "dpo"}},
            "evaluation": {"evaluators": ["check"]},
        }
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        made = World(tmp_path / "again.yaml", tmp_path / "run", server, config)
        made.change()
        read = Experiment.read(made.file)
        write_jsonl(made.run / "responses" / "train.jsonl", map(to_dict, SAID))
        with Journal(made.run / JOURNAL) as journal:
            judge, check = read.sources["judge"], read.sources["check"]
            ask(judge, requests_of(judge, read.train, SAID), Asking(journal), no_bar, "train")
            for request in requests_of(check, read.train, SAID):
                right = Verdict(Status.OK, request.responses[0].text == request.item.reference)
                row = Judgment(request.id, "check", check.info.version, "check", right)
                journal.put_judgment(row, f"train/{check.scope}")
        yield made


def test_an_unchanged_run_says_the_same_and_calls_nobody(world: World) -> None:
    calls = len(world.server.bodies)
    found = world.again()
    assert {name: (one.compared, one.changed, one.open) for name, one in found.items()} == {
        "judge": (12, 0, 0), "check": (12, 0, 0),
    }  # fmt: skip
    assert len(world.server.bodies) == calls == 12


def test_a_reader_that_changed_reads_what_was_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turned(text: str, prompt: str = "", cut: bool = False) -> Verdict:
        return Verdict(Status.OK, "B", rationale="turned")

    monkeypatch.setattr(verdicts, "read_pair", turned)
    calls = len(world.server.bodies)
    for settings in ({"sources": ["judge"]}, {"readers": True}):
        one = world.again(**settings)["judge"]
        assert (one.compared, one.changed, one.open) == (12, 12, 0)
        assert {(m.old, m.new) for m in one.moves} == {("A", "B"), ("B", "A")}
        assert one.moves[0].reason == "turned"
    assert len(world.server.bodies) == calls


def test_a_changed_rubric_needs_calls_and_makes_them_only_where_it_may(world: World) -> None:
    world.change(rubric="honesty")
    world.server.reply = "It is true.\n\nVerdict: B"
    calls = len(world.server.bodies)
    one = world.again(sources=["judge"])["judge"]
    assert (one.rows, one.open, one.compared) == (12, 12, 0)
    assert "for 12 calls" in one.cost and "at most $" in one.cost
    assert one.before != (one.version,)
    readers = world.again(readers=True)["judge"]  # the words are the same, whoever asked for them
    assert (readers.compared, readers.changed, readers.open) == (12, 0, 0)
    assert len(world.server.bodies) == calls
    asked = world.again(sources=["judge"], ask=True)["judge"]
    assert (asked.compared, asked.changed, asked.open) == (12, 12, 0)
    assert len(world.server.bodies) == calls + 12
    again = world.again(sources=["judge"])["judge"]  # they are recorded now
    assert (again.compared, again.changed, len(world.server.bodies)) == (12, 12, calls + 12)
    assert again.cost == ""
    with Journal(world.run / JOURNAL) as journal:  # the run's own judgments stay
        (scope,) = [s for s in journal.scopes() if "judge" in s]
        assert {j.verdict.value for j in journal.judgments(scope)} == {"A", "B"}
        assert len(journal.judgments(scope)) == 12


def test_a_changed_verifier_judges_the_stored_responses(world: World) -> None:
    world.config["sources"]["check"] = {"use": "last_number"}
    world.change()
    one = world.again(sources=["check"])["check"]
    assert (one.compared, one.changed) == (12, 6)
    assert [(m.old, m.new, m.count) for m in one.moves] == [("False", "True", 6)]
    assert one.shift is not None and one.shift.value == 0.5
    assert (one.share.clusters, one.share.n) == (6, 12)


def test_wrong_input_is_one_clear_error(world: World, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no source people that can judge again"):
        world.again(sources=["people"])
    with pytest.raises(ConfigError, match="no source check"):
        world.again(sources=["check"], readers=True)
    with pytest.raises(DataError, match="no directory of a run"):
        rescore(tmp_path, world.file)
    assert not (tmp_path / JOURNAL).exists()


def test_the_command(world: World) -> None:
    if not app.registered_commands:
        register()
    world.config["sources"]["check"] = {"use": "last_number"}
    world.change(rubric="honesty")
    out = world.run.parent / "again.json"
    asked = ["rescore", str(world.run), "--experiment", str(world.file), "--quiet"]
    run = CliRunner().invoke(app, [*asked, "--out", str(out)])
    assert run.exit_code == 0, run.output
    assert "12 need a new call of a model" in run.output
    assert "6 of 12 verdicts changed: 50.0%" in run.output
    checked, judged = json.loads(out.read_text())["sources"]
    assert (judged["open"], len(checked["each"])) == (12, 6)
