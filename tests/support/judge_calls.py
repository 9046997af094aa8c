"""Calls to a judge behind a stub server."""

import asyncio

from harness.nouns.chat_messages import ChatRequest

MODEL = "hosted_vllm/judge"


def ask(server, text="q", model=MODEL, **fields):
    extra = {"api_base": server.base_url}
    return ChatRequest(model, ({"role": "user", "content": text},), extra=extra, **fields)


async def until(condition):
    """Wait for something that will come true, for ten seconds at most."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
