"""The label page over HTTP: blind, guarded against other sites, durable, resumable, measured."""

import asyncio
import csv
import io
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from html import unescape

import pytest

from harness.label_page.access import OWNER, Access
from harness.label_page.exporting import better_answers
from harness.label_page.formatting import Formatter
from harness.label_page.owner import ratings_by_criterion
from harness.label_page.page import LabelPage
from harness.label_page.pages import create_app
from harness.label_page.queue import Queue
from harness.label_page.store import LabelStore
from harness.label_page.tasks import Questions
from harness.labels.files import read_table
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Item, JudgmentRequest, Response
from harness.registry import registry

pytest.importorskip("starlette")
httpx = pytest.importorskip("httpx")

OVERALL = Criterion("overall", "Which response is better?", BINARY)
BASE = "http://127.0.0.1:8017"


def requests(n=4, criterion=OVERALL, width=2):
    return [
        JudgmentRequest(
            f"task{i}",
            Item(f"item-{i}", f"What is {i}+{i}?"),
            tuple(
                Response(f"id-{i}-{s}", f"item-{i}", f"system-{s}", f"{s} says {i + i}")
                for s in ("left", "right")[:width]
            ),
            criterion,
        )
        for i in range(n)
    ]


class Client:
    """A browser without scripts: keeps cookies, follows redirects."""

    def __init__(self, app, base_url=BASE, headers=None, cookies=None):
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=base_url,
            headers=headers,
            cookies=cookies,
            follow_redirects=True,
        )
        self.cookies, self.headers = self._client.cookies, self._client.headers

    def get(self, path, **options):
        return asyncio.run(self._client.get(path, **options))

    def post(self, path, **options):
        return asyncio.run(self._client.post(path, **options))


class World:
    """A store on disk and the page above it, which can be thrown away and made anew."""

    def __init__(self, path, asked=None, **rules):
        self.path, self.asked, self.rules = path, asked or requests(), rules
        self.start()

    def start(self):
        way = "pairwise" if len(self.asked[0].responses) == 2 else "pointwise"
        self.store = LabelStore(self.path, way)
        self.access = Access(self.store.secret, **self.rules)
        self.formatter = Formatter(processes=1)
        self.page = LabelPage(Queue(self.asked), self.store, self.access, self.formatter)
        self.app = create_app(self.page)

    def close(self):
        self.store.close()
        self.formatter.close()

    def restart(self):
        self.close()
        self.start()

    def client(self, name=None, base=BASE):
        client = Client(self.app, base_url=base, headers={"Origin": base})
        if name:
            assert client.post("/enter", data={"name": name}).status_code == 200
        return client


def labels_of(store):
    return registry().source("label_page").build({"store": str(store.path)}).labels


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "labels.sqlite")
    yield world
    world.close()


def form_of(html):
    names = ("csrf", "task", "key")
    return {n: re.search(rf'name="{n}" value="([^"]+)"', html)[1] for n in names}


def answer(client, choice, **more):
    return client.post("/label", data={**form_of(client.get("/").text), "choice": choice, **more})


def test_label_everything(world):
    ann = world.client("ann")
    for done in range(4):
        assert f"{done} of 4" in ann.get("/").text
        answer(ann, "left", comment="clear", correction="4\r\n5")
    assert "That was the last one" in ann.get("/").text
    labels = labels_of(world.store)
    assert len(labels) == 4
    # "left" is what stood on the left of the screen, so A and B both occur.
    assert {label.value for label in labels} == {"A", "B"}
    for label in labels:
        assert label.value == ("A" if label.shown == "AB" else "B")
        assert label.comment == "clear"
    assert better_answers(read_table(world.path))[0]["text"] == "4\n5"
    assert all(entry.seconds is not None for entry in world.store.entries())


def test_the_page_is_blind(world):
    ann = world.client("ann")
    for _ in range(4):
        html = ann.get("/").text
        for secret in ("system-", "id-", "item-"):
            assert secret not in html.replace("grid-", "")
        answer(ann, "tie")


def test_every_click_survives_a_restart(world):
    ann = world.client("ann")
    answer(ann, "left")
    on_screen = form_of(ann.get("/").text)["task"]
    world.restart()
    again = Client(world.app, base_url=BASE, headers={"Origin": BASE}, cookies=ann.cookies)
    html = again.get("/").text  # the cookie still holds, the same task is on the screen
    assert "1 of 4" in html and form_of(html)["task"] == on_screen


