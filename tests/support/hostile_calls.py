"""One call to a server that sends what it likes, over both transports."""

import asyncio

from judge_calls import ask

from harness.chat import Client

PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5}
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"


def call(server, transport="auto", timeout_s=10.0, **fields):
    """Make one call; return its reply or error, and the client."""

    async def go():
        request = ask(server, **fields)
        request.extra.update(PRICES)
        async with Client(None, transport=transport, timeout_s=timeout_s) as client:
            (found,) = await asyncio.gather(client.complete(request), return_exceptions=True)
            return found, client

    return asyncio.run(go())
