"""Who may label: every way in is shut to a name that is not on the list, and to other sites."""

import asyncio
import hmac
import re
import socket
from contextlib import closing

import pytest

from harness.label_page.access import OWNER, Access, is_loopback
from harness.label_page.formatting import Formatter
from harness.label_page.page import LabelPage
from harness.label_page.pages import create_app
from harness.label_page.queue import Queue
from harness.label_page.serving import links
from harness.label_page.store import LabelStore
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, JudgmentRequest, Response

pytest.importorskip("starlette")
httpx = pytest.importorskip("httpx")

SECRET = b"the secret of one store"
LISTED = ("ann", "Bob")
UNLISTED = ["eve", "Ann", "ANN", "bob", "annBob", "ann,Bob", "ann\0", OWNER, "", "an", "anne"]
BASE = "http://127.0.0.1:8017"


def signed(*parts):
    """The signature, worked out without the module."""
    return hmac.new(SECRET, "\0".join(parts).encode(), "sha256").hexdigest()


def changed(text, place):
    """The text with another hexadecimal digit at one place."""
    place %= len(text)
    return text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.7", False),
        ("LOCALHOST.evil.example", False),
        ("X127.0.0.1", False),
        (" 127.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_only(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, False),
        ({"tokens": True}, True),
        ({"host": "::1"}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "label.example"}, True),
        ({"origin": "https://label.example"}, True),
        ({"origin": "https://label.example", "host": "0.0.0.0"}, True),
    ],
)
def test_tokens_are_asked_for_wherever_others_can_come_in(rules, expected):
    assert Access(SECRET, LISTED, **rules).tokens is expected


def test_signatures_are_the_same_after_a_restart_and_differ_by_use():
    access = Access(SECRET, LISTED)
    assert access.cookie == "label_" + signed("cookie")[:8]
    assert access.token("ann") == signed("token", "ann")
    assert access.csrf("ann") == signed("csrf", "ann")
    assert access.session("Bob") == signed("session", "Bob") + ".426f62"  # B, o, b in hexadecimal
    assert Access(b"another store", LISTED).token("ann") != access.token("ann")


@pytest.mark.parametrize("person", [*LISTED, "Zoë", OWNER])
def test_only_the_form_of_the_person_carries_the_mark(person):
    access = Access(SECRET)
    good = access.csrf(person)
    assert access.is_csrf(person, good) is True
    for wrong in ("", good[:-1], changed(good, 5), access.csrf(person + "x"), access.token(person)):
        assert access.is_csrf(person, wrong) is False


@pytest.mark.parametrize("name", LISTED)
def test_a_person_on_the_list_comes_in_every_way(name):
    access = Access(SECRET, LISTED)
    assert access.may_enter(name) is True
    assert access.person_of_token(access.token(name)) == name
    assert access.person_of_session(access.session(name)) == name
    assert Access(SECRET, LISTED, tokens=True).may_enter(name) is False  # by token only


@pytest.mark.parametrize("name", UNLISTED)
@pytest.mark.parametrize("tokens", [False, True])
def test_a_person_who_is_not_on_the_list_comes_in_no_way(name, tokens):
    access = Access(SECRET, LISTED, tokens=tokens)
    assert access.may_enter(name) is False
    if name != OWNER:  # whose token and cookie are good, for the owner's page
        assert access.person_of_token(access.token(name)) is None
        assert access.person_of_session(access.session(name)) is None
    assert access.person_of_token(name) is None
    assert access.person_of_session(name) is None


def test_a_token_or_cookie_that_was_altered_is_nobodys():
    access = Access(SECRET, LISTED, tokens=True)
    token, cookie = access.token("ann"), access.session("ann")
    signature, _, name = cookie.partition(".")
    altered = [changed(token, place) for place in (0, 31, 63)]
    for wrong in (*altered, token[:-1], token + "0", token.upper(), f" {token}", signature, cookie,
                  access.csrf("ann"), Access(b"other", LISTED).token("ann"), "é"):  # fmt: skip
        assert access.person_of_token(wrong) is None
    bob = b"Bob".hex()
    for wrong in (
        *(f"{changed(signature, place)}.{name}" for place in (0, 63)),
        f"{signature}.{bob}", f"{signature}.", f".{name}", f"{signature}{name}", f"{token}.{name}",
        f"{signature}..{name}", f"{signature}.{name}.{name}", f"{signature}.zz", f"{signature}.c3",
        f"x.{signature}.{name}", Access(b"other", LISTED).session("ann"), "", ".",
    ):  # fmt: skip
        assert access.person_of_session(wrong) is None


def test_nobody_is_no_person_with_a_list_or_without():
    for access in (Access(SECRET), Access(SECRET, LISTED)):
        for cookie in (access.session(""), signed("session", "")):
            assert access.person_of_session(cookie) is None


def test_the_owner_has_a_token_and_no_name_to_say():
    access = Access(SECRET, LISTED, tokens=True)
    assert access.person_of_token(access.token(OWNER)) == OWNER
    assert access.person_of_session(access.session(OWNER)) == OWNER
    assert Access(SECRET).may_enter(OWNER) is False
    assert set(links(BASE, access)) == {*LISTED, OWNER}
    assert links(BASE, access)["ann"] == f"{BASE}/enter#{signed('token', 'ann')}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("x" * 80, True), ("x" * 81, False), ("Zoë S.", True), ("a\tb", False), ("", False)],
)
def test_without_a_list_any_printable_name_of_80_characters_may_label(name, expected):
    access = Access(SECRET)
    assert access.may_enter(name) is expected
    if expected:
        assert access.person_of_session(access.session(name)) == name


