"""What calls, their failed tries and batches cost, by hand arithmetic, within the budget.

The stub server counts 100 tokens of a prompt and 10 of an answer: at PRICES $0.20 and $0.10.
"""

import asyncio
import re

import pytest

from harness.chat import Client
from harness.chat.prices import Price
from harness.nouns.chat_messages import ChatRequest, Tokens
from harness.nouns.errors import BudgetExceededError, ChatError, ConfigError
from harness.nouns.outcomes import Status
from harness.records.journal import Journal
from harness.testing import StubServer

MODEL = "hosted_vllm/judge"
PRICES = {"input_cost_per_token": 2e-3, "output_cost_per_token": 1e-2}
ONE = pytest.approx(0.3)


def user(*texts, **fields):
    messages = tuple({"role": "user", "content": text} for text in texts)
    return ChatRequest(fields.pop("model", MODEL), messages, **fields)


def ask(server, text="q", prices=PRICES, **fields):
    extra = {"api_base": server.base_url, **prices}
    return user(text, extra=extra, **fields)


def using(work, journal=None, **settings):
    """Run something with a client; return what came of it and the client."""

    async def go():
        async with Client(journal, **settings) as client:
            return await work(client), client

    return asyncio.run(go())


def calls(server, requests, journal=None, **settings):
    """Make calls one after the other; return replies or errors, and the client."""

    async def work(client):
        found = []
        for request in requests:
            found += await asyncio.gather(client.complete(request), return_exceptions=True)
        return found

    return using(work, journal, **settings)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as journal:
        yield journal


@pytest.fixture
def at_once(monkeypatch):
    """No wait between tries."""
    real = asyncio.sleep

    async def sleep(delay, *result):
        await real(min(delay, 0.001), *result)

    monkeypatch.setattr(asyncio, "sleep", sleep)


@pytest.mark.parametrize(
    ("faults", "status", "paid", "tries", "failures"),
    [
        (["ok"], None, 1, 1, {}),
        (["500", "ok"], None, 1, 2, {"server error": 1}),
        (["429", "ok"], None, 1, 2, {"rate limit": 1}),
        (["empty", "ok"], None, 2, 2, {"empty answer": 1}),
        (["empty", "500", "ok"], None, 2, 3, {"empty answer": 1, "server error": 1}),
        (["refusal"], Status.REFUSED, 1, 1, {"refusal": 1}),
        (["filter"], Status.REFUSED, 1, 1, {"refusal": 1}),
        (["empty", "refusal"], Status.REFUSED, 2, 2, {"empty answer": 1, "refusal": 1}),
        (["empty"] * 3, Status.UNPARSEABLE, 3, 3, {"empty answer": 3}),
        (["400"], Status.ERROR, 0, 1, {"bad request": 1}),
        (["empty", "400"], Status.ERROR, 1, 2, {"empty answer": 1, "bad request": 1}),
        (["500"] * 5, Status.ERROR, 0, 5, {"server error": 5}),
        (["empty", "401"], ConfigError, 1, 2, {"empty answer": 1, "credentials": 1}),
    ],
)
def test_what_a_call_and_its_failed_tries_cost(
    journal, at_once, faults, status, paid, tries, failures
):
    with StubServer("Yes", faults=faults) as server:
        (found,), client = calls(server, [ask(server)], journal, budget_usd=100.0)
        assert len(server.bodies) == tries
        if status in (None, Status.REFUSED):  # not paid for again, with whatever budget
            (again,), _ = calls(server, [ask(server)], journal, budget_usd=0.01)
            assert (getattr(again, "reply", again).cost_usd, len(server.bodies)) == (0.0, tries)
    usage, dollars = client.usage[MODEL], pytest.approx(0.3 * paid)
    assert (usage.cost_usd, client.budget.spent_usd, journal.spent_usd()) == (dollars,) * 3
    assert (usage.calls, usage.failed, usage.cached) == ((1, 0, 0) if not status else (0, 1, 0))
    assert (usage.requests, usage.failures) == (tries, failures)
    if status is ConfigError:
        assert isinstance(found, ConfigError)
        return
    reply = found if status is None else found.reply
    if status is None:
        assert (found.text, found.finish_reason) == ("Yes", "stop")
        assert usage.tokens == found.tokens == Tokens(100, 10)
    else:
        assert isinstance(found, ChatError) and found.status is status
        several = [str(tries)] if tries > 1 and status is not Status.REFUSED else []
        assert re.findall(r" \((\d+) tries\)$", found.reason) == several
    if paid == 0:
        assert reply is None
    else:
        assert (reply.cost_usd, reply.tries) == (dollars, tries)


