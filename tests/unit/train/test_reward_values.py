"""What reward functions return and change, and how large it is: numbers, or a reason."""

from __future__ import annotations

import asyncio
import decimal
import fractions
import functools
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from small_ppo import training

from harness.experiment.stages.train_files import _tell_failures
from harness.nouns.errors import HarnessError, InputError
from harness.nouns.schema import Item
from harness.train.grpo import for_float32
from harness.train.log import failing, new_failures, silent
from harness.train.reward_arguments import call_rewards, trainer_state
from harness.train.reward_function import WeightedRewards
from harness.train.reward_values import WrongReturnError, read_rewards

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

N = 4


def torch_() -> Any:
    import torch

    return torch


async def _score() -> float:
    return 1.0


class _Odd:
    def __float__(self) -> float:
        raise RuntimeError("no")


FULL = [0.0, 1.0, 2.0, 3.0]
NO_LIST = "no list of numbers"
RETURNS: dict[str, tuple[Callable[[], Any], list[float | None], str]] = {
    # what is returned, the rewards, and how the reason begins
    "list": (lambda: [0, 1.0, 2, 3], FULL, ""),
    "tuple": (lambda: (0, 1, 2, 3), FULL, ""),
    "generator": (lambda: (float(i) for i in range(N)), FULL, ""),
    "values of a dict": (lambda: {"a": 0, "b": 1, "c": 2, "d": 3}.values(), FULL, ""),
    "numpy": (lambda: np.arange(N), FULL, ""),
    "numpy (n, 1)": (lambda: np.arange(N)[:, None], FULL, ""),
    "numpy (n, 1, 1)": (lambda: np.arange(N)[:, None, None] * 1.0, FULL, ""),
    "numpy objects": (lambda: np.array([0, None, 2.0, True], object), [0, None, 2, 1], ""),
    "masked": (lambda: np.ma.masked_array([0, 9, 2, 3], [0, 1, 0, 0]), [0, None, 2, 3], ""),
    "torch": (lambda: torch_().arange(N), FULL, ""),
    "torch (n, 1)": (lambda: torch_().arange(4.0, requires_grad=True)[:, None], FULL, ""),
    "torch bfloat16": (lambda: torch_().arange(N, dtype=torch_().bfloat16), FULL, ""),
    "series": (lambda: pd.Series([0, 1, 2, 3], index=[3, 2, 1, 0]), FULL, ""),
    "nullable series": (lambda: pd.Series([0, None, 2, 3], dtype="Int64"), [0, None, 2, 3], ""),
    "arrow": (lambda: pa.array([0, None, 2, 3]), [0, None, 2, 3], ""),
    "numbers": (
        lambda: [True, np.bool_(False), decimal.Decimal("0.5"), fractions.Fraction(1, 4)],
        [1, 0, 0.5, 0.25],
        "",
    ),
    "more numbers": (
        lambda: [np.float16(2), np.int64(3), torch_().tensor([4.0]), np.ones((1, 1))],
        [2, 3, 4, 1],
        "",
    ),
    "missing": (lambda: [None, pd.NA, pd.NaT, 1], [None, None, None, 1], ""),
    "all missing": (lambda: [None] * N, [None] * N, ""),
    "nan": (lambda: [math.nan, 1, 2, 3], [None, 1, 2, 3], "returned nan, no finite number"),
    "infinite": (lambda: [0, -math.inf, 2, 3], [0, None, 2, 3], "returned -inf, no finite number"),
    "all nan": (lambda: [np.nan] * N, [None] * N, "returned nan, no finite number"),
    "decimal nan": (lambda: [decimal.Decimal("sNaN"), 1, 2, 3], [None, 1, 2, 3], "returned "),
    "1e39": (lambda: [1e39, 1, 2, 3], [None, 1, 2, 3], "returned 1e+39, beyond 1e+12"),
    "-1e13": (lambda: [0, 1, 2, -1e13], [0, 1, 2, None], "returned -1e+13, beyond 1e+12"),
    "largest": (lambda: [1e12, -1e12, 1e-300, 0], [1e12, -1e12, 1e-300, 0], ""),
    "huge whole": (lambda: [10**400, 1, 2, 3], [None, 1, 2, 3], "returned a whole number beyond"),
    "some texts": (lambda: ["0.5", 1, 2, 3], [None, 1, 2, 3], "returned the text '0.5', no number"),
    "numpy text": (lambda: [np.str_("1"), 1, 2, 3], [None, 1, 2, 3], "returned the text '1', no"),
    "bytes": (lambda: [b"1", 1, 2, 3], [None, 1, 2, 3], "returned the text b'1', no number"),
    "complex": (lambda: [1j, 1, 2, 3], [None, 1, 2, 3], "returned 1j, no number"),
    "lists": (lambda: [[1.0], 1, 2, 3], [None, 1, 2, 3], "returned a list, no number"),
    "an array": (lambda: [np.ones(2), 1, 2, 3], [None, 1, 2, 3], "returned a list, no number"),
    "odd": (lambda: [_Odd(), 1, 2, 3], [None, 1, 2, 3], "returned a _Odd, no number"),
    "not awaited": (lambda: [_score(), 1, 2, 3], [None, 1, 2, 3], "returned a coroutine, no"),
    # nothing of it is a reward: the call failed
    "all texts": (lambda: ["good"] * N, [None] * N, "returned the text 'good', no number"),
    "a text": (lambda: "1100", [None] * N, f"returned the text '1100', {NO_LIST}"),
    "nothing": (lambda: None, [None] * N, f"returned None, {NO_LIST}"),
    "one number": (lambda: 1.0, [None] * N, f"returned 1.0, {NO_LIST}"),
    "one of numpy": (lambda: np.float64(1), [None] * N, "returned an array of shape (), not (4,)"),
    "one of torch": (lambda: torch_().tensor(1.0), [None] * N, "returned an array of shape ()"),
    "(1, n)": (lambda: np.ones((1, N)), [None] * N, "returned an array of shape (1, 4), not (4,)"),
    "(n, 2)": (lambda: torch_().ones(N, 2), [None] * N, "returned an array of shape (4, 2), not"),
    "dict": (lambda: {i: 1.0 for i in range(N)}, [None] * N, f"returned a dict, {NO_LIST}"),
    "named": (lambda: {"reward": [1.0] * N}, [None] * N, f"returned a dict, {NO_LIST}"),
    "set": (lambda: {0.0, 1.0, 2.0, 3.0}, [None] * N, f"returned a set, {NO_LIST}"),
    "table": (lambda: pd.DataFrame({"a": [1] * N}), [None] * N, f"returned a DataFrame, {NO_LIST}"),
    "function": (lambda: len, [None] * N, f"returned a builtin_function_or_method, {NO_LIST}"),
    "raised in reading": (
        lambda: (1 / i for i in (0, 1, 2, 3)),
        [None] * N,
        "ZeroDivisionError: division by zero (test_reward_values.py:",
    ),
}  # fmt: skip


