"""Puts untrusted text between delimiters that it cannot end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.nouns.schema import Item, Response

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_LOOKALIKE = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
_COLON = "\N{MODIFIER LETTER COLON}"

# Characters that nobody sees, and the wide forms that Unicode says are the same (NFKC).
_UNSEEN = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufe00-\ufe0f"
_GAP = rf"[\s{_UNSEEN}]*+"
_LESS, _MORE, _BAR = "[<\uff1c\ufe64]", "[>\uff1e\ufe65]", "[|\uff5c]"
_INSIDE = "[^<>\uff1c\uff1e\ufe64\ufe65\n]"

_TAGS = ("prompt", "reference", "response", "example", "verdict")
"""What the harness itself puts between angle brackets."""

_TOKENS = (
    "s", "sys", "bos", "eos", "pad", "unk", "mask", "sop", "eop", "eod", "endoftext", "bot", "ai",
    "start_of_turn", "end_of_turn", "start_of_role", "end_of_role", "end_of_text", "im_start",
    "im_end", "end_of_utterance", "start_of_image", "end_of_image", "system", "user", "assistant",
    "human", "developer", "tool", "tools", "tool_call", "tool_calls", "tool_response",
    "tool_responses", "function_call", "function_calls", "function_results", "invoke", "think",
    "thinking", "thought", "thoughts", "reasoning", "reflection", "analysis", "final", "channel",
    "message", "instructions", "criterion", "criteria", "rating", "ranking",
)  # fmt: skip
"""What chat templates and models put there: turns, tools and thoughts."""

_BRACKETED = (
    "inst", "system_prompt", "available_tools", "tool_calls", "tool_results", "tool_content",
    "think", "gmask", "smask", "bos", "eos", "args", "call_id", "model_settings",
)  # fmt: skip
"""What they put between square brackets."""

_ROLES = r"(?:system|user|assistant|tool|developer|human)"
_LINE = r"(?<![^\n\r\v\f\x85\u2028\u2029])"


def _any_of(names: Sequence[str]) -> str:
    """Return a pattern of some names, in wide letters and with unseen characters between, too."""
    following: dict[str, list[str]] = {}
    for name in names:
        following.setdefault(name[:1], []).append(name[1:])
    branches = []
    for letter, rests in following.items():
        if letter:
            wide = "[_\uff3f\u2581]" if letter == "_" else f"[{letter}{chr(ord(letter) + 0xFEE0)}]"
            branches.append(f"{wide}[{_UNSEEN}]*+{_any_of(rests)}")
    joined = branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
    return f"(?:{joined})?+" if branches and "" in following else joined if branches else ""


_ANGLE = re.compile(
    rf"{_LESS}(?={_GAP}[/\uff0f]?{_GAP}(?:{_any_of(_TAGS)}\b"
    rf"|{_any_of(_TOKENS)}(?!\w){_INSIDE}{{0,64}}+{_MORE}|{_BAR}{_INSIDE}{{1,64}}+{_MORE}"
    rf"|{_LESS}{_GAP}[/\uff0f]?{_GAP}{_any_of(['sys'])}{_GAP}{_MORE}))",
    re.IGNORECASE,
)
_SQUARE = re.compile(
    rf"[\[\uff3b](?={_GAP}[/\uff0f]?{_GAP}(?:{_any_of(_BRACKETED)}|{_BAR}[^\[\]\n|\uff5c]{{1,64}}+{_BAR})"
    rf"{_GAP}[\]\uff3d])",
    re.IGNORECASE,
)
_LABELS = r"question|prompt|right\ answer|response(?:\ [a-z])?|instruction|input"
_LABEL = re.compile(
    rf"{_LINE}([\s#*_>\-{_UNSEEN}]{{0,8}}+"
    rf"(?:{_ROLES}|{_LABELS}|(?:critique|revision)\ request)[\s*_{_UNSEEN}]{{0,8}}+)[:\uff1a]",
    re.IGNORECASE,
)
_ROLE_LINE = re.compile(rf"{_LINE}\[(?={_GAP}{_ROLES}{_GAP}\])", re.IGNORECASE)


def untrusted(text: str) -> str:
    """Return text in which nothing reads as a frame of ours, or as a turn of a chat.

    The opening bracket of a would-be delimiter or chat-template token becomes a look-alike, and so
    does the colon of a label at the beginning of a line ("Response B:", "User:"): the reader still
    sees what was written. Everything else stays as it is.
    """
    text = _SQUARE.sub("(", _ANGLE.sub(_LOOKALIKE, text))
    return _LABEL.sub(rf"\g<1>{_COLON}", text)


def block(tag: str, text: str, name: str = "") -> str:
    """Return untrusted text between the delimiters of a tag, such as ``<response A>``."""
    label = f"{tag} {name}" if name else tag
    return f"<{label}>\n{untrusted(text)}\n</{label}>"


def shown_prompt(item: Item) -> str:
    """Return the prompt of an item as text; chat messages with their roles."""
    if isinstance(item.prompt, str):
        return item.prompt
    turns = ((m["role"], _ROLE_LINE.sub("(", m["content"])) for m in item.prompt)
    return "\n\n".join(f"[{role}]\n{content}" for role, content in turns)


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
