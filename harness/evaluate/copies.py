"""Seeds of a policy that are copies of each other: the same training, counted twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.evaluate.distance import ratio_of
from harness.nouns.counted import counted
from harness.nouns.schema import Response
from harness.statistics.seeds import FEWEST_SEEDS

Responses = Mapping[tuple[str, int], Sequence[Response]]

NEAR = 1e-3
"""Nats within which the log-ratios of one response by one policy lie, whatever computed them."""


def without_copies(
    responses: Responses, trained: Mapping[str, bool]
) -> tuple[dict[tuple[str, int], Sequence[Response]], list[str]]:
    """Leave out seeds that say, of every item, what an earlier seed of the policy says.

    Two trainings of one policy may write alike, but not with the same probabilities; where the
    metadata hold ``log_ratio``, copies have the same ones within ``NEAR``. Without it nothing tells
    a copy from a training that came out alike, and the seeds count once.

    Args:
        responses: By (policy, seed).
        trained: Policy -> whether its seeds are trainings; of the others every seed is kept, for
            samples of one policy may well be alike.

    Returns:
        The others, and a line for each policy that had copies.
    """
    kept: dict[tuple[str, int], Sequence[Response]] = {}
    written: dict[str, dict[int, list[tuple[str, str, float | None]]]] = {}
    copies: dict[str, dict[int, list[int]]] = {}
    for (policy, seed), answers in responses.items():
        if trained[policy] and answers:
            mine, before = _written(answers), written.setdefault(policy, {})
            first = next((one for one, theirs in before.items() if _same(mine, theirs)), None)
            if first is not None:
                copies.setdefault(policy, {}).setdefault(first, []).append(seed)
                continue
            before[seed] = mine
        kept[policy, seed] = answers
    left = {policy: sum(name == policy for name, _ in kept) for policy in copies}
    return kept, [_told(policy, found, left[policy]) for policy, found in copies.items()]


def _written(answers: Sequence[Response]) -> list[tuple[str, str, float | None]]:
    rows = [(one.item_id, one.text, ratio_of(one)) for one in answers]
    return sorted(rows, key=lambda row: (row[0], row[1], row[2] is not None, row[2] or 0.0))


def _same(
    mine: Sequence[tuple[str, str, float | None]], theirs: Sequence[tuple[str, str, float | None]]
) -> bool:
    if [row[:2] for row in mine] != [row[:2] for row in theirs]:
        return False
    both = ((a[2], b[2]) for a, b in zip(mine, theirs, strict=True))
    return all(
        a is b is None or (a is not None and b is not None and abs(a - b) <= NEAR) for a, b in both
    )


def _told(policy: str, found: Mapping[int, Sequence[int]], left: int) -> str:
    parts = [
        f"with {'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))} as with seed"
        f" {first}"
        for first, seeds in found.items()
    ]
    few = "" if left >= FEWEST_SEEDS else ", and no verdict is of the method"
    return (
        f"{policy} answers every item {' and '.join(parts)}, to the letter: copies are no"
        f" trainings, so {policy} counts as {counted(left, 'training')}{few}."
    )
