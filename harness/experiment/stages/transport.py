"""Transport: are a run's rewards still valid on what its trained policies write?"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.agreement.transport import Transport
from harness.agreement.transport import transport as compared
from harness.experiment.context import Asking, StartBar, cost_note, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.sources import NamedSource
from harness.experiment.stages.judge import Judged, ask, check
from harness.experiment.stages.recorded import Answers, read_recorded
from harness.experiment.stages.transport_queue import (
    FOLDER,
    Queue,
    Said,
    labels_of,
    responses_of,
)
from harness.experiment.stages.transport_verdicts import Verdicts
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.counted import counted
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import JudgmentRequest
from harness.records.journal import JOURNAL, Journal
from harness.records.rows import read_responses
from harness.records.run_directory import RunDirectory
from harness.scale_out.loop_thread import run_to_end

PAIRS = 150
"""Pairs of each arm that people are asked about."""


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """How rewards are measured again.

    Args:
        labels: Labels of people of the queue: tables, stores of ``harness label``, or judgments.
        pairs: Of each arm in the queue.
        budget: Dollars that the run may have cost in all.
        concurrency: Requests in flight at once.
    """

    labels: Sequence[Path] = ()
    pairs: int = PAIRS
    budget: float | None = None
    concurrency: int = 32


@dataclass(frozen=True, slots=True)
class ArmSource:
    """What became of the agreement of one source of an arm.

    Args:
        arm: Trained by the source's verdicts.
        source: Its name.
        found: Agreement before and after.
        labelled: Pairs with a preference of people, before and after.
        decided: Those of them that the source decides, too: agreement is of these.
    """

    arm: str
    source: str
    found: Transport
    labelled: tuple[int, int]
    decided: tuple[int, int]

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain values."""
        row = {"arm": self.arm, "source": self.source, "sentence": self.found.sentence}
        counts = {"labelled": self.labelled, "decided": self.decided}
        return {**row, **counts, **asdict(self.found)}


@dataclass(frozen=True, slots=True)
class Transported:
    """What is known of a run's rewards on its trained policies' responses.

    Args:
        people: The source of people.
        simulated: Whether a program made them up.
        rows: One for each arm and source; empty where people are yet to be asked.
        asked: Pairs in the queue, by arm.
        queue: Its items and responses, where people are yet to be asked.
        notes: What else to know.
    """

    people: str
    simulated: bool
    rows: Sequence[ArmSource]
    asked: Mapping[str, int]
    queue: tuple[Path, Path] | None = None
    notes: Sequence[str] = ()

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "people": self.people,
            "simulated": self.simulated,
            "rows": [row.as_row() for row in self.rows],
            "asked": dict(self.asked),
            "queue": [str(path) for path in self.queue or ()],
            "notes": list(self.notes),
        }


def transport(
    run: str | Path,
    experiment: str | Path,
    settings: TransportSettings | None = None,
    bar: StartBar = no_bar,
) -> Transported:
    """Measure the sources that trained policies again, on these policies' own responses.

    Without labels the queue is written into the run's folder and nobody is asked; but simulated
    people answer at once. The sources judge what people labelled, within budget and journal.

    Args:
        run: Directory of the run.
        experiment: Its file.
        settings: Where people's labels are, and limits.
        bar: For progress.

    Raises:
        ConfigError: Nobody's labels say how well the sources agreed before.
        DataError: The directory is none of a run, holds no response of a trained policy, or no
            label is of one.
        BudgetExceededError: The budget is used up; what was asked is in the run's journal.
    """
    settings, directory = settings or TransportSettings(), RunDirectory(Path(run))
    read = Experiment.read(Path(experiment))
    people = _people(read)
    if not (directory.path / JOURNAL).is_file():
        raise DataError("no journal: it is no directory of a run", where=str(directory.path))
    queue = Queue.of_run(read, directory.path)
    drawn = {arm: min(settings.pairs, len(pairs)) for arm, pairs in queue.pairs.items()}
    simulated = people.info.simulated and not settings.labels
    if not (settings.labels or simulated):
        files = queue.write(directory.path / FOLDER, settings.pairs)
        return Transported(people.name, False, (), drawn, files)
    with directory.lock(), Journal(directory.path / JOURNAL) as journal:
        limits = read.config.seeds[0], settings.concurrency, settings.budget
        asking = Asking(journal, *limits, timeout_s=read.config.timeout)
        if simulated:
            pairs = queue.first(settings.pairs)
            said = Said(people.info, ask(people, pairs, asking, bar, FOLDER))
        else:
            said = labels_of(settings.labels, people.name, queue, asking)
        return Again(read, directory.path, queue, said).measured(asking, bar)


def _people(experiment: Experiment) -> NamedSource:
    """Return the people with whom the sources were compared before training.

    Raises:
        ConfigError: There are none, or several and no word on which of them.
    """
    config = experiment.config.agreement
    found = [one for one in experiment.sources.values() if one.info.kind == "human"]
    if config is not None:
        found = [experiment.sources[config.reference]]
    if len(found) != 1:
        names = ", ".join(one.name for one in found) or "none"
        raise ConfigError(
            f"whose labels say how well the sources agreed before training? People: {names}",
            hint="agreement.reference of the experiment names them; they must judge pairs",
        )
    return found[0]


