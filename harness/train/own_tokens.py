"""TRL's trainers on tokens that are made here: every trainer reads a text alike.

TRL tokenizes prompt and answer together, so that tokens merge across their border, and lets a chat
template write after the end token: tokens that the policy is not asked with, or never samples.

Imports trl at its top, because it subclasses its trainers; import it only inside functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from torch.utils.data import Sampler
from trl import DPOTrainer, GRPOTrainer, KTOTrainer, RLOOTrainer

from harness.policy.prompts import Continued, prompt_ids


class TokensDpoTrainer(DPOTrainer):  # type: ignore[misc]
    """DPO on ``prompt_ids``, ``chosen_ids`` and ``rejected_ids``."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset


class TokensKtoTrainer(KTOTrainer):  # type: ignore[misc]
    """KTO on ``prompt_ids``, ``completion_ids``, ``KL_completion_ids`` and ``label``."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset if self.calculate_KL else dataset.remove_columns("KL_completion_ids")


class SameOrder(Sampler[int]):  # type: ignore[misc]
    """Rows in the order of an epoch, also where a training goes on in it.

    TRL's sampler draws the order of one epoch after the other, and begins anew with the first.

    Args:
        sampler: TRL's.
        epoch: Tells how many epochs are done.
    """

    def __init__(self, sampler: Any, epoch: Callable[[], int]) -> None:
        self.sampler, self.epoch, self.drawn = sampler, epoch, 0

    def __iter__(self) -> Iterator[int]:
        """Yield the rows of the epoch after those that are done."""
        while self.drawn < self.epoch():
            next(iter(self.sampler), None)
            self.drawn += 1
        self.drawn += 1
        yield from self.sampler

    def __len__(self) -> int:
        """Return how many an epoch has."""
        return len(self.sampler)


class _Resumed:
    """The same order of prompts in a training that was killed and goes on."""

    state: Any

    def _get_train_sampler(self, *given: Any) -> Any:
        found = super()._get_train_sampler(*given)  # type: ignore[misc]
        return SameOrder(found, lambda: int(self.state.epoch or 0))


class _AskedAlike(_Resumed):
    """Prompts as the house's own sampler has them."""

    processing_class: Any

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
        found: list[list[int]] = []
        for prompt, same in groupby(prompts):  # a group's prompts stand one after the other
            ids = prompt_ids(self.processing_class, _given(prompt))
            found += [list(ids) for _ in same]
        return found, None, {}


def _given(prompt: Any) -> Any:
    return Continued(prompt) if isinstance(prompt, str) else prompt


class TokensGrpoTrainer(_AskedAlike, GRPOTrainer):  # type: ignore[misc]
    """GRPO with these prompts."""


class TokensRlooTrainer(_AskedAlike, RLOOTrainer):  # type: ignore[misc]
    """RLOO with these prompts."""


class EnvironmentsGrpoTrainer(_Resumed, GRPOTrainer):  # type: ignore[misc]
    """GRPO in environments, which ask in TRL's way."""
