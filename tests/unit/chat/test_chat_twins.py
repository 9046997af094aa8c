"""When a call is over: twins share one call, replies are on the disk, and none is asked again."""

import asyncio
import random
import sys

import pytest
from judge_calls import MODEL, ask, until

from harness.chat import Client
from harness.chat.ledger import Ledger
from harness.nouns.chat_messages import ChatReply, ChatRequest, Tokens
from harness.nouns.errors import ChatError
from harness.records.journal import Journal
from harness.testing import StubServer


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as journal:
        yield journal


@pytest.mark.parametrize("fault", ["ok", "refusal", "empty", "400"])
def test_twins_share_one_call_and_one_bill(monkeypatch, fault):
    monkeypatch.setattr(random, "uniform", lambda low, high: low)  # the shortest wait: none
    with StubServer(every=fault) as server:

        async def go():
            async with Client(None, budget_usd=9.0) as client:
                request = ChatRequest(
                    MODEL, ({"role": "user", "content": "q"},),
                    extra={"api_base": server.base_url, "output_cost_per_token": 0.01},
                )  # fmt: skip
                calls = (client.complete(request) for _ in range(3))
                return await asyncio.gather(*calls, return_exceptions=True), client

        found, client = asyncio.run(go())
        tries = {"empty": 3}.get(fault, 1)
        assert len(server.bodies) == tries
    paid = {"400": 0}.get(fault, tries) * 0.1
    usage = client.usage[MODEL]
    assert usage.cost_usd == client.budget.spent_usd == pytest.approx(paid)
    if fault == "ok":
        replies = found
        assert (usage.calls, usage.cached) == (1, 2)
    else:
        assert {type(error) for error in found} == {ChatError}
        assert len({(error.status, error.reason) for error in found}) == 1
        assert (usage.failed, usage.cached) == (1, 0)
        replies = [error.reply for error in found]
    if fault == "400":
        assert replies == [None] * 3
    else:
        assert sorted(reply.cost_usd for reply in replies) == [0, 0, pytest.approx(paid)]
        assert sorted(reply.tries for reply in replies) == [0, 0, tries]


def test_where_the_first_caller_gives_up_a_twin_asks_and_those_who_wait_get_its_answer():
    async def go():
        async with Client(None) as client:
            tasks = [asyncio.create_task(client.complete(ask(server))) for _ in range(4)]
            await until(lambda: server.in_flight == 1)
            tasks[0].cancel()
            tasks[3].cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            return found, client.usage[MODEL]

    with StubServer(faults=["hang"]) as server:
        found, usage = asyncio.run(go())
        assert len(server.bodies) == 2
    assert isinstance(found[0], asyncio.CancelledError)
    assert isinstance(found[3], asyncio.CancelledError)
    assert [reply.text for reply in found[1:3]] == ["Verdict: A"] * 2
    assert (usage.calls, usage.cached) == (1, 1)


class Held(Journal):
    """A journal whose commits of replies the test acknowledges; counts what is read."""

    def __init__(self, path):
        super().__init__(path)
        self.replied = False
        self.held, self.read, self.order = [], [], []

    def after_commit(self, call):
        if self.replied:
            self.held.append(call)
        else:  # the mark before a call
            super().after_commit(call)

    def get_reply(self, key):
        self.read.append(key)
        return super().get_reply(key)

    def put_reply(self, key, body):
        self.order.append(key)
        self.replied = True
        super().put_reply(key, body)

    def flush(self):
        if hasattr(self, "order"):
            self.order.append("flush")
        super().flush()


