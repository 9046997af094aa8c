"""What samples for a training: one protocol, and the engine of this process."""

from __future__ import annotations

import math
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

COPIED = 30.0
"""Nats of surprise from which on a rollout has copies, and not the same by chance: 1 in 1e13."""


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


def copied_draws(rollout: Rollout, logprobs: Tensor, each: int) -> str:
    """Return how completions of a prompt are copies of each other; "" where chance explains it.

    Two draws of one distribution p are the same text y by chance as well, and the likelier it is
    the oftener: ``1 / p(y)`` where two are the same, and 0 where they are not, has the mean 1, and
    so has its mean over the pairs of a prompt, and ``1 / p(y) ** (each - 1)`` where all are y. Half
    a stake on both of each prompt, one after the other, becomes more than W with a chance of at
    most 1 / W (Markov's inequality).

    Args:
        rollout: What the engine drew, ``each`` completions of one prompt next to each other.
        logprobs: (n, C) that the policy gives the tokens at the temperature, in nats.
        each: Completions of a prompt.
    """
    if each < 2:
        return ""
    sums = [(logprobs * rollout.completion_mask).double().sum(1)]
    if rollout.drawn is not None:
        sums.append((rollout.drawn * rollout.completion_mask).double().sum(1))
    # What the engine and the policy make of a text differs by rounding: the likelier counts.
    likely = [max(pair) for pair in zip(*(one.tolist() for one in sums), strict=True)]
    texts = [tuple(ids) for ids in rollout.sampled_ids()]
    won, copies = 0.0, 0
    for start in range(0, len(texts), each):
        found = dict[tuple[int, ...], list[float]]()
        for row in range(start, start + each):
            found.setdefault(texts[row], []).append(likely[row])
        won += _stake(list(found.values()), each)
        copies += each - len(found)
    if won < COPIED:
        return ""
    return (
        f"{copies} of its {len(texts)} completions are those of others of the same prompt, of which"
        f" the chance is below 1 in 1e{int(won / math.log(10))}"
    )


def _stake(same: Sequence[Sequence[float]], each: int) -> float:
    """Return the logarithm of what half a stake on a prompt becomes.

    Args:
        same: For each text the log-probabilities of those completions that are it.
        each: Completions of the prompt.
    """
    pairs = each * (each - 1) / 2
    logs = [
        math.log(len(one) * (len(one) - 1) / 2 / pairs) - max(one) for one in same if len(one) > 1
    ]
    logs += [-(each - 1) * max(one) for one in same if len(one) == each]
    most = max([0.0, *logs])
    return most + math.log(math.exp(-most) / 2 + sum(math.exp(x - most) for x in logs) / 4)


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