@dataclass(frozen=True, slots=True)
class Again:
    """Sources of a run that are measured again.

    Args:
        experiment: Of the run.
        run: Its directory.
        queue: Pairs of the trained policies.
        said: What people say of them.
    """

    experiment: Experiment
    run: Path
    queue: Queue
    said: Said

    def measured(self, asking: Asking, bar: StartBar) -> Transported:
        """Ask the sources about what people labelled, and compare with before training."""
        told = {one.request_id for one in self.said.judgments if one.verdict.status is Status.OK}
        arms = self._arms()
        notes = list(self.said.notes)
        for arm in self.queue.pairs.keys() - arms.keys():
            notes.append(f"{arm} learns from people alone: there is no source to hold against them")
        for arm in self.experiment.config.arms.keys() - self.queue.pairs.keys():
            notes.append(f"{arm} was not trained")
        before = self._before({name for names in arms.values() for name in names}, notes)
        judged = self._judged(arms, told, asking, bar)
        people = self.said.info
        after = Verdicts(
            list({r.id: r for r in (*self.queue.everything, *(
                r for one in judged.values() for r in one.requests))}.values()),
            [*self.said.judgments, *(j for one in judged.values() for j in one.judgments)],
            {people.name: people} | {name: one.source.info for name, one in judged.items()},
            people.name,
        )  # fmt: skip
        rows = []
        for arm, names in arms.items():
            config = self.experiment.config.arms[arm]
            among = {pair.id for pair in self.queue.pairs[arm]}
            for name in names:
                first, labelled = before.agreed(name, config)
                last, told_after = after.agreed(name, config, among)
                counts = (labelled, told_after), (len(first.right), len(last.right))
                found = _in_labels(compared(first, last), told_after, len(last.right))
                rows.append(ArmSource(arm, name, found, *counts))
        asked = {
            arm: sum(pair.id in told for pair in pairs) for arm, pairs in self.queue.pairs.items()
        }
        notes = [*self._missing(rows, asked), *sorted(notes)]
        return Transported(people.name, people.simulated, rows, asked, notes=tuple(notes))

    def _missing(self, rows: Sequence[ArmSource], asked: Mapping[str, int]) -> list[str]:
        """Say where the labels that are missing can be had."""
        wanted = {
            arm: asked[arm] + max(r.found.more or 0 for r in rows if r.arm == arm)
            for arm in dict.fromkeys(row.arm for row in rows if row.found.more)
        }
        few = {arm: len(self.queue.pairs[arm]) for arm in wanted}
        lines = [
            f"{arm} has {counted(few[arm], 'pair')} of different responses, too few:"
            " evaluation.responses_per_item makes more"
            for arm, most in wanted.items()
            if most > few[arm]
        ]
        if reached := [most for arm, most in wanted.items() if most <= few[arm]]:
            lines.append(f"--pairs {max(reached)} asks for more labels; those given count")
        return lines

    def _arms(self) -> dict[str, list[str]]:
        """Return arm -> its sources that are no people, of the arms that were trained."""
        sources, arms = self.experiment.sources, self.experiment.config.arms
        found = {
            arm: [name for name in arms[arm].sources if sources[name].info.kind != "human"]
            for arm in arms
            if arm in self.queue.pairs
        }
        return {arm: names for arm, names in found.items() if names}

    def _before(self, names: Set[str], notes: list[str]) -> Verdicts:
        """Read what the run recorded of the responses before training."""
        folder, items, people = self.run / "judgments", self.experiment.train, self.said.info.name
        files = [folder / f"{name}.jsonl" for name in (people, *sorted(names))]
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
        return Verdicts(held.requests, held.judgments, held.infos, people)

    def _judged(
        self, arms: Mapping[str, Sequence[str]], told: Set[str], asking: Asking, bar: StartBar
    ) -> dict[str, Judged]:
        """Let every source judge the pairs of its arms that people labelled; costs are said first.

        Raises:
            BudgetExceededError: The budget is used up; what was judged is recorded.
        """
        asked: dict[str, list[JudgmentRequest]] = {}
        for name in dict.fromkeys(name for names in arms.values() for name in names):
            source = self.experiment.sources[name]
            pairs = [
                pair
                for arm, names in arms.items()
                if name in names
                for pair in self.queue.pairs[arm]
                if pair.id in told
            ]
            criterion = criterion_for(source.info, source.way)
            asked[name] = build_requests(
                self.queue.items, responses_of(pairs), source.way, criterion
            )
        sources = {name: self.experiment.sources[name] for name in asked}
        check(sources.values(), asking)
        _tell_costs([(sources[name], requests) for name, requests in asked.items()], asking)
        return {
            name: Judged(sources[name], requests, ask(sources[name], requests, asking, bar, FOLDER))
            for name, requests in asked.items()
        }


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


def _in_labels(found: Transport, labelled: int, decided: int) -> Transport:
    """Return it with the labels that are missing in labels of people, some of which decide."""
    if found.more is None:
        return found
    return replace(found, more=math.ceil(found.more * labelled / decided))
