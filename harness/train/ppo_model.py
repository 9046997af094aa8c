"""Policy and critic in one module, which is prepared once.

Imports torch at its top, because it subclasses its Module; import it only inside functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.policy.head import LossOf
from harness.policy.head_kind import inner_of
from harness.policy.models import Precision, is_adapter, settled
from harness.policy.sampling import Rollout
from harness.policy.scoring import Scores, body_states, scores


class PolicyWithCritic(nn.Module):  # type: ignore[misc]
    """A causal language model and an estimate of the value of every state.

    The two share no gradients: the critic is a network of its own, or a head on the policy's
    features without their gradient. So a loss of both can be summed and propagated in one go, also
    with LoRA and gradient checkpointing, where a critic inside the policy's adapter would get
    silently wrong gradients.

    Args:
        policy: Causal language model.
        body: Body of a separate critic; None puts the head on the policy's last hidden state.
        head: Linear layer to one value; None without a critic.
    """

    def __init__(self, policy: Any, body: Any | None, head: nn.Linear | None) -> None:
        super().__init__()
        self.policy = policy
        self.body = body
        self.head = head

    def forward(
        self,
        prompt_ids: Tensor,
        prompt_mask: Tensor,
        completion_ids: Tensor,
        completion_mask: Tensor,
        temperature: float,
        loss_of: LossOf | None = None,
    ) -> tuple[Scores, Tensor | None]:
        """Return what the policy says, and values (if any), (n, C).

        The value of a column is that of the state before its token. Without a loss there are
        entropies.
        """
        rollout = Rollout(
            prompt_ids, prompt_mask, completion_ids, completion_mask, completion_mask, []
        )
        asked: dict[str, Any] = {"entropy": True} if loss_of is None else {"loss_of": loss_of}
        found = scores(self.policy, rollout, temperature, **asked)
        if self.head is None:
            return found, None
        if self.body is None:
            hidden = found.hidden.detach()
        else:
            hidden = body_states(self.body, rollout)
        values = self.head(hidden.to(self.head.weight.dtype)).squeeze(-1)
        return found, values.float()


def forward(
    module: Any, rollout: Rollout, temperature: float, loss_of: LossOf | None = None
) -> tuple[Scores, Tensor | None]:
    """Return what a `PolicyWithCritic`, perhaps wrapped for the ranks, says of a rollout."""
    found: tuple[Scores, Tensor | None] = module(
        rollout.prompt_ids,
        rollout.prompt_mask,
        rollout.completion_ids,
        rollout.completion_mask,
        temperature,
        loss_of,
    )
    return found


def make_critic(
    policy: Any,
    path: str | Path,
    kind: str,
    start: str,
    precision: Precision = Precision(),  # noqa: B008 - it is frozen
) -> PolicyWithCritic:
    """Return the module of a policy that was loaded from ``path``, with a new critic if any.

    Args:
        policy: The policy.
        path: Where it was loaded from.
        kind: "separate", "detached" or "none".
        start: Folder of a reward model to start from, or "" for a value head of zeros.
        precision: How a separate critic is loaded.
    """
    if kind == "none":
        return PolicyWithCritic(policy, None, None)
    # What the policy's own head reads: some bodies end in another width than their hidden size.
    head = _zeros(inner_of(policy).get_output_embeddings().weight.size(1))
    if kind == "detached":
        return PolicyWithCritic(policy, None, head)
    if start:
        from harness.train.reward_combined import members_of
        from harness.train.reward_model import load_reward_model, read_statistics

        first = members_of(start)[0]  # of an ensemble
        model = load_reward_model(first, trainable=True)
        statistics = read_statistics(first)
        deviation = statistics["score_deviation"]
        head = _zeros(model.score.in_features)
        # The reward is the standardized score, so the head starts on that scale.
        with torch.no_grad():
            head.weight.copy_(model.score.weight / deviation)
            head.bias.fill_(-statistics["score_mean"] / deviation)
        body = model.base_model.to(getattr(torch, precision.dtype))
        return PolicyWithCritic(policy, body, head)
    from transformers import AutoModel

    source = str(path)
    if is_adapter(path):
        source = policy.peft_config["default"].base_model_name_or_path
    body = settled(AutoModel.from_pretrained(source, **precision.options()))
    return PolicyWithCritic(policy, body, head)


def _zeros(width: int) -> nn.Linear:
    """Return a value head that says 0 of everything."""
    head = nn.Linear(width, 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head
