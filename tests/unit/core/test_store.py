"""The journal keeps what was acknowledged, also through kill -9."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.nouns.chat_messages import Tokens
from harness.nouns.errors import HarnessError, InputError
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, Verdict
from harness.records.earlier import clean, kept_in
from harness.records.journal import Journal
from harness.records.run_directory import RunDirectory


def judgment(number: int, status: Status = Status.OK) -> Judgment:
    value = 0.5 if status is Status.OK else None
    return Judgment(
        f"r{number}", "s", "1", "ann", Verdict(status, value, rationale="because"),
        tokens=Tokens(3, 4), cost_usd=0.25, metadata={"k": [1]},
    )  # fmt: skip


def test_judgments_come_back_as_they_were(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        wanted = [judgment(1), judgment(2, Status.TIMEOUT)]
        for row in wanted:
            journal.put_judgment(row, "train")
        journal.put_judgment(wanted[0], "train")
        assert sorted(journal.judgments("train"), key=lambda j: j.request_id) == wanted
        assert journal.judgments("other") == []
        journal.forget([wanted[1]], "train")
        assert journal.judgments("train", "s") == wanted[:1]


def test_many_threads_write(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:

        def put(start: int) -> None:
            for number in range(start, start + 100):
                journal.put_reply(f"k{number}", {"n": number})
            assert journal.get_reply("absent") is None

        threads = [threading.Thread(target=put, args=(i * 100,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        journal.flush()
        assert all(journal.get_reply(f"k{n}") == {"n": n} for n in range(800))


CHILD = """
import sys
from pathlib import Path
from harness.records.earlier import clean, kept_in
from harness.records.journal import Journal
journal = Journal(Path(sys.argv[1]))
number = 0
while True:
    journal.put_reply(f"k{number}", {"n": number})
    number += 1
    if number % 50 == 0:
        journal.flush()
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()
"""


def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    child = subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = 0
    while acknowledged < 500:
        acknowledged = int(child.stdout.readline())
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    for line in child.stdout:
        acknowledged = int(line)
    child.stdout.close()
    with Journal(path) as journal:
        assert all(journal.get_reply(f"k{n}") == {"n": n} for n in range(acknowledged))


def test_a_notice_comes_when_what_was_recorded_is_on_the_disk(tmp_path: Path) -> None:
    path, seen = tmp_path / "j.sqlite", []

    def count() -> None:
        with contextlib.closing(sqlite3.connect(path)) as other:
            seen.append(other.execute("SELECT COUNT(*) FROM replies").fetchone()[0])

    with Journal(path) as journal:
        for number in range(1, 6):
            journal.put_reply(f"k{number}", {})
            journal.after_commit(count)
        journal.flush()
        journal.put_reply("last", {})
        journal.flush()
        count()
    assert [there >= number for number, there in enumerate(seen, 1)] == [True] * 6


def test_a_full_disk_is_an_error_not_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    journal._put("INSERT INTO no_such_table VALUES (?)", (1,))
    with pytest.raises(HarnessError, match="cannot write"):
        journal.flush()
    with pytest.raises(HarnessError, match="cannot write"):
        journal.put_judgment(judgment(1))
    with pytest.raises(HarnessError):
        journal.close()


def test_text_that_has_no_utf8_is_kept(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        row = replace(judgment(1), raw="half an emoji: \ud83d")
        journal.put_judgment(row)
        journal.put_reply("k", {"text": "\ud83d"})
        journal.put_judgment(judgment(2))
        assert journal.judgments() == [row, judgment(2)]
        assert journal.get_reply("k") == {"text": "\ud83d"}


def test_a_row_that_cannot_be_written_is_an_error_not_silence(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    journal.put_reply("\ud83d", {})  # a key has no escape
    with pytest.raises(HarnessError, match="cannot write"):
        journal.flush()
    with pytest.raises(HarnessError, match="cannot write"):
        journal.close()


def test_a_dead_writer_is_an_error_not_silence(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    journal.close()
    journal.put_reply("k", {})
    with pytest.raises(HarnessError, match="is closed"):
        journal.flush()


def test_two_runs_cannot_mix(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    with run.lock(), pytest.raises(HarnessError, match="another process"), run.lock():
        pass


def kept_at(run: RunDirectory, inputs: object) -> Path:
    return run.path / "earlier" / content_hash(inputs)[:12]


def test_what_other_inputs_made_is_set_aside_and_comes_back(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    one, two = run.path / "p" / "one", run.path / "two.txt"

    def make(text: str) -> None:
        one.mkdir(parents=True, exist_ok=True)
        (one / "weights").write_text(text)
        two.write_text(text)

    def found() -> list[str]:
        return [path.read_text() for path in (one / "weights", two) if path.exists()]

    assert run.begin("s", {"a": 1}, one, two) == [] == found()
    make("of 1")
    assert run.begin("s", {"a": 1}, one, two) == []
    assert found() == ["of 1"] * 2
    aside = run.begin("s", {"a": 2}, one, two)
    assert [path.relative_to(run.path).parts[2:] for path in aside] == [("p", "one"), ("two.txt",)]
    assert found() == []
    make("of 2")
    assert len(run.begin("s", {"a": 1}, one, two)) == 2
    assert found() == ["of 1"] * 2
    assert len(run.begin("s", {"a": 3}, one, two)) == 2
    two.write_text("of 3")
    assert run.begin("s", {"a": 2}, one, two) == [kept_at(run, {"a": 3}) / "two.txt"]
    assert found() == ["of 2"] * 2
    kept = sorted((one.was, one.path.parent.name, one.size) for one in kept_in(run.path))
    first, third = (kept_at(run, {"a": n}).name for n in (1, 3))
    assert kept == [("p/one", "p", 4), *sorted([("two.txt", first, 4), ("two.txt", third, 4)])]


@pytest.mark.parametrize("at", ["before the note", "after the note"])
def test_a_kill_while_outputs_move_mixes_nothing_up(
    tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path / "run")
    one = run.path / "one.txt"
    run.begin("s", 1, one)
    one.write_text("of 1")
    run.begin("s", 2, one)
    one.write_text("of 2")

    class Killed(Exception):
        pass

    def die(*args: Any, **options: Any) -> None:
        raise Killed

    with monkeypatch.context() as during, pytest.raises(Killed):
        if at == "before the note":
            during.setattr("harness.records.run_directory.write_json", die)
        else:
            during.setattr("harness.records.run_directory.bring_back", die)
        run.begin("s", 1, one)
    assert not one.exists()
    run.begin("s", 2, one)
    assert one.read_text() == "of 2"
    run.begin("s", 1, one)
    assert one.read_text() == "of 1"


def test_only_what_was_set_aside_is_cleaned(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(InputError, match="no folder of a run"):
        clean(tmp_path)
    one = run.path / "policies" / "one"
    for inputs in (1, 2, 3):
        run.begin("s", inputs, one)
        one.mkdir(parents=True)
        (one / "weights").write_text("w")
    run.set_aside(one, "no-verdicts")
    one.mkdir()
    run.set_aside(one, "no-verdicts")
    one.mkdir()
    kept = kept_in(run.path)
    assert [one.was for one in kept] == ["policies/one"] * 4
    with run.lock(), pytest.raises(HarnessError, match="another process"):
        clean(run.path)
    assert clean(run.path, kept[:1]) == kept[:1]
    assert kept_in(run.path) == kept[1:]
    assert clean(str(run.path)) == kept[1:]
    assert sorted(path.name for path in run.path.iterdir()) == ["manifest.json", "policies"]
    assert one.is_dir()
    assert clean(run.path) == []
