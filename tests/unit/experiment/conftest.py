"""A whole experiment that runs in a second: sources, policies and trainers follow a script.

Everything between them is real: requests, journal, agreement, gates, aggregation, arms, jobs,
rewards asked in training, evaluation, report. So every table can be worked out by hand.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from harness.experiment.stages import train as train_stage
from harness.feedback.contract import RunContext, SourceFactory
from harness.hookspecs import AggregatorFactory, ReportSection, hookimpl
from harness.nouns.chat_messages import Tokens
from harness.nouns.outcomes import Status
from harness.nouns.scale import BINARY, UNIT, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo
from harness.nouns.schema import Verdict as V
from harness.policy.sampling import Sampling
from harness.ratings.posterior import Posterior
from harness.ratings.table import RatingTable
from harness.records.rows import read_rows
from harness.registry import Origin, registry
from harness.train.result import TrainResult
from harness.train.reward_arguments import call_rewards
from harness.train.training import Training

LIKERT = Scale("ordinal", ("1", "2", "3", "4", "5"))
SCALES = {"binary": BINARY, "likert": LIKERT, "unit": UNIT, "pair": None}


class Script(BaseModel):
    """Options of a scripted source.

    Its script is a JSON file: annotator -> text, or "first|second" -> what it says. A verdict is a
    value; "!status reason"; {"p": .., "value": ..}; a list of two for both orders.
    What a script does not mention gets no judgment at all.
    """

    kind: str = "judge"
    scale: str = "pair"
    says: str
    cost: float = 0.0
    model: str | None = None
    rubric: str | None = None
    simulated: bool = False


def verdict(said: Any) -> V:
    """Return the verdict that a script means."""
    if isinstance(said, str) and said.startswith("!"):
        status, _, reason = said[1:].partition(" ")
        return V(Status(status), rationale=reason)
    if isinstance(said, dict):
        return V(Status.OK, said["value"], said["p"])
    return V(Status.OK, said)


@dataclass
class Scripted:
    """A source that says what its script says, and writes down what it was asked."""

    info: SourceInfo
    script: Script
    world: World

    @cached_property
    def says(self) -> dict[str, dict[str, Any]]:
        """The script."""
        found: dict[str, dict[str, Any]] = json.loads(Path(self.script.says).read_text())
        return found

    def check(self, ctx: RunContext) -> None:
        """Write down that the source was checked."""
        self.world.note("check", self.info.name)

    def presentations(self, request: JudgmentRequest, seed: int) -> list[tuple[str, int]]:
        """Return each annotator's number, in both orders where the script has a list of two."""
        key = "|".join(response.text for response in request.responses)
        return [
            (order, repeat)
            for repeat, says in enumerate(self.says.values())
            for order in (("AB", "BA") if isinstance(says.get(key), list) else ("",))
        ]

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext, skip: Any = frozenset()
    ) -> AsyncIterator[Judgment]:
        """Yield what the script says."""
        chat: Any = ctx.chat
        self.world.contexts.append(
            (self.info.name, ctx.seed, ctx.limits.concurrency, chat.budget.limit_usd)
        )
        for request in requests:
            key = "|".join(response.text for response in request.responses)
            for repeat, (annotator, says) in enumerate(self.says.items()):
                said = says.get(key)
                if said is None:
                    continue
                both = said if isinstance(said, list) else [said]
                for order, one in zip(("AB", "BA") if len(both) == 2 else ("",), both, strict=True):
                    if (request.id, order, repeat) in skip:
                        continue
                    self.world.note("ask", self.info.name, annotator, key, order)
                    self.world.point(f"judge {self.info.name}")
                    yield Judgment(
                        request.id, self.info.name, self.info.version, annotator, verdict(one),
                        order, repeat,
                        cost_usd=self.script.cost, tokens=Tokens(5, 2),
                        metadata={"template_sha256": "t" * 64} if self.script.model else {},
                    )  # fmt: skip


