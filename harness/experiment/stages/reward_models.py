"""How the reward models of a run rank right against wrong in the same style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from harness.experiment.changed import tell_aside
from harness.experiment.experiment import Experiment
from harness.experiment.stages.evaluate import Evaluation, Responses
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.respond import BASE
from harness.experiment.stages.train import TrainedPolicy
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item
from harness.policy.weights import weights_hash
from harness.records.rows import read_json
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_json

Pair = tuple[Item, str, str]
"""An item, the better of two responses to it by the gold reward, and the other."""


def right_against_wrong(
    experiment: Experiment,
    evaluation: Evaluation,
    trained: Sequence[TrainedPolicy],
    directory: RunDirectory,
) -> dict[tuple[str, int], dict[str, Any]]:
    """Return how often each reward model ranks right above wrong, where nothing else tells them.

    On pairs of responses of the base policy to one held-out item that differ in the gold reward
    that is monitored, and on which all other evaluators say the same. So a reward model cannot
    win by manners, and no policy that was trained on it chose the responses.

    Returns:
        By arm and seed: ``gold``, ``same`` (evaluators that say the same of both), ``value`` with
        ``low`` and ``high``, ``n`` pairs of ``clusters`` items. Nothing where nothing is monitored.
    """
    gold = experiment.config.evaluation.monitor
    learned = [one for one in trained if one.result.get("reward_model")]
    if gold is None or not learned:
        return {}
    pairs = same_style_pairs(experiment.evaluation, evaluation.responses, evaluation.scored, gold)
    others = [name for name in evaluation.scored if name != gold]
    found, aside = {}, []
    for one in learned:
        folder = one.reward_model
        path = directory.path / "reward_models" / f"{one.arm}-seed{one.seed}.json"
        told = [[item.prompt, *texts] for item, *texts in pairs]
        inputs = {"weights": weights_hash(folder), "pairs": told, "gold": gold, "same": others}
        aside += directory.begin(f"reward_models/{one.arm}-seed{one.seed}", inputs, path)
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            write_json(path, {"gold": gold, "same": others, **_ranked(folder, pairs)})
        found[one.arm, one.seed] = read_json(path)
    tell_aside(directory, aside)
    return found


def same_style_pairs(
    items: Sequence[Item], responses: Responses, judged: Mapping[str, Judged], gold: str
) -> list[Pair]:
    """Return the pairs of the base policy's responses to an item that only the gold reward tells.

    Args:
        items: That were answered.
        responses: By (policy, seed).
        judged: What the evaluators said of them.
        gold: The evaluator that knows which is the better one.
    """
    said = _said(judged)
    texts: dict[str, dict[str, None]] = {}
    for (policy, _), written in responses.items():
        for response in written if policy == BASE else ():
            texts.setdefault(response.item_id, {}).setdefault(response.text)
    others = [name for name in judged if name != gold]
    pairs = []
    for item in items:
        for a, b in combinations(texts.get(item.id, ()), 2):
            one, other = (said.get((item.id, text), {}) for text in (a, b))
            if gold not in one or gold not in other or one[gold] == other[gold]:
                continue
            if any(name not in one or one[name] != other.get(name) for name in others):
                continue
            pairs.append((item, a, b) if one[gold] > other[gold] else (item, b, a))
    return pairs


def _said(judged: Mapping[str, Judged]) -> dict[tuple[str, str], dict[str, float]]:
    """Return what each evaluator said of each text of an item; what it could not judge is absent.

    By text: equal responses are judged once.
    """
    said: dict[tuple[str, str], dict[str, float]] = {}
    for name, one in judged.items():
        asked = {request.id: request for request in one.requests}
        for judgment in one.judgments:
            if judgment.verdict.status is Status.OK:
                request = asked[judgment.request_id]
                key = request.item.id, request.responses[0].text
                value = request.criterion.scale.to_unit(judgment.verdict.value)
                said.setdefault(key, {})[name] = value
    return said


def _ranked(folder: Path, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return the share of the pairs that a reward model ranks right, equal scores being wrong."""
    import numpy as np

    from harness.statistics.intervals import cluster_share
    from harness.train.reward_model import score_texts

    scores = score_texts(
        folder,
        [item.prompt for item, *_ in pairs for _ in range(2)],
        [text for _, *texts in pairs for text in texts],
    )
    right = np.asarray([a > b for a, b in zip(scores[::2], scores[1::2], strict=True)], float)
    number = {item.id: place for place, (item, *_) in enumerate(pairs)}
    clusters = np.asarray([number[item.id] for item, *_ in pairs], int)
    found = cluster_share("", "", right, clusters, why_undefined="no such pairs")
    return found.numbers("n", "clusters")
