"""Best-of-n: sample n completions for each prompt and keep the one with the highest reward."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.nouns.errors import InputError
from harness.policy.models import load_policy, load_tokenizer, require_train_extra
from harness.policy.prompts import as_prompt
from harness.policy.sampling import Sampling, sample
from harness.train.reward_function import RewardFunction, WeightedRewards, call_rewards
from harness.train.rows import Row, check_rows


def best_of_n(
    model_path: str | Path,
    rows: Sequence[Row],
    reward_funcs: Mapping[str, RewardFunction],
    n: int,
    *,
    weights: Mapping[str, float] | None = None,
    max_new_tokens: int = 256,
    temperature: float = 1.0,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Return the best of n completions for each prompt: the baseline that needs no training.

    The rows can be given to `train_sft`, which makes a policy of them (rejection sampling).

    Args:
        model_path: Checkpoint folder or hub id.
        rows: ``{"prompt", ...}``; the other columns are passed to the reward functions.
        reward_funcs: Reward functions by name.
        n: Completions for each prompt.
        weights: Of the reward functions; 1 by default.
        max_new_tokens: Upper limit of a completion in tokens.
        temperature: Of sampling.
        seed: Of sampling.

    Returns:
        The rows with ``completion``, ``reward`` and ``scored``, the number of its n completions
        that have a reward. A row without any is left out: no reward is no reason to keep the first.

    Raises:
        DataError: A row lacks its prompt.
        InputError: n is below 1, or there is no such model or reward function.
    """
    check_rows(rows, ["prompt"], "prompts")
    require_train_extra()
    if n < 1:
        raise InputError(f"best of {n}: at least one completion is needed")
    rewards = WeightedRewards(reward_funcs, weights or {})
    tokenizer, model = load_tokenizer(model_path), load_policy(model_path, trainable=False)
    sampling = Sampling(temperature, max_new_tokens, seed, per_item=n)
    rollout = sample(model, tokenizer, [row["prompt"] for row in rows], sampling)
    repeated = [row for row in rows for _ in range(n)]
    prompts = [as_prompt(tokenizer, row["prompt"]) for row in repeated]
    scores = call_rewards(rewards, repeated, prompts, rollout.texts, rollout.sampled_ids())
    best = []
    for number, row in enumerate(rows):
        group = range(number * n, (number + 1) * n)
        scored = [(score, i) for i in group if (score := scores[i]) is not None]
        if scored:
            score, index = max(scored, key=lambda pair: pair[0])  # the first of equals
            completion = rollout.texts[index]
            best.append({**row, "completion": completion, "reward": score, "scored": len(scored)})
    return best


def best_of_n_kl(n: int) -> float:
    """Return an upper bound of the KL divergence of best-of-n from its policy, in nats.

    log n - (n - 1) / n, per completion; exact when no two completions have the same reward
    (Beirami et al. 2024).
    """
    return math.log(n) - (n - 1) / n
