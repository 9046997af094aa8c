"""``harness revise``: critique -> revision chains that yield a set for supervised training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Answers, Asking, Seed, filled, one_object
from harness.nouns.counted import counted


@dataclass(frozen=True, kw_only=True)
class Options(Answers, Asking):
    """What ``harness revise`` is given.

    Args:
        out: JSONL file to write: prompt and completion.
        model: Model that criticises and revises.
        constitution: Constitution: an id, or a YAML file.
        rounds: Rounds of critique and revision.
        api_base: Address of an OpenAI-compatible server.
        temperature: Sampling temperature.
        max_tokens: Limit of each answer; a revision that it cuts is left out.
        seed: Decides which principles are drawn.
    """

    out: Path
    model: str = "local/smollm2-135m-instruct"
    constitution: str = "house"
    rounds: Annotated[int, typer.Option(min=1)] = 1
    api_base: str | None = None
    temperature: Annotated[float, typer.Option(min=0)] = 0.0
    max_tokens: Annotated[int, typer.Option(min=1)] = 256
    seed: Seed = 0

    @property
    def chains(self) -> Path:
        """Where the critiques go."""
        return self.out.with_name(f"{self.out.name}.chains.jsonl")

    def besides(self) -> list[tuple[str, Path]]:
        """Return what is written besides --out."""
        return [("the chains of --out", self.chains)]


@one_object
def command(options: Options) -> None:
    """Improve responses by the principles of a constitution (constitutional AI, first stage).

    Besides the training set, every chain with its critiques goes to OUT.chains.jsonl. Calls that
    were paid for are kept in OUT.journal.sqlite, so that the same command goes on after a stop.
    """
    from collections import Counter

    from harness.cli.nothing import refuse_nothing
    from harness.cli.screen import bars, console
    from harness.experiment.context import asking_with
    from harness.experiment.failures import failures_of
    from harness.experiment.stages.revise import find_constitution, revise
    from harness.judging.revision import Revising, sft_rows
    from harness.records.journal import journal_beside
    from harness.records.rows import read_items, read_responses
    from harness.records.writes import write_jsonl
    from harness.report.tables import Column, Table
    from harness.report.terminal import show

    settings = filled(
        Revising,
        options,
        constitution=find_constitution(options.constitution),
        extra={"api_base": options.api_base} if options.api_base else {},
    )
    items = read_items(options.items)
    responses = read_responses(options.responses, items)
    limits = options.seed, options.concurrency, options.budget
    with (
        asking_with(journal_beside(options.out), *limits) as asking,
        bars(options.quiet) as bar,
    ):
        chains = revise(items, responses, settings, asking, bar)
    rows = sft_rows(chains)
    write_jsonl(options.out, rows)
    write_jsonl(options.chains, (chain.as_row() for chain in chains))
    counts = Counter(chain.ended for chain in chains).most_common()
    show(console(), Table("", ("chains", Column("count", "count")), counts))
    cost = sum(chain.cost_usd for chain in chains)
    console().print(
        f"{counted(len(rows), 'row')} of {counted(len(chains), 'response')},"
        f" ${cost:.4f}, in {options.out}"
    )
    ended = [(chain.status.value, chain.reason) for chain in chains]
    for line in failures_of(ended).told_reasons():
        console().print(line, soft_wrap=True)
    refuse_nothing("chains", ended)
