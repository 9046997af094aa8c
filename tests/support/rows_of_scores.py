"""Scores by hand: rows of one criterion, for tests of what is computed from them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from harness.evaluate.scores import Scored
from harness.nouns.outcomes import Status

Table = Mapping[int, Mapping[str, float | Sequence[float] | None]]
"""Seed to item to its score, or scores; None is a failure."""


def rows(policy: str, table: Table, clusters: Mapping[str, str] | None = None) -> list[Scored]:
    """Return the rows of one policy by one evaluator; an item is its own cluster by default."""
    found = []
    for seed, items in table.items():
        for item, value in items.items():
            for one in value if isinstance(value, list | tuple) else [value]:
                status = Status.ERROR if one is None else Status.OK
                cluster = (clusters or {}).get(item, item)
                found.append(Scored(item, cluster, policy, seed, one, status))
    return found


def one_seed(policy: str, values: Sequence[float | None]) -> list[Scored]:
    """Return the rows of one seed, item 0 first."""
    return rows(policy, {0: {f"i{n}": value for n, value in enumerate(values)}})


def drawn(
    dice: random.Random,
    policies: Sequence[str],
    seeds: int,
    prompts: int,
    deviation: float = 0.0,
    rate: float = 0.5,
) -> dict[str, list[Scored]]:
    """Return yes or no without a true difference: prompts differ, and trainings do."""
    hard = [dice.gauss(0, 0.2) for _ in range(prompts)]
    found = {}
    for policy in policies:
        table = {}
        for seed in range(seeds):
            luck = rate + (0.0 if policy == "base" else dice.gauss(0, deviation))
            table[seed] = {f"i{n}": float(dice.random() < luck + hard[n]) for n in range(prompts)}
        found[policy] = rows(policy, table)
    return found
