"""From the journal's judgments to rating tables, one for each criterion and way of judging."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.scale import PREFERENCE, Scale
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo
from harness.ratings.both_orders import combine_orders
from harness.ratings.evidence import NOTHING, Evidence
from harness.ratings.orders import OrderVerdicts
from harness.ratings.table import MISSING, RatingTable, from_labels
from harness.statistics.arrays import FloatArray


@dataclass(frozen=True)
class JudgmentTable:
    """Judgments on one criterion, ready for the agreement report.

    Args:
        criterion: Id of the criterion.
        pairwise: Whether the labels are A, TIE and B.
        table: The ratings; rows are requests.
        orders: Verdicts of the judges that saw both orders.
        sources: Annotator -> its source.
        evidence: The orders again, stated probabilities, and the second of repeated samples; for
            ``agreement_report(table, evidence=...)``.
    """

    criterion: str
    pairwise: bool
    table: RatingTable
    orders: tuple[OrderVerdicts, ...]
    sources: Mapping[str, str]
    evidence: Evidence = NOTHING


def tables_from_judgments(
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    infos: Mapping[str, SourceInfo],
    *,
    cluster_of: Callable[[JudgmentRequest], str] | None = None,
) -> list[JudgmentTable]:
    """Return one table for each (criterion, pairwise or pointwise) that has judgments.

    An annotator is a column; of its repeated samples the first counts, the others are for
    test-retest.
    Both orders of a pair are one label: equal verdicts stand, unequal ones are a tie. Listwise
    judgments take no part.

    Args:
        requests: What was asked.
        judgments: What came back, failures included.
        infos: Name of each source -> who it is (its kind, and whether it is simulated).
        cluster_of: Name of the cluster of a request; by default the item's metadata "cluster", or
            the item itself.

    Raises:
        DataError: A judgment is about an unknown request or from an unknown source.
    """
    cluster_of = cluster_of or _cluster
    by_id = {request.id: request for request in requests}
    groups: dict[tuple[str, bool], list[Judgment]] = {}
    for judgment in judgments:
        request = by_id.get(judgment.request_id)
        if request is None:
            raise DataError(f"a judgment is about an unknown request {judgment.request_id!r}")
        if judgment.source not in infos:
            raise DataError(f"a judgment is from an unknown source {judgment.source!r}")
        if request.way != "listwise":
            groups.setdefault((request.criterion.id, request.way == "pairwise"), []).append(
                judgment
            )
    tables = []
    for (criterion, pairwise), members in groups.items():
        asked = [
            r
            for r in requests
            if r.criterion.id == criterion
            and r.way != "listwise"
            and (r.way == "pairwise") == pairwise
        ]
        build = _pair_table if pairwise else _point_table
        tables.append(build(criterion, asked, members, infos, cluster_of))
    return tables


def _cluster(request: JudgmentRequest) -> str:
    return str(request.item.metadata.get("cluster", request.item.id))


def annotator_name(judgment: Judgment) -> str:
    """Return the column of an annotator: the source, or source/annotator where they differ."""
    if judgment.annotator in ("", judgment.source):
        return judgment.source
    return f"{judgment.source}/{judgment.annotator}"


def _pair_table(
    criterion: str,
    requests: Sequence[JudgmentRequest],
    judgments: Sequence[Judgment],
    infos: Mapping[str, SourceInfo],
    cluster_of: Callable[[JudgmentRequest], str],
) -> JudgmentTable:
    names = _Names(judgments)
    row = {request.id: i for i, request in enumerate(requests)}
    labels = names.empty(len(requests))
    failures = {name: [""] * len(requests) for name in labels}
    stated = {name: np.full(len(requests), np.nan) for name in labels}
    again = names.empty(len(requests))
    for vote in combine_orders(judgments):
        name, i = names.of(vote.source, vote.annotator), row[vote.request_id]
        sample = names.sample_of(vote.source, vote.annotator, vote.repeat)
        if sample == 1:
            again[name][i] = vote.choice
        if sample:
            continue
        labels[name][i] = vote.choice
        failures[name][i] = vote.failure
        if vote.stated and vote.probability is not None and vote.choice != "TIE":
            stated[name][i] = max(vote.probability, 1 - vote.probability)
    table = _table(names, requests, labels, failures, infos, cluster_of, PREFERENCE, "TIE")
    orders = _orders(names, row, judgments, table)
    evidence = _evidence(table, orders, stated, again)
    return JudgmentTable(criterion, True, table, orders, names.sources, evidence)


def _evidence(
    table: RatingTable,
    orders: tuple[OrderVerdicts, ...],
    stated: Mapping[str, FloatArray],
    again: Mapping[str, Sequence[str | None]],
) -> Evidence:
    code = {label: i for i, label in enumerate(table.categories)}
    return Evidence(
        orders=orders,
        stated={name: p for name, p in stated.items() if not np.isnan(p).all()},
        retests={
            name: np.array([code.get(label or "", MISSING) for label in labels], dtype=np.int64)
            for name, labels in again.items()
            if any(label is not None for label in labels)
        },
    )


def _orders(
    names: _Names, row: Mapping[str, int], judgments: Sequence[Judgment], table: RatingTable
) -> tuple[OrderVerdicts, ...]:
    code: Mapping[object, int] = {label: i for i, label in enumerate(table.categories)}
    seen: dict[str, dict[str, list[int]]] = {}
    for judgment in judgments:
        sample = names.sample_of(judgment.source, judgment.annotator, judgment.repeat)
        if judgment.order == "" or sample or judgment.verdict.status is not Status.OK:
            continue
        columns = seen.setdefault(
            names.of(judgment.source, judgment.annotator),
            {"AB": [MISSING] * len(row), "BA": [MISSING] * len(row)},
        )
        columns[judgment.order][row[judgment.request_id]] = code[judgment.verdict.value]
    return tuple(
        OrderVerdicts(
            name,
            np.array(c["AB"]),
            np.array(c["BA"]),
            table.clusters,
            code["A"],
            code["B"],
            code["TIE"],
        )
        for name, c in seen.items()
    )


def _point_table(
    criterion: str,
    requests: Sequence[JudgmentRequest],
    judgments: Sequence[Judgment],
    infos: Mapping[str, SourceInfo],
    cluster_of: Callable[[JudgmentRequest], str],
) -> JudgmentTable:
    names = _Names(judgments)
    row = {request.id: i for i, request in enumerate(requests)}
    labels = names.empty(len(requests))
    failures = {name: [""] * len(requests) for name in labels}
    stated = {name: np.full(len(requests), np.nan) for name in labels}
    again = names.empty(len(requests))
    for judgment in judgments:
        name, i = names.of(judgment.source, judgment.annotator), row[judgment.request_id]
        verdict = judgment.verdict
        ok = verdict.status is Status.OK
        sample = names.sample_of(judgment.source, judgment.annotator, judgment.repeat)
        if sample == 1 and ok:
            again[name][i] = _label(verdict.value)
        if sample:
            continue
        if ok and verdict.probability is not None:
            stated[name][i] = verdict.probability
        labels[name][i] = _label(verdict.value) if ok else None
        failures[name][i] = "" if ok else verdict.status.value
    scale = requests[0].criterion.scale
    table = _table(names, requests, labels, failures, infos, cluster_of, scale, None)
    evidence = _evidence(table, (), stated, again)
    return JudgmentTable(criterion, False, table, (), names.sources, evidence)


def _label(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


class _Names:
    """Column names of the annotators, in order of first appearance, and which sample is the first.

    A source numbers its repeats over all its annotators: the second member of a jury gives its
    first sample as repeat 1.
    """

    def __init__(self, judgments: Sequence[Judgment]) -> None:
        self._names: dict[tuple[str, str], str] = {}
        repeats: dict[tuple[str, str], set[int]] = {}
        for judgment in judgments:
            who = judgment.source, judgment.annotator
            self._names.setdefault(who, annotator_name(judgment))
            repeats.setdefault(who, set()).add(judgment.repeat)
        self._samples = {who: sorted(found) for who, found in repeats.items()}
        self.sources = {name: source for (source, _), name in self._names.items()}

    def sample_of(self, source: str, annotator: str, repeat: int) -> int:
        return self._samples[source, annotator].index(repeat)

    def of(self, source: str, annotator: str) -> str:
        return self._names[source, annotator]

    def empty(self, n: int) -> dict[str, list[str | None]]:
        return {name: [None] * n for name in self._names.values()}


def _table(
    names: _Names,
    requests: Sequence[JudgmentRequest],
    labels: dict[str, list[str | None]],
    failures: dict[str, list[str]],
    infos: Mapping[str, SourceInfo],
    cluster_of: Callable[[JudgmentRequest], str],
    scale: Scale,
    tie: str | None,
) -> RatingTable:
    return from_labels(
        labels,
        level=scale.level,
        categories=scale.labels or None,
        kinds={name: infos[source].kind for name, source in names.sources.items()},
        items=[request.id for request in requests],
        clusters=[cluster_of(request) for request in requests],
        failures=failures,
        simulated=[name for name, source in names.sources.items() if infos[source].simulated],
        tie=tie,
    )
