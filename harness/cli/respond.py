"""``harness respond``: sample a policy or ask a chat model, with no experiment file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import SEED, Shown, filled, key_values, one_object
from harness.nouns.counted import counted


@dataclass(frozen=True, kw_only=True)
class Options(Shown):
    """What ``harness respond`` is given.

    Args:
        model: Folder of a checkpoint or of a LoRA adapter, or a hub id; or with --chat a model as
            litellm names it.
        items: JSONL file of items.
        out: JSONL file to write the responses to.
        per_item: Responses for each item.
        system: Name of the policy on its responses, and part of their ids; base by default, as in a
            run, or with --chat the model's.
        temperature: Sampling temperature.
        max_new_tokens: Upper limit of a response.
        base: Checkpoint of the base policy: note log p - log p_base of each response, from which
            harness evaluate estimates the KL divergence.
        chat_template_kwargs: What the policy's chat template is told besides the chat, as
            enable_thinking=false; by default what it was told in its training.
        seed: Seed of the sampling, 0 by default; with --chat sent only where it is given, since
            some providers take none.
        chat: Ask through an API or local/<name>.
        budget: With --chat: stop before spending more, in dollars.
    """

    model: str
    items: Path
    out: Path
    per_item: Annotated[int, typer.Option(min=1)] = 1
    system: str | None = None
    temperature: Annotated[float, typer.Option(min=0.0)] = 1.0
    max_new_tokens: Annotated[int, typer.Option(min=1)] = 256
    base: str | None = None
    chat_template_kwargs: Annotated[list[str] | None, typer.Option()] = None
    seed: Annotated[int | None, SEED] = None
    chat: bool = False
    budget: Annotated[float | None, typer.Option(min=0)] = None


@one_object
def command(options: Options) -> None:
    """Sample responses to items.

    With --chat every reply is kept in OUT.journal.sqlite, so that the same command pays only for
    what is missing; delete both files to ask anew. --budget counts what it holds as spent.
    """
    from harness.cli.nothing import refuse_nothing
    from harness.cli.screen import bars, console
    from harness.experiment.stages.respond import RespondSettings, respond
    from harness.records.journal import journal_beside
    from harness.records.writes import write_jsonl

    settings = filled(
        RespondSettings,
        options,
        journal=journal_beside(options.out, options.chat),
        chat_template_kwargs=key_values(options.chat_template_kwargs, "--chat-template-kwargs"),
    )
    with bars(options.quiet) as bar:
        found = respond(options.model, options.items, settings, bar)
    write_jsonl(options.out, found)
    failed = sum(r.metadata.get("status", "ok") != "ok" for r in found)
    console().print(f"{len(found) - failed} of {counted(len(found), 'response')}, in {options.out}")
    if cut := sum(bool(r.metadata.get("truncated")) for r in found):
        of_them = f"{cut} of them {'was' if cut == 1 else 'were'} cut by --max-new-tokens"
        console().print(
            f"{of_them} {options.max_new_tokens}: truncated in its metadata", soft_wrap=True
        )
    told = [(r.metadata.get("status", "ok"), r.metadata.get("reason", "")) for r in found]
    refuse_nothing("responses", told)
