"""Prompts to tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.nouns.errors import InputError
from harness.policy.template_forms import form_of
from harness.policy.templates import told_template, written

Prompt = str | Sequence[Mapping[str, str]]
"""Text, or chat messages."""


class Continued(str):
    """A text that is continued as it stands, also by a model with a chat template."""


class Ended(list[Mapping[str, str]]):
    """A chat whose last message is over, also the assistant's: the answer is another one."""


def as_prompt(tokenizer: Any, prompt: Prompt) -> Any:
    """Return the prompt in the form in which the model is to see it.

    A text for a model with a chat template is one message of the user; everything else stays, but
    for a BOS in a text to which the tokenizer adds one, and the keys without a value that a table
    gives messages of which others have one.
    """
    if isinstance(prompt, str):
        if getattr(tokenizer, "chat_template", None) and not isinstance(prompt, Continued):
            return [{"role": "user", "content": prompt}]
        bos = getattr(tokenizer, "bos_token", None)
        if bos and prompt.startswith(bos):
            twice = [tokenizer.bos_token_id] * 2
            if tokenizer(prompt)["input_ids"][:2] == twice:
                return type(prompt)(prompt.removeprefix(bos))
        return prompt
    messages = [{k: v for k, v in message.items() if v is not None} for message in prompt]
    return Ended(messages) if isinstance(prompt, Ended) else messages


def goes_on_from(chat: Sequence[Mapping[str, str]]) -> bool:
    """Return whether the answer to a chat goes on from the assistant's own last message."""
    return chat[-1]["role"] == "assistant" and not isinstance(chat, Ended)


def asked_ids(tokenizer: Any, prompt: Prompt) -> list[int]:
    """Return `prompt_ids`, of which there is at least one: a policy needs something to go on from.

    Raises:
        InputError: There is none, or the prompt is refused.
    """
    ids = prompt_ids(tokenizer, prompt)
    if not ids:
        raise InputError(
            f"the prompt {prompt!r:.60} comes to no token of the policy",
            hint="leave it out, or ask something",
        )
    return ids


def added_after(tokenizer: Any) -> int:
    """Return how many special tokens a tokenizer adds after a text."""
    whole, bare = (tokenizer("a", add_special_tokens=on)["input_ids"] for on in (True, False))
    most = len(whole) - len(bare)
    places = (n for n in range(most + 1) if bare and whole[n : n + len(bare)] == bare)
    return most - next(places, most)


def prompt_ids(tokenizer: Any, prompt: Prompt, **more: Any) -> list[int]:
    """Return the token ids of a prompt as the model sees it, with exactly one BOS if there is any.

    A chat template writes its own BOS into the text, so its text is tokenized without further
    special tokens. What a tokenizer adds after a text, such as an EOS, is left off: the answer is
    to follow. A chat that ends with a message of the assistant is continued there, as by TRL.

    Args:
        tokenizer: Of the policy.
        prompt: Text, or a chat.
        more: What the chat template is given besides, as `written` takes it.

    Raises:
        InputError: The prompt is a chat, and the tokenizer has no chat template, or one that
            refuses it, leaves one of its messages out, or does not let its last one go on.
    """
    from jinja2 import TemplateError

    seen = as_prompt(tokenizer, prompt)
    if isinstance(seen, str):
        ids = [int(token) for token in tokenizer(seen)["input_ids"]]
        return ids[: len(ids) - added_after(tokenizer)]
    if not getattr(tokenizer, "chat_template", None):
        raise InputError(
            "the prompt is a chat, but the policy's tokenizer has no chat template",
            hint="give a text as prompt (without a column system, which makes a chat of it), or use"
            " a policy that was made for chats",
        )
    no_system = "put the words of the system message before those of the first user message"
    begun = goes_on_from(seen)
    try:
        text = written(tokenizer, seen, asks=True, goes_on=begun, **more)
    except TemplateError as error:
        raise InputError(
            f"the policy's chat template refuses the chat: {error!s:.200}", hint=no_system
        ) from error
    except ValueError as error:
        if not begun:
            raise
        raise InputError(
            "the policy's chat template does not write the assistant's message"
            f" {seen[-1]['content']!r:.60} as it stands, so that no answer can go on from it",
            hint="end the prompt with the user's message",
        ) from error
    for place in sorted(form_of(tokenizer, seen, told_template(tokenizer) | more).lost):
        role, content = seen[place]["role"], seen[place]["content"]
        raise InputError(
            f"the policy's chat template leaves out the {role} message {content!r:.60}",
            hint=no_system
            if role == "system"
            else "leave that message out, or put its words into one that the template writes",
        )
    return [int(token) for token in tokenizer(text, add_special_tokens=False)["input_ids"]]
