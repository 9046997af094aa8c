"""What goes wrong below the label store: said in words, nothing half, nothing double or lost."""

import os
import sqlite3
from contextlib import closing

import pytest

from harness.label_page import store as store_module
from harness.label_page.store import Entry, LabelStore
from harness.label_page.store_errors import StoreError
from harness.labels.files import read_table
from harness.nouns.errors import InputError
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


def opened(path):
    store = LabelStore(path, "pairwise")
    store.add_tasks(REQUESTS)
    for request in REQUESTS:
        store.show("ann", request.id, "AB")
    return store


@pytest.fixture
def store(tmp_path):
    store = opened(tmp_path / "labels.sqlite")
    yield store
    store.close()


def label(store, task, key="k"):
    return store.record(Entry("ann", task, "A"), f"{task}/{key}")


def labelled(path):
    return [row.text("task") for row in read_table(path).rows]


def test_a_statement_that_fails_leaves_no_half_of_a_transaction(store):
    label(store, "t0")
    good = ("ann", "t1", 9, "AB", "now")
    with pytest.raises(StoreError, match="cannot be used"):
        store._write("INSERT INTO shown VALUES (?, ?, ?, ?, ?)", [("bob", *good[1:]), good])
    assert not store._connection.in_transaction
    assert {shown.person for shown in store.shown()} == {"ann"}  # bob's row was the first half
    assert label(store, "t1")
    assert labelled(store.path) == ["t0", "t1"]


def test_rows_that_stop_half_way_leave_none(store):
    def broken():
        yield ("bob", "t0", 1, "AB", "now")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store._write("INSERT INTO shown VALUES (?, ?, ?, ?, ?)", broken())
    assert {shown.person for shown in store.shown()} == {"ann"}
    assert label(store, "t0") and labelled(store.path) == ["t0"]


def test_a_commit_that_fails_leaves_nothing_behind(store, monkeypatch):
    real = store._connection

    class Failing:
        def __getattr__(self, name):
            return getattr(real, name)

        def execute(self, sql, *values):
            if sql == "COMMIT":
                raise sqlite3.OperationalError("disk I/O error")
            return real.execute(sql, *values)

    store._connection = Failing()
    with pytest.raises(StoreError):
        label(store, "t0")
    store._connection = real
    assert store.entries() == []
    assert label(store, "t0") and labelled(store.path) == ["t0"]


def test_a_locked_file_says_so_and_the_click_counts_once(store):
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another program") as found:
            label(store, "t0")
        assert "database browser" in found.value.hint
        other.execute("ROLLBACK")
    assert label(store, "t0") and not label(store, "t0")
    assert labelled(store.path) == ["t0"]


def test_a_full_disk_says_so_and_keeps_what_was_there(store):
    label(store, "t0")
    [(pages,)] = store._connection.execute("PRAGMA page_count").fetchall()
    store._connection.execute(f"PRAGMA max_page_count={pages}")
    big = Entry("ann", "t1", "A", comment="x" * 90_000)
    with pytest.raises(StoreError, match="disk that is full") as found:
        store.record(big, "big")
    assert "make room" in found.value.hint
    assert labelled(store.path) == ["t0"]
    store._connection.execute("PRAGMA max_page_count=1000000")
    assert store.record(big, "big") and labelled(store.path) == ["t0", "t1"]


def test_a_file_that_may_not_be_written_says_so(store):
    store._connection.execute("PRAGMA query_only=1")
    with pytest.raises(StoreError, match="cannot be written"):
        label(store, "t0")
    store._connection.execute("PRAGMA query_only=0")
    assert label(store, "t0")


@pytest.mark.parametrize("which", ["", "-wal", ".lock"])
def test_a_store_that_is_deleted_takes_no_label_and_loses_none(store, which):
    label(store, "t0")
    os.unlink(f"{store.path}{which}")
    with pytest.raises(StoreError, match="moved, deleted or replaced") as found:
        label(store, "t1")
    copy = store.path.with_name("labels.rescued1.sqlite")
    assert copy.name in found.value.hint
    assert copy.stat().st_mode & 0o777 == 0o600
    store.close()
    with closing(LabelStore(copy, "pairwise")) as again:
        assert [entry.task for entry in again.entries()] == ["t0"]
        assert again.secret == store.secret
        assert label(again, "t1")


def test_a_store_whose_folder_is_deleted_is_copied_there_again(tmp_path):
    store = opened(tmp_path / "deep" / "labels.sqlite")
    label(store, "t0")
    for file in list(store.path.parent.iterdir()):
        file.unlink()
    store.path.parent.rmdir()
    store.close()
    assert labelled(tmp_path / "deep" / "labels.rescued1.sqlite") == ["t0"]


def test_a_store_that_is_moved_and_put_back_goes_on(store):
    label(store, "t0")
    away = store.path.with_name("away")
    store.path.rename(away)
    for _ in range(2):
        with pytest.raises(StoreError, match="put it back"):
            label(store, "t1")
    away.rename(store.path)
    assert label(store, "t1")
    assert len(list(store.path.parent.glob("*.rescued*.sqlite"))) == 1


def test_a_store_that_is_replaced_is_not_written(store, tmp_path):
    label(store, "t0")
    with closing(opened(tmp_path / "other.sqlite")):
        pass
    os.replace(tmp_path / "other.sqlite", store.path)
    with pytest.raises(StoreError, match="replaced"):
        label(store, "t1")
    store.close()
    assert labelled(tmp_path / "labels.rescued1.sqlite") == ["t0"]


def test_two_names_of_one_store_are_one_store(store, tmp_path):
    link = tmp_path / "link.sqlite"
    link.symlink_to(store.path)
    with pytest.raises(InputError, match="another label page uses this store"):
        LabelStore(link, "pairwise")


def test_a_clock_that_jumps_changes_neither_order_nor_labels(store, monkeypatch):
    for now, task in (("2030-01-01", "t0"), ("1970-01-01", "t1"), ("2026-01-01", "t2")):
        monkeypatch.setattr(store_module, "_now", lambda now=now: now)
        label(store, task)
    store.record(Entry("ann", "t0", "B"), "again")
    assert [(e.task, e.value) for e in store.entries()] == [("t1", "A"), ("t2", "A"), ("t0", "B")]


@pytest.mark.parametrize("place", ["/proc/labels.sqlite", "/dev/null/labels.sqlite", "folder"])
def test_a_place_that_cannot_be_written_is_refused_in_words(place, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError) as found:
        LabelStore(tmp_path / place, "pairwise")
    assert found.value.hint


def test_a_store_that_is_locked_at_the_start_is_no_broken_one(store):
    store.close()
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked by another program"):
            LabelStore(store.path, "pairwise")


def test_a_damaged_store_says_what_to_do(store):
    store.close()
    data = bytearray(store.path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    store.path.write_bytes(data)
    with pytest.raises(InputError, match="label"):
        with closing(LabelStore(store.path, "pairwise")) as again:
            again.add_tasks(REQUESTS)
