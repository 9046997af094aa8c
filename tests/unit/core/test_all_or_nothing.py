"""Files that the harness writes are whole or are not there: a kill leaves the old one."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import app, register
from harness.labels.writing import write_csv
from harness.nouns.errors import InputError
from harness.records.writes import write_json, write_jsonl, write_text

ROWS = [{"n": str(n)} for n in range(3)]

WRITERS: dict[str, tuple[Callable[[Path, Any], None], str]] = {
    "json": (lambda path, rows: write_json(path, list(rows)), json.dumps(ROWS, indent=1) + "\n"),
    "jsonl": (write_jsonl, "".join(json.dumps(row) + "\n" for row in ROWS)),
    "csv": (lambda path, rows: write_csv(path, ["n"], rows), "n\r\n0\r\n1\r\n2\r\n"),
}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> tuple[Callable[[Path, Any], None], str]:
    return WRITERS[request.param]


def text(path: Path) -> str:
    return path.read_bytes().decode()


def test_a_file_is_written_whole_in_a_folder_that_is_made(tmp_path: Path, write: Any) -> None:
    path = tmp_path / "a" / "b" / "out"
    write[0](path, ROWS)
    assert text(path) == write[1]
    assert [p.name for p in path.parent.iterdir()] == ["out"]


def test_a_row_that_fails_leaves_the_old_file(tmp_path: Path, write: Any) -> None:
    def rows() -> Iterator[dict[str, str]]:
        yield from ROWS
        raise RuntimeError("no more rows")

    path = tmp_path / "out"
    for old in (None, "what was there"):
        if old is not None:
            path.write_text(old)
        with pytest.raises(RuntimeError, match="no more rows"):
            write[0](path, rows())
        assert (text(path) if path.exists() else None) == old


def stopped(monkeypatch: pytest.MonkeyPatch, path: Path) -> list[str]:
    """Stop the program where a whole file is to get its name; return what it would have been."""
    whole: list[str] = []

    def replace(self: Path, target: Path) -> None:
        assert Path(target) == path
        whole.append(text(self))
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", replace)
    return whole


def test_a_kill_in_the_last_moment_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Any
) -> None:
    path = tmp_path / "out"
    path.write_text("what was there")
    whole = stopped(monkeypatch, path)
    with pytest.raises(KeyboardInterrupt):
        write[0](path, ROWS)
    assert (whole, text(path)) == ([write[1]], "what was there")


def test_aggregate_writes_its_labels_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    if not app.registered_commands:
        register()
    labels, out = tmp_path / "labels.csv", tmp_path / "out.csv"
    labels.write_text("item,ann,bob,cy\ni,a,a,b\nj,b,b,b\nk,,,\n")
    out.write_text("what was there")
    words = ["aggregate", str(labels), "--method", "majority", "--out", str(out)]
    words += ["--annotators", "ann,bob,cy", "--item-column", "item"]
    with monkeypatch.context() as patch:
        whole = stopped(patch, out)
        CliRunner().invoke(app, words)
        assert len(whole) == 1 and text(out) == "what was there"
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert text(out) == whole[0]
    rows = [line.split(",") for line in whole[0].splitlines()]
    assert rows[0] == ["item", "label", "probability", "p:A", "p:B"]
    assert [row[:2] for row in rows[1:]] == [["i", "A"], ["j", "B"], ["k", ""]]
    assert rows[3][2:] == ["", "", ""]  # nobody labelled k


def test_what_was_not_finished_is_not_left_behind(tmp_path: Path, write: Any) -> None:
    def rows() -> Iterator[dict[str, str]]:
        yield from ROWS
        raise RuntimeError("no more rows")

    with pytest.raises(RuntimeError, match="no more rows"):
        write[0](tmp_path / "out", rows())
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_plain_file_is_never_replaced(tmp_path: Path) -> None:
    """As root, a table that is sent to /dev/null would take its place."""
    place = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        with pytest.raises(InputError, match="cannot write it"):
            write_text(place, "x")
        assert place.is_socket()
    write_text(Path("/dev/null"), "x")
    assert Path("/dev/null").is_char_device()


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real" / "file.txt")
    write_text(link, "x")
    assert link.is_symlink() and (tmp_path / "real" / "file.txt").read_text() == "x"
    write_text(link, "y")
    assert link.is_symlink() and link.read_text() == "y"
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["file.txt"]