def test_the_reason_and_the_raw_text_of_a_failure_are_kept(at_once):
    with StubServer(faults=["empty", "400", "refusal"]) as server:
        found, client = calls(server, [ask(server, "a"), ask(server, "b"), ask(server, "b")])
    lost, refused, again = found
    assert lost.reason == "bad request: 400 the stub was told to say 400 (2 tries)"
    assert (lost.reply.text, lost.reply.tokens) == ("", Tokens())
    assert refused.reason == "I will not judge this." == refused.reply.text
    assert refused.reply.tokens == Tokens(100, 10)
    assert (again.status, again.reason) == (refused.status, refused.reason)
    assert (again.reply.cost_usd, again.reply.cached, again.reply.tries) == (0.0, True, 0)
    assert (client.usage[MODEL].cached, client.usage[MODEL].failed) == (1, 2)


def test_what_was_lost_is_in_the_journal_with_its_reason(journal, at_once):
    with StubServer(faults=["empty"]) as server:
        calls(server, [ask(server)], journal)
    rows = [journal.get_reply(key) for key in journal.reply_keys()]
    (lost,) = [row for row in rows if "text" not in row]
    reason = "the answer is empty (finish reason stop)"
    assert lost == {"model": MODEL, "cost_usd": ONE, "lost": reason}
    (kept,) = [row for row in rows if "text" in row]
    assert (kept["model"], kept["cost_usd"], kept["tries"]) == (MODEL, ONE, 2)


def test_a_refusal_without_an_answer_costs_nothing_and_is_kept(journal, monkeypatch):
    import litellm

    told = []

    async def refuse(**options):
        told.append(options["model"])
        raise litellm.ContentPolicyViolationError("not that", "judge", "hosted_vllm")

    monkeypatch.setattr(litellm, "acompletion", refuse)
    request = user("q", extra=PRICES)
    (first, again), client = calls(None, [request, request], journal, budget_usd=9.0)
    assert told == [MODEL]
    for error in (first, again):
        assert error.status is Status.REFUSED and "not that" in error.reason
        assert (error.reply.cost_usd, error.reply.tokens) == (0.0, Tokens())
    assert client.usage[MODEL].failed == 1 and client.budget.spent_usd == 0.0


def test_what_several_calls_cost_is_added_up_however_they_end(journal, at_once):
    faults = ["ok", "refusal", "empty", "empty", "empty", "400", "empty", "401", "empty", "ok"]
    with StubServer(faults=faults) as server:
        _, client = calls(server, [ask(server, text) for text in "abcdef"], journal)
        assert len(server.bodies) == len(faults)
    usage = client.usage[MODEL]
    # Answers that were paid for: a and b 1 each, c 3, d 0, e 1, f 2.
    assert usage.cost_usd == client.budget.spent_usd == pytest.approx(8 * 0.3)
    assert journal.spent_usd() == pytest.approx(8 * 0.3)
    assert (usage.calls, usage.failed, usage.requests) == (2, 4, 10)
    assert usage.failures == {"refusal": 1, "empty answer": 5, "bad request": 1, "credentials": 1}


def test_usage_is_counted_once_for_each_call_and_model(journal):
    other = "hosted_vllm/other"
    with StubServer() as server:
        wanted = [ask(server, text) for text in ("a", "b", "a", "a")] + [
            ask(server, "a", model=other)
        ]
        found, client = calls(server, wanted, journal)
    assert [reply.cost_usd for reply in found] == [ONE, ONE, 0.0, 0.0, ONE]
    assert [reply.cached for reply in found] == [False, False, True, True, False]
    mine, theirs = client.usage[MODEL], client.usage[other]
    assert (mine.calls, mine.cached, mine.requests, mine.failed) == (2, 2, 2, 0)
    assert (mine.cost_usd, mine.tokens) == (pytest.approx(0.6), Tokens(200, 20))
    assert (theirs.calls, theirs.cached, theirs.cost_usd) == (1, 0, ONE)
    assert client.budget.spent_usd == pytest.approx(0.9) == journal.spent_usd()
    assert set(client.usage) == {MODEL, other}


