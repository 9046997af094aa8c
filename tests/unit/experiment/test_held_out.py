"""Held out means held out: whoever gave rewards, or shares a model with them, is found out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_experiment import config

from harness.evaluate.held_out import shares
from harness.experiment.sources import build_sources
from harness.experiment.stages.evaluate import evaluators_of
from harness.feedback.contract import RunContext
from harness.feedback.judge import judge
from harness.nouns.schema import JudgmentRequest, SourceInfo, Verdict
from harness.registry import Origin, registry


@judge(name="hidden", version="1", models=("openai/a",))
async def hidden(request: JudgmentRequest, ctx: RunContext) -> Verdict:
    """Ask a model that no option names."""
    raise NotImplementedError


def ask(*models: str, **options: Any) -> dict[str, Any]:
    model: Any = models[0] if len(models) == 1 else list(models)
    options = {"rubric": "helpfulness", **options}
    return {"use": "llm_judge", "options": {"model": model, **options}}


def words(*any_of: str, **options: Any) -> dict[str, Any]:
    return {"use": "keywords", "options": {"any_of": list(any_of), **options}}


TRAINED_ON = {
    "judge": ask("openai/a"),
    "jury": ask("openai/a", "openai/b"),
    "served": ask("openai/Org/Model-7b"),
    "style": words("please"),
    "team/style": words("thanks"),
}
KINDS: list[tuple[str, str, dict[str, Any], bool]] = [
    ("the source itself", "judge", TRAINED_ON["judge"], False),
    ("the same under another name", "style", words("please"), False),
    ("the same under a name with a slash", "team/style", words("thanks"), False),
    ("the same with a default spelled out", "style", words("please", none_of=[]), False),
    ("the same model under another rubric", "judge", ask("openai/a", rubric="harmlessness"), False),
    ("a member of the jury", "jury", ask("openai/b", rubric="harmlessness"), False),
    ("a jury with a member of the jury", "jury", ask("openai/c", "openai/b"), False),
    ("the same model served locally", "served", ask("local/Org/Model-7b"), False),
    ("the same model at a proxy", "judge", ask("openrouter/openai/a"), False),
    ("a plugin that asks the model", "judge", {"use": "hidden"}, False),
    ("another model", "judge", ask("openai/c"), True),
    ("another member of the organisation", "served", ask("openai/Org/Model-70b"), True),
    ("other options of the plugin", "style", words("pleased"), True),
    ("another plugin", "style", {"use": "exact_match"}, True),
]


@pytest.mark.parametrize("name", ["evaluator", "an/evaluator", "style/", "judge/judge"])
@pytest.mark.parametrize(("kind", "source", "entry", "held_out"), KINDS)
def test_who_is_held_out(
    kind: str, source: str, entry: dict[str, Any], held_out: bool, name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(registry().sources, "hidden", hidden)  # type: ignore[arg-type]
    monkeypatch.setitem(registry().origins, "hidden", Origin("h", "m", "d", "1"))  # type: ignore[arg-type]
    if kind == "the source itself":
        name = source
    experiment = config(
        sources={source: TRAINED_ON[source], name: entry, "other": {"use": "last_number"}},
        arms={
            "arm": {"sources": [source], "trainer": "dpo"},
            "other": {"sources": ["other"], "trainer": "dpo"},
        },
        evaluation={"evaluators": [name]},
    )
    (info,) = evaluators_of(experiment, build_sources(experiment, Path("x.yaml")))
    assert info.held_out_for == ({"arm", "other"} if held_out else {"other"}), kind


def test_nothing_is_read_out_of_names() -> None:
    one = SourceInfo("a/0123", "1", "verifier", identity="x")
    assert not shares(one, SourceInfo("b/0123", "1", "verifier", identity="y"))
    assert not shares(SourceInfo("a", "1", "verifier"), SourceInfo("b", "1", "verifier"))
    assert shares(one, SourceInfo("b", "2", "verifier", identity="x"))


SPELLINGS = [
    ("openrouter/openai/gpt-4o", "gpt-4o"),
    ("openrouter/openai/gpt-4o", "azure/gpt-4o"),
    ("hosted_vllm/meta-llama/Llama-3", "Llama-3"),
    ("vertex_ai/claude-sonnet-4-5", "openrouter/anthropic/claude-sonnet-4-5"),
    ("ollama/llama3", "ollama/llama3:latest"),
    ("ollama_chat/Llama3:LATEST", "llama3"),
    ("local/pol", "local/./pol"),
    ("local/pol", "local/pol/"),
    ("local/pol", "local/{folder}/pol"),
    ("local/{folder}/link", "local/sub/../pol"),
    ("local/{folder}/sub/..", "local/{folder}"),
]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_a_model_is_one_however_it_is_written(
    one: str, other: str, turned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pol").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("pol")
    monkeypatch.chdir(tmp_path)
    first, second = (
        SourceInfo(name, "1", "judge", models=(model.format(folder=tmp_path),), identity=name)
        for name, model in (("a", one), ("b", other))
    )
    assert shares(second, first) if turned else shares(first, second)
    assert not shares(first, SourceInfo("c", "1", "judge", models=("openai/gpt-4o-mini", "")))
    assert not shares(first, SourceInfo("c", "1", "judge", models=("ollama/llama3:70b",)))
