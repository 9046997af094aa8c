"""What a hostile or broken chat server says that a call has cost: never less than it can have.

And what can never be sent is told before the first call.
"""

import asyncio
import json

import pytest
from hostile_calls import CHUNKED, PRICES, call
from judge_calls import MODEL, ask
from scripted_server import GOOD, ScriptedServer, completion, http

from harness.chat import Client
from harness.nouns.errors import ChatError, ConfigError
from harness.nouns.outcomes import Status

pytestmark = pytest.mark.usefixtures("at_once")

# Token counts. ----

MOST = (1 + 16) * 1e-6 + 16 * 1e-5
"""What a call with one letter and 16 tokens can cost."""

COUNTS = [-1, -(10**30), 10**30, 10**9, 1.5, "7", "many", None, True, [], {}, 1e400, 0]


@pytest.mark.parametrize("count", COUNTS, ids=str)
@pytest.mark.parametrize("which", ["prompt_tokens", "completion_tokens"])
def test_counts_that_cannot_be_cost_the_most_that_the_call_can(which, count, transport):
    good = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
    told = {**good, which: count}
    raw = http(json.dumps(completion(usage=told)).replace("Infinity", "1e400").encode())
    with ScriptedServer(raw) as server:
        found, client = call(server, transport, max_tokens=16)
    if transport == "litellm" and (isinstance(found, ChatError) or count in ("7", True)):
        return  # its own types refuse the count, or make 7 and 1 of it
    expected = 17e-6 + 4e-5 if which == "prompt_tokens" else 10e-6 + 16e-5
    assert found.cost_usd == pytest.approx(expected)
    assert client.usage[MODEL].bounded == 1 and found.bounded


@pytest.mark.parametrize("usage", [None, [], "10", 5, {}, {"total_tokens": 3}], ids=str)
def test_a_usage_that_is_none_costs_the_most_that_the_call_can(usage, transport):
    with ScriptedServer(http(completion(usage=usage))) as server:
        found, client = call(server, transport, max_tokens=16)
    if transport == "litellm":  # its own types make a usage of it, or refuse it
        assert isinstance(found, ChatError) or found.cost_usd > 0
        return
    assert found.text == "Verdict: A" and found.cost_usd == pytest.approx(MOST)
    assert client.usage[MODEL].bounded == 1


@pytest.mark.parametrize(
    ("usage", "message"),
    [
        ({"prompt_tokens": -(10**9), "completion_tokens": -5}, {}),
        ({"prompt_tokens": 10**30, "completion_tokens": 10**30}, {}),
        ({}, {}),
        (None, {"content": 5}),
    ],
    ids=["negative", "huge", "none", "malformed answers"],
)
def test_the_budget_stops_whatever_the_server_counts(usage, message):
    async def go(server):
        async with Client(None, budget_usd=10 * MOST, transport="auto") as client:
            found = []
            for n in range(20):
                request = ask(server, chr(97 + n), max_tokens=16)
                request.extra.update(PRICES)
                found += await asyncio.gather(client.complete(request), return_exceptions=True)
            return found, client

    with ScriptedServer(http(completion(usage=usage, message=message))) as server:
        found, client = asyncio.run(go(server))
        assert len(server.heads) == 10
    assert type(found[-1]).__name__ == "BudgetExceededError"
    assert client.budget.spent_usd == pytest.approx(10 * MOST)


ANSWERS = ["201 Created", "202 Accepted", "203 Other", "206 Partial", "226 IM Used", "299 Odd"]


@pytest.mark.parametrize("status", ANSWERS)
def test_an_answer_under_any_status_that_answers_is_read_and_paid_for(status, transport):
    usage = {"prompt_tokens": 3000, "completion_tokens": 16, "total_tokens": 3016}
    with ScriptedServer(http(completion(usage=usage), status=status)) as server:
        found, client = call(server, transport)
    assert found.text == "Verdict: A" and found.cost_usd == pytest.approx(3000e-6 + 16e-5)
    assert client.budget.spent_usd == pytest.approx(found.cost_usd)


UNREAD = {
    # A connection that is kept may be found closed, and then nothing was asked.
    "204 and nothing": http(b"", status="204 No Content", headers={"connection": "close"}),
    "201 and HTML": http(b"<html>", status="201 Created", headers={"connection": "close"}),
    "206 cut off": http(status="206 Partial")[:-9],
    "200 cut off": http()[:-9],
    "200 cut off in a chunk": CHUNKED + b"10\r\n{}",
}


@pytest.mark.parametrize("name", UNREAD)
def test_an_answer_that_cannot_be_read_costs_the_most_that_it_can(name, transport):
    async def cut(server, writer):
        await server.send(writer, UNREAD[name])
        writer.close()

    with ScriptedServer(cut) as server:
        found, client = call(server, transport, max_tokens=16)
    tries = client.usage[MODEL].requests
    assert client.budget.spent_usd == pytest.approx(tries * MOST), found
    assert found.reply.cost_usd == pytest.approx(tries * MOST)
    assert "the most that it can cost" in found.reason and client.usage[MODEL].bounded == tries


