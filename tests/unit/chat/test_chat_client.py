"""The chat client against the project's own stub server, over both transports."""

import asyncio
import json
from dataclasses import replace

import pytest

from harness.chat import Client
from harness.chat.keys import reply_key
from harness.nouns.chat_messages import ChatRequest
from harness.nouns.errors import BudgetExceededError, ChatError, ConfigError
from harness.nouns.outcomes import Status
from harness.records.journal import Journal
from harness.testing import StubServer

MODEL = "hosted_vllm/judge"


def ask(server, text="Which is better?", **fields):
    extra = {"api_base": server.base_url, **fields.pop("extra", {})}
    messages = ({"role": "user", "content": text},)
    return ChatRequest(fields.pop("model", MODEL), messages, extra=extra, **fields)


def run(server, requests, journal=None, **settings):
    """Return replies or exceptions of requests that are made at the same time."""

    async def go():
        async with Client(journal, **settings) as client:
            found = await asyncio.gather(
                *(client.complete(r) for r in requests), return_exceptions=True
            )
            return found, client

    return asyncio.run(go())


@pytest.fixture(params=["auto", "litellm"])
def transport(request):
    return request.param


def test_a_reply_has_text_tokens_version_and_latency(transport):
    with StubServer("Verdict: B") as server:
        (reply,), _ = run(server, [ask(server)], transport=transport)
    assert reply.text == "Verdict: B"
    assert (reply.tokens.prompt, reply.tokens.completion) == (100, 10)
    assert "fp_stub" in reply.model_version
    assert reply.latency_s > 0 and not reply.cached and reply.tries == 1


def test_requests_that_differ_in_the_form_of_the_answer_alone_ask_for_their_own(transport):
    names = (None, "first", "second")
    shapes = [
        name and {"type": "json_schema", "json_schema": {"name": name, "schema": {}}}
        for name in names
    ]
    with StubServer() as server:
        base = ask(server)  # one ``extra`` for all, as a judge has
        run(server, [replace(base, response_format=shape) for shape in shapes], transport=transport)
    asked = [body.get("response_format") for body in server.bodies]
    assert sorted(shape["json_schema"]["name"] for shape in asked if shape) == ["first", "second"]
    assert asked.count(None) == 1 and len(asked) == 3


def test_both_transports_send_the_same_body_and_read_the_same_reply():
    request_fields = dict(
        temperature=0.7,
        max_tokens=9,
        seed=3,
        choices=("A", "B"),
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "v", "schema": {"type": "object", "properties": {}}},
        },
        extra={"top_p": 0.5, "extra_body": {"top_k": 7}},
    )
    seen = {}
    for transport in ("auto", "litellm"):
        for model in (MODEL, "openai/judge"):
            with StubServer() as server:
                fields = {**request_fields, "extra": {**request_fields["extra"], "api_key": "k"}}
                (reply,), _ = run(server, [ask(server, model=model, **fields)], transport=transport)
                seen[transport, model] = (
                    server.bodies,
                    server.headers[0].get("authorization"),
                    replace(reply, latency_s=0.0),
                )
    for model in (MODEL, "openai/judge"):
        assert seen["auto", model] == seen["litellm", model]
        body = seen["auto", model][0][0]
        assert body["top_k"] == 7 and body["logprobs"] is True and body["seed"] == 3


def test_log_probabilities_of_the_choices_come_back(transport):
    logprobs = {" A": -1.0, "A": -1.0, "C": -2.0, "B": -3.0}
    with StubServer("A", logprobs=logprobs) as server:
        (reply,), _ = run(server, [ask(server, choices=("A", "B"))], transport=transport)
    assert reply.choice_logprobs["B"] == -3.0
    assert reply.choice_logprobs["A"] == pytest.approx(-1.0 + 0.6931, abs=1e-3)