@dataclass
class World:
    """A folder with an experiment, its script, and what happened in it."""

    folder: Path
    kill: tuple[str, int] | None = None
    trainings: list[dict[str, Any]] = field(default_factory=list)
    bars: list[list[Any]] = field(default_factory=list)
    shown: list[tuple[str, int]] = field(default_factory=list)
    contexts: list[tuple[Any, ...]] = field(default_factory=list)
    experiment: dict[str, Any] = field(default_factory=dict)
    coverage: float = 1.0
    last_coverage: float = 1.0
    before_training: Callable[[], None] = lambda: None

    @property
    def file(self) -> Path:
        """The experiment file."""
        return self.folder / "world.yaml"

    @property
    def out(self) -> Path:
        """The run directory."""
        return self.folder / "run"

    def note(self, *words: Any) -> None:
        """Write a line that survives kill -9."""
        line = "\t".join(map(str, words)) + "\n"
        with (self.folder / "happened").open("a", buffering=1) as file:
            file.write(line)

    def happened(self, *start: str) -> list[list[str]]:
        """Return what was noted, by its first words."""
        path = self.folder / "happened"
        lines = path.read_text().splitlines() if path.is_file() else []
        rows = [line.split("\t") for line in lines]
        return [row for row in rows if row[: len(start)] == list(start)]

    def point(self, name: str) -> None:
        """Die here without a word, where the script says so."""
        if self.kill is not None and self.kill[0] == name:
            if self.kill[1] <= 1:
                os.kill(os.getpid(), signal.SIGKILL)
            self.kill = (name, self.kill[1] - 1)

    def write(self, **changes: Any) -> Path:
        """Write the experiment file."""
        self.file.write_text(yaml.safe_dump({**self.experiment, **changes}, sort_keys=False))
        return self.file

    def score_base(self, *seeds: int) -> None:
        """Let the evaluators score the base policy with seeds that their scripts do not mention."""
        for name, said in {"exam": True, "grader": "3", "twin": 0.25}.items():
            path = self.folder / f"{name}.json"
            says = json.loads(path.read_text())
            keys = (f"base{seed}e{n}{k}" for seed in seeds for n in range(4) for k in "ab")
            says[name] |= dict.fromkeys(keys, said)
            path.write_text(json.dumps(says))

    def run(self, **changes: Any) -> dict[str, Any]:
        """Write the experiment and run it; return report.json."""
        from harness.experiment.run import run

        page = run(self.write(**changes), self.out, bar=self)
        assert page == self.out / "report.html"
        report: dict[str, Any] = json.loads((self.out / "report.json").read_text())
        return report

    def run_killed(self, at: str, after: int, **changes: Any) -> None:
        """Run in a process that kills itself with signal 9 at a point of the script."""
        child = os.fork()
        if child == 0:
            try:
                self.kill = (at, after)
                self.run(**changes)
            finally:
                os._exit(99)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"the run never came to {at}"
        assert os.WTERMSIG(status) == signal.SIGKILL

    @staticmethod
    def tables(report: dict[str, Any]) -> dict[str, Any]:
        """Return a report without what may differ: dates and seconds."""
        kept = {k: v for k, v in report.items() if k not in ("run", "manifest")}
        # The last line is what it took: money, and seconds.
        kept["answer"] = {**kept["answer"], "lines": kept["answer"]["lines"][:-1]}
        kept["arms"] = [{**arm, "feedback_seconds": 0} for arm in kept["arms"]]
        kept["sources"] = [{**row, "seconds": 0} for row in kept["sources"]]
        rows = [{**row, "feedback_seconds": 0} for row in kept["costs"]["rows"]]
        kept["costs"] = {**kept["costs"], "rows": rows}
        kept["plan"] = {**kept["plan"], "at": None, "edits": []}
        kept["findings"] = [re.sub(r"took [\d.]+ m?s", "took", line) for line in kept["findings"]]
        return kept

    def row(self, name: str, row: Mapping[str, Any]) -> None:
        """Keep what is shown of trainings."""
        self.shown.append((name, row["step"]))

    def __call__(self, title: str, total: int) -> Any:
        """Keep title, total and what was counted of a bar."""
        row = [title, total, 0]
        self.bars.append(row)

        def move(count: int, *, kept: bool = False) -> None:
            row[2] += count

        return move

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return a JSONL table of the run."""
        return [row for _, row in read_rows(self.out / name)]

    def sample(
        self,
        model: Any,
        items: Sequence[Item],
        sampling: Sampling,
        *,
        system: str,
        on_batch: Any,
        template: Any,
    ) -> list[Response]:
        """Stand in for sampling: give the texts of the script."""
        from harness.policy.respond import response_id

        seed = sampling.seed or 0
        self.note("sample", system, seed, Path(model).name, sampling.temperature,
                  sampling.max_new_tokens)  # fmt: skip
        self.point(f"sample {system}")
        found = []
        for item in items:
            for k in range(sampling.per_item):
                letter = "abc"[k]
                held_out = item.id.startswith("e")
                text = f"{system}{seed}{item.id}{letter}" if held_out else f"{item.id}{letter}"
                if text == "t5b":
                    text = "t5a"  # two equal responses make no pair
                name = response_id(system, seed, item.id, k)
                found.append(Response(name, item.id, system, text, {"token_ids": [k]}))
        on_batch(len(found))
        return found

    def ratios(
        self,
        policy: Any,
        base: Any,
        items: Any,
        found: Sequence[Response],
        temperature: float,
        *_: Any,
    ) -> list[float]:
        """Stand in for log-ratios: 0.5 for every response with an even seed, 0.25 for odd ones."""
        self.note("ratios", Path(policy).parent.name, Path(base).name, temperature)
        return [0.25 if response.id.split(".")[1] == "1" else 0.5 for response in found]

    def train(self, training: Training) -> TrainResult:
        """Stand in for a trainer: two steps, each asks every reward function about two rows."""
        if training.weights is not None:
            training.check_model()  # as every trainer does when all is loaded
        kind, rows, out, monitor = training.name, training.rows, training.out, training.monitor
        on_step = training.on_step or (lambda row: None)
        functions = training.rewards.functions if training.rewards else {}
        self.note("train", kind, out.name)
        self.trainings.append(
            {
                "trainer": kind,
                "folder": out.name,
                "model": Path(training.model).name,
                "rows": [dict(row) for row in rows],
                "settings": training.settings,
                "weights": training.rewards.weights if training.rewards else None,
                "seed": training.seed,
                "monitor": monitor,
            }
        )
        out.mkdir(parents=True, exist_ok=True)
        log = []
        for step in (1, 2):
            row: dict[str, Any] = {"step": step, "loss": 1 / step}
            asked = list(rows)[:2]
            for name, function in functions.items():
                answers = ["t0a", "t1c"]
                given = call_rewards(function, asked, answers, [[1], [2]])
                known = [value for value in given if value is not None]
                row[f"reward/{name}"] = sum(known) / len(known) if known else None
                share = self.coverage * (self.last_coverage if step == 2 else 1.0)
                row[f"coverage/{name}"] = share * len(known) / len(given)
            if monitor is not None and monitor["gold"]:  # type: ignore[index]
                gold = monitor["gold"]  # type: ignore[index]
                row |= {f"held_out/gold/{name}": step / 4 for name in gold}
            log.append(row)
            on_step(row)
            self.note("step", out.name, step)
            self.point(f"train {out.name}")
        (out / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
        final = out / "final"
        final.mkdir(exist_ok=True)
        (final / "weights").write_text(f"{kind} {training.seed} {len(rows)}")
        (final / "config.json").write_text("{}")
        (final / "reward_model.json").write_text(
            '{"accuracy": 0.75, "score_mean": 0.0, "score_deviation": 1.0}'
        )
        return TrainResult(final, 2, out / "log.jsonl", 1.5, 64.0)


def in_this_process(world: World) -> Any:
    """Return a stand-in for the pool of processes that works here, one job after the other."""

    def run_jobs(function: Any, jobs: Any, parallel: Any, on_report: Any, on_done: Any) -> None:
        world.note("jobs", parallel, *(f"{job.arm}-{job.seed}" for job in jobs))
        world.before_training()
        for index, job in enumerate(pickle.loads(pickle.dumps(jobs))):  # as a process is handed it
            on_done(index, function(job, lambda _, row, index=index: on_report(index, row)))

    return run_jobs


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world without an experiment: tests write one and run it."""
    made = World(tmp_path)
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "weights").write_text("base")
    (tmp_path / "policy" / "config.json").write_text("{}")

    def build(name: str, script: Script) -> Scripted:
        takes = ("pairwise",) if script.scale == "pair" else ("pointwise",)
        info = SourceInfo(
            name, "1", script.kind, SCALES[script.scale], takes=takes, simulated=script.simulated,  # type: ignore[arg-type]
            models=(script.model,) if script.model else (),
        )  # fmt: skip
        return Scripted(info, script, made)

    def count(table: RatingTable, weights: Mapping[str, float]) -> Posterior:
        from harness.aggregate import METHODS

        made.note("aggregate", len(table.items), (table.codes >= 0).sum(), sorted(weights))
        made.point("aggregate")
        return METHODS["majority"](table, weights)

    def section(data: Any) -> str:
        made.point("report")
        return f"{len(data['arms'])} arms of {data['run']['name']}"

    found = registry()
    factory = SourceFactory("scripted", "7", "judge", build, Script)
    monkeypatch.setitem(found.sources, "scripted", factory)  # type: ignore[arg-type]
    monkeypatch.setitem(found.origins, "scripted", Origin("scripted", "m", "play", "3.1"))  # type: ignore[arg-type]

    class Finished:
        @hookimpl
        def harness_run_finished(self, run: Any) -> None:
            made.note("finished", run)

    finished = Finished()
    found.manager.register(finished)
    counted = AggregatorFactory("counted", count)
    monkeypatch.setitem(found.aggregators, "counted", counted)  # type: ignore[arg-type]
    found.sections.append(ReportSection("Of the script", section))  # type: ignore[attr-defined]
    monkeypatch.setattr(train_stage, "run_jobs", in_this_process(made))
    monkeypatch.setattr("harness.policy.respond.sample_policy", made.sample)
    monkeypatch.setattr("harness.policy.respond.log_ratios", made.ratios)
    monkeypatch.setattr(Training, "run", lambda training: made.train(training))

    def monitor(rows: Any, gold: Any, **options: Any) -> dict[str, Any]:
        return {"rows": rows, "gold": gold, **options}

    def learned(checkpoint: Path) -> Any:
        pairs = int((checkpoint / "weights").read_text().split()[-1])
        return lambda prompts, **_: [pairs / 6 * len(prompts)] * len(prompts)

    monkeypatch.setattr("harness.train.monitor.Monitor", monitor)
    monkeypatch.setattr("harness.train.reward_model.RewardModelReward", learned)

    def scores(checkpoint: Path, prompts: Any, texts: Sequence[str]) -> list[float]:
        made.note("ranks", checkpoint.parent.name, len(texts))
        return [float(text.endswith("a")) for text in texts]

    monkeypatch.setattr("harness.train.reward_model.score_texts", scores)
    yield made
    found.sections.pop()  # type: ignore[attr-defined]
    found.manager.unregister(finished)


