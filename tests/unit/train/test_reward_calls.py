"""Reward functions that fail, hang or wait: a reason, a deadline, and together."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.nouns.errors import BudgetExceededError, HarnessError, InputError
from harness.train.log import read_log
from harness.train.reward_function import WeightedRewards

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


async def hangs(prompts: Any, **_: Any) -> list[float]:
    await asyncio.sleep(1000)
    return [1.0] * len(prompts)


async def blocks(prompts: Any, **_: Any) -> list[float]:
    time.sleep(1.0)
    return [1.0] * len(prompts)


async def good(prompts: Any, **_: Any) -> list[float]:
    await asyncio.sleep(0)
    return [2.0] * len(prompts)


class Sometimes:
    """Fails in the calls that are named, from 1."""

    def __init__(self, *failing: int) -> None:
        self.calls, self.failing = 0, failing
        self.__name__ = "sometimes"

    def __call__(self, prompts: Any, **_: Any) -> list[float]:
        self.calls += 1
        if self.calls in self.failing:
            raise KeyError("gold")
        return [0.5] * len(prompts)


def test_late_and_raising_functions_have_no_verdict_and_a_reason() -> None:
    rewards = WeightedRewards({"late": hangs, "odd": Sometimes(1, 3), "good": good}, timeout_s=0.1)
    assert rewards(["p", "q"]) == [None, None]
    stats = rewards.take_stats()
    assert stats["failure/late"] == "took longer than 0.1 s"
    assert stats["failure/odd"].startswith("KeyError: 'gold' (test_reward_calls.py:")
    assert (stats["coverage/late"], stats["coverage/odd"], stats["coverage/good"]) == (0, 0, 1)
    assert stats["reward/good"] == 2.0
    alone = WeightedRewards({"odd": Sometimes(2, 3, 4)})
    assert [alone(["p"]) for _ in range(5)] == [[0.5], [None], [None], [None], [0.5]]
    assert "failure/odd" in alone.take_stats()
    assert alone(["p"]) == [0.5] and "failure/odd" not in alone.take_stats()


def test_a_function_that_fails_from_the_start_stops_the_training() -> None:
    rewards = WeightedRewards({"odd": Sometimes(1, 2), "good": good})
    assert rewards(["p"]) == [None]
    with pytest.raises(HarnessError, match="odd failed in each of its first 2 calls: KeyError"):
        rewards(["p"])


def test_a_function_that_blocks_its_loop_takes_no_other_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harness.train.reward_calls.SPARE", 0.1)
    rewards = WeightedRewards({"blocks": blocks}, timeout_s=0.1)
    assert rewards(["p"]) == [None]
    assert WeightedRewards({"good": good}, timeout_s=0.5)(["p"]) == [2.0]
    rewards._calls.functions = {"blocks": good}
    assert rewards(["p"]) == [2.0]


def test_async_functions_wait_together() -> None:
    """Each goes on only when all of them have begun."""
    begun: list[str] = []

    def waiting(name: str) -> Any:
        async def reward(prompts: Any, **_: Any) -> list[float]:
            begun.append(name)
            while len(begun) < 3:
                await asyncio.sleep(0.001)
            return [1.0]

        return reward

    assert WeightedRewards({n: waiting(n) for n in "abc"}, timeout_s=20)(["p"]) == [3.0]


def leaves(**_: Any) -> list[float]:
    raise SystemExit(0)


async def leaves_later(**_: Any) -> list[float]:
    raise SystemExit(0)


@pytest.mark.parametrize("function", [leaves, leaves_later])
def test_a_function_that_would_end_the_process_fails(function: Any) -> None:
    """With code 0 the command would have said that all is well, without any policy."""
    rewards = WeightedRewards({"r": function, "good": good}, timeout_s=30)
    assert rewards(["p"]) == [None]
    stats = rewards.take_stats()
    assert "SystemExit: 0 (test_reward_calls.py:" in stats["failure/r"]
    assert stats["coverage/good"] == 1.0


def test_what_concerns_the_run_still_stops_it() -> None:
    for error in (BudgetExceededError("no money"), InputError("a file was written")):

        def raising(error: Exception = error, **_: Any) -> list[float]:
            raise error

        async def raising_later(error: Exception = error, **_: Any) -> list[float]:
            raise error

        for function in (raising, raising_later):
            with pytest.raises(type(error)):
                WeightedRewards({"r": function, "late": hangs}, timeout_s=30)(["p"])


@pytest.mark.parametrize("trainer", ["ppo", "grpo"])
def test_a_training_goes_on_past_a_late_batch(
    trainer: str, policy_path: Path, tmp_path: Path
) -> None:
    calls: list[int] = []

    async def late_once(prompts: Any, **_: Any) -> list[float]:
        calls.append(len(prompts))
        if len(calls) == 2:
            await asyncio.sleep(1000)
        return [float(i) for i in range(len(prompts))]

    values: dict[str, Any] = {
        "steps": 3, "batch_size": 4, "max_new_tokens": 3, "learning_rate": 1e-4,
        "warmup_steps": 0, "reward_timeout": 0.5,
    }  # fmt: skip
    values |= {"rollout_size": 4} if trainer == "ppo" else {"group_size": 2}
    rows = [{"prompt": f"{n}+1?"} for n in range(8)]
    done = trained_by(trainer, policy_path, rows, values, tmp_path / "out", {"r": late_once})
    log = {row["step"]: row for row in read_log(done.log_path)}
    assert [log[step]["coverage/r"] for step in (1, 2, 3)] == [1, 0, 1]
    assert log[2]["failure/r"] == "took longer than 0.5 s"
    assert "failure/r" not in log[1] and "failure/r" not in log[3]
