"""``harness run --small``: all parts of an experiment on a few items."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from harness.experiment.config import RunConfig, read_config
from harness.experiment.experiment import Experiment
from harness.experiment.small import FEW, ITEMS, TOKENS, small
from harness.nouns.errors import ConfigError
from harness.train.table import TRAINERS
from harness.train.trainers import settings_of, trainer_class

EXAMPLES = ("arithmetic", "smollm2_gsm8k", "overoptimisation", "label_noise")


def config_with(repo_root: Path, **changes: object) -> RunConfig:
    content = yaml.safe_load((repo_root / "examples" / "arithmetic.yaml").read_text())
    return RunConfig.model_validate({**content, **changes})


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_small_size_of_an_example_has_its_parts_and_few_of_each(
    repo_root: Path, name: str
) -> None:
    whole, _ = read_config(repo_root / "examples" / f"{name}.yaml")
    found = small(whole)
    assert found.name == f"{name}-small"
    assert len(found.seeds) == 1 and found.seeds[0] == whole.seeds[0]
    assert (found.data.train.limit, found.data.evaluation.limit) == (ITEMS, ITEMS)
    assert (found.policy.responses_per_item, found.policy.max_new_tokens) == (2, TOKENS)
    assert found.sources == whole.sources and found.evaluation.evaluators == (
        whole.evaluation.evaluators
    )
    assert list(found.arms) == list(whole.arms)
    for arm in found.arms.values():
        settings = settings_of(arm.trainer, arm.settings, "settings")
        few = {key: value for key in FEW if (value := getattr(settings, key, None)) is not None}
        assert few and all(value <= FEW[key] for key, value in few.items())
        settings_of("reward_model", arm.reward_model, "settings")


@pytest.mark.parametrize("trainer", [name for name in TRAINERS if trainer_class(name).makes_policy])
def test_every_trainer_has_a_small_size_that_its_settings_allow(
    repo_root: Path, trainer: str
) -> None:
    large = {"accumulation": 2, "batch_size": 64, "learning_rate": 1e-4}
    arms = {"one": {"sources": ["verifier"], "trainer": trainer, "settings": large}}
    arm = small(config_with(repo_root, arms=arms)).arms["one"]
    checked = settings_of(trainer, arm.settings, "settings")
    assert checked.batch_size * checked.accumulation == 4
    assert checked.learning_rate == 1e-4


@pytest.mark.parametrize(("steps", "few"), [(40, 2), (1, 1)])
def test_steps_of_an_optimizer_stand_in_place_of_epochs(
    repo_root: Path, steps: int, few: int
) -> None:
    arms = {"one": {"sources": ["people"], "trainer": "dpo", "settings": {"max_steps": steps}}}
    arm = small(config_with(repo_root, arms=arms)).arms["one"]
    assert settings_of("dpo", arm.settings, "settings").max_steps == few


MULTIPLES = [
    ("ppo", {"advantage_estimator": "rloo"}),
    ("ppo", {"advantage_estimator": "grpo", "group_size": 3, "rollout_size": 96}),
    ("ppo", {"batch_size": 3, "rollout_size": 6}),
    ("ppo", {"batch_size": 1, "accumulation": 3, "rollout_size": 3}),
    ("grpo", {"batch_size": 1, "accumulation": 8}),
    ("rloo", {"batch_size": 3, "group_size": 3}),
    ("grpo", {"batch_size": 2, "accumulation": 3, "group_size": 6}),
    ("online_dpo", {}),
    ("sft", {"batch_size": 3, "accumulation": 5}),
]


@pytest.mark.parametrize(("trainer", "settings"), MULTIPLES)
def test_what_is_a_multiple_of_something_still_is(
    repo_root: Path, trainer: str, settings: dict[str, object]
) -> None:
    arms = {"one": {"sources": ["verifier"], "trainer": trainer, "settings": settings}}
    arm = small(config_with(repo_root, arms=arms)).arms["one"]
    checked = settings_of(trainer, arm.settings, "settings")
    assert checked.batch_size * checked.accumulation <= 4


def test_what_is_smaller_already_stays(repo_root: Path) -> None:
    data = {"train": {"file": "a", "limit": 2}, "evaluation": {"file": "b", "limit": 9}}
    arms = {"one": {"sources": ["judge"], "trainer": "dpo", "settings": {"epochs": 0.5}}}
    found = small(config_with(repo_root, data=data, arms=arms))
    assert (found.data.train.limit, found.data.evaluation.limit) == (2, ITEMS)
    assert found.arms["one"].settings["epochs"] == 0.5


def test_no_pair_of_the_few_is_held_out_by_which_a_reward_model_would_be_refused(
    repo_root: Path,
) -> None:
    arm = {"sources": ["people"], "trainer": "ppo", "reward_model": {"held_out_share": 0.5}}
    found = small(config_with(repo_root, arms={"one": arm}))
    assert found.arms["one"].reward_model["held_out_share"] == 0


def test_a_wrong_setting_is_refused_by_its_place(repo_root: Path) -> None:
    arms = {"one": {"sources": ["judge"], "trainer": "dpo", "settings": {"betta": 1}}}
    with pytest.raises(ConfigError) as caught:
        small(config_with(repo_root, arms=arms))
    assert "arms.one.settings" in str(caught.value) and "betta" in str(caught.value)


@pytest.mark.parametrize("name", ["overoptimisation", "label_noise"])
def test_an_example_is_read_with_its_sources_in_either_size(repo_root: Path, name: str) -> None:
    path = repo_root / "examples" / f"{name}.yaml"
    whole, few = (Experiment.read(path, small) for small in (False, True))
    assert (len(whole.train), len(whole.evaluation)) == (340, 101)
    assert (len(few.train), len(few.evaluation)) == (ITEMS, ITEMS)
    assert few.train == whole.train[:ITEMS] and len(whole.config.seeds) == 5
    assert few.fingerprint != whole.fingerprint


@pytest.mark.parametrize(
    ("source", "share"),
    [("agrees_63", 0.63), ("agrees_74", 0.74), ("agrees_78", 0.78), ("agrees_50", 0.5)],
)
def test_the_style_of_noisy_people_is_the_logit_of_their_agreement(
    repo_root: Path, source: str, share: float
) -> None:
    whole, _ = read_config(repo_root / "examples" / "label_noise.yaml")
    options = whole.sources[source].options
    assert 1 / (1 + math.exp(-options["style"])) == pytest.approx(share, abs=1e-4)
    assert options["tie_below"] < options["style"]  # else all pairs would be ties
