"""The same reward function, rows and chat model, in bare TRL and in the harness: the same calls."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from trainings import chat_model, trained_by

pytest.importorskip("trl", reason="the extra train is not installed")

from harness.train.log import read_log
from harness.train.monitor import Monitor

# transformers warns of an old name of its own, which peft still reads.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning"),
]

SETTINGS: dict[str, Any] = {
    "batch_size": 4, "max_new_tokens": 3, "learning_rate": 1e-4, "log_completions": True,
}  # fmt: skip
EACH: dict[str, dict[str, Any]] = {
    "grpo": {"steps": 2, "group_size": 2, "warmup_steps": 0},
    "rloo": {"steps": 2, "group_size": 2, "warmup_steps": 0},
    "ppo": {"steps": 2, "rollout_size": 4},
    "best_of_n": {"n": 2, "warmup_steps": 0},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    import torch

    torch.set_num_threads(1)
    policy = Path(__file__).resolve().parents[2] / "examples" / "arithmetic_policy"
    return {"plain": policy, "chat": chat_model(policy, tmp_path_factory.mktemp("chat"))}


def rows(form: str) -> list[dict[str, Any]]:
    """Columns of all types; the last one is in one row only, which few batches hold."""
    found = []
    for a in range(6):
        text = f"What is {a}+3?"
        found.append(
            {
                "prompt": text if form == "text" else [{"role": "user", "content": text}],
                "reference": str(a + 3), "whole": a, "real": a / 2, "is_even": a % 2 == 0,
                "words": ["x", str(a)], "nested": {"k": a}, "nothing": None,
                "rare": "z" if a == 0 else None,
            }
        )  # fmt: skip
    del found[3]["rare"]
    return found


class Recorder:
    """A reward function as TRL's users write them: it keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.steps: list[int] = []
        self.__name__ = "recorder"

    def __call__(
        self,
        prompts: Any,
        completions: Any,
        completion_ids: Any,
        reference: Any,
        rare: Any,
        trainer_state: Any,
        log_metric: Any,
        log_extra: Any,
        **others: Any,
    ) -> list[float]:
        arguments = locals()
        self.calls.append({k: arguments[k] for k in arguments if k not in ("self", "others")})
        self.calls[-1] |= others
        self.steps.append(trainer_state.global_step)
        log_metric("longest", max(map(len, completion_ids)))
        log_extra("asked", [f"{prompt}" for prompt in prompts])
        return [float(i) for i in range(len(prompts))]


def types(value: Any) -> Any:
    """Return the types in a value, all the way down."""
    if isinstance(value, list):
        return [types(one) for one in value]
    if isinstance(value, dict):
        return {key: types(one) for key, one in value.items()}
    return type(value)


def of_one(call: dict[str, Any], prompt: Any) -> dict[str, Any]:
    """Return what the first completion of a prompt came with."""
    place = call["prompts"].index(prompt)
    return {
        key: value[place] if isinstance(value, list) else None for key, value in call.items()
    }  # fmt: skip


def bare(
    model: Path, form: str, out: Path, reward: Any = None
) -> tuple[Recorder, list[dict[str, Any]]]:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    recorder = Recorder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = GRPOConfig(
            output_dir=str(out), per_device_train_batch_size=4, num_generations=2,
            max_completion_length=3, max_steps=2, report_to="none", bf16=False, logging_steps=1,
            save_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        trainer = GRPOTrainer(
            model=str(model),
            reward_funcs=reward or recorder,
            args=config,
            train_dataset=Dataset.from_list(rows(form)),
        )
        trainer.train()
    return recorder, trainer.state.log_history


@pytest.mark.parametrize(("model", "form"), [("plain", "text"), ("chat", "text"), ("chat", "chat")])
def test_reward_functions_see_what_they_see_in_trl(
    model: str, form: str, models: dict[str, Path], tmp_path: Path
) -> None:
    theirs, history = bare(models[model], form, tmp_path / "trl")
    known = {json.dumps(row["prompt"]): row for row in rows(form)}
    wanted = [of_one(call, p) for call in theirs.calls for p in call["prompts"]]
    kind = {key: types(value) for key, value in wanted[0].items()}
    assert theirs.steps == [0, 1]
    assert [row["longest"] for row in history if "longest" in row] == [3, 3]
    for trainer, settings in EACH.items():
        recorder, gold = Recorder(), Recorder()
        result = trained_by(
            trainer, models[model], rows(form), SETTINGS | settings, tmp_path / trainer,
            {"recorder": recorder}, monitor=Monitor(rows(form)[:2], {"gold": gold}),
        )  # fmt: skip
        assert recorder.steps == ([0] if trainer == "best_of_n" else [0, 1])
        assert gold.calls[-1].keys() == recorder.calls[0].keys()
        for call in recorder.calls:
            assert set(call) == {*theirs.calls[0], "item"}
            assert type(call["trainer_state"]) is type(theirs.calls[0]["trainer_state"])
            for prompt in call["prompts"]:
                one = of_one(call, prompt)
                row = known[json.dumps(prompt)]
                for column in row.keys() - {"prompt", "rare"}:
                    assert one[column] == row[column] and type(one[column]) is type(row[column])
                assert one["rare"] == row.get("rare")
                for text in ("prompts", "completions"):
                    assert types(one[text]) == kind[text]
                assert set(types(one["completion_ids"])) == {int}
        log = [row for row in read_log(result.log_path) if "metric/longest" in row]
        assert [row["metric/longest"] for row in log] == [3] * len(recorder.calls)
        table = read_log(tmp_path / trainer / "completions.jsonl")
        assert [row["step"] for row in table] == (
            [0] * 12 if trainer == "best_of_n" else [1] * 4 + [2] * 4
        )
        scored = [
            call["completions"][i] for call in recorder.calls for i in range(len(call["item"]))
        ]
        assert [row["completion"] for row in table] == scored
        assert all(row["asked"] == str(row["prompt"]) for row in table)
        assert [row["reward/recorder"] for row in table] == [row["reward"] for row in table]


def test_a_source_gives_rewards_to_bare_trl(models: dict[str, Path], tmp_path: Path) -> None:
    import harness

    with harness.reward_function("last_number") as reward:
        _, history = bare(models["plain"], "text", tmp_path, reward)
        reward.close()  # a later call opens it again
        assert reward(prompts=["?"], completions=["7"], reference=["7"]) == [1.0]
    assert [row["rewards/last_number/mean"] in (0, 0.25, 0.5, 0.75, 1) for row in history[:2]] == [
        True, True,
    ]  # fmt: skip
