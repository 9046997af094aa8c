"""Same rule as training: an evaluator that says what a source of the training says is no other."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.agreement.same_rule import (
    FEWEST_SHARED,
    SAME_RULE,
    kappa_of_choices,
    kappa_of_scores,
)
from harness.evaluate.clusters import clusters_of
from harness.nouns.errors import ScaleError
from harness.nouns.outcomes import Status
from harness.nouns.scale import Scale
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.ratings.both_orders import combine_orders
from harness.statistics.estimate import Estimate

__all__ = ["FEWEST_SHARED", "SAME_RULE", "Compared", "Said", "compared_rules", "not_compared"]

On = Literal["responses", "pairs", ""]
_Text = tuple[str, str]
"""Item id and text of a response: what two policies said alike is one response."""
_Pair = tuple[str, str, str]
"""Item id and both texts."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one source said.

    Args:
        requests: What it was asked.
        judgments: What came back; those of other sources are ignored.
        source: Its name on the judgments.
        scale: Of its values, None when it takes that of the request's criterion.
    """

    requests: Sequence[JudgmentRequest]
    judgments: Sequence[Judgment]
    source: str
    scale: Scale | None = None

    @property
    def of_pairs(self) -> bool:
        """Whether it compared pairs."""
        return any(request.way == "pairwise" for request in self.requests)

    @staticmethod
    def together(parts: Sequence[Said]) -> Said:
        """Return all that one source said."""
        requests = [request for part in parts for request in part.requests]
        judgments = [judgment for part in parts for judgment in part.judgments]
        return Said(requests, judgments, parts[0].source, parts[0].scale)


@dataclass(frozen=True, slots=True)
class Compared:
    """An evaluator held against a source of the training.

    Args:
        source: The source of the training.
        on: Whether they were compared on responses or on pairs; empty where they were not.
        kappa: How far one follows from the other; no value with the reason.
        failures: Shared responses, or pairs, of which one of the two has no verdict.
    """

    source: str
    on: On
    kappa: Estimate
    failures: int = 0

    @property
    def same(self) -> bool:
        """Whether they have the same rule."""
        return self.kappa.value is not None and self.kappa.value >= SAME_RULE

    @property
    def near(self) -> bool:
        """Whether they may have the same rule, for all that the interval tells."""
        high = self.kappa.high
        return not self.same and high is not None and high >= SAME_RULE

    @property
    def unknown(self) -> bool:
        """Whether they were compared, and that tells nothing."""
        return bool(self.on) and self.kappa.value is None

    def as_row(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        found = self.kappa
        return {
            "source": self.source,
            "on": self.on or None,
            "kappa": found.value,
            "low": found.low,
            "high": found.high,
            "n": found.n,
            "failures": self.failures,
            "reason": found.reason,
        }


def not_compared(source: str, reason: str) -> Compared:
    """Return that an evaluator was not held against a source, and why."""
    return Compared(source, "", Estimate(None, reason=reason))


def compared_rules(source: str, evaluator: Said, teacher: Said) -> Compared:
    """Hold an evaluator against a source of the training on what both said something of.

    Scores are compared on the responses that both were asked about; where one of the two compared
    pairs, the sign of the difference of two scores is held against its choice (of several people
    or samples: the commonest; where there is none, a tie).

    Args:
        source: Name of the source of the training.
        evaluator: What the evaluator said, of single responses or of pairs.
        teacher: What the source said, likewise.
    """
    requests = (*evaluator.requests, *teacher.requests)
    items = {request.item.id: request.item for request in requests}
    clusters = clusters_of(items.values())
    on: On = "pairs" if teacher.of_pairs or evaluator.of_pairs else "responses"
    mine, given = _both(evaluator, teacher)
    shared = [key for key in given if key in mine]
    both = [
        (one, other, clusters[key[0]])
        for key in shared
        if (one := mine[key]) is not None and (other := given[key]) is not None
    ]
    values = np.array([row[0] for row in both], dtype=np.float64).round(9)
    others = np.array([row[1] for row in both], dtype=np.float64).round(9)
    groups = np.unique([row[2] for row in both], return_inverse=True)[1].astype(np.int64)
    if on == "pairs":
        kappa = kappa_of_choices(values, others.astype(np.int64), groups)
    else:
        kappa = kappa_of_scores(values, others, groups)
    return Compared(source, on, kappa, len(shared) - len(both))


def _both(
    evaluator: Said, teacher: Said
) -> tuple[Mapping[Any, float | None], Mapping[Any, float | None]]:
    """Return what can be held against each other; the second are choices where there are any."""
    if evaluator.of_pairs and teacher.of_pairs:
        return _one_way_round(_choices(evaluator)), _one_way_round(_choices(teacher))
    if evaluator.of_pairs or teacher.of_pairs:  # kappa is the same whichever of them compared
        compares, scores = (evaluator, teacher) if evaluator.of_pairs else (teacher, evaluator)
        chosen = _choices(compares)
        return _gaps(_scores(scores), chosen), chosen
    return _scores(evaluator), _scores(teacher)


def _one_way_round(choices: Mapping[_Pair, float | None]) -> dict[_Pair, float | None]:
    """Return choices in pairs whose texts stand in one order, whoever stood first."""
    return {
        key if key[1] <= key[2] else (key[0], key[2], key[1]): chosen
        if key[1] <= key[2] or chosen is None
        else -chosen
        for key, chosen in choices.items()
    }


def _gaps(
    scores: Mapping[_Text, float | None], pairs: Iterable[_Pair]
) -> dict[_Pair, float | None]:
    """Return the differences of scores in the pairs of which both responses were asked about."""
    gaps: dict[_Pair, float | None] = {}
    for item, *texts in pairs:
        if all((item, text) in scores for text in texts):
            first, second = (scores[item, text] for text in texts)
            gap = None if first is None or second is None else first - second
            gaps[item, texts[0], texts[1]] = gap
    return gaps


def _scores(said: Said) -> dict[_Text, float | None]:
    """Return the mean score of each response; None where there is no verdict on its scale."""
    asked = {one.id: one for one in said.requests if one.way == "pointwise"}
    values: defaultdict[_Text, list[float]] = defaultdict(list)
    for judgment in said.judgments:
        request = asked.get(judgment.request_id)
        if request is None or judgment.source != said.source:
            continue
        key = request.item.id, request.responses[0].text
        found = values[key]
        if judgment.verdict.status is Status.OK:
            try:
                scale = said.scale or request.criterion.scale
                found.append(scale.to_unit(judgment.verdict.value))
            except ScaleError:
                continue
    return {key: math.fsum(found) / len(found) if found else None for key, found in values.items()}


_WORTH = {"A": 1.0, "TIE": 0.0, "B": -1.0}


def _choices(said: Said) -> dict[_Pair, float | None]:
    """Return what was chosen in each pair: 1 the first, -1 the second, 0 a tie, None nothing."""
    asked = {one.id: one for one in said.requests if one.way == "pairwise"}
    votes: defaultdict[_Pair, Counter[float]] = defaultdict(Counter)
    mine = (one for one in said.judgments if one.source == said.source and one.request_id in asked)
    for vote in combine_orders(mine):
        request = asked[vote.request_id]
        first, second = (response.text for response in request.responses)
        found = votes[request.item.id, first, second]
        if vote.choice is not None:
            found[_WORTH[vote.choice]] += 1
    chosen: dict[_Pair, float | None] = {}
    for key, found in votes.items():
        ranked = found.most_common(2)
        even = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
        chosen[key] = (0.0 if even else ranked[0][0]) if ranked else None
    return chosen
