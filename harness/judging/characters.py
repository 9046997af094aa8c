"""The plain characters of a reply: wide, styled and unseen ones read as what they stand for."""

from __future__ import annotations

import unicodedata

_UNSEEN = (
    *(0x00, 0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
)
# Wide forms, circled and parenthesised letters, letters of mathematics.
_STYLED = (range(0xFF01, 0xFF5F), range(0x24B6, 0x24EA), range(0x1D400, 0x1D800))
_PLAIN: dict[int, str | None] = {
    **{place: unicodedata.normalize("NFKC", chr(place)) for part in _STYLED for place in part},
    **{place: chr(place - 0x1F170 + ord("A")) for place in range(0x1F170, 0x1F18A)},
    **dict.fromkeys(_UNSEEN),
    **dict.fromkeys((0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029), "\n"),
    **dict.fromkeys((0xA0, 0x202F, 0x3000), " "),
}


def plain(text: str) -> str:
    """Return a text with plain letters, marks and ends of lines, without unseen characters."""
    return text.replace("\r\n", "\n").translate(_PLAIN)
