"""What all trainers share: the fingerprint, the table, rows that are too long."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from harness.examples.arithmetic_task import prompt_rows, split_pairs
from pydantic import ValidationError
from tiny_experiment import config
from trainings import trained_by

from harness.cli.options import key_values
from harness.experiment.arms import check_arms
from harness.experiment.context import Asking
from harness.experiment.rewards import open_rewards
from harness.nouns.errors import ConfigError, InputError
from harness.policy.models import load_tokenizer
from harness.train.ppo import Ppo
from harness.train.result import TrainResult
from harness.train.reward_function import WeightedRewards
from harness.train.reward_model import STATISTICS, RewardModelReward
from harness.train.settings import Size, TrainerSettings
from harness.train.table import TRAINERS
from harness.train.trainers import settings_of, train, trainer_class
from harness.train.training import Training, TrainOptions

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

ROWS = prompt_rows(split_pairs()[0])[:8]
PAIRS = [{"prompt": "2+3?", "chosen": "5.", "rejected": "5, duh."}] * 2


class Nothing(Training):
    """A trainer that leaves an empty checkpoint: what it did is what its folder says."""

    name = "nothing"
    needs = "rewards"

    class Settings(TrainerSettings):
        """Its settings."""

        laziness: Size = 1

    worked: ClassVar[list[Any]] = []

    def work(self) -> int:
        self.worked.append(self.settings)
        self.folder.final.mkdir(exist_ok=True)
        self.folder.log({"step": 1, "coverage/verifier": 1.0})
        return 1


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> type[Nothing]:
    """The trainer, made known as any other: by one line in the table."""
    module = ModuleType("nothing_trainer")
    module.Nothing = Nothing  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nothing_trainer", module)
    monkeypatch.setitem(TRAINERS, "nothing", "nothing_trainer:Nothing")
    monkeypatch.setattr(Nothing, "worked", [])
    return Nothing


def verdicts(*options: str, weight: float = 1.0) -> Any:
    """Return the rewards of a source as ``harness train`` makes them."""
    return open_rewards({"keywords": weight}, {"keywords": key_values(options)}, Asking(None))


def test_a_finished_folder_is_reused_only_for_the_same_training(
    nothing: type[Nothing], policy_path: Path, gpt2_path: Path, tmp_path: Path
) -> None:
    """Another reward, option, weight of it, row, setting, seed or base model is another one."""
    model, out = tmp_path / "model", tmp_path / "out"
    shutil.copytree(policy_path, model)
    learned = trained_by(
        "reward_model", policy_path, PAIRS, {"held_out_share": 0.0}, tmp_path / "rm"
    )

    def again(
        options: tuple[str, ...] = ("any_of=[please]",), weight: float = 1.0, **changes: Any
    ) -> TrainResult:
        given: dict[str, Any] = {"model": model, "rows": ROWS, "settings": {}, "seed": 0, **changes}
        seed = given.pop("seed")
        with verdicts(*options, weight=weight) as rewards:
            if "function" in changes:
                rewards = WeightedRewards({"keywords": given.pop("function")})
            return train(
                "nothing", out=out, options=TrainOptions(rewards=rewards, seed=seed), **given
            )

    first = again()
    assert again() == first
    assert again(model=shutil.copytree(model, tmp_path / "copy")) == first
    assert len(nothing.worked) == 1
    from harness.registry import registry

    source = registry().source("keywords").build({"any_of": ["please"]}, "keywords")
    others: list[dict[str, Any]] = [
        {"options": ("any_of=[thanks]",)},
        {"weight": 0.5},
        {"function": len},
        {"function": RewardModelReward(learned.checkpoint)},
        {"rows": ROWS[:-1]},
        {"settings": {"laziness": 2}},
        {"seed": 1},
        {"model": gpt2_path},
    ]
    assert source.info.identity
    for other in others:
        with pytest.raises(InputError, match="holds a training with other"):
            again(**other)
    weights = model / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))  # the same name, one bit moved
    with pytest.raises(InputError, match="holds a training with other"):
        again()
    weights.write_bytes(data)
    assert again() == first
    assert len(nothing.worked) == 1


def test_a_finished_training_is_one_whose_checkpoint_is_there_and_as_it_was(
    nothing: type[Nothing], policy_path: Path, tmp_path: Path
) -> None:
    def again() -> TrainResult:
        return trained_by("nothing", policy_path, ROWS, {}, tmp_path, {"r": len})

    final = again().checkpoint
    (final / "model.safetensors").write_text("?")
    with pytest.raises(InputError, match="not the one that the finished training wrote") as wrong:
        again()
    assert wrong.value.where == str(final)
    shutil.rmtree(final)
    assert len(nothing.worked) == 1
    assert again().checkpoint.is_dir()
    assert len(nothing.worked) == 2
    again()
    assert len(nothing.worked) == 2
    told = {"steps": 1, "seconds": 1.0, "peak_memory_mb": 1.0}  # no weights
    (tmp_path / "result.json").write_text(json.dumps(told))
    again()
    assert len(nothing.worked) == 3


def test_a_damaged_result_and_a_folder_that_is_a_file_are_named(
    nothing: type[Nothing], policy_path: Path, tmp_path: Path
) -> None:
    def train_in(out: Path) -> TrainResult:
        return trained_by("nothing", policy_path, ROWS, {}, out, {"r": len})

    train_in(tmp_path / "out")
    result = tmp_path / "out" / "result.json"
    result.write_text("")
    for out, where in ((tmp_path / "out", result), (result, result)):
        with pytest.raises(InputError, match=r"is damaged|cannot make this folder") as wrong:
            train_in(out)
        assert wrong.value.where == str(where)
    result.unlink()
    assert train_in(tmp_path / "out").steps == 1


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_model_that_was_edited_before_it_was_loaded_is_not_trained(
    trainer: str, policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fingerprint is of other weights, so the folder would be taken for their training."""
    model, out = tmp_path / "model", tmp_path / "out"
    shutil.copytree(policy_path, model)

    def load(path: Path) -> Any:
        data = (model / "model.safetensors").read_bytes()
        (model / "model.safetensors").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        return load_tokenizer(path)

    monkeypatch.setattr("harness.train.training.load_tokenizer", load)
    online = trainer_class(trainer).needs == "rewards"
    rows = ROWS if online else [{**PAIRS[0], "completion": "5."}] * 8
    with pytest.raises(InputError, match="edited while it was in use"):
        trained_by(trainer, model, rows, {}, out, {"r": reward} if online else None)
    assert not [path.name for path in out.rglob("*") if path.is_file()]