def test_without_a_price_calls_are_free_and_with_a_budget_they_are_refused(journal):
    with StubServer() as server:
        request = ask(server, prices={})
        (reply,), client = calls(server, [request], journal)
        assert (reply.cost_usd, client.usage[MODEL].cost_usd, journal.spent_usd()) == (0, 0, 0)
        assert client.ledger.price(MODEL, request.extra) == Price(0.0, 0.0)
        (error,), client = calls(server, [ask(server, "new", prices={})], journal, budget_usd=9.0)
        assert len(server.bodies) == 1
    assert isinstance(error, ConfigError)
    assert MODEL in str(error) and "input_cost_per_token" in error.hint
    with pytest.raises(ConfigError, match="no price is known for the model " + MODEL):
        client.ledger.price(MODEL, request.extra)
    with pytest.raises(ConfigError, match="no price"):
        client.check(MODEL, request.extra)
    client.check(MODEL, {**request.extra, **PRICES})
    assert client.ledger.price(MODEL, PRICES) == Price(2e-3, 1e-2)
    assert client.ledger.price(MODEL, {**PRICES, "output_cost_per_token": 5.0}) == Price(2e-3, 5.0)
    assert client.ledger.price(MODEL, {**PRICES, "input_cost_per_token": 4.0}) == Price(4.0, 1e-2)


def test_the_schema_of_a_reply_is_part_of_the_reservation():
    # One byte and 16 for the message, 23 for {"type": "json_object"}, 10 of the answer.
    exact, prices = 50.0, {"input_cost_per_token": 1.0, "output_cost_per_token": 1.0}
    shape = {"response_format": {"type": "json_object"}, "max_tokens": 10}
    with StubServer() as server:
        request = ask(server, prices=prices, **shape)
        (error,), _ = calls(server, [request], budget_usd=exact - 0.01)
        assert isinstance(error, BudgetExceededError) and "$50.0000" in str(error)
        assert server.bodies == []
        (reply,), _ = calls(server, [request], budget_usd=exact)
        assert reply.text and len(server.bodies) == 1


def test_many_calls_at_once_stay_within_the_budget_of_this_and_earlier_tries(journal):
    prices = {"output_cost_per_token": 0.01}  # $0.10 reserved and spent for each call
    with StubServer(latency_s=0.01) as server:
        wanted = [ask(server, f"q{n}", prices, max_tokens=10) for n in range(20)]

        async def work(client):
            return await asyncio.gather(
                *(client.complete(request) for request in wanted), return_exceptions=True
            )

        for limit, made in ((0.5, 5), (0.75, 7), (0.75, 7), (2.0, 20)):
            found, client = using(work, journal, budget_usd=limit)
            errors = [f for f in found if not isinstance(f, Exception)]
            assert (len(errors), len(server.bodies)) == (made, made)
            assert client.budget.spent_usd == pytest.approx(0.1 * made) == journal.spent_usd()


def test_a_batch_costs_half_and_its_failed_line_is_asked_live(journal, at_once):
    with StubServer("Yes", faults=["500", "ok", "refusal"]) as server:
        wanted = [ask(server, text) for text in ("fails", "works", "refuses", "works")]

        async def work(client):
            await client.prefetch(wanted)
            usage = client.usage[MODEL]
            assert (usage.calls, usage.failed, usage.requests) == (1, 1, 0)
            assert usage.cost_usd == client.budget.spent_usd == ONE  # two lines at half the price
            assert journal.spent_usd() == ONE
            await client.prefetch(wanted[1:])  # nothing is missing
            found = [*await asyncio.gather(*map(client.complete, wanted), return_exceptions=True)]
            return found

        (live, ready, refused, twin), client = using(work, journal, budget_usd=9.0)
        assert server.outcomes == {"batch 500": 1, "batch ok": 1, "batch refusal": 1, "ok": 1}
    assert (live.text, live.cost_usd, live.cached) == ("Yes", ONE, False)
    assert (ready.text, ready.cost_usd, ready.cached, twin.cached) == ("Yes", 0.0, True, True)
    assert (refused.status, refused.reason) == (Status.REFUSED, "I will not judge this.")
    assert client.budget.spent_usd == pytest.approx(0.6) == journal.spent_usd()
    rows = [journal.get_reply(key) for key in journal.reply_keys()]
    assert sorted(row.get("tries", 0) for row in rows) == [0, 1, 1, 1]  # one row is the batch's


def test_a_batch_is_sent_within_exactly_the_budget_only(at_once):
    # 1 + 16 tokens of the prompt and 10 of the answer, at half the price: 13.5 for each line.
    prices = {"input_cost_per_token": 1.0, "output_cost_per_token": 1.0}
    with StubServer() as server:
        wanted = [ask(server, text, prices, max_tokens=10) for text in "ab"]
        with pytest.raises(BudgetExceededError, match=r"\$27\.0000"):
            using(lambda client: client.prefetch(wanted), budget_usd=26.99)
        assert server.bodies == []
        using(lambda client: client.prefetch(wanted), budget_usd=27.0)
        assert len(server.bodies) == 2
