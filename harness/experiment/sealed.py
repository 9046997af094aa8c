"""What a run stands on: the rows that its seal holds, and what its manifest says of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from harness.experiment.context import Asked
from harness.experiment.critics import critics_of, folder_of
from harness.experiment.experiment import Experiment, resolve
from harness.experiment.sources import NamedSource
from harness.experiment.stages.agree import Agreement
from harness.experiment.stages.evaluate import Evaluation
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.people_seal import seal_people
from harness.experiment.stages.train import Trained, TrainedPolicy
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, JudgmentRequest, Response
from harness.records.file_hash import file_hash
from harness.records.journal import Journal
from harness.records.label_uses import LabelUse
from harness.records.rows import read_json, to_dict
from harness.records.run_directory import RunDirectory
from harness.records.seal import (
    SEALED,
    SealedTable,
    by_number,
    folder_hashes,
    plain,
    seal_of,
    write_sealed,
)
from harness.train.log import read_log

UNSEALED = ("seal",)
"""What of the manifest is in no seal: the seal itself."""

TEXTS = 2**21
"""Bytes of an input file up to which the seal holds its lines; of larger ones a hash of each."""

TABLES = ("agreement.json", "evaluation.json", "transport.json")
FOLDERS = ("responses", "judgments", "preferences", "rewards", "reward_models")
"""Tables of a run, and the folders of some more."""


class Made(Protocol):
    """A run that has come to its end."""

    experiment: Experiment
    directory: RunDirectory
    journal: Journal
    uses: Sequence[LabelUse]

    @property
    def asked(self) -> Mapping[str, Asked]:
        """What sources were asked and said, by the part of the journal."""
        ...

    def responses(self) -> list[Response]:
        """Return the base policy's responses."""
        ...

    def judged(self) -> Mapping[str, Judged]:
        """Return what each source said."""
        ...

    def agreement(self) -> Agreement | None:
        """Return how well the sources agree."""
        ...

    def trainings(self) -> Trained:
        """Return the trainings."""
        ...

    def evaluation(self) -> Evaluation:
        """Return the comparison of the policies."""
        ...

    def _wording(self) -> list[str]: ...

    def _unheard(self, judged: Mapping[str, Judged]) -> list[str]: ...


def seal(run: Made) -> None:
    """Copy the rows that a run stands on, and write their hashes into its manifest."""
    tables = tables_of(run)
    write_sealed(run.directory.path / SEALED, tables)
    run.directory.update_manifest(seal=seal_of(tables))
    seal_people(run.directory)


def told_of(run: Made) -> dict[str, Any]:
    """Return what the manifest says of labels, models, gates, failures and trainings."""
    agreement, judged = run.agreement(), [*run.judged().values(), *run.evaluation().judged.values()]
    labelled: dict[str, dict[str, Counter[str]]] = {}
    for scope, one in run.asked.items():
        part = f"{scope.partition('/')[0]}/{one.source}"
        for judgment in one.judgments:
            counts = labelled.setdefault(part, {}).setdefault(judgment.annotator, Counter())
            counts[judgment.verdict.status.value] += 1
    models: dict[str, dict[str, Any]] = {}
    for each in judged:
        found = {key: said for j in each.judgments[:1] for key, said in _reported(j).items()}
        models.setdefault(each.source.name, {}).update(found)
    return {
        "labelled": labelled,
        "models": {name: found for name, found in models.items() if found},
        "gates": [
            {key: getattr(gate, key) for key in ("source", "statistic", "outcome", "weight")}
            for gate in (agreement.gates if agreement else ())
        ],
        "failures": {
            part: dict(failed) for part, of in labelled.items() if (failed := _failed(of.values()))
        },
        "trainings": {
            f"{one.arm}-seed{one.seed}": one.weights for one in run.trainings().policies.values()
        },
    }


def inputs_told(experiment: Experiment, run: Path) -> dict[str, Any]:
    """Return what the manifest says of the files that the experiment reads, and of its model."""
    files = inputs_of(experiment, run)
    return {
        "inputs": [{"role": role, "path": path, "sha256": sha256} for role, path, sha256 in files],
        "policy_weights": experiment.weights,
    }


def _reported(judgment: Judgment) -> dict[str, Any]:
    keys = ("model", "model_version", "system_fingerprint", "template_sha256", "rubric_sha256")
    return {key: judgment.metadata[key] for key in keys if judgment.metadata.get(key)}


def _failed(counts: Any) -> Counter[str]:
    total: Counter[str] = sum(counts, Counter())
    del total[Status.OK.value]
    return total


def inputs_of(experiment: Experiment, run: Path) -> Iterator[tuple[str, str, str]]:
    """Yield role, path and SHA-256 of each file that the experiment reads, and of its models.

    A path is relative to the run directory, so that both may be moved together.
    """
    config, at = experiment.config, experiment.path
    yield "experiment", _from(run, at), experiment.sha256
    files = {
        "data.train": [config.data.train.file],
        "data.evaluation": [config.data.evaluation.file],
        "data.responses": config.data.responses,
        "agreement.probes": config.agreement.probes if config.agreement else (),
    }
    for role, names in files.items():
        for name in names:
            path = Path(resolve(at, name))
            yield role, _from(run, path), file_hash(path)
    for source_name, source in experiment.sources.items():
        known = dict(source.info.files)
        options = experiment.sources.options(source_name) if source.info.kind == "human" else {}
        for key in ("file", "store"):
            if isinstance(of := options.get(key), str) and Path(of).is_file():
                known.setdefault(of, file_hash(Path(of)))
        for named, sha256 in known.items():
            yield f"sources.{source_name}", _from(run, Path(named)), sha256
    beside = at.parent / config.policy.model
    yield (
        "policy.model",
        _from(run, beside) if beside.is_dir() else config.policy.model,
        experiment.weights,
    )
    for arm, weights in critics_of(config, at).items():
        if critic := folder_of(config.arms[arm], at):
            yield f"arms.{arm}", _from(run, critic), weights


