"""Which pairs of a policy and base people are asked about: drawn at random, sides and prompts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.nouns.outcomes import Status
from harness.nouns.schema import Response

Responses: TypeAlias = "Mapping[tuple[str, int], Sequence[Response]]"
"""By (policy, seed)."""

Place = tuple[str, int, str]
"""Policy, seed and id: the ids are unique within policy and seed."""

_FAILED = frozenset(status.value for status in Status if status is not Status.OK)


@dataclass(frozen=True, slots=True)
class Written:
    """One response, and where it stands."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Pool:
    """All pairs of an arm's response and one of base to the same prompt, over all seeds.

    Args:
        mine: The arm's.
        theirs: Base's.
    """

    mine: Sequence[Written]
    theirs: Sequence[Written]

    @property
    def different(self) -> NDArray[np.bool_]:
        """(mine, theirs) whether the two texts of a pair are not one text."""
        codes: dict[str, int] = {}
        mine, theirs = (
            np.array([codes.setdefault(one.text, len(codes)) for one in side])
            for side in (self.mine, self.theirs)
        )
        found: NDArray[np.bool_] = mine[:, None] != theirs[None, :]
        return found


Pools: TypeAlias = "Mapping[str, Pool]"
"""Item id -> its pairs."""


def pools_of(responses: Responses, arm: str, base: str) -> dict[str, Pool]:
    """Return all pairs of an arm and base, of the items that both answered."""
    sides = [_by_item(responses, policy) for policy in (arm, base)]
    return {item: Pool(sides[0][item], sides[1][item]) for item in sides[0] if item in sides[1]}


def _by_item(responses: Responses, policy: str) -> dict[str, list[Written]]:
    found: dict[str, list[Written]] = {}
    for (name, seed), answers in responses.items():
        for one in answers if name == policy else ():
            if one.metadata.get("status") not in _FAILED:  # one that never came is no answer
                written = Written((policy, seed, one.id), one.text)
                found.setdefault(one.item_id, []).append(written)
    return found


@dataclass(frozen=True, slots=True)
class DrawnPair:
    """One pair that people are asked about.

    Args:
        arm: The policy that stands against base.
        item_id: The prompt.
        stratum: Its slice.
        probability: Chance of the prompt to be drawn for this arm, within its slice.
        mine: The arm's response.
        theirs: Base's.
        arm_is: The side of the arm.
    """

    arm: str
    item_id: str
    stratum: str
    probability: float
    mine: Place
    theirs: Place
    arm_is: Literal["A", "B"]


def drawn_pairs(
    pools: Mapping[str, Pools], strata: Mapping[str, str], most: int, seed: int
) -> list[DrawnPair]:
    """Draw pairs for each arm: prompts without replacement, of each one pair of different texts.

    Slices get pairs in proportion to their prompts (Sainte-Lague, so that a larger number of pairs
    holds those of a smaller one). In a slice the prompts stand in one random order, of which each
    arm takes its own part first: it is uniform for each arm, and as long as there are prompts
    enough, nobody sees a prompt twice and recognises base's answer. Prompts of which all pairs are
    one text twice are passed over.

    Args:
        pools: Of each arm.
        strata: Slice of each item; all items that there are.
        most: Pairs of each arm, fewer where there are not so many prompts.
        seed: Decides everything.
    """
    found = []
    for number, arm in enumerate(pools):
        open_ = {
            stratum: [item for item in order if item in pools[arm] and _asks(pools[arm][item])]
            for stratum, order in _orders(strata, seed, number, len(pools)).items()
        }
        taken = _in_proportion({name: len(items) for name, items in open_.items()}, most)
        for stratum, items in open_.items():
            chance = taken[stratum] / len(items) if items else 0.0
            found += [
                _pair(arm, item, stratum, chance, pools[arm][item], seed)
                for item in items[: taken[stratum]]
            ]
    return found


def _asks(pool: Pool) -> bool:
    return bool(pool.different.any())


def _orders(
    strata: Mapping[str, str], seed: int, number: int, arms: int
) -> Mapping[str, list[str]]:
    """Return the items of each slice in the order in which one of the arms takes them."""
    slices: dict[str, list[str]] = {}
    for item, stratum in strata.items():
        slices.setdefault(stratum, []).append(item)
    found = {}
    for stratum, items in slices.items():
        random.Random(f"{seed} prompts {stratum}").shuffle(items)
        parts = [items[(number + shift) % arms :: arms] for shift in range(arms)]
        found[stratum] = [item for part in parts for item in part]
    return found


def _in_proportion(sizes: Mapping[str, int], most: int) -> dict[str, int]:
    """Return how many of each are taken, ``most`` in all: highest quotients size / (2 n + 1)."""
    taken = dict.fromkeys(sizes, 0)
    for _ in range(min(most, sum(sizes.values()))):
        left = [name for name in sizes if taken[name] < sizes[name]]
        first = max(left, key=lambda name: sizes[name] / (2 * taken[name] + 1))
        taken[first] += 1
    return taken


def _pair(
    arm: str, item: str, stratum: str, probability: float, pool: Pool, seed: int
) -> DrawnPair:
    draw = random.Random(f"{seed} pair {arm} {item}")
    row, column = draw.choice(np.argwhere(pool.different).tolist())
    side: Literal["A", "B"] = "A" if draw.random() < 0.5 else "B"
    mine, theirs = pool.mine[row].place, pool.theirs[column].place
    return DrawnPair(arm, item, stratum, probability, mine, theirs, side)


def seen_twice(pairs: Sequence[DrawnPair]) -> int:
    """Return how many prompts people see more than once, where they may recognise base's answer."""
    items = [pair.item_id for pair in pairs]
    return sum(items.count(item) > 1 for item in dict.fromkeys(items))


def sides_of(pairs: Sequence[DrawnPair]) -> Iterator[tuple[Place, Place]]:
    """Yield what stands as A and as B of each pair."""
    for pair in pairs:
        both = pair.mine, pair.theirs
        yield both if pair.arm_is == "A" else both[::-1]
