"""``harness respond``: sample a policy or ask a chat model, with no experiment file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    model: Annotated[
        str,
        typer.Option(
            help="Folder of a checkpoint or of a LoRA adapter, or a hub id; or with --chat a"
            " model as litellm names it."
        ),
    ],
    items: Annotated[Path, typer.Option(help="JSONL file of items.")],
    out: Annotated[Path, typer.Option(help="JSONL file to write the responses to.")],
    per_item: Annotated[int, typer.Option(min=1, help="Responses for each item.")] = 1,
    system: Annotated[
        str | None,
        typer.Option(help="Name of the policy on its responses; the model's by default."),
    ] = None,
    temperature: Annotated[float, typer.Option(min=0.0, help="Sampling temperature.")] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Upper limit of a response.")] = 256,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of the sampling, 0 by default; with --chat sent only where it is given,"
            " since some providers take none."
        ),
    ] = None,
    chat: Annotated[
        bool, typer.Option("--chat", help="Ask through an API or local/<name>.")
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(min=0, help="With --chat: stop before spending more, in dollars."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Sample responses to items.

    With --chat every reply is kept in OUT.journal.sqlite, so that the same command pays only for
    what is missing; delete that file to ask anew. --budget counts what it holds as spent.
    """
    import asyncio
    from dataclasses import replace

    from harness.cli.screen import advance, console, progress
    from harness.experiment.context import open_context
    from harness.nouns.errors import ConfigError
    from harness.nouns.schema import Response
    from harness.policy.respond import ask_model, sample_policy
    from harness.policy.sampling import Sampling
    from harness.records.journal import Journal
    from harness.records.rows import read_items
    from harness.records.writes import write_jsonl

    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder", hint="name a JSONL file in it")
    if budget is not None and not chat:
        raise ConfigError("--budget is for --chat; a policy of your own costs nothing")
    all_items = read_items(items)
    total = len(all_items) * per_item

    sampling = Sampling(temperature, max_new_tokens, seed, per_item)

    async def ask() -> list[Response]:
        with (
            Journal(out.with_name(out.name + ".journal.sqlite")) as journal,
            progress(quiet) as bars,
        ):
            async with open_context(journal, seed=seed or 0, budget_usd=budget) as ctx:
                ctx.chat.check(model)
                move = advance(bars, "asking", total)
                return await ask_model(ctx.chat, model, all_items, sampling, on_batch=move)

    if chat:
        found = asyncio.run(ask())
    else:
        with progress(quiet) as bars:
            move = advance(bars, "sampling", total)
            found = sample_policy(model, all_items, sampling, system=system or model, on_batch=move)
    if system:
        found = [replace(response, system=system) for response in found]
    write_jsonl(out, found)
    failed = sum(r.metadata.get("status", "ok") != "ok" for r in found)
    console().print(f"{len(found) - failed} of {len(found)} responses, in {out}")
