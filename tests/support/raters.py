"""Ratings for tests of statistics: from a contingency table, from codes."""

import numpy as np

from harness.agreement.kappa import Pairs
from harness.ratings.table import RatingTable


def pairs_from_contingency(contingency):
    """The items of a (c, c) table of counts, each a cluster of its own."""
    c = contingency.shape[0]
    flat = np.repeat(np.arange(c * c), contingency.ravel())
    return Pairs(flat // c, flat % c, np.arange(flat.size), c)


def table_of(codes, people, clusters, categories, names=None):
    """The table of (n, a) codes; columns that are no people are judges."""
    n, a = codes.shape
    return RatingTable(
        items=tuple(map(str, range(n))),
        annotators=tuple(names or map(str, range(a))),
        codes=codes,
        categories=tuple(map(str, range(categories))),
        values=np.arange(categories, dtype=float),
        level="nominal",
        kinds=tuple("human" if k in people else "judge" for k in range(a)),
        clusters=np.asarray(clusters),
        failures=np.zeros_like(codes),
    )
