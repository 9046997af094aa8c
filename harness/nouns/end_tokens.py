"""The tokens that end a model's turn, where they were left at the end of what it wrote."""

from __future__ import annotations

import re

_END = re.compile(
    r"[ \t\n]{0,9}(?:<\|(?:im_end|eot_id|eom_id|eot|eos|end|endoftext|end_of_text"
    r"|end_of_turn|return|pad|end\u2581of\u2581sentence)\|>|<\uff5cend\u2581of\u2581sentence\uff5c>|</s>|<eos>"
    r"|<end_of_turn>|\[/?INST\]|<pad>)\s{0,9}\Z",
    re.IGNORECASE,
)
_LONGEST = 48


def without_end_tokens(text: str) -> str:
    """Return a response without the tokens that end a turn, at its end."""
    while found := _END.search(text[-_LONGEST:]):
        text = text[: len(text) - len(found[0])]
    return text
