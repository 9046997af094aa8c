"""pass@k: how often at least one of k samples of an item passes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.evaluate.scores import EvaluatorInfo, Scored, Scores, known, pass_at_k
from harness.nouns.errors import InputError
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import clustered_mean
from harness.statistics.seeds import Cells, seeded


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of an item.

    Args:
        system: Who wrote it; empty where that is not known.
        item: The item.
        passed: Whether it passed; None without a verdict.
        cluster: What belongs together; the item where nothing else is said.
        failure: Why there is no verdict.
    """

    system: str
    item: str
    passed: bool | None
    cluster: str
    failure: str = ""


@dataclass(frozen=True)
class PassAtK:
    """pass@k of systems.

    Args:
        rows: (system, k, the mean over items with its interval), systems in order.
        samples: System -> how many samples have a verdict.
        items: System -> how many items have a verdict.
        short: (system, k) -> items left out, since they have fewer than k samples with a verdict.
        failures: System -> why samples have no verdict, and how many.
    """

    rows: tuple[tuple[str, int, Estimate], ...]
    samples: dict[str, int]
    items: dict[str, int]
    short: dict[tuple[str, int], int]
    failures: dict[str, dict[str, int]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "rows": [
                {"system": system, "k": k, "short": self.short[system, k], **row.as_row()}
                for system, k, row in self.rows
            ],
            "samples": self.samples,
            "items": self.items,
            "failures": self.failures,
        }


def pass_at_k_of(samples: Iterable[Sample], ks: Sequence[int]) -> PassAtK:
    """Return pass@k of each system, without bias, as a mean over items.

    A sample without a verdict is left out and counted, as is an item with fewer than k samples;
    the interval is clustered (CR1).

    Raises:
        InputError: A k is below 1, or there is none.
    """
    if not ks or min(ks) < 1:
        raise InputError(f"--k must be whole numbers of at least 1, got {list(ks)}")
    counts: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
    clusters: dict[str, str] = {}
    failures: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        n_and_right = counts[sample.system].setdefault(sample.item, [0, 0])
        clusters[sample.item] = sample.cluster
        if sample.passed is None:
            failures[sample.system][sample.failure] += 1
        else:
            n_and_right[0] += 1
            n_and_right[1] += sample.passed
    rows, short = [], {}
    for system, items in counts.items():
        for k in sorted(set(ks)):
            known = {item: pass_at_k(n, c, k) for item, (n, c) in items.items() if n >= k}
            short[system, k] = len(items) - len(known)
            rows.append(
                (system, k, clustered_mean([*known.values()], [clusters[item] for item in known]))
            )
    return PassAtK(
        tuple(rows),
        {system: sum(n for n, _ in items.values()) for system, items in counts.items()},
        {system: sum(n > 0 for n, _ in items.values()) for system, items in counts.items()},
        short,
        {system: dict(found) for system, found in failures.items()},
    )


def policies_pass_at_k(
    scores: Scores, evaluators: Sequence[EvaluatorInfo], trained: Mapping[str, bool], base: str
) -> list[dict[str, Any]]:
    """Return pass@k of policies by each evaluator that only passes or fails what it scores.

    Of the samples of one training for one item; trainings and items are averaged over. k is 1, 2,
    4, ... up to what every policy has of some item; nothing where that is 1.

    Args:
        scores: By evaluator and policy.
        evaluators: Who they are.
        trained: Whether the seeds of a policy are trainings, by policy.
        base: The policy that the others are compared with.

    Returns:
        Rows of ``evaluator``, ``policy``, ``k``, ``value``, ``low``, ``high``, ``n`` (items of all
        trainings), ``clusters``, ``short`` (items left out, with fewer than k samples that have a
        score) and ``difference`` to base (``value``, ``low``, ``high``, ``p``) or None.
    """
    rows = []
    for evaluator in evaluators:
        counts = {policy: _counts(scores.get((evaluator.name, policy), ())) for policy in trained}
        binary = all(
            value in (0.0, 1.0)
            for policy in trained
            for _, value in known(scores.get((evaluator.name, policy), ()))
        )
        most = min((max((n for *_, n, _ in own), default=0) for own in counts.values()), default=0)
        for k in (2**power for power in range(most.bit_length()) if binary and most > 1):
            cells = {policy: _passing(own, k) for policy, own in counts.items()}
            for policy, own in cells.items():
                value = seeded(own, trained=(trained[policy], False)).estimate
                difference = None
                if policy != base and base in cells:
                    sides = trained[policy], trained[base]
                    gap = seeded(own, cells[base], (-1.0, 1.0), trained=sides).estimate
                    difference = gap.numbers("p") if gap.value is not None else None
                rows.append(
                    {
                        "evaluator": evaluator.name,
                        "policy": policy,
                        "k": k,
                        **value.numbers("n", "clusters"),
                        "short": sum(n < k for *_, n, _ in counts[policy]),
                        "difference": difference,
                    }
                )
    return rows


def _counts(rows: Sequence[Scored]) -> list[tuple[int, str, int, int]]:
    """Return (seed, cluster, samples with a score, how many of them passed) of each item."""
    found: dict[tuple[int, str, str], list[int]] = {}
    for row in rows:
        own = found.setdefault((row.seed, row.cluster, row.item_id), [0, 0])
        if row.value is not None:
            own[0] += 1
            own[1] += row.value == 1.0
    return [(seed, cluster, n, passed) for (seed, cluster, _), (n, passed) in found.items()]


def _passing(counts: Sequence[tuple[int, str, int, int]], k: int) -> Cells:
    cells: dict[int, dict[str, list[float]]] = {}
    for seed, cluster, n, passed in counts:
        if n >= k:
            own = cells.setdefault(seed, {}).setdefault(cluster, [])
            own.append(pass_at_k(n, passed, k))
    return cells
