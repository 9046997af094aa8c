"""The one verdict of a source that has several voices, made as the arms of a run make it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.aggregate import aggregate_judgments
from harness.experiment.arms import STACKING, aggregator
from harness.experiment.config import ArmConfig
from harness.nouns.errors import ScaleError
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.ratings.evidence import Evidence, Pool
from harness.ratings.judgments import JudgmentTable
from harness.ratings.table import MISSING, RatingTable
from harness.statistics.arrays import IntArray

REWARD = "mean of scores"
"""How an online trainer makes one reward of what a source says of a response."""
USUAL = ArmConfig.model_fields["aggregation"].default
"""How verdicts become one where no arm says how."""
_NEAR = 1e-9


def ways_of(arms: Iterable[ArmConfig], pointwise: Iterable[str]) -> dict[str, list[str]]:
    """Return source -> the ways in which arms make one verdict of what it says.

    Stacking learns to read annotators from the people themselves, so a source by itself is pooled
    in the usual way.

    Args:
        arms: Of an experiment.
        pointwise: Sources that judge single responses, which online trainers ask themselves.
    """
    alone, found = set(pointwise), dict[str, list[str]]()
    for arm in arms:
        way = USUAL if arm.aggregation == STACKING else arm.aggregation
        for name in arm.sources:
            used = REWARD if arm.online and name in alone else way
            if used not in found.setdefault(name, []):
                found[name].append(used)
    return found


def with_pools(
    found: JudgmentTable,
    requests: Sequence[JudgmentRequest],
    judgments: Sequence[Judgment],
    ways: Mapping[str, Sequence[str]],
    people: str = "",
) -> Evidence:
    """Return the evidence of a table with the one verdict of each source that has several voices.

    Args:
        found: The table.
        requests: What was asked.
        judgments: What came back.
        ways: How each source is used (``ways_of``); the usual way for one that is not in it.
        people: Those that the sources are held against; they need no one verdict.
    """
    pools = {}
    for source in found.evidence.voices.keys() - {people}:
        said = [judgment for judgment in judgments if judgment.source == source]
        made = []
        for how in ways.get(source, (USUAL,)):
            try:
                made.append(Pool(how, _codes(found, requests, said, how)))
            except ScaleError:  # these labels make no reward, so nothing is trained on them
                made = []
                break
        if made:
            pools[source] = made
    return replace(found.evidence, pools=pools)


def _codes(
    found: JudgmentTable, requests: Sequence[JudgmentRequest], said: Sequence[Judgment], how: str
) -> IntArray:
    table = found.table
    asked = {request.id: request for request in requests}
    rows = [asked[name] for name in table.items]
    heard = {judgment.request_id for judgment in said}
    if how == REWARD or not found.pairwise:
        points = [r for r in requests if r.id in heard and r.way == "pointwise"]
        said = [judgment for judgment in said if asked[judgment.request_id].way == "pointwise"]
        method = aggregator("mean" if how == REWARD else how)
        rewards = {
            (reward.item_id, reward.response_id): reward.value
            for reward in aggregate_judgments(method, points, said, {}).rewards
        }
        values = [[rewards.get((r.item.id, one.id)) for one in r.responses] for r in rows]
        if found.pairwise:
            return _compared(values, table)
        return _nearest([value for (value,) in values], rows, table)
    used = [r for r in requests if r.id in heard or r.way == "pairwise"]
    result = aggregate_judgments(aggregator(how), used, said, {})
    chosen = {
        (one.item_id, frozenset((one.chosen_id, one.rejected_id))): one.chosen_id
        for one in result.preferences
    }
    tied = {(item, frozenset(both)) for item, *both in result.ties}
    codes = np.full(len(rows), MISSING, dtype=np.int64)
    for number, row in enumerate(rows):
        first, second = (one.id for one in row.responses)
        key = row.item.id, frozenset((first, second))
        if key in chosen:
            codes[number] = table.categories.index("A" if chosen[key] == first else "B")
        elif key in tied:
            codes[number] = table.categories.index("TIE")
    return codes


def _compared(values: Sequence[Sequence[float | None]], table: RatingTable) -> IntArray:
    codes = np.full(len(values), MISSING, dtype=np.int64)
    for number, (first, second) in enumerate(values):
        if first is not None and second is not None:
            label = "TIE" if abs(first - second) < _NEAR else "A" if first > second else "B"
            codes[number] = table.categories.index(label)
    return codes


def _nearest(
    values: Sequence[float | None], rows: Sequence[JudgmentRequest], table: RatingTable
) -> IntArray:
    """Return the label nearest to each reward, none in the middle between two."""
    scale = rows[0].criterion.scale
    labels = (
        (False, True) if scale.is_binary else table.values if scale.is_numeric else table.categories
    )
    units = np.array([scale.to_unit(float(x) if scale.is_numeric else x) for x in labels])
    codes = np.full(len(values), MISSING, dtype=np.int64)
    for number, value in enumerate(values):
        if value is not None:
            far = np.abs(units - value)
            near = np.flatnonzero(far < far.min() + _NEAR)
            codes[number] = near[0] if near.size == 1 else MISSING
    return codes
