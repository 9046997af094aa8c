"""Win rates against base as people see it, corrected with an evaluator's word on all pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.agreement.corrected_win_rate import (
    EVEN,
    CorrectedWinRate,
    Prompts,
    corrected_win_rate,
)
from harness.evaluate.people_pairs import DrawnPair, Place, Pool, Pools
from harness.nouns.counted import counted
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import holm

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said of a pair.

    Args:
        pair: Its number among those that were drawn.
        person: Who.
        value: "A", "B" or "TIE"; None for a skip, or a label that failed.
    """

    pair: int
    person: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Whose word on all pairs helps.

    Args:
        name: Of the evaluator.
        values: What it says of each response; a response that it failed on is not there.
    """

    name: str
    values: Mapping[Place, float]

    def prefers(self, pool: Pool) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return (mine, theirs) 1, one half or 0; NaN where a score is missing."""
        mine, theirs = (
            np.array([self.values.get(one.place, np.nan) for one in side], dtype=np.float64)
            for side in (pool.mine, pool.theirs)
        )
        return (np.sign(mine[:, None] - theirs[None, :]) + 1) / 2


def people_rows(
    pools: Mapping[str, Pools],
    pairs: Sequence[DrawnPair],
    votes: Sequence[Vote],
    evaluator: Evaluator,
    clusters: Mapping[str, str],
    simulated: bool = False,
) -> list[dict[str, Any]]:
    """Return the row of each arm: how often people prefer it to base.

    Several people's word on a pair is their mean, a tie is one half, a skip is no label. Where the
    evaluator failed on one of a pair, its word is a tie: whatever it says, it only helps.

    Args:
        pools: All pairs of each arm.
        pairs: Those that were drawn.
        votes: What people said of them.
        evaluator: Whose word helps.
        clusters: Group of each item.
        simulated: Whether a program made up the people.

    Returns:
        Plain values, as docs/reports.md says; p-values are adjusted over the arms.
    """
    said: dict[int, list[float]] = {}
    for vote in votes:
        if vote.value is not None:
            won = 1.0 if vote.value == pairs[vote.pair].arm_is else 0.0
            said.setdefault(vote.pair, []).append(EVEN if vote.value == "TIE" else won)
    rows = []
    for arm, mine in pools.items():
        numbers = {number for number, pair in enumerate(pairs) if pair.arm == arm}
        heard = [vote for vote in votes if vote.pair in numbers]
        labelled = {number: said[number] for number in numbers if number in said}
        rows.append(
            {
                "arm": arm,
                "by": evaluator.name,
                "simulated": simulated,
                "people": len({vote.person for vote in heard}),
                **_counts(heard, pairs),
                **_row(arm, mine, pairs, labelled, evaluator, clusters),
                "drawn": len(numbers),
            }
        )
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = p
        row["verdict"] = _verdict(row)
    return rows


def _counts(heard: Sequence[Vote], pairs: Sequence[DrawnPair]) -> dict[str, int]:
    labels = [vote for vote in heard if vote.value is not None]
    wins = sum(vote.value == pairs[vote.pair].arm_is for vote in labels)
    ties = sum(vote.value == "TIE" for vote in labels)
    losses = len(labels) - wins - ties
    counts = {"labels": len(labels), "skipped": len(heard) - len(labels)}
    return counts | {"wins": wins, "ties": ties, "losses": losses}


def _row(
    arm: str,
    pools: Pools,
    pairs: Sequence[DrawnPair],
    said: Mapping[int, Sequence[float]],
    evaluator: Evaluator,
    clusters: Mapping[str, str],
) -> dict[str, Any]:
    different = {item: pool.different for item, pool in pools.items()}
    asked = {pairs[number].item_id: number for number in said}
    labelled = [pairs[number] for number in said]
    items = [item for item, found in different.items() if found.any()]
    words = {item: evaluator.prefers(pools[item]) for item in items}
    unjudged = sum(int(np.isnan(words[item][different[item]]).sum()) for item in items)
    names = {name: code for code, name in enumerate(dict.fromkeys(clusters[i] for i in items))}
    stands = _weights([pair for pair in pairs if pair.arm == arm], labelled)
    weights = {pair.item_id: stands[pair.stratum] for pair in labelled}

    def drawn(item: str) -> float:
        pair = pairs[asked[item]]
        gap = [evaluator.values.get(place, np.nan) for place in (pair.mine, pair.theirs)]
        return float(_filled((np.sign(gap[0] - gap[1]) + 1) / 2))

    found = corrected_win_rate(
        Prompts(
            np.array([np.mean(said[asked[i]]) if i in asked else np.nan for i in items], float),
            np.array([drawn(i) if i in asked else np.nan for i in items], float),
            np.array([_filled(words[i][different[i]]).mean() for i in items], float),
            np.array([1 - different[i].mean() for i in items], float),
            np.array([weights.get(i, 0.0) for i in items], float),
            np.array([names[clusters[i]] for i in items], np.int64),
            len(pools) - len(items),
        )
    )
    return {
        "pairs": len(said),
        "prompts": len(pools),
        "alike": len(pools) - len(items),
        "unjudged": unjudged,
        "judged": found.judged,
        **_told(found, len(items)),
    }


def _filled(words: Any) -> Any:
    """Return an evaluator's words, a tie where it failed."""
    return np.where(np.isnan(words), EVEN, words)


def _weights(drawn: Sequence[DrawnPair], labelled: Sequence[DrawnPair]) -> dict[str, float]:
    """Return stratum -> how many of its prompts a labelled one stands for.

    A pair that was drawn and not labelled is as if it had not been drawn.
    """
    given = Counter(pair.stratum for pair in labelled)
    asked = Counter(pair.stratum for pair in drawn)
    chance = {pair.stratum: pair.probability for pair in drawn}
    return {name: asked[name] / chance[name] / given[name] for name in given}


def _told(found: CorrectedWinRate, open_: int) -> dict[str, Any]:
    """Return the rates as plain values, and which of them decides."""
    decides = "nothing"
    if found.corrected.value is not None:
        decides = "corrected" if found.tuning > 0 else "labels"
    by: Estimate = found.corrected
    reason = found.corrected.reason
    if decides == "nothing" and found.more is not None:
        reason = f"too few labels: {counted(found.more, 'more label')} may decide"
    return {
        "labelled": found.labelled.numbers("clusters", "reason"),
        "corrected": found.corrected.numbers("clusters") | {"reason": reason},
        "tuning": found.tuning,
        "effective_n": found.effective_n,
        "decides": decides,
        "more": found.more,
        "left": open_ - found.labelled.n,
        "p": by.p,
    }


def _verdict(row: Mapping[str, Any]) -> str:
    """Return preferred, rejected or undecided: an interval without 50%, and p below .05."""
    found, p = row["corrected"], row["p_holm"]
    if found["value"] is None or p is None or p >= ALPHA:
        return "undecided"
    if found["low"] > EVEN:
        return "preferred"
    return "rejected" if found["high"] < EVEN else "undecided"
