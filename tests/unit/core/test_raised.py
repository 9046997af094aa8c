"""An exception of a plugin names file and line of the plugin, wherever it is told."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from harness.experiment.failures import failures_of
from harness.feedback.annotate import annotate
from harness.feedback.requests import build_requests
from harness.nouns.errors import PluginError
from harness.nouns.outcomes import Status
from harness.nouns.raised import raised
from harness.nouns.schema import Item, Judgment, Response
from harness.registry import load
from harness.sandbox import WorkerPool
from harness.testing import ConformanceError, check_source, fake_context
from tests.support.judge_commands import invoke

SOURCE = '''"""Raise in many ways."""
import asyncio, json, helpers_of_it
import numpy as np
from harness.plugin import Status, Verdict, hookimpl, judge, read_score, verifier

class Mute(Exception):
    def __str__(self): raise KeyError

def attribute(r): return r.txt  # 8
def stdlib(r): return json.loads("{")  # 9
def beside(r): return helpers_of_it.help_me(r)  # helpers 2
def library(r): return np.zeros(2) + np.zeros(3)  # 11
def mute(r): raise Mute  # 12
def empty(r): raise ValueError  # 13
def check(r): assert r.text == "no"  # 14
def house(r): return Verdict(Status.OK)  # 15
def deep(r): return (lambda: [attribute(r) for _ in (1,)])()  # 8
def chained(r):
    try: attribute(r)
    except AttributeError as error: raise RuntimeError("x" * 3000) from error  # 19

@verifier(name="plain", version="1")
def plain(item, response): return globals()[item.id](response)

@verifier(name="waits", version="1")
async def waits(item, response): return await asyncio.gather(_later(item, response))
async def _later(item, response): return globals()[item.id](response)

@judge(name="judges", version="1", takes=("pointwise",))
async def judges(request, ctx): return globals()[request.item.id](request.responses[0])

@hookimpl
def harness_feedback_sources(): return [plain, waits, judges]
'''
HELPER = "def help_me(r):\n    return r.txt\n"

CASES = {
    "attribute": r"AttributeError: 'Response' object has no attribute 'txt' \(raisers.py:9\)",
    "stdlib": r"JSONDecodeError: .* \(raisers.py:10\)",
    "beside": r"AttributeError: .* 'txt' \(helpers_of_it.py:2\)",
    "library": r"ValueError: operands .* \(raisers.py:12\)",
    "mute": r"Mute \(raisers.py:13\)",
    "empty": r"ValueError \(raisers.py:14\)",
    "check": r"AssertionError \(raisers.py:15\)",
    "house": r"ValueError: a verdict has a value .* \(raisers.py:16\)",
    "deep": r"AttributeError: .* \(raisers.py:9\)",
    "chained": r"RuntimeError: x+(\.\.\.)? \(raisers.py:20\)",
}


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("raisers")
    (folder / "raisers.py").write_text(SOURCE)
    (folder / "helpers_of_it.py").write_text(HELPER)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        import raisers  # type: ignore[import-not-found]

        yield raisers


@pytest.fixture(scope="module")
def judged(module: Any) -> dict[str, dict[str, Judgment]]:
    items = [Item(name, "?") for name in CASES]
    responses = [Response(f"{name}.0", name, "s", "yes") for name in CASES]
    requests = build_requests(items, responses, "pointwise")
    asked = {request.id: request.item.id for request in requests}
    found = {}
    with WorkerPool(1) as workers:
        for name in ("plain", "waits", "judges"):
            source = getattr(module, name).build()
            rows = asyncio.run(annotate(source, requests, fake_context(workers=workers)))
            found[name] = {asked[row.request_id]: row for row in rows}
    return found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["plain", "waits", "judges"])
def test_a_row_names_the_line_of_the_plugin_that_raised(
    judged: dict[str, dict[str, Judgment]], name: str, case: str
) -> None:
    verdict = judged[name][case].verdict
    assert verdict.status is Status.ERROR
    assert re.fullmatch(CASES[case], verdict.rationale), verdict.rationale
    # ... and so do the lines on the commonest reasons, whatever their length.
    (told,) = failures_of([(verdict.status.value, verdict.rationale)]).told_reasons()
    assert re.search(r"\(\w+.py:\d+\)$", told) and len(told) < 330


def test_the_kit_names_the_line(module: Any) -> None:
    from dataclasses import replace

    from harness.testing import InlineWorkers, sample_requests

    (one, *_) = sample_requests()
    mine = {"pointwise": [replace(one, item=replace(one.item, id="attribute"))]}
    for name in ("plain", "waits", "judges"):
        ctx = fake_context(workers=InlineWorkers())
        with pytest.raises(ConformanceError, match=r"'txt' \(raisers.py:9\)"):
            check_source(getattr(module, name), ctx=ctx, requests=mine)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import no_such_module_here", r"ModuleNotFoundError: .* \(broken_one.py:1\)"),
        ("\n\n1 / 0", r"ZeroDivisionError: division by zero \(broken_one.py:3\)"),
        (
            "from harness.plugin import hookimpl\n@hookimpl\ndef harness_feedback_sources():\n"
            "    return [no_such]\n",
            r"harness_feedback_sources: NameError: .* \(broken_one.py:4\)",
        ),
        ("def f(:\n", r"SyntaxError: invalid syntax \(broken_one.py, line 1\)"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_names_its_line(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_one.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "broken_one", raising=False)
    (broken,) = load([EntryPoint("broken_one", "broken_one", "harness")]).broken
    assert re.fullmatch(told, broken.reason), broken.reason
    monkeypatch.delitem(sys.modules, "broken_one", raising=False)


def test_what_nobody_called_has_no_place() -> None:
    assert raised(KeyError("gold")) == "KeyError: 'gold'"
    assert raised(ValueError()) == "ValueError"


@pytest.mark.parametrize(
    "make",
    [
        lambda: exec("\n\nraise KeyError('x')", {}),
        lambda: eval("undefined_name", {}),
        lambda: sorted([1], key=lambda n: n.missing),
    ],
)
def test_code_without_a_file_has_its_place_as_well(make: Callable[[], Any]) -> None:
    with pytest.raises((KeyError, NameError, AttributeError)) as found:
        make()
    assert re.search(r" \(test_raised.py:\d+\)$", raised(found.value)), raised(found.value)


def test_an_aggregation_that_fails_names_its_line() -> None:
    from harness.hookspecs import _faults_of

    def unanimous() -> None:
        raise IndexError("none")

    with pytest.raises(PluginError, match=r"IndexError: none \(test_raised.py:\d+\)"):
        with _faults_of("aggregation", unanimous):
            unanimous()


def test_the_terminal_names_the_line(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = load([EntryPoint("raisers", "raisers", "harness")])
    for place in ("harness.registry", "harness.experiment.sources"):
        monkeypatch.setattr(f"{place}.registry", lambda: found)
    items, responses = tmp_path / "items.jsonl", tmp_path / "responses.jsonl"
    items.write_text('{"id": "attribute", "prompt": "?"}\n')
    responses.write_text('{"id": "r", "item_id": "attribute", "system": "s", "text": "t"}\n')
    result = invoke("judge", "--source", "judges", "--items", items, "--responses", responses,
                    "--out", tmp_path / "o.jsonl", "--quiet")  # fmt: skip
    assert "1 time: AttributeError: 'Response' object has no attribute 'txt' (raisers.py:9)" in (
        " ".join(result.output.split())
    )
