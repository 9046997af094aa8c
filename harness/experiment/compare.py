"""Compare: policies of two runs against each other, on the same held-out items, paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.evaluate.clusters import cluster_of, clusters_of, joined
from harness.evaluate.copies import without_copies
from harness.evaluate.differences import difference_of
from harness.evaluate.scores import Scored, score_responses
from harness.evaluate.verdicts import told
from harness.experiment.recorded import Recorded
from harness.experiment.stages.evaluate import evaluators_of
from harness.experiment.stages.respond import BASE
from harness.experiment.stored import Compared, compare_with_seal
from harness.nouns.counted import counted
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.hashing import content_hash
from harness.nouns.nearest import did_you_mean
from harness.nouns.schema import Item
from harness.records.run_directory import RunDirectory
from harness.records.seal import SEALED, read_sealed

NAMED = 3
"""So many items that differ are named."""


@dataclass(frozen=True, slots=True)
class AgainstRun:
    """Policies of two runs against each other.

    Attributes:
        runs: Directories of A and B.
        items: Held-out items, the same in both.
        rows: One for each ``evaluator`` and pair of policies ``a`` and ``b``, B less A: all that a
            ``difference`` holds (docs/reports.md), ``from`` A's mean ``to`` B's. Holm's family is
            all rows.
        notes: What is left out, and why.
    """

    runs: tuple[str, str]
    items: int
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str]

    def as_row(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "runs": list(self.runs),
            "items": self.items,
            "rows": [dict(row) for row in self.rows],
            "notes": list(self.notes),
        }


def compare(
    run_a: str | Path, run_b: str | Path, arms: Mapping[str, str] | None = None
) -> AgainstRun:
    """Compare policies of two finished runs: B less A, paired by held-out item.

    Items are the same where prompt, reference and cluster are, whatever their ids.

    Args:
        run_a: Directory of a run.
        run_b: Directory of another.
        arms: Arm of A -> arm of B; by default all of the same name, base among them.

    Raises:
        DataError: A run is not finished, its rows cannot be read, the held-out items are not the
            same, or evaluators of one name differ.
        ConfigError: There is no such arm, or no policy or evaluator that both have.
    """
    runs, edited = (str(run_a), str(run_b)), list[str]()
    one, other = (_read(Path(run), edited) for run in runs)
    _same_items(runs, one.experiment.evaluation, other.experiment.evaluation)
    names, notes = _evaluators(runs, one, other)
    notes = [*_one_run(one, other, arms), *dict.fromkeys(edited), *notes]
    before, after = (_scores(run, names, notes) for run in (one, other))
    notes += joined(one.experiment.evaluation)
    pairs = _pairs(runs, before, after, arms)
    places = [(name, a, b) for name in names for a, b in pairs]
    found = [
        difference_of(after[name, b], before[name, a], trained=(b != BASE, a != BASE))
        for name, a, b in places
    ]
    numbers = told([difference for difference, _ in found])
    rows = [
        {"evaluator": name, "a": a, "b": b, **row, **between}
        for (name, a, b), row, (_, between) in zip(places, numbers, found, strict=True)
    ]
    return AgainstRun(runs, len(one.experiment.evaluation), rows, notes)


def _read(run: Path, edited: list[str]) -> Recorded:
    """Return a run as its rows say it; note where these are not those that were sealed."""
    directory = RunDirectory(run)
    manifest = directory.manifest()
    if not manifest.get("seal"):
        raise DataError(
            "this is no finished run: it has no seal",
            where=str(run),
            hint="harness run EXPERIMENT goes on, and seals it",
        )
    tables, found = read_sealed(run / SEALED), Compared()
    compare_with_seal(directory, manifest, tables, found)
    if found.changed:
        edited.append(f"{run} was changed after its end: harness verify-run {run} says where")
    return Recorded(directory, tables, found.stored)


def _one_run(one: Recorded, other: Recorded, arms: Mapping[str, str] | None) -> list[str]:
    """Say that both are the same run, or a copy of it."""
    seals = [run.directory.manifest()["seal"]["sha256"] for run in (one, other)]
    if seals[0] != seals[1]:
        return []
    what = "every policy is compared with itself" if arms is None else "these are arms of it"
    return [f"both folders are of one and the same run (seal {seals[0][:12]}): {what}"]


def _key(item: Item) -> str:
    cluster = cluster_of(item)
    group = None if cluster == item.id else cluster
    return content_hash([item.prompt_text, item.reference, group])


def _same_items(runs: tuple[str, str], one: Sequence[Item], other: Sequence[Item]) -> None:
    keys = [{_key(item): item.id for item in items} for items in (one, other)]
    lines = []
    for run, mine, theirs in ((runs[0], keys[0], keys[1]), (runs[1], keys[1], keys[0])):
        if lost := [name for key, name in mine.items() if key not in theirs]:
            more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
            told_names = ", ".join(lost[:NAMED])
            lines.append(f"{counted(len(lost), 'item')} of {run} only: {told_names}{more}")
    if lines:
        raise DataError(
            "the held-out items of the two runs are not the same",
            details=lines,
            hint="run both experiments with the same data.evaluation",
        )


def _evaluators(
    runs: tuple[str, str], one: Recorded, other: Recorded
) -> tuple[list[str], list[str]]:
    """Return the evaluators that both runs have, the same in both.

    Raises:
        DataError: One of a name differs.
        ConfigError: None is in both.
    """
    mine, theirs = (run.experiment.config.evaluation.evaluators for run in (one, other))
    both = [name for name in mine if name in theirs]
    read = ((one, mine), (other, theirs))
    pairs = [
        name
        for name in both
        if any(of.experiment.sources[name].compares(by[name].way) for of, by in read)
    ]
    names = [name for name in both if name not in pairs]
    wrong = []
    for name in names:
        a, b = (_who(run, name) for run in (one, other))
        if keys := [key for key in a if a[key] != b[key]]:
            parts = (
                f"{key} {a[key]!s:.40} in {runs[0]}, {b[key]!s:.40} in {runs[1]}" for key in keys
            )
            wrong.append(f"{name}: {'; '.join(parts)}")
    if wrong:
        raise DataError(
            "evaluators of the two runs differ, so their scores cannot be compared",
            details=wrong,
            hint="harness evaluate scores the responses of both runs with one evaluator",
        )
    if not names:
        raise ConfigError(
            "the two runs have no evaluator in common",
            details=[f"{runs[0]}: {', '.join(mine)}", f"{runs[1]}: {', '.join(theirs)}"],
        )
    alone = [name for name in (*mine, *theirs) if name not in names and name not in pairs]
    notes = [f"{', '.join(alone)}: in one of the runs only"] if alone else []
    if pairs:
        notes.append(f"{', '.join(pairs)}: compared arms with base inside each run, not the runs")
    return names, notes


def _who(run: Recorded, name: str) -> dict[str, Any]:
    source = run.experiment.sources[name]
    said = run.sealed["manifest.json"]["sources"].get(name, {})
    return {
        "plugin": source.config.use,
        "version": source.info.version,
        "options": source.scope.rpartition("/")[2],
        "models": source.info.models,
        **{key: said.get(key) for key in ("rubric_sha256", "template_sha256")},
    }


def _scores(
    run: Recorded, names: Sequence[str], notes: list[str]
) -> dict[tuple[str, str], list[Scored]]:
    """Return the scores by evaluator and policy, items known by what they ask."""
    found, items = run.evaluation(), run.experiment.evaluation
    asked = {r.id: r for one in found.scored.values() for r in one.requests}
    said = [judgment for one in found.scored.values() for judgment in one.judgments]
    every = evaluators_of(run.experiment.config, run.experiment.sources)
    infos = [info for info in every if info.name in names]
    kept = [judgment for judgment in said if judgment.source in names]
    trained = {policy: policy != BASE for policy, _ in found.responses}
    responses, copies = without_copies(found.responses, trained)
    notes += [f"{run.directory.path}: {line}" for line in copies]
    scores = score_responses(items, responses, asked.values(), kept, infos)
    keys, groups = {item.id: _key(item) for item in items}, clusters_of(items)
    first: dict[str, str] = {}  # the same in both runs, whatever ids and order the items have
    for name, group in groups.items():
        first[group] = min(keys[name], first.get(group, keys[name]))
    return {
        place: [replace(row, item_id=keys[row.item_id], cluster=first[row.cluster]) for row in rows]
        for place, rows in scores.items()
    }


def _pairs(
    runs: tuple[str, str],
    before: Mapping[tuple[str, str], Any],
    after: Mapping[tuple[str, str], Any],
    arms: Mapping[str, str] | None,
) -> list[tuple[str, str]]:
    known = [list(dict.fromkeys(policy for _, policy in scores)) for scores in (before, after)]
    if arms is None:
        pairs = [(name, name) for name in known[0] if name in known[1]]
        if len(pairs) <= (BASE in known[0]):
            raise ConfigError(
                "the two runs have no trained arm of the same name",
                details=[
                    f"{run}: {', '.join(names)}" for run, names in zip(runs, known, strict=True)
                ],
                hint="--arm A:B compares arm A of the first with arm B of the second",
            )
        return pairs
    for run, names, asked in zip(runs, known, (arms, arms.values()), strict=True):
        for name in asked:
            if name not in names:
                hint = did_you_mean(name, names) or f"it has {', '.join(names)}"
                raise ConfigError(f"{run} has no policy {name!r}", hint=hint)
    return list(arms.items())
