"""Labels that may mean one thing or another: named and asked about, before anything is counted."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from harness.labels.columns import LabelColumns
from harness.labels.failures import SKIP, FailureWords
from harness.labels.files import Table
from harness.labels.spellings import (
    SHOWN,
    Folded,
    Said,
    Vocabulary,
    fold_labels,
    listed,
    quoted,
    times,
)
from harness.labels.values import (
    PAIR_TARGETS,
    SIDES,
    SURE_SIDES,
    name_and_place,
    number_of,
    said_text,
)
from harness.nouns.errors import DataError


def settle_doubts(
    table: Table,
    words: FailureWords,
    found: dict[str, Counter[str]],
    columns: LabelColumns,
) -> None:
    """Refuse labels that may stand for failures, where nobody says what they are."""
    declared = set(columns.values)
    doubts = [t for t in found if said_text(t).lower() in words.doubtful and t not in declared]
    numbers = [number_of(said_text(text)) for text in found]
    if all(number is not None and abs(number) <= 1 for number in numbers):
        return  # -1, 0 and 1 stand for a side
    if doubts:
        raise DataError(
            f"{quoted(doubts)} may be a label, or say that there is none",
            where=str(table.path),
            details=[f"{quoted([text])} {_who(found[text])}" for text in doubts],
            hint=f"if it is a label, say {_declared(columns, {t: t for t in doubts})};"
            f" if not, {_declared(columns, dict.fromkeys(doubts, SKIP))}, or name the"
            " people (--people, --set people=a,b): what they do not say is none",
        )


@dataclass(frozen=True, slots=True)
class Strangers:
    """The few labels without which a table would say but one kind of thing.

    Args:
        kind: What most of its labels say; empty where there are no strangers.
        said: The strangers, and who said them how often.
    """

    kind: str = ""
    said: Said = field(default_factory=dict)

    @classmethod
    def among(cls, found: Said) -> Strangers:
        """Look for them: the labels of the other kind are more than half of all that is said."""
        total = sum(counts.total() for counts in found.values())
        for kind, is_one in _KINDS.items():
            known = {text: counts for text, counts in found.items() if is_one(said_text(text))}
            most = 2 * sum(counts.total() for counts in known.values()) > total
            if most and 1 < len(known) < len(found):
                return cls(kind, {text: found[text] for text in found if text not in known})
        return cls()

    def told(self) -> list[str]:
        """Return a line for each."""
        return [f"{quoted([text])} {_who(counts)}" for text, counts in self.said.items()]


_KINDS: Mapping[str, Callable[[str], bool]] = {
    "A, B or a tie": lambda text: Vocabulary.of([text]).sides,
    "yes or no": lambda text: Vocabulary.of([text, "yes"]).truths,
    "numbers": lambda text: number_of(text) is not None or bool(unread_number(text)),
}


def stray_words(columns: LabelColumns, folded: Folded, said: Said) -> list[str]:
    """Return a warning on words that one person alone says, who else says what the others do.

    Each counts as a label of its own: nobody knows that it is none.
    """
    found = _folded(folded, said)
    few = Strangers.among(found)
    usual: Counter[str] = Counter()
    for text in found.keys() - few.said.keys():
        usual.update(found[text])
    alone = {
        text: counts
        for text, counts in few.said.items()
        if len(counts) == 1 and counts.total() < usual[next(iter(counts))] and len(usual) > 1
        if text not in columns.values
    }
    if not alone:
        return []
    skipped = _declared(columns, dict.fromkeys(alone, SKIP))
    shown = listed(Strangers(few.kind, alone).told(), ", ")
    return [
        f"warning: read as a label of its own, though all others are {few.kind}: {shown}; to leave"
        f" it out say {skipped}"
    ]


def settle_unsure(table: Table, columns: LabelColumns, folded: Folded, found: Said) -> None:
    """Refuse labels that may be spellings of one.

    Where they are but for a few words, which keep a table from saying one kind of thing, these are
    named first.
    """
    if not folded.unsure:
        return
    said = _folded(folded, found)
    one: dict[str, str] = {}
    two: dict[str, str] = {}
    for group in folded.unsure:
        first = min(group, key=lambda name: (-said[name].total(), len(name), name))
        one |= {name: first for name in group if name != first}
        two |= {name: name for name in group}
    details = [
        "; ".join(f"{quoted([n])} {_who(said[n])}" for n in group) for group in folded.unsure
    ]
    more = [f"and {len(details) - SHOWN} more"] if len(details) > SHOWN else []
    hint = f"if they are one, say {_declared(columns, one)}; if they are two,"
    hint += f" {_declared(columns, two)}"
    few = Strangers.among(found)
    usual = {text: found[text] for text in found if text not in few.said}
    cause = ""
    if few.said and len(few.said) <= SHOWN and not fold_labels(usual, columns.values).unsure:
        cause = f", where all are {few.kind} but {quoted(few.said)}"
        skipped = _declared(columns, dict.fromkeys(few.said, SKIP))
        hint = f"to leave out {quoted(few.said)}, say {skipped}; {hint}"
    raise DataError(
        f"labels that may be one or two: {quoted(folded.unsure[0])}{cause}",
        where=str(table.path),
        details=[*(few.told() if cause else ()), *details[:SHOWN], *more],
        hint=hint,
    )


def _folded(folded: Folded, found: Said) -> Said:
    """Return who said each label as it is read."""
    said: dict[str, Counter[str]] = {}
    for text, counts in found.items():
        said.setdefault(folded.texts.get(text, text), Counter()).update(counts)
    return said


def _declared(columns: LabelColumns, more: Mapping[str, str]) -> str:
    """Return how what is declared and some more is written on the command line.

    Of much more a part, which is asked about again where that is not all.
    """
    shown = {**columns.values, **dict(list(more.items())[: 2 * SHOWN])}
    return f"--set {shlex.quote('values=' + json.dumps(shown, ensure_ascii=False))}"


def _who(counts: Counter[str]) -> str:
    people = listed(sorted(filter(None, counts)), ", ")
    return times(counts.total()) + (f" ({people})" if people else "")


def settle_ties(table: Table, columns: LabelColumns, texts: Iterable[str]) -> None:
    """Refuse pairs in which several words say a tie that may be one verdict or two.

    Args:
        table: For its names.
        columns: What its columns mean.
        texts: Cells with labels that ``values`` does not declare.

    Raises:
        DataError: A tie stands beside one where both are bad, or both good.
    """
    said = Counter(map(said_text, texts))
    words = {t for t in said if t not in columns.values and SIDES.get(t.casefold()) == "TIE"}
    if len(words) < 2:
        return
    names = {said_text(name).casefold() for name in columns.systems}
    for column in filter(None, (columns.response_a, columns.response_b)):
        names.update(said_text(row.cells.get(column)).casefold() for row in table.rows)
    ties: dict[str, list[str]] = {}
    for text in sorted(words):
        word = text.casefold()
        if word not in names:
            kind = "tie" if word in SURE_SIDES else "".join(filter(str.isalpha, word))
            ties.setdefault(kind.removeprefix("tie") or "tie", []).append(text)
    if len(ties) < 2:
        return
    found = [text for group in ties.values() for text in group]
    others = [text for kind, group in ties.items() if kind != "tie" for text in group]
    all_ties = dict.fromkeys(found, "TIE")
    skipped = all_ties | dict.fromkeys(others, SKIP)
    raise DataError(
        f"labels that may be one or two: {quoted(group[0] for group in ties.values())}",
        where=str(table.path),
        details=[f"{quoted([text])} {times(said[text])}" for text in found[:SHOWN]],
        hint=f"if all of them are ties, say {_declared(columns, all_ties)}; to leave out the pairs"
        f" that are no plain tie, {_declared(columns, skipped)}",
    )


def two_readings(text: str, values: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return what is wrong with a label that names one response and the place of the other."""
    name, place = name_and_place(text, names)
    if text in values or name in (None, place) or text.upper() not in PAIR_TARGETS:
        return ""
    meant = f"values: {{{text}: {place}}} (--set 'values={json.dumps({text: place})}')"
    return (
        f"label {text!r} may be the response of that name, which stands as {name}, or say {place}:"
        f" if it says {place}, declare {meant}; if it is the name, give the responses other names"
    )


def number_words(labels: Collection[str]) -> list[str]:
    """Return a warning where labels look like numbers that only a person reads as such."""
    written = sorted(filter(unread_number, map(said_text, labels)))
    if 2 * len(written) <= len(labels):
        return []
    return [
        f"warning: {listed([repr(text) for text in written[:3]], ', ')} are read as words, not as"
        f" numbers: {_AS_NUMBERS}, and say --scale interval"
    ]


_AS_NUMBERS = "write 1.5 for 1,5, and 0.8 or 80 for 80%"


def unread_number(text: str) -> str:
    """Return the number that a person sees in a decimal comma or a percentage; empty for others."""
    plain = text.rstrip("% \u00a0\u202f\uff05")
    plain = plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain
    return plain if number_of(text) is None and number_of(plain) is not None else ""


def off_scale_hint(texts: Collection[str]) -> str:
    """Return what to do about labels that are not on a declared scale."""
    if any(map(unread_number, texts)):
        return (
            f"numbers are written with a point and without a percent sign: {_AS_NUMBERS}; a text"
            " that stands for a failure goes into failure_values (--failure-values)"
        )
    return "a text that stands for a failure goes into failure_values (--failure-values)"
