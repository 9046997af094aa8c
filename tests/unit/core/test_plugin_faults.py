"""A faulty plugin or option stops only what asks for it; versions follow what files say."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from harness import registry as registry_module
from harness.aggregate import METHODS
from harness.cli import plugins as plugins_command
from harness.experiment.arms import aggregator
from harness.experiment.config import RunConfig
from harness.experiment.sources import build_sources
from harness.nouns.errors import PluginError
from harness.plugin import (
    AggregatorFactory,
    Item,
    Response,
    SourceFactory,
    hookimpl,
    verifier,
)
from harness.registry import Registry, find_rubric, load

RUBRIC = """
id: clarity
kind: rubric
version: 1
criteria: [{id: clear, text: "Is it clear?"}]
"""


class Loose(BaseModel):
    limit: int = Field(default=100, alias="max")
    other: int = Field(default=1, validation_alias=AliasChoices("autre", "andere"))


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


def accept(item: Item, response: Response, *options: Any) -> bool:
    """Accept everything [sic]."""
    return True


def registry_of(
    monkeypatch: pytest.MonkeyPatch, **plugins: dict[str, Callable[..., Any]]
) -> Registry:
    """Load plugins made of their hooks."""
    entries = []
    for name, hooks in plugins.items():
        module = types.ModuleType(f"{name}_module")
        for hook, function in hooks.items():
            function.__name__ = hook
            setattr(module, hook, hookimpl(function))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        entries.append(EntryPoint(name, module.__name__, "harness"))
    return load(entries)


def good() -> dict[str, Callable[..., Any]]:
    return {"harness_feedback_sources": lambda: [verifier(name="good", version="1")(accept)]}


def test_a_hook_that_fails_breaks_its_plugin_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails() -> Sequence[SourceFactory]:
        raise RuntimeError("no [/weights] here")

    def nothing() -> None:
        return None

    def folders() -> Sequence[Traversable]:
        return [tmp_path]

    (tmp_path / "clarity.yaml").write_text(RUBRIC)
    found = registry_of(
        monkeypatch,
        fine={**good(), "harness_rubric_dirs": folders},
        raises={"harness_feedback_sources": fails},
        empty={"harness_aggregators": nothing, "harness_report_sections": lambda: None},
        folderless={"harness_rubric_dirs": lambda: None},
        odd={"harness_feedback_sources": lambda: [accept]},
    )
    assert found.source("good").name == "good"
    assert [plugin.origin.entry_point for plugin in found.broken] == [
        "raises", "odd", "empty", "empty", "folderless",
    ]  # fmt: skip
    with pytest.raises(PluginError, match=r"no \[/weights\] here"):
        found.source("raises")
    with pytest.raises(PluginError, match=r"broken plugin .*empty_module"):
        found.aggregator("mode")
    monkeypatch.setattr(registry_module, "registry", lambda: found)
    assert find_rubric("clarity").id == "clarity"


def test_plugins_lists_errors_that_look_like_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise RuntimeError("unexpected [/red] and [bold]")

    found = registry_of(monkeypatch, fine=good(), raises={"harness_feedback_sources": fails})
    monkeypatch.setattr(registry_module, "registry", lambda: found)
    plugins_command.command(None, False)
    plugins_command.command("good", False)
    shown = capsys.readouterr().out
    assert "unexpected [/red] and [bold]" in shown
    assert shown.count("Accept everything [sic].") == 2


def test_a_plugin_cannot_replace_an_aggregation_of_the_harness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = [AggregatorFactory(name, METHODS["soft"]) for name in ("majority", "mine")]
    found = registry_of(monkeypatch, mine={"harness_aggregators": lambda: mine})
    monkeypatch.setattr("harness.experiment.arms.registry", lambda: found)
    assert aggregator("mine") == mine[1].checked
    with pytest.raises(PluginError, match="'majority', which the harness has itself"):
        aggregator("majority")


def test_a_mistyped_option_is_refused_whatever_the_model_says() -> None:
    factory = verifier(name="loose", version="1", options=Loose)(accept)
    factory.build({"max": 3, "andere": 2})
    with pytest.raises(PluginError, match=r"autr: unknown option, got 3; did you mean autre\?"):
        factory.build({"autr": 3})
    verifier(name="open", version="1", options=Open)(accept).build({"anything": 1})


@pytest.mark.parametrize(
    ("source", "name", "first", "second"),
    [
        ("json_schema", "schema.json", '{"type": "object"}', '{"type": "array"}'),
        ("knowledge_base", "facts.csv", "key,answer\na,b\n", "key,answer\na,c\n"),
    ],
)
def test_the_version_of_a_verifier_follows_its_file(
    tmp_path: Path, source: str, name: str, first: str, second: str
) -> None:
    factory = registry_module.registry().source(source)

    def version(folder: str, text: str) -> str:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return factory.build({"file": str(path)}).info.version

    assert version("a", first) == version("b", first)
    assert version("a", first) != version("a", second)


def experiment(sources: dict[str, Any]) -> RunConfig:
    return RunConfig.model_validate(
        {
            "name": "small",
            "data": {"train": {"file": "t.jsonl"}, "evaluation": {"file": "e.jsonl"}},
            "policy": {"model": "policy"},
            "sources": sources,
            "arms": {"a": {"sources": [next(iter(sources))], "trainer": "dpo"}},
            "evaluation": {"evaluators": [next(iter(sources))]},
        }
    )


def judge(**options: Any) -> RunConfig:
    return experiment({"j": {"use": "llm_judge", "options": {"model": "openai/x", **options}}})


def test_the_version_of_a_judge_follows_its_rubric_and_not_the_path(tmp_path: Path) -> None:
    def version(folder: str, rubric: str, text: str = RUBRIC) -> str:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "clarity.yaml").write_text(text)
        config = judge(rubric=rubric)
        return build_sources(config, tmp_path / folder / "experiment.yaml")["j"].info.version

    same = {
        version("a", "clarity.yaml"),
        version("b", "./clarity.yaml"),
        version("b", str(tmp_path / "a" / "clarity.yaml")),
    }
    assert len(same) == 1
    assert version("a", "clarity.yaml", RUBRIC.replace("clear?", "very clear?")) not in same


def test_a_file_beside_the_experiment_does_not_hide_a_name(tmp_path: Path) -> None:
    (tmp_path / "helpfulness").write_text("not a rubric")
    (tmp_path / "facts.csv").write_text("key,answer\na,b\n")
    there = tmp_path / "experiment.yaml"
    elsewhere = tmp_path / "sub" / "experiment.yaml"
    versions = {
        build_sources(judge(rubric="helpfulness"), path)["j"].info.version
        for path in (there, elsewhere)
    }
    assert len(versions) == 1
    base = experiment({"k": {"use": "knowledge_base", "options": {"file": "facts.csv"}}})
    source: Any = build_sources(base, there)["k"].source
    assert json.loads(source.options.model_dump_json())["file"] == str(tmp_path / "facts.csv")


def test_a_misspelt_hook_breaks_its_plugin_and_says_which_was_meant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def sources() -> Sequence[SourceFactory]:
        return [verifier(name="never", version="1")(accept)]

    found = registry_of(
        monkeypatch,
        fine=good(),
        typo={"harness_feedback_source": sources, "harness_rubric_dirs": lambda: []},
        stranger={"on_everything": sources},
    )
    assert set(found.sources) == {"good"}
    reasons = {plugin.origin.entry_point: plugin.reason for plugin in found.broken}
    assert reasons == {
        "typo": "unknown hook 'harness_feedback_source'; did you mean harness_feedback_sources?",
        "stranger": "unknown hook 'on_everything'",
    }
    assert found.source("good").name == "good"  # fatal only for what asks for it
    with pytest.raises(PluginError, match=r"typo could not be loaded: unknown hook .*_sources\?"):
        found.source("typo")
    with pytest.raises(PluginError, match=r"broken plugin .*typo_module"):
        found.source("never")
    monkeypatch.setattr(registry_module, "registry", lambda: found)
    plugins_command.command(None, False)
    assert "did you mean harness_feedback_sources?" in " ".join(capsys.readouterr().out.split())


def test_a_hook_that_returns_something_else_breaks_its_plugin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Named:
        name = "section"

    found = registry_of(
        monkeypatch,
        sections={"harness_report_sections": lambda: [Named()]},
        dirs={"harness_rubric_dirs": lambda: ["a path as text"]},
        aggregators={"harness_aggregators": lambda: [Named()]},
        statistics={"harness_agreement_statistics": lambda: [Named()]},
    )
    wrong = {
        plugin.origin.entry_point: plugin.reason.rpartition(" is no ")[2] for plugin in found.broken
    }
    assert wrong == {
        "sections": "ReportSection", "dirs": "Traversable", "aggregators": "AggregatorFactory",
        "statistics": "AgreementStatistic",
    }  # fmt: skip
    assert (found.sections, found.rubric_dirs, found.aggregators, found.statistics) == (
        [],
        [],
        {},
        {},
    )
