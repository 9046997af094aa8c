"""Every claim of docs/security.md names a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def named(page: str) -> list[str]:
    return re.findall(r"`(test_\w+)`", page)


@pytest.mark.parametrize("page", ["docs/security.md"])
def test_the_tests_that_a_page_names_are_there(repo_root: Path, page: str) -> None:
    files = list((repo_root / "tests").rglob("test_*.py"))
    there = {path.stem for path in files}
    for path in files:
        there |= set(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE))
    names = named((repo_root / page).read_text(encoding="utf-8"))
    assert len(names) > 40
    assert sorted(set(names) - there) == []


def test_a_name_that_is_not_there_would_be_seen() -> None:
    assert named("holds (`test_one`, `test_two`) and `tests`") == ["test_one", "test_two"]
