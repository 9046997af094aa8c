"""Models that think: their thoughts, the parameters that they take, and the room that they need."""

import asyncio
from dataclasses import replace

import pytest
from judge_calls import MODEL, ask

from harness.chat.client import Client
from harness.chat.failures import CallError, Failure
from harness.chat.fitting import THINKING, Fitting, room_of
from harness.chat.keys import from_body, to_body
from harness.nouns.chat_messages import ChatReply, ChatRequest, Tokens
from harness.nouns.errors import ChatError, ConfigError
from harness.nouns.outcomes import Status
from harness.records.journal import Journal
from harness.testing.stub import StubServer

HOSTS = [(how, model) for how in ("auto", "litellm") for model in (MODEL, "openai/judge")]


@pytest.fixture(params=HOSTS, ids=lambda host: f"{host[0]}-{host[1].partition('/')[0]}")
def host(request):
    return request.param


def talk(server, requests, how="auto", **settings):
    async def main():
        async with Client(transport=how, **settings) as chat:
            asked = (chat.complete(request) for request in requests)
            return await asyncio.gather(*asked, return_exceptions=True), chat

    return asyncio.run(main())


def said(reply, host, **fields):
    """Ask a server that answers with a text, or with the fields of a choice."""
    how, model = host
    with StubServer(reply if isinstance(reply, str) else lambda body: reply) as server:
        asked = ask(server, model=model, **fields)
        asked = replace(asked, extra={**asked.extra, "api_key": "k"})
        (found,), _ = talk(server, [asked], how)
    return found, server


def message(**fields):
    return {"message": fields}


THOUGHT, ANSWER = "Verdict: A was my first idea", "Verdict: B"
TOLD = {
    "tags": f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}",
    "other tags": f"<reasoning>{THOUGHT}</reasoning>{ANSWER}",
    "a closing tag": f"{THOUGHT}</think>\n\n{ANSWER}",
    "brackets": f"[THINK]{THOUGHT}[/THINK]{ANSWER}",
    "channels": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant"
    f"<|channel|>final<|message|>{ANSWER}",
    "reasoning_content": message(content=f"\n\n{ANSWER}", reasoning_content=f"{THOUGHT}\n"),
    "reasoning": message(content=ANSWER, reasoning=THOUGHT),
    "thinking": message(content=ANSWER, thinking=THOUGHT),
    "both names": message(content=ANSWER, reasoning=THOUGHT, reasoning_content=THOUGHT),
    "thinking_blocks": message(
        content=ANSWER,
        thinking_blocks=[{"type": "thinking", "thinking": THOUGHT, "signature": "x"}],
    ),
    "reasoning_details": message(
        content=ANSWER, reasoning_details=[{"type": "reasoning.text", "text": THOUGHT}]
    ),
    "parts": message(
        content=[{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": ANSWER}]
    ),
    "parts of parts": message(
        content=[
            {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
            {"type": "text", "text": ANSWER},
        ]
    ),
    "a reasoning part": message(
        content=[
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": THOUGHT}]},
            {"type": "text", "text": ANSWER},
        ]
    ),
    "a thought part": message(
        content=[
            {"type": "text", "text": THOUGHT, "thought": True},
            {"type": "text", "text": ANSWER},
        ]
    ),
    "the second choice first": {
        "choices": [
            {"index": 1, "finish_reason": "stop", "message": {"role": "assistant", "content": "A"}},
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": f"<think>{THOUGHT}</think>{ANSWER}"},
            },
        ]
    },
}


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_a_thought_is_beside_the_answer_whatever_the_transport(told, host):
    reply, server = said(told, host)
    assert (reply.text, reply.thoughts) == (ANSWER, THOUGHT)
    assert len(server.bodies) == 1


def test_thoughts_inside_thoughts_are_the_same_over_both_transports(host):
    reply, _ = said("<think>a<think>b</think>c</think>\n\nVerdict: B", host)
    assert (reply.text, reply.thoughts) == ("Verdict: B", "ab\n\nc")


def test_a_text_without_thoughts_is_left_as_it_is(host):
    text = "\n Use `<think>`: ```\n<think>x</think>\n```"
    reply, _ = said(text, host)
    assert (reply.text, reply.thoughts) == (text, "")


NAMED = "<think>the mark `</think>` ends it. Verdict: A, or"
ENDS = {
    "after its mark was named": {"finish_reason": "length", "message": {"content": NAMED}},
    "in tags": {"finish_reason": "length", "message": {"content": f"<think>{THOUGHT}"}},
    "beside": {
        "finish_reason": "length",
        "message": {"content": None, "reasoning_content": THOUGHT},
    },
    "beside, as empty text": {
        "finish_reason": "length",
        "message": {"content": "", "reasoning": THOUGHT},
    },
    "untold": {"finish_reason": "length", "message": {"content": ""}},
    "in Google's words": {"finish_reason": "MAX_TOKENS", "message": {"content": ""}},
    "in Anthropic's words": {"finish_reason": "max_tokens", "message": {"content": ""}},
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_thought_without_an_answer_is_a_failure_that_names_the_limit_and_is_paid_for_once(
    end, host, tmp_path
):
    how, model = host
    extra = {"api_key": "k", "max_tokens": 16, "input_cost_per_token": 1.0}
    with Journal(tmp_path / "j.sqlite") as journal, StubServer(lambda body: end) as server:
        asked = ask(server, model=model)
        asked = replace(asked, extra={**asked.extra, **extra})
        for again in (False, True):
            (error,), _ = talk(server, [asked], how, journal=journal)
            assert isinstance(error, ChatError) and error.status is Status.UNPARSEABLE
            assert "max_tokens" in error.reason
            assert error.reply.cost_usd == (0 if again else 100.0)
        assert len(server.bodies) == 1


def test_thoughts_that_end_without_an_answer_are_paid_for_once(host):
    for content in ("<think>a</think>", "<think>a", None):
        fields = {"content": content, "reasoning_content": None if content else "a"}
        error, server = said(message(**fields), host)
        assert isinstance(error, ChatError) and error.status is Status.UNPARSEABLE
        assert "without an answer" in error.reason and len(server.bodies) == 1


FILTERS = ["content_filter", "SAFETY", "refusal", "PROHIBITED_CONTENT", "FinishReason.SAFETY"]


@pytest.mark.parametrize("reason", FILTERS)
def test_a_filter_is_a_refusal_in_whatever_words(reason):
    for text in ("", "I can"):
        told = {"finish_reason": reason, "message": {"content": text}}
        error, server = said(told, ("auto", MODEL))
        assert error.status is Status.REFUSED and len(server.bodies) == 1


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "model_length"])
def test_a_cut_is_a_cut_in_whatever_words(reason):
    reply, _ = said({"finish_reason": reason, "message": {"content": "B is"}}, ("auto", MODEL))
    assert reply.finish_reason == "length"


