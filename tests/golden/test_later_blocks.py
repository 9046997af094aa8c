"""What stands in a block after the program takes its place only if it is another version of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.program_tests import tests_of as read_tests
from harness_plugins.python_code import program_of
from judged_programs import verdict

from harness.feedback.contract import RunContext
from harness.nouns.outcomes import Status
from harness.sandbox import Sandbox

TABLE = tomllib.loads((Path(__file__).parent / "programs/later_blocks.toml").read_text("utf-8"))
ADD = {"entry_point": "add", "tests": [{"args": [1, 2], "expected": 3}]}
ASSERTS = {"asserts": ["assert add(1, 2) == 3"]}
CHECK = {"check": "def check(c):\n    assert c(1, 2) == 3", "prompt": "def add(a, b):\n"}
SUM = {"stdin": [{"input": "1 2\n", "output": "3\n"}]}
PROGRAMS = {"right": "def add(a, b):\n    return a + b", "wrong": "def add(a, b):\n    return 0"}
SCRIPTS = {
    "right": "a, b = map(int, input().split())\nprint(a + b)",
    "wrong": "a, b = map(int, input().split())\nprint(a - b)",
}


def fenced(code: str, label: str) -> str:
    return f"```{label}\n{code}\n```\n"


@pytest.mark.parametrize("block", TABLE["outputs"] + TABLE["heads"])
def test_no_output_and_no_head_replaces_the_program(block: str) -> None:
    for label in TABLE["labels"]:
        text = f"{fenced(PROGRAMS['right'], 'python')}It shows\n{fenced(block, label)}"
        for reference in (ADD, ASSERTS, CHECK | {"entry_point": "add"}):
            program = program_of(text, read_tests(reference))
            assert program.strip() == PROGRAMS["right"], (label, program)


@pytest.mark.parametrize("block", TABLE["scripts"])
def test_no_other_script_replaces_what_reads_the_input(block: str) -> None:
    for label in TABLE["labels"]:
        text = f"{fenced(SCRIPTS['right'], 'python')}It shows\n{fenced(block, label)}"
        program = program_of(text, read_tests(SUM))
        assert program.strip() == SCRIPTS["right"], (label, program)


@pytest.fixture(scope="module")
def ctx() -> Iterator[RunContext]:
    with Sandbox(1) as sandbox:
        yield RunContext(None, None, sandbox)  # type: ignore[arg-type]


@pytest.mark.parametrize("row", TABLE["second"], ids=lambda row: row["text"])
def test_another_version_counts(ctx: RunContext, row: dict[str, Any]) -> None:
    """All of them are wrong, so that the first version counts only where it alone is right."""
    for name, program in PROGRAMS.items():
        text = f"{fenced(program, 'python')}Or\n{row['text']}"
        given = verdict(ctx, ADD, text)
        expected = name == "right" and not row["takes"]
        assert (given.status, given.value) == (Status.OK, expected), given.rationale