EXAM = {
    "base0": "10100000", "base1": "10000000",
    "rlhf0": "11100000", "rlhf1": "10100100",
    "rlvr0": "11111110", "rlvr1": "1111111x",
    "hybrid0": "11001100", "hybrid1": "11001000",
    "offline0": "00000000", "offline1": "00000001",
    "plugin0": "10100000", "plugin1": "10000001",
}  # fmt: skip
"""What the exam says of each policy and seed: both responses of e0, of e1, e2 and e3."""

GRADES = {"base": "3", "rlhf": "4", "rlvr": "5", "hybrid": "4", "offline": "1", "plugin": "3"}
"""The grade of every response of a policy; the last response of rlhf with seed 1 is refused."""


@pytest.fixture
def exam() -> dict[str, str]:
    """What the exam says of each policy and seed."""
    return EXAM


@pytest.fixture
def whole(world: World) -> World:
    """The experiment of whole.yaml, with its items and the held-out verdicts of its evaluators."""
    world.experiment = yaml.safe_load((Path(__file__).parent / "whole.yaml").read_text())
    for name, letter, count in (("train", "t", 6), ("evaluation", "e", 4)):
        pair = {"t0", "t1", "e2", "e3"}  # items that are not independent
        rows = [
            {
                "id": f"{letter}{n}",
                "prompt": f"Q {letter}{n}",
                "reference": f"R{n}",
                "metadata": {"cluster": letter} if f"{letter}{n}" in pair else {},
            }
            for n in range(count)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (world.folder / f"{name}.jsonl").write_text(text)
    says = {}
    for name, entry in world.experiment["sources"].items():
        says[name] = entry["options"]["says"]
        entry["options"]["says"] = f"./{name}.json"  # in a file: YAML is slow
    outcome = {"1": True, "0": False, "x": "!timeout slow"}
    for policy, verdicts in EXAM.items():
        for index, letter in enumerate(verdicts):
            text = f"{policy}e{index // 2}{'ab'[index % 2]}"
            says["exam"]["exam"][text] = outcome[letter]
            says["grader"]["grader"][text] = GRADES[policy[:-1]]
            says["twin"]["twin"][text] = 0.25
    says["grader"]["grader"]["rlhf1e3b"] = "!refused no"
    for name, script in says.items():
        (world.folder / f"{name}.json").write_text(json.dumps(script))
    return world