def test_a_call_is_over_when_its_reply_is_on_the_disk(tmp_path):
    """What kill -9 takes back was in flight; calls of the same moment share one notice."""

    async def go(journal):
        async with Client(journal) as client:
            tasks = [asyncio.create_task(client.complete(ask(server, text))) for text in "ab"]
            await until(lambda: len(journal.order) - journal.order.count("flush") == 2)
            await until(lambda: journal.held)
            await asyncio.sleep(0.05)
            assert [task.done() for task in tasks] == [False, False]
            for call in journal.held:
                call()
            replies = await asyncio.wait_for(asyncio.gather(*tasks), 5.0)
            assert [reply.text for reply in replies] == ["Verdict: A"] * 2

    with StubServer() as server, Held(tmp_path / "j.sqlite") as journal:
        asyncio.run(go(journal))


def test_a_commit_after_the_program_was_stopped_harms_nobody(tmp_path):
    async def go(journal):
        async with Client(journal) as client:
            task = asyncio.create_task(client.complete(ask(server)))
            await until(lambda: journal.held)
            task.cancel()

    with StubServer() as server, Held(tmp_path / "j.sqlite") as journal:
        asyncio.run(go(journal))
        for call in journal.held:
            call()  # its loop is closed by now
        assert len(journal.reply_keys()) == 1  # what was paid for is kept


def test_what_is_recorded_is_on_the_disk_when_it_returns(tmp_path):
    with Held(tmp_path / "j.sqlite") as journal:
        client = Client(journal)
        assert client.ledger.kept("k") is None
        client.ledger.keep_now("k", {"batch_id": 3})
        assert journal.order[-2:] == ["k", "flush"]
        assert client.ledger.kept("k") == {"batch_id": 3} == Client(journal).ledger.kept("k")
    memory = Client(None)
    memory.ledger.keep_now("k", {"batch_id": 4})
    assert memory.ledger.kept("k") == {"batch_id": 4}


@pytest.mark.parametrize("kept", [True, False])
def test_only_so_many_replies_are_held_in_memory_and_none_is_asked_again(
    tmp_path, monkeypatch, kept
):
    monkeypatch.setattr(sys.modules[Ledger.__module__], "REMEMBERED", 2)
    with Held(tmp_path / "j.sqlite") as disk:
        monkeypatch.setattr(disk, "after_commit", lambda call: call())
        client = Client(disk if kept else None)
        for number in range(4):
            client.ledger.keep_now(f"k{number}", {"n": number})
            assert client.ledger.kept("absent") is None
        assert disk.read == []  # the newest are in memory, and what is not there is known
        assert [client.ledger.kept(f"k{n}") for n in range(4)] == [{"n": n} for n in range(4)]
        assert disk.read == (["k0", "k1"] if kept else [])  # the oldest were let go


def test_a_model_of_this_process_costs_nothing_and_is_kept_all_the_same(journal, monkeypatch):
    told = []

    class Backend:
        def __init__(self, folder):
            told.append(folder)

        async def call(self, request, timeout_s):
            told.append(request)
            return ChatReply("A", tokens=Tokens(7, 3), latency_s=0.5)

        async def aclose(self):
            told.append("closed")

    monkeypatch.setattr(sys.modules[Client.__module__], "LocalTransport", Backend)
    request = ChatRequest("local/any", ({"role": "user", "content": "q"},))

    async def go():
        async with Client(journal, budget_usd=0.0, cache_dir="a folder") as client:
            return [await client.complete(request) for _ in range(2)], client

    (first, again), client = asyncio.run(go())
    assert told == ["a folder", request, "closed"]
    assert first == ChatReply("A", tokens=Tokens(7, 3), latency_s=0.5, cost_usd=0.0, tries=1)
    assert (again.text, again.cached, again.cost_usd, again.tries) == ("A", True, 0.0, 0)
    usage = client.usage["local/any"]
    assert (usage.calls, usage.cached, usage.cost_usd) == (1, 1, 0.0)
    assert (usage.tokens, usage.requests) == (Tokens(7, 3), 0)
    (key,) = journal.reply_keys()
    row = journal.get_reply(key)
    assert (row["tries"], row["cost_usd"], row["model"]) == (1, 0.0, "local/any")