def asked(function: Any, n: int = N, **columns: Any) -> tuple[list[float | None], dict[str, Any]]:
    rewards = WeightedRewards({"f": function})
    found = rewards(["p"] * n, completions=["c"] * n, completion_ids=[[1]] * n, **columns)
    return found, rewards.take_stats()


@pytest.mark.parametrize("case", RETURNS)
def test_what_a_function_returns(case: str) -> None:
    returned, right, reason = RETURNS[case]
    found, stats = asked(lambda **_: returned())
    assert found == right
    assert stats["coverage/f"] == sum(one is not None for one in right) / N
    assert str(stats.get("failure/f", ""))[: len(reason)] == reason
    assert bool(reason) == ("failure/f" in stats)


@pytest.mark.parametrize("case", ["a text", "nothing", "one number", "all texts", "(1, n)"])
def test_what_is_no_reward_from_the_start_stops_the_training(case: str) -> None:
    returned, _, reason = RETURNS[case]
    rewards = WeightedRewards({"f": lambda **_: returned()})
    rewards(["p"] * N)
    with pytest.raises(HarnessError) as stopped:
        rewards(["p"] * N)
    assert f"f failed in each of its first 2 calls: {reason}" in str(stopped.value)


def endless() -> Any:
    while True:
        yield 1.0


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda: [1.0], "returned 1 rewards for 4 completions"),
        (lambda: np.ones(5), "returned 5 rewards for 4 completions"),
        (lambda: [], "returned 0 rewards for 4 completions"),
        (lambda: iter([1.0]), "returned 1 rewards for 4 completions"),
        (endless, "returned more than 4 rewards for 4 completions"),
    ],
)
def test_a_wrong_number_of_rewards_is_refused(returned: Any, words: str) -> None:
    with pytest.raises(InputError, match=f"reward f: it {words}"):
        asked(lambda **_: returned())


