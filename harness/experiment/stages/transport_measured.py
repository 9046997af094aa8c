"""The sources of a run, measured on what its trained policies write, and what came of it."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.agreement.transport import Transport
from harness.agreement.transport import transport as compared
from harness.experiment.context import Asking, StartBar, cost_note
from harness.experiment.experiment import Experiment
from harness.experiment.sources import NamedSource
from harness.experiment.stages.judge import Judged, ask, check
from harness.experiment.stages.people import Said
from harness.experiment.stages.recorded import Answers, read_recorded
from harness.experiment.stages.transport_queue import (
    FOLDER,
    Queue,
    responses_of,
)
from harness.experiment.stages.transport_verdicts import Verdicts
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.counted import counted
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import JudgmentRequest
from harness.records.rows import read_responses
from harness.scale_out.loop_thread import run_to_end

COMMAND = "harness transport RUN_DIR --experiment FILE"
"""What measures the rewards of a run again."""


@dataclass(frozen=True, slots=True)
class ArmSource:
    """What became of the agreement of one source of an arm.

    Args:
        arm: Trained by the source's verdicts.
        source: Its name.
        people: The source of people that it is held against.
        found: Agreement before and after.
        labelled: Pairs with a preference of people, before and after.
        decided: Those of them that the source decides, too: agreement is of these.
    """

    arm: str
    source: str
    people: str
    found: Transport
    labelled: tuple[int, int]
    decided: tuple[int, int]

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain values."""
        about = {"arm": self.arm, "source": self.source, "people": self.people}
        counts = {"labelled": self.labelled, "decided": self.decided}
        return {**about, "sentence": self.found.sentence, **counts, **asdict(self.found)}


