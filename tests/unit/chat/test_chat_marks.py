"""What a kill leaves in flight: marked before it is sent, counted after, sent under the same id."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict

import pytest
from judge_calls import MODEL, ask, until

from harness.chat import Client
from harness.nouns.errors import BudgetExceededError, StorageError
from harness.records import marks
from harness.records.journal import Journal
from harness.testing import StubServer

PRICES = {"input_cost_per_token": 0.0, "output_cost_per_token": 1e-2}


def priced(server, text, **fields):
    request = ask(server, text, max_tokens=10, **fields)
    request.extra.update(PRICES)
    return request


def another_run(monkeypatch):
    """Let this process look like one that began after the other ended."""
    monkeypatch.setattr(marks, "_TOKENS", {})


def in_flight(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT key, owner FROM in_flight").fetchall()


def leave(server, path, texts):
    """Stop a client while its calls hang, as a kill would."""

    async def go():
        with Journal(path) as journal:
            async with Client(journal) as client:
                tasks = [asyncio.create_task(client.complete(priced(server, t))) for t in texts]
                await until(lambda: len(server.bodies) == len(texts))
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(go())


def complete(server, journal, texts, **settings):
    async def go():
        async with Client(journal, **settings) as client:
            return await asyncio.gather(
                *(client.complete(priced(server, text)) for text in texts), return_exceptions=True
            )

    return asyncio.run(go())


@pytest.mark.parametrize("fault", ["ok", "refusal", "400", "empty"])
def test_a_call_whose_end_is_known_leaves_no_mark(fault, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.chat.failures.FIRST_WAIT_S", 0.001)
    with StubServer(every=fault) as server, Journal(tmp_path / "j.sqlite") as journal:
        complete(server, journal, "ab")
    assert in_flight(tmp_path / "j.sqlite") == []


def test_the_mark_is_on_the_disk_before_the_call_is_sent(tmp_path, monkeypatch):
    held = []

    async def go(server, journal):
        async with Client(journal) as client:
            monkeypatch.setattr(journal, "after_commit", held.append)
            task = asyncio.create_task(client.complete(priced(server, "a")))
            await until(lambda: held)
            await asyncio.sleep(0.2)
            assert server.bodies == [], "sent before its mark was on the disk"
            monkeypatch.undo()
            held[0]()
            return await task

    with StubServer() as server, Journal(tmp_path / "j.sqlite") as journal:
        assert asyncio.run(go(server, journal)).text == "Verdict: A"


def test_what_was_in_flight_is_told_once_and_counts_as_spent_for_good(tmp_path, monkeypatch):
    path = tmp_path / "j.sqlite"
    with StubServer(every="hang") as server:
        leave(server, path, "abc")
        server.every = "ok"
        another_run(monkeypatch)
        with Journal(path) as journal:
            found = complete(server, journal, "ab", budget_usd=0.5)
            assert [reply.text for reply in found] == ["Verdict: A"] * 2
            told = journal.marks.note()
            assert "3 calls were in flight" in told and "$0.3000 counts as spent" in told
            assert journal.marks.note() == ""
            assert journal.spent_usd() == pytest.approx(0.3 + 0.2)
            (stopped,) = complete(server, journal, "d", budget_usd=0.5)
            assert isinstance(stopped, BudgetExceededError)
            assert "$0.5000 is spent (up to $0.3000 of it by calls in flight" in str(stopped)
        another_run(monkeypatch)
        with Journal(path) as journal:
            assert str(journal.marks.left()) == ""
            assert journal.spent_usd() == pytest.approx(0.5)


@pytest.mark.parametrize("more", [[], ["--quiet"]], ids=" ".join)
def test_what_was_in_flight_is_told_whole_also_on_a_narrow_screen_and_when_quiet(
    more, tmp_path, monkeypatch
):
    from in_process import harness

    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "i.jsonl").write_text(json.dumps({"id": "i", "prompt": "p"}) + "\n")
    row = {"id": "r", "item_id": "i", "system": "s", "text": "t"}
    (tmp_path / "r.jsonl").write_text(json.dumps(row) + "\n")
    with Journal(tmp_path / "j.jsonl.journal.sqlite") as journal:
        journal.marks.begin("k", "id", 1234.5678)
        journal.flush()
    another_run(monkeypatch)
    with StubServer("task: 4\naccuracy: 4\nclarity: 4") as server:
        done = harness(
            "judge", "--source", "llm_judge", "--items", tmp_path / "i.jsonl",
            "--responses", tmp_path / "r.jsonl", "--out", tmp_path / "j.jsonl",
            "--way", "pointwise", "--option", "rubric=helpfulness", *more,
            "--option", f"model={MODEL}", "--option", f"api_base={server.base_url}",
        )  # fmt: skip
    assert "may be paid twice: up to $1234.5678 counts as spent\n" in done.stderr


@pytest.mark.parametrize("transport", ["auto", "litellm"])
def test_a_call_that_was_in_flight_is_sent_again_under_its_id_and_others_under_new_ones(
    tmp_path, monkeypatch, transport
):
    path = tmp_path / "j.sqlite"
    with StubServer(every="hang") as server:
        leave(server, path, "a")
        server.every = "ok"
        another_run(monkeypatch)
        with Journal(path) as journal:
            complete(server, journal, "ab", transport=transport)
        with Journal(tmp_path / "new.sqlite") as journal:
            complete(server, journal, "a")
        texts = [body["messages"][0]["content"] for body in server.bodies]
        ids = [headers["idempotency-key"] for headers in server.headers]
    of = defaultdict(list)
    for text, call_id in zip(texts, ids, strict=True):
        of[text].append(call_id)
    assert of["a"][0] == of["a"][1] and len(set(ids)) == 3


def test_each_try_of_a_call_has_an_id_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.chat.failures.FIRST_WAIT_S", 0.001)
    with StubServer(faults=["500", "empty"]) as server, Journal(tmp_path / "j.sqlite") as journal:
        complete(server, journal, "a")
        assert len({headers["idempotency-key"] for headers in server.headers}) == 3


def test_a_reply_that_came_before_the_kill_is_not_counted(tmp_path, monkeypatch):
    path = tmp_path / "j.sqlite"
    with StubServer() as server:
        with Journal(path) as journal:
            monkeypatch.setattr(journal.marks, "end", lambda key: None)
            complete(server, journal, "a")
        another_run(monkeypatch)
        with Journal(path) as journal:
            assert journal.marks.left().calls == 0
            assert journal.spent_usd() == pytest.approx(0.1)
    assert in_flight(path) == []


def test_calls_of_a_process_that_lives_are_not_counted(tmp_path):
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.marks.begin("mine", "id", 1.0)
        journal.flush()
        with Journal(path) as other:
            assert other.marks.left().calls == 0
        owner = in_flight(path)[0][1].replace(f":{os.getpid()}:", f":{os.getppid()}:")
        journal._put("UPDATE in_flight SET owner = ?", (owner,))
        journal.flush()
        with Journal(path) as other:
            assert other.marks.left().calls == 0  # the parent of this process lives


class Small(Journal):
    """A journal on a disk of a few pages."""

    made = ()

    def _connect(self):
        connection = super()._connect()
        connection.execute("PRAGMA max_page_count = 16")
        self.made = (*self.made, connection)
        return connection


def test_on_a_full_disk_nothing_more_is_asked_and_with_room_nothing_is_lost(tmp_path):
    with StubServer("Verdict: A " + "x" * 9000) as server:
        with Small(tmp_path / "j.sqlite") as journal:
            found = [complete(server, journal, [f"q{n}"])[0] for n in range(12)]
            stopped = [reply for reply in found if isinstance(reply, StorageError)]
            assert (
                len(stopped) >= 8 and "full" in str(stopped[0]) and "make room" in str(stopped[0])
            )
            asked = len(server.bodies)
            assert asked <= len(found) - len(stopped) + 1, "calls were paid for that nobody keeps"
            for connection in journal.made[1:2]:
                connection.execute("PRAGMA max_page_count = 100000")
            journal.after_commit(lambda: None)
            journal.flush()
            assert len(journal.reply_keys()) == asked
            assert complete(server, journal, ["q11"])[0].text


def test_a_judge_stops_with_one_error_when_the_disk_is_full(tmp_path, monkeypatch):
    from in_process import harness

    items = [{"id": f"i{n}", "prompt": "p"} for n in range(40)]
    texts = [{"id": f"r{n}", "item_id": f"i{n}", "system": "s", "text": f"{n}"} for n in range(40)]
    for name, rows in (("items", items), ("responses", texts)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    real = sqlite3.connect

    def connect(self):
        connection = real(self.path, timeout=60, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA max_page_count = 16")
        return connection

    monkeypatch.setattr(Journal, "_connect", connect)
    with StubServer("task: 4\naccuracy: 4\nclarity: 4" + "x" * 9000) as server:
        done = harness(
            "judge", "--source", "llm_judge", "--items", tmp_path / "items.jsonl",
            "--responses", tmp_path / "responses.jsonl", "--out", tmp_path / "j.jsonl",
            "--way", "pointwise", "--concurrency", 2, "--quiet", "--option", "rubric=helpfulness",
            "--option", f"model={MODEL}", "--option", f"api_base={server.base_url}",
        )  # fmt: skip
        assert len(server.bodies) < 20
    assert done.returncode == 1 and done.stderr.count("error:") == 1
    assert "cannot write" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_kill_9_pays_twice_for_what_was_in_flight_at_most_and_tells_it(tmp_path):
    flying, n = 6, 60
    items = [{"id": f"i{i}", "prompt": f"p{i}"} for i in range(n)]
    texts = [{"id": f"r{i}", "item_id": f"i{i}", "system": "s", "text": f"{i}"} for i in range(n)]
    for name, rows in (("items", items), ("responses", texts)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told, kills = [], 0
    with StubServer("task: 4\naccuracy: 4\nclarity: 4", latency_s=0.05) as server:
        command = [
            sys.executable, "-m", "harness", "judge", "--source", "llm_judge",
            "--items", tmp_path / "items.jsonl", "--responses", tmp_path / "responses.jsonl",
            "--out", tmp_path / "j.jsonl", "--way", "pointwise", "--concurrency", flying,
            "--option", "rubric=helpfulness", "--option", f"model={MODEL}",
            "--option", f"api_base={server.base_url}",
        ]  # fmt: skip
        command = [str(word) for word in command]
        for goal in (9, 22, 41):
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            until_s = time.monotonic() + 120
            while len(server.bodies) < goal and time.monotonic() < until_s:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            told.append(process.communicate()[1])
            kills += 1
        last = subprocess.run(command, capture_output=True, text=True, check=True)
        told.append(last.stderr)
        prompts = Counter(body["messages"][-1]["content"] for body in server.bodies)
        ids = defaultdict(set)
        for body, headers in zip(server.bodies, server.headers, strict=True):
            ids[body["messages"][-1]["content"]].add(headers["idempotency-key"])
    twice = sum(count - 1 for count in prompts.values())
    assert len(prompts) == n and 0 < twice <= kills * flying
    assert all(len(found) == 1 for found in ids.values()), "a server that honours ids asks once"
    left = sqlite3.connect(tmp_path / "j.jsonl.journal.sqlite").execute(
        "SELECT COUNT(*) FROM in_flight"
    )
    assert twice <= left.fetchone()[0] <= kills * flying
    assert "in flight when the last run ended" in "".join(told)
