"""What a chat template is told besides the chat: kept with the tokenizer, saved with the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.nouns.errors import ConfigError
from harness.nouns.nearest import did_you_mean
from harness.policy.template_forms import form_of, in_form

NAME = "chat_template_kwargs"
"""Under which they stand in ``tokenizer_config.json``."""

GIVEN = frozenset(
    "messages tools documents add_generation_prompt continue_final_message bos_token eos_token"
    " pad_token unk_token strftime_now raise_exception".split()
)
"""What a template reads that is made of the chat, the call or the tokenizer."""


def tell_template(tokenizer: Any, values: Mapping[str, Any]) -> None:
    """Let a tokenizer give its chat template values, in the place of those it came with, if any.

    Raises:
        ConfigError: The template reads no value of such a name, or there is none.
    """
    if not values:
        return
    if not getattr(tokenizer, "chat_template", None):
        raise ConfigError(f"{NAME}: the model has no chat template", hint="leave them out")
    known = _read_by(tokenizer.get_chat_template())
    for name in values:
        if name not in known:
            near = did_you_mean(name, known, after=" ")
            reads = f"it reads {', '.join(sorted(known))}" if known else "it reads none"
            raise ConfigError(
                f"{NAME}: the model's chat template reads no {name!r}", hint=f"{near}{reads}"
            )
    tokenizer.init_kwargs[NAME] = dict(values)


def _read_by(template: str) -> set[str]:
    from jinja2 import Environment, TemplateError, meta, nodes
    from jinja2.ext import Extension, loopcontrols

    class Generation(Extension):
        """transformers' mark of what an assistant says."""

        tags = {"generation"}  # noqa: RUF012 - as jinja2 has it

        def parse(self, parser: Any) -> list[nodes.Node]:
            next(parser.stream)
            found: list[nodes.Node] = parser.parse_statements(
                ("name:endgeneration",), drop_needle=True
            )
            return found

    try:
        tree = Environment(extensions=[loopcontrols, Generation]).parse(template)
    except TemplateError as error:
        raise ConfigError(f"{NAME}: the model's chat template is broken: {error!s:.200}") from error
    return meta.find_undeclared_variables(tree) - GIVEN


def written(
    tokenizer: Any,
    chat: Sequence[Mapping[str, Any]],
    asks: bool,
    goes_on: bool = False,
    **more: Any,
) -> str:
    """Return a chat as the template writes it.

    Args:
        tokenizer: With a chat template.
        chat: Messages.
        asks: Whether an answer is to follow.
        goes_on: Whether the last message is left open, for an answer that goes on from it.
        more: What transformers is given besides: ``tools``, or another ``chat_template``.

    Raises:
        ValueError: A message that is to be left open is not in what the template writes.
    """
    values = told_template(tokenizer) | more
    chat = in_form(chat, form_of(tokenizer, chat, values).parts)
    text: str = tokenizer.apply_chat_template(
        chat,
        add_generation_prompt=asks and not goes_on,
        continue_final_message=goes_on,
        tokenize=False,
        **values,
    )
    return text


def told_template(tokenizer: Any) -> dict[str, Any]:
    """Return what a tokenizer gives its chat template."""
    found: dict[str, Any] = getattr(tokenizer, "init_kwargs", {}).get(NAME) or {}
    return found
