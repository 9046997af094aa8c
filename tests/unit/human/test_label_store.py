"""The label store: what is written stays, undo is an event, one writer at a time."""

import os
import stat
from dataclasses import replace

import pytest

from harness.label_page.exporting import better_answers, label_rows
from harness.label_page.store import Entry, LabelStore
from harness.labels.columns import LabelColumns
from harness.labels.files import read_table
from harness.labels.read_labels import read_labels
from harness.labels.writing import PAIR_COLUMNS, options_of
from harness.nouns.errors import DataError, InputError
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, JudgmentRequest, Response

REQUESTS = [
    JudgmentRequest(
        f"t{i}",
        Item(f"q{i}", "?"),
        (Response(f"r{i}x", f"q{i}", "x", "1"), Response(f"r{i}y", f"q{i}", "y", "2")),
        Criterion("overall", "Which?", BINARY),
    )
    for i in range(3)
]


@pytest.fixture
def store(tmp_path):
    store = LabelStore(tmp_path / "labels.sqlite", "pairwise")
    store.add_tasks(REQUESTS)
    yield store
    store.close()


def label(store, person, task, value, key, **more):
    store.show(person, task, "BA")
    return store.record(Entry(person, task, value, **more), key)


def test_the_last_event_counts_and_a_click_sent_twice_counts_once(store):
    assert label(store, "ann", "t0", "A", "k1")
    assert not label(store, "ann", "t0", "B", "k1")
    assert [entry.value for entry in store.entries()] == ["A"]
    assert label(store, "ann", "t0", "B", "k2")
    assert label(store, "bob", "t0", None, "k3", comment="both wrong", correction="42")
    assert [(e.person, e.value) for e in store.entries()] == [("ann", "B"), ("bob", None)]
    assert store.undo("ann", "t0", "k4")
    assert [e.person for e in store.entries()] == ["bob"]
    assert [row["text"] for row in better_answers(read_table(store.path))] == ["42"]


def test_what_was_shown_keeps_its_order(store):
    store.show("ann", "t1", "BA")
    store.show("ann", "t0", "AB")
    store.show("ann", "t1", "AB")  # shown already: nothing changes
    assert [(s.task, s.sequence, s.order) for s in store.shown()] == [
        ("t1", 1, "BA"),
        ("t0", 2, "AB"),
    ]


def test_each_person_has_a_sequence_of_their_own(store):
    for person, task in (("ann", "t0"), ("bob", "t2"), ("ann", "t1"), ("bob", "t0")):
        store.show(person, task, "AB")
    assert {(s.person, s.task): s.sequence for s in store.shown()} == {
        ("ann", "t0"): 1,
        ("ann", "t1"): 2,
        ("bob", "t2"): 1,
        ("bob", "t0"): 2,
    }


def test_two_better_answers_of_one_person_to_one_item_are_two_responses(store):
    (first, *_) = REQUESTS
    store.add_tasks([replace(first, id="other", criterion=Criterion("short", "Which?", BINARY))])
    label(store, "ann", "t0", "A", "k1", correction="42")
    label(store, "ann", "other", "B", "k2", correction="43")
    assert [
        (row["id"], row["item_id"], row["text"]) for row in better_answers(read_table(store.path))
    ] == [
        ("q0/person:ann/t0", "q0", "42"),
        ("q0/person:ann/other", "q0", "43"),
    ]


def test_it_durably_writes_and_only_its_owner_reads(store):
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600


def test_human_csv_reads_the_store_while_the_page_writes(store):
    label(store, "ann", "t0", "A", "k1", comment="why")
    label(store, "bob", "t0", "TIE", "k2")
    label(store, "bob", "t1", None, "k3")
    labels = read_labels(read_table(store.path), LabelColumns(**options_of(PAIR_COLUMNS)))
    assert [(x.item_id, x.responses, x.annotator, x.value, x.shown) for x in labels] == [
        ("q0", ("r0x", "r0y"), "ann", "A", "BA"),
        ("q0", ("r0x", "r0y"), "bob", "TIE", "BA"),
        ("q1", ("r1x", "r1y"), "bob", None, "BA"),
    ]
    assert labels[0].comment == "why"


def test_one_writer_at_a_time(store):
    with pytest.raises(InputError, match="another label page uses this store"):
        LabelStore(store.path, "pairwise")
    secret = store.secret
    store.close()
    again = LabelStore(store.path, "pairwise")
    assert again.secret == secret  # tokens survive a restart
    again.close()


def test_a_store_holds_labels_of_one_way(store):
    store.close()
    with pytest.raises(DataError, match="holds pairwise labels, not pointwise ones"):
        LabelStore(store.path, "pointwise")


def test_a_file_that_is_no_store(tmp_path):
    path = tmp_path / "labels.sqlite"
    path.write_text("item,label\n" * 1000, encoding="utf-8")
    with pytest.raises(DataError, match="not a label store"):
        LabelStore(path, "pairwise")
    with pytest.raises(DataError, match="no readable table or view 'labels'"):
        read_table(path)


def test_pointwise_labels(tmp_path):
    store = LabelStore(tmp_path / "scores.sqlite", "pointwise")
    request = JudgmentRequest(
        "t", REQUESTS[0].item, REQUESTS[0].responses[:1], REQUESTS[0].criterion
    )
    store.add_tasks([request])
    store.show("ann", "t", "")
    store.record(Entry("ann", "t", True), "k1")
    columns, rows = label_rows(read_table(store.path))
    assert "response" in columns and "response_a" not in columns
    assert rows[0]["label"] == "true"
    store.close()
