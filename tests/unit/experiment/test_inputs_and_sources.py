"""What a run is made of: items, sources, paths, prices, contexts, roles."""

from __future__ import annotations

import asyncio
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tiny_experiment import config

from harness.experiment.config import ItemsConfig, SourceConfig
from harness.experiment.context import Asking, cost_note, versions
from harness.experiment.experiment import check_held_out, load_items, resolve
from harness.experiment.sources import NamedSource, build_sources, check_roles
from harness.experiment.stages.evaluate import evaluators_of
from harness.feedback.contract import RunContext
from harness.feedback.requests import build_requests
from harness.nouns.chat_messages import ChatRequest
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.schema import Item, SourceInfo
from harness.records.journal import Journal
from harness.records.writes import write_jsonl
from harness.registry import Origin, registry

if TYPE_CHECKING:
    from conftest import World

ITEMS = [Item(f"i{n}", f"q{n}", reference="1") for n in range(7)]


def test_items_come_from_beside_the_experiment_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_jsonl(tmp_path / "data" / "items.jsonl", ITEMS)
    entry = ItemsConfig(file="data/items.jsonl")
    experiment = tmp_path / "x.yaml"
    assert load_items(experiment, entry) == ITEMS
    assert load_items(experiment, entry.model_copy(update={"limit": 3})) == ITEMS[:3]
    (tmp_path / "data" / "items.jsonl").write_text("\n")
    with pytest.raises(DataError) as empty:
        load_items(experiment, entry)
    assert empty.value.where == str(tmp_path / "data" / "items.jsonl")


def test_every_item_that_is_in_both_splits_is_counted_and_the_first_are_named() -> None:
    same_id = [Item("i6", "new"), Item("i2", "new as well")]
    same_prompt = [Item(f"z{n}", f"q{n}") for n in (5, 4, 3, 1)]
    with pytest.raises(ConfigError) as found:
        check_held_out(ITEMS, [*same_id, *same_prompt, Item("i0", "q0"), Item("fine", "other")])
    assert found.value.what.startswith("7 items of data.evaluation")
    assert found.value.details == ("i0", "i2", "i6", "z1", "z3")
    assert found.value.hint == "evaluate on items that nothing was trained on"
    chat = Item("chat", ({"role": "user", "content": "q3"},))
    with pytest.raises(ConfigError, match="1 item of"):
        check_held_out(ITEMS, [chat])
    with pytest.raises(ConfigError, match="1 item of"):
        check_held_out(ITEMS, [Item("i1", "only the id")])


def test_a_source_judges_as_it_is_told_or_as_it_can_pairs_first(tmp_path: Path) -> None:
    judge = {"use": "llm_judge", "options": {"model": "openai/m", "rubric": "helpfulness"}}
    sources = {
        "verifier": {"use": "last_number"},
        "judge": judge,
        "points": {**judge, "way": "pointwise", "limit": 4},
        "style": {"use": "keywords", "options": {"any_of": ["please"]}},
    }
    built = build_sources(config(sources=sources), tmp_path / "x.yaml")
    assert {name: source.way for name, source in built.items()} == {
        "verifier": "pointwise", "judge": "pairwise", "points": "pointwise", "style": "pointwise",
    }  # fmt: skip
    assert {s.name: s.origin.entry_point for s in built.values()}["judge"] == "llm_judge"
    assert built["points"].config.limit == 4
    assert built["points"].info.name == "points"
    sources["verifier"] = {"use": "last_number", "way": "pairwise"}
    with pytest.raises(ConfigError) as wrong:
        build_sources(config(sources=sources), tmp_path / "x.yaml")
    assert wrong.value.where == "sources.verifier.way"
    assert wrong.value.what == "source verifier (last_number) cannot judge pairwise"
    assert wrong.value.hint == "it can judge pointwise"


def test_a_scope_moves_with_plugin_and_options_only(tmp_path: Path) -> None:
    def scope(name: str = "style", use: str = "keywords", **options: Any) -> str:
        entry = SourceConfig(use=use, options=options, limit=len(options))
        factory = registry().source(use)
        source = factory.build(options, name)
        return NamedSource(name, entry, source, registry().origins[use]).scope

    one = scope(any_of=["please"])
    assert one == scope(any_of=["please"])
    assert one.startswith("style/")
    assert len(one) == len("style/") + 12
    assert scope("other", any_of=["please"]).partition("/")[2] == one.partition("/")[2]
    assert scope(any_of=["thanks"]) != one
    assert scope(use="regex_format", pattern="x") != scope(use="regex_format", pattern="y")


def test_files_of_options_stand_beside_the_experiment_and_bare_words_are_names(
    tmp_path: Path, world: World
) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("please", "terms.txt", "sub/deep"):
        (tmp_path / name).write_text("x")
    given = {
        "please": "please",  # a file is called so, but it is a bare word
        "terms.txt": str(tmp_path / "terms.txt"),
        "sub/deep": str(tmp_path / "sub/deep"),
        "./please": str(tmp_path / "please"),
        "sub": "sub",
        "sub/": "sub/",  # a folder
        "gone.txt": "gone.txt",
        str(tmp_path / "terms.txt"): str(tmp_path / "terms.txt"),
        "a\0b/c": "a\0b/c",
        "x/" * 127 + "y": "x/" * 127 + "y",
        "x/" * 200: "x/" * 200,
        "": "",
    }
    for value, expected in given.items():
        options = {"says": "", "model": value}
        sources = {"s": {"use": "scripted", "options": options}, "style": {"use": "exact_match"}}
        arms = {"a": {"sources": ["s"], "trainer": "dpo"}}
        experiment = config(sources=sources, arms=arms)
        built = build_sources(experiment, tmp_path / "x.yaml")
        assert built["s"].source.script.model == expected  # type: ignore[attr-defined]