def test_a_reward_too_large_with_its_weight_is_a_failure_and_no_sum_overflows() -> None:
    both = {"f": lambda **_: [1e11, 1.0], "g": lambda **_: [1e12, 1.0]}
    rewards = WeightedRewards(both, {"f": 100.0})
    assert rewards(["p", "q"]) == [None, 101.0]
    stats = rewards.take_stats()
    assert stats["failure/f"] == "returned 1e+11, with its weight 100, beyond 1e+12"
    assert (stats["coverage/f"], stats["coverage/g"]) == (0.5, 1.0)
    watched = WeightedRewards({"f": lambda **_: [1e300], "g": lambda **_: [1.0]}, {"f": 0.0})
    assert watched(["p"]) == [1.0]
    assert watched.take_stats()["coverage/f"] == 0


async def no_columns_async(prompts: Any, completions: Any) -> list[float]:
    return [1.0] * len(prompts)


def no_columns(prompts: Any, completions: Any) -> list[float]:
    return [1.0] * len(prompts)


def wants_gold(gold: Any, **_: Any) -> list[float]:
    return [1.0] * N


@pytest.mark.parametrize("function", [no_columns, no_columns_async, wants_gold])
def test_a_function_that_cannot_be_called_is_refused_at_once(function: Any) -> None:
    with pytest.raises(InputError, match="reward f cannot be called as TRL calls it: ") as wrong:
        asked(function)
    assert "**columns" in wrong.value.hint


@functools.wraps(no_columns)
def drops_columns(*args: Any, prompts: Any, completions: Any, **_: Any) -> list[float]:
    return no_columns(prompts, completions)


@pytest.mark.parametrize("function", [drops_columns, functools.partial(wants_gold, ["4"] * N)])
def test_a_function_that_can_be_called_is(function: Any) -> None:
    assert asked(function)[0] == [1.0] * N


def test_a_function_edits_what_is_its_own() -> None:
    """Rows, messages, columns, items, ids, the state and what is noted: each a copy."""
    message = [{"role": "user", "content": "What is it?"}]
    rows = [
        {"prompt": message, "tags": {"a": [1]}, "reference": {"answer": [4]}, "id": "i",
         "metadata": {"kind": ["sum"]}, "array": np.ones(2)}
    ]  # fmt: skip
    state, ids, note = trainer_state(1, 9), [[5, 6]], ["x"]
    seen: list[Any] = []

    def edits(prompts: Any, completions: Any, completion_ids: Any, **c: Any) -> list[float]:
        seen.append((repr(prompts), repr(completions), repr(completion_ids), repr(c["tags"])))
        seen[-1] += (repr(c["item"]), repr(c["array"]), c["trainer_state"].max_steps)
        prompts[0][-1]["content"] += "!"
        completions[0][0]["content"] = "MUT"
        completion_ids[0].append(99)
        c["tags"][0]["a"].append(2)
        c["item"][0].metadata["kind"].append("x")
        c["item"][0].reference["answer"].clear()
        c["array"][0][:] = 7
        c["trainer_state"].max_steps = 0
        c["log_extra"]("note", [note])
        note[0] = "y"
        for one in (prompts, completions, completion_ids, c["tags"], c["item"]):
            one.clear()
        return [1.0]

    async def later(**columns: Any) -> list[float]:
        await asyncio.sleep(0)
        return edits(**columns)

    rewards = WeightedRewards({"a": edits, "b": edits, "c": later}, keep_completions=True)
    for _ in range(2):
        assert call_rewards(rewards, rows, ["bye"], ids, trainer_state=state) == [3.0]
    assert len(seen) == 6 and len(set(seen)) == 1
    assert message == [{"role": "user", "content": "What is it?"}] and ids == [[5, 6]]
    assert state.max_steps == 9 and rows[0]["tags"] == {"a": [1]}
    kept = rewards.take_completions()[0]
    assert (kept["completion"][0]["content"], kept["prompt"], kept["note"]) == (
        "bye", message, ["x"],
    )  # fmt: skip


