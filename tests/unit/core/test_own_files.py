"""A command writes over none of its own files, and two of them do not pay for the same work."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from in_process import harness

from harness.label_page.exporting import export
from harness.labels.mapping import ColumnMapping, ImportFiles, import_labels
from harness.nouns.errors import HarnessError, InputError
from harness.records.places import keep_apart, locked
from harness.records.writes import write_jsonl, write_text

ITEMS = '{"id": "a", "prompt": "2+2?", "reference": "4"}\n'
RESPONSES = "".join(
    f'{{"id": "r{n}", "item_id": "a", "system": "s", "text": "{n}"}}\n' for n in (4, 5)
)
LABELS = "item,ann,ben,judge\n1,A,A,A\n2,B,B,A\n3,A,B,A\n4,B,B,B\n5,A,A,A\n"
JUDGE = "judge --source last_number --items i.jsonl --responses r.jsonl --quiet --out"
AGREE = "agree l.csv --human-columns ann,ben --judge-columns judge"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "i.jsonl").write_text(ITEMS)
    (tmp_path / "r.jsonl").write_text(RESPONSES)
    (tmp_path / "l.csv").write_text(LABELS)
    (tmp_path / "d.jsonl").write_text('{"prompt": "x", "completion": "y"}\n')
    (tmp_path / "soft").symlink_to("i.jsonl")
    os.link(tmp_path / "i.jsonl", tmp_path / "hard")
    with sqlite3.connect(tmp_path / "s.sqlite") as store:
        store.execute("CREATE TABLE labels (item)")
    store.close()
    assert harness(*JUDGE.split(), "j.jsonl", cwd=tmp_path).returncode == 0
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (f"{JUDGE} i.jsonl", "--items and --out"),
        (f"{JUDGE} r.jsonl", "--responses and --out"),
        (f"{JUDGE} soft", "--items and --out"),
        (f"{JUDGE} hard", "--items and --out"),
        (f"{JUDGE} ../{{folder}}/./i.jsonl", "--items and --out"),
        (f"{JUDGE} j.jsonl.journal.sqlite", "holds labels or a journal"),
        (f"{JUDGE} s.sqlite", "holds labels or a journal"),
        (f"{AGREE} --json l.csv", "LABELS and --json"),
        (f"{AGREE} --html l.csv", "LABELS and --html"),
        (f"{AGREE} --json new --html new", "--html are the same file"),
        (f"{AGREE} --json s.sqlite", "holds labels or a journal"),
        ("agree j.jsonl --also j.jsonl --out j.jsonl", "LABELS and --out"),
        ("aggregate l.csv --annotators ann,ben --out l.csv", "LABELS and --out"),
        ("aggregate l.csv --annotators ann,ben --out s.sqlite", "holds labels or a journal"),
        ("aggregate l.csv --annotators ann --gold i.jsonl --out i.jsonl", "--gold and --out"),
        ("aggregate j.jsonl --method mean --rewards j.jsonl", "LABELS and --rewards"),
        (
            "evaluate --items i.jsonl --responses x=r.jsonl --evaluator last_number --out i.jsonl",
            "--items and --out",
        ),
        (
            "evaluate --items i.jsonl --responses x=r.jsonl --evaluator last_number --out r.jsonl",
            "--responses x and --out",
        ),
        ("label --store s.sqlite --export s.sqlite", "--store and --export"),
        ("label --store s.sqlite --export-corrections s.sqlite", "--store and --export"),
        ("label --store s.sqlite --export e --export-corrections e", "are the same file"),
        ("label --items i.jsonl --responses r.jsonl --store r.jsonl", "--responses and --store"),
        ("import-labels l.csv --accept --out l.csv", "FILE and --out"),
        ("import-labels l.csv --accept --items-out l.csv", "FILE and --items-out"),
        ("respond --model m --items i.jsonl --out i.jsonl --chat", "--items and --out"),
        ("revise --items i.jsonl --responses r.jsonl --out r.jsonl", "--responses and --out"),
        (
            "cascade j.jsonl --labels items.jsonl --items i.jsonl --responses r.jsonl --out .",
            "--labels and items.jsonl of --out",
        ),
        (
            "audit-verifier --source last_number --items i.jsonl --responses r.jsonl --out r.jsonl",
            "--responses and --out",
        ),
        (
            "drift i.jsonl --pin --source last_number --items i.jsonl --responses r.jsonl",
            "--items and ANCHORS",
        ),
        ("train --trainer sft --model m --data d.jsonl --out d.jsonl", "--data and --out"),
    ],
)
def test_no_command_writes_over_its_own_files(folder: Path, command: str, named: str) -> None:
    before = contents(folder)
    done = harness(*command.format(folder=folder.name).split(), cwd=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    assert named in done.stderr or set(named.split(" and ")) <= set(done.stderr.split())
    assert contents(folder) == before


def test_the_chains_of_a_revision_are_a_file_of_its_own(folder: Path) -> None:
    (folder / "o.chains.jsonl").write_text(ITEMS)
    done = harness(*"revise --items o.chains.jsonl --responses r.jsonl --out o".split(), cwd=folder)
    assert done.returncode == 2 and "--items and the chains of --out" in done.stderr


def test_pipes_and_other_files_may_be_named_twice(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    keep_apart([("--json", folder / "pipe"), ("--html", folder / "pipe")], [])
    keep_apart([("--out", folder / "new")], [("--items", folder / "i.jsonl")])
    keep_apart([("--out", folder)], [("DATA", folder)])


def test_python_calls_keep_their_files_too(folder: Path) -> None:
    store = folder / "s.sqlite"
    with pytest.raises(InputError, match="are the same file"):
        export(store, store, None)
    for write in (lambda: write_text(store, "x"), lambda: write_jsonl(store, [])):
        with pytest.raises(InputError, match="holds labels or a journal"):
            write()
    table = folder / "l.csv"
    with pytest.raises(InputError, match="are the same file"):
        import_labels(ColumnMapping.of_file(table, {}), ImportFiles(table))
    assert table.read_text() == LABELS


@pytest.mark.parametrize("left", [None, b""])
def test_a_lost_journal_is_told_before_anything_is_paid(folder: Path, left: bytes | None) -> None:
    journal = folder / "j.jsonl.journal.sqlite"
    journal.unlink()
    if left is not None:
        journal.write_bytes(left)
    before = contents(folder)
    done = harness(*JUDGE.split(), "j.jsonl", cwd=folder)
    assert done.returncode == 2 and "is missing or empty" in done.stderr
    assert "move this file away" in done.stderr
    assert contents(folder) == before
    (folder / "j.jsonl").rename(folder / "old.jsonl")
    assert harness(*JUDGE.split(), "j.jsonl", cwd=folder).returncode == 0
    assert len((folder / "j.jsonl").read_text().splitlines()) == 2


def test_an_empty_file_is_written_like_a_new_one(folder: Path) -> None:
    (folder / "new.jsonl").touch()
    assert harness(*JUDGE.split(), "new.jsonl", cwd=folder).returncode == 0


HOLD = """
import sys, time
from pathlib import Path
from harness.experiment.context import asking_with
with asking_with(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_on_a_journal_is_refused_until_the_first_is_gone(folder: Path) -> None:
    journal = folder / "j.jsonl.journal.sqlite"
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(journal)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout is not None and first.stdout.readline() == "held\n"
        second = harness(*JUDGE.split(), "j.jsonl", cwd=folder)
        assert second.returncode == 1 and "another process is working in" in second.stderr
        assert "j.jsonl.journal.sqlite" in second.stderr
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert first.stdout is not None
        first.stdout.close()
    assert harness(*JUDGE.split(), "j.jsonl", cwd=folder).returncode == 0


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    lock = tmp_path / "deep" / ".lock"
    with (
        locked(lock, tmp_path),
        pytest.raises(HarnessError, match="another process"),
        locked(lock, tmp_path),
    ):
        pass
    with locked(lock, tmp_path):
        pass