def test_the_journal_answers_the_second_time_at_no_cost(tmp_path, transport):
    prices = {"input_cost_per_token": 1e-3, "output_cost_per_token": 1e-2}
    with StubServer() as server, Journal(tmp_path / "j.sqlite") as journal:
        request = ask(server, extra=prices)
        (first,), _ = run(server, [request], journal, transport=transport)
        journal.flush()
        (second,), client = run(server, [request], journal, transport=transport)
        assert len(server.bodies) == 1
        assert first.cost_usd == pytest.approx(100 * 1e-3 + 10 * 1e-2)
        assert second.cost_usd == 0.0 and second.cached and second.text == first.text
        assert client.usage[MODEL].cached == 1
        assert journal.spent_usd() == pytest.approx(first.cost_usd)


def test_what_can_change_an_answer_is_in_the_key_and_a_secret_is_not():
    base = ChatRequest("openai/x", ({"role": "user", "content": "hi"},))
    others = [
        replace(base, model="openai/y"),
        replace(base, messages=({"role": "system", "content": "hi"},)),
        replace(base, temperature=0.5),
        replace(base, max_tokens=7),
        replace(base, seed=1),
        replace(base, choices=("A",)),
        replace(base, response_format={"type": "json_object"}),
        replace(base, extra={"extra_body": {"top_k": 1}}),
        replace(base, extra={"api_base": "http://other"}),
        replace(base, repeat=1),
        replace(base, template_sha256="x"),
    ]
    assert len({reply_key(r) for r in [base, *others]}) == len(others) + 1
    assert reply_key(replace(base, extra={"api_key": "secret"})) == reply_key(base)


def test_identical_calls_in_flight_are_one_request():
    with StubServer(latency_s=0.05) as server:
        replies, _ = run(server, [ask(server)] * 50)
    assert len(server.bodies) == 1
    assert len({r.text for r in replies}) == 1
    assert sum(not r.cached for r in replies) == 1


def test_a_caller_who_gives_up_does_not_take_the_answer_from_its_twin():
    async def go(server):
        async with Client(None) as client:
            first = asyncio.create_task(client.complete(ask(server)))
            await asyncio.sleep(0.05)
            second = asyncio.create_task(client.complete(ask(server)))
            await asyncio.sleep(0.05)
            second.cancel()
            return await first

    with StubServer(latency_s=0.3) as server:
        assert asyncio.run(go(server)).text == "Verdict: A"


@pytest.mark.parametrize("fault", ["429", "500", "503", "drop", "badjson", "empty", "null"])
def test_a_passing_fault_is_tried_again(fault, transport):
    with StubServer(faults=[fault]) as server:
        (reply,), client = run(server, [ask(server)], transport=transport)
    assert reply.text == "Verdict: A" and reply.tries == 2
    assert sum(client.usage[MODEL].failures.values()) == 1
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("fault", "status", "requests"),
    [
        ("400", Status.ERROR, 1),
        ("404", Status.ERROR, 1),
        ("refusal", Status.REFUSED, 1),
        ("filter", Status.REFUSED, 1),
        ("empty", Status.UNPARSEABLE, 3),
        ("hang", Status.TIMEOUT, 2),
    ],
)
def test_a_lasting_fault_is_a_typed_failure(fault, status, requests, transport):
    with StubServer(every=fault) as server:
        (error,), _ = run(server, [ask(server)], transport=transport, timeout_s=0.3)
    assert isinstance(error, ChatError)
    assert error.status is status and error.reason
    assert len(server.bodies) == requests


def test_a_refusal_is_kept_and_not_paid_for_twice(tmp_path):
    prices = {"input_cost_per_token": 1e-3, "output_cost_per_token": 0.0}
    with (
        StubServer(faults=["refusal"]) as server,
        Journal(tmp_path / "j.sqlite") as journal,
    ):
        request = ask(server, extra=prices)
        (first,), _ = run(server, [request], journal)
        journal.flush()
        (second,), _ = run(server, [request], journal)
        assert len(server.bodies) == 1
    assert first.status is second.status is Status.REFUSED
    assert first.reply.cost_usd == pytest.approx(0.1) and second.reply.cost_usd == 0.0


