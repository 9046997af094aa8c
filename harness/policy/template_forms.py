"""In what form a chat template reads messages, as texts or as lists of parts, and what it loses.

A template that reads parts writes nothing for a text, and says nothing of it. What a template shows
is seen in what it writes for numbers in the place of the texts, whatever it does to spaces, quotes
or the case of letters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

FIRST = 7_391_524_000
"""Stands for the text of the first message; digits come out of every filter as they are."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a template is to be given the messages of a chat.

    Args:
        parts: Places of messages that it reads as lists of parts only.
        lost: Places of messages that it leaves out in every form.
    """

    parts: frozenset[int] = frozenset()
    lost: frozenset[int] = frozenset()


_KNOWN: WeakKeyDictionary[Any, dict[tuple[Any, ...], Form]] = WeakKeyDictionary()


def form_of(tokenizer: Any, chat: Sequence[Mapping[str, Any]], told: Mapping[str, Any]) -> Form:
    """Return the form of a chat; that of all chats of the same speakers is the same.

    Args:
        tokenizer: With a chat template.
        chat: Messages whose contents are texts.
        told: What the template is told besides.
    """
    speakers = tuple((m["role"], bool(m.get("content")), tuple(sorted(m))) for m in chat)
    key = (str(tokenizer.chat_template), repr(told), speakers)
    known = _KNOWN.setdefault(tokenizer, {})
    if key not in known:
        known[key] = _seen(tokenizer, chat, told)
    return known[key]


def in_form(chat: Sequence[Mapping[str, Any]], parts: frozenset[int]) -> list[Mapping[str, Any]]:
    """Return a chat with some of its messages as lists of one part."""
    return [
        {**one, "content": [{"type": "text", "text": one["content"]}]} if place in parts else one
        for place, one in enumerate(chat)
    ]


def _seen(tokenizer: Any, chat: Sequence[Mapping[str, Any]], told: Mapping[str, Any]) -> Form:
    says = {n for n, one in enumerate(chat) if one.get("content")}
    # Of calls of tools and what they return, templates write what they need.
    needed = {n for n in says if chat[n]["role"] != "tool" and "tool_calls" not in chat[n]}
    marked = [
        {**one, "content": str(FIRST + n)} if n in says else one for n, one in enumerate(chat)
    ]
    shown = _shown(tokenizer, marked, told)
    hidden = says - (shown or set())
    if not hidden & needed:
        return Form()
    # Where no text is shown as one, those without a letter are read as parts, too.
    empty = {n for n, one in enumerate(chat) if one.get("content") == "" and not shown}
    found = _shown(tokenizer, in_form(marked, frozenset(hidden | empty)), told)
    if shown is None and found is None:
        return Form()  # it refuses such a chat, and says why
    parts = frozenset(hidden & (found or set()))
    return Form(parts | empty if parts else parts, frozenset((hidden & needed) - parts))


def _shown(
    tokenizer: Any, chat: Sequence[Mapping[str, Any]], told: Mapping[str, Any]
) -> set[int] | None:
    """Return the places of the messages that a template writes; None where it cannot."""
    from jinja2 import TemplateError

    try:
        text = tokenizer.apply_chat_template(
            chat, add_generation_prompt=False, tokenize=False, **told
        )
    except (TemplateError, TypeError, ValueError, AttributeError, LookupError):
        return None
    found = set()
    for place in range(len(chat)):
        before, is_there, _ = text.partition(str(FIRST + place))
        if is_there and not before.endswith(("'text': '", '"text": "')):  # a part is no text
            found.add(place)
    return found
