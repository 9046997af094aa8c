"""From judgments to rating tables, one for each criterion and way of judging."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.scale import PREFERENCE, Scale
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo
from harness.ratings.both_orders import Vote, combine_orders
from harness.ratings.evidence import NOTHING, Evidence, OrderVerdicts
from harness.ratings.pairs import votes_from_scores
from harness.ratings.table import MISSING, RatingTable, from_labels
from harness.statistics.arrays import IntArray

EVERY = ""
"""In place of a criterion: all of them."""


@dataclass(frozen=True)
class JudgmentTable:
    """Judgments on one criterion, ready for the agreement report.

    Args:
        criterion: Id of the criterion.
        pairwise: Whether the labels are A, TIE and B.
        table: The ratings; rows are requests.
        evidence: Verdicts of the judges that saw both orders, stated probabilities, and the second
            of repeated samples; for ``agreement_report(table, evidence=...)``.
    """

    criterion: str
    pairwise: bool
    table: RatingTable
    evidence: Evidence = NOTHING


def tables_from_judgments(
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    infos: Mapping[str, SourceInfo],
    *,
    scores_as_pairs: bool = False,
) -> list[JudgmentTable]:
    """Return one table for each (criterion, pairwise or pointwise) that has judgments.

    An annotator is a column; of its repeated samples the first counts, the others are for
    test-retest. Both orders of a pair are one label: equal verdicts stand, unequal ones are a tie.
    Listwise judgments take no part. Items with the same metadata "cluster" are one cluster.

    Args:
        requests: What was asked.
        judgments: What came back, failures included.
        infos: Name of each source -> who it is (its kind, and whether it is simulated).
        scores_as_pairs: Put all into one table of the pairs, where the scores of an annotator on
            the responses of a pair are compared (``ratings.pairs``).

    Raises:
        DataError: A judgment is about an unknown request or from an unknown source.
    """
    by_id = {request.id: request for request in requests}
    groups: dict[tuple[str, str], list[Judgment]] = {}
    for judgment in judgments:
        request = by_id.get(judgment.request_id)
        if request is None:
            raise DataError(f"a judgment is about an unknown request {judgment.request_id!r}")
        if judgment.source not in infos:
            raise DataError(f"a judgment is from an unknown source {judgment.source!r}")
        if request.way != "listwise":
            key = (EVERY, "pairwise") if scores_as_pairs else (request.criterion.id, request.way)
            groups.setdefault(key, []).append(judgment)
    tables = []
    for (criterion, way), members in groups.items():
        rows = [r for r in requests if r.way == way and criterion in (EVERY, r.criterion.id)]
        if not rows:
            raise DataError("scores cannot be compared: there is no pair of responses")
        tables.append(_table(rows, members, by_id, infos))
    return tables


def slice_of(request: JudgmentRequest) -> str:
    """Return the slice of a request's item, "" without one."""
    return str(request.item.metadata.get("slice", ""))


def annotator_name(source: str, annotator: str) -> str:
    """Return the column of an annotator: the source, or source/annotator where they differ."""
    return source if annotator in ("", source) else f"{source}/{annotator}"


@dataclass(frozen=True, slots=True)
class _Label:
    """What one sample of an annotator said of one row; ``stated`` is that its label is right."""

    row: str
    who: tuple[str, str]
    repeat: int
    label: str | None
    failure: str = ""
    stated: float | None = None


_NOTHING = _Label("", ("", ""), 0, None)


def _of_vote(vote: Vote) -> _Label:
    p = vote.probability if vote.stated and vote.choice != "TIE" else None
    stated = None if p is None else max(p, 1 - p)
    who = (vote.source, vote.annotator)
    return _Label(vote.request_id, who, vote.repeat, vote.choice, vote.failure, stated)


def _of_score(judgment: Judgment) -> _Label:
    key = (judgment.request_id, (judgment.source, judgment.annotator), judgment.repeat)
    verdict = judgment.verdict
    if verdict.status is Status.OK:
        return _Label(*key, _label(verdict.value), stated=verdict.probability)
    return _Label(*key, None, verdict.status.value)