def test_thoughts_are_in_the_journal_and_old_journals_are_read():
    reply = ChatReply("B", thoughts="a", tokens=Tokens(1, 2), fitted=("seed 3 not sent",))
    body = to_body(reply, MODEL)
    kept = from_body(body)
    assert (kept.text, kept.thoughts, kept.fitted) == ("B", "a", ("seed 3 not sent",))
    old = {name: value for name, value in body.items() if name not in ("thoughts", "fitted")}
    kept = from_body({**old, "text": "<think>a</think>B"})
    assert (kept.text, kept.thoughts, kept.fitted) == ("B", "a", ())
    assert from_body({**old, "text": "B"}).thoughts == ""


REFUSALS = {
    "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1)"
    " value is supported.": "temperature",
    "Unsupported parameter: 'temperature' is not supported with this model.": "temperature",
    "`temperature` may only be set to 1 when thinking is enabled.": "temperature",
    "`temperature` is deprecated for this model.": "temperature",
    "temperature: Extra inputs are not permitted": "temperature",
    "Unrecognized request argument supplied: seed": "seed",
    "seed is not supported": "seed",
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
    " 'max_completion_tokens' instead.": "max_tokens",
}


def refusing(reason, name, answer=ANSWER):
    def reply(body):
        wanted = body.get(name) not in (None, 1) if name == "temperature" else name in body
        return {"error": reason} if wanted else answer

    return reply


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_parameter_that_the_model_refuses_is_left_out_and_it_is_said_once(reason, host, capsys):
    how, model = host
    name = REFUSALS[reason]
    with StubServer(refusing(reason, name)) as server:
        first = replace(ask(server, model=model, seed=3), max_tokens=77)
        first = replace(first, extra={**first.extra, "api_key": "k"})
        more = [replace(first, repeat=n) for n in range(1, 4)]
        replies, _ = talk(server, [first, *more], how)
        assert [reply.text for reply in replies] == [ANSWER] * 4
        assert name not in server.bodies[-1]
        assert {
            body.get("max_tokens", body.get("max_completion_tokens")) for body in server.bodies
        } == {77}
        count = len(server.bodies)
        assert count <= 8
    told = capsys.readouterr().err
    if name == "max_tokens":  # the same limit under another name
        assert not told and not replies[0].fitted
    else:
        assert told.count(f"refuses {name}, which is not sent") == 1
        assert all(any(change.startswith(name) for change in r.fitted) for r in replies)


