"""How many of something, in words: "1 item", "1,200 items"."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is not one.

    Args:
        count: How many.
        noun: In the singular; its last word gets an s, or ies for y.
    """
    if count == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {plural}"
