"""Spellings of one label: what is surely the same is read as one, what may be two is asked for.

Surely the same are texts that differ in what nobody sees, in the form of a number (1.50, 1.5), or
in the case of a word; in a table of nothing but preferences also what tools call A, B and a tie,
and of nothing but yes and no also true, false, 1 and 0. Single letters in another case, other words
for yes or a tie among further labels, and letters of another alphabet that look alike may be one
label or two: that is for a person to say.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from harness.labels.values import SIDES, SURE_SIDES, cell_text, label_text, number_of, said_text

_YES = frozenset(("yes", "y", "true", "t", "1"))
_NO = frozenset(("no", "n", "false", "f", "0"))
_ALIKE = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u03b1\u03bf\u03b9",
    "abekmhopctyxiaoi",
)
"""Small letters of Cyrillic and Greek that look like Latin ones, here or as capitals."""

_TONES = dict.fromkeys((0x20E3, *range(0x1F3FB, 0x1F400)))
"""The keycap and the skin tones, which stand after another character."""

_WRAPPING = "\"'`.,;:!()[]*\u201c\u201d\u2018\u2019\u3002\uff0c\uff01"
_LONGEST_NUMBER = 15
_MOST = 1000
"""More labels than that are texts, and refused as such; which of them are alike does not matter."""
SHOWN = 8
"""Pairs or groups of spellings that one message shows; it counts the rest."""

Said = Mapping[str, Counter[str]]
"""Spelling as it stands in the cells -> who wrote it, and how often."""


def number_form(text: str) -> str:
    """Return a decimal number without what does not change it; the empty text for other texts.

    A number with a leading zero (007) may be a code, so it is none.
    """
    sign = text[:1].replace("\u2212", "-")
    digits = text[1:] if sign in ("+", "-") else text
    whole, _, part = digits.partition(".")
    if not (whole + part).isdigit() or not (whole + part).isascii():
        return ""
    if len(whole) > 1 and whole[0] == "0":
        return ""
    found = (whole or "0") + (f".{part.rstrip('0')}" if part.rstrip("0") else "")
    return f"-{found}" if sign == "-" and found != "0" else found


def _words(text: str) -> str:
    return " ".join(said_text(text).split())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The labels of one table, by which it is decided what a spelling means.

    Args:
        sides: Whether all of them say A, B or a tie.
        truths: Whether all of them say yes or no.
    """

    sides: bool
    truths: bool

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """Look at all labels of a table."""
        words = {_words(text).casefold() for text in texts}
        return cls(words <= SIDES.keys(), words <= _YES | _NO and not words <= {"0", "1"})

    def key(self, text: str) -> str:
        """Return what all spellings share that are surely the same label."""
        words = _words(text)
        lower = words.casefold()
        if self.truths and lower in _YES | _NO:
            return "yes" if lower in _YES else "no"
        if number := number_form(words):
            return number
        if self.sides and lower in SURE_SIDES:
            return SURE_SIDES[lower]
        return lower if sum(map(str.isalpha, words)) > 1 else words

    def near(self, text: str) -> str:
        """Return what all spellings share that may be the same label."""
        words = unicodedata.normalize("NFKC", _bare(_words(text)[:200])).casefold()
        words = words.translate(_ALIKE)
        words = words.strip(_WRAPPING + " ") or words
        if self.sides and words in SIDES:
            return SIDES[words]
        if words in ("yes", "true", "no", "false"):
            return "yes" if words in _YES else "no"
        if SURE_SIDES.get(words) == "TIE":
            return "TIE"
        decimal = words.replace(",", ".") if words.count(",") == 1 else words
        if len(decimal) <= _LONGEST_NUMBER and (number := number_of(decimal)) is not None:
            return f"{number:g}"
        return " ".join(_apart(words).split())


def _bare(text: str) -> str:
    """Return what a value's name in a program wraps, and an emoji without skin tone and keycap."""
    text = text.translate(_TONES) or text
    name, _, inner = text.partition("(")
    if inner.endswith(")") and name.replace("_", "").replace(".", "").isalnum():
        return inner[:-1].partition(", dtype=")[0]  # np.int64(1), Decimal('1')
    if text.startswith(("np.", "numpy.")):
        return text.partition(".")[2].rstrip("_")  # np.True_
    return text


def _apart(text: str) -> str:
    """Return a text with a blank for each _ and - between letters or digits."""
    inner = zip(text, text[1:], text[2:], strict=False)
    middle = (
        " " if now in "_-" and before.isalnum() and then.isalnum() else now
        for before, now, then in inner
    )
    return text if len(text) < 3 else text[0] + "".join(middle) + text[-1]


