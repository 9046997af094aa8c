"""How an answer goes on from what a chat template writes before it: nothing is said twice.

Some templates begin the answer when they ask for one, as with ``<think>``, and some write words of
their own before one in a chat: a channel, or a thought of nothing. What is taught is what the
template writes of the whole chat behind what it asks with, since that is what was to be sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.nouns.thoughts import begun_thought, end_of_thought, parted
from harness.policy.templates import written

THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""What templates call the thought of a message."""

SAID = "An answer"
"""Stands for an answer, to see what a template writes around it."""


def going_on(tokenizer: Any, chat: Sequence[Mapping[str, str]], text: str) -> str:
    """Return what is to follow when a chat is asked, so that the answer is a text.

    White space at the ends of the text stays as it is, whatever the template does to it. Where what
    the template writes is no way on from what it asks with, as where it leaves thoughts out, it is
    the text, without what has been begun.

    Args:
        tokenizer: With a chat template.
        chat: Messages, of which the last is not the assistant's or is over.
        text: Of the answer.
    """
    from jinja2 import TemplateError

    try:
        asked = written(tokenizer, chat, asks=True)
        before, _, after = _with(tokenizer, chat, {"content": SAID}).rpartition(SAID)
        for message, may_add in _messages(text):
            whole = _with(tokenizer, chat, message)
            rest = _behind(asked, whole.removesuffix(after)) if whole.endswith(after) else None
            if rest is not None and _same_words(rest, message, text, asked, may_add):
                return text if rest.strip() == text.strip() else rest
    except (TemplateError, TypeError, ValueError):
        return text
    begun = asked.removeprefix(before.rstrip()) if asked.startswith(before.rstrip()) else ""
    return once(asked, text, begun)


def _messages(text: str) -> list[tuple[dict[str, str], bool]]:
    """Return the messages that an answer may be, and whether words may be added before it.

    As it stands it has its thought in it; else the template is given its thought apart.
    """
    parts, bare = parted(text), {"content": text}
    if not parts.thoughts or not parts.answer or parts.unfinished:
        return [(bare, True)]
    apart = {"content": parts.answer, **dict.fromkeys(THOUGHTS, parts.thoughts)}
    return [(bare, False), (apart, True)]


def once(asked: str, text: str, begun: str = "") -> str:
    """Return an answer without what its prompt has begun already.

    An answer without a thought ends one that was begun, which would else be the answer.

    Args:
        asked: The prompt, up to where the answer follows.
        text: The answer.
        begun: What the prompt ends with if not with the mark of a thought.
    """
    mark = begun_thought(asked)
    for one in (begun.strip(), mark):
        if one and text.lstrip().startswith(one):
            space = asked[len(asked.rstrip()) :]
            return text.lstrip().removeprefix(one).removeprefix(space)
    if mark and begun and parted(mark + text).unfinished and (end := end_of_thought(mark)):
        return f"\n{end}\n\n{text}"
    return text


def _with(tokenizer: Any, chat: Sequence[Mapping[str, str]], message: Mapping[str, str]) -> str:
    return written(tokenizer, [*chat, {"role": "assistant", **message}], asks=False)


def _behind(asked: str, whole: str) -> str | None:
    """Return what stands behind a prompt in a chat; None if that does not begin with the prompt."""
    if whole.startswith(asked):
        return whole.removeprefix(asked)
    bare = asked.rstrip()
    return whole.removeprefix(bare).lstrip() if whole.startswith(bare) else None


def _same_words(
    rest: str, message: Mapping[str, str], text: str, asked: str, may_add: bool
) -> bool:
    """Return whether a template kept an answer's words, but for what was asked with already."""
    here, said, before = ("".join(one.split()) for one in (rest, text, asked))
    if THOUGHTS[0] in message:
        answer, thought = ("".join(message[key].split()) for key in ("content", THOUGHTS[0]))
        return here.endswith(answer) and thought in here.removesuffix(answer)
    if here.endswith(said):
        return here == said or may_add
    return bool(here) and said.endswith(here) and before.endswith(said.removesuffix(here))
