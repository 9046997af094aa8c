"""What a hostile or broken batch interface sends: nothing is believed, lost or asked for ever."""

import asyncio
import gzip
import json
import threading

import pytest
from judge_calls import MODEL, ask
from scripted_server import GOOD, ScriptedServer, completion, http

from harness.chat import Client, batches
from harness.chat.keys import reply_key
from harness.nouns.errors import ChatError
from harness.records.journal import Journal

PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5}
FILE = http({"id": "file-1", "object": "file", "status": "processed"})
BEGUN = http({"id": "batch_1", "object": "batch", "status": "in_progress"})


def state(status="completed", **fields):
    return http({"id": "batch_1", "object": "batch", "status": status, **fields})


def line(name, body=GOOD, **fields):
    return {"custom_id": name, "response": {"status_code": 200, "body": body}, **fields}


def results(*rows):
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return http(b"\n".join(lines))


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """No wait between looks at a batch, nor between tries."""
    here, real = threading.current_thread(), asyncio.sleep

    async def sleep(delay, *result):
        return await real(min(delay, 0.001) if threading.current_thread() is here else delay)

    monkeypatch.setattr(asyncio, "sleep", sleep)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as journal:
        yield journal


def prefetch(server, journal=None, texts="ab", **settings):
    """Fetch two calls as a batch; return the error or None, and the client."""

    async def go():
        async with Client(journal, **settings) as client:
            wanted = [ask(server, text, max_tokens=16) for text in texts]
            for request in wanted:
                request.extra.update(PRICES)
            try:
                await client.prefetch(wanted)
            except ChatError as error:
                return error, client
            return None, client

    return asyncio.run(go())


def keys(server, texts="ab"):
    return [reply_key(ask(server, text, max_tokens=16)) for text in texts]


def paths(server):
    return [" ".join(head.split(" ")[:2]).replace("/v1", "") for head in server.heads]


A_BATCH = ["POST /files", "POST /batches", "GET /batches/batch_1", "GET /files/file-2/content"]

ODD = {
    "a list": [1],
    "text": "row",
    "null": None,
    "no name": {"response": {"status_code": 200, "body": GOOD}},
    "a name that is a list": line(["x"]),
    "the name of another": line("foreign"),
    "a number for a name": line(5),
    "no JSON": b"{not json",
    "deep JSON": b"[" * 100_000,
    "NaN": b'{"custom_id": NaN}',
    "no UTF-8": b"\xff\xfe{}",
}


@pytest.mark.parametrize("name", ODD)
def test_a_line_that_is_none_of_ours_leaves_the_others(name, journal):
    with ScriptedServer(FILE, BEGUN) as server:
        mine = keys(server)
        server.scripts += [
            state(output_file_id="file-2"),
            results(line(mine[0]), ODD[name], line(mine[1])),
        ]
        error, client = prefetch(server, journal)
        assert error is None and paths(server) == A_BATCH
    assert [bool(client.ledger.kept(key)) for key in mine] == [True, True]
    assert client.usage[MODEL].calls == 2


BAD_ANSWERS = {
    "a status of 500": {"response": {"status_code": 500, "body": GOOD}},
    "a status as text": {"response": {"status_code": "200", "body": GOOD}},
    "a response that is text": {"response": "no"},
    "a response that is a list": {"response": [GOOD]},
    "no response": {"response": None},
    "no body": {"response": {"status_code": 200}},
    "a body that is a list": {"response": {"status_code": 200, "body": [GOOD]}},
    "content that is a number": {
        "response": {"status_code": 200, "body": completion(message={"content": 5})}
    },
    "an error": {"response": None, "error": {"code": "x"}},
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_failed_line_is_left_for_the_live_call(name, journal):
    with ScriptedServer(FILE, BEGUN) as server:
        mine = keys(server)
        rows = [{"custom_id": mine[0], **BAD_ANSWERS[name]}, line(mine[1])]
        server.scripts += [state(output_file_id="file-2"), results(*rows)]
        error, client = prefetch(server, journal)
    assert error is None
    assert [bool(client.ledger.kept(key)) for key in mine] == [False, True]
    spent = pytest.approx(client.budget.spent_usd)
    assert spent == journal.spent_usd() and spent == client.usage[MODEL].cost_usd
    assert sum(client.usage[MODEL].failures.values()) == 1


@pytest.mark.parametrize("status", [201, 206, 299])
def test_a_line_under_any_status_that_answers_is_paid_for_with_what_was_thought(status, journal):
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 35}
    with ScriptedServer(FILE, BEGUN) as server:
        (mine,) = keys(server, "a")
        row = line(mine, completion(usage=usage))
        row["response"]["status_code"] = status
        server.scripts += [state(output_file_id="file-2"), results(row)]
        error, client = prefetch(server, journal, "a")
    assert error is None and client.ledger.kept(mine)["text"] == "Verdict: A"
    assert client.budget.spent_usd == pytest.approx(0.5 * (10e-6 + 25e-5)) == journal.spent_usd()


