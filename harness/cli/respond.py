"""``harness respond``: sample a policy or ask a chat model, with no experiment file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    model: Annotated[
        str,
        typer.Option(
            help="Folder of a checkpoint or a hub id; or with --chat a model as litellm names it."
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
    seed: Annotated[int, typer.Option(help="Seed of the sampling.")] = 0,
    chat: Annotated[
        bool, typer.Option("--chat", help="Ask through an API or local/<name>.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Sample responses to items."""
    import asyncio
    from dataclasses import replace

    from harness.cli.screen import advance, console, progress
    from harness.pipeline.context import open_context
    from harness.records import read_items, write_jsonl
    from harness.respond import ask_model, sample_policy
    from harness.schema import Response
    from harness.store import Journal

    all_items = read_items(items)
    total = len(all_items) * per_item

    async def ask() -> list[Response]:
        with (
            Journal(out.with_name(out.name + ".journal.sqlite")) as journal,
            progress(quiet) as bars,
        ):
            async with open_context(journal, seed=seed) as ctx:
                ctx.chat.check(model)
                return await ask_model(
                    ctx.chat, model, all_items, per_item=per_item, temperature=temperature,
                    max_tokens=max_new_tokens, on_batch=advance(bars, "asking", total),
                )  # fmt: skip

    if chat:
        found = asyncio.run(ask())
    else:
        with progress(quiet) as bars:
            found = sample_policy(
                model, all_items, system=system or model, per_item=per_item, seed=seed,
                temperature=temperature, max_new_tokens=max_new_tokens,
                on_batch=advance(bars, "sampling", total),
            )  # fmt: skip
    if system:
        found = [replace(response, system=system) for response in found]
    write_jsonl(out, found)
    failed = sum(r.metadata.get("status", "ok") != "ok" for r in found)
    console().print(f"{len(found) - failed} of {len(found)} responses, in {out}")
