"""One label that one person gave."""

from __future__ import annotations

from dataclasses import dataclass

from harness.nouns.schema import Order, Value


@dataclass(frozen=True, slots=True)
class HumanLabel:
    """One label that one person gave.

    Args:
        item_id: The item.
        responses: Id (or system) of the response; for a pair of A, then B.
        annotator: Who.
        value: On the scale; for a pair "A", "B" or "TIE"; None where the person skipped.
        criterion: Id of the criterion; empty fits any.
        where: Row, for messages.
        comment: The person's reason.
        shown: Order of a pair on the screen; empty when unknown.
        repeat: 0 for the first label that this person gave to the same thing, then 1, 2, ...
    """

    item_id: str
    responses: tuple[str, ...]
    annotator: str
    value: Value
    criterion: str = ""
    where: str = ""
    comment: str = ""
    shown: Order = ""
    repeat: int = 0
