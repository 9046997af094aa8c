"""Why an answer ended: whole, cut, refused or broken off, in each server's words."""

import asyncio
import random
from dataclasses import replace

import pytest
from judge_calls import MODEL, ask
from scripted_server import ScriptedServer, completion, http

from harness.chat import Client
from harness.chat.keys import from_body, to_body
from harness.chat.openai_format import reply_of
from harness.judging.model_judge import read
from harness.nouns.chat_messages import ChatReply, ChatRequest
from harness.nouns.errors import ChatError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import UNIT
from harness.nouns.schema import Item, JudgmentRequest, Response

SAID = "Response A is better"
WHOLE = (
    "stop", "STOP", "FinishReason.STOP", "end_turn", "eos", "eos_token", "stop_sequence",
    "COMPLETE", "complete", "completed", None, "", "tool_calls", "function_call", "tool_use",
)  # fmt: skip
LIMIT = (
    "length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length", "max_length",
    {"type": "length", "length": 16},
)  # fmt: skip
OTHER = (
    "model_context_window_exceeded", "context_length_exceeded", "incomplete", "pause_turn",
    "repetition", "time_limit", "OTHER", "FINISH_REASON_UNSPECIFIED", "MALFORMED_RESPONSE",
    "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "compaction", "preempted", "budget", "x",
    "unknown", "timeout", "null", "none",
)  # fmt: skip
REFUSED = (
    "content_filter", "content_filtered", "SAFETY", "safety", "RECITATION", "refusal", "sensitive",
    "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "guardrail_intervened", "ERROR_TOXIC",
)  # fmt: skip
BROKEN = (
    "error", "ERROR", "abort", "aborted", "cancelled", "canceled", "failed", "network_error",
    "internal_error", "server_error", "insufficient_system_resource",
    {"type": "abort", "message": "Aborted"},
)  # fmt: skip
ENDS = [
    *((end, "whole") for end in WHOLE),
    *((end, "limit") for end in LIMIT),
    *((end, "other") for end in OTHER),
    *((end, "refused") for end in REFUSED),
    *((end, "broken") for end in BROKEN),
]
TRANSPORTS = ("auto", "litellm")


@pytest.fixture(autouse=True)
def no_waits(monkeypatch):
    monkeypatch.setattr(random, "uniform", lambda low, high: low)


def told(body, how, model=MODEL, **extra):
    """Return what a client makes of a body: a reply or an error; and the requests it took."""

    async def main(server):
        async with Client(transport=how, timeout_s=10) as chat:
            asked = ask(server, model=model)
            asked = replace(asked, extra={**asked.extra, "api_key": "k", **extra})
            (found,) = await asyncio.gather(chat.complete(asked), return_exceptions=True)
            return found

    with ScriptedServer(http(body)) as server:
        found = asyncio.run(main(server))
        return found, len(server.bodies)


def kind(found):
    if isinstance(found, ChatReply):
        return {"stop": "whole", "tool_calls": "whole", "length": "limit"}.get(
            found.finish_reason, "other"
        )
    assert isinstance(found, ChatError), repr(found)
    return {Status.REFUSED: "refused", Status.ERROR: "broken"}[found.status]


@pytest.mark.parametrize(("end", "wanted"), ENDS, ids=str)
def test_an_end_means_the_same_over_both_transports(end, wanted):
    body = completion(message={"content": SAID}, choice={"finish_reason": end})
    found = [told(body, how) for how in TRANSPORTS]
    assert [kind(reply) for reply, _ in found] == [wanted, wanted]
    replies = [reply for reply, _ in found if isinstance(reply, ChatReply)]
    assert all(reply.cut == (wanted != "whole") for reply in replies)
    assert len({reply.finish_reason for reply in replies}) == len(replies) / 2
    assert found[0][1] == found[1][1] == (5 if wanted == "broken" else 1)


@pytest.mark.parametrize("how", TRANSPORTS)
@pytest.mark.parametrize("error", [{"code": 502, "message": "Provider disconnected"}, "overloaded"])
@pytest.mark.parametrize("place", ["choice", "body"])
def test_an_error_beside_an_answer_is_none(place, error, how):
    body = completion(message={"content": SAID})
    (body if place == "body" else body["choices"][0])["error"] = error
    found, _ = told(body, how)
    assert isinstance(found, ChatError) and found.status is Status.ERROR


def test_what_was_paid_for_an_answer_that_broke_off_is_counted():
    body = completion(choice={"finish_reason": "error", "error": {"message": "gone"}})
    found, tries = told(body, "auto", input_cost_per_token=1.0, output_cost_per_token=1.0)
    assert tries == 5 and found.reply.cost_usd == 5 * 8.0 and "gone" in found.reason


NATIVE = [
    ("stop", "MAX_TOKENS", "limit"), ("stop", "SAFETY", "refused"), ("stop", "error", "broken"),
    ("stop", "STOP", "whole"), ("stop", "EndOfTurn", "whole"), ("length", "stop", "limit"),
]  # fmt: skip