def test_undo_and_choose_again(world):
    ann = world.client("ann")
    first = form_of(ann.get("/").text)
    answer(ann, "left")
    second = form_of(ann.get("/").text)
    html = ann.post("/undo", data=second).text
    assert form_of(html)["task"] == first["task"]
    assert "You had chosen “A is better”" in html
    answer(ann, "right")
    assert form_of(ann.get("/").text)["task"] == second["task"]
    assert len(world.store.entries()) == 1


def test_a_click_that_is_sent_twice_counts_once(world):
    ann = world.client("ann")
    form = {**form_of(ann.get("/").text), "choice": "left"}
    for _ in range(2):
        headers = {"X-Requested-With": "fetch"}
        assert ann.post("/label", data=form, headers=headers).json() == {"next": "/"}
    assert len(world.store.entries()) == 1
    assert world.page.changes == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"choice": "up"}, 422),
        ({"choice": ""}, 422),
        ({"task": "other"}, 422),
        ({"key": ""}, 422),
        ({"csrf": "0" * 64}, 403),
        ({"csrf": "é"}, 403),
        ({"comment": "x" * 100_001}, 422),
        ({"comment": "x" * 1_000_001}, 413),
    ],
)
def test_forms_that_are_wrong_change_nothing(world, change, status):
    ann = world.client("ann")
    form = {**form_of(ann.get("/").text), "choice": "left", **change}
    assert ann.post("/label", data=form).status_code == status
    assert world.store.entries() == []


def test_a_form_of_another_person_is_refused(world):
    ann, bob = world.client("ann"), world.client("bob")
    form = {**form_of(ann.get("/").text), "choice": "left"}
    assert bob.post("/label", data=form).status_code == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8017", ""]
)
def test_posts_of_other_sites_are_refused(world, origin):
    ann = world.client("ann")
    form = {**form_of(ann.get("/").text), "choice": "left"}
    ann.headers.pop("Origin")
    headers = {"Origin": origin} if origin else {}
    for path in ("/label", "/undo", "/enter", "/leave"):
        assert ann.post(path, data=form, headers=headers).status_code == 403
    assert world.store.entries() == []


def test_names_that_point_at_this_machine_are_refused(world):
    for host in ("evil.example:8017", "127.0.0.1.evil.example", "", "[broken"):
        reply = world.client().get("/", headers={"Host": host})
        assert reply.status_code == 421
    assert world.client(base="http://localhost:8017").get("/enter").status_code == 200
    assert world.client(base="http://[::1]:8017").get("/enter").status_code == 200


def test_every_reply_has_the_headers(world):
    ann = world.client("ann")
    for path in ("/", "/owner", "/static/label.js", "/nothing", "/owner/labels.csv"):
        headers = ann.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    assert ann.get("/", headers={"Host": "evil.example"}).headers["x-frame-options"] == "DENY"


def test_pages_ask_nothing_of_other_servers(world):
    ann = world.client("ann")
    for path in ("/", "/enter", "/owner", "/static/label.css", "/static/label.js"):
        text = ann.get(path).text
        assert not re.search(r"""(src|href|action|url\(|@import)\s*=?\s*["']?(https?:)?//""", text)


def test_cookies_cannot_be_forged(world):
    ann = world.client("ann")
    [(name, value)] = ann.cookies.items()
    for forged in (value[:-4] + "00.62", "x." + b"ann".hex(), "." + b"ann".hex(), "nonsense"):
        stranger = Client(world.app, base_url=BASE, cookies={name: forged})
        assert stranger.get("/", follow_redirects=False).headers["location"] == "/enter"
    header = world.client().post("/enter", data={"name": "ann"}, follow_redirects=False).headers
    assert "HttpOnly" in header["set-cookie"] and "SameSite=strict" in header["set-cookie"]


@pytest.mark.parametrize("name", ["", " ", OWNER, "x" * 81, "a\nb", "a\x00b"])
def test_names_that_are_none(world, name):
    assert world.client().post("/enter", data={"name": name}).status_code == 403


def test_beyond_loopback_everyone_needs_a_token(tmp_path):
    base = "http://192.168.0.7:8017"
    world = World(tmp_path / "labels.sqlite", host="0.0.0.0", people=("ann", "bob"))
    assert world.access.tokens
    stranger = world.client(base=base)
    assert stranger.post("/enter", data={"name": "ann"}).status_code == 403
    for wrong in ("", "ann", world.access.token("cyd"), "é"):
        assert stranger.post("/enter", data={"token": wrong}).status_code == 403
    assert stranger.get("/owner").status_code == 403
    assert stranger.get("/owner/labels.csv").status_code == 403
    assert stranger.post("/enter", data={"token": world.access.token("ann")}).status_code == 200
    assert "0 of 4" in stranger.get("/").text
    assert stranger.get("/owner").status_code == 403  # a person is not the owner
    owner = world.client(base=base)
    assert owner.post("/enter", data={"token": world.access.token(OWNER)}).status_code == 200
    assert owner.get("/owner").status_code == 200
    assert owner.get("/").url.path == "/owner"
    assert stranger.get("/", headers={"Host": "evil.example:8017"}).status_code == 421
    token = world.access.token("ann")
    world.restart()
    assert world.access.token("ann") == token
    world.close()


