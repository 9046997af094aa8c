"""Counts of errors in growing sets, held against a limit in all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray

_DUST = 1e-15
_ROUNDS = 18
"""Halvings of the interval in which the level lies, on a logarithmic scale."""


def uniform_level(sizes: IntArray, share: float, delta: float) -> float:
    """Return the level at which each of several sets may be tested, all together at ``delta``.

    The sets are nested, as what lies above falling thresholds is. A set is called good where its
    errors have a lower-tail probability of at most the level under Binomial(size, share). If errors
    come at that share everywhere, any set is called good with a chance of at most ``delta``; that
    chance is exact, by the distribution of the count of errors that has not crossed yet. Sets that
    share most of their members fail together, so the level is several times Bonferroni's.

    Args:
        sizes: (k,) how many lie in each set, rising.
        share: Share of errors that a good set stays below.
        delta: Chance of calling any set good that is not.
    """
    return _level(tuple(np.asarray(sizes).tolist()), float(share), float(delta))


@lru_cache(maxsize=64)
def _level(of: tuple[int, ...], share: float, delta: float) -> float:
    sizes = np.array(of, dtype=np.int64)
    steps = _steps(sizes, share)
    if sizes.size < 2 or _chance(steps, most_errors(sizes, share, delta)) <= delta:
        return delta
    low, high = np.log(delta / sizes.size), np.log(delta)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if _chance(steps, most_errors(sizes, share, float(np.exp(middle)))) <= delta:
            low = middle
        else:
            high = middle
    return float(np.exp(low))


def most_errors(sizes: IntArray, share: float, level: float) -> IntArray:
    """Return (k,) the most errors at which each set is good at a level; -1 where none is."""
    from scipy.stats import binom

    found = binom.ppf(level, sizes, share)  # the least count whose probability reaches the level
    above = binom.cdf(found, sizes, share) > level
    return np.asarray(found - above, dtype=np.int64)


_Counts = tuple[int, FloatArray]
"""The least count that has any chance, and the chances from it on."""


def _steps(sizes: IntArray, share: float) -> list[_Counts]:
    """Return the distribution of the errors that each set has more than the one before."""
    from scipy.stats import binom

    known: dict[int, _Counts] = {}
    more = np.diff(sizes, prepend=0).tolist()
    for size in set(more):
        known[size] = _trimmed(0, binom.pmf(np.arange(size + 1), size, share))
    return [known[size] for size in more]


def _trimmed(least: int, chances: FloatArray) -> _Counts:
    some = np.flatnonzero(chances > _DUST)
    if not some.size:
        return least, np.zeros(1)
    return least + int(some[0]), chances[some[0] : some[-1] + 1]


def _chance(steps: Sequence[_Counts], limits: IntArray) -> float:
    """Return the chance that the errors of any set are at most its limit."""
    crossed, least, alive = 0.0, 0, np.ones(1)
    for (lowest, more), limit in zip(steps, limits.tolist(), strict=True):
        least, alive = least + lowest, np.convolve(alive, more)
        below = max(0, limit + 1 - least)
        crossed += float(alive[:below].sum())
        alive[:below] = 0.0
        least, alive = _trimmed(least, alive)
    return crossed
