"""Answers to tokens: what is taught, preferred and scored is what sampling could have made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.nouns.stop_ids import ends_of
from harness.policy.begun import going_on, once
from harness.policy.embedded import embedded
from harness.policy.models import generation_config
from harness.policy.prompts import Prompt, as_prompt, goes_on_from
from harness.policy.templates import written


@dataclass(frozen=True)
class Answers:
    """How the answers of one model are tokens: apart from the prompt, with one end token.

    Args:
        tokenizer: Of the model.
        stops: Ids that end what the model samples, its tokenizer's EOS first.
        embedded: For how many ids the model has embeddings; None where that is not known.
    """

    tokenizer: Any
    stops: Sequence[int]
    embedded: int | None = None

    def taught(self, prompt: Prompt, text: str) -> tuple[list[int], bool]:
        """Return the tokens to learn of an answer, and whether it says more after its end.

        They end with one end token, also where the text has it, and where sampling would be over.
        In a text that is learnt whole, which has no prompt, turns may end before.
        """
        ids = continued_ids(self.tokenizer, self.said(prompt, text))
        if prompt == "":
            return self.ended(prompt, ids), False
        size = next((n for n, one in enumerate(ids) if one in self.stops), len(ids))
        rest = self.tokenizer.decode(ids[size:], skip_special_tokens=True)
        return [*ids[:size], self.end(prompt)], bool(rest.strip())

    def read(self, prompt: Prompt, text: str) -> list[int]:
        """Return the tokens of an answer that is to be scored: all that it says."""
        return self.ended(prompt, continued_ids(self.tokenizer, self.said(prompt, text)))

    def said(self, prompt: Prompt, text: str) -> str:
        """Return an answer as it goes on from what the policy is asked with."""
        seen = as_prompt(self.tokenizer, prompt)
        if prompt == "":
            return text
        if isinstance(seen, str):
            return once(seen, text)
        if goes_on_from(seen):
            return once(seen[-1]["content"], text)
        return going_on(self.tokenizer, seen, text)

    def ended(self, prompt: Prompt, ids: Sequence[int]) -> list[int]:
        """Return the tokens of an answer, which may have been sampled, with that end."""
        size = len(ids)
        while size and ids[size - 1] in self.stops:
            size -= 1
        return [*ids[:size], self.end(prompt)]

    def end(self, prompt: Prompt) -> int:
        """Return the id that ends an answer to a prompt: of a chat, that of its turns."""
        is_chat = not isinstance(as_prompt(self.tokenizer, prompt), str)
        return self._end_of_turn if is_chat else int(self.tokenizer.eos_token_id)

    @property
    def ends(self) -> set[int]:
        """The ids that answers end with, to one prompt or another."""
        return {int(self.tokenizer.eos_token_id), self._end_of_turn}

    @cached_property
    def _end_of_turn(self) -> int:
        """What the chat template writes after an answer, if sampling ends there; else the EOS."""
        from jinja2 import TemplateError

        eos, said = int(self.tokenizer.eos_token_id), "An answer"
        if not getattr(self.tokenizer, "chat_template", None):
            return eos
        chat = [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": said}]
        try:
            text = written(self.tokenizer, chat, asks=False)
        except TemplateError:
            return eos
        _, found, after = text.rpartition(said)
        ids = self.tokenizer(after.lstrip(), add_special_tokens=False)["input_ids"]
        return ids[0] if found and ids and ids[0] in self.stops else eos


def answers_of(path: str | Path, tokenizer: Any) -> Answers:
    """Return how the answers of a checkpoint are tokens.

    Raises:
        InputError: There is no checkpoint.
    """
    return Answers(tokenizer, ends_of(generation_config(path), tokenizer), embedded(path))


def reads_tokens(reader: Any, writer: Any) -> bool:
    """Return whether one tokenizer has every token of another, under the same id."""
    known: dict[str, int] = reader.get_vocab()
    return bool(writer.get_vocab().items() <= known.items())


def continued_ids(tokenizer: Any, text: str) -> list[int]:
    """Return the tokens of a text that goes on from another.

    Some tokenizers put a space before what they take for the first word of all; after a special
    token they do not.
    """
    bare: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    eos = tokenizer.eos_token
    after: list[int] = tokenizer(eos + text, add_special_tokens=False)["input_ids"]
    if after[:1] != [tokenizer.eos_token_id] or after[1:] == bare:
        return bare
    # A special token that takes the spaces beside it would make another text.
    return after[1:] if tokenizer.decode(after) == tokenizer.decode(after[:1]) + text else bare
