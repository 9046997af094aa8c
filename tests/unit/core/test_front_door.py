"""A plugin needs nothing but harness.plugin: what a hook's contract mentions is exported there."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import typing
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import harness.plugin as front
from harness import hookspecs
from harness.aggregate.assembly import aggregate_judgments
from harness.experiment.arms import aggregator, check_arms
from harness.experiment.config import RunConfig
from harness.feedback.requests import build_requests
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, Verdict
from harness.registry import Registry, load
from harness.testing import check_source

HERE = Path(__file__).resolve().parents[2] / "thirdparty_plugin"


def mentioned(kind: Any) -> Iterator[Any]:
    """Yield the classes of the harness that an annotation mentions."""
    if isinstance(kind, list | tuple):
        for part in kind:
            yield from mentioned(part)
    elif typing.get_args(kind):
        yield from mentioned(typing.get_args(kind))
    elif isinstance(kind, type) and kind.__module__.startswith("harness."):
        yield kind


def annotations(thing: Any) -> Iterator[Any]:
    """Yield the annotations of a function, or of a class's fields and public methods."""
    names: dict[str, Any] = {}
    for module in (
        "harness.feedback.contract", "harness.ratings.table", "harness.ratings.posterior",
        "harness.statistics.estimate", "harness.sandbox.sandbox", "harness.registry",
    ):  # fmt: skip
        names |= vars(importlib.import_module(module))
    names |= {"BaseModel": BaseModel, "Path": Path, "typer": __import__("typer")}
    if inspect.isfunction(thing):
        yield from typing.get_type_hints(thing, localns=names).values()
        return
    yield from typing.get_type_hints(thing, localns=names).values()
    for name, member in vars(thing).items():
        function = member.fget if isinstance(member, property) else member
        public = not name.startswith("_") or name == "__call__"
        if public and inspect.isfunction(function):
            yield from typing.get_type_hints(function, localns=names).values()


def test_what_the_contract_of_a_hook_mentions_is_exported_and_typed() -> None:
    hooks = [value for name, value in vars(hookspecs).items() if name.startswith("harness_")]
    todo: list[Any] = [*hooks, front.RunContext, front.FeedbackSource, front.Sandbox]
    seen: set[Any] = set()
    while todo:
        thing = todo.pop()
        if thing in seen:
            continue
        seen.add(thing)
        for annotation in annotations(thing):
            if thing is not front.SourceFactory:  # what an adapter was given, of any signature
                assert "Callable[..., typing.Any]" not in str(annotation), (thing, annotation)
            for kind in mentioned(annotation):
                todo.append(kind)
    classes = {thing for thing in seen if inspect.isclass(thing)}
    exported = {id(getattr(front, name)) for name in front.__all__}
    assert {kind.__name__ for kind in classes if id(kind) not in exported} == set()
    assert {"Sandbox", "SandboxResult", "RatingTable", "Posterior", "Estimate"} <= {
        kind.__name__ for kind in classes
    }


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The installed plugins and the stranger's."""
    monkeypatch.syspath_prepend(str(HERE))
    mine = [EntryPoint(name, name, "harness") for name in ("unanimous", "word_limit")]
    found = load([*importlib.metadata.entry_points(group="harness"), *mine])
    for module in (
        "harness.registry",
        "harness.experiment.arms",
        "harness.experiment.stages.agree",
    ):
        monkeypatch.setattr(f"{module}.registry", lambda: found)
    yield found


def experiment(aggregation: str) -> RunConfig:
    return RunConfig.model_validate(
        {
            "name": "small",
            "data": {"train": {"file": "t.jsonl"}, "evaluation": {"file": "e.jsonl"}},
            "policy": {"model": "policy"},
            "sources": {"v": {"use": "word_limit"}},
            "arms": {"a": {"sources": ["v"], "trainer": "dpo", "aggregation": aggregation}},
            "evaluation": {"evaluators": ["v"]},
        }
    )