@dataclass(frozen=True, slots=True)
class Folded:
    """What the spellings of a table are read as.

    Args:
        texts: Spelling -> what it is read as, of those that are read as something else.
        notes: What was read as one, in sentences.
        unsure: Groups of labels that may be one.
        vocabulary: Of the labels.
        labels: All labels as they are read.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unsure: tuple[tuple[str, ...], ...] = ()
    vocabulary: Vocabulary = Vocabulary(False, False)
    labels: tuple[str, ...] = ()

    def label(self, text: str) -> str:
        """Return what a text is read as: one of the labels, where it is a spelling of one."""
        plain = label_text(text)
        return self.texts.get(cell_text(text), match(plain, self.labels, self.vocabulary) or plain)


def match(text: str, labels: Collection[str], vocabulary: Vocabulary | None = None) -> str | None:
    """Return the only one of some labels of which a text is a spelling, or None."""
    if text in labels:
        return text
    by = vocabulary or Vocabulary.of([*labels, text])
    found = [label for label in labels if by.key(label) == by.key(text)]
    return found[0] if len(found) == 1 else None


def fold_labels(said: Said, declared: Collection[str] = ()) -> Folded:
    """Decide which spellings of labels are one.

    Args:
        said: All labels of a table, failures left out.
        declared: Labels that a person named; each is one of its own.
    """
    vocabulary = Vocabulary.of(said)
    own = {said_text(text) for text in declared}
    named: dict[str, list[str]] = {}
    for label in own:
        named.setdefault(vocabulary.key(label), []).append(label)
    groups: dict[tuple[str, str], list[str]] = {}
    for text in said:
        plain, key = label_text(text), vocabulary.key(text)
        apart = plain if len(named.get(key, ())) > 1 else ""  # declared to be labels of their own
        groups.setdefault((key, apart), []).append(text)
    merged = any(len(set(map(label_text, texts))) > 1 for texts in groups.values())
    plain_sides = all(label_text(text).upper() in _CAPITALS for text in said)
    capitals = vocabulary.sides and (merged or plain_sides)
    texts: dict[str, str] = {}
    read, counted = [], []
    for (key, apart), spellings in groups.items():
        counts = Counter({text: said[text].total() for text in spellings})
        name = apart or (key if capitals and key in _CAPITALS else "")
        name = name or next(iter(named.get(key, ())), "") or _chosen(counts)
        read.append(name)
        texts |= {text: name for text in spellings if text != name}
        counted.append((name, counts))
    near: dict[str, list[str]] = {}
    for name in read if len(read) <= _MOST else ():
        near.setdefault(vocabulary.near(name), []).append(name)
    unsure = [
        tuple(sorted(names))
        for names in near.values()
        if len(names) > 1 and not own.issuperset(names)
    ]
    return Folded(texts, read_as_one(counted), tuple(sorted(unsure)), vocabulary, tuple(read))


def read_as_one(counted: Iterable[tuple[str, Mapping[str, int]]]) -> tuple[str, ...]:
    """Return a sentence on labels with several spellings, from what each is read as; or none."""
    notes = [
        f"{', '.join(f'{seen(t)} ({times(counts[t])})' for t in sorted(counts) if t != name)}"
        f" as {name}"
        for name, counts in counted
        if len(counts) > 1
    ]
    return (f"Read as one label: {listed(notes, '; ')}",) if notes else ()


_CAPITALS = ("A", "B", "TIE")


def _chosen(counts: Counter[str]) -> str:
    """Return the spelling for all of a group: of numbers the shortest, else the commonest."""
    plain: Counter[str] = Counter()
    for text, count in counts.items():
        plain[label_text(text)] += count
    if all(map(number_form, plain)):
        return min(plain, key=lambda text: (len(text), text))
    return min(plain, key=lambda text: (-plain[text], text))


def name_key(text: str) -> str:
    """Return what the spellings of a name share that differ in nothing seen; 7.0 is 7."""
    plain = _words(text)
    whole, _, part = plain.partition(".")
    return whole if part and not part.strip("0") and number_form(plain) == whole else plain


def fold_names(
    counts: Mapping[str, int], declared: Collection[str], *, case: bool, numbers: bool
) -> tuple[dict[str, str], list[tuple[str, ...]]]:
    """Decide which spellings of names (of items, people, responses) are one.

    Args:
        counts: Each name as it stands in the cells, and how often.
        declared: Names that are known, each of its own.
        case: Whether names that differ only in case are one.
        numbers: Whether 1.0 is 1, where no other name of the table is a fraction.

    Returns:
        Spelling -> what it is read as, of those that are read as something else; and groups of
        names that differ only in case, and stay apart.
    """
    whole = numbers and not any("." in number_form(_words(text)) for text in counts)

    def key_of(text: str) -> str:
        plain = name_key(text) if whole else _words(text)
        return plain.casefold() if case else plain

    groups: dict[str, list[str]] = {}
    for text in counts:
        groups.setdefault(key_of(text), []).append(text)
    known: dict[str, list[str]] = {}
    for name in declared:
        known.setdefault(key_of(name), []).append(name)
    found: dict[str, str] = {}
    for key, spellings in groups.items():
        mine = known.get(key, [])
        if len(mine) == 1:
            name = mine[0]
        elif len(spellings) > 1:
            name = _chosen(Counter({text: counts[text] for text in spellings}))
        else:
            name = spellings[0]
        found |= {t: name for t in spellings if t != name and t not in mine}
    kept: dict[str, set[str]] = {}
    for text in counts:
        kept.setdefault(_words(text).casefold(), set()).add(found.get(text, text))
    return found, [tuple(sorted(names)) for names in kept.values() if len(names) > 1]


def times(count: int) -> str:
    """Return how often something stands in a table."""
    return "once" if count == 1 else f"{count:,} times"


def seen(text: str) -> str:
    """Return a spelling as it can be told from another one that looks the same."""
    return text if text.isascii() and text.isprintable() else ascii(text)


def quoted(texts: Iterable[str]) -> str:
    """Return labels in quotes; letters beyond ASCII also by their numbers."""
    return " and ".join(
        repr(text) if text.isascii() else f"{text!r} ({ascii(text)[1:-1]})" for text in texts
    )


def listed(lines: Collection[str], by: str) -> str:
    """Return the first of some parts of a message, and how many there are besides."""
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return by.join([*list(lines)[:SHOWN], *more])
