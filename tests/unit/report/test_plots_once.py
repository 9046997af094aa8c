"""Plots: nobody stands twice in one, and no text leaves its canvas."""

from __future__ import annotations

import re

import pytest

from harness.report.agreement_plots import AGREEMENT, panels
from harness.report.svg import Canvas, breadth, fitting, in_words, wrapped
from harness.report.wording import Names
from harness.statistics.estimate import Estimate

KAPPA = AGREEMENT[1:]


def test_a_source_stands_once_beside_its_only_annotator() -> None:
    def row(who: str, value: float, n: int = 90) -> Estimate:
        return Estimate(value, value - 0.1, value + 0.1, n, name="cohen_kappa", annotators=who)

    rows = [
        row("judge", 0.2), row("panel", 0.5), row("ann - bob", 0.8),
        row("judge/m - majority of people", 0.2), row("panel/a - majority of people", 0.5, 45),
    ]  # fmt: skip
    (panel,) = panels(rows, Names(), KAPPA, "p")
    title, words = in_words(panel)
    assert words.count("0.20 (") == 1 and words.startswith("judge 0.20")
    assert words.count("0.50 (") == 2, "one of several annotators is not the source"
    assert title == "Cohen's kappa with the majority of people"


@pytest.mark.parametrize("anchor", ["start", "middle", "end"])
@pytest.mark.parametrize("style", ["t", "t small", "t strong", "t small num"])
def test_text_stays_on_its_canvas(anchor: str, style: str) -> None:
    canvas = Canvas(100, 50)
    for x in (0, 3, 50, 97, 100):
        canvas.text(x, 9, "12.3 to 45.6" if "num" in style else "many words " * 9, style, anchor)
    for found in re.finditer(r'x="([\d.]+)"[^>]*>([^<]*)<', canvas.render("a", "b", "c")):
        x, wide = float(found[1]), breadth(found[2], style)
        start = x - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
        assert start >= -0.1 and start + wide <= 100.1
        assert "num" not in style or found[2] == "12.3 to 45.6", "a number is whole"


def test_a_long_line_is_wrapped_by_words_and_cut_at_its_end() -> None:
    text = "share of verdicts for the answer that stood first"
    assert " ".join(wrapped(text, 200, "t small")) == text
    assert len(wrapped(text, 200, "t small")) == 2
    (first, second) = wrapped(text * 3, 150)
    assert first == fitting(first, 150) and second.endswith("…")
    assert fitting("x" * 99, 60) == "x" * (len(fitting("x" * 99, 60)) - 1) + "…"
