"""The words that stand for a verdict that failed, and when such a word is a label instead.

One rule for every reader of label tables, told to users in docs/human-labels.md:

1. What the table declares goes first: a text that ``values`` maps, or that stands on the declared
   scale (``--categories``), is that label.
2. ``skip`` is an abstention, whoever says it.
3. What a declared person says is a label: a person does not time out.
4. A word of the list, whatever its case, is a failure, unless declared people or gold labels use
   it. Declared ``failure_values`` stand in place of the list, whoever uses them.

Whoever is not declared to be a person may fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.nouns.outcomes import Status

SKIP = "SKIP"
"""What a cell is mapped to when somebody looked and gave no verdict."""

EMPTY = "empty"
"""Failure value that stands for an empty cell."""

FAILURE_WORDS: Mapping[str, Status] = {
    "skip": Status.ABSTAINED,
    "abstained": Status.ABSTAINED,
    "refused": Status.REFUSED,
    "unparseable": Status.UNPARSEABLE,
    "garbage": Status.UNPARSEABLE,
    "timeout": Status.TIMEOUT,
    "error": Status.ERROR,
    EMPTY: Status.MISSING,
}
"""Every word of the list, with the status of a verdict that it stands for."""


def status_of(reason: str) -> Status:
    """Return the status that a word of failure stands for; unknown ones are unparseable."""
    return FAILURE_WORDS.get(reason, Status.UNPARSEABLE)


@dataclass(frozen=True, slots=True)
class FailureWords:
    """The words that stand for failures in one table.

    Args:
        words: In lower case.
        people: Who cannot fail but by skipping.
    """

    words: frozenset[str]
    people: frozenset[str]

    @classmethod
    def of(
        cls, declared: Iterable[str], people: Iterable[str], said: Iterable[str]
    ) -> FailureWords:
        """Find the words of one table.

        Args:
            declared: Failure words in place of the list; none for the list.
            people: Declared people.
            said: What declared people and gold labels say.
        """
        words = {word.lower() for word in declared}
        if not words:
            words = FAILURE_WORDS.keys() - {EMPTY} - {text.lower() for text in said}
        return cls(frozenset(words | {SKIP.lower()}), frozenset(people))

    def reason(self, text: str, annotator: str) -> str:
        """Return the word for which a text stands, in lower case; empty when it is no failure."""
        word = text.lower() or EMPTY
        fails = word in self.words and (annotator not in self.people or word == SKIP.lower())
        return word if fails else ""