def test_paths_are_beside_the_experiment_where_they_exist_and_hub_ids_stay(tmp_path: Path) -> None:
    experiment = tmp_path / "x.yaml"
    (tmp_path / "policy").mkdir()
    assert resolve(experiment, "policy") == str(tmp_path / "policy")
    assert resolve(experiment, "org/model") == "org/model"
    assert resolve(experiment, "/somewhere/else") == "/somewhere/else"
    assert resolve(experiment, str(tmp_path / "policy")) == str(tmp_path / "policy")


def test_versions_of_what_is_installed() -> None:
    assert versions(("no-such-package", "numpy")) == {"numpy": importlib.metadata.version("numpy")}


@dataclass
class Planned:
    """A source that knows its calls."""

    info: SourceInfo
    calls: list[ChatRequest]

    def planned(self, requests: Sequence[Any], ctx: RunContext) -> list[ChatRequest]:
        return self.calls[: len(requests)]


def test_what_judging_will_cost_is_said_before_it_begins() -> None:
    message = ({"role": "user", "content": "x" * 400},)
    price = {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01}
    calls = [ChatRequest("openai/m", message, max_tokens=10, extra=price, repeat=n) for n in (0, 1)]

    def note(calls: list[ChatRequest]) -> str:
        info = SourceInfo("judge", "1", "judge")
        entry = SourceConfig(use="llm_judge")
        origin = Origin("e", "m", "d", "1")
        source: Any = Planned(info, calls)
        named = NamedSource("judge", entry, source, origin)
        requests = build_requests(ITEMS[:2], [], "pointwise") or [None] * len(calls)

        async def ask() -> str:
            async with Asking(None, processes=1).open() as ctx:
                estimate = ctx.chat.estimate(calls)  # type: ignore[attr-defined]
                wanted = (
                    f"about ${estimate.expected_usd:.2f}, at most ${estimate.at_most_usd:.2f}"
                    f" for {len(calls)} calls"
                )
                found = cost_note(named, requests, ctx)  # type: ignore[arg-type]
                if estimate.at_most_usd:
                    assert found == wanted
                    # ten tokens of each reply at most, and one token of each prompt at least
                    assert estimate.at_most_usd >= len(calls) * (0.1 + 0.001)
                return found

        return asyncio.run(ask())

    assert "for 2 calls" in note(calls)
    assert note([replace(c, extra={}, model="openai/nobody-knows") for c in calls]) == (
        "the price of openai/nobody-knows is not known"
    )
    free = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
    assert note([replace(c, extra=free) for c in calls]) == ""

    async def no_plan() -> str:
        factory = registry().source("last_number")
        entry = SourceConfig(use="last_number")
        named = NamedSource("v", entry, factory.build(), Origin("e", "m", "d", "1"))
        async with Asking(None, processes=1).open() as ctx:
            return cost_note(named, [], ctx)

    assert asyncio.run(no_plan()) == ""


def test_a_context_has_the_seed_the_concurrency_and_the_budget_it_was_opened_with(
    tmp_path: Path,
) -> None:
    async def opened(**options: Any) -> tuple[Any, ...]:
        with Journal(tmp_path / "j.sqlite") as journal:
            async with Asking(journal, **options).open() as ctx:
                chat: Any = ctx.chat
                return ctx.seed, ctx.limits.concurrency, chat.budget.limit_usd

    assert asyncio.run(opened()) == (0, 32, None)
    given = {"seed": 5, "concurrency": 3, "budget_usd": 2.5, "processes": 1}
    assert asyncio.run(opened(**given)) == (5, 3, 2.5)


def test_roles_are_refused_with_their_place(tmp_path: Path) -> None:
    sources = {
        "verifier": {"use": "last_number", "limit": 2},
        "people": {"use": "simulated_people"},
        "style": {"use": "exact_match"},
    }
    wrong = [
        (
            {"evaluation": {"evaluators": ["style", "people"]}},
            "evaluation.evaluators.people",
            "people",
        ),
        ({"evaluation": {"evaluators": ["verifier"]}}, "sources.verifier.limit", "verifier"),
        ({"agreement": {"reference": "style"}}, "agreement.reference", "style"),
    ]
    for changes, where, name in wrong:
        experiment = config(sources=sources, **changes)
        built = build_sources(experiment, tmp_path / "x.yaml")
        with pytest.raises(ConfigError) as found:
            check_roles(experiment, built)
        assert found.value.where == where
        assert name in found.value.what
    fine = config(sources=sources, agreement={"reference": "people"})
    check_roles(fine, build_sources(fine, tmp_path / "x.yaml"))


def test_an_evaluator_that_shares_a_model_of_a_jury_is_not_held_out(tmp_path: Path) -> None:
    rubric = {"rubric": "helpfulness"}
    sources = {
        "jury": {"use": "llm_judge", "options": {"model": ["openai/a", "openai/b"], **rubric}},
        "other": {"use": "llm_judge", "options": {"model": "openai/c", **rubric}},
        "b": {"use": "llm_judge", "options": {"model": "openai/b", "rubric": "harmlessness"}},
        "style": {"use": "exact_match"},
    }
    arms = {name: {"sources": [name], "trainer": "dpo"} for name in ("jury", "other", "style")}
    experiment = config(sources=sources, arms=arms, evaluation={"evaluators": ["b", "style"]})
    built = build_sources(experiment, tmp_path / "x.yaml")
    held_out = {info.name: info.held_out_for for info in evaluators_of(experiment, built)}
    assert held_out == {"b": {"other", "style"}, "style": {"jury", "other"}}
