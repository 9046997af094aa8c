"""Puts untrusted text between delimiters that it cannot end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.nouns.schema import Item, Response

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_TAG = re.compile(r"<(?=\s*/?\s*(?:prompt|reference|response|example|verdict)\b)", re.IGNORECASE)
_LOOKALIKE = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
_CHAT_TOKEN = re.compile(r"<(?=\|[\w ]{1,40}\|>)|\[(?=/?INST\])")


def untrusted(text: str) -> str:
    """Return text in which nothing reads as one of our delimiters or as a chat-template token.

    The opening bracket of a would-be delimiter becomes a look-alike, so that the reader still sees
    what was written; everything else stays as it is.
    """
    text = _TAG.sub(_LOOKALIKE, text)
    return _CHAT_TOKEN.sub(lambda found: _LOOKALIKE if found[0] == "<" else "(", text)


def block(tag: str, text: str, name: str = "") -> str:
    """Return untrusted text between the delimiters of a tag, such as ``<response A>``."""
    label = f"{tag} {name}" if name else tag
    return f"<{label}>\n{untrusted(text)}\n</{label}>"


def shown_prompt(item: Item) -> str:
    """Return the prompt of an item as text; chat messages with their roles."""
    if isinstance(item.prompt, str):
        return item.prompt
    return "\n\n".join(f"[{m['role']}]\n{m['content']}" for m in item.prompt)


def shown_reference(item: Item) -> str | None:
    """Return the reference as text, None when there is none."""
    reference = item.reference
    if reference is None:
        return None
    if isinstance(reference, str):
        return reference
    if isinstance(reference, Mapping):
        return "\n".join(f"{name}: {value}" for name, value in reference.items())
    if isinstance(reference, Sequence):
        return "\n".join(str(value) for value in reference)
    return str(reference)


def letters_of(responses: Sequence[Response]) -> tuple[str, ...]:
    """Return the letters under which responses are shown: A, B, C, ...

    Raises:
        ValueError: There are more responses than letters.
    """
    if len(responses) > len(LETTERS):
        raise ValueError(f"{len(responses)} responses in one request, at most {len(LETTERS)}")
    return tuple(LETTERS[: len(responses)])
