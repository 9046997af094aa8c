"""``harness judge``: put responses to any source, with no experiment file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import (
    Answers,
    Asking,
    OneSource,
    Seed,
    Verifying,
    checked_way,
    filled,
    key_values,
    one_object,
)
from harness.nouns.counted import counted


@dataclass(frozen=True, kw_only=True)
class Options(OneSource, Answers, Asking, Verifying):
    """What ``harness judge`` is given.

    Args:
        out: JSONL file to write the judgments to.
        way: pointwise, pairwise or listwise (all responses of an item are ranked); by default what
            the source can do.
        name: Name of the source on its judgments; the plugin's by default.
        limit: Put only so many requests to the source, the first ones.
        seed: Decides which response a judge sees first.
    """

    out: Path
    way: str | None = None
    name: str | None = None
    limit: Annotated[int | None, typer.Option(min=1)] = None
    seed: Seed = 0


@one_object
def command(options: Options) -> None:
    """Judge responses with one source; judgments of an earlier try are kept and not made again.

    They are kept in OUT.journal.sqlite, which --budget counts as spent; delete both files to judge
    anew. Exits with 1 when no verdict came, and says why.
    """
    from collections import Counter

    from harness.cli.nothing import tell_failures
    from harness.cli.screen import bars, console
    from harness.experiment.stages.judge import JudgeSettings, judge
    from harness.ratings.positions import position_of
    from harness.records.journal import journal_beside
    from harness.report.tables import Column, Table
    from harness.report.terminal import show
    from harness.report.verdicts import verdicts

    settings = filled(
        JudgeSettings,
        options,
        options=key_values(options.option),
        way=checked_way(options.way, lists=True),
        journal=journal_beside(options.out),
        timeout_s=options.timeout,
    )
    with bars(options.quiet) as bar:
        judged = judge(options.source, options.items, options.responses, settings, bar)
    judged.write(options.out)
    total, screen = len(judged.judgments), console()
    counts = Counter(judgment.verdict.status.value for judgment in judged.judgments).most_common()
    columns = "status", Column("judgments", "count"), Column("share", "percent")
    show(screen, Table("", columns, [(status, n, n / total) for status, n in counts]))
    source = judged.source
    if said := verdicts(judged.judgments, source.way, source.source.info.scale):
        show(screen, said)
    if source.way == "pairwise" and (position := position_of(judged.judgments)).pairs:
        screen.print(position.line(), markup=False)
    screen.print(
        f"{counted(len(judged.requests), 'request')}, {counted(total, 'judgment')},"
        f" ${judged.cost_usd:.4f}, in {options.out}"
    )
    tell_failures(screen, {"judgments": judged})
