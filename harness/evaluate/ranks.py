"""Ranks of policies with intervals, from the strengths of Davidson's model over all pairs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from harness.evaluate.scores import Scores, known
from harness.evaluate.verdicts import ALPHA
from harness.statistics.arrays import FloatArray
from harness.statistics.intervals import holm
from harness.statistics.paired_model import FIRST, SECOND, TIE, Comparisons, fit_paired, influences
from harness.statistics.seeds import FEWEST_SEEDS, Luck, Seeded, effective, hull, left_out

OUTCOMES = np.array([FIRST, TIE, SECOND])


def ranks(
    scores: Scores,
    evaluators: Sequence[str],
    trained: Mapping[str, bool],
    lower: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Return one row for each evaluator: strengths, ranks and intervals of both, or why not.

    Every response of one policy meets every response of another to the same item: the higher score
    wins, equal ones tie. Strengths are those of Davidson's model (1970, JASA 65:317), in log-odds
    against the first policy, by :func:`harness.statistics.paired_model.fit_paired`. Their intervals
    hold prompts and seeds by :func:`harness.statistics.seeds.hull`, which is given what each of
    them does to a strength.

    Rank 1 is the best. The interval of a rank counts who is surely better and who is surely worse
    among all pairs (Holm over them), so that all ranks of an evaluator lie in their intervals
    together in 95% of experiments (Mogstad, Romano, Shaikh & Wilhelm 2024, Review of Economic
    Studies 91:476). With fewer than three trainings of an arm nothing is sure of its method;
    ``trainings`` tells what is sure of those that there are.

    Args:
        scores: What every evaluator said of every response.
        evaluators: Names.
        trained: The policies, and whether the seeds of each are trainings; strengths are against
            the first that has scores.
        lower: Evaluators of which less is better.
    """
    return [_ranks(scores, name, trained, name in lower) for name in evaluators]


def _ranks(scores: Scores, name: str, trained: Mapping[str, bool], lower: bool) -> dict[str, Any]:
    there = [policy for policy in trained if known(scores.get((name, policy), ()))]
    found: dict[str, Any] = {
        "evaluator": name,
        "against": there[0] if there else None,
        "left_out": [policy for policy in trained if policy not in there],
        "comparisons": 0,
        "clusters": 0,
        "seeds": None,
        "policies": [],
        "reason": "",
    }
    if len(there) < 2:
        return found | {"reason": "fewer than two policies have scores"}
    met = _meetings(scores, name, {policy: trained[policy] for policy in there}, lower)
    found |= {"comparisons": int(met.totals.sum()), "clusters": met.clusters, "seeds": met.fewest}
    if why := not_connected(there, met.totals):
        return found | {"reason": why}
    first, second = np.triu_indices(len(there), 1)
    every = np.zeros((first.size, len(there)))
    every[np.arange(first.size), first] = 1.0
    every[np.arange(first.size), second] = -1.0
    design = np.repeat(every[:, 1:], 3, axis=0)  # the first policy is held at 0
    outcomes, weights = np.tile(OUTCOMES, first.size), met.totals.ravel()
    seen = weights > 0
    fit = fit_paired(outcomes[seen], design[seen], np.arange(weights.size)[seen], weights[seen])
    if fit.problem:
        return found | {"reason": fit.problem}
    each = np.zeros((weights.size, len(there)))
    each[seen, 1:] = influences(fit, outcomes[seen], design[seen], weights[seen])
    moved = each.reshape(first.size, 3, len(there))
    strengths = np.concatenate([[0.0], fit.coefficients])
    gap = met.gaps(moved)
    gaps = {
        (a, b): gap((a, b), float(strengths[a] - strengths[b]))
        for a, b in combinations(range(len(there)), 2)
    }
    of_method = {
        pair: None if gap.seeds is not None and gap.seeds < FEWEST_SEEDS else gap.estimate.p
        for pair, gap in gaps.items()
    }
    sure = _surely(gaps, of_method)
    alone = _surely(gaps, {pair: gap.alone().estimate.p for pair, gap in gaps.items()})
    rows = []
    for at, policy in enumerate(there):
        ends = gaps[0, at].estimate.numbers("low", "high") if at else {"low": None, "high": None}
        rows.append(
            {
                "policy": policy,
                "value": float(strengths[at]),
                "low": None if ends["high"] is None else -ends["high"],
                "high": None if ends["low"] is None else -ends["low"],
                "rank": 1 + int((strengths > strengths[at] + 1e-9).sum()),
                **_between(at, len(there), sure),
                "trainings": _between(at, len(there), alone),
            }
        )
    return found | {"policies": rows}


