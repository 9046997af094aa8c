"""People's labels that are a judge's, one by one: they say nothing of who is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.ratings.table import RatingTable

FEWEST = 10
"""Fewer labels than this may be equal by chance."""


def with_copies(table: RatingTable) -> RatingTable:
    """Return a table that says which people's columns are a judge's, label for label."""
    found = []
    for person in table.humans:
        for judge in table.judges:
            name = table.annotators[person]
            one, other = table.codes[:, person], table.codes[:, judge]
            both = (one >= 0) & (other >= 0)
            n, same = int(both.sum()), bool((one == other)[both].all())
            if same and n >= FEWEST and np.unique(one[both]).size > 1:
                found.append(
                    f"warning: the labels of {name} are those of {table.annotators[judge]} on all"
                    f" {n:,} rows that both labelled: a copy says nothing of who is right"
                )
    made_up = {table.annotators[k] for k in table.humans} <= table.simulated
    return table if made_up or not found else replace(table, notes=(*table.notes, *found))
