"""The best of several judges on the same labels looks better than it is: by how much at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.agreement.aligning import choose, says_it
from harness.statistics.arrays import IntArray, cluster_sums
from harness.statistics.resample import BOOTSTRAP, Bootstrap


@dataclass(frozen=True, slots=True)
class Best:
    """The judge that says most often what is right, of several on the same labels.

    Args:
        name: Its name.
        share: Of the items with a truth, how many it says the same of; a failure does not.
        n: These items.
        of: How many judges there are.
        luck: By how much the share of the best is expected to lie above its true one if all of them
            are equally good. Where they are not it is less.
    """

    name: str
    share: float
    n: int
    of: int
    luck: float


def best_of(
    said: Mapping[str, IntArray],
    truth: IntArray,
    clusters: IntArray,
    draws: Bootstrap = BOOTSTRAP,
) -> Best | None:
    """Return the best of several judges, and what being the best of them is worth; None of no item.

    The luck is the expected maximum of normal errors with the covariance of the shares (CR1, Liang
    & Zeger 1986, over prompts). Judges that err on the same items have little of it.

    Args:
        said: Name of each judge -> (n,) codes, -1 without a verdict.
        truth: (n,) codes of what is right, -1 where that is unknown.
        clusters: (n,) prompt of each.
        draws: How many errors are drawn, and from which seed.
    """
    inside = truth >= 0
    n, groups = int(inside.sum()), np.unique(clusters[inside]).size
    if not (n and said):
        return None
    name, rows = choose(said, truth, inside)
    share = next(row.share for row in rows if row.name == name)
    if groups < 2:
        return Best(name, share, n, len(said), 0.0)
    right = [says_it(codes, truth)[inside] for codes in said.values()]
    pull = np.stack([cluster_sums((one - one.mean()) / n, clusters[inside]) for one in right])
    covariance = groups / (groups - 1) * pull @ pull.T
    rng = np.random.default_rng(draws.seed)
    errors = rng.multivariate_normal(
        np.zeros(len(said)), covariance, draws.replicates, method="eigh"
    )
    return Best(name, share, n, len(said), float(errors.max(1).mean()))
