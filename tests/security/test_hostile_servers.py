"""What a hostile or broken chat server sends: a typed failure each, within bytes and time.

Every behaviour is played over both transports by a server on loopback that sends any bytes.
"""

import asyncio
import gzip
import json
import resource
import zlib
from functools import cache

import pytest
from hostile_calls import CHUNKED, call
from judge_calls import MODEL, ask
from scripted_server import GOOD, ScriptedServer, completion, http

from harness.chat import Client
from harness.chat.wire import ENVELOPE, most_bytes
from harness.nouns.errors import ChatError, ConfigError
from harness.nouns.outcomes import Status

pytestmark = pytest.mark.usefixtures("at_once")


def memory_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# Answers without an end. ----


def endless(head, piece=b" " * 65536):
    async def script(server, writer):
        await server.send(writer, head)
        while True:
            await server.send(writer, piece)

    return script


CHUNK = b"10000\r\n" + b" " * 65536 + b"\r\n"
ENDLESS = {
    "chunked": endless(CHUNKED, CHUNK),
    "until closed": endless(b"HTTP/1.0 200 OK\r\n\r\n"),
    "a length of terabytes": endless(b"HTTP/1.1 200 OK\r\ncontent-length: 9999999999999\r\n\r\n"),
    "one endless chunk": endless(CHUNKED + b"FFFFFFFFF\r\n"),
    "an error": endless(CHUNKED.replace(b"200 OK", b"500 No"), CHUNK),
    "a refusal of the key": endless(CHUNKED.replace(b"200 OK", b"401 No"), CHUNK),
    "a rate limit": endless(CHUNKED.replace(b"200 OK", b"429 No"), CHUNK),
    "gzip": endless(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 999999999\r\n\r\n"
        + gzip.compress(b" " * 1000)
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_without_an_end_is_cut_at_the_cap(name, transport):
    before = memory_mib()
    with ScriptedServer(ENDLESS[name]) as server:
        found, client = call(server, transport, max_tokens=16)
        tries = client.usage[MODEL].requests
        # The cap, and what sockets hold, for each try.
        assert server.sent < tries * (3 * ENVELOPE + (16 << 20))
    assert isinstance(found, ChatError) and found.status is Status.ERROR
    assert "oversized answer" in found.reason and "2,101,248 bytes" in found.reason
    assert tries == 2
    assert memory_mib() - before < 200


@cache
def bomb(compress):
    return compress(json.dumps(GOOD).encode()[:-1] + b" " * (200 << 20) + b"}", 1)


@pytest.mark.parametrize("status", ["200 OK", "500 Error", "429 Wait"])
@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("x-gzip", gzip.compress)],
)
def test_a_bomb_is_not_unpacked_beyond_the_cap(encoding, compress, status, transport):
    packed = bomb(compress)
    before = memory_mib()
    assert len(packed) < 2 << 20
    raw = http(packed, status=status, headers={"content-encoding": encoding})
    with ScriptedServer(raw) as server:
        found, _ = call(server, transport, max_tokens=16)
    assert "oversized answer" in found.reason
    assert memory_mib() - before < 100


def test_the_cap_grows_with_what_may_be_said():
    class Place:
        base_url = "http://127.0.0.1:1/v1"

    short, long = ask(Place, max_tokens=16), ask(Place, max_tokens=100_000)
    assert most_bytes(long) - most_bytes(short) == (100_000 - 16) * 256
    assert most_bytes(ask(Place, max_tokens=16, choices=("A", "B"))) > most_bytes(short) + 16 * 4096
    text = "\U0001f600" * 4096  # twelve bytes each as JSON escapes it
    with ScriptedServer(http(completion(message={"content": text}))) as server:
        found, _ = call(server, max_tokens=4096)
    assert found.text == text


def slowly(raw, piece=1, wait=0.05):
    async def script(server, writer):
        for start in range(0, len(raw), piece):
            await server.send(writer, raw[start : start + piece])
            await asyncio.sleep(wait)

    return script


