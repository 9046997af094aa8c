"""What trainings that sample have in common: their rewards, and room for completions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from harness.policy.embedded import check_ends
from harness.policy.prompts import prompt_ids
from harness.train.left_out import TOO_LONG
from harness.train.ranks import joined, ranks
from harness.train.reward_arguments import call_rewards, trainer_state, with_all_columns
from harness.train.reward_function import WeightedRewards
from harness.train.row_forms import Row
from harness.train.settings import SamplingSettings
from harness.train.training import Needs, Training, TrainOptions

if TYPE_CHECKING:
    from harness.policy.sampling import Rollout


class SamplingTraining(Training):
    """A training on rewards of what a policy samples."""

    needs: ClassVar[Needs] = "rewards"
    settings: SamplingSettings
    rewards: WeightedRewards
    history: list[dict[str, Any]]
    """Rows of the log of the steps that are done, the same on all ranks: without looks."""

    def __init__(
        self,
        model: str | Path,
        rows: Sequence[Row],
        settings: SamplingSettings,
        out: Path,
        options: TrainOptions,
    ) -> None:
        super().__init__(model, rows, settings, out, options)
        self.history = []
        self.rows = with_all_columns(self.rows)
        self.rewards = replace(
            self.rewards,
            timeout_s=settings.reward_timeout,
            keep_completions=settings.log_completions,
        )

    def scored(
        self,
        rows: Sequence[Row],
        rollout: Rollout | None,
        step: int,
        last: int = 0,
        n_rows: int = 1,
    ) -> list[float | None]:
        """Return the rewards of what this rank sampled for a step, one row for each completion.

        Args:
            rows: Of the completions.
            rollout: What was sampled; None where the rank has no rows.
            step: From 1; 0 before the first.
            last: The last step.
            n_rows: Rows in an epoch.
        """
        done, epoch = max(0, step - 1), len(rows) * ranks() / n_rows
        history = [{**row, "epoch": row["step"] * epoch} for row in self.history]
        state = trainer_state(done, last, done * epoch, history)
        found = list[float | None]()
        if rollout is not None:
            texts, ids = rollout.texts, rollout.sampled_ids()
            found = call_rewards(self.rewards, rows, texts, ids, trainer_state=state)
        self.folder.keep_completions(step, joined(self.rewards.take_completions()))
        return found

    def readable(self) -> dict[int, Row]:
        """Return the rows with a prompt that leaves room for completions, by number from 0.

        All completions have one limit, ``new_tokens``: what is asked for, or what the longest
        prompt leaves of it. A prompt that leaves less than half of all is left out.

        Raises:
            DataError: There are none.
        """
        wanted, account = self.settings.max_new_tokens, self.left_out
        account.shorten = "prompts, or max_new_tokens"
        least, widest, found = min(wanted, account.longest // 2), 0, {}
        for number, row in enumerate(self.rows):
            ids = prompt_ids(self.tokenizer, row["prompt"])
            length = len(ids)
            if not account.asks(number, row["prompt"], ids):
                continue
            if length + least > account.longest:
                account.leave(number, TOO_LONG, length + wanted)
                continue
            self.occur(number, ids)
            found[number], widest = row, max(widest, length)
        self.new_tokens = min(wanted, account.longest - widest)
        account.widest = widest + self.new_tokens
        check_ends(self.tokenizer, self.model, self.answers.stops, self.answers.embedded)
        self.learnt()
        self.rewards.reads_of(self.answers, [row["prompt"] for row in found.values()])
        if self.new_tokens < wanted and self.folder.writes:
            self.tell(
                f"completions: at most {self.new_tokens:,} tokens and not {wanted:,}: the longest"
                f" prompt has {widest:,}, and the limit of both is {account.limit}"
            )
        return found
