"""Whether the held-out gold reward of a training fell from its peak, seen by the evaluation too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from harness.evaluate.clusters import clusters_of
from harness.evaluate.scores import EvaluatorInfo, known, score_responses
from harness.experiment.experiment import Experiment
from harness.experiment.stages.evaluate import Evaluation
from harness.experiment.stages.respond import BASE
from harness.experiment.stages.train import TrainedPolicy
from harness.statistics.falls import Fall, Look, fall_from_peak
from harness.statistics.overoptimisation import Point, fit_forms
from harness.train.alarms import gold_looks, proxies, risen


def gold_falls(
    experiment: Experiment, evaluation: Evaluation, trained: Sequence[TrainedPolicy]
) -> list[dict[str, Any]]:
    """Return what became of gold in each training, whatever its trainer.

    By `fall_from_peak` over all trainings together, with what the same evaluator says of the
    trained policy's answers to the same items in the evaluation.

    Returns:
        Rows of ``arm``, ``seed``, ``gold`` (the evaluator that was watched), its ``direction`` (of
        one of which lower is better, the rise from its lowest look), the fields of `Fall`,
        and ``proxy``: ``before`` and ``after`` of what was optimised where that clearly rose.
        Nothing where nothing was watched.
    """
    gold = experiment.config.evaluation.monitor
    if gold is None:
        return []
    logs = {(one.arm, one.seed): one.log() for one in trained}
    looks = {
        key: [look[gold] for row in log if gold in (look := gold_looks(row))]
        for key, log in logs.items()
    }
    scores = _scores(experiment, evaluation, gold)
    clusters = clusters_of(experiment.evaluation)
    number, direction = sum(map(bool, looks.values())), _direction(experiment, gold)
    rows = []
    for one in trained:
        key = one.arm, one.seed
        if one.watched:
            fall = fall_from_peak(
                looks[key],
                clusters,
                trainings=max(1, number),
                final=scores.get(key),
                base=scores.get((BASE, one.seed)),
                lower=direction == "lower",
            )
        else:
            fall = _watched_otherwise(looks[key])
        rise = risen(proxies(logs[key]))
        proxy = {"before": rise[0], "after": rise[1]} if rise else None
        who = {"arm": one.arm, "seed": one.seed, "gold": gold, "direction": direction}
        rows.append({**who, **fall.as_row(), "proxy": proxy})
    return rows


def _direction(experiment: Experiment, gold: str | None) -> str:
    """Return which scores of the evaluator that was watched are better."""
    read = experiment.config.evaluation.evaluators.get(gold or "")
    return "higher" if read is None else read.direction


def overoptimisation(
    experiment: Experiment, trained: Sequence[TrainedPolicy]
) -> list[dict[str, Any]]:
    """Return the forms of Gao et al. (2023) fitted to the gold reward of each arm's looks.

    Over all its trainings, each prompt's gain being that since the first look of its training; of
    an evaluator of which lower is better it is what was lost.

    Returns:
        Rows of ``arm`` and the fields of `Fit`; nothing where nothing was watched.
    """
    gold = experiment.config.evaluation.monitor
    clusters = clusters_of(experiment.evaluation)
    sign = -1.0 if _direction(experiment, gold) == "lower" else 1.0
    points: dict[str, list[Point]] = {}
    for one in trained if gold is not None else ():
        own = points.setdefault(one.arm, [])
        start: Look | None = None
        for row in one.log() if one.watched else ():
            look, distance = gold_looks(row).get(str(gold)), row.get("held_out/kl_sequence")
            if look is None or not isinstance(distance, int | float):
                continue
            if start is None:
                start = look
                continue
            gains = {
                p: sign * (value - start.gold[p])
                for p, value in look.gold.items()
                if p in start.gold
            }
            own.append(Point(math.sqrt(max(0.0, distance)), gains))
    return [{"arm": arm, **fit_forms(own, clusters).as_row()} for arm, own in points.items()]


def _watched_otherwise(looks: Sequence[Look]) -> Fall:
    reason = "it was watched as an earlier version of the experiment said"
    return Fall("unknown", looks=len(looks), reason=reason)


def _scores(
    experiment: Experiment, evaluation: Evaluation, gold: str
) -> dict[tuple[str, int], dict[str, float]]:
    """Return the gold reward of each item in the evaluation, by policy and seed."""
    judged = evaluation.judged[gold]
    info = judged.source.info
    scores = score_responses(
        experiment.evaluation,
        evaluation.responses,
        judged.requests,
        judged.judgments,
        [EvaluatorInfo(gold, info.kind, scale=info.scale)],
    )
    found: dict[tuple[str, int], dict[str, list[float]]] = {}
    for policy in dict.fromkeys(policy for policy, _ in evaluation.responses):
        for row, value in known(scores.get((gold, policy), ())):
            own = found.setdefault((policy, row.seed), {})
            own.setdefault(row.item_id, []).append(value)
    return {
        key: {item: sum(values) / len(values) for item, values in own.items()}
        for key, own in found.items()
    }
