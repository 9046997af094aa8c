"""HTML, Markdown and JSON hold the same numbers: each that is shown is looked up in the others."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from harness.report import build, load
from harness.report.differences import MOST_DIGITS
from tests.support.shown_numbers import numbers, of_markdown, of_page

Data = dict[str, Any]
EXAMPLES = sorted(Path(__file__).parents[3].glob("reports/example-*"))
OF = {
    "What was compared": ("run", "arms"),
    "Results": ("evaluation", "agreement", "gates"),
    "Training curves": ("curves", "evaluation"),
    "Reward models": ("arms",),
    "Sources of feedback": ("sources",),
    "Cost and time": ("run", "arms", "sources", "costs"),
    "Sample responses": ("samples",),
}
"""The keys of report.json that a section is made of; the others may use all of them."""

RULES = {"256", "0.001", "0.1", "99.9", "100", "95"}
"""Of rules by which others are written: p <0.001, >99.9%, the level of intervals; SHA-256."""

YEAR = re.compile(r"\b(?:19|20)\d\d(?=[);,])")
"""Of a source that is cited."""


def leaves(value: Any) -> Iterator[float | str]:
    """Every number and text of JSON, and how long each list is."""
    if isinstance(value, dict):
        yield from (str(key) for key in value)
        yield float(len(value))
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list):
        yield float(len(value))
        for each in value:
            yield from leaves(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, str):
        yield value


def derived(data: Data) -> Iterator[float]:
    """Means over seeds, distances from base, shares of verdicts and sums of money."""
    for source in data.get("sources", ()):
        if source["judgments"]:
            yield source["ok"] / source["judgments"]
    yield sum(source.get("cost_usd") or 0.0 for source in data.get("sources", ()))
    for seeds in (data.get("curves") or {}).values():
        for at_step in zip_longest(*seeds.values(), fillvalue={}):
            for key in {key for row in at_step for key in row}:
                known = [row[key] for row in at_step if isinstance(row.get(key), int | float)]
                if known:
                    yield fmean(known)
                if known and key == "held_out/kl_sequence":
                    yield fmean(math.sqrt(max(0.0, one)) for one in known)
    for arm in data.get("arms", ()):
        took = [seed["seconds"] for seed in arm["seeds"] if seed.get("seconds") is not None]
        yield from [fmean(took)] * bool(took)


def unexplained(text: str, data: Data, keys: tuple[str, ...] = ()) -> list[str]:
    """Return the numbers of a text that are none of report.json, rounded as they are written."""
    used = {key: data.get(key) for key in keys} or {**data, "findings": [], "limitations": []}
    found = list(leaves(used))
    values = [x for x in found if isinstance(x, float)] + list(derived(used))
    said = {number for each in found if isinstance(each, str) for number in numbers(each)}
    cited = YEAR.sub("", text)
    # Durations are told in minutes; shares in percent, and never as 100% when they are not all.
    values += [part for x in values for part in (x // 3600, x % 3600 // 60, round(x) % 60)]

    def known(number: str) -> bool:
        digits = len(number.partition(".")[2])
        # From, to and change of four digits: the larger end gives way by one in the last.
        half = (1.5 if digits == MOST_DIGITS else 0.5) * 10.0**-digits + 1e-9
        wanted = abs(float(number))
        return any(abs(abs(scale * x) - wanted) <= half for x in values for scale in (1, 100))

    return [n for n in dict.fromkeys(numbers(cited)) if n not in said | RULES and not known(n)]


@pytest.fixture(params=["made up", *(path.name for path in EXAMPLES)])
def folder(request: pytest.FixtureRequest, made_up: Data, tmp_path: Path) -> Path:
    path = next((path for path in EXAMPLES if path.name == request.param), None)
    build(load(path) if path else made_up, tmp_path)
    return tmp_path


def test_markdown_holds_every_number_of_the_page(folder: Path) -> None:
    page = of_page((folder / "report.html").read_text(encoding="utf-8"))
    told = of_markdown((folder / "report.md").read_text(encoding="utf-8"))
    assert set(page) == set(told)
    assert sum(len(numbers(text)) for text in page.values()) > 700
    for title, text in page.items():
        known = set(numbers(told[title]))
        assert [n for n in dict.fromkeys(numbers(text)) if n not in known] == [], title


def test_every_number_of_the_page_comes_from_the_json(folder: Path) -> None:
    page = of_page((folder / "report.html").read_text(encoding="utf-8"))
    data = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    for title, text in page.items():
        assert unexplained(text, data, OF.get(title, ())) == [], title


def test_a_number_from_nowhere_is_noticed(made_up: Data, tmp_path: Path) -> None:
    build(made_up, tmp_path)
    data = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    text = "The score is 0.7777, of 987,654 responses, \N{MINUS SIGN}41.38 more than 123.45."
    assert unexplained(text, data) == ["0.7777", "987654", "-41.38", "123.45"]
    assert unexplained("7 of 7", data, ("samples",)) == ["7"]