def test_a_metric_is_a_number() -> None:
    """As rewards are: a text is none, and what is not finite is in no mean."""

    def notes(value: Any) -> Any:
        def function(log_metric: Any, **_: Any) -> list[float]:
            for one in value:
                log_metric("m", one)
            return [1.0]

        return function

    numbers = [1, np.float32(2), torch_().tensor(3.0), math.nan, None, math.inf]
    assert asked(notes(numbers), 1)[1]["metric/m"] == 2.0
    found, stats = asked(notes(["0.5"]), 1)
    assert found == [None] and "log_metric('m') was given the text '0.5'" in stats["failure/f"]


def test_what_lives_is_not_copied() -> None:
    """Environments, and what cannot be copied."""
    living, odd = object(), (i for i in range(3))
    found = []

    def looks(environments: Any, odd: Any, **_: Any) -> list[float]:
        found.append((environments[0], odd[0]))
        return [1.0]

    asked(looks, 1, environments=[living], odd=[odd])
    assert found[0][0] is living and found[0][1] is odd
    item = Item("i", "p", {"a": 1}, {"b": [2]})
    own = []
    asked(lambda item, **_: own.append(item[0]) or [1.0], 1, item=[item])
    assert own == [item] and own[0].metadata is not item.metadata


OFFSETS = [(1.0, 0.0), (1.0, 1e7), (1e-4, 1000.0), (1.0, 1e8), (1e11, 0.0), (0.25, -1e10)]


@pytest.mark.parametrize("estimator", ["grpo", "rloo", "gae", "reinforce_baseline"])
def test_rewards_of_any_size_train_as_the_formula_says(
    estimator: str, policy_path: Path, tmp_path: Path
) -> None:
    scale, offset = 1.0, 0.0

    def reward(prompts: Any, **_: Any) -> list[float]:
        return [offset + scale * i for i in range(len(prompts))]

    options = {} if estimator in ("gae", "reinforce_baseline") else {"group_size": 4}
    trained = training(
        policy_path, tmp_path, reward, advantage_estimator=estimator, beta=0.0, gae_lambda=1.0,
        max_new_tokens=3, **options,
    )  # fmt: skip
    for scale, offset in OFFSETS:
        experience, row = trained.collect(1)
        values = [offset + scale * i for i in range(8)]
        group = values[:4] if options else values
        mean = statistics.mean(group)
        right = {
            "grpo": [(one - mean) / (statistics.stdev(group) + 1e-4) for one in group],
            "rloo": [(one - mean) * 4 / 3 for one in group],
            "reinforce_baseline": [(one - mean) * 8 / 7 for one in group],
        }
        found = experience.advantages[:, 0].tolist()
        if estimator in right:
            wanted = right[estimator] * (8 // len(group))
            assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6 * scale)
        else:
            tokens = experience.mask.sum(1).tolist()
            one = [v for v, n in zip(values, tokens, strict=True) for _ in range(int(n))]
            deviation = math.sqrt(statistics.pvariance(one) + 1e-8)
            middle = statistics.mean(one)
            assert found == pytest.approx([(v - middle) / deviation for v in values], rel=1e-5)
        assert row["reward"] == pytest.approx(statistics.mean(values), rel=1e-15)
        assert row.get("zero_std_groups", 0) == 0
    # Equal ones, also as sums that rounding makes unequal, move nothing.
    for equal in ([0.1] * 8, [1e12] * 8, [0.3, 0.1 + 0.2] * 4, [-1e7] * 8):
        trained.rewards = WeightedRewards({"reward": lambda equal=equal, **_: equal})
        experience, row = trained.collect(1)
        assert experience.advantages.eq(0).all()
        assert row.get("zero_std_groups", 1) == 1