def test_a_wrong_key_stops_the_run_at_the_first_call_only():
    with StubServer(every="401") as server:
        (error,), _ = run(server, [ask(server)])
        assert isinstance(error, ConfigError) and "key" in str(error)

    async def go(server):
        async with Client(None) as client:
            await client.complete(ask(server, "first"))
            with pytest.raises(ChatError) as caught:
                await client.complete(ask(server, "second"))
            return caught.value

    with StubServer(faults=["ok", "401"]) as server:
        assert asyncio.run(go(server)).status is Status.ERROR


def test_the_budget_is_never_passed_and_the_rest_resumes(tmp_path):
    prices = {"input_cost_per_token": 0.0, "output_cost_per_token": 1e-2}  # 10 tokens: $0.10
    with StubServer() as server, Journal(tmp_path / "j.sqlite") as journal:
        requests = [ask(server, f"q{i}", extra=prices, max_tokens=10) for i in range(30)]
        found, client = run(server, requests, journal, budget_usd=1.0)
        stopped = [f for f in found if isinstance(f, BudgetExceededError)]
        assert len(found) - len(stopped) == 10 == len(server.bodies)
        assert client.budget.spent_usd == pytest.approx(1.0)
        again, _ = run(server, requests, journal, budget_usd=1.0)
        assert sum(isinstance(f, BudgetExceededError) for f in again) == 20
        assert len(server.bodies) == 10, "the second run may not spend the money again"
        final, _ = run(server, requests, journal, budget_usd=3.0)
        assert all(f.text for f in final) and len(server.bodies) == 30


def test_a_lost_answer_counts_towards_the_budget(tmp_path):
    prices = {"input_cost_per_token": 0.0, "output_cost_per_token": 1e-2}
    with (
        StubServer(faults=["empty"]) as server,
        Journal(tmp_path / "j.sqlite") as journal,
    ):
        (reply,), client = run(
            server, [ask(server, extra=prices, max_tokens=10)], journal, budget_usd=1.0
        )
        assert reply.cost_usd == pytest.approx(0.2)
        assert client.budget.spent_usd == pytest.approx(0.2) == journal.spent_usd()


def test_check_names_what_is_wrong_without_a_call(monkeypatch):
    for name in ("OPENAI_API_KEY", "HOSTED_VLLM_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    client = Client(None)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is not set"):
        client.check("openai/gpt-4o-mini")
    with pytest.raises(ConfigError, match="no provider"):
        client.check("nonsense")
    with pytest.raises(ConfigError, match="address"):
        client.check("hosted_vllm/judge")
    with pytest.raises(ConfigError, match="no such model folder"):
        client.check("local//no/such/folder")
    client.check("hosted_vllm/judge", {"api_base": "http://127.0.0.1:1/v1"})
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    client.check("openai/gpt-4o-mini")
    capped = Client(None, budget_usd=1.0)
    capped.check("openai/gpt-4o-mini")
    with pytest.raises(ConfigError, match="no price"):
        capped.check("hosted_vllm/judge", {"api_base": "http://127.0.0.1:1/v1"})


def test_it_works_in_one_event_loop_after_another(tmp_path):
    with StubServer() as server, Journal(tmp_path / "j.sqlite") as journal:
        client = Client(journal)
        for turn in range(3):
            assert asyncio.run(client.complete(ask(server, f"q{turn}"))).text


def test_the_journal_keeps_no_key(tmp_path):
    with StubServer() as server, Journal(tmp_path / "j.sqlite") as journal:
        run(server, [ask(server, extra={"api_key": "sk-secret"})], journal)
        journal.flush()
        rows = journal._reader().execute("SELECT key, body FROM replies").fetchall()
        assert rows and "sk-secret" not in json.dumps([list(row) for row in rows])
        assert server.headers[0]["authorization"] == "Bearer sk-secret"
