"""Ensembles of reward models: members that differ by the order of their pairs, and their one score.

Where the members disagree a policy finds what only one of them likes; a score that counts on the
least of them, or on less than their mean, gives it less to find (Coste et al. 2024).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from harness.nouns.hashing import seed_of
from harness.records.writes import saving, write_jsonl
from harness.train.log import read_log
from harness.train.reward_combined import SIDES, Combine, combined, standardized
from harness.train.reward_model import STATISTICS, load_reward_model, read_statistics, score_ids
from harness.train.reward_model_quality import held_out_quality
from harness.train.reward_model_training import RewardModel
from harness.train.training import TrainOptions


class RewardModels(RewardModel):
    """A reward model, or an ensemble of them, on preferences with their probabilities.

    Whole prompts are held out from training to measure accuracy and calibration, which are in the
    last row of the log and in ``reward_model.json`` of the checkpoint.
    """

    def reached(self, steps: int) -> int:
        """Return how many pairs a member learnt from, at least; all have the same."""
        return super().reached(steps // self.settings.members)

    def work(self) -> int:
        """Let TRL train one, or the members of an ensemble."""
        return super().work() if self.settings.members == 1 else train_members(self)


def member_seed(seed: int, number: int) -> int:
    """Return the seed of the order of a member's pairs; the first one's is that of the training."""
    return seed_of(f"reward model member {seed} {number}", 31) if number else seed


def train_members(training: RewardModel) -> int:
    """Train the members of an ensemble, one after the other; return the steps of all.

    Each is a training of its own below the resume state, so that a kill costs none that is done.
    All hold out the same pairs, on which the ensemble is measured.
    """
    folder, settings = training.folder, training.settings
    alone = settings.model_copy(update={"members": 1, "report_to": ()})
    training.divide()
    rows: list[dict[str, Any]] = []
    finals: list[Path] = []
    steps = 0
    for number in range(settings.members):
        before, started = steps, folder.seconds()

        def placed(
            row: dict[str, Any], before: int = before, number: int = number
        ) -> dict[str, Any]:
            whole = row["total_steps"] * settings.members
            return {**row, "step": before + row["step"], "total_steps": whole, "member": number}

        def told(row: dict[str, Any], placed: Any = placed) -> None:
            folder.tell(placed(row))

        member = RewardModel(
            training.model,
            training.rows,
            alone,
            folder.resume_dir / f"member-{number}",
            TrainOptions(
                seed=member_seed(training.seed, number), weights=training.weights, on_step=told
            ),
        )
        member.split_seed = training.seed
        result = member.run()
        folder.took_before(result.seconds - (folder.seconds() - started))
        finals.append(result.checkpoint)
        steps += result.steps
        rows += map(placed, read_log(result.log_path) if folder.writes else ())
    if folder.writes:
        write_jsonl(folder.log_path, rows)
        statistics = _finish(training, finals)
        logged = {f"held_out/{k}": v for k, v in statistics.items() if isinstance(v, int | float)}
        folder.total_steps = steps
        folder.log({"step": steps, **logged})
    return steps


def _finish(training: RewardModel, finals: Sequence[Path]) -> dict[str, Any]:
    """Put the members together, all or nothing, with what is known of their one score."""
    statistics = _statistics(training, finals)
    final = training.folder.final
    part = final.with_name(final.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    for number, path in enumerate(finals):
        shutil.copytree(path, part / f"member-{number:02}", copy_function=_link)
    with saving(final):
        training.tokenizer.save_pretrained(part)
    (part / STATISTICS).write_text(json.dumps(statistics) + "\n", encoding="utf-8")
    shutil.rmtree(final, ignore_errors=True)
    part.replace(final)
    return statistics


def _link(source: str, target: str) -> str:
    """Give a file a second name: it is written only once; where that cannot be, copy it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _statistics(training: RewardModel, finals: Sequence[Path]) -> dict[str, Any]:
    """Return scale and quality of the ensemble's one score, and how far its members differ."""
    ids = [row[f"{side}_ids"] for part in training.parts for side in SIDES for row in part]
    scores: list[list[float]] = []
    told = [read_statistics(path) for path in finals]
    for path, statistics in zip(finals, told, strict=True):
        model = load_reward_model(path)  # one at a time
        scores.append(standardized(score_ids(model, training.tokenizer, ids), statistics))
    trained, held_out = (len(part) for part in training.parts)
    scales = {}
    ways: tuple[Combine, ...] = ("mean", "worst", "lower_bound")
    for way in ways:
        fit = combined([one[: 2 * trained] for one in scores], way)
        scales[way] = {"score_mean": fmean(fit), "score_deviation": pstdev(fit) or 1.0}
    how = training.settings.combine
    # Probabilities are those of scores as they were trained, before they were standardized.
    unit = fmean(one["score_deviation"] for one in told)
    apart = [[score * unit for score in one[2 * trained :]] for one in scores]
    total = combined(apart, how)
    labels = [row["probability"] for row in training.parts[1]]
    spread = [pstdev(one) for one in zip(*(one[: 2 * trained] for one in scores), strict=True)]
    return {
        **scales[how],
        "n_train": trained,
        **held_out_quality(total[:held_out], total[held_out:], labels, training.prompts),
        "members": len(finals),
        "combine": how,
        "spread": fmean(spread),
        "scales": scales,
    }
