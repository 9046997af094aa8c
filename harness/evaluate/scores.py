"""What the evaluators said of each response, on the unit scale; failures keep their status."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.evaluate.clusters import clusters_of
from harness.evaluate.same_rule import Compared
from harness.evaluate.style import PLAIN, Style, characters, style_of
from harness.nouns.errors import DataError, InputError
from harness.nouns.outcomes import Status
from harness.nouns.scale import Scale, is_number
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceKind, Way

Direction = Literal["higher", "lower"]
"""Which values of an evaluator are the better ones."""


@dataclass(frozen=True, slots=True)
class EvaluatorInfo:
    """Who scores the policies.

    Args:
        name: The ``source`` of its judgments.
        kind: judge, verifier, human or reward_model.
        simulated: Whether its people are made up by a program.
        held_out_for: The arms to whose training it gave nothing, and of whose training no source
            has its rule; None where nobody knows what the policies were trained on.
        scale: Scale of its values, None when it takes that of the request's criterion.
        title: Shown instead of the name.
        direction: Whether a higher or a lower value is better.
        margin: A change of the mean within this counts as none, on the scale from 0 to 1; None
            where none is declared.
    """

    name: str
    kind: SourceKind
    simulated: bool = False
    held_out_for: frozenset[str] | None = frozenset()
    scale: Scale | None = None
    title: str = ""
    direction: Direction = "higher"
    margin: float | None = None
    compared: tuple[Compared, ...] = ()
    """How far it says what the sources of the training say."""
    same_rule: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Arm -> the sources of its training that have its rule."""
    way: Way = "pointwise"
    """Whether it scores single responses, or compares each with base's."""

    def __post_init__(self) -> None:
        """Refuse a margin that no change of a mean could be held against.

        Raises:
            InputError: It is no number above 0 and below 1, or of a win rate, which is at most .5
                from even, none below .5.
        """
        if self.margin is not None and not (is_number(self.margin) and 0 < self.margin < 1):
            raise InputError(
                f"the margin of {self.name} is {self.margin!r}, no number above 0 and below 1",
                hint="scores are compared on the scale from 0 to 1: 0.05 is five points of it",
            )
        if self.margin is not None and self.way != "pointwise" and self.margin >= 0.5:
            raise InputError(
                f"the margin of {self.name} is {self.margin}, but no win rate is further than 0.5"
                " from even",
                hint="name a smaller one: 0.05 counts rates from 45% to 55% as even",
            )


@dataclass(frozen=True, slots=True)
class Scored:
    """One response with one evaluator's score in [0, 1], None with the status that says why."""

    item_id: str
    cluster: str
    policy: str
    seed: int
    value: float | None
    status: Status
    length: int = 0
    """Of the response, in characters."""
    answered: bool = True
    """Whether there is a response; where there is none, this stands for the item."""
    style: Style = PLAIN
    """Of the response."""


Scores = Mapping[tuple[str, str], Sequence[Scored]]
"""(evaluator, policy) -> its responses, in their order."""


def slice_of(item: Item) -> str:
    """Return the kind of item that this is, empty where it has none."""
    return str(item.metadata.get("slice", ""))