def test_two_parameters_that_are_refused_one_after_the_other_are_left_out():
    def reply(body):
        if "temperature" in body:
            return {"error": "Unsupported parameter: 'temperature' is not supported"}
        if "max_tokens" in body:
            return {
                "error": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead"
            }
        return "Verdict: B"

    with StubServer(reply) as server:
        (found,), _ = talk(server, [ask(server)])
    assert found.text == "Verdict: B" and len(server.bodies) == 3


WRONG = {
    "Unsupported parameter: 'logprobs' is not supported with this model.": (
        "logprobs",
        "soft: false",
    ),
    "top_k: Extra inputs are not permitted": ("top_k", "leave top_k out"),
    "Invalid parameter: 'reasoning_effort' of type string": ("reasoning_effort", "leave"),
}


@pytest.mark.parametrize("reason", WRONG)
def test_a_first_call_that_fails_on_its_parameters_stops_the_run(reason, host):
    how, model = host
    name, hint = WRONG[reason]
    with StubServer(lambda body: {"error": reason}) as server:
        asked = ask(server, model=model, choices=("A", "B"))
        asked = replace(asked, extra={**asked.extra, "api_key": "k"})
        (error,), _ = talk(server, [asked], how)
        assert isinstance(error, ConfigError)
        assert f"refuses the parameter {name}" in str(error) and hint in str(error)
        assert len(server.bodies) == 1


ROWS = [
    "This model's maximum context length is 4096 tokens",
    "the messages are not valid",
    "temperature must be at most 2, got 3",
    "response_format is not supported",
]


@pytest.mark.parametrize("reason", ROWS)
def test_other_bad_requests_cost_their_row_only(reason):
    with StubServer(lambda body: {"error": reason}) as server:
        (error,), _ = talk(server, [ask(server)])
    assert isinstance(error, ChatError) and error.status is Status.ERROR
    assert len(server.bodies) == 1


def test_a_parameter_refused_after_an_answer_costs_its_row_only():
    def reply(body):
        bad = "bad" in body["messages"][0]["content"]
        return {"error": "Unsupported parameter: 'logprobs'"} if bad else "Verdict: A"

    async def main(server):
        async with Client() as chat:
            await chat.complete(ask(server))
            with pytest.raises(ChatError):
                await chat.complete(ask(server, text="bad", choices=("A",)))

    with StubServer(reply) as server:
        asyncio.run(main(server))


ROOM = {
    "openai/gpt-5": True, "openai/gpt-5-mini": True, "openai/o1": True, "openai/o3": True,
    "openai/o3-mini": True, "openai/o4-mini": True, "o3": True, "azure/o1": True,
    "deepseek/deepseek-reasoner": True, "gemini/gemini-2.5-pro": True, "xai/grok-4": True,
    "hosted_vllm/Qwen/Qwen3-8B": True, "hosted_vllm/qwq-32b": True,
    "hosted_vllm/deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": True,
    "hosted_vllm/Qwen/Qwen3-30B-A3B-Thinking-2507": True, "mistral/magistral-medium-latest": True,
    "groq/openai/gpt-oss-120b": True, "openrouter/openai/gpt-5": True,
    "hosted_vllm/microsoft/Phi-4-reasoning": True, "hosted_vllm/zai-org/GLM-4.6": True,
    "openai/gpt-4o-mini": False, "openai/gpt-5.1": False, "openai/gpt-5-chat-latest": False,
    "hosted_vllm/Qwen/Qwen3-30B-A3B-Instruct-2507": False, "hosted_vllm/Qwen/Qwen2.5-7B": False,
    "hosted_vllm/Qwen/Qwen3-Coder-30B": False, "xai/grok-4-fast-non-reasoning": False,
    "anthropic/claude-sonnet-4-5": False, "gemini/gemini-2.5-flash-lite": False,
    "deepseek/deepseek-chat": False, "mistral/mistral-small": False, "ollama/llama3.1": False,
    "hosted_vllm/prometheus-7b": False, "hosted_vllm/turbo1-3b": False,
}  # fmt: skip


@pytest.mark.parametrize("model", ROOM)
def test_models_that_think_unasked_are_known_by_name(model):
    assert room_of(ChatRequest(model, ())) == (THINKING if ROOM[model] else 0)


