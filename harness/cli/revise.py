"""``harness revise``: critique -> revision chains that yield a set for supervised training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.nouns.errors import InputError


def command(
    items: Annotated[Path, typer.Option(help="JSONL file of items.")],
    responses: Annotated[Path, typer.Option(help="JSONL file of responses to improve.")],
    out: Annotated[Path, typer.Option(help="JSONL file to write: prompt and completion.")],
    model: Annotated[
        str, typer.Option(help="Model that criticises and revises.")
    ] = "local/smollm2-135m-instruct",
    constitution: Annotated[
        str, typer.Option(help="Constitution: an id, or a YAML file.")
    ] = "house",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of critique and revision.")] = 1,
    api_base: Annotated[
        str | None, typer.Option(help="Address of an OpenAI-compatible server.")
    ] = None,
    temperature: Annotated[float, typer.Option(min=0, help="Sampling temperature.")] = 0.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Limit of each answer.")] = 256,
    seed: Annotated[int, typer.Option(help="Decides which principles are drawn.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, help="Chains at once.")] = 32,
    budget: Annotated[
        float | None, typer.Option(min=0, help="Stop before spending more, in dollars.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Improve responses by the principles of a constitution (constitutional AI, first stage).

    Besides the training set, every chain with its critiques goes to OUT.chains.jsonl. Calls that
    were paid for are kept in OUT.journal.sqlite, so that the same command goes on after a stop.
    """
    import asyncio
    from collections import Counter

    from rich.table import Table

    from harness.chat import Client
    from harness.cli.screen import advance, console, progress
    from harness.judging.revision import Chain, revise, sft_rows, usable
    from harness.nouns.rubric import Constitution
    from harness.records.journal import Journal
    from harness.records.rows import read_items, read_responses
    from harness.records.writes import write_jsonl
    from harness.registry import find_rubric

    found = find_rubric(constitution)
    if not isinstance(found, Constitution):
        raise InputError(f"{constitution} is a rubric, not a constitution")
    usable(found)
    all_items = read_items(items)
    all_responses = read_responses(responses, all_items)
    extra: dict[str, object] = {"api_base": api_base} if api_base else {}

    async def go() -> list[Chain]:
        with (
            Journal(out.with_name(out.name + ".journal.sqlite")) as journal,
            progress(quiet) as bars,
        ):
            async with Client(journal, budget_usd=budget, concurrency=concurrency) as chat:
                chat.check(model, extra)
                move = advance(bars, "revise", len(all_responses))
                return await revise(
                    chat,
                    model,
                    all_items,
                    all_responses,
                    found,
                    rounds=rounds,
                    seed=seed,
                    temperature=temperature,
                    max_tokens=max_tokens,
                    extra=extra,
                    concurrency=concurrency,
                    on_chain=lambda _: move(1),
                )

    chains = asyncio.run(go())
    rows = sft_rows(chains)
    write_jsonl(out, rows)
    write_jsonl(out.with_name(out.name + ".chains.jsonl"), (chain_row(c) for c in chains))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("chains")
    table.add_column("count", justify="right")
    ended = Counter(
        ("revised" if c.changed else "unchanged") if c.status.value == "ok" else c.status.value
        for c in chains
    )
    for name, count in ended.most_common():
        table.add_row(name, str(count))
    screen = console()
    screen.print(table)
    cost = sum(chain.cost_usd for chain in chains)
    screen.print(f"{len(rows)} rows of {len(chains)} responses, ${cost:.4f}, in {out}")


def chain_row(chain: object) -> dict[str, object]:
    """Return a chain as one JSON row."""
    from dataclasses import asdict

    from harness.judging.revision import Chain

    assert isinstance(chain, Chain)
    return {
        "item_id": chain.item.id,
        "response_id": chain.response.id,
        "before": chain.response.text,
        "after": chain.text,
        "status": chain.status.value,
        "reason": chain.reason,
        "steps": [asdict(step) for step in chain.steps],
        "cost_usd": chain.cost_usd,
    }
