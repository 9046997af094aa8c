"""How often and when a call is tried again, and how many are in flight."""

import asyncio
import random
import threading
import time

import aiohttp
import pytest
from judge_calls import MODEL, ask, until

from harness.chat import Client
from harness.nouns.errors import ChatError, ConfigError
from harness.records.journal import Journal
from harness.testing import StubServer


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as journal:
        yield journal


@pytest.fixture
def waits(monkeypatch):
    """Seconds that the client was told to wait, in order; nobody waits, the draws are given."""
    told, here, real = [], threading.current_thread(), asyncio.sleep

    async def sleep(delay, *result):
        if threading.current_thread() is not here:
            return await real(delay, *result)
        if delay > 0:
            told.append(round(delay, 9))
        return await real(min(delay, 0), *result)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return told


def outcome(server, draws, monkeypatch, **settings):
    """Make one call where each draw is a share of its range."""
    shares = iter(draws)
    monkeypatch.setattr(random, "uniform", lambda low, high: low + next(shares) * (high - low))

    async def go():
        async with Client(None, **settings) as client:
            (found,) = await asyncio.gather(client.complete(ask(server)), return_exceptions=True)
            return found, client

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("500", [0.25, 0.5, 1.0, 2.0]),  # doubled each time; five requests at most
        ("503", [0.25, 0.5, 1.0, 2.0]),
        ("drop", [0.25, 0.5, 1.0, 2.0]),
        ("badjson", [0.25, 0.5, 1.0]),
        ("empty", [0.25, 0.5]),
        ("504", [0.25]),
        ("400", []),
        ("refusal", []),
    ],
)
def test_the_waits_between_tries_and_their_number(waits, monkeypatch, fault, expected):
    with StubServer(every=fault) as server:
        found, client = outcome(server, [1.0] * 9, monkeypatch)
        assert len(server.bodies) == len(expected) + 1 == client.usage[MODEL].requests
    assert isinstance(found, ChatError)
    assert waits == expected


@pytest.mark.parametrize(
    ("place", "jitter", "expected"),
    [
        (0.0, 0.0, [5.0]),
        (1.0, 0.0, [0.2, 4.8]),  # in its place first, and that counts
        (0.5, 0.0, [0.1, 4.9]),
        (0.0, 1.0, [5.25]),
        (1.0, 1.0, [0.2, 5.05]),
    ],
)
def test_after_a_429_the_wait_is_never_shorter_than_the_server_asked(
    waits, monkeypatch, place, jitter, expected
):
    with StubServer(faults=["429"], retry_after_ms=5000) as server:
        reply, client = outcome(server, [place, jitter], monkeypatch)
    assert (reply.text, reply.tries, client.usage[MODEL].requests) == ("Verdict: A", 2, 2)
    assert waits == expected
    assert sum(waits) >= 5.0


def test_a_call_that_is_limited_for_ever_ends_after_twelve_tries(waits, monkeypatch):
    with StubServer(every="429") as server:
        found, client = outcome(server, [0.0] * 24, monkeypatch)
        assert len(server.bodies) == 12
    assert client.usage[MODEL].failures == {"rate limit": 12}
    assert found.reason.endswith("(12 tries)")


def test_the_latency_of_a_call_is_kept_with_its_reply(monkeypatch, journal):
    seconds = iter([100.0, 107.0, 200.0, 201.5])  # when two calls began and ended
    with StubServer() as server:

        async def go():
            async with Client(journal) as client:
                await client.complete(ask(server, "warm"))
                with monkeypatch.context() as clock:
                    clock.setattr(time, "perf_counter", lambda: next(seconds))
                    return [await client.complete(ask(server, text)) for text in "aab"]

        first, again, other = asyncio.run(go())
    assert (first.latency_s, again.latency_s, other.latency_s) == (7.0, 7.0, 1.5)


@pytest.mark.parametrize("transport", ["auto", "litellm"])
def test_a_key_is_wrong_until_its_own_endpoint_has_answered_once(transport):
    with StubServer(faults=["ok", "401"]) as good, StubServer(every="401") as bad:

        async def go():
            async with Client(None, transport=transport) as client:
                await client.complete(ask(good))
                wanted = (ask(good, "x"), ask(bad), ask(good, "y", model="hosted_vllm/other"))
                good.every = "401"
                found = []
                for request in wanted:
                    found += await asyncio.gather(client.complete(request), return_exceptions=True)
                return found

        passing, *wrong = asyncio.run(go())
    assert isinstance(passing, ChatError)
    for error, model in zip(wrong, (MODEL, "hosted_vllm/other"), strict=True):
        assert isinstance(error, ConfigError)
        assert model in str(error) and "401" in str(error) and "key" in error.hint


def test_as_many_calls_are_in_flight_as_allowed_for_each_model_and_endpoint():
    """Also where all of them hang: none waits for a connection while its time runs."""
    models = (MODEL, "hosted_vllm/other")
    with StubServer(every="hang") as first, StubServer(every="hang") as second:

        async def go(most, **settings):
            async with Client(None, **settings) as client:
                tasks = [
                    asyncio.create_task(client.complete(ask(server, f"{n}", model)))
                    for server in (first, second) for model in models for n in range(most + 3)
                ]  # fmt: skip
                await until(lambda: first.in_flight == second.in_flight == 2 * most)
                await asyncio.sleep(0.05)
                seen = (first.in_flight, second.in_flight)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                return seen

        assert asyncio.run(go(3, concurrency=3)) == (6, 6)
    with StubServer(every="hang") as first, StubServer(every="hang") as second:
        assert asyncio.run(go(32)) == (64, 64)


@pytest.mark.parametrize(("settings", "limit"), [({}, 60.0), ({"timeout_s": 7.0}, 7.0)])
def test_a_server_with_an_address_is_asked_directly_within_the_time_limit(
    monkeypatch, settings, limit
):
    told, closed, real = [], [], asyncio.timeout
    monkeypatch.setattr(asyncio, "timeout", lambda seconds: told.append(seconds) or real(seconds))
    close = aiohttp.ClientSession.close

    async def closing(session):
        closed.append(session)
        await close(session)

    monkeypatch.setattr(aiohttp.ClientSession, "close", closing)

    async def go():
        async with Client(None, **settings) as client:
            await client.complete(ask(server))
            assert closed == []
        return len(closed)

    with StubServer() as server:
        assert asyncio.run(go()) == 1  # closed with the client, not with the program
    assert [seconds for seconds in told if seconds is not None] == [limit]


@pytest.mark.parametrize(("transport", "closed"), [("auto", 0), ("litellm", 1)])
def test_connections_of_litellm_are_closed_by_those_who_used_them(monkeypatch, transport, closed):
    import litellm

    told = []
    real = litellm.close_litellm_async_clients

    async def closing():
        told.append(1)
        await real()

    monkeypatch.setattr(litellm, "close_litellm_async_clients", closing)

    async def go():
        async with Client(None, transport=transport) as client:
            await client.complete(ask(server))
        await client.aclose()  # a second time does no harm

    with StubServer() as server:
        asyncio.run(go())
    assert sum(told) == closed