def test_an_answer_with_an_error_beside_it_costs_what_its_server_counts(transport):
    broken = http({**GOOD, "error": {"message": "overloaded", "code": 503}})
    with ScriptedServer(*[broken] * 5) as server:
        found, client = call(server, transport, max_tokens=16)
        assert len(server.heads) == 5
    assert isinstance(found, ChatError) and "overloaded" in found.reason
    used = GOOD["usage"]
    each = used["prompt_tokens"] * 1e-6 + used["completion_tokens"] * 1e-5
    assert client.budget.spent_usd == pytest.approx(5 * each)


def test_an_error_of_ours_after_an_answer_does_not_make_it_free(transport, monkeypatch):
    def fail(*_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("harness.chat.fast.reply_of", fail)
    monkeypatch.setattr("harness.chat.litellm_transport.reply_of", fail)
    with ScriptedServer(http()) as server:
        found, client = call(server, transport, max_tokens=16)
        assert len(server.heads) == 1
    assert client.budget.spent_usd == pytest.approx(MOST)
    assert found.status is Status.ERROR and found.reply.cost_usd == pytest.approx(MOST)
    assert "error of the harness" in found.reason and "most that it can" in found.reason


BESIDE = {
    "by the sum": ({"total_tokens": 25}, 15),
    "by a part": ({"completion_tokens_details": {"reasoning_tokens": 11}}, 16),
    "by both": ({"total_tokens": 25, "completion_tokens_details": {"reasoning_tokens": 10}}, 15),
    "inside": ({"total_tokens": 15, "completion_tokens_details": {"reasoning_tokens": 4}}, 5),
    "a sum too small": ({"total_tokens": 1}, 5),
    "a sum that cannot be": ({"total_tokens": 10**30}, 16),
}


@pytest.mark.parametrize("name", BESIDE)
def test_what_a_model_thinks_is_paid_for_wherever_it_is_counted(name, transport):
    more, expected = BESIDE[name]
    usage = {"prompt_tokens": 10, "completion_tokens": 5, **more}
    with ScriptedServer(http(completion(usage=usage))) as server:
        found, client = call(server, transport, max_tokens=16)
    assert found.tokens.completion == expected
    assert client.budget.spent_usd == pytest.approx(10e-6 + expected * 1e-5)


# What no request can be sent with. ----


CANNOT = {
    "another scheme": {"api_base": "ftp://127.0.0.1/v1"},
    "no scheme": {"api_base": "127.0.0.1:8000/v1"},
    "a port too high": {"api_base": "http://bob:hunter2hunter2@127.0.0.1:99999/v1"},
    "a port that is none": {"api_base": "http://127.0.0.1:http/v1"},
    "no host": {"api_base": "http:///v1"},
    "half a host": {"api_base": "http://[::1/v1"},
    "an address with a line's end": {"api_base": "http://127.0.0.1/v1\r\nX: y"},
    "an address that is a number": {"api_base": 8000},
    "a header with a line's end": {"extra_headers": {"X-My-Key": "hunter2hunter2\r\nX: y"}},
    "a header with NUL": {"extra_headers": {"X-My-Key": "hunter2\0hunter2"}},
    "a header that is a number": {"extra_headers": {"X-My-Key": 8473920184736251}},
    "a header that is a list": {"extra_headers": {"X-My-Key": ["hunter2hunter2"]}},
    "a header with half a character": {"extra_headers": {"X-My-Key": "hunter2\ud800"}},
    "a name with a blank": {"extra_headers": {"X My": "x"}},
    "headers that are a list": {"extra_headers": ["X-My-Key: hunter2hunter2"]},
    "a key with a line's end": {"api_key": "hunter2hunter2\n"},
    "a key that is a number": {"api_key": 8473920184736251},
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_can_never_be_sent_is_one_error_before_the_first_call(name):
    extra = {"api_base": "http://127.0.0.1:1/v1", **CANNOT[name]}
    with pytest.raises(ConfigError) as caught:
        Client(None).check(MODEL, extra)
    told = str(caught.value)
    assert "hint" in told and "hunter2" not in told and "8473920184736251" not in told


def test_a_key_of_the_environment_that_can_never_be_sent_is_refused(monkeypatch):
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", "hunter2hunter2\r\nX-Evil: 1")
    with pytest.raises(ConfigError, match="HOSTED_VLLM_API_KEY cannot be sent") as caught:
        Client(None).check(MODEL, {"api_base": "http://127.0.0.1:1/v1"})
    assert "hunter2" not in str(caught.value)


def test_settings_that_can_be_sent_pass():
    extra = {
        "api_base": "https://bob:pw@[::1]:8443/a%20b/v1?key=x",
        "extra_headers": {"X-Team": "blau é\tgrün", "Authorization": "Basic eDp5"},
    }
    Client(None).check(MODEL, extra)
