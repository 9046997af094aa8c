"""What samples for a training: one protocol, and the engine of this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from harness.policy.prompts import Prompt
from harness.policy.sampling import Rollout, Sampling, sample


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
            EngineError: The engine failed, or what it drew is not of this policy.
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
