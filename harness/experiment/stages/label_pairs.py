"""Pairs of base's and each arm's responses for people, and what their labels say: label_pairs."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.evaluate.clusters import clusters_of
from harness.evaluate.people_pairs import Pools, Responses, drawn_pairs, pools_of, seen_twice
from harness.evaluate.people_wins import Evaluator, people_rows
from harness.evaluate.scores import score_responses
from harness.experiment.context import Asking, StartBar, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.stages.evaluate import evaluator_info, score
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.people_key import (
    COMMAND,
    FOLDER,
    KEY,
    Key,
    held_out_responses,
    written_by,
)
from harness.experiment.stages.people_labels import LABELS, Labels, labels_by, labels_of
from harness.experiment.stages.people_seal import seal_people
from harness.experiment.stages.respond import BASE
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.hashing import content_hash
from harness.nouns.nearest import did_you_mean
from harness.nouns.plain_text import visible
from harness.nouns.schema import Item
from harness.records.journal import JOURNAL, Journal
from harness.records.run_directory import NAME, RunDirectory
from harness.records.writes import write_json

PAIRS = 20
"""Of each arm."""

ROWS = "people.json"
"""The win rates as people see them."""


@dataclass(frozen=True, slots=True)
class LabelPairsSettings:
    """What people are asked, and where their labels are.

    Args:
        pairs: Of each arm.
        seed: Decides what is drawn; by default drawn, and kept in the key. With one that others
            know, who has the run can tell the sides.
        by: Evaluator whose word on all pairs corrects; by default the primary one, else the
            first that is no people.
        labels: Labels of the pairs: stores of ``harness label``, tables, or judgments.
        ask: Source of simulated people of the experiment, which answers at once.
    """

    pairs: int = PAIRS
    seed: int | None = None
    by: str | None = None
    labels: Sequence[str | Path] = ()
    ask: str | None = None


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """What is known of how people see a run's policies.

    Args:
        by: Evaluator whose word on all pairs corrects.
        asked: Pairs that were drawn, by arm.
        twice: Prompts that people see more than once.
        queue: Items and responses that people see, where they are yet to label.
        rows: One for each arm; empty where people are yet to label.
        notes: What else to know of the labels.
        report: The page that was built anew, if there is one.
        seal: The hash of key, labels and run to publish; empty where the run is not at its end.
    """

    by: str
    asked: Mapping[str, int]
    twice: int
    queue: tuple[Path, Path] | None = None
    rows: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    report: Path | None = None
    seal: str = ""


def label_pairs(
    run: str | Path,
    experiment: str | Path,
    settings: LabelPairsSettings | None = None,
    bar: StartBar = no_bar,
) -> LabelledPairs:
    """Draw pairs of a run's policies for people, or bring what people said into its report.

    Without labels the pairs are written into the run's folder and the key beside it: the same ones
    again for the same responses, more of them where more are asked for. With labels they are joined
    by the key, kept in the run, and its report is built anew with them.

    Args:
        run: Directory of the run.
        experiment: Its file.
        settings: What is asked, and where the labels are.
        bar: For progress.

    Raises:
        ConfigError: The evaluator is none, or another than when the pairs were drawn; or the people
            to ask are not simulated.
        DataError: The directory is none of a run, holds no response of a trained policy, no pairs
            were drawn, the responses are others since, or a label is of none of the pairs.
    """
    settings, directory = settings or LabelPairsSettings(), RunDirectory(Path(run))
    if settings.labels and settings.ask:
        raise ConfigError("give labels of people, or the simulated people to ask, not both")
    read = Experiment.read(Path(experiment))
    if not (directory.path / JOURNAL).is_file():
        raise DataError("no journal: it is no directory of a run", where=str(directory.path))
    responses = held_out_responses(read, directory.path)
    with directory.lock(), Journal(directory.path / JOURNAL) as journal:
        if not (settings.labels or settings.ask):
            return _drawn(read, directory, responses, settings)
        config = read.config
        asking = Asking(
            journal,
            config.seeds[0],
            config.concurrency,
            config.budget_usd,
            timeout_s=config.timeout,
        )
        key = _key_of(directory.path, responses, settings.by)
        tasks = key.tasks(read.evaluation, responses)
        if settings.ask is None:
            labels = labels_of(directory.path, settings.labels, tasks, asking)
        else:
            labels = labels_by(read, settings.ask, tasks, asking, bar)
        source = read.sources[_evaluator(read, key.by)]
        judged = score([source], read.evaluation, responses, asking, bar)[key.by]
        rows = _rows(read.evaluation, responses, key, labels, judged)
        labels.write(directory.path)
        write_json(directory.path / ROWS, {"rows": rows})
        sealed = seal_people(directory)
    page = _report_with(directory.path, rows)
    return LabelledPairs(
        key.by,
        _asked(key),
        seen_twice(key.pairs),
        rows=rows,
        notes=labels.notes,
        report=page,
        seal=sealed,
    )


def in_run(
    experiment: Experiment, run: Path, responses: Responses, judged: Mapping[str, Judged]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what people said of a run's policies, from the labels that are kept in it.

    Args:
        experiment: Of the run.
        run: Its directory; the caller holds its lock.
        responses: Of all policies to the held-out prompts.
        judged: What the evaluators said of them.

    Returns:
        The rows, none without labels, and warnings.
    """
    labels = Labels.read(run)
    if labels is None:
        return [], []
    key = Key.read(run)
    if key is None or not key.fits(responses):
        return [], [
            "People labelled responses that the policies no longer write, so their labels are not"
            f" shown: {COMMAND} draws pairs anew."
        ]
    if key.by not in judged:
        return [], [
            f"The labels of people are not shown: the evaluator {key.by}, which corrects them, is"
            " none of the experiment any more."
        ]
    return _rows(experiment.evaluation, responses, key, labels, judged[key.by]), []


