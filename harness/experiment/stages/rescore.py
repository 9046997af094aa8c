"""Rescore: what changed verifiers, readers, rubrics or judges say of what a run has stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.agreement.rescoring import Rescored, rescored
from harness.chat.ledger import Ledger
from harness.chat.recorded import NOT_RECORDED, RecordedChat
from harness.experiment.context import Asking, StartBar, cost_note, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.sources import NamedSource
from harness.experiment.stages.evaluate import requests_to
from harness.experiment.stages.judge import requests_of
from harness.experiment.stages.respond import BASE
from harness.feedback.annotate import annotate, on_scale
from harness.feedback.contract import RunContext
from harness.feedback.failures import PASS_THROUGH, verdict_of_exception
from harness.feedback.judge import BETWEEN, JudgeSource, unswap
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest
from harness.records.journal import JOURNAL, Journal
from harness.records.rows import read_responses
from harness.records.run_directory import RunDirectory
from harness.scale_out.loop_thread import run_to_end

Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class RescoreSettings:
    """How the judgments of a run are made again.

    Args:
        sources: Names; by default every source of the experiment but people.
        readers: Read what judges said again, whatever their prompts are now, and nothing else.
        ask: Whether a judge may be asked what no recorded reply answers.
        budget: Dollars that the run may have cost in all.
        concurrency: Requests in flight at once.
    """

    sources: Sequence[str] = ()
    readers: bool = False
    ask: bool = False
    budget: float | None = None
    concurrency: int = 32


def rescore(
    run: str | Path,
    experiment: str | Path,
    settings: RescoreSettings | None = None,
    bar: StartBar = no_bar,
) -> list[Rescored]:
    """Judge the stored responses of a run by its sources as they are now; nothing is sampled.

    The run's judgments stay as they are. Replies that are recorded are read again and not paid for.

    Args:
        run: Directory of the run.
        experiment: Its file, as it is now.
        settings: Which sources, and whether judges may be asked.
        bar: For progress.

    Returns:
        One for each source and part of the run that has recorded judgments.

    Raises:
        ConfigError: A source is not in the experiment, or there is no such judge.
        DataError: The directory is none of a run, or holds no judgment of these sources.
        BudgetExceededError: The budget is used up; what was asked is in the run's journal.
    """
    settings, directory = settings or RescoreSettings(), RunDirectory(Path(run))
    read = Experiment.read(Path(experiment))
    names = [name for name, one in read.sources.items() if one.info.kind != "human"]
    if settings.readers:
        names = [name for name in names if isinstance(read.sources[name].source, JudgeSource)]
    if unknown := sorted(set(settings.sources) - set(names)):
        raise ConfigError(
            f"no source {unknown[0]} that can judge again", hint=f"sources: {', '.join(names)}"
        )
    if not (directory.path / JOURNAL).is_file():
        raise DataError("no journal: it is no directory of a run", where=str(directory.path))
    found = []
    with directory.lock(), Journal(directory.path / JOURNAL) as journal:
        limits = read.config.seeds[0], settings.concurrency, settings.budget
        asking = Asking(journal, *limits, timeout_s=read.config.timeout)
        for name in settings.sources or names:
            source = read.sources[name]
            for part, requests in _requests(read, source, directory.path).items():
                old = _recorded(journal, part, name)
                if old:
                    again = Again(source, requests, old, asking, settings)
                    found.append(again.compared(part, bar))
    if not found:
        raise DataError("no judgment of these sources is recorded", where=str(directory.path))
    return found


def _requests(
    experiment: Experiment, source: NamedSource, run: Path
) -> dict[str, list[JudgmentRequest]]:
    """Return what a source is asked of the stored responses, by the part of the run."""
    folder, found = run / "responses", {}
    train = folder / "train.jsonl"
    if train.is_file():
        responses = read_responses(train, experiment.train)
        found["train"] = requests_of(source, experiment.train, responses)
    items = experiment.evaluation
    stored = {
        (path.stem, 0): read_responses(path, items)
        for path in sorted(folder.glob("evaluation-*.jsonl"), key=lambda p: (BASE not in p.stem, p))
    }
    if stored and "pointwise" in source.info.takes:
        found["evaluation"] = requests_to(source, items, stored)
    return found


def _recorded(journal: Journal, part: str, name: str) -> dict[Place, Judgment]:
    """Return the newest judgment of each presentation, whatever version gave it."""
    scopes = [scope for scope in journal.scopes() if scope.startswith(f"{part}/{name}/")]
    judgments = [one for scope in scopes for one in journal.judgments(scope, name)]
    return {(one.request_id, one.order, one.repeat): one for one in judgments}


@dataclass(frozen=True, slots=True)
class Again:
    """A source that judges again what is recorded of it.

    Args:
        source: The source as it is now.
        requests: What it is asked now.
        old: What is recorded.
        asking: Journal and limits.
        settings: How.
    """

    source: NamedSource
    requests: Sequence[JudgmentRequest]
    old: Mapping[Place, Judgment]
    asking: Asking
    settings: RescoreSettings

    def compared(self, part: str, bar: StartBar = no_bar) -> Rescored:
        """Judge again, and return what changed.

        Args:
            part: Of the run.
            bar: For progress; its title says what new calls cost.
        """
        asked = {request.id: request for request in self.requests}
        old = {place: one for place, one in self.old.items() if place[0] in asked}
        new, cost = run_to_end(self._judged(asked, old, bar))
        pairs = [(one, new[place]) for place, one in old.items() if place in new]
        found = rescored(
            (self.source.name, part),
            self.source.info.version,
            [(one, now) for one, now in pairs if not _is_open(now)],
            {request.id: _prompt(request.item) for request in self.requests},
            gone=len(self.old) - len(pairs),
            left=[one for one, now in pairs if _is_open(now)],
        )
        return replace(found, cost=cost) if found.open else found

    async def _judged(
        self, asked: Mapping[str, JudgmentRequest], old: Mapping[Place, Judgment], bar: StartBar
    ) -> tuple[dict[Place, Judgment], str]:
        """Return what is said now by its place, and what all new calls cost."""
        source = self.source.source
        requests = [asked[name] for name in dict.fromkeys(place[0] for place in old)]
        async with self.asking.open() as ctx:
            note = "" if self.settings.readers else cost_note(self.source, requests, ctx)
            assert self.asking.journal is not None
            if not self.settings.ask:
                ledger = Ledger(self.asking.journal, None)
                ctx = replace(ctx, chat=RecordedChat(ledger))
                if isinstance(source, JudgeSource):
                    move = bar(f"{self.source.name} reads", len(old))
                    found = {}
                    for place, one in old.items():
                        if one.repeat < source.repeats:
                            found[place] = await self._read(source, one, asked[place[0]], ctx)
                        move(1)
                    return found, note
            source.check(ctx)
            move = bar(f"{self.source.name} judges{note and f' ({note})'}", len(old))
            judged = await annotate(source, requests, ctx, on_judgment=lambda *_: move(1))
            return {(one.request_id, one.order, one.repeat): one for one in judged}, note

    async def _read(
        self, source: JudgeSource, old: Judgment, request: JudgmentRequest, ctx: RunContext
    ) -> Judgment:
        """Read what a judge said, by its prompts and readers as they are now."""
        shown = request
        if old.order == "BA":
            shown = replace(request, responses=request.responses[::-1])
        if self.settings.readers:
            assert isinstance(ctx.chat, RecordedChat)
            ctx = replace(ctx, chat=RecordedChat(ctx.chat.ledger, old.raw.split(BETWEEN)))
        try:
            verdict = await source.call(shown, ctx, old.repeat)
            verdict = unswap(verdict) if old.order == "BA" else verdict
        except PASS_THROUGH:
            raise
        except BaseException as error:  # a plugin may raise anything; the row keeps the reason
            verdict = verdict_of_exception(error)
        info = source.info
        new = replace(old, verdict=verdict, source_version=info.version)
        return on_scale(new, request, info)


def _is_open(judgment: Judgment) -> bool:
    """Tell whether a judgment needs a call that was not made."""
    verdict = judgment.verdict
    return verdict.status is Status.MISSING and verdict.rationale == NOT_RECORDED


def _prompt(item: Item) -> str:
    return str(item.metadata.get("cluster", item.id))