async def many_continues(server, writer):
    while True:
        await server.send(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "script",
    [slowly(http()), slowly(CHUNKED + b"1\r\n \r\n" * 9999, 6), slowly(b" " * 99), many_continues],
    ids=["a byte at a time", "a chunk at a time", "no head", "100 Continue for ever"],
)
def test_a_slow_answer_ends_at_the_time_limit(script, transport):
    with ScriptedServer(script) as server:
        found, client = call(server, transport, timeout_s=0.5)
    assert isinstance(found, ChatError), found
    assert found.status in (Status.TIMEOUT, Status.ERROR)
    assert client.usage[MODEL].requests <= 5


# Answers that are not what HTTP or JSON says. ----

LONG = "x" * (1 << 20)
BROKEN = {
    "endless headers": endless(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 1000),
    "one header of a megabyte": http(headers={"x-long": LONG}),
    "an endless header": endless(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 65536),
    "an endless status line": endless(b"HTTP/1.1 200 ", b"y" * 65536),
    "a length too long": b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{}",
    "a length too short": http().replace(b"content-length: ", b"content-length: 20\r\nx: "),
    "two lengths": http(headers={"Content-Length": "7"}),
    "a negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}",
    "a chunk of no size": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\ncontent-length: 0\r\n\r\n",
    "nothing": b"content-length",
    "gzip that is none": http(headers={"content-encoding": "gzip"}),
    "gzip cut short": http(
        gzip.compress(json.dumps(GOOD).encode())[:-9], headers={"content-encoding": "gzip"}
    ),
    "gzip and more": http(
        gzip.compress(json.dumps(GOOD).encode()) + b"more", headers={"content-encoding": "gzip"}
    ),
    "gzip twice": http(
        gzip.compress(gzip.compress(b"{}")), headers={"content-encoding": "gzip, gzip"}
    ),
    "brotli": http(headers={"content-encoding": "br"}),
    "an unknown packing": http(headers={"content-encoding": "\x01secret"}),
    "server-sent events": http(b"data: " + json.dumps(GOOD).encode() + b"\n\ndata: [DONE]\n\n"),
    "no UTF-8": http(json.dumps(GOOD).encode().replace(b"Verdict", b"\xff\xfe\x80")),
    "NaN": http(json.dumps(GOOD).encode().replace(b'"created": 0', b'"created": NaN')),
    "-Infinity": http(json.dumps(GOOD).encode().replace(b'"created": 0', b'"created": -Infinity')),
    "5,000 digits": http(json.dumps(GOOD).encode().replace(b": 0,", b": " + b"9" * 5000 + b",")),
    "deep lists": http(b"[" * 100_000),
    "deep objects": http(b'{"a":' * 100_000),
    "half of it": http(json.dumps(GOOD).encode()[:-30]),
    "HTML": http(b"<html><body>Please log in</body></html>"),
    "empty": http(b""),
    "a string": http(b'"Verdict: A"'),
    "null": http(b"null"),
    "a list": http(json.dumps([GOOD]).encode()),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_a_typed_failure(name, transport):
    with ScriptedServer(BROKEN[name]) as server:
        found, client = call(server, transport, timeout_s=2.0, max_tokens=16)
        assert server.sent < 100 << 20
    assert isinstance(found, ChatError), repr(found)
    assert found.status in (Status.ERROR, Status.TIMEOUT) and found.reason
    assert 1 <= client.usage[MODEL].requests <= 5
    assert len(str(found)) < 500


DUPLICATE = json.dumps(GOOD).encode()[:-1] + b', "model": "last"}'
FINE = {
    "HTTP/1.0 without a length": http(version="1.0", length=False),
    "gzip": http(gzip.compress(json.dumps(GOOD).encode()), headers={"content-encoding": "gzip"}),
    "deflate": http(
        zlib.compress(json.dumps(GOOD).encode()), headers={"content-encoding": "deflate"}
    ),
    "a byte order mark": http(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()),
    "a key twice": http(DUPLICATE),
    "finish_reason a number": http(completion(choice={"finish_reason": 7})),
    "finish_reason a list": http(completion(choice={"finish_reason": ["x"] * 999})),
    "model a list": http(completion(model=["m"])),
    "fingerprint a number": http(completion(system_fingerprint=5)),
    "parts of content": http(completion(message={"content": [{"text": "Verdict: A"}, 5]})),
    "logprobs that nobody asked for": http(completion(choice={"logprobs": {"content": 5}})),
}
LITELLM_REFUSES = ( "finish_reason a number", "finish_reason a list", "model a list",
    "parts of content", "logprobs that nobody asked for", "fingerprint a number",
)  # fmt: skip
"""Its own types refuse these: a failure with a type, too."""


@pytest.mark.parametrize("name", FINE)
def test_an_odd_answer_that_can_be_read_is_read(name, transport):
    with ScriptedServer(FINE[name]) as server:
        found, _ = call(server, transport)
    if transport == "litellm" and name in LITELLM_REFUSES and isinstance(found, ChatError):
        return
    assert found.text == "Verdict: A" and len(found.finish_reason) <= 200


MALFORMED = {
    "choices a dict": {**GOOD, "choices": {"0": GOOD["choices"][0]}},
    "choices empty": {**GOOD, "choices": []},
    "choices null": {**GOOD, "choices": None},
    "choices a number": {**GOOD, "choices": 7},
    "a choice that is text": {**GOOD, "choices": ["Verdict: A"]},
    "message null": completion(choice={}) | {"choices": [{"message": None}]},
    "message a list": {**GOOD, "choices": [{"message": ["Verdict: A"]}]},
    "message text": {**GOOD, "choices": [{"message": "Verdict: A"}]},
    "content a number": completion(message={"content": 5}),
    "content true": completion(message={"content": True}),
    "content a dict": completion(message={"content": {"text": "Verdict: A"}}),
    "parts with a number": completion(message={"content": [{"text": 5}]}),
    "an error with 200": {"error": {"message": "no"}},
    "an error as text with 200": {"error": "no"},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_an_answer_of_wrong_types_is_tried_again_and_then_a_typed_failure(name, transport):
    good = http(completion(message={"content": "fine"}))
    with ScriptedServer(*[http(MALFORMED[name])] * 5) as server:
        found, _ = call(server, transport)
    assert isinstance(found, ChatError), repr(found)
    assert found.status in (Status.ERROR, Status.UNPARSEABLE)
    if transport == "litellm" and name.startswith("an error"):
        assert "bad request" in found.reason  # as litellm reads it
        return
    with ScriptedServer(http(MALFORMED[name]), good) as server:
        found, _ = call(server, transport)
    assert found.text == "fine" and found.tries == 2


LOGPROBS = [
    {"content": "text"},
    {"content": 5},
    {"content": ["A"]},
    {"content": [{"token": "A", "top_logprobs": 3, "logprob": -1}]},
    {"content": [{"token": "A", "top_logprobs": ["A"]}]},
    {"content": [{"token": "A"}]},
    *(
        {"content": [{"token": "A", "logprob": value}]}
        for value in (None, "-1", "nan", True, [], {}, 5.0, 1e300, 10**40)
    ),
]


@pytest.mark.parametrize("logprobs", LOGPROBS, ids=lambda found: str(found)[:50])
def test_log_probabilities_that_are_none_are_a_typed_failure(logprobs, transport):
    with ScriptedServer(http(completion(choice={"logprobs": logprobs}))) as server:
        found, _ = call(server, transport, choices=("A", "B"))
    if transport == "litellm" and not isinstance(found, ChatError):
        assert found.choice_logprobs is None  # its types may leave them out
        return
    assert isinstance(found, ChatError) and found.status is Status.ERROR, repr(found)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "text"}', b'{"error": null}', b'{"error": [1]}', b'"text"', b"null", b"[]",
        b'{"error": {"message": {"a": 1}}}', b'{"error": {"message": 5}}', b"\xff\xfe", b"",
        b"[" * 100_000, b'{"error": {"message": "' + b"9" * 100_000 + b'"}}',
        b'{"error": {"message": ' + b"9" * 5000 + b"}}",
    ],
    ids=lambda body: repr(body[:30]),
)  # fmt: skip
@pytest.mark.parametrize(
    ("status", "requests", "kind"),
    [("400 No", 1, "bad request"), ("503 No", 5, "server error"), ("429 No", 12, "rate limit")],
)
def test_errors_of_any_shape_keep_their_class(body, status, requests, kind, transport):
    with ScriptedServer(http(body, status=status)) as server:
        found, client = call(server, transport)
    assert isinstance(found, ChatError) and len(found.reason) < 400
    assert kind in found.reason
    assert client.usage[MODEL].requests == requests


