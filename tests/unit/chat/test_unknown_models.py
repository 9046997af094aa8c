"""A server that says at the first call that it has no such model is not asked a thousand times."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from scripted_server import GOOD, ScriptedServer, http

from harness.chat import Client
from harness.chat.failures import CallError, Failure, of_status
from harness.chat.fitting import is_unknown_model
from harness.feedback.annotate import annotate
from harness.nouns.chat_messages import ChatRequest
from harness.nouns.errors import ConfigError
from harness.nouns.outcomes import Status
from harness.registry import registry
from harness.testing import fake_context, sample_requests

ASKED = ({"role": "user", "content": "Which is better?"},)

SAYS = [
    ("hosted_vllm/my-model", 404, "The model `my-model` does not exist.", True),
    ("hosted_vllm/my-model", 404, "The model 'my-model' does not exist or you lack access.", True),
    (
        "openai/gpt-9",
        404,
        "The model `gpt-9` does not exist or you do not have access to it.",
        True,
    ),
    ("anthropic/claude-x-1", 404, "not_found_error: model: claude-x-1", True),
    ("hosted_vllm/qwen3:4b", 404, 'model "qwen3:4b" not found, try pulling it first', True),
    ("hosted_vllm/Org/Name-7B", 404, "The model `Org/Name-7B` does not exist.", True),
    ("hosted_vllm//data/models/x", 404, "The model `/data/models/x` does not exist.", True),
    ("gemini/gemini-9", 404, "models/gemini-9 is not found for API version v1beta", True),
    ("hosted_vllm/m", 404, "The model `m` does not exist.", True),
    ("hosted_vllm/My-Model", 404, "The model `my-model` does not exist.", True),
    ("hosted_vllm/m", 404, "Not Found", False),
    ("hosted_vllm/m", 404, "the route /v1/models/chat is not there", False),
    ("hosted_vllm/my-model", 404, "The model `my-model-2` does not exist.", False),
    ("hosted_vllm/m", 404, "Item m was not found", False),
    ("hosted_vllm/my-model", 400, "The context of my-model is 4096 tokens; model limit", False),
    ("hosted_vllm/my-model", 429, "The model my-model is busy", False),
    ("hosted_vllm/my-model", 500, "model my-model not found", False),
    ("hosted_vllm/my-model", 403, "no access to model my-model", False),
]


@pytest.mark.parametrize(("model", "code", "message", "expected"), SAYS)
def test_a_404_that_names_the_model(model: str, code: int, message: str, expected: bool) -> None:
    error = of_status(code, message, {})
    assert is_unknown_model(error, ChatRequest(model, ASKED)) is expected


def test_only_a_refused_request_says_it() -> None:
    error = CallError(Failure.CONNECTION, "404 The model `m` does not exist.")
    assert not is_unknown_model(error, ChatRequest("hosted_vllm/m", ASKED))


GONE = http({"error": {"message": "The model `m` does not exist."}}, status="404 Not Found")


def judged(server: ScriptedServer, transport: str, count: int = 20) -> list[Status]:
    """Return the statuses of many requests, asked one after the other."""
    options = {"model": "hosted_vllm/m", "api_base": server.base_url, "both_orders": False}
    source = registry().source("llm_judge").build(options)
    (sample, *_) = sample_requests("pairwise")
    requests = [
        replace(sample, id=f"q{n}", item=replace(sample.item, prompt=f"What is {n}?"))
        for n in range(count)
    ]

    async def go() -> list[Status]:
        async with Client(None, transport=transport) as chat:  # type: ignore[arg-type]
            ctx = fake_context(chat)
            ctx = replace(ctx, limits=replace(ctx.limits, concurrency=1))
            return [row.verdict.status for row in await annotate(source, requests, ctx)]

    return asyncio.run(go())


@pytest.mark.parametrize("transport", ["auto", "litellm"])
def test_a_model_that_is_not_there_stops_the_run_at_the_first_call(transport: str) -> None:
    with ScriptedServer(GONE) as server:
        with pytest.raises(ConfigError) as stopped:
            judged(server, transport)
        assert len(server.heads) == 1
    assert stopped.value.what.startswith("hosted_vllm/m is not on its server: 404")
    assert "/v1/models" in (stopped.value.hint or "")


@pytest.mark.parametrize("transport", ["auto", "litellm"])
def test_once_it_has_answered_such_a_fault_costs_one_row(transport: str) -> None:
    with ScriptedServer(http(GOOD), GONE, http(GOOD)) as server:
        found = judged(server, transport, 4)
    assert sorted(found) == sorted([Status.OK, Status.ERROR, Status.OK, Status.OK])


@pytest.mark.parametrize("transport", ["auto", "litellm"])
def test_another_404_is_a_row(transport: str) -> None:
    with ScriptedServer(http({"error": {"message": "no"}}, status="404 Not Found")) as server:
        assert judged(server, transport, 3) == [Status.ERROR] * 3
