"""TRL's trainers on tokens that are made here: every trainer reads a text alike.

TRL tokenizes prompt and answer together, so that tokens merge across their border, and lets a chat
template write after the end token: tokens that the policy is not asked with, or never samples.

Imports trl at its top, because it subclasses its trainers; import it only inside functions.
"""

from __future__ import annotations

from typing import Any

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


class _AskedAlike:
    """Prompts as the house's own sampler has them."""

    processing_class: Any

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
        found = [prompt_ids(self.processing_class, _given(prompt)) for prompt in prompts]
        return found, None, {}


def _given(prompt: Any) -> Any:
    return Continued(prompt) if isinstance(prompt, str) else prompt


class TokensGrpoTrainer(_AskedAlike, GRPOTrainer):  # type: ignore[misc]
    """GRPO with these prompts."""


class TokensRlooTrainer(_AskedAlike, RLOOTrainer):  # type: ignore[misc]
    """RLOO with these prompts."""
