"""A command ends when its program does, or at its time limit; nothing that it started stays."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.command import CommandOptions, command

from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response

SCORE = "score ([0-9.]+)"
ENDS: list[tuple[str, dict[str, Any], float | None]] = [
    ("sleep 200 &\nexit 0", {}, 1.0),
    ("sleep 200 &\nexit 1", {}, 0.0),
    ("yes &\nexit 0", {}, 1.0),
    ("(sleep 200; echo x) & disown; true", {}, 1.0),
    ("nohup sleep 200 >/dev/null 2>&1 &\nexit 0", {}, 1.0),
    ("exec >/dev/null 2>&1; sleep 0.1; exit 0", {}, 1.0),
    ("setsid sleep 200 &\nexit 0", {}, 1.0),
    ("setsid -f sleep 200; exit 1", {}, 0.0),
    ("setsid sleep 200", {"timeout_s": 0.2}, 0.0),
    ("kill -9 $$", {}, 0.0),
    ("while :; do :; done", {"timeout_s": 0.2}, 0.0),
    ("sleep 200", {"timeout_s": 0.2}, 0.0),
    ("yes", {"timeout_s": 0.2}, 0.0),
    ("sleep 200 | cat", {"timeout_s": 0.2}, 0.0),
    ("exec >/dev/null 2>&1; sleep 200", {"timeout_s": 0.2}, 0.0),
    ("trap '' TERM INT; sleep 200", {"timeout_s": 0.2}, 0.0),
    ("echo score 1.0; sleep 200 &", {"score": SCORE}, 1.0),
    ("echo score 1.0; sleep 200", {"score": SCORE, "timeout_s": 0.2}, 0.0),
    ("yes x | head -n 200000; echo score 0.5", {"score": SCORE}, 0.5),
    ("echo nothing", {"score": SCORE}, None),
]


@pytest.mark.parametrize(("program", "options", "value"), ENDS)
def test_a_command_ends_with_its_program(
    program: str, options: dict[str, Any], value: float | None
) -> None:
    given = CommandOptions(command=("bash", "s.sh"), unsandboxed=True, file="s.sh", **options)
    verdict = command(Item("i", "?"), Response("r", "i", "s", program), given)
    assert verdict.value == value
    assert verdict.status is (Status.ERROR if value is None else Status.OK)


@pytest.mark.parametrize(
    "left",
    ["{} &", "setsid {} &", "setsid -f {}", "setsid setsid {} &", "cd / && setsid {} &",
     "env -i setsid {} &", "nohup setsid -f {} >/dev/null 2>&1", "HOME=/ setsid {} &"],
)  # fmt: skip
def test_what_a_command_left_running_is_ended(tmp_path: Path, left: str) -> None:
    mark = tmp_path / "alive"
    loop = f"/bin/bash -c 'while ((SECONDS < 20)); do /bin/date +%N > {mark}; done'"
    program = f"{left.format(loop)}\nwhile [ ! -s {mark} ]; do :; done"
    given = CommandOptions(command=("bash", "s.sh"), unsandboxed=True, file="s.sh")
    assert command(Item("i", "?"), Response("r", "i", "s", program), given).value == 1.0
    first = mark.read_text()
    time.sleep(0.1)
    assert mark.read_text() == first