def used(prompt, completed):
    return {"prompt_tokens": prompt, "completion_tokens": completed}


OTHERS = {
    "another verdict": ({"body": completion(message={"content": "Verdict: B"})}, 10e-6 + 5e-5),
    "a dearer one": (
        {"body": completion(message={"content": "Verdict: B"}, usage=used(12, 16))}, 12e-6 + 16e-5
    ),
    "a cheaper one": (
        {"body": completion(message={"content": "Verdict: B"}, usage=used(9, 2))}, 10e-6 + 5e-5
    ),
    "the same one, dearer": ({"body": completion(usage=used(12, 16))}, 12e-6 + 16e-5),
    "counts that cannot be": ({"body": completion(usage=used(-1, 10**30))}, 17e-6 + 16e-5),
    "no counts": ({"body": completion(usage=None)}, 17e-6 + 16e-5),
    "nothing to read": ({"body": [1]}, 17e-6 + 16e-5),
    "a refusal": (
        {"body": completion(message={"content": None, "refusal": "no"}, usage=used(12, 6))},
        12e-6 + 6e-5,
    ),
    "a failure": ({"status_code": 500, "body": {}}, 10e-6 + 5e-5),
    "no response": (None, 10e-6 + 5e-5),
}  # fmt: skip
"""A second line for a call that another answers with 10 and 5 tokens; what the dearer costs."""


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", OTHERS)
def test_of_different_lines_for_one_call_none_is_believed_and_the_dearest_paid(
    name, turned, journal
):
    answer, most = OTHERS[name]
    good = completion(usage=used(10, 5))
    with ScriptedServer(FILE, BEGUN) as server:
        mine = keys(server)
        other = {"custom_id": mine[0], "response": answer and {"status_code": 200, **answer}}
        twice = [line(mine[0], good), other][:: -1 if turned else 1]
        rows = [*twice, twice[0], line(mine[1], good), line(mine[1], good)]
        server.scripts += [state(output_file_id="file-2"), results(*rows)]
        error, client = prefetch(server, journal)
    assert error is None
    assert [bool(client.ledger.kept(key)) for key in mine] == [False, True]
    spent = 0.5 * (most + 10e-6 + 5e-5)
    assert client.budget.spent_usd == pytest.approx(spent) == journal.spent_usd()
    assert client.usage[MODEL].cost_usd == pytest.approx(spent)
    assert client.usage[MODEL].failures == {"malformed answer": 1}
    assert client.usage[MODEL].calls == 1, "the other is made live when it is asked for"


@pytest.mark.parametrize("count", [-(10**9), 10**30, None, 1.5, True])
def test_counts_that_cannot_be_are_priced_by_our_own_bound_at_the_batch_price(count, journal):
    body = completion(usage={"prompt_tokens": count, "completion_tokens": count})
    with ScriptedServer(FILE, BEGUN) as server:
        mine = keys(server)
        server.scripts += [state(output_file_id="file-2"), results(line(mine[0], body))]
        _, client = prefetch(server, journal)
    most = 0.5 * (17e-6 + 16e-5)
    assert client.budget.spent_usd == pytest.approx(most) == journal.spent_usd()
    assert client.usage[MODEL].bounded == 1