def test_a_reward_that_cannot_be_held_moves_nothing(policy_path: Path, tmp_path: Path) -> None:
    """One of 1e39 costs its completion: no weight is NaN, and the reason is in the row."""
    trained = training(
        policy_path, tmp_path, lambda **_: [1e39, *map(float, range(1, 8))], max_new_tokens=3
    )
    row = trained.step(1)
    assert (row["coverage"], row["reward"]) == (7 / 8, 4.0)
    assert row["failure/reward"] == "returned 1e+39, beyond 1e+12"
    assert all(p.isfinite().all() for p in trained.module.parameters())
    assert math.isfinite(row["grad_norm"]) and row["grad_norm"] > 0


def test_dates_of_numpy_are_no_numbers() -> None:
    """NumPy makes nanoseconds of them, and of other units something else."""
    day, span = np.datetime64("2020-01-02", "ns"), np.timedelta64(3, "ns")
    assert read_rewards([1.0, day, span, np.datetime64("NaT"), np.str_("x")], 5) == (
        [1.0, None, None, None, None],
        "returned 2020-01-02T00:00:00.000000000 of type datetime64[ns], no number",
    )
    for one, told in (
        (span, "returned 3 nanoseconds of type timedelta64[ns], no number"),
        (np.str_("x"), "returned the text 'x', no number"),
    ):
        with pytest.raises(WrongReturnError) as wrong:
            read_rewards([one, one], 2)
        assert str(wrong.value) == told
    with pytest.raises(WrongReturnError, match=r"an array of datetime64\[ns\], which are no"):
        read_rewards(np.array([day, day]), 2)


def test_trl_gets_rewards_that_float32_tells_apart() -> None:
    """The same but for what all have in common; others are passed on as they are."""
    plain: list[float | None] = [0.0, 1.0, None, 0.5]
    for same in (plain, [3.0, 4.0], [1e12, 0.0], [None, None], [], [0.0, 0.0]):
        assert for_float32(same, same) == same
    close = [1000.0, 1000.0001, None, 1000.0002]
    assert for_float32(close, close) == [0, *map(pytest.approx, (0.0001,)), None, close[3] - 1000]
    assert for_float32([1e8 + 3], [1e8, 1e8 + 3]) == [3.0]
    assert for_float32([0.1] * 8, [0.1] * 8) == [0.0] * 8


ROWS: list[dict[str, Any]] = [
    {"step": 1, "coverage/right": 1.0, "coverage/flaky": 1.0},
    {"step": 2, "coverage/right": 1.0, "coverage/flaky": 0.0, "failure/flaky": "KeyError: 'a'"},
    {"step": 3, "coverage/right": 1.0, "coverage/flaky": 0.5, "failure/flaky": "returned nan"},
]


def test_a_log_says_why_rewards_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(ROWS) == [
        "flaky had a verdict on 50% of the completions; it failed in 2 of 3 steps, in step 3:"
        " returned nan"
    ]
    said = set[str]()
    assert [new_failures(row, said) for row in ROWS] == [
        [], ["reward flaky failed: KeyError: 'a'"], [],
    ]  # fmt: skip
    assert new_failures({"held_out/failure/gold": "it broke"}, said) == [
        "reward gold failed: it broke"
    ]
    tell = _tell_failures()
    for row in ROWS:
        tell(row)
    assert capsys.readouterr().err == "warning: step 2: reward flaky failed: KeyError: 'a'\n"
    lost = silent([{"step": 1, "coverage/f": 0.0, "failure/f": "ValueError: boom (a.py:12)"}])
    assert lost.splitlines()[1:] == ["  f: ValueError: boom (a.py:12)"]
    unknown = silent([{"step": 1, "coverage/f": 0.0}])
    assert "harness judge" in unknown and "call the function" in unknown