def reward(prompts: Any, **_: Any) -> list[float]:
    return [1.0] * len(prompts)


def test_a_reward_model_is_what_its_weights_and_options_are(
    policy_path: Path, tmp_path: Path
) -> None:
    def learn(probability: float, name: str) -> Path:
        rows = [{**row, "probability": probability} for row in PAIRS]
        settings = {"held_out_share": 0.0, "learning_rate": 1e-3, "warmup_steps": 0}
        return trained_by("reward_model", policy_path, rows, settings, tmp_path / name).checkpoint

    one, other = learn(0.9, "one"), learn(0.1, "other")
    identity = WeightedRewards({"r": RewardModelReward(one)}).fingerprint()
    assert identity == WeightedRewards({"r": RewardModelReward(one)}).fingerprint()
    for changed in (RewardModelReward(other), RewardModelReward(one, clip=1.0)):
        assert WeightedRewards({"r": changed}).fingerprint() != identity


def test_a_critic_is_what_its_weights_are(policy_path: Path, tmp_path: Path) -> None:
    start = tmp_path / "start"
    start.mkdir()
    (start / STATISTICS).write_text('{"score_mean": 0.0, "score_deviation": 1.0}')
    settings: Any = settings_of("ppo", {"critic_from": str(start)}, "")
    options = TrainOptions(rewards=WeightedRewards({"r": len}))
    inputs = []
    for content in ("one", "other"):
        (start / "weights").write_text(content)
        inputs.append(Ppo(policy_path, ROWS, settings, tmp_path / "out", options).inputs())
    assert inputs[0] != inputs[1]


def test_one_line_makes_a_trainer_known_to_experiment_command_and_call(
    nothing: type[Nothing], policy_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from typer.testing import CliRunner

    from harness.cli.main import app, register

    arm = {"sources": ["verifier"], "trainer": "nothing"}
    check_arms(config(arms={"a": {**arm, "settings": {"laziness": 3}}}))
    with pytest.raises(ConfigError, match="wrong training settings"):
        check_arms(config(arms={"a": {**arm, "settings": {"laziness": 0}}}))
    with pytest.raises(ValidationError, match="did you mean nothing"):
        config(arms={"a": {**arm, "trainer": "nothin"}})
    with pytest.raises(ValidationError, match="no trainer of policies is named 'reward_model'"):
        config(arms={"a": {**arm, "trainer": "reward_model"}})

    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    register()
    arguments = [
        "train", "--trainer", "nothing", "--model", str(policy_path), "--data", str(data), "--out",
        str(tmp_path / "out"), "--reward", "exact_match", "--set", "laziness=5", "--quiet",
    ]  # fmt: skip
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert [settings.laziness for settings in nothing.worked] == [5]


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_no_library_takes_is_refused(
    seed: int, policy_path: Path, tmp_path: Path
) -> None:
    row = {"prompt": "2+3?", "completion": "5."}
    with pytest.raises(ConfigError, match=f"seed is {seed}"):
        trained_by("sft", policy_path, [row], {}, tmp_path / "out", seed=seed)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("trainer", ["sft", "dpo", "ppo", "reward_model"])
def test_no_adapter_is_put_on_an_adapter(trainer: str, lora_path: Path, tmp_path: Path) -> None:
    row = {**PAIRS[0], "completion": "5."}
    rewards = {"r": len} if trainer == "ppo" else None
    with pytest.raises(ConfigError, match="lora_rank: the model is a LoRA adapter already"):
        trained_by(trainer, lora_path, [row], {"lora_rank": 2}, tmp_path / "out", rewards)
    assert not (tmp_path / "out").exists()