def _from(run: Path, path: Path) -> str:
    return Path(os.path.relpath(path.resolve(), run.resolve())).as_posix()


def tables_of(run: Made) -> dict[str, SealedTable]:
    """Return the rows that a run stands on, by table and key."""
    experiment, folder = run.experiment, run.directory.path
    manifest, trained = run.directory.manifest(), run.trainings()
    tables: dict[str, SealedTable] = {
        "manifest.json": {k: plain(v) for k, v in manifest.items() if k not in UNSEALED},
        "run": _run_row(run),
        "sources": {name: _source_row(one) for name, one in experiment.sources.items()},
        "items/train": _by_id(experiment.train),
        "items/evaluation": _by_id(experiment.evaluation),
        "label uses": by_number(asdict(use) for use in run.uses),
        "probes": by_number(read_json(Path(name)) for name in experiment.probes),
        "trainings": {
            **{f"{a} {s}": {"watched": one.watched} for (a, s), one in trained.policies.items()},
            **{f"{a} {s}": {"why": list(why)} for (a, s), why in trained.failed.items()},
        },
        "responses/train.jsonl": _by_id(run.responses()),
    }
    for (name, seed), found in run.evaluation().responses.items():
        tables[f"responses/evaluation-{name}-seed{seed}.jsonl"] = _by_id(found)
    for scope, one in run.asked.items():
        tables[f"journal/{scope}"] = judgment_table(one.requests, one.judgments)
    tables["journal/replies"] = run.journal.reply_hashes()
    for one_training in trained.policies.values():
        tables |= _training_tables(folder, one_training)
    tables["files"] = {name: file_hash(folder / name) for name in table_files(folder)}
    for role, path, sha256 in inputs_of(experiment, folder):
        if role not in ("policy.model",) and not role.startswith("arms."):
            tables[f"input/{path}"] = lines_of_file(folder / path, sha256)
    return tables


def _run_row(run: Made) -> SealedTable:
    """Return what no table says, and the report does."""
    return {
        "responses were given": run.experiment.responses is not None,
        "in flight, dollars at most": run.journal.left_usd(),
        "unheard": run._unheard(run.judged()),
        "wording": run._wording(),
    }


def _source_row(source: NamedSource) -> dict[str, Any]:
    found: dict[str, Any] = plain(
        {
            "use": source.config.use,
            "way": source.config.way,
            "limit": source.config.limit,
            "scope": source.scope,
            "info": {**asdict(source.info), "files": []},  # by name among the inputs
            "origin": asdict(source.origin),
        }
    )
    return found


def _by_id(records: Sequence[Any]) -> SealedTable:
    return {record.id: plain(to_dict(record)) for record in records}


def place_of(judgment: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a row of judgments is known by in its part of the journal."""
    return tuple(judgment[key] for key in ("request_id", "annotator", "order", "repeat"))


def judgment_table(
    requests: Mapping[str, JudgmentRequest], judgments: Sequence[Judgment]
) -> SealedTable:
    """Return judgments under what they are about, for people to read, and the request's id."""
    table: SealedTable = {}
    for judgment in judgments:
        request = requests[judgment.request_id]
        about = ", ".join(response.id for response in request.responses)
        key = f"{about} of item {request.item.id}, by {judgment.annotator}"
        key += f" in order {judgment.order}" if judgment.order else ""
        key += f", repeat {judgment.repeat}" if judgment.repeat else ""
        table[key if key not in table else f"{key} ({judgment.request_id})"] = plain(
            to_dict(judgment)
        )
    return table


def _training_tables(run: Path, one: TrainedPolicy) -> dict[str, SealedTable]:
    folder = one.checkpoint.parent
    name = folder.relative_to(run).as_posix()
    tables = {
        f"{name}/arm.json": plain(dict(one.result)),
        str(one.result["log"]): by_number(one.log()),
        one.checkpoint.relative_to(run).as_posix(): folder_hashes(one.checkpoint),
    }
    if one.reward_model.is_dir():
        learned = one.reward_model
        tables[learned.relative_to(run).as_posix()] = folder_hashes(learned)
        log = learned.parent / "log.jsonl"
        if log.is_file():
            tables[log.relative_to(run).as_posix()] = by_number(read_log(log))
    return tables


def table_files(run: Path) -> list[str]:
    """Return the names of the files of tables in a run directory."""
    found = [name for name in TABLES if (run / name).is_file()]
    for folder in FOLDERS:
        files = (path for path in (run / folder).glob("*") if path.is_file())
        found += sorted(path.relative_to(run).as_posix() for path in files)
    finished = (run / "policies").glob("*/arm.json")  # also of arms that the experiment had before
    return [*found, *sorted(path.relative_to(run).as_posix() for path in finished)]


def lines_of_file(path: Path, sha256: str) -> SealedTable:
    """Return the lines of an input, or of a large one their hashes; of one that is no text none."""
    found: SealedTable = {"sha256": sha256}
    if not path.is_file():
        return found
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return found
    lines = text.splitlines()
    if len(content) > TEXTS:
        lines = [content_hash(line)[:16] for line in lines]
    return {**found, **by_number(lines)}