Pair = tuple[int, int]


def _surely(gaps: Mapping[Pair, Seeded], p_values: Mapping[Pair, float | None]) -> dict[Pair, bool]:
    """Return the pairs of which one is surely stronger, and whether that is the first."""
    adjusted = zip(p_values, holm(list(p_values.values())), strict=True)
    values = {pair: gap.estimate.value or 0.0 for pair, gap in gaps.items()}
    return {pair: values[pair] > 0 for pair, p in adjusted if p is not None and p < ALPHA}


def _between(at: int, policies: int, surely: Mapping[Pair, bool]) -> dict[str, int]:
    """Return the best and the worst rank that a policy may have."""
    worse = better = 0
    for (a, b), first in surely.items():
        if at in (a, b):
            won = first == (at == a)
            worse, better = worse + won, better + (not won)
    return {"rank_low": 1 + better, "rank_high": policies - worse}


@dataclass(frozen=True)
class _Meetings:
    """How often which seed of which policy won, tied and lost, by cluster.

    Args:
        by_cluster: (pairs, clusters, 3) comparisons of each pair of policies that came out each
            way.
        by_seed: Of each pair the same by seed and cluster, for the first policy's seeds and for
            the second's: (seeds, clusters, 3).
        pairs: The two policies of each.
        seeds: The seeds of each policy.
        trained: Whether the seeds of a policy are trainings.
    """

    by_cluster: FloatArray
    by_seed: Sequence[tuple[FloatArray, FloatArray]]
    pairs: Sequence[Pair]
    seeds: Sequence[tuple[int, ...]]
    trained: Sequence[bool]

    @property
    def totals(self) -> FloatArray:
        """(pairs, 3) comparisons of each pair of policies that came out each way."""
        total: FloatArray = self.by_cluster.sum(axis=1)
        return total

    @property
    def clusters(self) -> int:
        """Clusters with a comparison."""
        return int((self.by_cluster.sum(axis=(0, 2)) > 0).sum())

    @property
    def fewest(self) -> int | None:
        """The fewest trainings of a policy; None where none was trained."""
        lucky = zip(self.seeds, self.trained, strict=True)
        return min((len(seeds) for seeds, luck in lucky if luck), default=None)

    def gaps(self, moved: FloatArray) -> Callable[[Pair, float], Seeded]:
        """Return what gives a difference of two strengths its interval and p, for a pair and value.

        What a prompt or a seed does to a strength is the sum over its comparisons, and what it does
        to a difference is the difference: so each policy's is summed once, not once a pair.

        Args:
            moved: (pairs, 3, policies) what a comparison does to each strength.
        """
        counts = self.by_cluster.sum(axis=(0, 2))
        seen = counts > 0
        counts = counts[seen]
        influence = np.einsum("pgo,pom->mg", self.by_cluster, moved)[:, seen] * left_out(counts)
        pulls = [np.zeros((moved.shape[2], len(k), counts.size)) for k in self.seeds]
        numbers = [np.zeros(pull.shape[1:]) for pull in pulls]
        for pair, tables, each in zip(self.pairs, self.by_seed, moved, strict=True):
            for policy, table in zip(pair, tables, strict=True):
                pulls[policy] += np.einsum("sgo,om->msg", table[:, seen], each)
                numbers[policy] += table[:, seen].sum(axis=2)
        n = round(float(self.totals.sum()))

        def gap(pair: Pair, value: float) -> Seeded:
            a, b = pair
            lucky = []
            for policy in (each for each in pair if self.trained[each]):
                share = numbers[policy] / numbers[policy].sum()
                pull = pulls[policy][a] - pulls[policy][b]
                lucky.append((self.seeds[policy], Luck(pull - share * pull.sum(), share)))
            mine = influence[a] - influence[b]
            return hull(value, n, mine, lucky, None, paired=True, groups=effective(counts))

        return gap


