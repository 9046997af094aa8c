"""Plugins load through entry points; duplicates are refused and broken ones reported."""

from __future__ import annotations

import sys
import types
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import Literal

import pytest

from harness.nouns.errors import PluginError, RubricError
from harness.plugin import Item, Response, SourceFactory, hookimpl, verifier
from harness.registry import find_rubric, load


class FakeDistribution(Distribution):
    """A distribution of which only name and version are asked."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read_text(self, filename: str) -> str | None:
        return f"Name: {self._name}\nVersion: 1.0\n" if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


def check_length(item: Item, response: Response) -> bool:
    """Look at the length."""
    return len(response.text) < 10


def entry(name: str, module: str, distribution: str) -> EntryPoint:
    return EntryPoint(name, module, "harness")._for(FakeDistribution(distribution))  # type: ignore[attr-defined]


def plugin_module(monkeypatch: pytest.MonkeyPatch, module: str, source: str) -> None:
    factory = verifier(name=source, version="1")(check_length)

    @hookimpl
    def harness_feedback_sources() -> list[SourceFactory]:
        return [factory]

    made = types.ModuleType(module)
    made.harness_feedback_sources = harness_feedback_sources  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module, made)


def test_a_plugin_is_found_with_its_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin_module(monkeypatch, "one_plugin", "short")
    found = load([entry("short", "one_plugin", "one-dist")])
    assert found.source("short").summary == "Look at the length."
    assert found.origins["short"].distribution == "one-dist"


@pytest.mark.parametrize("names", [("same", "same"), ("first", "second")])
def test_a_duplicate_names_both_distributions(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, str]
) -> None:
    plugin_module(monkeypatch, "one_plugin", "short")
    plugin_module(monkeypatch, "two_plugin", "short")
    entries = [entry(names[0], "one_plugin", "one-dist"), entry(names[1], "two_plugin", "two-dist")]
    with pytest.raises(PluginError) as caught:
        load(entries)
    assert "one-dist" in str(caught.value)
    assert "two-dist" in str(caught.value)


def test_a_broken_plugin_is_fatal_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin_module(monkeypatch, "one_plugin", "short")
    entries = [
        entry("short", "one_plugin", "one-dist"),
        entry("gone", "no_such_module_at_all", "bad-dist"),
    ]
    found = load(entries)
    assert found.source("short").name == "short"
    assert "no_such_module_at_all" in found.broken[0].reason
    with pytest.raises(PluginError, match="could not be loaded"):
        found.source("gone")


def test_an_unknown_source_gets_the_nearest_name() -> None:
    with pytest.raises(PluginError, match="did you mean exact_match"):
        load().source("exact_mach")


def test_a_local_function_cannot_be_a_verifier() -> None:
    def inner(item: Item, response: Response) -> bool:
        return True

    with pytest.raises(PluginError, match="top of a module"):
        verifier(name="inner", version="1")(inner)


def test_options_are_checked_with_their_names() -> None:
    factory = load().source("simulated_people")
    with pytest.raises(PluginError) as caught:
        factory.build({"peple": 3, "skip": "often"}, "people")
    text = str(caught.value)
    assert "peple" in text
    assert "'often'" in text
    assert "sources.people.options" in text


def test_an_unknown_rubric_lists_the_known() -> None:
    with pytest.raises(RubricError, match="unknown rubric") as caught:
        find_rubric("nonsense")
    for name in ("nonsense", "helpfulness", "honesty", "house"):
        assert name in str(caught.value)


@pytest.mark.parametrize(("kind", "other"), [("rubric", "house"), ("constitution", "helpfulness")])
def test_an_unknown_rubric_lists_only_what_can_stand_there(
    kind: Literal["rubric", "constitution"], other: str
) -> None:
    with pytest.raises(RubricError, match=f"unknown {kind} 'nope'") as caught:
        find_rubric("nope", kind)
    assert f"known {kind}s: " in str(caught.value) and other not in str(caught.value)
    source, option = {"rubric": ("llm_judge", "rubric"), "constitution": ("constitution",) * 2}[
        kind
    ]
    with pytest.raises(RubricError, match=f"unknown {kind} 'nope'"):
        load().source(source).build({"model": "openai/any", option: "nope"})
    with pytest.raises(RubricError) as near:
        find_rubric("hous", kind)
    assert ("did you mean" in str(near.value)) == (kind == "constitution")
