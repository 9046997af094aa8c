"""What sources said of single responses: passed or failed, one verdict for each source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from harness.nouns.errors import ScaleError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.ratings.evidence import Singles
from harness.ratings.judgments import slice_of
from harness.ratings.table import MISSING

PASSED = 0.5
"""A response passes whose scores lie above this on average, on the scale from 0 to 1."""


def singles_of(
    requests: Sequence[JudgmentRequest], judgments: Iterable[Judgment]
) -> Singles | None:
    """Return who passed which response; None where nobody judged single responses.

    A source passes a response if the mean of its scores on the scale from 0 to 1, over annotators,
    samples and criteria, lies above one half; at one half it is of two minds and has no verdict.
    Labels that have no place on that scale say nothing of right and wrong.
    """
    asked = {request.id: request for request in requests if request.way == "pointwise"}
    rows: dict[tuple[str, str], JudgmentRequest] = {}
    for request in asked.values():
        rows.setdefault((request.item.id, request.responses[0].id), request)
    scores: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for judgment in judgments:
        one = asked.get(judgment.request_id)
        if one is None or judgment.verdict.status is not Status.OK:
            continue
        try:
            unit = one.criterion.scale.to_unit(judgment.verdict.value)
        except ScaleError:
            continue
        scores[judgment.source][one.item.id, one.responses[0].id].append(unit)
    if not scores:
        return None
    keys = list(rows)
    clusters = [str(r.item.metadata.get("cluster", r.item.id)) for r in rows.values()]
    return Singles(
        {source: np.array([_passes(said.get(key, ())) for key in keys], dtype=np.int64)
         for source, said in scores.items()},
        np.unique(clusters, return_inverse=True)[1].astype(np.int64),
        tuple(slice_of(request) for request in rows.values()),
        tuple(clusters),
    )  # fmt: skip


def _passes(scores: Sequence[float]) -> int:
    mean = sum(scores) / len(scores) if scores else PASSED
    return MISSING if abs(mean - PASSED) < 1e-9 else int(mean > PASSED)
