"""What python_code says of one response."""

from __future__ import annotations

import asyncio
from typing import Any

from harness_plugins.python_code import python_code

from harness.feedback.contract import RunContext
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, JudgmentRequest, Response, Verdict


def verdict(ctx: RunContext, reference: Any, text: str) -> Verdict:
    """Return the verdict on a response to an item with a reference."""
    asked = Item("i", "", reference), (Response("r", "i", "s", text),)
    request = JudgmentRequest("q", *asked, Criterion("correct", "is correct", BINARY))

    async def run() -> list[Any]:
        return [j async for j in python_code.build().annotate([request], ctx)]

    return asyncio.run(run())[0].verdict
