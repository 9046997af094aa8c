"""``harness show-prompt``: what a judge is sent, without sending it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import OneSource, checked_way, key_values, one_object


@dataclass(frozen=True, kw_only=True)
class Options(OneSource):
    """What ``harness show-prompt`` is given.

    Args:
        items: JSONL file of items; by default an example that says where its parts stand.
        responses: JSONL file of responses, given together with the items.
        way: pointwise, pairwise or listwise; by default what the source can do, pairs first.
        limit: Show so many calls, the first ones.
    """

    items: Path | None = None
    responses: Path | None = None
    way: str | None = None
    limit: Annotated[int, typer.Option(min=1)] = 1


@one_object
def command(options: Options) -> None:
    """Print what a judge is sent: every message and parameter. Nothing is asked or paid for."""
    from harness.cli.screen import console
    from harness.experiment.stages.show_prompt import show_prompt
    from harness.nouns.redaction import redact

    calls = show_prompt(
        options.source,
        options.items,
        options.responses,
        key_values(options.option),
        checked_way(options.way, lists=True),
    )
    screen = console()

    def tell(text: str, style: str = "") -> None:
        screen.print(redact(text), style=style, soft_wrap=True, markup=False)

    for call in calls[: options.limit]:
        room = f"temperature {call.temperature:g}, " if call.temperature is not None else ""
        tell(f"to {call.model}: {room}at most {call.max_tokens} tokens", "bold")
        for message in call.messages:
            tell(f"--- {message['role']}", "bold")
            tell(message["content"])
        if call.choices:
            tell(f"--- answers whose probabilities are asked for: {', '.join(call.choices)}")
        if call.response_format is not None:
            tell("--- with a JSON schema of the answer")
    tell(f"--- {min(options.limit, len(calls))} of {len(calls)} calls; nothing was sent", "bold")
