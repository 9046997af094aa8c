"""The updates of policy and critic on one rollout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.policy.scoring import passes
from harness.policy.stillness import recompute_layers
from harness.train.experience import Experience
from harness.train.losses import PolicyLoss, kl_loss, policy_loss, value_loss
from harness.train.ppo_settings import PpoSettings, draw_seed
from harness.train.ranks import part, ranks

if TYPE_CHECKING:
    from torch import Tensor

PER_TOKEN = ("policy_loss", "value_loss", "clip_fraction", "value_clip_fraction", "approx_kl")
"""What the log has of the updates as a mean over tokens."""


class PolicyTerms:
    """What the loss of a policy in training is made of, for the rows of one pass.

    Args:
        rows: The rows.
        settings: Of the training.
    """

    def __init__(self, rows: Experience, settings: PpoSettings) -> None:
        real = rows.rollout.completion_mask.bool()
        self.rows, self.settings = rows, settings
        some = rows.logprobs, rows.advantages, rows.mask, rows.reference
        self.known = [None if one is None else one[real] for one in some]

    def on(self, logprobs: Tensor) -> PolicyLoss:
        """Return the surrogate, without the penalty, of log-probabilities (n, C)."""
        rows, settings = self.rows, self.settings
        clips = settings.clip, settings.log_ratio_clip
        return policy_loss(logprobs, rows.logprobs, rows.advantages, rows.mask, *clips)

    def loss_of(self, logprobs: Tensor, part: slice) -> Tensor:
        """Return the loss of some of the real tokens of all rows, with the penalty if there is one.

        Args:
            logprobs: (tokens,) of the policy in training.
            part: Which of the real tokens they are, row by row.
        """
        settings = self.settings
        old, advantages, mask, reference = (None if x is None else x[part] for x in self.known)
        assert old is not None and advantages is not None and mask is not None
        clips = settings.clip, settings.log_ratio_clip
        loss = policy_loss(logprobs, old, advantages, mask, *clips).loss
        if reference is not None:
            away = kl_loss(logprobs, reference, mask, settings.log_ratio_clip)
            loss = loss + self.rows.penalty * away
        return loss


@dataclass(frozen=True)
class Updates:
    """What makes the updates of a training.

    Args:
        settings: Of the training.
        accelerator: Of the training.
        module: Policy and critic, as the accelerator prepared it.
        optimizer: Of both.
        seed: Of the training.
    """

    settings: PpoSettings
    accelerator: Any
    module: Any
    optimizer: Any
    seed: int

    def made_on(self, experience: Experience, step: int) -> dict[str, Any]:
        """Update policy and critic on one rollout; return what happened.

        Losses are sums over tokens, divided by the number of tokens of the whole optimizer step, so
        the result does not depend on how a step is split into passes or over ranks.
        """
        steps: list[dict[str, float]] = []
        stopped: float | None = None
        recompute_layers(self.module, self.settings.gradient_checkpointing)
        for index in self._parts(len(experience.rollout), step):
            sums = self._optimizer_step(experience, index)
            if sums.keys() == {"stopped"}:
                stopped = sums["stopped"]
                break
            if sums:
                steps.append(sums)
        recompute_layers(self.module, False)
        row: dict[str, Any] = {}
        if steps:
            total = {key: sum(sums[key] for sums in steps) for key in steps[0]}
            row = {key: total[key] / total["tokens"] for key in PER_TOKEN if key in total}
            row["grad_norm"] = total["grad_norm"] / len(steps)
            row["first_ratio_error"] = steps[0]["ratio_error"]
        if stopped is not None:  # how far the updates that were made have led
            row["approx_kl"] = stopped
        return {**row, "updates": len(steps), "stopped_on_kl": stopped is not None}

    def _parts(self, sequences: int, step: int) -> Iterator[Tensor]:
        """Yield the sequences of each optimizer step of all ranks, in a new order each epoch."""
        import torch

        settings = self.settings
        generator = torch.Generator().manual_seed(draw_seed(self.seed, step))
        size = settings.batch_size * settings.accumulation
        for _ in range(settings.epochs):
            yield from torch.randperm(sequences, generator=generator).split(size)

    def _optimizer_step(self, experience: Experience, index: Tensor) -> dict[str, float]:
        """Make one optimizer step on some sequences; return its tokens, and sums over them.

        The ranks share the sequences.
        Empty without tokens; only ``stopped``, and no step, where the policy is further than
        ``stop_kl`` from the one that sampled: how far, in nats per token. ``ratio_error`` is the
        largest distance of a ratio from 1, here.
        """
        import torch

        from harness.train.ppo_model import forward

        settings, accelerator = self.settings, self.accelerator
        count = float(experience.mask[index].sum())
        if not count:
            return {}
        sums: dict[str, Any] = {}
        errors: list[Tensor] = []
        mine = experience.rows(index[part(len(index))])
        parts = list(passes(mine.rollout, settings.pass_tokens, settings.batch_size))
        for number, some in enumerate(parts):
            rows = mine.rows(some)
            last = number == len(parts) - 1
            with nullcontext() if last else accelerator.no_sync(self.module):
                policy = PolicyTerms(rows, settings)
                said, values = forward(
                    self.module, rows.rollout, settings.temperature, policy.loss_of
                )
                made, loss = policy.on(said.logprobs), said.loss
                assert loss is not None
                found = {
                    "policy_loss": made.loss,
                    "clip_fraction": made.clipped,
                    "approx_kl": made.approx_kl,
                }
                if values is not None and rows.values is not None and rows.returns is not None:
                    critic, found["value_clip_fraction"] = value_loss(
                        values, rows.values, rows.returns, rows.mask, settings.value_clip
                    )
                    loss = loss + settings.value_coefficient * critic
                    found["value_loss"] = critic.detach()
                # Gradients are averaged over ranks; the loss is a share of a sum over them.
                accelerator.backward(loss / count * ranks())
            sums = {key: sums.get(key, 0) + value for key, value in found.items()}
            errors.append(made.ratio_error)
        total = {key: float(self._sum(value)) for key, value in sums.items()}
        if settings.stop_kl and total["approx_kl"] / count > settings.stop_kl:
            self.optimizer.zero_grad()
            return {"stopped": total["approx_kl"] / count}
        norm = accelerator.clip_grad_norm_(self.module.parameters(), settings.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {
            **total,
            "tokens": count,
            "grad_norm": float(norm),
            "ratio_error": float(accelerator.gather(torch.stack(errors).max()).max()),
        }

    def _sum(self, tensor: Tensor) -> Tensor:
        """Add a tensor up over all ranks."""
        if ranks() == 1:
            return tensor
        total: Tensor = self.accelerator.reduce(tensor, reduction="sum")
        return total
