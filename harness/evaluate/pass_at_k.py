"""pass@k: how often at least one of k samples of an item passes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.evaluate.scores import pass_at_k
from harness.nouns.errors import InputError
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import clustered_mean


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
