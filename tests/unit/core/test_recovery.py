"""What can be read of a damaged journal or table is kept, and what is lost is counted."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from harness.nouns.errors import DataError, InputError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, Verdict
from harness.records.journal import Journal
from harness.records.recovery import recover
from harness.records.rows import read_rows
from harness.records.run_directory import RunDirectory

MANY = 600


def judgment(number: int) -> Judgment:
    verdict = Verdict(Status.OK, "A", rationale="because " * 30)
    return Judgment(f"q{number}", "judge", "1", "judge", verdict)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal with so many judgments and replies, on a few hundred pages."""
    path = tmp_path / "journal.sqlite"
    with Journal(path) as opened:
        for number in range(MANY):
            opened.put_judgment(judgment(number))
            opened.put_reply(f"k{number:04}", {"text": "x" * 200, "cost_usd": 0.01})
    return path


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "broken",
    [
        "substr(body, 1, 50)",
        "'[]'",
        "'{\"request_id\": 3}'",
        "replace(body, 'ok', 'fine')",
        "replace(body, '\"A\"', 'NaN')",
        "CAST(x'ff80' AS TEXT)",
        "body || char(0)",
    ],
)
def test_one_broken_row_keeps_the_others(journal: Path, broken: str) -> None:
    change(journal, f"UPDATE judgments SET body = {broken} WHERE request_id = 'q7'")
    with Journal(journal) as opened, pytest.raises(DataError) as wrong:
        opened.judgments()
    assert "harness recover" in wrong.value.hint
    found = recover(journal)
    assert (found.kept["judgments"], found.lost["judgments"]) == (MANY - 1, 1)
    assert (found.kept["replies"], found.lost["replies"]) == (MANY, 0)
    with Journal(journal) as opened:
        kept = opened.judgments()
        assert opened.spent_usd() == pytest.approx(MANY * 0.01)
    assert kept == [judgment(n) for n in range(MANY) if n != 7]
    assert found.damaged.name == "journal.sqlite.damaged"
    assert sqlite3.connect(found.damaged).execute("SELECT count(*) FROM judgments").fetchone()


def test_a_reply_that_is_broken_is_no_reply(journal: Path) -> None:
    change(journal, "UPDATE replies SET body = 'x' WHERE key = 'k0003'")
    with Journal(journal) as opened:
        assert opened.get_reply("k0004") is not None
        with pytest.raises(DataError, match="1 of 1 rows are damaged"):
            opened.get_reply("k0003")
    assert recover(journal).lost["replies"] == 1


@pytest.mark.parametrize("seed", range(6))
def test_broken_pages_keep_what_is_on_the_others(journal: Path, seed: int) -> None:
    data = bytearray(journal.read_bytes())
    rng = random.Random(seed)
    for page in rng.sample(range(5, len(data) // 4096), 3):
        data[page * 4096 : (page + 1) * 4096] = rng.randbytes(4096)
    journal.write_bytes(data)
    try:
        found = recover(journal)
    except DataError as error:
        assert "nothing in it can be read" in str(error)
        return
    assert sum(found.kept.values()) > MANY / 3
    assert sum(found.lost.values()) or found.unknown
    with Journal(journal) as opened:
        kept = opened.judgments()
        assert all(one == judgment(int(one.request_id[1:])) for one in kept)
        assert len(kept) == found.kept["judgments"]
        assert len(opened.reply_keys()) == found.kept["replies"]


@pytest.mark.parametrize("content", [b"", b"x" * 9000, b"SQLite format 3\0" + b"\0" * 9000])
def test_of_rubbish_nothing_is_recovered_and_nothing_moved(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    with pytest.raises(InputError):
        recover(path)
    assert path.read_bytes() == content
    assert [one.name for one in tmp_path.iterdir()] == ["journal.sqlite"]


def test_what_is_whole_stays_as_it_is(journal: Path, tmp_path: Path) -> None:
    before = journal.read_bytes()
    with pytest.raises(DataError, match="nothing is wrong with it"):
        recover(journal)
    assert journal.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["journal.sqlite"]


def test_a_journal_in_use_is_left_alone(journal: Path) -> None:
    with RunDirectory(journal.parent).lock(), pytest.raises(InputError, match="another process"):
        recover(journal)


def test_lines_that_are_rows_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(
        b'{"id": 1}\n{"id": 2, "te{"id": 3}\nxt": "x"}\n{"id": 4}\0\0\n\xff\n[1]\n{"id": 5}\n{"id"'
    )
    found = recover(path)
    assert (found.kept, found.lost) == ({"lines": 2}, {"lines": 6})
    assert [row for _, row in read_rows(path)] == [{"id": 1}, {"id": 5}]
    assert found.damaged.read_bytes().endswith(b'{"id"')


def test_a_journal_of_another_version_or_program_is_refused(tmp_path: Path) -> None:
    old, other = tmp_path / "old.sqlite", tmp_path / "other.sqlite"
    change(old, "CREATE TABLE judgments (request_id, body)")
    change(other, "CREATE TABLE accounts (name)")
    with pytest.raises(DataError, match="another version: table judgments has the columns req"):
        Journal(old)
    with pytest.raises(DataError, match="belongs to something else: it has accounts"):
        Journal(other)
    assert sqlite3.connect(other).execute("SELECT name FROM sqlite_master").fetchall() == [
        ("accounts",)
    ]
