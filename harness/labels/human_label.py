"""One label that one person gave."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.labels.failures import SKIP, status_of
from harness.nouns.outcomes import Status
from harness.nouns.schema import Order, Value

Thing = tuple[str, frozenset[str], str]
"""What a label is about: the item, its responses whichever way round, the criterion."""


@dataclass(frozen=True, slots=True)
class HumanLabel:
    """One label that one person, or a judge in the same table, gave.

    Args:
        item_id: The item.
        responses: Id (or system) of the response; for a pair of A, then B; none where the item
            itself was labelled.
        annotator: Who.
        value: On the scale; for a pair "A", "B" or "TIE"; None where there is no verdict.
        criterion: Id of the criterion; empty fits any.
        where: Row, for messages.
        comment: The person's reason.
        shown: Order of a pair on the screen; empty when unknown.
        repeat: 0 for the first label that this person gave to the same thing, then 1, 2, ...
        failure: The word that stands in place of a verdict, such as "timeout"; empty for a skip.
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
    failure: str = ""

    @property
    def thing(self) -> Thing:
        """What it is about."""
        return self.item_id, frozenset(self.responses), self.criterion

    @property
    def reason(self) -> str:
        """Why there is no value, in one word: "skip", or the word of the table."""
        return "" if self.value is not None else self.failure or SKIP.lower()

    @property
    def status(self) -> Status:
        """How the verdict ended."""
        return Status.OK if self.value is not None else status_of(self.reason)

    def named(self, responses: tuple[str, ...]) -> HumanLabel:
        """Return the label with its responses in this order: for a pair, A and B turned or not."""
        if responses == self.responses:
            return self
        value = {"A": "B", "B": "A"}.get(str(self.value), self.value)
        orders: dict[Order, Order] = {"AB": "BA", "BA": "AB", "": ""}
        return replace(self, responses=responses, value=value, shown=orders[self.shown])
