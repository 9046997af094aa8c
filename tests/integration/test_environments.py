"""TRL's environments through the harness: reset with the whole row, and seen by the rewards."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

pytest.importorskip("trl", reason="the extra train is not installed")

from harness.nouns.errors import ConfigError, InputError
from harness.policy.models import load_policy, load_tokenizer
from harness.train.reward_function import WeightedRewards
from harness.train.trainers import train
from harness.train.training import TrainOptions

# transformers warns of an old name of its own, which peft still reads.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning"),
]

TOOLS = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}{{ m.content or '' }}"
    "{% for c in m.tool_calls or [] %}[{{ c.function.name }}{{ c.function.arguments | tojson }}]"
    "{% endfor %}>{% endfor %}{% if add_generation_prompt %}:{% endif %}"
)
ROWS = [
    {
        "prompt": [{"role": "user", "content": f"{a}+3?"}], "reference": str(a + 3), "level": a,
        "environment": "even" if a % 2 == 0 else "odd",
    }
    for a in range(4)
]  # fmt: skip


class Room:
    """An environment that tells the level of its row."""

    def reset(self, prompt: Any, reference: str, level: int, **others: Any) -> str:
        self.told = (prompt[0]["content"], reference, level, sorted(others))
        return f" Level {level}."


class Odd(Room):
    """Another one."""


class Paid(Room):
    """One with a reward of its own."""

    def get_reward(self) -> float:
        return 1.0


class Recorder:
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(
        self, prompts: Any, completions: Any, environments: Any, **columns: Any
    ) -> list[float]:
        for prompt, completion, room, level in zip(
            prompts, completions, environments, columns["level"], strict=True
        ):
            self.seen.append(
                (level, prompt, [m["role"] for m in completion], type(room).__name__, room.told)
            )
        return [float(i) for i in range(len(prompts))]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)
    policy = Path(__file__).resolve().parents[2] / "examples" / "arithmetic_policy"
    folder = tmp_path_factory.mktemp("tools")
    tokenizer = load_tokenizer(policy)
    tokenizer.chat_template = TOOLS
    load_policy(policy).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def bare(model: Path, factory: Any, out: Path) -> Recorder:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    recorder = Recorder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = GRPOConfig(
            output_dir=str(out), per_device_train_batch_size=8, num_generations=2,
            max_completion_length=3, max_steps=1, report_to="none", bf16=False,
            save_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        GRPOTrainer(
            model=str(model), reward_funcs=recorder, args=config,
            train_dataset=Dataset.from_list(ROWS), environment_factory=factory,
        ).train()  # fmt: skip
    return recorder


SETTINGS = {
    "batch_size": 8, "group_size": 2, "steps": 1, "max_new_tokens": 3, "warmup_steps": 0,
}  # fmt: skip


@pytest.mark.parametrize("factory", [Room, {"even": Room, "odd": Odd}], ids=["one", "two"])
def test_environments_are_what_they_are_in_trl(factory: Any, model: Path, tmp_path: Path) -> None:
    theirs, ours = bare(model, factory, tmp_path / "trl"), Recorder()
    trained_by(
        "grpo", model, ROWS, SETTINGS, tmp_path / "out", {"r": ours}, environment_factory=factory
    )

    with pytest.raises(InputError, match="another output folder"):
        trained_by(
            "grpo", model, ROWS, SETTINGS, tmp_path / "out", {"r": ours}, environment_factory=Odd
        )

    def kinds(recorder: Recorder) -> Any:
        return sorted({repr(one) for one in recorder.seen})

    assert kinds(ours) == kinds(theirs)
    level, prompt, roles, name, told = ours.seen[0]
    assert prompt[0]["content"] == f"{level}+3? Level {level}." and roles == ["assistant"]
    named = isinstance(factory, Mapping)
    assert name == ("Odd" if named and level % 2 else "Room")
    others = [] if named else ["environment"]
    assert told == (f"{level}+3?", str(level + 3), level, others)


def test_what_would_not_be_as_in_trl_is_refused(model: Path, tmp_path: Path) -> None:
    def tried(trainer: str, factory: Any) -> Any:
        options = TrainOptions(
            rewards=WeightedRewards({"r": Recorder()}), environment_factory=factory
        )
        settings = SETTINGS if trainer == "grpo" else {}
        return train(trainer, model, ROWS, settings, tmp_path / "out", options)

    with pytest.raises(ConfigError, match="Paid has a get_reward"):
        tried("grpo", Paid)
    for trainer in ("ppo", "rloo", "best_of_n"):
        with pytest.raises(ConfigError, match="without environments"):
            tried(trainer, Room)
