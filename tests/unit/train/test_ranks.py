"""What ranks share, without starting any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.nouns.errors import ConfigError
from harness.policy.models import load_policy, load_tokenizer
from harness.policy.sampling import Sampling, sample
from harness.train import ranks
from harness.train.grpo import Grpo, GrpoSettings
from harness.train.ppo_settings import draw_seed
from harness.train.reward_function import WeightedRewards
from harness.train.rloo import Rloo, RlooSettings


def test_the_parts_of_the_ranks_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for world, size in [(1, 5), (2, 8), (3, 8), (4, 3), (8, 64)]:
        monkeypatch.setenv("WORLD_SIZE", str(world))
        done: list[int] = []
        for rank in range(world):
            monkeypatch.setenv("RANK", str(rank))
            mine = range(size)[ranks.part(size)]
            assert size // world <= len(mine) <= -(-size // world)
            done += mine
        assert done == list(range(size))


def test_a_completion_does_not_depend_on_the_rank_that_samples_it(policy_path: Path) -> None:
    policy, tokenizer = load_policy(policy_path), load_tokenizer(policy_path)
    prompts = [f"What is {a}+3?" for a in range(5)]
    whole = sample(policy, tokenizer, prompts, Sampling(1.0, 8, seed=4, per_item=2))
    parts = [
        sample(policy, tokenizer, prompts[first:end], Sampling(1.0, 8, 4, 2, first))
        for first, end in ((0, 2), (2, 3), (3, 5))
    ]
    assert [text for part in parts for text in part.texts] == whole.texts
    ids = [row for part in parts for row in part.sampled_ids()]
    assert ids == whole.sampled_ids()
    assert len({draw_seed(seed, step) for seed in (0, 1) for step in (1, 2, 3)}) == 6
    assert all(0 <= draw_seed(0, step) < 2**56 for step in range(9))  # what torch takes


def both(mine: WeightedRewards, other: WeightedRewards) -> dict[str, Any]:
    """Statistics on the first of two ranks; what the other gives is asked for first."""
    theirs: list[Any] = []

    def given(thing: Any) -> list[Any]:
        theirs.append(thing)
        return [thing]

    other.take_stats(given)
    return mine.take_stats(lambda thing: [thing, theirs.pop(0)])


def test_statistics_are_those_of_all_ranks() -> None:
    """Means over what each rank has, not means of means; also where one has none, or failed."""

    def passed(prompts: Any, log_metric: Any, **_: Any) -> Any:
        for value in prompts:
            if value == "broken":
                raise ValueError("it broke")
            log_metric("seen", value or 0.0)
        return prompts

    functions = {"a": passed, "b": lambda prompts, **_: [1.0] * len(prompts)}
    first, second = WeightedRewards(functions), WeightedRewards(functions)
    first([1.0, None, 0.0], completions=[])
    second([4.0], completions=[])
    assert both(first, second) == {
        "reward/a": 5 / 3,
        "coverage/a": 3 / 4,
        "reward/b": 1.0,
        "coverage/b": 1.0,
        "metric/seen": 5 / 4,
    }
    assert both(first, second) == {}
    second([2.0], completions=[])
    assert both(first, second)["reward/a"] == 2.0
    second(["broken"], completions=[])
    first([3.0], completions=[])
    found = both(first, second)
    assert (found["reward/a"], found["coverage/a"]) == (3.0, 1 / 2)
    assert "it broke" in found["failure/a"]
    assert first.take_stats() == second.take_stats() == {}


def test_a_group_that_ranks_share_is_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    training = object.__new__(Rloo)
    training.settings = RlooSettings(group_size=4, batch_size=8)
    training._texts, training._ended = [], []
    mine, other = [[1.0, 1.0], [None, 2.0]], [[1.0, 0.0], [2.0, None]]
    training._scored = mine
    monkeypatch.setattr("harness.train.grpo.of_all", lambda scored: [scored, other])
    assert training.of_rollout() == {"zero_std_groups": 0.5, "reward": 7 / 6}
    assert training._scored == []


@pytest.mark.parametrize(
    ("rewards", "share"),
    [
        ([1e-9, 2e-9, 3e-9, 4e-9], 0.0),
        ([1e-300, 0.0, 0.0, 0.0], 0.0),
        ([1e12, 1e12 + 1, 1e12, 1e12], 0.0),
        ([0.3, 0.1 + 0.2, 0.3, 0.3], 1.0),
        ([1e12] * 4, 1.0),
        ([0.0] * 4, 1.0),
        ([2.0, 2.0, None, None], 1.0),
        ([2.0, 2.5, None, None], 0.0),
        ([2.0, None, None, None], None),
        ([None] * 4, None),
        ([1.0] * 4 + [2.0, 1.0, 2.0, 1.0], 0.5),
        ([1.0] * 4 + [None, None, None, 1.0], 1.0),
    ],
)
@pytest.mark.parametrize(("kind", "settings"), [(Grpo, GrpoSettings), (Rloo, RlooSettings)])
def test_equal_groups_are_those_that_teach_nothing(
    kind: Any, settings: Any, rewards: list[float | None], share: float | None
) -> None:
    """As in PPO; TRL takes differences of less than 1e-8 for none."""
    training = object.__new__(kind)
    training.settings = settings(group_size=4, batch_size=8)
    assert training.of_groups([rewards]).get("zero_std_groups") == share
    assert "zero_std_groups" not in kind.log_keys.values()


def test_a_batch_is_shared_by_the_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ranks.shared(7) == 7
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert ranks.shared(8) == 2
    with pytest.raises(ConfigError, match="batch_size 6 is no multiple of 4 ranks") as caught:
        ranks.shared(6)
    assert "set it to 8" in str(caught.value)


def test_processes_that_cannot_be_joined_do_not_train_each_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="one of 2 processes, and 1 could be joined") as caught:
        ranks.join()
    assert "accelerate launch" in str(caught.value)


def test_a_folder_that_not_all_machines_have_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ranks.check_same(tmp_path, (True, ["step-4.pt"]))
    for other in ((False, ["step-4.pt"]), (True, [])):
        monkeypatch.setattr(ranks, "of_all", lambda mine, other=other: [mine, other])
        with pytest.raises(ConfigError, match="see different files in its folder") as caught:
            ranks.check_same(tmp_path, (True, ["step-4.pt"]))
        assert "all machines share" in str(caught.value)
