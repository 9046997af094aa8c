"""Sources judge on scales of their own; rewards, pairs and roles follow them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_experiment

from harness.experiment.config import ArmConfig, RunConfig, SourceConfig
from harness.experiment.experiment import load_items
from harness.experiment.sources import NamedSource, check_roles
from harness.experiment.stages.aggregate import arm_of
from harness.experiment.stages.agree import agreement_of
from harness.experiment.stages.judge import Judged, requests_of
from harness.feedback.judge import JudgeSource
from harness.feedback.requests import build_requests
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.scale import UNIT, Scale
from harness.nouns.schema import Item, Judgment, Response, SourceInfo, Value, Verdict
from harness.registry import Origin, registry

ITEMS = [Item("i", "q")]
RESPONSES = [Response(f"r{k}", "i", "base", f"text {k}") for k in range(2)]


def source_with(scale: Scale, name: str = "s") -> NamedSource:
    info = SourceInfo(name, "1", "judge", scale)
    built = JudgeSource(info, call=None)  # type: ignore[arg-type]
    config = SourceConfig(use=name)
    return NamedSource(name, config, built, Origin(name, "m", "d", "1"))


PAIRS = build_requests(ITEMS, RESPONSES, "pairwise")


def judged_with(
    source: NamedSource, values: list[tuple[str, Value]], annotators: list[str]
) -> Judged:
    requests = requests_of(source, ITEMS, RESPONSES)
    judgments = [
        Judgment(request.id, source.name, "1", who, Verdict(Status.OK, dict(values)[key]))
        for who in annotators
        for request in requests
        for key in [f"{who}:{request.responses[0].id}"]
    ]
    return Judged(source, requests, judgments)


@pytest.mark.parametrize(
    ("scale", "values", "rewards"),
    [
        (UNIT, (0.25, 1.0), [0.25, 1.0]),
        (Scale("ordinal", ("1", "2", "3", "4", "5")), ("4", "1"), [0.75, 0.0]),
        (Scale("interval", low=0, high=10), (10, 5), [1.0, 0.5]),
    ],
)
def test_rewards_are_on_the_unit_scale(
    scale: Scale, values: tuple[Value, Value], rewards: list[float]
) -> None:
    source = source_with(scale)
    given = list(zip(("a:r0", "a:r1"), values, strict=True))
    judged = judged_with(source, given, ["a"])
    arm = ArmConfig(sources=("s",), aggregation="mean", trainer="grpo")
    found = arm_of("arm", arm, {"s": judged}, None, PAIRS)
    assert [reward.value for reward in found.rewards or ()] == rewards


def config(**changes: Any) -> RunConfig:
    sources = {
        "verifier": {"use": "last_number"},
        "people": {"use": "simulated_people"},
        "few": {"use": "exact_match", "limit": 3},
    }
    evaluation = {"evaluators": ["verifier"]}
    return tiny_experiment.config(**{"sources": sources, "evaluation": evaluation, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluation": {"evaluators": ["people"]}}, "people are not asked each pair twice"),
        ({"evaluation": {"evaluators": ["few"]}}, "must judge every policy alike"),
        ({"agreement": {"reference": "verifier"}}, "is a verifier, not people"),
    ],
)
def test_sources_in_roles_they_cannot_fill(changes: dict[str, Any], message: str) -> None:
    experiment = config(**changes)
    found = registry()
    sources = {
        name: NamedSource(
            name, entry, found.source(entry.use).build(entry.options, name),
            found.origins[entry.use],
        )
        for name, entry in experiment.sources.items()
    }  # fmt: skip
    with pytest.raises(ConfigError, match=message):
        check_roles(experiment, sources)


def test_nothing_to_compare_is_an_error_that_says_so(tmp_path: Path) -> None:
    experiment = config(agreement={"reference": "people"})
    assert experiment.agreement is not None
    with pytest.raises(DataError, match="no two different responses"):
        agreement_of([], [], experiment.agreement)
    (tmp_path / "empty.jsonl").write_text("\n")
    train = experiment.data.train.model_copy(update={"file": "empty.jsonl"})
    with pytest.raises(DataError, match="no item in the file"):
        load_items(tmp_path / "experiment.yaml", train)