ASKED = [
    ({"reasoning_effort": "high"}, THINKING),
    ({"reasoning_effort": "none"}, 0),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, 2000),
    ({"thinking": {"type": "enabled"}}, THINKING),
    ({"thinking": {"type": "disabled"}}, 0),
    ({"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}, 0),
    ({"extra_body": {"chat_template_kwargs": {"enable_thinking": True}}}, THINKING),
    ({"extra_body": {"chat_template_kwargs": {"thinking": True}}}, THINKING),
    ({"extra_body": {"reasoning": {"max_tokens": 500}}}, 500),
    ({"extra_body": {"reasoning": {"effort": "low"}}}, THINKING),
]


@pytest.mark.parametrize(("extra", "room"), ASKED)
@pytest.mark.parametrize("model", ["anthropic/claude-sonnet-4-5", "hosted_vllm/Qwen/Qwen3-8B"])
def test_what_is_asked_goes_before_the_name(model, extra, room):
    assert room_of(ChatRequest(model, (), extra=extra)) == room


def test_room_for_thinking_is_sent_reserved_and_estimated():
    price = {"input_cost_per_token": 0.0, "output_cost_per_token": 1.0}

    async def main(server):
        asked = ask(server, model="hosted_vllm/Qwen/Qwen3-8B", max_tokens=16)
        asked = replace(asked, extra={**asked.extra, **price})
        async with Client(budget_usd=16.0 + THINKING - 1) as chat:
            assert chat.estimate([asked]).at_most_usd == 16 + THINKING
            with pytest.raises(Exception, match="budget"):
                await chat.complete(asked)
        async with Client(budget_usd=16.0 + THINKING) as chat:
            return await chat.complete(asked)

    with StubServer() as server:
        reply = asyncio.run(main(server))
    assert [body["max_tokens"] for body in server.bodies] == [16 + THINKING]
    assert reply.fitted == (f"max_tokens {16 + THINKING} for 16",)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_in_the_options_is_the_whole_limit(name, host):
    how, _ = host
    with StubServer() as server:
        asked = ask(server, model="hosted_vllm/Qwen/Qwen3-8B", max_tokens=16)
        asked = replace(asked, extra={**asked.extra, name: 300, "output_cost_per_token": 1.0})
        (reply,), _ = talk(server, [asked], how, budget_usd=300.0)
        assert reply.text
    (body,) = server.bodies
    assert [body[n] for n in ("max_tokens", "max_completion_tokens") if n in body] == [300]


def thinking_server(body):
    """Cut at its limit before the answer, unless there is room."""
    if body["max_tokens"] < 100:
        return {"finish_reason": "length", "message": {"content": "", "reasoning": THOUGHT}}
    return message(content=ANSWER, reasoning=THOUGHT)


def test_a_model_that_turns_out_to_think_gets_room_and_it_is_said_once(host, capsys):
    how, model = host
    extra = {"api_key": "k", "input_cost_per_token": 1.0}
    with StubServer(thinking_server) as server:
        asked = ask(server, model=model, max_tokens=16)
        asked = replace(asked, extra={**asked.extra, **extra})
        (first,), chat = talk(server, [asked], how)
        assert (first.text, first.thoughts) == (ANSWER, THOUGHT)
        assert first.cost_usd == chat.budget.spent_usd == 200.0  # both were paid for
        assert [body["max_tokens"] for body in server.bodies] == [16, 16 + THINKING]
    assert capsys.readouterr().err.count("it thinks") == 1


def test_room_that_does_not_fit_the_context_becomes_smaller():
    def reply(body):
        if body["max_tokens"] > 3000:
            return {"error": "max_tokens is too large: the maximum context length is 4096 tokens"}
        return "B"

    with StubServer(reply) as server:
        asked = ask(server, model="hosted_vllm/Qwen/Qwen3-8B", max_tokens=16)
        replies, _ = talk(server, [asked])
        assert replies[0].text == "B"
    limits = [body["max_tokens"] - 16 for body in server.bodies]
    assert limits == [THINKING, THINKING // 2, THINKING // 4]


def test_learning_ends():
    fitting, asked = Fitting(), ChatRequest(MODEL, (), max_tokens=16)
    cut = CallError(Failure.THOUGHT, "cut", reply=ChatReply("", "length"))
    long = CallError(Failure.BAD_REQUEST, "maximum context length")
    tries = 0
    while (sent := fitting.fit(asked)) and tries < 40:
        tries += 1
        if not fitting.learn(asked, sent, cut if sent.max_tokens == 16 else long):
            break
    assert tries < 10


def test_litellm_knows_what_openai_refuses_before_anything_is_sent():
    with StubServer() as server:
        for how in ("auto", "litellm"):
            asked = ask(server, model="openai/gpt-5")
            asked = replace(asked, extra={**asked.extra, "api_key": "k"})
            (reply,), _ = talk(server, [asked], how)
            assert reply.text == "Verdict: A", reply
    assert len(server.bodies) == 2
    for body in server.bodies:
        assert "temperature" not in body and "max_tokens" not in body
        assert body["max_completion_tokens"] == 512 + THINKING
