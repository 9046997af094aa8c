"""The words that stand for a verdict that failed, and when such a word is a label instead.

One rule for every reader of label tables, told to users in docs/human-labels.md:

1. What the table declares goes first: a text that ``values`` maps, or that stands on the declared
   scale (``--categories``), is that label.
2. ``skip`` is an abstention, whoever says it.
3. ``n/a`` and the other words of ``NO_LABEL``, such as the ``#VALUE!`` of a spreadsheet, say that
   there is no label, whoever says them.
4. What a declared person says is a label: a person does not time out.
5. A word of the list, whatever its case, is a failure, unless declared people or gold labels use
   it. Declared ``failure_values`` stand in place of the list, whoever uses them.
6. ``none`` and ``-1`` may be labels: they are failures as the words of the list are, but only where
   it is declared who the people are, or gold labels are there, and -1 only where no other label is
   negative. In any other table they are asked about.

Whoever is not declared to be a person may fail.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
    "refusal": Status.REFUSED,
    "unparseable": Status.UNPARSEABLE,
    "unparsable": Status.UNPARSEABLE,
    "garbage": Status.UNPARSEABLE,
    **{
        f"{word}{gap}error": status
        for word, status in (
            ("parse", Status.UNPARSEABLE),
            ("parsing", Status.UNPARSEABLE),
            ("format", Status.UNPARSEABLE),
            ("json", Status.UNPARSEABLE),
            ("api", Status.ERROR),
            ("server", Status.ERROR),
            ("timeout", Status.TIMEOUT),
        )
        for gap in ("_", " ", "-", "")
    },
    "timeout": Status.TIMEOUT,
    "timed out": Status.TIMEOUT,
    "timed_out": Status.TIMEOUT,
    "error": Status.ERROR,
    EMPTY: Status.MISSING,
}
"""Every word of the list, with the status of a verdict that it stands for."""

SHEET_ERRORS = frozenset(
    (
        *("#n/a", "#value!", "#div/0!", "#name?", "#ref!", "#null!", "#num!", "#error!"),
        *("#spill!", "#calc!", "#field!", "#blocked!", "#connect!", "#unknown!", "#busy!"),
        *("#getting_data", "#n/a!"),
        *("#nv", "#wert!", "#bezug!", "#zahl!"),
    )
)
"""What a spreadsheet writes in place of a value that it could not compute; the last in German."""

NO_LABEL = SHEET_ERRORS | {"n/a", "n.a.", "<na>", "na", "nan", "null"}
"""Words by which programs and people write that there is no label."""

DOUBTFUL = frozenset(("none", "-1", "-1.0"))
"""What may be a label, or stand for none."""


def status_of(reason: str) -> Status:
    """Return the status that a word of failure stands for; unknown ones are unparseable."""
    if reason in NO_LABEL:
        return Status.MISSING
    return FAILURE_WORDS.get(reason, Status.UNPARSEABLE)


@dataclass(frozen=True, slots=True)
class FailureWords:
    """The words that stand for failures in one table.

    Args:
        words: In lower case.
        people: Who cannot fail but by saying that they give no label.
        anybody: The words that stand for no label, whoever says them.
        doubtful: The words that may be labels, and are not decided on.
    """

    words: frozenset[str]
    people: frozenset[str]
    anybody: frozenset[str]
    doubtful: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        declared: Iterable[str],
        people: Iterable[str],
        said: Collection[str],
        everything: Iterable[str] = (),
    ) -> FailureWords:
        """Find the words of one table.

        Args:
            declared: Failure words in place of the list; none for the list.
            people: Declared people.
            said: What declared people and gold labels say.
            everything: What all columns of labels say.
        """
        words, nothing = {word.lower() for word in declared}, NO_LABEL | {SKIP.lower()}
        if words:
            return cls(frozenset(words | nothing), frozenset(people), nothing)
        used = {text.lower() for text in said}
        doubtful = set(DOUBTFUL)
        if any(number < 0 and number != -1 for number in map(_number, everything)) or "-1" in used:
            doubtful -= {"-1", "-1.0"}
        words = FAILURE_WORDS.keys() - {EMPTY} - used
        known = bool(used)
        return cls(
            frozenset(words | nothing | (doubtful - used if known else set())),
            frozenset(people),
            nothing,
            frozenset() if known else frozenset(doubtful),
        )

    def reason(self, text: str, annotator: str) -> str:
        """Return the word for which a text stands, in lower case; empty when it is no failure."""
        word = text.lower() or EMPTY
        fails = word in self.words and (annotator not in self.people or word in self.anybody)
        return word if fails else ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
