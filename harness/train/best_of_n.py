"""Best-of-n: sample n completions for each prompt, and imitate the one with the highest reward."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from harness.nouns.errors import DataError, InputError
from harness.policy.engines import closing
from harness.policy.models import load_policy
from harness.policy.sampling import AT_ONCE, Rollout, Sampling
from harness.policy.scoring import score_rollout
from harness.records.rows import damaged, read_json
from harness.records.writes import write_json
from harness.train.engines import EngineSettings, check_drawn, make_engine
from harness.train.log import failing
from harness.train.memory import Use
from harness.train.ranks import joined, of_all, part, ranks
from harness.train.row_forms import Row
from harness.train.sampling_training import SamplingTraining
from harness.train.settings import Size
from harness.train.sft import Sft, SftSettings


class BestOfNSettings(SftSettings, EngineSettings):
    """Distillation of best-of-n (RAFT, Dong et al. 2023, with one round).

    Attributes:
        n: Completions for each prompt.
    """

    n: Size = 8


class BestOfN(SamplingTraining, Sft):
    """The base policy's own best completions, imitated.

    Sampled once, before the first step, and kept in ``best_of_n.json`` of the folder with the
    reward of each, so that a training that was killed goes on with the same completions. A prompt
    without any reward is left out: no reward is no reason to keep the first.
    """

    name = "best_of_n"
    scale_free: ClassVar[bool] = True
    Settings = BestOfNSettings
    settings: BestOfNSettings

    def imitated(self) -> Iterable[tuple[int, Row]]:
        """Return the rows with the best completion of each, which the ranks sample together.

        Raises:
            DataError: No prompt leaves room for a completion, or no completion has a reward.
            InputError: Completions were kept, and are gone.
        """
        rows, path = self.readable(), self.folder.path / "best_of_n.json"
        if not of_all(path.is_file())[0]:
            chosen = self._sampled_best(list(rows.values()))
            if self.folder.writes:
                write_json(path, chosen)
        elif self.settings.log_completions and not self.folder.completions_path.is_file():
            raise InputError(
                f"{self.folder.completions_path.name} of what was sampled here is gone",
                where=str(self.folder.path),
                hint=f"put it back, or delete {path} and {self.folder.resume_dir} to sample anew",
            )
        kept = of_all(read_json(path) if self.folder.writes else {})[0]
        best = _best(path, kept, len(rows))
        self._sampled = kept["sampled"]
        if not best:
            raise DataError(
                f"none of {self.settings.n} completions of any prompt has a reward",
                hint="ask the reward function about some responses alone to see why",
                details=failing([{"step": 0, **kept["sampled"]}]),
            )
        numbers = list(rows)
        found = {numbers[row["row"]]: row for row in best}
        for number in rows.keys() - found.keys():
            self.left_out.leave(number, "without a reward")
        return found.items()

    def at_once(self, settings: Any) -> int:
        """Return how many completions a pass has at most: there is one of each prompt."""
        asked = super().at_once(settings)
        return asked if ranks() > 1 else min(asked, self.left_out.used)

    def use(self, settings: Any) -> Use:
        """Return the use of an imitation, and of the sampling before it."""
        sampled = 0 if settings.engine == "server" else AT_ONCE
        return replace(super().use(settings), sampled=sampled)

    def completion_ids(self, number: int, row: Row) -> list[int]:
        """Return the tokens as they were sampled: what was truncated is not taught to end."""
        return list(row["completion_ids"])

    def first_row(self) -> dict[str, Any]:
        """Return the rewards and their coverage over all that was sampled, and over the best."""
        return dict(self._sampled)

    def _sampled_best(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Sample this rank's part of the rows; return the best of all of them, and statistics."""
        from accelerate import PartialState

        settings, n, mine = self.settings, self.settings.n, part(len(rows))
        self.folder.completions_path.unlink(missing_ok=True)  # of a try that did not get so far
        state, some, rollout = PartialState(), rows[mine], None
        policy = load_policy(self.model, trainable=False, precision=self.precision)
        policy.to(state.device)
        self.check_model()
        engine = make_engine(
            settings, self.folder.path, self.folder.writes, state.wait_for_everyone
        )
        logprobs = None
        with closing(engine):
            engine.update(policy)
            if some:
                asked = [row["prompt"] for row in some]
                how = Sampling(settings.temperature, self.new_tokens, self.seed, n, mine.start)
                rollout = engine.sample(policy, self.tokenizer, asked, how)
                if not engine.same:
                    logprobs, _ = score_rollout(policy, rollout, how.temperature, entropy=False)
            if not engine.same:
                check_drawn(settings, rollout, logprobs, n)
        scores = self.scored([row for row in some for _ in range(n)], rollout, 0)
        found = best_rows(some, rollout, scores) if rollout else []
        best = joined([{**row, "row": mine.start + row["row"]} for row in found])
        known = [score for score in joined(scores) if score is not None]
        sampled = {
            **self.rewards.take_stats(of_all),
            "reward": sum(known) / len(known) if known else None,
            "best_reward": sum(row["reward"] for row in best) / len(best) if best else None,
            "kl_bound": best_of_n_kl(n),
        }
        return {"sampled": sampled, "best": best}


def _best(path: Path, kept: Any, n_rows: int) -> list[Row]:
    """Return the kept completions, once it is seen that they are what was sampled."""
    sampled, best = kept.get("sampled"), kept.get("best")
    if not isinstance(sampled, dict) or not isinstance(best, list):
        raise damaged(path, "it has no completions")
    for number, row in enumerate(best):
        ids = row.get("completion_ids") if isinstance(row, dict) else None
        if not (
            isinstance(ids, list)
            and all(type(one) is int and 0 <= one < 2**31 for one in ids)
            and isinstance(row.get("prompt"), str | list)
            and isinstance(row.get("completion"), str)
            and row.get("row") in range(n_rows)
        ):
            raise damaged(path, f"best[{number}] is no completion: {row!r:.60}")
    return best


def best_rows(
    rows: Sequence[Row], rollout: Rollout, scores: Sequence[float | None]
) -> list[dict[str, Any]]:
    """Return the best completion of each row.

    Args:
        rows: The prompts.
        rollout: Equally many completions of each, one row's after the other's.
        scores: Of each completion; None where nobody could judge it.

    Returns:
        ``row``, its number from 0, ``prompt``, ``completion``, ``completion_ids``, ``reward`` and
        ``scored``, the number of the row's completions that have a reward; rows without any are
        left out. Of equals the first.
    """
    n, ids = len(scores) // len(rows), rollout.sampled_ids()
    best = []
    for number, row in enumerate(rows):
        group = range(number * n, (number + 1) * n)
        scored = {i: score for i in group if (score := scores[i]) is not None}
        if scored:
            index = max(scored, key=scored.__getitem__)
            best.append(
                {
                    "row": number,
                    "prompt": row["prompt"],
                    "completion": rollout.texts[index],
                    "completion_ids": ids[index],
                    "reward": scored[index],
                    "scored": len(scored),
                }
            )
    return best


def best_of_n_kl(n: int) -> float:
    """Return an upper bound of the KL divergence of best-of-n from its policy, in nats.

    log n - (n - 1) / n, per completion; exact when no two completions have the same reward
    (Beirami et al. 2024).
    """
    return math.log(n) - (n - 1) / n