@pytest.mark.parametrize(("end", "native", "wanted"), NATIVE)
@pytest.mark.parametrize("how", TRANSPORTS)
def test_what_the_provider_behind_a_router_says_of_a_bad_end_counts(end, native, wanted, how):
    choice = {"finish_reason": end, "native_finish_reason": native}
    found, _ = told(completion(message={"content": SAID}, choice=choice), how)
    assert kind(found) == wanted


def anthropic(end):
    return {
        "id": "m", "type": "message", "role": "assistant", "model": "claude",
        "content": [{"type": "text", "text": SAID}], "stop_reason": end,
        "usage": {"input_tokens": 5, "output_tokens": 4},
    }  # fmt: skip


def ollama(end):
    return {
        "model": "m", "created_at": "2026-01-01T00:00:00Z", "done": True, "done_reason": end,
        "message": {"role": "assistant", "content": SAID}, "eval_count": 4, "prompt_eval_count": 5,
    }  # fmt: skip


FOREIGN = [
    ("anthropic/claude-sonnet-4-5", anthropic("end_turn"), "whole"),
    ("anthropic/claude-sonnet-4-5", anthropic("stop_sequence"), "whole"),
    ("anthropic/claude-sonnet-4-5", anthropic("max_tokens"), "limit"),
    ("anthropic/claude-sonnet-4-5", anthropic("pause_turn"), "other"),
    ("anthropic/claude-sonnet-4-5", anthropic("model_context_window_exceeded"), "other"),
    ("anthropic/claude-sonnet-4-5", anthropic("refusal"), "refused"),
    ("ollama_chat/llama3", ollama("stop"), "whole"),
    ("ollama_chat/llama3", ollama("length"), "limit"),
    ("ollama_chat/llama3", ollama("load"), "other"),
]


@pytest.mark.parametrize(("model", "body", "wanted"), FOREIGN)
def test_the_end_that_a_server_of_another_format_tells_is_its_own(model, body, wanted):
    found, _ = told(body, "litellm", model)
    assert kind(found) == wanted


def judged(finish, text):
    body = completion(message={"content": text}, choice={"finish_reason": finish})
    call = ChatRequest("openai/m", ({"role": "user", "content": "?"},))
    pair = tuple(Response(str(n), "i", "s", "x") for n in range(2))
    criterion = Criterion("c", "Better?", UNIT)
    request = JudgmentRequest("r", Item("i", "p"), pair, criterion)
    return read(reply_of(body, call), call, (criterion,), request)


@pytest.mark.parametrize("end", OTHER)
def test_a_judge_that_was_cut_by_whatever_is_read_as_one_cut_at_its_limit(end):
    assert judged(end, SAID).status is Status.UNPARSEABLE
    assert judged(end, "Verdict: B\n\nIt is mo").value == "B"
    assert judged("stop", SAID).value == "A"


def test_ends_of_earlier_journals_mean_the_same():
    for end, cut in (("end_turn", False), ("eos", False), ("stop", False), ("abort", True)):
        assert from_body(to_body(ChatReply("x", end), MODEL)).cut is cut
    for end in ("refused", "unanswered"):
        assert from_body(to_body(ChatReply("x", end), MODEL)).finish_reason == end


THOUGHT, ANSWER = "Verdict: A", "Verdict: B"


def text(said, **fields):
    return {"type": "text", "text": said, **fields}


SHAPES = {
    "an object": {"content": ANSWER, "reasoning": {"content": THOUGHT}},
    "an object with text": {"content": ANSWER, "reasoning": {"text": THOUGHT}},
    "a list": {"content": ANSWER, "reasoning": [THOUGHT]},
    "a list of objects": {"content": ANSWER, "reasoning": [{"summary": THOUGHT}]},
    "a list beside": {"content": ANSWER, "reasoning_content": [{"type": "text", "text": THOUGHT}]},
    "an object of thinking": {"content": ANSWER, "thinking": {"thinking": THOUGHT}},
    "channels": {"content": [text(THOUGHT, channel="analysis"), text(ANSWER, channel="final")]},
    "a comment": {"content": [text(THOUGHT, channel="commentary"), text(ANSWER, channel="final")]},
    "one channel": {"content": [text(THOUGHT, channel="Analysis"), text(ANSWER)]},
    "no channel": {"content": [text(THOUGHT, thought=True), text(ANSWER, channel=None)]},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("how", TRANSPORTS)
def test_thoughts_in_other_shapes_are_beside_the_answer(shape, how):
    found, tries = told(completion(message=shape), how)
    assert (found.text, found.thoughts, tries) == (ANSWER, THOUGHT, 1)


@pytest.mark.parametrize("how", TRANSPORTS)
def test_a_thought_in_another_shape_without_an_answer_is_a_failure(how):
    for shape in ({"content": "", "reasoning": [THOUGHT]},
                  {"content": [text(THOUGHT, channel="analysis")]}):  # fmt: skip
        found, _ = told(completion(message=shape), how)
        assert isinstance(found, ChatError) and found.status is Status.UNPARSEABLE
