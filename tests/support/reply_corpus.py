"""Replies of judges with what each says, hand-written or made, and how they are read.

The right value is what a careful person says who reads the reply without knowing any reader: a
verdict, or "failure" where three people would not all say the same. A reply of which a reader may
say that it is not sure is marked ``may_fail``: the right verdict or a failure, never another one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.judging.verdicts import read_pair, read_ranking, read_score, read_scores
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, UNIT, Scale
from harness.nouns.schema import Verdict

FOLDER = Path(__file__).parent.parent / "golden" / "replies"
FOLDERS = (FOLDER, FOLDER / "second")
"""The second was kept from those who mended the readers, to see what they had not been shown."""
FAILURE = "failure"
SCALES = {
    "five": Scale("ordinal", ("1", "2", "3", "4", "5")),
    "five_points": Scale("interval", low=1, high=5),
    "seven": Scale("ordinal", ("1", "2", "3", "4", "5", "6", "7")),
    "ten": Scale("interval", low=1, high=10),
    "zero_ten": Scale("interval", low=0, high=10),
    "hundred": Scale("interval", low=0, high=100),
    "count": Scale("ratio", low=0, high=5000),
    "signed": Scale("interval", low=-3, high=3),
    "unit": UNIT,
    "three": Scale("ordinal", ("1", "2", "3")),
    "words": Scale("ordinal", ("poor", "fair", "good", "excellent")),
    "help": Scale("ordinal", ("not helpful", "somewhat helpful", "helpful", "very helpful")),
    "errors": Scale("ordinal", ("major errors", "minor errors", "no errors")),
    "agree": Scale(
        "ordinal", ("strongly disagree", "disagree", "neutral", "agree", "strongly agree")
    ),
    "safety": Scale("nominal", ("safe", "unsafe")),
    "grades": Scale("ordinal", ("D", "C", "B", "A")),
    "fine_grades": Scale("ordinal", ("C", "B-", "B", "B+", "A-", "A", "A+")),
    "cpi": Scale("ordinal", ("I", "P", "C")),
    "levels": Scale("ordinal", ("low", "medium", "high")),
    "binary": BINARY,
}


@dataclass(frozen=True)
class Reply:
    """One reply, how it is asked to be read, and its right value.

    ``asked`` is the name of a scale (way "score"), letters (way "ranking") or the names of criteria
    with those of their scales (way "scores"; the right value is then one for each name).
    """

    format: str
    kind: str
    way: str
    text: str
    right: Any
    may_fail: bool = False
    prompt: str = ""
    cut: bool = False
    asked: Any = None

    @cached_property
    def expected(self) -> Any:
        """The value that a reader is to give; None for a failure."""
        if self.right == FAILURE:
            return None
        if self.way == "score":
            return valued(self.right, SCALES[self.asked])
        if self.way == "scores":
            marks = {n: (SCALES[s], valued(self.right[n], SCALES[s])) for n, s in self.asked}
            return sum(scale.to_unit(value) for scale, value in marks.values()) / len(marks)
        return tuple(self.right) if self.way == "ranking" else self.right

    def read(self) -> Verdict:
        """Return what the readers take this reply for."""
        if self.way == "pair":
            return read_pair(self.text, self.prompt, self.cut)
        if self.way == "ranking":
            return read_ranking(self.text, tuple(self.asked), self.prompt, self.cut)
        if self.way == "score":
            return read_score(self.text, SCALES[self.asked], self.prompt, self.cut)
        criteria = [Criterion(n, f"How good is the {n}?", SCALES[s]) for n, s in self.asked]
        return read_scores(self.text, criteria, self.prompt, self.cut)

    def outcome(self) -> str:
        """Return "right", "wrong" (OK with another value), "lost", or "unsure" (may fail)."""
        value = self.read().value
        if value is None:
            return "right" if self.expected is None else "unsure" if self.may_fail else "lost"
        if self.expected is None or type(value) is not type(self.expected):
            return "wrong"
        if isinstance(value, float):
            return "right" if abs(value - self.expected) < 1e-9 else "wrong"
        return "right" if value == self.expected else "wrong"

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two replies the same."""
        return (self.way, str(self.asked), self.text, self.prompt, self.cut)


def valued(right: Any, scale: Scale) -> Any:
    """Return a written value as the value of a scale."""
    if scale.is_binary:
        assert isinstance(right, bool), right
        return right
    value = float(right) if scale.is_numeric else str(right)
    assert scale.contains(value), (right, scale)
    return value


def written(folder: Path = FOLDER) -> Iterator[Reply]:
    """Yield the hand-written replies of a folder's TOML files.

    A file says ``way`` and has groups; a group has a kind, what its replies share, and replies as
    lists: the text, the right value, and "or failure" where a reader may say that it is not sure.
    """
    for path in sorted(folder.glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        for group in table.get("group", ()):
            shared = {**table, **group}
            for text, right, *unsure in shared["replies"]:
                assert unsure in ([], ["or failure"]), (path, text)
                yield Reply(
                    format=path.stem.rpartition("_")[2],
                    kind=shared["kind"],
                    way=shared["way"],
                    text=text,
                    right=right,
                    may_fail=bool(unsure),
                    prompt=shared.get("prompt", ""),
                    cut=shared.get("cut", False),
                    asked=asked_of(shared),
                )


def asked_of(table: Mapping[str, Any]) -> Any:
    """Return the scale's name, the letters or the criteria that a table asks for."""
    if table["way"] == "scores":
        return tuple(table["criteria"].items())
    return {"pair": None, "ranking": table.get("letters", "ABC"), "score": table.get("scale")}[
        table["way"]
    ]


def once(replies: Iterable[Reply]) -> list[Reply]:
    """Return the replies without repetitions, and see that no two contradict each other."""
    kept: dict[tuple[Any, ...], Reply] = {}
    for reply in replies:
        first = kept.setdefault(reply.key, reply)
        assert first.expected == reply.expected, (first, reply)
    return list(kept.values())


@dataclass(frozen=True)
class Tally:
    """How many replies were read how; of the lost, the share of those with a plain verdict."""

    right: int = 0
    wrong: int = 0
    lost: int = 0
    unsure: int = 0
    plain: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{name: count + vars(other)[name] for name, count in vars(self).items()})

    @property
    def replies(self) -> int:
        return self.right + self.wrong + self.lost + self.unsure

    @property
    def share_lost(self) -> float:
        return self.lost / self.plain if self.plain else 0.0

    @property
    def good(self) -> bool:
        """Whether nothing is wrong and at most 3% are lost."""
        return self.wrong == 0 and self.share_lost <= 0.03

    @property
    def counts(self) -> dict[str, float]:
        return {"replies": self.replies, **vars(self), "share_lost": self.share_lost}


def tallies(replies: Iterable[Reply], by: str = "format") -> dict[str, Tally]:
    """Read the replies and count, by format, kind or way."""
    rows: dict[str, Tally] = {}
    for reply in replies:
        plain = int(reply.right != FAILURE and not reply.may_fail)
        one = Tally(**{reply.outcome(): 1}, plain=plain)
        name = getattr(reply, by)
        rows[name] = rows.get(name, Tally()) + one
    return rows