def _meetings(scores: Scores, name: str, policies: Mapping[str, bool], lower: bool) -> _Meetings:
    tables = []
    items: dict[str, int] = {}
    clusters: dict[str, int] = {}
    of_item: list[int] = []
    for policy in policies:
        by_item: dict[int, list[tuple[int, float]]] = {}
        seeds: dict[int, int] = {}
        for row, value in known(scores[name, policy]):
            if row.item_id not in items:
                items[row.item_id] = len(items)
                of_item.append(clusters.setdefault(row.cluster, len(clusters)))
            seed = seeds.setdefault(row.seed, len(seeds))
            by_item.setdefault(items[row.item_id], []).append((seed, -value if lower else value))
        tables.append((by_item, tuple(seeds)))
    pairs = list(combinations(range(len(policies)), 2))
    n, cluster = len(items), np.array(of_item)
    dense = [_dense(by_item, n) for by_item, _ in tables]
    by_cluster = np.zeros((len(pairs), len(clusters), 3))
    by_seed = []
    for at, (a, b) in enumerate(pairs):
        (mine, my_seeds), (theirs, their_seeds) = dense[a], dense[b]
        gap = mine[:, :, None] - theirs[:, None, :]
        which = np.where(gap > 0, FIRST, np.where(gap < 0, SECOND, TIE))
        item, left, right = np.nonzero(np.isfinite(gap))
        outcome, group = which[item, left, right], cluster[item]
        counted = []
        for seed, k in (
            (my_seeds[item, left], len(tables[a][1])),
            (their_seeds[item, right], len(tables[b][1])),
        ):
            code = (seed * len(clusters) + group) * 3 + outcome
            number = np.bincount(code, minlength=k * len(clusters) * 3).astype(np.float64)
            counted.append(number.reshape(k, len(clusters), 3))
        by_seed.append((counted[0], counted[1]))
        by_cluster[at] = counted[0].sum(axis=0)
    names = [seeds for _, seeds in tables]
    return _Meetings(by_cluster, by_seed, pairs, names, list(policies.values()))


def _dense(by_item: Mapping[int, Sequence[tuple[int, float]]], n: int) -> tuple[FloatArray, Any]:
    """Return (items, responses) scores, NaN where there are fewer, and the seed of each."""
    most = max(len(each) for each in by_item.values())
    values, seeds = np.full((n, most), np.nan), np.zeros((n, most), dtype=np.int64)
    for item, each in by_item.items():
        seeds[item, : len(each)], values[item, : len(each)] = zip(*each, strict=True)
    return values, seeds


def not_connected(policies: Sequence[str], totals: FloatArray) -> str:
    """Return why strengths have no finite value; empty where they have.

    Each policy must be reached from each other along "did not lose to" (Ford 1957, AMM 64:28).

    Args:
        policies: Names.
        totals: (pairs, 3) wins of the first, ties and losses of each pair, in the order of
            ``itertools.combinations``.
    """
    n = len(policies)
    first, second = np.triu_indices(n, 1)
    pair, outcome = np.nonzero(totals)
    none = np.zeros(pair.size, dtype=np.int64)
    met = Comparisons(first[pair], second[pair], OUTCOMES[outcome], tuple(policies), none)
    if met.strongly_connected:
        return ""
    held = np.eye(n, dtype=bool)  # from whom to whom "did not lose to" leads
    held[first, second] |= totals[:, :2].sum(axis=1) > 0
    held[second, first] |= totals[:, 1:].sum(axis=1) > 0
    for middle in range(n):
        held |= held[:, middle : middle + 1] & held[middle : middle + 1]
    ford = "so that no finite strengths exist (Ford 1957)"
    for at in range(n):
        group, reached = held[at] & held[:, at], held[:, at]
        if not (reached & ~group).any():  # nobody else ever did as well as one of these
            names = ", ".join(p for p, inside in zip(policies, group, strict=True) if inside)
            if held[at].all():
                return f"no other policy ever won or tied a comparison with {names}, {ford}"
            return f"{names} and the others are not compared, or only through third ones, {ford}"
    return f"the comparisons do not connect all policies, {ford}"