@pytest.mark.parametrize("status", ["failed", "expired", "cancelled"])
def test_a_batch_that_ended_without_results_is_told_once_and_then_begun_anew(status, journal):
    with ScriptedServer(FILE, BEGUN, state(status)) as server:
        error, client = prefetch(server, journal)
        assert status in str(error) and "begins another" in str(error)
        assert paths(server) == A_BATCH[:3]
        mine = keys(server)
        server.scripts[:] = [
            FILE, BEGUN, state(output_file_id="file-2"), results(*map(line, mine)),
        ]  # fmt: skip
        error, client = prefetch(server, journal)
        assert error is None and paths(server)[3:] == A_BATCH
    assert all(client.ledger.kept(key) for key in mine)


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_what_an_ended_batch_did_answer_is_kept(status, journal):
    with ScriptedServer(FILE, BEGUN) as server:
        mine = keys(server)
        server.scripts += [state(status, output_file_id="file-2"), results(line(mine[0]))]
        error, client = prefetch(server, journal)
    assert error is None
    assert [bool(client.ledger.kept(key)) for key in mine] == [True, False]


def test_a_batch_of_failed_lines_only_leaves_all_to_live_calls_and_is_not_asked_again(journal):
    with ScriptedServer(FILE, BEGUN, state(error_file_id="file-9")) as server:
        error, _ = prefetch(server, journal)
        assert error is None and paths(server) == A_BATCH[:3]
        server.scripts[:] = [FILE, BEGUN, state(error_file_id="file-9")]
        prefetch(server, journal)
        assert paths(server)[3:] == A_BATCH[:3], "the old one was asked again"


def test_a_batch_that_the_provider_knows_no_more_is_begun_anew(journal):
    gone = http({"error": {"message": "no such batch"}}, status="404 Not Found")
    with ScriptedServer(FILE, BEGUN, gone) as server:
        error, _ = prefetch(server, journal)
        assert "knows batch_1 no more" in str(error)
        server.scripts[:] = [FILE, BEGUN, state()]
        error, _ = prefetch(server, journal)
        assert error is None and paths(server)[3:] == A_BATCH[:3]


@pytest.mark.parametrize("status", ["teapot", "", None, 5, ["completed"], {"a": 1}], ids=str)
def test_an_unknown_state_is_told_and_the_batch_is_found_again(status, journal):
    with ScriptedServer(FILE, BEGUN, state(status)) as server:
        error, _ = prefetch(server, journal)
        assert "not known" in str(error)
        server.scripts[:] = [state()]
        error, _ = prefetch(server, journal)
        assert error is None and paths(server)[3:] == A_BATCH[2:3], "nothing is paid for twice"


def test_a_batch_that_never_ends_is_given_up(journal, monkeypatch):
    monkeypatch.setattr(batches, "LONGEST_S", 0.2)
    with ScriptedServer(FILE, BEGUN) as server:
        error, _ = prefetch(server, journal)
        assert "in_progress for more than" in str(error)


@pytest.mark.parametrize("answer", [{"id": None}, {"id": 5}, {}, [], {"id": ""}], ids=str)
@pytest.mark.parametrize("which", [0, 1])
def test_a_file_or_batch_without_a_name_is_one_error(which, answer, journal):
    scripts = [FILE, BEGUN, state()]
    scripts[which] = http(answer)
    with ScriptedServer(*scripts) as server:
        error, _ = prefetch(server, journal)
    assert isinstance(error, ChatError) and len(str(error)) < 400


async def endless(server, writer):
    await server.send(writer, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        await server.send(writer, b"10000\r\n" + b" " * 65536 + b"\r\n")


BOMB = http(gzip.compress(b" " * (100 << 20), 1), headers={"content-encoding": "gzip"})


@pytest.mark.parametrize("script", [endless, BOMB], ids=["endless", "bomb"])
@pytest.mark.parametrize("where", range(4))
def test_no_answer_is_read_beyond_the_cap(where, script, journal):
    scripts = [*[FILE, BEGUN, state(output_file_id="file-2")][:where], script]
    with ScriptedServer(*scripts) as server:
        error, _ = prefetch(server, journal)
        assert server.sent < 100 << 20
    assert "oversized answer" in str(error) and "2,236,416 bytes" in str(error)


@pytest.mark.parametrize("where", range(4))
def test_no_redirect_is_followed(where, journal):
    with ScriptedServer(FILE) as thief:
        moved = http(
            b"", status="307 Moved", headers={"location": f"http://localhost:{thief.port}/v1/files"}
        )
        scripts = [*[FILE, BEGUN, state(output_file_id="file-2")][:where], moved]
        with ScriptedServer(*scripts) as server:
            error, _ = prefetch(server, journal)
        assert thief.heads == []
    assert f"localhost:{thief.port}" in str(error)
