"""The same measurements for every trainer: a fixed set of prompts, sampled every few steps.

Nothing measured here is trained on. Every look draws several samples of each prompt, each with
random numbers of its own, and these are the same at every look, so that two looks differ by the
policy and less by luck; the global random state is left as it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from harness.policy.models import Reference
from harness.policy.sampling import Rollout, Sampling, sample
from harness.policy.scoring import TOKENS, score_rollout
from harness.statistics.falls import FEWEST_SAMPLES
from harness.train.log import BY_PROMPT, FAILURE, HELD_OUT
from harness.train.reward_arguments import call_rewards
from harness.train.reward_function import RewardFunction, WeightedRewards
from harness.train.row_forms import Row
from harness.train.rows import plain_rows


def distinct_n(texts: Sequence[str], n: int) -> float:
    """Return different word n-grams over all word n-grams of the texts (Li et al. 2016).

    0 when no text is long enough.
    """
    grams = [
        tuple(words[i : i + n])
        for words in (text.split() for text in texts)
        for i in range(len(words) - n + 1)
    ]
    return len(set(grams)) / len(grams) if grams else 0.0


def diversity(texts: Sequence[str]) -> dict[str, float]:
    """Return distinct-1, distinct-2 and the share of different texts."""
    return {
        "distinct_1": distinct_n(texts, 1),
        "distinct_2": distinct_n(texts, 2),
        "unique": len(set(texts)) / len(texts),
    }


def standard_error(values: Sequence[float | None], per_prompt: int) -> float:
    """Return the standard error of the mean of what is known, over prompts.

    Completions of one prompt stand one after the other and count as one cluster; NaN where fewer
    than two prompts have any value.
    """
    groups = [
        [v for v in values[start : start + per_prompt] if v is not None]
        for start in range(0, len(values), per_prompt)
    ]
    known = [group for group in groups if group]
    total = sum(map(len, known))
    if len(known) < 2:
        return math.nan
    mean = math.fsum(v for group in known for v in group) / total
    squares = math.fsum(math.fsum(v - mean for v in group) ** 2 for group in known)
    return math.sqrt(squares * len(known) / (len(known) - 1)) / total


def rollout_statistics(rollout: Rollout, entropy: Any) -> dict[str, float]:
    """Return length, entropy, diversity and truncations of a rollout.

    ``length`` counts tokens with the stop token, ``entropy`` is the mean over tokens in nats,
    ``unique`` the share of different texts, ``truncated`` a count of completions.
    """
    mask = rollout.completion_mask
    n = len(rollout)
    return {
        "length": float(mask.sum()) / n,
        "entropy": float((entropy * mask).sum() / mask.sum()),
        **diversity(rollout.texts),
        "eos_rate": float(rollout.ended.float().mean()),
        "truncated": int((~rollout.ended).sum()),
    }


def kl_statistics(logprobs: Any, reference: Any, mask: Any) -> dict[str, float]:
    """Return the KL divergence of the policy from the reference, in nats, over sampled tokens.

    The estimator is k1, the log-ratio of what was sampled (Schulman 2020, "Approximating KL
    divergence"): unbiased, may be negative on a small sample. ``kl_sequence`` sums over the tokens
    of a completion and averages over completions; ``kl_token`` averages over tokens.
    """
    ratio = (logprobs - reference) * mask
    return {
        "kl_sequence": float(ratio.sum(1).mean()),
        "kl_token": float(ratio.sum() / mask.sum()),
    }


@dataclass(frozen=True, slots=True)
class Monitor:
    """Looks at a policy on a fixed set of prompts.

    Every key of a look is prefixed by ``held_out/``.

    Args:
        rows: The prompts, with the columns that the gold reward reads; held out from training.
        gold: Reward functions that nothing is trained on, by name. Their mean, its standard error
            and coverage are logged as ``held_out/gold/<name>``, ``held_out/gold_se/<name>`` and
            ``held_out/coverage/<name>``, and the mean of each prompt that has any as
            ``held_out/gold_by_prompt/<name>``.
        every: Steps between looks; step 0 and the last one are always looked at.
        max_new_tokens: Upper limit of a completion in tokens.
        temperature: Of sampling.
        samples: Completions for each prompt; with fewer than `FEWEST_SAMPLES` of
            ``harness.statistics.falls`` nobody can tell later whether gold fell.
    """

    rows: Sequence[Row]
    gold: Mapping[str, RewardFunction] = field(default_factory=dict)
    _: KW_ONLY
    every: int = 10
    max_new_tokens: int = 256
    temperature: float = 1.0
    samples: int = FEWEST_SAMPLES

    def __post_init__(self) -> None:
        """Refuse rows without a prompt."""
        plain_rows(self.rows, ["prompt"], "monitored prompts")

    @property
    def prompts(self) -> list[str]:
        """What the prompts are called in a look: their items' ids, or numbers where some have none.

        In the order of the rows.
        """
        ids = [str(row.get("item_id", "")) for row in self.rows]
        return ids if all(ids) and len(set(ids)) == len(ids) else [*map(str, range(len(ids)))]

    @property
    def tokens(self) -> int:
        """The most tokens of completions that are scored at once."""
        return min(TOKENS, len(self.rows) * self.samples * self.max_new_tokens)

    def is_due(self, step: int, last: int) -> bool:
        """Return whether this step is to be looked at."""
        return step == last or step % self.every == 0

    def look(
        self, policy: Any, reference: Reference | None, tokenizer: Any, state: Any = None
    ) -> dict[str, Any]:
        """Sample, score and return one look; functions get ``state`` as their trainer_state."""
        sampling = Sampling(self.temperature, self.max_new_tokens, seed=0)
        rows = [row for row in self.rows for _ in range(self.samples)]
        rollout = sample(policy, tokenizer, [row["prompt"] for row in rows], sampling)
        logprobs, entropy = score_rollout(policy, rollout, self.temperature)
        look: dict[str, Any] = rollout_statistics(rollout, entropy)
        if reference is not None:
            with reference.active():
                of_reference, _ = score_rollout(
                    reference.model, rollout, self.temperature, entropy=False
                )
            look |= kl_statistics(logprobs, of_reference, rollout.completion_mask)
        for name, function in self.gold.items():
            single = WeightedRewards({name: function})
            ids = rollout.sampled_ids()
            values = call_rewards(single, rows, rollout.texts, ids, trainer_state=state)
            found = single.take_stats()
            look[f"gold/{name}"], look[f"coverage/{name}"] = (
                found[f"{key}/{name}"] for key in ("reward", "coverage")
            )
            look[f"gold_se/{name}"] = standard_error(values, self.samples)
            look[f"{BY_PROMPT}{name}"] = self._by_prompt(values)
            look |= {key: why for key, why in found.items() if key.startswith(FAILURE)}
        if self.gold:
            look["samples"] = self.samples
        look = {f"{HELD_OUT}{key}": value for key, value in look.items()}
        return look

    def _by_prompt(self, values: Sequence[float | None]) -> dict[str, float]:
        """Return the mean of each prompt that has any value, to six decimals."""
        found = {}
        for number, prompt in enumerate(self.prompts):
            own = values[number * self.samples : (number + 1) * self.samples]
            known = [value for value in own if value is not None]
            if known:
                found[prompt] = round(math.fsum(known) / len(known), 6)
        return found
