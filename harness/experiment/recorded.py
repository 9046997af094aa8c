"""A finished run read again from its rows: nobody is asked, nothing sampled, trained or written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.experiment.config import RunConfig, SourceConfig
from harness.experiment.context import Asking, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.once import once
from harness.experiment.run import Run
from harness.experiment.sealed import told_of
from harness.experiment.sources import NamedSource
from harness.experiment.stages.agree import Agreement, agreement_of
from harness.experiment.stages.evaluate import Responses
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.report import IN_MANIFEST
from harness.experiment.stages.train import Trained, TrainedPolicy
from harness.feedback.contract import RunContext
from harness.nouns.errors import DataError
from harness.nouns.scale import Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo
from harness.records.label_uses import LabelUse
from harness.records.rows import item_from, judgment_from, read_json, response_from, to_dict
from harness.records.run_directory import RunDirectory
from harness.records.seal import SealedTable, plain
from harness.records.writes import write_json
from harness.registry import Origin


@dataclass(frozen=True, slots=True)
class Silent:
    """A source that says nothing any more."""

    info: SourceInfo

    def check(self, ctx: RunContext) -> None:
        """It needs nothing."""

    def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        """Refuse: nobody is asked.

        Raises:
            DataError: Always.
        """
        raise DataError(f"{self.info.name} was asked, where only what it said before counts")


@dataclass(frozen=True, slots=True)
class RecordedSource(NamedSource):
    """A source as a run had it."""

    recorded_scope: str = ""

    @property
    def scope(self) -> str:
        """Part of the journal that holds its judgments."""
        return self.recorded_scope


@dataclass(frozen=True, slots=True)
class _Stopped:
    """The clock of a run that is over."""

    seconds: Mapping[str, float] = field(default_factory=dict)

    def source(self, name: str) -> AbstractContextManager[None]:
        """Count nothing."""
        return nullcontext()

    def seconds_of(self, name: str) -> float:
        """Return the seconds of a source over all tries."""
        return float(self.seconds.get(name, 0.0))


class Recorded(Run):
    """The tables of a finished run, computed again from its rows; ``made`` holds them by file.

    Args:
        directory: Of the run.
        sealed: The rows that its seal holds.
        stored: The rows that lie in the directory now, by the same names.

    Raises:
        DataError: The rows are none of a run.
    """

    def __init__(
        self,
        directory: RunDirectory,
        sealed: Mapping[str, SealedTable],
        stored: Mapping[str, SealedTable],
    ) -> None:
        self.directory = directory
        self.sealed, self.stored = sealed, stored
        self.made: dict[str, Any] = {}
        self.uses: Sequence[LabelUse] = ()
        self.experiment = experiment_of(sealed, stored)
        manifest = stored["manifest.json"]
        self._clock = _Stopped(manifest.get("source_seconds") or {})  # type: ignore[assignment]
        self._bar, self._shown = no_bar, None
        seed = self.experiment.config.seeds[0]
        self._asking = Asking(None, seed, processes=1, recorded=self._recorded)
        self._tables: dict[tuple[Any, ...], Any] = {}

    def _recorded(self, scope: str, requests: Sequence[JudgmentRequest]) -> list[Judgment]:
        """Return what was said of requests.

        Raises:
            DataError: Nothing is recorded of some, or a row is no judgment.
        """
        asked = {request.id for request in requests}
        rows = self.stored.get(f"journal/{scope}", {})
        try:
            said = [judgment_from(row) for row in rows.values()]
        except ValueError as error:
            raise DataError(f"a judgment of {scope} cannot be read: {error}") from error
        found = [judgment for judgment in said if judgment.request_id in asked]
        if lost := asked - {judgment.request_id for judgment in found}:
            lacking = [request for request in requests if request.id in lost]
            about = ", ".join(response.id for response in lacking[0].responses)
            raise DataError(
                f"{len(lost)} of {len(asked)} requests to {scope.split('/')[1]} have no judgment,"
                f" such as that on {about} of item {lacking[0].item.id}: texts or rows are others"
            )
        return found

    def _keep(self, name: str, table: Mapping[str, Any]) -> None:
        self.made[name] = plain(table)

    def _keep_rows(self, name: str, rows: Iterable[Any], private: bool = False) -> None:
        found = (row if isinstance(row, Mapping) else to_dict(row) for row in rows)
        self.made[name] = [plain(row) for row in found]

    def begin(self) -> None:
        """Nothing begins."""

    def look(self) -> list[str]:
        """Nobody is asked."""
        return []

    @once
    def responses(self) -> list[Response]:
        """Return the base policy's responses to the training items."""
        return _responses(self.stored, "responses/train.jsonl")

    def _unheard(self, judged: Mapping[str, Judged]) -> list[str]:
        return list(self.sealed["run"]["unheard"])

    def _wording(self) -> list[str]:
        return list(self.sealed["run"]["wording"])

    @once
    def judged(self) -> Mapping[str, Judged]:
        """Return what each source said that takes part in training or agreement."""
        return {name: self.judgments(name) for name in self._needed()}

    @once
    def agreement(self) -> Agreement | None:
        """Return how well the sources agree with people."""
        config, arms = self.experiment.config.agreement, self.experiment.config.arms.values()
        if config is None:
            return None
        rows = self.sealed["label uses"].values()
        tuples = ("about", "items", "annotators")
        self.uses = [LabelUse(**{**row, **{k: tuple(row[k]) for k in tuples}}) for row in rows]
        judged = list(self.judged().values())
        with TemporaryDirectory() as folder:
            probes = [Path(folder) / f"{n}.json" for n in range(len(self.sealed["probes"]))]
            for path, content in zip(probes, self.sealed["probes"].values(), strict=True):
                write_json(path, content)
            found = agreement_of(self.pairs(), judged, config, arms, self.uses, probes)
        self._keep("agreement.json", found.as_row())
        return found

    @once
    def trainings(self) -> Trained:
        """Return the trainings that finished, and why others did not."""
        policies, failed = {}, {}
        for key, row in self.sealed["trainings"].items():
            arm, _, number = key.rpartition(" ")
            if "why" in row:
                failed[arm, int(number)] = list(row["why"])
                continue
            result = self.stored[f"policies/{arm}-seed{number}/arm.json"]
            policies[arm, int(number)] = TrainedPolicy(
                arm, int(number), result, self.directory.path, row["watched"]
            )
        return Trained(policies, failed)

    def _held_out(self) -> Responses:
        start, end = "responses/evaluation-", ".jsonl"
        found: dict[tuple[str, int], Sequence[Response]] = {}
        for name in self.sealed:
            if name.startswith(start):
                policy, _, seed = name[len(start) : -len(end)].rpartition("-seed")
                found[policy, int(seed)] = _responses(self.stored, name)
        return found

    def _ranked(self) -> Mapping[tuple[str, int], Mapping[str, Any]]:
        found = {}
        for one in self.trainings().policies.values():
            path = self.directory.path / "reward_models" / f"{one.arm}-seed{one.seed}.json"
            name = path.relative_to(self.directory.path).as_posix()
            if name in self.sealed["files"] and self.experiment.config.evaluation.monitor:
                if one.result.get("reward_model"):
                    found[one.arm, one.seed] = read_json(path)
        return found

    def _finish(self, sources: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
        left = float(self.sealed["run"]["in flight, dollars at most"])
        replies = [
            self.stored["journal/replies"][key]
            for key in self.sealed["journal/replies"]
            if key in self.stored["journal/replies"]
        ]
        # as SQLite adds them up
        spent = sum(row["cost_usd"] for row in replies if isinstance(row, Mapping))
        found = {
            "cost_usd": float(spent) + left,
            "sources": {row["name"]: {key: row[key] for key in IN_MANIFEST} for row in sources},
            **told_of(self),
        }
        self.made["manifest.json"] = plain(found)
        return self.directory.manifest()


def experiment_of(
    sealed: Mapping[str, SealedTable], stored: Mapping[str, SealedTable]
) -> Experiment:
    """Return the experiment of a run as its rows say it.

    Raises:
        DataError: They do not.
    """
    try:
        manifest = sealed["manifest.json"]
        config = _config(manifest["experiment"])
        sources = {name: _source(name, config, row) for name, row in sealed["sources"].items()}
        train, evaluation = (_items(sealed[f"items/{part}"]) for part in ("train", "evaluation"))
        given = sealed["run"]["responses were given"]
        return Experiment(
            config,
            Path(str(manifest["name"])),
            manifest["experiment_sha256"],
            sources,  # type: ignore[arg-type]
            train,
            evaluation,
            manifest["policy_weights"],
            tuple(_responses(stored, "responses/train.jsonl")) if given else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"the rows are none of a run: {error!r:.300}") from error


def _config(written: Mapping[str, Any]) -> RunConfig:
    """Return the experiment as the manifest has it, whose sources have the tables of people."""
    data = written["data"]
    people = {*data.get("labels", {}), *data.get("preferences", {})}
    sources = {name: one for name, one in written["sources"].items() if name not in people}
    order = list(written["sources"])
    config = RunConfig.model_validate({**written, "sources": sources})
    return config.model_copy(update={"sources": {name: config.sources[name] for name in order}})


def _source(name: str, config: RunConfig, row: Mapping[str, Any]) -> RecordedSource:
    info = row["info"]
    scale = info["scale"] and Scale(**{**info["scale"], "labels": tuple(info["scale"]["labels"])})
    known = SourceInfo(
        **{
            **info,
            "scale": scale,
            "takes": tuple(info["takes"]),
            "models": tuple(info["models"]),
            "files": tuple(tuple(file) for file in info["files"]),
        }
    )
    asked = SourceConfig(
        use=row["use"], options=config.sources[name].options, way=row["way"], limit=row["limit"]
    )
    return RecordedSource(name, asked, Silent(known), Origin(**row["origin"]), row["scope"])


def _items(rows: SealedTable) -> tuple[Item, ...]:
    return tuple(item_from(row) for row in rows.values())


def _responses(stored: Mapping[str, SealedTable], name: str) -> list[Response]:
    """Return the responses of a table.

    Raises:
        DataError: A row is no response.
    """
    try:
        return [response_from(row) for row in stored[name].values()]
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"a row is no response: {error}", where=name) from error
