"""Transport: are a run's rewards still valid on what its trained policies write?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from harness.experiment.context import Asking, StartBar, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.sources import NamedSource
from harness.experiment.stages.judge import ask
from harness.experiment.stages.people import Said
from harness.experiment.stages.transport_measured import COMMAND, Again, Transported
from harness.experiment.stages.transport_queue import (
    FOLDER,
    Queue,
    labels_of,
)
from harness.nouns.errors import BudgetExceededError, ConfigError, DataError
from harness.nouns.schema import JudgmentRequest
from harness.records.journal import JOURNAL, Journal
from harness.records.run_directory import RunDirectory

PAIRS = 150
"""Pairs of each arm that people are asked about."""


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """How rewards are measured again.

    Args:
        labels: Labels of people of the queue: tables, stores of ``harness label``, or judgments;
            as NAME=FILE where sources are held against several sources of people.
        pairs: Of each arm in the queue.
        budget: Dollars that the run may have cost in all.
        concurrency: Requests in flight at once.
    """

    labels: Sequence[str | Path] = ()
    pairs: int = PAIRS
    budget: float | None = None
    concurrency: int = 32


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
    if not (directory.path / JOURNAL).is_file():
        raise DataError("no journal: it is no directory of a run", where=str(directory.path))
    queue = Queue.of_run(read, directory.path)
    against = _against(read, queue.pairs)
    people = {one.name: one for one in against.values()}
    files = _files(settings.labels, people)
    simulated = not files and all(one.info.simulated for one in people.values())
    if not (files or simulated):
        drawn = {arm: min(settings.pairs, len(pairs)) for arm, pairs in queue.pairs.items()}
        written = queue.write(directory.path / FOLDER, settings.pairs)
        return Transported(tuple(people), (), (), drawn, written)
    with directory.lock(), Journal(directory.path / JOURNAL) as journal:
        limits = read.config.seeds[0], settings.concurrency, settings.budget
        asking = Asking(journal, *limits, timeout_s=read.config.timeout)
        if simulated:
            said = _of_simulated(people.values(), queue.first(settings.pairs), asking, bar)
        else:
            said = {name: labels_of(mine, name, queue, asking) for name, mine in files.items()}
        held = {source: one.name for source, one in against.items()}
        return Again(read, directory.path, queue, said, held).measured(asking, bar)


def in_run(
    experiment: Experiment, run: Path, asking: Asking, bar: StartBar = no_bar
) -> Transported | None:
    """Measure the sources of a run again, where the people whom they are held against are made up.

    What hinders it costs no run its report: a note says so.

    Args:
        experiment: Of the run.
        run: Its directory; the caller holds its lock.
        asking: With the run's journal and limits.
        bar: For progress.

    Returns:
        None where the experiment measures no agreement or no source that is no people trained.
    """
    config = experiment.config.agreement
    if config is None or not config.transport.pairs:
        return None
    against = _against(experiment, experiment.config.arms)
    people = {one.name: one for one in against.values()}
    if not people:
        return None
    if not all(one.info.simulated for one in people.values()):
        note = f"{', '.join(people)} must label what the trained policies write: {COMMAND}"
        return Transported(tuple(people), (), (), {}, notes=(note,))
    try:
        queue = Queue.of_run(experiment, run)
        held = {source: one.name for source, one in against.items()}
        # Workers cost more to start than so few verdicts do.
        asking = replace(asking, processes=1)
        said = dict[str, Said]()
        for name, one in people.items():
            arms = _arms_of(experiment, {source for source, who in held.items() if who == name})
            pairs = queue.first(config.transport.pairs, arms)
            said |= _of_simulated([one], pairs, asking, bar)
        limit = config.transport.judge_pairs
        return Again(experiment, run, queue, said, held, limit, tell=False).measured(asking, bar)
    except (BudgetExceededError, DataError) as error:
        why = error.what if isinstance(error, DataError) else str(error).partition("\n")[0]
        return Transported(tuple(people), tuple(people), (), {}, notes=(f"not measured: {why}",))


def _arms_of(experiment: Experiment, sources: Set[str]) -> set[str]:
    """Return the arms that learn from any of some sources."""
    return {arm for arm, one in experiment.config.arms.items() if sources & set(one.sources)}


def _of_simulated(
    people: Iterable[NamedSource],
    pairs: Sequence[JudgmentRequest],
    asking: Asking,
    bar: StartBar,
) -> dict[str, Said]:
    return {one.name: Said(one.info, ask(one, pairs, asking, bar, FOLDER)) for one in people}


def _against(experiment: Experiment, arms: Iterable[str]) -> dict[str, NamedSource]:
    """Return source of arms -> the people whom it is held against, as by its gates: like with like.

    Raises:
        ConfigError: There are none, or several and no word on which of them.
    """
    config, sources = experiment.config.agreement, experiment.sources
    human = [name for name, one in sources.items() if one.info.kind == "human"]
    usual = [config.reference] if config is not None else human
    gates = () if config is None else config.gates
    named = {gate.source: gate.against for gate in reversed(gates) if gate.against in human}
    found = {}
    for name in dict.fromkeys(n for arm in arms for n in experiment.config.arms[arm].sources):
        if name in human:
            continue
        if name not in named and len(usual) != 1:
            raise ConfigError(
                "whose labels say how well the sources agreed before training? People:"
                f" {', '.join(usual) or 'none'}",
                hint="agreement.reference of the experiment names them",
            )
        found[name] = sources[named.get(name, usual[0])]
    return found


def _files(given: Sequence[str | Path], people: Mapping[str, NamedSource]) -> dict[str, list[Path]]:
    """Return the files of labels by the people who gave them.

    Raises:
        ConfigError: A file is of nobody in particular, and there are several.
    """
    found: dict[str, list[Path]] = {}
    for entry in map(str, given):
        name, _, file = entry.partition("=")
        if name not in people or not file:
            if len(people) != 1:
                raise ConfigError(
                    f"whose labels are in {entry}? Sources are held against several people",
                    hint=f"--labels NAME=FILE, of {', '.join(people)}",
                )
            (name,), file = people, entry
        found.setdefault(name, []).append(Path(file))
    return found
