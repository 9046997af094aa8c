"""Labels that one person gave twice to the same thing: an error, or the last counts, or both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from harness.labels.human_label import HumanLabel, Thing
from harness.labels.problems import Problems
from harness.nouns.schema import Value


@dataclass(slots=True)
class Settled:
    """What is left of some labels.

    Args:
        kept: In their order, one that was replaced in the place of the first.
        notes: What was left out, in sentences.
        wrong: Whether there is a problem.
    """

    kept: list[HumanLabel] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    wrong: bool = False


def settle_duplicates(labels: Iterable[HumanLabel], how: str, problems: Problems) -> Settled:
    """Report, drop or number the labels that one person gave twice to the same thing.

    Args:
        labels: All of a table.
        how: error, last or repeat, as in ``LabelColumns``.
        problems: Where they are reported.
    """
    places: dict[tuple[Thing, str], int] = {}
    count: Counter[tuple[Thing, str]] = Counter()
    found = Settled()
    dropped: Counter[str] = Counter()
    others = 0
    for label in labels:
        key = (label.thing, label.annotator)
        place = places.setdefault(key, len(found.kept))
        if place == len(found.kept) or how == "repeat":
            found.kept.append(replace(label, repeat=count[key]))
        elif how == "last":
            before = found.kept[place]
            dropped[label.annotator] += 1
            others += before.value != label.named(before.responses).value
            found.kept[place] = label
        else:
            found.wrong = True
            _report(found.kept[place], label, problems)
        count[key] += 1
    if how == "repeat" and (again := sum(n - 1 for n in count.values())):
        found.notes = (
            f"{again} {'label repeats' if again == 1 else 'labels repeat'} an earlier one of the"
            " same person on the same thing; what takes one label of a person takes the first",
        )
    if dropped:
        n = dropped.total()
        by = ", ".join(f"{count} of {name}" for name, count in sorted(dropped.items()))
        found.notes = (
            f"{n} {'label' if n == 1 else 'labels'} left out, as a later one of the same person on"
            f" the same thing counts ({by}); {others} of them said something else",
        )
    return found


def _report(before: HumanLabel, again: HumanLabel, problems: Problems) -> None:
    said, says = before.value, again.named(before.responses).value
    what = (
        "with the same label (a duplicate row)"
        if said == says
        else f"as {_said(said)}, here as {_said(says)} (a contradiction)"
    )
    problems.add(
        again.where,
        f"{again.annotator} labelled item {again.item_id!r} already in {before.where} {what}",
    )


def _said(value: Value) -> str:
    return "skipped" if value is None else str(value)
