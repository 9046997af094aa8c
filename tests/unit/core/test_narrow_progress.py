"""A progress line fits the screen: a long title stands above it, in full."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from harness.cli import screen

PRICE = "the price of hosted_vllm/a_s2_think, hosted_vllm/b_s5_rc_cut is not known"
TITLES = [
    "judge judges",
    f"jury judges ({PRICE})",
    "jury judges (about $0.12, at most $1.50 for 120 calls)",
    "a_judge_with_a_name_that_is_longer_than_any_column judges",
    "sampling hosted_vllm/some-organisation/some-model-of-a-long-name",
    "[bold]brackets[/bold] judges (about $1)",
    "\u4e2d\u6587 judges",
    "",
]


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize(("width", "total"), [(60, 3), (80, 3), (80, 12_000), (120, 12_000)])
def test_a_line_of_progress_fits(
    title: str, width: int, total: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()

    def console(**settings: Any) -> Console:
        return Console(file=stream, width=width, force_terminal=True, color_system=None)

    monkeypatch.setattr(screen, "_console", console)
    with screen.bars() as start:
        start(title, total)(total)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    lines = [line for part in text.split("\n") for line in part.split("\r")]
    assert max(map(len, lines)) <= width
    last = next(line for line in reversed(lines) if f"{total}/{total}" in line)
    assert re.search(r"\d:\d\d:\d\d +\d:\d\d:\d\d", last), last  # nothing of it is cut
    assert last.startswith(title[:8].rstrip())
    assert " ".join(title.split()) in " ".join(text.split())  # all of the title is said


SHORT = {
    # at 80 columns there are 24 cells
    "asking every source a little first": "asking every source a…",
    "judge judges": "judge judges",
    "jury judges (about $0.12, at most $1.50 for 120 calls)": "jury judges",
    "a_judge_with_a_name_that_is_longer_than_any_column judges": "a_judge_with_a_name_tha…",
    "sampling hosted_vllm/some-organisation/some-model": "sampling hosted_vllm/so…",
    "base: 400 responses of which": "base: 400 responses of…",
    "exactly twenty-four cell": "exactly twenty-four cell",
    "exactly twenty-four cells": "exactly twenty-four…",
}


@pytest.mark.parametrize("title", SHORT)
@pytest.mark.parametrize(("total", "rated"), [(1, False), (2, True)])
def test_a_title_is_cut_at_a_word_and_one_unit_has_no_rate(
    title: str, total: int, rated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()

    def console(**settings: Any) -> Console:
        return Console(file=stream, width=80, force_terminal=True, color_system=None)

    monkeypatch.setattr(screen, "_console", console)
    with screen.bars() as start:
        start(title, total)(total)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    last = next(line for line in reversed(re.split("[\r\n]", text)) if f"{total}/{total}" in line)
    assert last.partition(" \N{BOX DRAWINGS HEAVY HORIZONTAL}")[0].rstrip() == SHORT[title]
    assert bool(re.search(r"\d/s ", last)) == rated


def test_a_quiet_bar_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with screen.bars(quiet=True) as start:
        start(TITLES[1], 3)(3)
    assert capsys.readouterr() == ("", "")
