"""What a server, a label or a file says never steers the terminal that it is shown on."""

from __future__ import annotations

import io
import json
import sys

import pytest
from in_process import harness
from scripted_server import ScriptedServer, http

from harness.cli import screen
from harness.nouns.plain_text import visible

EVIL = (
    "\x1b[2J", "\x1b]0;PWNED\x07", "\x1b]52;c;cm0gLXJm\x07", "\x9b31m", "\x90q\x9c", "\u202e",
    "\u2066", "\u2028", "\rover", "\x08", "\x7f", "\ud800",
)  # fmt: skip


def steering(text):
    return [c for c in text if c not in "\n\t" and not c.isprintable() and c not in "\xad\u200b"]


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_what_would_steer_a_terminal_is_spelled_out(evil):
    assert steering(visible(f"a{evil}b")) == []
    assert visible("Zeile\n\tmit é, 漢字 \U0001f600") == "Zeile\n\tmit é, 漢字 \U0001f600"


@pytest.mark.parametrize("status", ["401 Unauthorized", "302 Found"])
def test_an_error_of_a_server_does_not_reach_the_terminal_raw(status, tmp_path):
    (tmp_path / "i.jsonl").write_text(json.dumps({"id": "i", "prompt": "p"}) + "\n")
    row = {"id": "r", "item_id": "i", "system": "s", "text": "t"}
    (tmp_path / "r.jsonl").write_text(json.dumps(row) + "\n")
    evil = "".join(EVIL[:-1])
    raw = http(
        {"error": {"message": f"bad {evil}"}}, status=status,
        headers={"location": "http://\x9b31m\u202eevil.example/"},
    )  # fmt: skip
    with ScriptedServer(raw) as server:
        done = harness(
            "judge", "--source", "llm_judge", "--items", tmp_path / "i.jsonl", "--responses",
            tmp_path / "r.jsonl", "--out", tmp_path / "j.jsonl", "--way", "pointwise",
            "--option", "rubric=helpfulness", "--option", "model=hosted_vllm/m",
            "--option", f"api_base={server.base_url}",
        )  # fmt: skip
    assert done.returncode == 2 and "error" in done.stderr
    assert steering(done.stderr + done.stdout) == []


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_a_console_shows_tables_and_lines_without_what_steers(evil, monkeypatch):
    from harness.report.tables import Cell, Column, Table
    from harness.report.terminal import show

    written = io.StringIO()
    monkeypatch.setattr(sys, "stdout", written)
    shown = screen.console()
    shown.print(f"a label {evil}", markup=False)
    show(shown, Table(f"t {evil}", [Column(f"c {evil}")], [[Cell(f"x {evil}")]]))
    assert steering(written.getvalue()) == []


@pytest.mark.parametrize("command", ["agree", "aggregate"])
def test_labels_and_columns_of_a_table_do_not_reach_the_terminal_raw(command, tmp_path):
    evil = "\x1b]0;PWN\x07\x9b31m\u202e"
    rows = "".join(f"{n},A{evil},B,A{evil}\n{n}x,B,B,B\n" for n in range(9))
    (tmp_path / "labels.csv").write_text(f"item,ann{evil},ben,judge\n{rows}")
    done = harness(command, tmp_path / "labels.csv", "--out", tmp_path / "out")
    assert steering(done.stderr + done.stdout) == [], done.stderr
