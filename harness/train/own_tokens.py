"""TRL's trainers on tokens that are made here: every trainer reads a text alike.

TRL tokenizes prompt and answer together, so that tokens merge across their border, and lets a chat
template write after the end token: tokens that the policy is not asked with, or never samples.

Imports trl at its top, because it subclasses its trainers; import it only inside functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from torch.utils.data import Sampler
from trl import DPOTrainer, GRPOTrainer, KTOTrainer, RLOOTrainer

from harness.nouns.errors import ConfigError
from harness.policy.prompts import Continued, prompt_ids
from harness.policy.template_forms import FIRST
from harness.policy.templates import written


class CountsRows:
    """Tells what a pass has of the rows of its step, which weigh the same however it is cut.

    transformers takes the mean of the passes' means, so that the rows of a short last pass weigh
    more: of passes of 4, 4 and 2 rows the last two twice as much.
    """

    _mean_rows: float = 0.0

    def get_batch_samples(self, *given: Any) -> Any:
        """Return the passes of a step, whose rows are counted."""
        passes, items = super().get_batch_samples(*given)  # type: ignore[misc]
        if passes:
            self._mean_rows = sum(map(_rows_of, passes)) / len(passes)
        return passes, items

    def share_of(self, inputs: Any) -> float:
        """Return by what the mean of a pass is multiplied, 1 of passes that are all as long."""
        return _rows_of(inputs) / self._mean_rows if self._mean_rows else 1.0


class _EvenRows(CountsRows):
    """Each row of a step weighs the same."""

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the mean of a pass, by its share of the step's rows."""
        share = self.share_of(inputs)
        found = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)  # type: ignore[misc]
        return (found[0] * share, *found[1:]) if return_outputs else found * share


def _rows_of(inputs: Any) -> int:
    return len(inputs["input_ids"])


class TokensDpoTrainer(_EvenRows, DPOTrainer):  # type: ignore[misc]
    """DPO on ``prompt_ids``, ``chosen_ids`` and ``rejected_ids``."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset


class TokensKtoTrainer(_EvenRows, KTOTrainer):  # type: ignore[misc]
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
    """GRPO in environments: these prompts, with the tools of each.

    What a tool returns TRL puts behind the call, see `check_environments`.
    """

    def _tokenize_prompts(self, prompts: list[Any]) -> Any:
        texts = (isinstance(one.get("content") or "", str) for prompt in prompts for one in prompt)
        if not all(texts):  # what an environment shows besides texts
            return super()._tokenize_prompts(prompts)
        asked = zip(prompts, self._batch_environments, strict=True)
        kind = self.processing_class
        return [prompt_ids(kind, prompt, **self.given(name)) for prompt, name in asked], None, {}

    def given(self, name: str | None) -> dict[str, Any]:
        """Return what the chat template is given for an environment.

        It is the model's own, with which the policy is asked ever after, also where TRL writes what
        tools return with another.
        """
        return {"tools": tools} if (tools := self._env_tools[name]) else {}


def check_environments(trainer: Any, prompts: Mapping[str | None, Any]) -> None:
    """Refuse environments of which the policy would read other tokens than its template writes.

    TRL puts what a tool returns behind the call as it stands in a chat of its own.

    Args:
        trainer: An `EnvironmentsGrpoTrainer`.
        prompts: A chat for each environment, by its name.

    Raises:
        ConfigError: There is one.
    """
    for name, chat in prompts.items():
        given = trainer.given(name)
        for tool in given.get("tools", ())[:1]:
            _check_tool(trainer, chat, tool.__name__, given)


def _check_tool(trainer: Any, chat: Any, tool: str, given: Mapping[str, Any]) -> None:
    from jinja2 import TemplateError

    call = {"type": "function", "function": {"name": tool, "arguments": {}}}
    said = {"role": "assistant", "content": "", "tool_calls": [call]}
    told = {"role": "tool", "name": tool, "content": str(FIRST)}
    kind, reason = trainer.processing_class, ""
    try:
        found = trainer._get_tool_suffix_ids([told])
        text = written(kind, [*chat, said, told], asks=True, **given)
        whole = kind(text, add_special_tokens=False)["input_ids"]
        if found and whole[-len(found) :] == found and str(FIRST) in kind.decode(found):
            return
    except (TemplateError, TypeError, ValueError) as error:
        reason = f": {error!s:.200}"
    raise ConfigError(
        f"environments: what {tool} returns would not stand behind its call as the model's chat"
        f" template writes it{reason}",
        hint="give the tokenizer a chat template that writes a tool's message behind the call,"
        " whatever stands before",
    )