def test_behind_a_proxy_only_its_address_counts(tmp_path):
    base = "https://labels.example.org"
    world = World(tmp_path / "l.sqlite", people=("ann",), tokens=True, origin=base)
    client = world.client(base=base)
    token = {"token": world.access.token("ann")}
    reply = client.post("/enter", data=token, follow_redirects=False)
    assert "Secure" in reply.headers["set-cookie"]
    other = {"Origin": "http://127.0.0.1:8017", "Host": "127.0.0.1:8017"}
    assert client.post("/enter", data=token, headers=other).status_code == 403
    world.close()


def test_ratings_of_a_criterion(tmp_path):
    criterion = Criterion("clear", "How clear is it?", Scale("ordinal", ("1", "2", "3")))
    world = World(tmp_path / "l.sqlite", requests(2, criterion, width=1))
    ann = world.client("ann")
    assert "How clear is it?" in ann.get("/").text
    answer(ann, "3")
    assert answer(ann, "4").status_code == 422
    answer(ann, "skip")
    assert [entry.value for entry in world.store.entries()] == ["3", None]
    world.close()


def test_a_number_is_typed_where_the_scale_has_too_many(tmp_path):
    criterion = Criterion("score", "How good?", Scale("interval", low=0, high=100))
    world = World(tmp_path / "l.sqlite", requests(2, criterion, width=1))
    ann = world.client("ann")
    assert 'type="number"' in ann.get("/").text
    answer(ann, "", number="72.5")
    assert answer(ann, "", number="101").status_code == 422
    assert answer(ann, "", number="").status_code == 422
    assert labels_of(world.store)[0].value == "72.5"
    world.close()


def test_the_owner_sees_agreement_as_it_grows(world):
    assert "Nobody has started" in world.client().get("/owner").text
    ann, bob = world.client("ann"), world.client("bob")
    for _ in range(4):
        answer(ann, "tie")
    assert "Agreement needs labels of two people" in ann.get("/owner").text
    changes = ann.get("/owner/state").json()["changes"]
    for _ in range(3):
        answer(bob, "tie")
    answer(bob, "left")
    assert ann.get("/owner/state").json()["changes"] == changes + 4
    html = ann.get("/owner").text
    assert "Krippendorff" in html and "alpha (nominal)" in html
    same = re.search(r"Same label</th>\s*<td>ann, bob</td>\s*<td class=\"num\">([\d.]+)", html)[1]
    assert float(same) == 0.75
    answer(world.client("eve"), "skip")
    assert "eve" in ann.get("/owner").text


def test_agreement_is_what_the_statistics_say(world):
    ann, bob = world.client("ann"), world.client("bob")
    for person, value in ((ann, "left"), (bob, "right")):
        for _ in range(4):
            answer(person, value)
    [(_, ratings)] = ratings_by_criterion(world.page.queue)
    assert ratings.annotators == ("ann", "bob") and len(ratings.clusters) == 4
    [(_, lines)] = asyncio.run(world.page.agreement())
    same = next(line for line in lines if line.name == "Same label")
    assert same.value == sum(a == b for a, b in ratings.codes) / 4


def test_labels_export_to_csv(world):
    ann = world.client("ann")
    answer(ann, "left", comment='a "quoted", reason')
    rows = list(csv.DictReader(io.StringIO(ann.get("/owner/labels.csv").text)))
    assert len(rows) == 1
    assert rows[0]["label"] in ("A", "B") and rows[0]["annotator"] == "ann"
    assert rows[0]["comment"] == 'a "quoted", reason'
    assert rows[0]["response_a"].endswith("left") and rows[0]["shown"] in ("AB", "BA")


def test_criteria_of_a_rating_without_a_rubric():
    [criterion] = Questions("pointwise", scale="bad, fair, good").criteria()
    assert criterion.scale == Scale("ordinal", ("bad", "fair", "good"))