def test_an_experiment_aggregates_with_a_strangers_plugin(stranger: Registry) -> None:
    config = experiment("unanimous")
    check_arms(config)
    with pytest.raises(front.PluginError, match=r"did you mean unanimous\?"):
        check_arms(experiment("unanimos"))
    item = Item("i", "q")
    responses = [Response(f"r{n}", "i", "s", str(n)) for n in range(4)]
    requests = build_requests([item], responses, "pairwise")
    said = {"ann": ["A", "A"], "bob": ["A", "B"]}
    judgments = [
        Judgment(request.id, who, "1", who, Verdict(Status.OK, value))
        for who, values in said.items()
        for request, value in zip(requests, values, strict=True)
    ]
    method = aggregator(config.arms["a"].aggregation)
    result = aggregate_judgments(method, requests, judgments, {})
    assert [(p.chosen_id, p.rejected_id, p.probability) for p in result.preferences] == [
        ("r0", "r1", 1.0)
    ]
    result = aggregate_judgments(method, requests, judgments, {"bob": 0.0})
    assert [p.chosen_id for p in result.preferences] == ["r0", "r2"]


def test_the_agreement_report_shows_a_strangers_statistic(
    stranger: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from typer.testing import CliRunner

    from harness.cli import main, plugins

    if not main.app.registered_commands:
        main.register()
    (tmp_path / "labels.csv").write_text("item,ann,bob,judge\ni,a,a,a\nj,a,b,b\nk,b,b,b\nl,a,,\n")
    report = tmp_path / "agreement.json"
    words = ["agree", str(tmp_path / "labels.csv"), "--human-columns", "ann,bob"]
    words += ["--judge-columns", "judge"]
    done = CliRunner().invoke(main.app, [*words, "--json", str(report)])
    assert done.exit_code == 0, done.output
    rows = json.loads(report.read_text())["rows"]
    (row,) = [row for row in rows if row["name"] == "unanimity"]
    assert (row["section"], row["n"], row["value"]) == ("Unanimity", 3, pytest.approx(2 / 3))
    plugins.command(None, True)
    listed = json.loads(capsys.readouterr().out)
    assert listed["aggregations"] == {"unanimous": "Certain only where nobody contradicts"}
    assert list(listed["statistics"]) == ["Unanimity"]


PLUGIN_OF_THE_DESIGN = '''"""Verifier: the response equals the reference, ignoring white space."""
from harness.plugin import Item, Response, hookimpl, verifier

@verifier(name="exact_match", version="1")
def exact_match(item: Item, response: Response) -> bool | None:
    if item.reference is None:
        return None  # abstain: never score what cannot be checked
    return response.text.strip() == item.reference.strip()

@hookimpl
def harness_feedback_sources():
    return [exact_match]
'''


def test_the_plugin_of_fifteen_lines_works_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(PLUGIN_OF_THE_DESIGN.splitlines()) <= 15
    printed = PLUGIN_OF_THE_DESIGN.partition("\n")[2].strip()
    assert printed in inspect.cleandoc((front.__doc__ or "").replace("\n    ", "\n"))
    (tmp_path / "printed_plugin.py").write_text(PLUGIN_OF_THE_DESIGN)
    monkeypatch.syspath_prepend(str(tmp_path))
    factory = load([EntryPoint("exact_match", "printed_plugin", "harness")]).source("exact_match")
    assert factory.summary.startswith("Verifier: the response equals the reference")
    rows = check_source(factory)
    assert {row.verdict.status for row in rows} <= {Status.OK, Status.ABSTAINED}
    right, wrong = (Response("r", "i", "s", text) for text in (" 4\n", "5"))
    assert factory(Item("i", "q", reference="4"), right) is True
    assert factory(Item("i", "q", reference="4"), wrong) is False
    assert factory(Item("i", "q"), right) is None
