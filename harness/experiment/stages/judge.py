"""Judge: sources are put requests to, and what they say is recorded: ``harness.judge``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.experiment.context import Asked, Asking, Move, StartBar, asking_with, cost_note, no_bar
from harness.experiment.sources import NamedSource, source_by_name
from harness.experiment.wording import wording_notes
from harness.feedback.annotate import annotate
from harness.feedback.contract import TIMEOUT_S
from harness.feedback.requests import build_requests, criterion_for, left_out
from harness.nouns.errors import DataError
from harness.nouns.plain_text import visible
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Way
from harness.records.judgments import in_order, judgment_rows, write_judgments
from harness.records.rows import ItemsOrFile, ResponsesOrFile, items_of, responses_of
from harness.scale_out.loop_thread import run_to_end


@dataclass(frozen=True, slots=True)
class Judged:
    """What a source was asked, and what it said.

    Attributes:
        source: Who.
        requests: What it was asked, on its own scale.
        judgments: What it said, in its own way of judging; failures are among them.
        seconds: Wall time over all tries.
    """

    source: NamedSource
    requests: Sequence[JudgmentRequest]
    judgments: Sequence[Judgment]
    seconds: float = 0.0

    @property
    def cost_usd(self) -> float:
        """What the judgments did cost, in dollars."""
        return sum(judgment.cost_usd for judgment in self.judgments)

    def rows(self) -> list[dict[str, Any]]:
        """Return the judgments as rows of a file, with who gave them."""
        infos = {self.source.name: self.source.info}
        return list(judgment_rows(self.requests, self.judgments, infos))

    def write(self, path: Path) -> None:
        """Write the judgments, with who gave them."""
        name = self.source.name
        write_judgments(path, self.requests, self.judgments, {name: self.source.info})


def requests_of(
    source: NamedSource, items: Sequence[Item], responses: Sequence[Response]
) -> list[JudgmentRequest]:
    """Return what a source is asked before training, on its own scale, up to its limit."""
    criterion = criterion_for(source.info, source.way)
    requests = build_requests(items, responses, source.way, criterion)
    return requests[: source.config.limit]


def check(sources: Iterable[NamedSource], asking: Asking) -> None:
    """Let every source see whether it can work.

    Raises:
        InputError: One of them cannot.
    """
    if asking.recorded is not None:
        return

    async def look() -> None:
        async with replace(asking, processes=1).open() as ctx:
            for source in sources:
                source.source.check(ctx)

    run_to_end(look())


def ask(
    source: NamedSource,
    requests: Sequence[JudgmentRequest],
    asking: Asking,
    bar: StartBar,
    part: str = "",
) -> list[Judgment]:
    """Put requests to a source; what the journal holds of an earlier try is not asked again.

    The judgments come in the order of the requests, however they were made.

    Args:
        source: The feedback source.
        requests: What it is asked.
        asking: Journal, seed and limits.
        bar: For progress; the title says what it is going to cost.
        part: Of the journal: "train", "evaluation", "transport", or none.

    Raises:
        BudgetExceededError: The budget is used up; what was judged is recorded.
        InputError: The source cannot work with this input.
    """
    scope = f"{part}/{source.scope}" if part else source.scope

    async def asked() -> list[Judgment]:
        async with asking.open() as ctx:
            left = "" if asking.journal is None else asking.journal.marks.note()
            if left:  # a line of its own, also where no bars are shown
                sys.stderr.write(f"{left}\n")
            note = cost_note(source, requests, ctx)
            verb = _VERBS.get(part, "judges")
            title, done = f"{source.name} {verb}{note and f' ({note})'}", set[str]()
            moves: list[Move] = []

            def begin() -> None:
                """Start the bar at what is done, once that is read."""
                moves.append(bar(title, len(requests)))
                if done:
                    moves[0](len(done), kept=True)

            def on_judgment(judgment: Judgment, is_new: bool) -> None:
                if judgment.request_id not in done:
                    done.add(judgment.request_id)
                    if is_new:
                        moves[0](1)

            return await annotate(
                source.source, requests, ctx, asking.journal, scope, on_judgment, begin
            )

    said = run_to_end(asked()) if asking.recorded is None else asking.recorded(scope, requests)
    found = in_order(requests, said)
    noted = asking.asked.setdefault(scope, Asked(source.name, source.info.version))
    noted.note(requests, found)
    return found


_VERBS = {
    "evaluation": "evaluates",
    "transport": "judges again",
    "same rule": "is held against the training",
}
"""What a source does in a part of a run."""


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """How a source judges.

    Args:
        options: Of the source.
        way: pointwise, pairwise or listwise; by default what the source can do, pairs first.
        name: Of the source on its judgments; the plugin's by default.
        limit: At most this many requests are put to it, the first ones.
        seed: Decides which response a judge sees first.
        concurrency: Requests in flight at once.
        budget: Stop before spending more, in dollars; what the journal holds counts.
        journal: File that keeps judgments, so that the same call makes only those that miss.
        timeout_s: Seconds for one response, of verifiers that have no limit of their own.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    way: Way | None = None
    name: str | None = None
    limit: int | None = None
    seed: int = 0
    concurrency: int = 32
    budget: float | None = None
    journal: str | Path | None = None
    timeout_s: float = TIMEOUT_S