def _drawn(
    experiment: Experiment,
    directory: RunDirectory,
    responses: Responses,
    settings: LabelPairsSettings,
) -> LabelledPairs:
    """Draw the pairs, or those of the key again, and write what people see."""
    run = directory.path
    key = Key.read(run)
    if key is not None and not key.fits(responses):
        _set_aside(directory, key)
        key = None
    if key is not None:
        _same_evaluator(key, settings.by)
        if settings.seed not in (None, key.seed):
            raise ConfigError(
                f"pairs were drawn with another seed, {key.seed}",
                where=str(run / KEY),
                hint=f"leave out --seed, or delete {run / KEY} before anybody labels",
            )
    seed = secrets.randbits(63) if settings.seed is None else settings.seed
    by = _evaluator(experiment, settings.by)
    most = settings.pairs
    if key is not None:
        seed, by, most = key.seed, key.by, max(most, key.most)
    strata = {item.id: str(item.metadata.get("slice", "")) for item in experiment.evaluation}
    pairs = drawn_pairs(_pools(responses), strata, most, seed)
    if not pairs:
        raise DataError(
            "no trained policy gave any prompt another text than base: there is nothing to prefer",
            where=str(run / "responses"),
        )
    key = Key(seed, most, by, written_by(responses), pairs)
    key.write(run)
    queue = key.write_tasks(run, key.tasks(experiment.evaluation, responses))
    return LabelledPairs(by, _asked(key), seen_twice(pairs), queue, seal=seal_people(directory))


def _set_aside(directory: RunDirectory, key: Key) -> None:
    name = content_hash(dict(key.written))[:NAME]
    run = directory.path
    moved = [directory.set_aside(run / one, name) for one in (KEY, LABELS, ROWS, FOLDER)]
    kept = ", ".join(str(path) for path in moved if path is not None)
    line = f"the policies wrote other responses since pairs were drawn, so these are kept in {kept}"
    sys.stderr.write(f"{visible(line)}\n")


def _key_of(run: Path, responses: Responses, by: str | None) -> Key:
    key = Key.read(run)
    if key is None:
        raise DataError(
            "no pairs were drawn for people", where=str(run), hint=f"{COMMAND} draws them"
        )
    if not key.fits(responses):
        raise DataError(
            "the policies wrote other responses since these pairs were drawn, so no label is of"
            " what they write now",
            where=str(run / KEY),
            hint=f"{COMMAND} without --labels draws pairs anew and keeps these",
        )
    _same_evaluator(key, by)
    return key


def _same_evaluator(key: Key, by: str | None) -> None:
    if by not in (None, key.by):
        raise ConfigError(
            f"the evaluator that corrects was said when the pairs were drawn: {key.by}, not {by}",
            hint="leave out --by: chosen after the labels, it would be chosen by its result",
        )


def _evaluator(experiment: Experiment, name: str | None) -> str:
    """Return who corrects: who was said, the primary one, or the first that is no people."""
    config = experiment.config.evaluation
    primary = [config.primary] if config.primary is not None else []
    known = [
        one
        for one in dict.fromkeys([*primary, *config.evaluators])
        if experiment.sources[one].info.kind != "human"
        and not experiment.sources[one].compares(config.evaluators[one].way)
    ]
    if name is None and known:
        return known[0]
    if name not in known:
        raise ConfigError(
            f"no evaluator of the experiment that scores single responses, and is no people, is"
            f" called {name!r}",
            hint=did_you_mean(name or "", known) or f"known: {', '.join(known) or 'none'}",
        )
    return str(name)


def _pools(responses: Responses) -> dict[str, Pools]:
    arms = [policy for policy in dict.fromkeys(name for name, _ in responses) if policy != BASE]
    return {arm: pools_of(responses, arm, BASE) for arm in arms}


def _asked(key: Key) -> dict[str, int]:
    arms = [pair.arm for pair in key.pairs]
    drawn = dict.fromkeys((arm for arm in key.written if arm != BASE), 0)
    return {arm: arms.count(arm) for arm in drawn}


def _rows(
    items: Sequence[Item], responses: Responses, key: Key, labels: Labels, judged: Judged
) -> list[dict[str, Any]]:
    info = evaluator_info(judged.source, None)
    scores = score_responses(items, responses, judged.requests, judged.judgments, [info])
    values = {}
    for policy in dict.fromkeys(name for name, _ in responses):
        rows = iter([row for row in scores[key.by, policy] if row.answered])
        for (name, seed), answers in responses.items():
            for one in answers if name == policy else ():
                value = next(rows).value
                if value is not None:
                    values[policy, seed, one.id] = value
    return people_rows(
        _pools(responses),
        key.pairs,
        labels.votes,
        Evaluator(key.by, values),
        clusters_of(items),
        labels.simulated,
    )


def _report_with(run: Path, rows: Sequence[Mapping[str, Any]]) -> Path | None:
    """Build the report of a run anew with what people said; None where there is none yet."""
    from harness.registry import registry
    from harness.report import build, load

    if not (run / "report.json").is_file():
        return None
    return build({**load(run), "people": list(rows)}, run, registry().sections)
