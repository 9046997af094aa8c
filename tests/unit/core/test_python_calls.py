"""The stages as calls: ``harness.judge(...)`` works whatever was imported before, and says no."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pickle
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.schema import Item, Response
from harness.registry import registry
from harness.testing import StubServer, check_source

ITEMS = [Item("a", "2+2?", "4"), Item("b", "3+4?", "7")]
RIGHT = [Response("r", "a", "tuned", "4"), Response("s", "b", "tuned", "7")]
WRONG = [Response("r", "a", "base", "4"), Response("s", "b", "base", "8")]


@pytest.mark.parametrize("room", ["aggregate", "evaluate", "report", "train"])
def test_a_room_with_the_name_of_a_stage_is_called_like_it(room: str) -> None:
    module = importlib.import_module(f"harness.{room}")
    stage = getattr(importlib.import_module(harness._HOMES[room]), room)
    assert isinstance(module, ModuleType) and getattr(harness, room) is module
    assert inspect.signature(getattr(harness, room)) == inspect.signature(stage)
    assert pickle.loads(pickle.dumps(getattr(harness, room))) is module
    arguments: dict[str, tuple[Any, ...]] = {
        "aggregate": ("absent",),
        "evaluate": ("absent", {"base": WRONG}, ["exact_match"]),
        "report": ("absent",),
        "train": ("sft", "absent", "absent", "absent"),
    }
    with pytest.raises(DataError, match=r"no such file|no report\.json"):
        getattr(harness, room)(*arguments[room])


def test_stages_are_listed_and_others_are_missing() -> None:
    assert set(harness.__all__) <= set(dir(harness))
    assert all(callable(getattr(harness, name)) for name in harness.__all__)
    with pytest.raises(AttributeError, match="no attribute 'judgement'"):
        harness.judgement  # type: ignore[attr-defined]  # noqa: B018


def test_judge_takes_tables_and_evaluate_compares(tmp_path: Path) -> None:
    judged = harness.judge("exact_match", ITEMS, WRONG)
    assert [j.verdict.value for j in judged.judgments] == [True, False]
    settings = harness.JudgeSettings(journal=tmp_path / "kept.sqlite")
    for _ in range(2):
        kept = harness.judge("exact_match", ITEMS, WRONG, settings)
    assert [j.verdict.value for j in kept.judgments] == [True, False]
    responses = {"base": WRONG, ("tuned", 1): RIGHT, ("tuned", 2): RIGHT}
    result = harness.evaluate(ITEMS, responses, {"exact_match": {}})
    assert {row["policy"]: row["value"] for row in result["scores"]} == {"base": 0.5, "tuned": 1.0}


def test_stages_are_called_where_an_event_loop_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = harness.JudgeSettings(journal=tmp_path / "kept.sqlite")

    async def notebook() -> None:
        judged = harness.judge("exact_match", ITEMS, WRONG, settings)
        assert [j.verdict.value for j in judged.judgments] == [True, False]
        found = harness.evaluate(ITEMS, {"base": WRONG, "tuned": RIGHT}, {"exact_match": {}})
        assert [row["value"] for row in found["scores"]] == [0.5, 1.0]
        with StubServer(lambda body: "4") as server:
            monkeypatch.setenv("HOSTED_VLLM_API_BASE", server.base_url)
            said = harness.respond("hosted_vllm/m", ITEMS, harness.RespondSettings(chat=True))
        assert [response.text for response in said] == ["4", "4"]
        check_source(registry().source("exact_match"))
        with pytest.raises(DataError, match="nothing to judge"):
            harness.judge("exact_match", ITEMS, [])

    before = threading.active_count()
    asyncio.run(notebook())
    assert threading.active_count() == before


def test_an_id_that_stands_twice_is_refused() -> None:
    twins = [*ITEMS, Item("a", "2+3?", "5")]
    for call in (
        lambda: harness.judge("exact_match", twins, WRONG),
        lambda: harness.evaluate(twins, {"base": WRONG, "tuned": RIGHT}, ["exact_match"]),
        lambda: harness.respond("m", twins),
    ):
        with pytest.raises(DataError, match="items have ids that are not unique") as error:
            call()
        assert error.value.details == ("items[2]: id 'a' stands already in items[0]",)
    doubled = [*WRONG, Response("s", "b", "base", "7")]
    for call in (
        lambda: harness.judge("exact_match", ITEMS, doubled),
        lambda: harness.evaluate(ITEMS, {"base": doubled, "tuned": RIGHT}, ["exact_match"]),
    ):
        with pytest.raises(DataError, match="responses have ids that are not unique") as error:
            call()
        assert error.value.details == ("responses[2]: id 's' stands already in responses[1]",)
    many = [Item("a", "q")] * 30
    with pytest.raises(DataError) as error:
        harness.respond("m", many)
    assert error.value.details == (
        "items[1], items[2], items[3] and 26 more: id 'a' stands already in items[0]",
    )


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(DataError, match="nothing to judge"):
        harness.judge("exact_match", ITEMS, [])
    with pytest.raises(ConfigError, match="exact_match cannot judge pairwise"):
        harness.judge("exact_match", ITEMS, RIGHT, harness.JudgeSettings(way="pairwise"))
    with pytest.raises(ConfigError, match="tuned@0 already"):
        harness.evaluate(ITEMS, {"tuned": RIGHT, ("tuned", 0): RIGHT}, ["exact_match"])
    with pytest.raises(ConfigError, match="--budget is for --chat"):
        harness.respond("m", ITEMS, harness.RespondSettings(budget=1.0))


def test_judge_gives_what_the_journal_holds(tmp_path: Path, monkeypatch) -> None:
    settings = harness.JudgeSettings(journal=tmp_path / "kept.sqlite")
    first = harness.judge("exact_match", ITEMS, WRONG, settings)
    asked = []

    async def annotate(source, requests, ctx, journal, scope, on_judgment, begin):
        asked.append(journal.judgments(scope, source.info.name))
        return []

    monkeypatch.setattr(sys.modules["harness.experiment.stages.judge"], "annotate", annotate)
    harness.judge("exact_match", ITEMS, WRONG, settings)
    assert {j.request_id for j in asked[0]} == {j.request_id for j in first.judgments}