@dataclass(frozen=True, slots=True)
class Transported:
    """What is known of a run's rewards on its trained policies' responses.

    Args:
        people: The sources of people that any source is held against.
        simulated: Those of them that a program made up.
        rows: One for each arm and source; empty where people are yet to be asked.
        asked: Pairs in the queue, by arm.
        queue: Its items and responses, where people are yet to be asked.
        notes: What else to know.
    """

    people: tuple[str, ...]
    simulated: tuple[str, ...]
    rows: Sequence[ArmSource]
    asked: Mapping[str, int]
    queue: tuple[Path, Path] | None = None
    notes: Sequence[str] = ()

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "people": list(self.people),
            "simulated": list(self.simulated),
            "rows": [row.as_row() for row in self.rows],
            "asked": dict(self.asked),
            "queue": [str(path) for path in self.queue or ()],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Again:
    """Sources of a run that are measured again.

    Args:
        experiment: Of the run.
        run: Its directory.
        queue: Pairs of the trained policies.
        said: What people say of them, by the source of people.
        against: Source -> the people whom it is held against.
        judge_pairs: At most so many pairs of an arm are put to a source that asks a model.
        tell: Whether costs are said before anybody is asked.
    """

    experiment: Experiment
    run: Path
    queue: Queue
    said: Mapping[str, Said]
    against: Mapping[str, str]
    judge_pairs: int | None = None
    tell: bool = True

    def measured(self, asking: Asking, bar: StartBar) -> Transported:
        """Ask the sources about what people labelled, and compare with before training."""
        arms, notes = self._arms(), [line for said in self.said.values() for line in said.notes]
        config = self.experiment.config.arms
        for arm in config:
            if arm not in self.queue.pairs:
                notes.append(f"{arm} was not trained")
            elif not set(config[arm].sources) & self.against.keys():
                notes.append(f"{arm} learns from people alone: no source is held against them")
        for name in dict.fromkeys(self.against.values()):
            if name not in self.said:
                held = ", ".join(one for one, people in self.against.items() if people == name)
                notes.append(f"no labels of {name}, whom {held} is held against: --labels")
        before = self._before({name for names in arms.values() for name in names}, notes)
        judged = self._judged(arms, asking, bar)
        asked = [r for one in judged.values() for r in one.requests]
        after = Verdicts(
            list({r.id: r for r in (*self.queue.everything, *asked)}.values()),
            [
                *(j for one in self.said.values() for j in one.judgments),
                *(j for one in judged.values() for j in one.judgments),
            ],
            {one.info.name: one.info for one in self.said.values()}
            | {name: one.source.info for name, one in judged.items()},
        )
        rows = []
        for arm, names in arms.items():
            for name in names:
                people = self.against[name]
                among = {pair.id for pair in self._pairs_for(arm, name)}
                first, labelled = before.agreed(name, people, config[arm])
                last, told = after.agreed(name, people, config[arm], among)
                counts = (labelled, told), (len(first.right), len(last.right))
                covered = len(last.right) / told if last.right else len(first.right) / labelled
                found = self._in_labels(compared(first, last), arm, people, covered)
                rows.append(ArmSource(arm, name, people, found, *counts))
        simulated = tuple(name for name, one in self.said.items() if one.info.simulated)
        notes = [*self._missing(rows), *notes]
        return Transported(tuple(self.said), simulated, rows, self._asked(), notes=tuple(notes))

    @cached_property
    def _told(self) -> dict[str, set[str]]:
        """The pairs that people labelled, by who they are."""
        return {
            name: {one.request_id for one in said.judgments if one.verdict.status is Status.OK}
            for name, said in self.said.items()
        }

    @cached_property
    def _decided(self) -> dict[str, set[str]]:
        """Those of which most of them prefer one side, the only ones that sources are asked of."""
        said = [judgment for one in self.said.values() for judgment in one.judgments]
        infos = {name: one.info for name, one in self.said.items()}
        verdicts = Verdicts(self.queue.everything, said, infos)
        return {name: verdicts.decided(name) for name in self.said}

    def _pairs_for(self, arm: str, name: str) -> list[JudgmentRequest]:
        """Return the pairs of an arm that a source is asked of, in the order of the queue."""
        decided = self._decided[self.against[name]]
        pairs = [pair for pair in self.queue.pairs[arm] if pair.id in decided]
        return pairs[: self._most(name)]

    def _most(self, name: str) -> int | None:
        return self.judge_pairs if self.experiment.sources[name].info.models else None

    def _in_labels(self, found: Transport, arm: str, people: str, covered: float) -> Transport:
        """Return it with the labels that are missing in labels of people, few of which decide.

        ``covered`` is the share of the pairs that people decide that the source decides, too.
        """
        if found.more is None:
            return found
        mine = {pair.id for pair in self.queue.pairs[arm]}
        told, sided = (len(mine & one[people]) for one in (self._told, self._decided))
        each = told / sided if sided else 1.0
        return replace(found, more=math.ceil(found.more / covered * each))

    def _asked(self) -> dict[str, int]:
        told = set().union(*self._told.values())
        return {
            arm: sum(one.id in told for one in pairs) for arm, pairs in self.queue.pairs.items()
        }

    def _missing(self, rows: Sequence[ArmSource]) -> list[str]:
        """Say where the labels that are missing can be had."""
        capped = [row.source for row in rows if row.labelled[1] == self._most(row.source)]
        if capped:
            limit, told = self.judge_pairs, ", ".join(dict.fromkeys(capped))
            only = f"of {limit} pairs of each arm only" if limit else "of no pair"
            return [f"the run asked {told} {only}: {COMMAND} asks of all that people decide"]
        asked = self._asked()
        wanted = {
            arm: asked[arm] + max(one.found.more or 0 for one in rows if one.arm == arm)
            for arm in dict.fromkeys(row.arm for row in rows if row.found.more)
        }
        few = {arm: len(self.queue.pairs[arm]) for arm in wanted}
        lines = [
            f"{arm} has {counted(few[arm], 'pair')} of different responses, too few:"
            " evaluation.responses_per_item makes more"
            for arm, count in wanted.items()
            if count > few[arm]
        ]
        if reached := [count for arm, count in wanted.items() if count <= few[arm]]:
            lines.append(f"--pairs {max(reached)} asks for more labels; those given count")
        return lines

    def _arms(self) -> dict[str, list[str]]:
        """Return arm -> its sources that can be measured, of the arms that were trained."""
        arms = self.experiment.config.arms
        found = {
            arm: [one for one in arms[arm].sources if self.against.get(one) in self.said]
            for arm in arms
            if arm in self.queue.pairs
        }
        return {arm: names for arm, names in found.items() if names}

    def _before(self, names: Set[str], notes: list[str]) -> Verdicts:
        """Read what the run recorded of the responses before training."""
        folder, items = self.run / "judgments", self.experiment.train
        files = [folder / f"{name}.jsonl" for name in (*self.said, *sorted(names))]
        for file in files:
            if not file.is_file():
                raise DataError(
                    f"no judgment of {file.stem} on the responses before training is stored",
                    where=str(file),
                    hint="harness run EXPERIMENT goes on where it stopped",
                )
        responses = read_responses(self.run / "responses" / "train.jsonl", items)
        held = read_recorded(files, None, Answers(items, responses))
        for name in sorted(names):
            now = self.experiment.sources[name].info.version
            if (then := held.infos[name].version) != now:
                notes.append(
                    f"{name} was version {then} before training and is {now} now:"
                    " a difference may be that of the versions"
                )
        return Verdicts(held.requests, held.judgments, held.infos)

    def _judged(
        self, arms: Mapping[str, Sequence[str]], asking: Asking, bar: StartBar
    ) -> dict[str, Judged]:
        """Let every source judge the pairs of its arms that people labelled; costs are said first.

        Raises:
            BudgetExceededError: The budget is used up; what was judged is recorded.
        """
        asked: dict[str, list[JudgmentRequest]] = {}
        for name in dict.fromkeys(name for names in arms.values() for name in names):
            source = self.experiment.sources[name]
            pairs = [
                pair for arm in arms if name in arms[arm] for pair in self._pairs_for(arm, name)
            ]
            criterion = criterion_for(source.info, source.way)
            asked[name] = build_requests(
                self.queue.items, responses_of(pairs), source.way, criterion
            )
        sources = {name: self.experiment.sources[name] for name in asked}
        check([one for name, one in sources.items() if asked[name]], asking)
        if self.tell:
            _tell_costs([(sources[name], requests) for name, requests in asked.items()], asking)
        found = {}
        for name, requests in asked.items():
            said = ask(sources[name], requests, asking, bar, FOLDER) if requests else []
            found[name] = Judged(sources[name], requests, said)
        return found


def _tell_costs(
    asked: Iterable[tuple[NamedSource, Sequence[JudgmentRequest]]], asking: Asking
) -> None:
    """Say what each source is going to be asked, and what that costs."""

    async def tell() -> None:
        async with replace(asking, processes=1).open() as ctx:
            for source, requests in asked:
                note = cost_note(source, requests, ctx) or "no cost"
                sys.stderr.write(f"{source.name}: {counted(len(requests), 'request')}, {note}\n")

    run_to_end(tell())