@pytest.mark.parametrize("status", ["999 Odd", "600 Odd", "204 No", "101 Switching", "304 Not"])
def test_odd_statuses_are_typed(status, transport):
    with ScriptedServer(http(b"", status=status)) as server:
        found, _ = call(server, transport, timeout_s=1.0)
    assert isinstance(found, ChatError | ConfigError)


ODD_WAITS = [
    "-5", "nan", "inf", "1e9", "", "x" * 8000, "9" * 8000, "9" * 300 + "s", "1e400", "0x10", "1,5",
    "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Foo 99999 99:99:99 GMT",
]  # fmt: skip


@pytest.mark.parametrize("value", ODD_WAITS, ids=lambda text: text[:20])
def test_odd_rate_limit_headers_do_not_stop_the_retry(value, transport):
    headers = {
        "retry-after": value, "retry-after-ms": value,
        "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": value,
    }  # fmt: skip
    with ScriptedServer(http(b"{}", status="429 Wait", headers=headers), http()) as server:
        found, _ = call(server, transport)
    assert found.text == "Verdict: A" and found.tries == 2, repr(found)


# Redirects. ----


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_refused_by_name(status, transport):
    with ScriptedServer(http(completion(message={"content": "Verdict: B"}))) as thief:
        headers = {"location": f"http://localhost:{thief.port}/v1/chat/completions"}
        with ScriptedServer(http(b"", status=f"{status} Moved", headers=headers)) as server:
            found, _ = call(server, transport)
            assert len(server.heads) == 1
        assert thief.heads == [], "prompt and key went to another host"
    assert isinstance(found, ConfigError)
    assert f"localhost:{thief.port}" in str(found) and "api_base" in str(found)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("/v1/chat/completions", "same host"),
        ("//evil.example/x", "evil.example"),
        ("https://user:pass@evil.example:99/x?key=1", "https://evil.example:99"),
        ("file:///etc/passwd", "file://"),
        ("http://[::1", "redirects to"),
        ("http://evil.example\x1b[2J/", "evil.example"),
        ("", "same host"),
        ("http://" + "e" * 8000, "eeee"),
    ],
    ids=lambda text: text[:20],
)
def test_no_redirect_is_followed(location, told, transport):
    moved = http(b"", status="307 Moved", headers={"location": location})
    with ScriptedServer(moved) as server:
        found, _ = call(server, transport, timeout_s=2.0)
        assert len(server.heads) <= 5
    if "\x1b" in location:  # the fast transport's parser refuses the header itself
        assert isinstance(found, ChatError | ConfigError)
    else:
        assert isinstance(found, ConfigError) and told in str(found), repr(found)
    assert "\x1b" not in str(found) and "pass" not in str(found) and len(str(found)) < 700


def test_a_redirect_in_the_middle_of_a_run_is_a_failure_of_its_call():
    moved = http(b"", status="307 Moved", headers={"location": "http://evil.example/"})

    async def go(server):
        async with Client(None) as client:
            assert (await client.complete(ask(server, "one"))).text
            with pytest.raises(ChatError, match=r"evil\.example") as caught:
                await client.complete(ask(server, "two"))
            assert (await client.complete(ask(server, "three"))).text
            return caught.value

    with ScriptedServer(http(), moved, http()) as server:
        assert asyncio.run(go(server)).status is Status.ERROR
