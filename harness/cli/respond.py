"""``harness respond``: sample a policy or ask a chat model, with no experiment file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Shown, filled, one_object


@dataclass(frozen=True, kw_only=True)
class Options(Shown):
    """What ``harness respond`` is given."""

    model: Annotated[
        str,
        typer.Option(
            help="Folder of a checkpoint or of a LoRA adapter, or a hub id; or with --chat a"
            " model as litellm names it."
        ),
    ]
    items: Annotated[Path, typer.Option(help="JSONL file of items.")]
    out: Annotated[Path, typer.Option(help="JSONL file to write the responses to.")]
    per_item: Annotated[int, typer.Option(min=1, help="Responses for each item.")] = 1
    system: Annotated[
        str | None,
        typer.Option(help="Name of the policy on its responses; the model's by default."),
    ] = None
    temperature: Annotated[float, typer.Option(min=0.0, help="Sampling temperature.")] = 1.0
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Upper limit of a response.")] = 256
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of the sampling, 0 by default; with --chat sent only where it is given,"
            " since some providers take none."
        ),
    ] = None
    chat: Annotated[bool, typer.Option("--chat", help="Ask through an API or local/<name>.")] = (
        False
    )
    budget: Annotated[
        float | None,
        typer.Option(min=0, help="With --chat: stop before spending more, in dollars."),
    ] = None


@one_object
def command(options: Options) -> None:
    """Sample responses to items.

    With --chat every reply is kept in OUT.journal.sqlite, so that the same command pays only for
    what is missing; delete that file to ask anew. --budget counts what it holds as spent.
    """
    from harness.cli.screen import bars, console
    from harness.experiment.plain import RespondSettings, respond
    from harness.records.journal import journal_beside
    from harness.records.writes import write_jsonl

    settings = filled(RespondSettings, options, journal=journal_beside(options.out))
    with bars(options.quiet) as bar:
        found = respond(options.model, options.items, settings, bar)
    write_jsonl(options.out, found)
    failed = sum(r.metadata.get("status", "ok") != "ok" for r in found)
    console().print(f"{len(found) - failed} of {len(found)} responses, in {options.out}")