@pytest.mark.parametrize(
    ("rules", "header", "expected"),
    [
        ({}, "127.0.0.1:8017", True),
        ({}, "LocalHost:8017", True),
        ({}, "[::1]:8017", True),
        ({}, "192.168.0.7:8017", False),
        ({}, "evil.example", False),
        ({}, "[broken", False),
        ({}, "", False),
        ({"host": "0.0.0.0"}, "192.168.0.7:8017", True),
        ({"host": "0.0.0.0"}, "[2001:db8::7]:8017", True),
        ({"host": "0.0.0.0"}, "Desk.Example:8017", True),  # the machine's name
        ({"host": "0.0.0.0"}, "desk", True),
        ({"host": "0.0.0.0"}, "evil.example", False),
        ({"host": "0.0.0.0"}, "", False),
        ({"host": "Label.example"}, "label.example:8017", True),
        ({"origin": "https://Label.example"}, "label.example", True),
        ({"origin": "https://label.example"}, "LABEL.example:443", True),
        ({"origin": "https://label.example"}, "evil.example", False),
        ({"origin": "https://label.example"}, "127.0.0.1:8017", True),  # the proxy's own check
        ({"origin": "https://"}, "evil.example", False),
        ({"origin": "https://"}, "xxxx", False),
    ],
)
def test_only_names_of_this_server_are_answered(monkeypatch, rules, header, expected):
    monkeypatch.setattr(socket, "gethostname", lambda: "Desk")
    monkeypatch.setattr(socket, "getfqdn", lambda: "desk.EXAMPLE")
    assert Access(SECRET, LISTED, **rules).allows_host(header) is expected


@pytest.mark.parametrize(
    ("rules", "headers", "expected"),
    [
        ({}, {"origin": BASE, "host": "127.0.0.1:8017"}, True),
        ({}, {"origin": "https://127.0.0.1:8017", "host": "127.0.0.1:8017"}, True),
        ({}, {"origin": "http://127.0.0.1:9999", "host": "127.0.0.1:8017"}, False),
        ({}, {"origin": "http://evil.example", "host": "127.0.0.1:8017"}, False),
        ({}, {"origin": "http://[broken", "host": "127.0.0.1:8017"}, False),
        ({}, {"origin": "null", "host": "null"}, False),
        ({}, {"origin": "ftp://127.0.0.1:8017", "host": "127.0.0.1:8017"}, False),
        ({}, {"origin": "http://", "host": ""}, False),
        ({}, {"origin": BASE}, False),
        ({}, {"host": "127.0.0.1:8017"}, False),
        ({}, {}, False),
        ({"origin": "https://a.example/"}, {"origin": "https://a.example"}, True),
        ({"origin": "https://a.example"}, {"origin": "https://a.example"}, True),
        ({"origin": "https://a.exampleX/"}, {"origin": "https://a.exampleX"}, True),
        ({"origin": "https://a.example"}, {"origin": "https://b.example"}, False),
        ({"origin": "https://a.example"}, {"origin": "http://a.example"}, False),
        ({"origin": "https://a.example"}, {"origin": BASE, "host": "127.0.0.1:8017"}, False),
        ({"origin": "https://a.example"}, {}, False),
    ],
)
def test_only_the_pages_of_this_server_change_anything(rules, headers, expected):
    assert Access(SECRET, LISTED, **rules).allows_post(headers) is expected


@pytest.fixture
def page(tmp_path):
    """The page for the people on the list, above a store of one pair."""
    pair = (Response("r1", "i", "s", "one"), Response("r2", "i", "t", "two"))
    asked = JudgmentRequest("task", Item("i", "?"), pair, Criterion("c", "Which?", BINARY))
    store = LabelStore(tmp_path / "labels.sqlite", "pairwise")
    with closing(Formatter(processes=1)) as formatter:
        yield lambda **rules: LabelPage(
            Queue([asked]), store, Access(store.secret, LISTED, **rules), formatter
        )
    store.close()


def browser(page, **cookies):
    transport = httpx.ASGITransport(create_app(page))
    return httpx.AsyncClient(transport=transport, base_url=BASE, headers={"Origin": BASE},
                             cookies=cookies)  # fmt: skip


@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize("name", [*UNLISTED, *LISTED])
def test_the_page_lets_in_who_is_on_the_list_and_nobody_else(page, name, tokens):
    page = page(tokens=tokens)
    access = page.access

    async def visit():
        async with browser(page) as client:
            said = await client.post("/enter", data={"name": name})
            link = await client.post("/enter", data={"token": access.token(name)})
            mixed = await client.post("/enter", data={"token": "0" * 64, "name": name})
        async with browser(page, **{access.cookie: access.session(name)}) as client:
            home = await client.get("/")
            form = {"csrf": access.csrf(name), "task": "task", "key": "k" * 8, "choice": "left"}
            label = await client.post("/label", data=form)
        return said, link, mixed, home, label

    said, link, mixed, home, label = asyncio.run(visit())
    listed = name in LISTED
    by_name = 303 if listed and not tokens else 403
    assert (said.status_code, mixed.status_code) == (by_name, by_name)
    if name == OWNER:
        assert link.status_code == 303 and home.headers["location"] == "/owner"
    else:
        assert link.status_code == (303 if listed else 403)
        assert home.headers.get("location") == (None if listed else "/enter")
    assert label.status_code == (303 if listed else 403)
    assert [entry.person for entry in page.store.entries()] == ([name] if listed else [])
    assert bool(re.search("two", home.text)) is listed  # nobody else sees a task
