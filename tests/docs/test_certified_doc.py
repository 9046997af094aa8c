"""docs/certified.md: its commands, on the published data, say what the page says that they say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from in_process import harness

BLOCKS = re.compile(r"```sh\n(?P<command>.*?)```\s+```text\n(?P<said>.*?)```", re.S)
ROOT = Path(__file__).resolve().parents[2]
SHOWN = [
    (found["command"], found["said"])
    for found in BLOCKS.finditer((ROOT / "docs" / "certified.md").read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def tables(repo_root: Path, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    for name in ("pandalm", "llmbar"):
        script = repo_root / "examples" / "pandalm_table.py"
        command = [sys.executable, script, shared_data / name, folder / f"{name}.csv"]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def test_the_page_has_three_commands_with_their_answers() -> None:
    assert [command.split()[2] for command, _ in SHOWN] == [
        "pandalm.csv",
        "llmbar.csv",
        "llmbar.csv",
    ]
    said = "\n".join(text for _, text in SHOWN).splitlines()
    assert max(map(len, said)) <= 80


@pytest.mark.parametrize(("command", "said"), SHOWN, ids=["pandalm", "llmbar", "best-of-seven"])
def test_a_published_judge_is_certified_or_not_as_the_page_says(
    tables: Path, command: str, said: str
) -> None:
    _, *words = shlex.split(command.replace("\\\n", " "))
    done = harness(*words, cwd=tables)
    assert done.returncode == 0, done.stderr
    printed = " ".join(done.stdout.split())
    for paragraph in said.strip().split("\n\n"):
        assert " ".join(paragraph.split()) in printed, paragraph