def _label(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class _Panel:
    """The annotators of a table, in order of first appearance, and which sample is which.

    A source numbers its repeats over all its annotators: the second member of a jury gives its
    first sample as repeat 1.
    """

    judgments: Sequence[Judgment]

    @cached_property
    def repeats(self) -> dict[tuple[str, str], list[int]]:
        """(source, annotator) -> its repeats in order."""
        found: dict[tuple[str, str], set[int]] = {}
        for judgment in self.judgments:
            found.setdefault((judgment.source, judgment.annotator), set()).add(judgment.repeat)
        return {who: sorted(repeats) for who, repeats in found.items()}

    @cached_property
    def sources(self) -> dict[str, str]:
        """Column -> source."""
        return {annotator_name(*who): who[0] for who in self.repeats}

    @cached_property
    def most(self) -> int:
        """How many samples the annotator with the most has."""
        return max(map(len, self.repeats.values()))

    def voices(self, samples: Sequence[Mapping[str, IntArray]]) -> dict[str, dict[str, IntArray]]:
        """Return source -> name of each of its voices -> codes, of sources that have several.

        Args:
            samples: Column -> codes of the first, second, ... sample.
        """
        found: dict[str, dict[str, IntArray]] = {}
        for who, repeats in self.repeats.items():
            name = annotator_name(*who)
            for number in range(len(repeats)):
                voice = f"{name} ({number + 1})" if len(repeats) > 1 else name
                found.setdefault(who[0], {})[voice] = samples[number][name]
        return {source: said for source, said in found.items() if len(said) > 1}

    def sample(
        self, number: int, labels: Iterable[_Label], rows: Sequence[str]
    ) -> dict[str, list[_Label]]:
        """Return column -> what the first, second, ... sample said of each row."""
        said = {
            (annotator_name(*one.who), one.row): one
            for one in labels
            if one.repeat in self.repeats[one.who][number : number + 1]
        }
        return {name: [said.get((name, row), _NOTHING) for row in rows] for name in self.sources}


def _table(
    rows: Sequence[JudgmentRequest],
    judgments: Sequence[Judgment],
    by_id: Mapping[str, JudgmentRequest],
    infos: Mapping[str, SourceInfo],
) -> JudgmentTable:
    pairwise = rows[0].way == "pairwise"
    of_pairs = [j for j in judgments if by_id[j.request_id].way == "pairwise"]
    if pairwise:
        pairs = {r.id: (r.item.id, r.responses[0].id, r.responses[1].id) for r in rows}
        scores = [j for j in judgments if by_id[j.request_id].way == "pointwise"]
        votes = votes_from_scores(pairs, by_id.values(), scores, samples_apart=True)
        labels = [_of_vote(vote) for vote in (*votes, *combine_orders(of_pairs))]
    else:
        labels = [_of_score(judgment) for judgment in judgments]
    panel, ids = _Panel(judgments), [row.id for row in rows]
    scale: Scale = PREFERENCE if pairwise else rows[0].criterion.scale
    samples = [panel.sample(number, labels, ids) for number in range(panel.most)]
    first = samples[0]
    if not pairwise:
        _need_one_scale(scale, judgments, by_id)
    table = from_labels(
        {name: [said.label for said in column] for name, column in first.items()},
        level=scale.level,
        categories=scale.labels or None,
        clusters=[str(row.item.metadata.get("cluster", row.item.id)) for row in rows],
        failures={name: [said.failure for said in column] for name, column in first.items()},
        tie="TIE" if pairwise else None,
    )
    table = replace(
        table,
        items=tuple(ids),
        slices=tuple(slice_of(row) for row in rows),
        sources=tuple(panel.sources.values()),
        kinds=tuple(infos[source].kind for source in panel.sources.values()),
        simulated=frozenset(name for name, of in panel.sources.items() if infos[of].simulated),
    )
    # A number is written as its category, "2", or as a float, "2.0".
    codes: dict[str | None, int] = {_label(float(x)): i for i, x in enumerate(table.values)}
    codes |= {label: i for i, label in enumerate(table.categories)} | {None: MISSING}
    coded = [
        {
            name: np.array([codes[said.label] for said in column], dtype=np.int64)
            for name, column in sample.items()
        }
        for sample in samples
    ]
    again = coded[1] if len(coded) > 1 else {}
    stated = {
        name: np.array([said.stated for said in column], dtype=np.float64)
        for name, column in first.items()
    }
    evidence = Evidence(
        orders=_orders(panel, ids, of_pairs, table),
        stated={name: p for name, p in stated.items() if not np.isnan(p).all()},
        retests={name: said for name, said in again.items() if (said >= 0).any()},
        voices=panel.voices(coded),
    )
    return JudgmentTable(rows[0].criterion.id, pairwise, table, evidence)


def _need_one_scale(
    scale: Scale, judgments: Sequence[Judgment], by_id: Mapping[str, JudgmentRequest]
) -> None:
    """Refuse scores that are none on the scale of the table, since their source has another one.

    Raises:
        DataError: Names the scales and who used them.
    """
    asked: dict[str, dict[str, None]] = {}
    off = False
    for judgment in judgments:
        own, value = by_id[judgment.request_id].criterion.scale, judgment.verdict.value
        asked.setdefault(own.describe(), {})[judgment.source] = None
        off = off or (own != scale and value is not None and not scale.contains(value))
    if off:
        raise DataError(
            "sources scored single responses on different scales, which are no labels of one table",
            details=[f"{', '.join(sources)}: {told}" for told, sources in asked.items()],
            hint="compare them by pairs: with --items and --responses each source prefers the"
            " response that it scored higher; or ask all of them on one scale",
        )


def _orders(
    panel: _Panel, rows: Sequence[str], judgments: Sequence[Judgment], table: RatingTable
) -> tuple[OrderVerdicts, ...]:
    """Return what the first sample of each judge of pairs said in each order."""
    row = {name: i for i, name in enumerate(rows)}
    code: Mapping[object, int] = {label: i for i, label in enumerate(table.categories)}
    seen: dict[str, dict[str, IntArray]] = {}
    for judgment in judgments:
        who = (judgment.source, judgment.annotator)
        first = judgment.repeat == panel.repeats[who][0]
        if judgment.order and first and judgment.verdict.status is Status.OK:
            columns = seen.setdefault(
                annotator_name(*who),
                {order: np.full(len(rows), MISSING, dtype=np.int64) for order in ("AB", "BA")},
            )
            columns[judgment.order][row[judgment.request_id]] = code[judgment.verdict.value]
    sides = (code["A"], code["B"], code["TIE"]) if seen else (0, 0, 0)
    return tuple(
        OrderVerdicts(name, both["AB"], both["BA"], table.clusters, *sides)
        for name, both in seen.items()
    )
