"""Reward models of a run on right against wrong: on which pairs; measured once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.experiment.stages.judge import Judged
from harness.experiment.stages.reward_models import same_style_pairs
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict

if TYPE_CHECKING:
    from conftest import World

ITEM = Item("i", "2+3?", reference="5")


def judged(name: str, said: dict[str, float | None]) -> Any:
    """What a source said of each text; None where it could not."""
    criterion = Criterion(name, "", Scale("interval", low=0, high=10))
    requests, judgments = [], []
    for text, value in said.items():
        asked = JudgmentRequest(
            f"{name} {text}", ITEM, (Response(text, "i", "x", text),), criterion
        )
        verdict = Verdict(Status.ABSTAINED) if value is None else Verdict(Status.OK, value)
        requests.append(asked)
        judgments.append(Judgment(asked.id, name, "1", name, verdict))
    return Judged(None, requests, judgments)  # type: ignore[arg-type]


def written(policy: str, seed: int, *texts: str) -> Any:
    return (policy, seed), [Response(f"{policy}{seed}{t}", "i", policy, t) for t in texts]


CASES: list[tuple[str, dict[str, float | None], dict[str, float | None], list[tuple[str, str]]]] = [
    ("right first", {"a": 1, "b": 0}, {"a": 5, "b": 5}, [("a", "b")]),
    ("right second", {"a": 0, "b": 1}, {"a": 5, "b": 5}, [("b", "a")]),
    ("both right", {"a": 1, "b": 1}, {"a": 5, "b": 5}, []),
    ("another style", {"a": 1, "b": 0}, {"a": 5, "b": 4}, []),
    ("gold says nothing of one", {"a": 1, "b": None}, {"a": 5, "b": 5}, []),
    ("style says nothing of one", {"a": 1, "b": 0}, {"a": 5, "b": None}, []),
    ("style says nothing of both", {"a": 1, "b": 0}, {"a": None, "b": None}, []),
    ("three", {"a": 1, "b": 0, "c": 0.5}, {"a": 5, "b": 5, "c": 5},
     [("a", "b"), ("a", "c"), ("c", "b")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "gold", "style", "wanted"), CASES, ids=[c[0] for c in CASES])
def test_pairs_that_only_the_gold_reward_tells(
    name: str, gold: Any, style: Any, wanted: list[tuple[str, str]]
) -> None:
    said = {"gold": judged("gold", gold), "style": judged("style", style)}
    responses = dict([written("base", 0, *gold), written("base", 1, *gold), written("arm", 0, "z")])
    found = same_style_pairs([ITEM], responses, said, "gold")
    assert [(right, wrong) for _, right, wrong in found] == wanted  # equal texts once
    # Without another evaluator the policy alone is what is the same.
    alone = same_style_pairs([ITEM], responses, {"gold": said["gold"]}, "gold")
    assert len(alone) >= len(wanted)


def test_responses_of_trained_policies_are_no_pairs() -> None:
    said = {"gold": judged("gold", {"a": 1, "b": 0})}
    assert same_style_pairs([ITEM], dict([written("arm", 0, "a", "b")]), said, "gold") == []


def test_a_reward_model_is_asked_once(whole: World) -> None:
    both = [["ranks", f"hybrid-seed{seed}-reward-model", "14"] for seed in (0, 1)]
    whole.run()
    assert whole.happened("ranks") == both
    found = json.loads((whole.out / "reward_models" / "hybrid-seed0.json").read_text())
    assert (found["n"], found["clusters"], found["gold"]) == (7, 2, "exam")
    whole.run()
    assert whole.happened("ranks") == both
    weights = whole.out / "policies" / "hybrid-seed0-reward-model" / "final" / "weights"
    weights.write_text("others 4")
    whole.run()
    assert whole.happened("ranks") == [*both, both[0]]
