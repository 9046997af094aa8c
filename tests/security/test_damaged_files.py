"""Every command with each of its files damaged: one clear error, or none; never a traceback."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from file_readers import ANCHORS, GATES, ITEMS, JUDGMENTS, LONG, RESPONSES, ROOT, SCORES, WIDE
from in_process import harness

from harness.feedback.requests import build_requests
from harness.label_page.store import Entry, LabelStore
from harness.nouns.hashing import content_hash
from harness.records.journal import Journal
from harness.records.rows import read_items, read_responses

NOBODY = 65534
RUBRIC = (ROOT / "rubrics" / "friendliness.yaml").read_bytes()
EXAMPLE = ROOT / "examples"
MANY = "[" * 100_000


def _anchors() -> bytes:
    content = json.loads(ANCHORS)
    return json.dumps({"sha256": content_hash(content), **content}).encode()


FILES = {
    "items.jsonl": ITEMS,
    "responses.jsonl": RESPONSES.replace(b'"system"', b'"metadata": {"label": true}, "system"'),
    "judgments.jsonl": JUDGMENTS,
    "scores.jsonl": SCORES,
    "long.csv": LONG,
    "wide.csv": WIDE,
    "gold.csv": b"item,label\nq1,good\nq2,bad\n",
    "pairs.csv": b"item_id,label\ni1,A\ni2,B\n",
    "arena.csv": b"model_a,model_b,winner\nx,y,x\ny,x,x\nx,y,y\nx,z,z\nz,x,x\ny,z,y\nz,y,z\n",
    "gates.json": GATES,
    "anchors.json": _anchors(),
    "rubric.yaml": RUBRIC,
    "experiment.yaml": (EXAMPLE / "arithmetic.yaml").read_bytes(),
    "other.jsonl": RESPONSES,
    "sft.jsonl": b'{"prompt": "1+1?", "completion": "2"}\n',
    "schema.json": b'{"type": "object"}',
    "facts.csv": b"key,answer\na,b\n",
}

JUDGE = "judge --items items.jsonl --responses responses.jsonl --out out.jsonl --quiet --source"
COMMANDS: dict[str, tuple[str, ...]] = {
    f"{JUDGE} exact_match": ("items.jsonl", "responses.jsonl"),
    f"{JUDGE} json_schema --option file=schema.json": ("schema.json",),
    f"{JUDGE} knowledge_base --option file=facts.csv --option key=key --option answer=answer": (
        "facts.csv",
    ),
    f"{JUDGE} human_csv --way pairwise --option file=long.csv --option response_a=response_a"
    " --option response_b=response_b --option annotator=annotator --option label=label": (
        "long.csv",
    ),
    f"{JUDGE} label_page --option store=store.sqlite": ("store.sqlite",),
    "agree wide.csv --item-column item --people rater_1,rater_2 --judges judge"
    " --replicates 100": ("wide.csv",),
    "agree judgments.jsonl --also scores.jsonl --people ann --items items.jsonl"
    " --responses responses.jsonl --replicates 100": (
        "judgments.jsonl", "scores.jsonl", "items.jsonl", "responses.jsonl",
    ),
    "aggregate wide.csv --item-column item --annotators rater_1,rater_2 --method majority"
    " --gold gold.csv": ("wide.csv", "gold.csv"),
    "aggregate judgments.jsonl --method majority --items items.jsonl --responses responses.jsonl"
    " --agreement gates.json": ("judgments.jsonl", "items.jsonl", "gates.json"),
    "aggregate arena.csv --method davidson --first-column model_a --second-column model_b"
    " --label-column winner": ("arena.csv",),
    "import-labels long.csv --accept --out out.csv --items items.jsonl": (
        "long.csv", "items.jsonl",
    ),
    "evaluate --items items.jsonl --responses a=responses.jsonl --evaluator exact_match"
    " --responses b=other.jsonl --trained-on b=judgments.jsonl --quiet": (
        "items.jsonl", "responses.jsonl", "judgments.jsonl",
    ),
    "cascade judgments.jsonl --items items.jsonl --responses responses.jsonl --labels pairs.csv"
    " --out cascade": ("judgments.jsonl", "pairs.csv", "items.jsonl"),
    "drift anchors.json --quiet": ("anchors.json",),
    "pass-at-k gold.csv --item-column item --label-column label --pass-values yes": ("gold.csv",),
    "pass-at-k scores.jsonl --items items.jsonl --responses responses.jsonl": (
        "scores.jsonl", "items.jsonl", "responses.jsonl",
    ),
    "audit-verifier --source exact_match --items items.jsonl --responses responses.jsonl --quiet": (
        "items.jsonl", "responses.jsonl",
    ),
    "revise --items items.jsonl --responses responses.jsonl --out out.jsonl"
    " --model openai/gpt-4o-mini --quiet": ("items.jsonl", "responses.jsonl"),
    "run experiment.yaml --out run --quiet": ("experiment.yaml",),
    "report report": ("report/report.json",),
    "train --trainer sft --model absent --data sft.jsonl --out trained --quiet": ("sft.jsonl",),
    "respond --model absent --items items.jsonl --out out.jsonl --quiet": ("items.jsonl",),
    "label --items items.jsonl --responses responses.jsonl --judgments judgments.jsonl"
    " --rubric rubric.yaml --store store.sqlite --host 256.0.0.1 --people ann": (
        "items.jsonl", "responses.jsonl", "judgments.jsonl", "rubric.yaml",
    ),
    "label --export out.csv --store store.sqlite": ("store.sqlite",),
    "recover journal.sqlite": ("journal.sqlite",),
    "recover items.jsonl": ("items.jsonl",),
}  # fmt: skip


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def _two_writers(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True) or [b""]
    path.write_bytes(b"".join(lines) + lines[0][:20] + lines[-1] + lines[0][20:])


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/nowhere/at/all")


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _before(more: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(more + path.read_bytes()) and None


def _after(more: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes() + more) and None


def _as(encoding: str) -> Callable[[Path], None]:
    return lambda path: (
        path.write_bytes(path.read_bytes().decode("utf-8", "replace").encode(encoding, "replace"))
        and None
    )


def _other(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


DAMAGES: dict[str, Callable[[Path], None]] = {
    "missing": Path.unlink,
    "empty": _other(b""),
    "cut": _cut,
    "NUL bytes": lambda path: _after(b"\0" * 512)(path),
    "two writers": _two_writers,
    "folder": _folder,
    "broken link": _link,
    "link to itself": _loop,
    "pipe": _pipe,
    "byte order mark": _before(b"\xef\xbb\xbf"),
    "UTF-16": _as("utf-16"),
    "latin-1": _after(b"\n\xe9"),
    "gzip": _other(b"\x1f\x8b\x08\x00" + bytes(range(256))),
    "long integer": _other(b"1" * 5000),
    "long integer inside": _after(b'\n{"id": ' + b"1" * 5000 + b"}\n"),
    "deep": _other(MANY.encode()),
    "deep inside": _after(b'\n{"id": ' + MANY.encode()),
    "other JSON": _other(b'{"a": [1, NaN, "\\ud800"], "format": 1, "stages": []}'),
    "a list": _other(b"[1, 2]"),
    "half a character": _after(b'\n{"id": "\\ud800", "\\udc00": 1}\n'),
    "unclosed quote": _after(b'\n"i9,x'),
    "tags": _other(b"a: !!timestamp x\nb: !!python/name:os.system\n"),
    "aliases": _other(b"a: &a [*a]\n"),
}


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user without rights, where the tests are run by root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def _store(path: Path) -> None:
    """A label store in which one label is."""
    requests = build_requests(
        read_items(path.parent / "items.jsonl"),
        read_responses(path.parent / "responses.jsonl"),
        "pairwise",
    )
    store = LabelStore(path, "pairwise")
    store.add_tasks(requests)
    store.show("ann", requests[0].id, "AB")
    store.record(Entry("ann", requests[0].id, "A"), "key")
    store.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with every file that a command takes, which anybody may read."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    (path / "report").mkdir()
    shutil.copy(ROOT / "reports" / "example-arithmetic" / "report.json", path / "report")
    shutil.copytree(EXAMPLE / "arithmetic_policy", path / "policy")
    _store(path / "store.sqlite")
    with Journal(path / "journal.sqlite") as journal:
        journal.put_reply("k", {"text": "x"})
    yield path
    for one in path.rglob("*"):
        if one.is_dir() and not one.is_symlink():
            one.chmod(0o755)
    shutil.rmtree(path)


def _check(done: object, name: str, said: bool = True) -> None:
    code, error = done.returncode, done.stderr  # type: ignore[attr-defined]
    assert code in ((1, 2) if said else (0, 1, 2)), error
    if code:
        assert error.startswith("error: "), error
        assert "Traceback" not in error
        assert len(error) < 5000
        if said:
            assert Path(name).name in error, error


SURE = {"missing", "folder", "broken link", "link to itself", "pipe", "long integer", "deep"}
"""Damages that no reader can overlook."""

OF_VERIFIERS = ("schema.json", "facts.csv")
"""Files of which each judgment says that they are damaged."""


FAST = ("missing", "deep", "half a character", "two writers")
"""Damages that are tried each time; the others take as long each."""


@pytest.mark.parametrize(
    "damage",
    [pytest.param(d, marks=() if d in FAST else pytest.mark.slow) for d in DAMAGES],
)
def test_a_damaged_file_is_one_clear_error(folder: Path, damage: str) -> None:
    for command, names in COMMANDS.items():
        for name in names:
            path, kept = folder / name, (folder / name).read_bytes()
            DAMAGES[damage](path)
            sure = (
                damage in SURE
                and name not in OF_VERIFIERS
                and not (damage in ("long integer", "deep") and name.endswith(".csv"))
            )
            try:
                _check(harness(*command.split(), cwd=folder), name, said=sure)
            finally:
                for one in (path, *folder.glob(f"{name}*"), folder / "out.jsonl"):
                    if one.is_dir() and not one.is_symlink():
                        one.rmdir()
                    else:
                        one.unlink(missing_ok=True)
                path.write_bytes(kept)


@pytest.mark.slow
def test_a_file_without_the_right_to_read_it_is_one_clear_error(folder: Path) -> None:
    for command, names in COMMANDS.items():
        harness(*command.split(), cwd=folder)  # what is imported late is there
        for name in names:
            (folder / name).chmod(0)
            with nobody():
                _check(harness(*command.split(), cwd=folder), name)
            (folder / name).chmod(0o644)


WRITERS = {
    f"{JUDGE} exact_match": "out.jsonl",
    "agree wide.csv --item-column item --people rater_1,rater_2 --judges judge --replicates 100"
    " --json out.json": "out.json",
    "agree judgments.jsonl --people ann --replicates 100 --out g.json": "g.json",
    "aggregate wide.csv --item-column item --annotators rater_1,rater_2 --method majority"
    " --out out.csv": "out.csv",
    "import-labels long.csv --accept --out out.csv": "out.csv",
    "evaluate --items items.jsonl --responses a=responses.jsonl --evaluator exact_match --quiet"
    " --out out.json": "out.json",
    "cascade judgments.jsonl --items items.jsonl --responses responses.jsonl --labels pairs.csv"
    " --out cascade": "cascade",
    "audit-verifier --source exact_match --items items.jsonl --responses responses.jsonl --quiet"
    " --out out.json": "out.json",
    "report report --out again": "again",
}  # fmt: skip


@pytest.mark.parametrize(
    "command", [c for c in WRITERS if c.split()[0] not in ("evaluate", "audit-verifier")]
)
def test_a_folder_that_may_not_be_written_is_one_clear_error(folder: Path, command: str) -> None:
    harness(*command.split(), cwd=folder)
    out = folder / WRITERS[command]
    for one in folder.glob(f"{out.name}*"):
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    folder.chmod(0o555)
    with nobody():
        _check(harness(*command.split(), cwd=folder), out.name)
    folder.chmod(0o755)
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("command", WRITERS)
def test_a_full_disk_is_one_clear_error(folder: Path, command: str) -> None:
    harness(*command.split(), cwd=folder)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    out = folder / WRITERS[command]
    held = {p: p.read_bytes() for p in folder.glob(f"{out.name}*") if p.is_file()}
    for one in held:
        one.unlink()
    shutil.rmtree(out, ignore_errors=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        done = harness(*command.split(), cwd=folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    _check(done, out.name)
    assert not list(folder.glob("*.part"))


def test_every_command_with_a_file_is_here() -> None:
    from harness.cli.main import ORDER

    tried = {command.split()[0] for command in COMMANDS}
    assert {"demo", "plan-labels", "plugins"} == set(ORDER) - tried


def test_a_store_of_something_else_is_refused(folder: Path) -> None:
    with sqlite3.connect(folder / "bank.sqlite") as other:
        other.execute("CREATE TABLE accounts (name)")
    other.close()
    with pytest.raises(Exception, match="belongs to something else"):
        Journal(folder / "bank.sqlite")
    (folder / "out.jsonl.journal.sqlite").write_bytes((folder / "bank.sqlite").read_bytes())
    _check(harness(*f"{JUDGE} exact_match".split(), cwd=folder), "out.jsonl.journal.sqlite")