def score_responses(
    items: Iterable[Item],
    responses: Mapping[tuple[str, int], Sequence[Response]],
    requests: Iterable[JudgmentRequest],
    judgments: Iterable[Judgment],
    evaluators: Sequence[EvaluatorInfo],
) -> Scores:
    """Bring judgments to one score per evaluator and response: the mean of those that are OK.

    A response is known by its item, id and text, so that files of several policies may call their
    responses alike. An item without a response of a policy and seed has a row without a score.

    Raises:
        DataError: An item is unknown, a policy has a response id twice, or a request is not
            pointwise.
        ScaleError: A value is not on its scale.
    """
    clusters = clusters_of(items)
    for (policy, seed), answers in responses.items():
        where, known = f"policy {policy}, seed {seed}", set[str]()
        for response in answers:
            if response.item_id not in clusters:
                raise DataError(
                    f"response {response.id!r} answers unknown item {response.item_id!r}",
                    where=where,
                )
            if response.id in known:
                raise DataError(
                    f"response id {response.id!r} occurs twice",
                    where=where,
                )
            known.add(response.id)
    asked = {request.id: request for request in requests}
    for request in asked.values():
        if len(request.responses) != 1:
            raise DataError(
                f"request {request.id!r} has {len(request.responses)} responses",
                hint="evaluators score responses one by one",
            )
    scales = {evaluator.name: evaluator.scale for evaluator in evaluators}
    values: defaultdict[tuple[str, _Thing], list[float]] = defaultdict(list)
    failures: defaultdict[tuple[str, _Thing], Counter[Status]] = defaultdict(Counter)
    for judgment in judgments:
        asked_for = asked.get(judgment.request_id)
        if asked_for is None or judgment.source not in scales:
            continue
        key = judgment.source, _thing(asked_for.responses[0])
        if judgment.verdict.status is Status.OK:
            scale = scales[judgment.source] or asked_for.criterion.scale
            values[key].append(scale.to_unit(judgment.verdict.value))
        else:
            failures[key][judgment.verdict.status] += 1

    styles: dict[str, Style] = {}

    def score(evaluator: str, response: Response, policy: str, seed: int) -> Scored:
        key = evaluator, _thing(response)
        value, status = None, Status.MISSING
        if key in values:
            value, status = math.fsum(values[key]) / len(values[key]), Status.OK
        elif key in failures:
            status = min(failures[key], key=lambda s: (-failures[key][s], s.value))
        cluster = clusters[response.item_id]
        style = styles.get(response.text)
        if style is None:
            style = styles.setdefault(response.text, style_of(response.text))
        return Scored(
            response.item_id,
            cluster,
            policy,
            seed,
            value,
            status,
            characters(response.text),
            style=style,
        )

    scores: defaultdict[tuple[str, str], list[Scored]] = defaultdict(list)
    for evaluator in evaluators:
        for (policy, seed), answers in responses.items():
            scores[evaluator.name, policy] += [
                score(evaluator.name, response, policy, seed) for response in answers
            ]
            scores[evaluator.name, policy] += [
                Scored(item, clusters[item], policy, seed, None, Status.MISSING, answered=False)
                for item in unanswered(clusters, answers)
            ]
    return scores


def unanswered(items: Iterable[str], answers: Iterable[Response]) -> list[str]:
    """Return the items to which there is no response, by id."""
    answered = {response.item_id for response in answers}
    return [item for item in items if item not in answered]


_Thing = tuple[str, str, str]


def _thing(response: Response) -> _Thing:
    """Return what an evaluator is shown of a response, and its id."""
    return response.item_id, response.id, response.text


def known(rows: Sequence[Scored]) -> list[tuple[Scored, float]]:
    """Return the rows that have a score, with it."""
    return [(row, row.value) for row in rows if row.value is not None]


def values_of(rows: Sequence[Scored]) -> tuple[list[float], list[str]]:
    """Return the scores that there are, and the cluster of each."""
    return [value for _, value in known(rows)], [row.cluster for row, _ in known(rows)]


def coverage_of(rows: Sequence[Scored]) -> dict[str, Any]:
    """Return how many responses have a score, and why the others have none.

    An item without a response counts in the coverage as one that has no score.
    """
    responses = [row for row in rows if row.answered]
    failures = Counter(row.status.value for row in responses if row.value is None)
    scored = len(known(rows))
    return {
        "responses": len(responses),
        "unanswered": len(rows) - len(responses),
        "n": scored,
        "coverage": scored / len(rows) if rows else None,
        "failures": dict(sorted(failures.items())),
    }


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Return the chance that at least one of k samples passes, without bias.

    1 - C(n - c, k) / C(n, k) (Chen et al. 2021, "Evaluating Large Language Models Trained on Code",
    section 2.1).

    Args:
        n: Samples drawn.
        correct: How many of them passed.
        k: Samples allowed, at most n.

    Raises:
        InputError: k is above n or below 1, or more passed than were drawn.
    """
    if not 1 <= k <= n or not 0 <= correct <= n:
        raise InputError(f"pass@k needs 1 <= k <= n and 0 <= c <= n, got {k=}, {n=}, c={correct}")
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)