_NOTHING: Mapping[Way, str] = {
    "pointwise": "the file holds no response to these items",
    "pairwise": "pairs are two different responses to an item",
    "listwise": "a list has three or more different responses to an item",
}


def judge(
    source: str,
    items: ItemsOrFile,
    responses: ResponsesOrFile,
    settings: JudgeSettings | None = None,
    bar: StartBar = no_bar,
) -> Judged:
    """Put responses to a feedback source.

    Args:
        source: Name of the plugin's source; ``harness plugins`` lists them.
        items: What was asked.
        responses: What is judged: one by one, as pairs of neighbours of an item, or all of it.
        settings: Options of the source, way, seed and limits.
        bar: For progress.

    Returns:
        What was asked and what was said; failures are among the judgments, with their status.

    Raises:
        PluginError: There is no such source, or its options are wrong.
        ConfigError: It cannot judge that way.
        DataError: A table cannot be read, or there is nothing to judge.
        BudgetExceededError: The budget is used up; what was judged is in the journal.
    """
    settings = settings or JudgeSettings()
    named = source_by_name(source, settings.options, settings.way, settings.name, settings.limit)
    requests = requests_of_tables(named, items, responses)
    with asking_as(settings, named) as asking:
        return Judged(named, requests, ask(named, requests, asking, bar))


def requests_of_tables(
    named: NamedSource, items: ItemsOrFile, responses: ResponsesOrFile
) -> list[JudgmentRequest]:
    """Return what a source is asked of tables; what makes no pair is told on standard error.

    Raises:
        DataError: A table cannot be read, or there is nothing to judge.
    """
    asked = items_of(items)
    given = responses_of(responses, asked)
    requests = requests_of(named, asked, given)
    if named.way == "pairwise" and (line := left_out(asked, given)):
        sys.stderr.write(f"{line}\n")
    if not requests:
        raise DataError(
            "there is nothing to judge",
            where=str(responses) if isinstance(responses, str | Path) else "",
            hint=_NOTHING[named.way],
        )
    return requests


@contextmanager
def asking_as(settings: JudgeSettings, named: NamedSource) -> Iterator[Asking]:
    """Open what a source is asked with, once it is seen that it can work; warn of its wording."""
    limits = settings.seed, settings.concurrency, settings.budget, settings.timeout_s
    sys.stderr.writelines(f"warning: {visible(line)}\n" for line in wording_notes([named]))
    with asking_with(settings.journal, *limits) as asking:
        check([named], asking)
        yield asking
