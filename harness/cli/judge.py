"""``harness judge``: put responses to any source, with no experiment file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    source: Annotated[str, typer.Option(help="Name of the source; see harness plugins.")],
    items: Annotated[Path, typer.Option(help="JSONL file of items.")],
    responses: Annotated[Path, typer.Option(help="JSONL file of responses.")],
    out: Annotated[Path, typer.Option(help="JSONL file to write the judgments to.")],
    option: Annotated[
        list[str] | None, typer.Option(help="Option of the source, key=value; repeatable.")
    ] = None,
    way: Annotated[
        str | None, typer.Option(help="pointwise or pairwise; by default what the source can do.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides which response a judge sees first.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests in flight at once.")] = 32,
    budget: Annotated[
        float | None, typer.Option(min=0, help="Stop before spending more, in dollars.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Judge responses with one source; judgments of an earlier try are kept and not made again.

    They are kept in OUT.journal.sqlite, which --budget counts as spent; delete that file to judge
    anew.
    """
    import asyncio
    from collections import Counter

    from rich.table import Table

    from harness.cli.options import checked_way, key_values
    from harness.cli.screen import advance, console, progress
    from harness.experiment.config import SourceConfig
    from harness.experiment.context import cost_note, open_context
    from harness.experiment.sources import NamedSource
    from harness.feedback.annotate import annotate
    from harness.feedback.requests import build_requests, criterion_for
    from harness.nouns.errors import ConfigError, DataError
    from harness.nouns.schema import Judgment
    from harness.records.journal import Journal
    from harness.records.rows import read_items, read_responses, to_dict
    from harness.records.writes import write_jsonl
    from harness.registry import registry

    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder", hint="name a JSONL file in it")
    factory = registry().source(source)
    options = key_values(option)
    config = SourceConfig(use=source, options=options, way=checked_way(way))
    origin = registry().origins[source]
    named = NamedSource(source, config, factory.build(options), origin)
    if named.way not in named.info.takes:
        raise ConfigError(
            f"source {source} cannot judge {named.way}",
            hint=f"it can judge {', '.join(named.info.takes)}",
        )
    all_items = read_items(items)
    criterion = criterion_for(named.info, named.way)
    requests = build_requests(all_items, read_responses(responses, all_items), named.way, criterion)
    if not requests:
        raise DataError(
            "there is nothing to judge",
            where=str(responses),
            hint="pairs are two different responses to an item"
            if named.way == "pairwise"
            else "the file holds no response to these items",
        )
    journal_path = out.with_name(out.name + ".journal.sqlite")

    async def judge_all() -> list[Judgment]:
        with Journal(journal_path) as journal, progress(quiet) as bars:
            async with open_context(
                journal, seed=seed, concurrency=concurrency, budget_usd=budget
            ) as ctx:
                named.source.check(ctx)
                note = cost_note(named, requests, ctx)
                if note and not quiet:
                    bars.console.print(note)
                move = advance(bars, f"{source} judges", len(requests))
                seen: set[str] = set()

                def on_judgment(judgment: Judgment) -> None:
                    if judgment.request_id not in seen:
                        seen.add(judgment.request_id)
                        move(1)

                found = await annotate(
                    named.source, requests, ctx, journal, named.scope, on_judgment
                )
                move(len(requests) - len(seen))
                return found

    judgments = asyncio.run(judge_all())
    by_id = {request.id: request for request in requests}
    order = {request.id: index for index, request in enumerate(requests)}
    rows = [
        {
            **to_dict(judgment),
            "item_id": by_id[judgment.request_id].item.id,
            "response_ids": [r.id for r in by_id[judgment.request_id].responses],
        }
        for judgment in sorted(judgments, key=lambda j: (order[j.request_id], j.order, j.repeat))
    ]
    write_jsonl(out, rows)
    statuses = Counter(judgment.verdict.status.value for judgment in judgments)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("status")
    table.add_column("judgments", justify="right")
    table.add_column("share", justify="right")
    for status, count in statuses.most_common():
        table.add_row(status, str(count), f"{100 * count / len(judgments):.1f}%")
    screen = console()
    screen.print(table)
    cost = sum(judgment.cost_usd for judgment in judgments)
    screen.print(f"{len(requests)} requests, {len(judgments)} judgments, ${cost:.4f}, in {out}")
