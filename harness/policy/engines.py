"""What samples for a training: one protocol, and the engine of this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from harness.policy.prompts import Prompt
from harness.policy.sampling import Rollout, Sampling, sample

if TYPE_CHECKING:
    from torch import Tensor

FAR = 0.1
"""Mean difference, in nats a token, that no rounding makes: bfloat16 makes .03 at most."""

ONCE = 2.0
"""Nats that a completion may differ by beside `FAR` a token: rounding moves few tokens by much."""

FEW = 0.02
"""Share of a rollout's completions that may be further off, as few of a mixture of experts are."""


class RolloutEngine(Protocol):
    """Draws completions from a policy, and says with what probability it drew each token.

    Attributes:
        same: Whether it draws with the weights and the arithmetic that score: nothing is to be
            corrected then.
    """

    same: bool

    def update(self, policy: Any) -> None:
        """Take the policy's weights as they are now; every rank calls it before it samples.

        Raises:
            EngineError: The engine did not take them.
        """

    def sample(
        self, policy: Any, tokenizer: Any, prompts: Sequence[Prompt], sampling: Sampling
    ) -> Rollout:
        """Return completions of each prompt, next to each other, with ``drawn``.

        The whole distribution is sampled from, and a completion ends at the first of `stop_ids`.

        Raises:
            EngineError: The engine failed, or what it drew is no completion.
        """

    def close(self, *, together: bool = True) -> None:
        """Leave nothing behind, when all is sampled, or when the training failed.

        Args:
            together: Whether all ranks call it, which then wait for each other.
        """


class InProcess:
    """The engine of this process: it uses the policy itself (`harness.policy.engine`)."""

    same = True

    def update(self, policy: Any) -> None:
        """Nothing: there are no other weights."""

    def sample(
        self, policy: Any, tokenizer: Any, prompts: Sequence[Prompt], sampling: Sampling
    ) -> Rollout:
        """Return what `sample` does."""
        return sample(policy, tokenizer, prompts, sampling)

    def close(self, *, together: bool = True) -> None:
        """Nothing: it holds nothing."""


def foreign_draws(rollout: Rollout, logprobs: Tensor, temperature: float) -> str:
    """Return how the draws of an engine are not those of the policy; "" where rounding explains it.

    A temperature below 1 makes rounding as much larger.

    Args:
        rollout: What the engine drew, with ``drawn``.
        logprobs: (n, C) that the policy gives the tokens at the temperature, in nats.
        temperature: Of sampling.
    """
    assert rollout.drawn is not None
    real, heat = rollout.completion_mask, min(temperature, 1.0) or 1.0
    off = ((rollout.drawn - logprobs) * real).abs().double().sum(1)
    sizes = real.sum(1)
    mean = float(off.sum() / sizes.sum())
    if mean > FAR / heat:
        return f"its log-probabilities are {mean:.2g} nats a token from the policy's"
    far = off > (FAR * sizes + ONCE) / heat
    if int(far.sum()) <= FEW * len(rollout):
        return ""
    mean = float(off[far].sum() / sizes[far].sum())
    return (
        f"its log-probabilities of {int(far.sum())} of {len(rollout)} completions are {mean:.2g}"
        " nats a token from the policy's"
    )


@contextmanager
def closing(engine: RolloutEngine) -> Iterator[None]:
    """Close an engine in every way out of the body; after a failure without the other ranks."""
    try:
        yield
    except BaseException:
        with suppress(OSError):  # what went wrong first is told
            engine.close(together=False)
        raise
    engine.close()