def locked(world):
    other = sqlite3.connect(world.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return closing(other)


def test_a_click_that_cannot_be_saved_is_handed_back_and_counts_once(world):
    ann = world.client("ann")
    form = {**form_of(ann.get("/").text), "choice": "left", "comment": "two\nlines & <b>"}
    with locked(world):
        reply = ann.post("/label", data=form)
        assert reply.status_code == 503
        assert "locked by another program" in reply.text and "database browser" in reply.text
        assert "Send it again" in reply.text
        again = dict(re.findall(r'name="(\w+)" value="([^"]*)"', reply.text))
        assert {name: unescape(value) for name, value in again.items()} == form
        fetched = ann.post("/label", data=form, headers={"X-Requested-With": "fetch"})
        assert fetched.status_code == 503 and "What helps: close" in fetched.json()["error"]
    assert world.store.entries() == [] and world.page.changes == 0
    assert ann.post("/label", data=form).status_code == 200
    ann.post("/label", data=form)
    [entry] = world.store.entries()
    assert entry.comment == form["comment"] and entry.seconds is not None
    assert world.page.changes == 1


def test_a_task_that_cannot_be_shown_says_why_and_asks_again(world, caplog):
    ann = world.client()
    ann.post("/enter", data={"name": "ann"}, follow_redirects=False)
    with locked(world):
        for _ in range(3):
            reply = ann.get("/")
            assert reply.status_code == 503
            assert "locked by another program" in reply.text and 'id="retry"' in reply.text
    assert len(caplog.records) == 1 and str(world.path) in caplog.text  # the owner, once
    assert str(world.path) not in reply.text  # where it is on the disk is the owner's
    assert ann.get("/").status_code == 200


def test_undo_that_cannot_be_saved_undoes_nothing(world):
    ann = world.client("ann")
    answer(ann, "left")
    form = form_of(ann.get("/").text)
    with locked(world):
        assert ann.post("/undo", data=form).status_code == 503
    assert len(world.store.entries()) == 1 and world.page.queue.last_of("ann")


def test_a_store_that_is_gone_is_said_on_every_page_that_needs_it(world):
    ann = world.client("ann")
    form = {**form_of(ann.get("/").text), "choice": "left"}
    world.path.unlink()
    assert "moved, deleted or replaced" in ann.post("/label", data=form).text
    for path in ("/owner/labels.csv", "/owner/corrections.jsonl"):
        assert ann.get(path).status_code == 503
    assert "labels.rescued1.sqlite" in ann.post("/label", data=form).text


def test_a_mistake_of_the_server_is_a_page_with_its_guards(world, monkeypatch):
    def broken(page, person):
        raise RuntimeError("secret of the code")

    ann = world.client("ann")
    monkeypatch.setattr(LabelPage, "task_for", broken)
    transport = httpx.ASGITransport(world.app, raise_app_exceptions=False)
    ann._client._transport = transport
    reply = ann.get("/")
    assert reply.status_code == 500 and "The server made a mistake" in reply.text
    assert "secret" not in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]


def test_a_form_with_too_many_fields_is_none(world):
    ann = world.client("ann")
    body = "a=&" * 300_000
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ann.post("/label", content=body, headers=headers).status_code == 400
    assert ann.post("/enter", content=body, headers=headers).status_code == 400


def test_a_slow_text_is_shown_as_written_with_a_note(tmp_path):
    asked = requests(1)
    slow = replace(asked[0].responses[0], text="```java\n" + "a " * 20_000 + "<b>" + "\n```")
    asked[0] = replace(asked[0], responses=(slow, asked[0].responses[1]))
    world = World(tmp_path / "l.sqlite", asked)
    world.formatter.limit_s = 0.5
    ann = world.client("ann")
    html = ann.get("/").text
    assert "shown as they were written: formatting them took too long" in html
    assert html.count('<pre class="plain"') == 3 and "<b>" not in html
    answer(ann, "left")
    assert len(world.store.entries()) == 1
    world.close()


def test_formulas_are_escaped_in_the_download(world):
    ann = world.client("=cmd|' /C calc'!A0")
    answer(ann, "left", comment="@SUM(A1)", correction="fine")
    text = ann.get("/owner/labels.csv").text
    [row] = csv.DictReader(io.StringIO(text))
    assert row["annotator"] == "'=cmd|' /C calc'!A0" and row["comment"] == "'@SUM(A1)"
    assert row["correction"] == "fine" and row["escaped"] == '["annotator", "comment"]'
    world.path.with_name("labels.csv").write_text(text, encoding="utf-8", newline="")
    [read] = read_table(world.path.with_name("labels.csv")).rows
    assert read.cells["annotator"] == "=cmd|' /C calc'!A0" and "escaped" not in read.cells
