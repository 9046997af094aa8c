"""Each arm stands alone: one that cannot be trained takes no other along; the report says why."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.experiment.stages.report import report
from harness.nouns.errors import BudgetExceededError, ConfigError, HarnessError, InputError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, Verdict
from harness.ratings.positions import Position, position_of
from harness.train.training import Training

if TYPE_CHECKING:
    from conftest import World

PAIRS = [f"t{n}a|t{n}b" for n in range(5)]


def says(world: World, source: str, script: dict[str, Any]) -> None:
    """Let a source say another thing."""
    (world.folder / f"{source}.json").write_text(json.dumps(script))


def run_with_error(world: World, **changes: Any) -> tuple[str, dict[str, Any]]:
    """Run to the error at the end; return it, and what the report holds."""
    with pytest.raises(HarnessError) as failed:
        world.run(**changes)
    assert failed.value.exit_code == 1
    assert str(world.out / "report.html") in str(failed.value)
    return str(failed.value), json.loads((world.out / "report.json").read_text())


ALWAYS_FIRST = {key: ["A", "B"] for key in PAIRS}
ALWAYS_SECOND = {key: ["B", "A"] for key in PAIRS}


@pytest.mark.parametrize(("script", "place"), [(ALWAYS_FIRST, "first"), (ALWAYS_SECOND, "second")])
@pytest.mark.parametrize("trainer", ["dpo", "sft", "ppo"])
def test_a_fully_position_biased_judge_costs_its_own_arm_only(
    whole: World, script: dict[str, Any], place: str, trainer: str
) -> None:
    says(whole, "jury", {"j": script})
    arms = {
        "biased": {"sources": ["jury"], "trainer": trainer},
        "rlhf": {"sources": ["people"], "trainer": "dpo"},
    }
    error, data = run_with_error(whole, arms=arms, agreement=None, seeds=[0, 1])
    bias = (
        "position bias: its verdict turned with the order in 5 of 5 pairs, 5 times for what stood"
    )
    bias = f"{bias} {place}"
    assert "arm biased was not trained: it has no preferences to train on" in error
    assert "5 pairs: tie" in error and f"source jury: {bias}" in error
    assert [row[2] for row in whole.happened("train")] == ["rlhf-seed0", "rlhf-seed1"]
    assert [p["name"] for p in data["evaluation"]["policies"]] == ["base", "rlhf"]
    (told,) = (line for line in data["findings"] if line.startswith("biased was not trained"))
    assert "it has no preferences to train on; 5 pairs: tie" in told and bias in told
    assert f"jury: {bias}; such a pair is a tie and teaches nothing." in data["findings"]
    page = (whole.out / "report.md").read_text()
    assert "not trained" in page and bias in page
    assert report(whole.out).is_file()  # harness report works on what there is


def test_a_run_without_any_policy_has_a_report_of_the_base(whole: World) -> None:
    says(whole, "jury", {"j": ALWAYS_FIRST})
    arms = {"biased": {"sources": ["jury"], "trainer": "dpo"}}
    _, data = run_with_error(whole, arms=arms, agreement=None, seeds=[0])
    assert [p["name"] for p in data["evaluation"]["policies"]] == ["base"]
    assert data["arms"][0]["seeds"] == [
        {
            "seed": 0,
            "status": "not trained",
            "why": [
                "it has no preferences to train on",
                "5 pairs: tie",
                f"source jury: {Position(5, 5, 5).told()}",
            ],
        }
    ]
    assert report(whole.out, whole.folder / "again").is_file()


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("out of memory"),
        HarnessError("no verdicts"),
        ConfigError("no adapter on an adapter"),
        ValueError(""),
    ],
)
def test_a_training_that_fails_takes_no_other_along(
    whole: World, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = whole.train

    def fail(training: Training) -> Any:
        if training.out.name == "rlhf-seed1":
            raise error
        return train(training)

    arms = {name: whole.experiment["arms"][name] for name in ("rlhf", "plugin")}
    with monkeypatch.context() as broken:
        broken.setattr(Training, "run", fail)
        told, data = run_with_error(whole, arms=arms)
    assert "arm rlhf with seed 1 was not trained: " in told
    assert str(error) in told
    done = {(arm["name"], s["seed"]): s["status"] for arm in data["arms"] for s in arm["seeds"]}
    assert {key for key, status in done.items() if status == "done"} == {
        ("rlhf", 0), ("plugin", 0), ("plugin", 1),
    }  # fmt: skip
    assert done["rlhf", 1] == "not trained"
    assert any(line.startswith("rlhf with seed 1 was not trained") for line in data["findings"])
    trained = len(whole.happened("train"))
    again = whole.run(arms=arms)  # mended: the same call trains only what is missing
    assert [row[2] for row in whole.happened("train")[trained:]] == ["rlhf-seed1"]
    assert {s["status"] for arm in again["arms"] for s in arm["seeds"]} == {"done"}


@pytest.mark.parametrize("error", [BudgetExceededError("spent"), InputError("edited")])
def test_what_concerns_every_arm_stops_the_run(
    whole: World, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(training: Training) -> Any:
        raise error

    monkeypatch.setattr(Training, "run", fail)
    with pytest.raises(type(error), match=str(error)):
        whole.run(arms={"rlhf": whole.experiment["arms"]["rlhf"]}, seeds=[0])
    assert not (whole.out / "report.html").exists()


def judged(*pairs: tuple[Any, Any]) -> list[Judgment]:
    return [
        Judgment(
            f"r{n}", "j", "1", "j", Verdict(Status.OK, v) if v else Verdict(Status.ERROR), order
        )
        for n, both in enumerate(pairs)
        for order, v in zip(("AB", "BA"), both, strict=True)
    ]


@pytest.mark.parametrize(
    ("pairs", "found", "biased"),
    [
        ([("A", "B")] * 4, (4, 4, 4), True),
        ([("B", "A")] * 4, (4, 4, 0), True),
        ([("A", "A"), ("B", "B")] * 3, (6, 0, 0), False),
        ([("A", "B"), ("A", "A")], (2, 1, 1), False),  # a half is no majority
        ([("A", "B"), ("A", "B"), ("TIE", "TIE")], (3, 2, 2), True),
        ([("A", None), ("A", "B")], (1, 1, 1), True),  # a failed order says nothing of places
        ([], (0, 0, 0), False),
    ],
)
def test_turned_verdicts_are_counted(
    pairs: list[tuple[Any, Any]], found: tuple[int, int, int], biased: bool
) -> None:
    position = position_of(judged(*pairs))
    assert position == Position(*found)
    assert position.is_biased is biased


def test_a_turned_pair_with_probabilities_is_not_called_a_tie() -> None:
    hard = judged(("A", "B"), ("A", "A"))
    soft = [
        replace(one, verdict=replace(one.verdict, probability=0.9))
        for one in judged(("A", "B"), ("A", "A"))
    ]
    assert position_of(hard).told().endswith("such a pair is a tie and teaches nothing")
    told = position_of(soft).told()
    assert "teaches nothing" not in told
    assert told.endswith("only the mean of its probabilities in both orders is left of such a pair")
    only_kept = [*hard[:2], *soft[2:]]  # of pairs that did not turn, probabilities say nothing
    assert not position_of(only_kept).soft
