"""The rating table: items in rows, annotators in columns, codes of declared categories in cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.nouns.errors import DataError, ScaleError
from harness.nouns.scale import Level
from harness.statistics.arrays import FloatArray, IntArray

MISSING = -1
HUMAN, JUDGE, VERIFIER = "human", "judge", "verifier"

MOST_CATEGORIES = 1000
"""Categories of labels that are no numbers; tables of items, and of pairs, by categories grow."""


@dataclass(frozen=True)
class RatingTable:
    """Who said what of which item; made by ``from_labels``, never changed afterwards.

    Args:
        items: Names of the items, n of them.
        annotators: Names of the annotators, a of them.
        codes: (n, a) integers; index into ``categories``, -1 where there is no label.
        categories: Labels in their declared order.
        values: (c,) the number each category stands for; its rank where labels are no numbers.
        level: Level of measurement, which decides what statistics are legal.
        kinds: Kind of each annotator: human, judge, verifier or reward_model.
        clusters: (n,) integers; items with the same number are not independent (one prompt).
        failures: (n, a) integers; 0 none, k = ``reasons[k-1]``: asked, but there is no verdict.
        reasons: Names of the failures.
        simulated: Annotators that a program made up.
        gold: (n,) codes of a gold label, -1 where there is none; None without gold.
        tie: Code of the tie category of a pairwise table, None without one.
        notes: What the reader of the page should know.
        sources: The source of each column; empty where every annotator is its own.
        chances: (n, a) P(A) that each cell of a table of pairs states, NaN without a label; None
            where only the labels count.
        contestants: (n, 2) numbers of the two responses that each row of a table of pairs compares;
            None in other tables.
        slices: The slice of each item, "" without one; empty where nobody named any.
    """

    items: tuple[str, ...]
    annotators: tuple[str, ...]
    codes: IntArray
    categories: tuple[str, ...]
    values: FloatArray
    level: Level
    kinds: tuple[str, ...]
    clusters: IntArray
    failures: IntArray
    reasons: tuple[str, ...] = ()
    simulated: frozenset[str] = frozenset()
    gold: IntArray | None = None
    tie: int | None = None
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    chances: FloatArray | None = None
    contestants: IntArray | None = None
    slices: tuple[str, ...] = ()

    @property
    def source_names(self) -> tuple[str, ...]:
        """The source of each column."""
        return self.sources or self.annotators

    @property
    def voices(self) -> IntArray:
        """(a,) number of each column's annotator: a name that stands twice was asked again."""
        numbers: dict[tuple[str, str], int] = {}
        named = zip(self.source_names, self.annotators, strict=True)
        return np.array([numbers.setdefault(name, len(numbers)) for name in named], dtype=np.int64)

    @property
    def humans(self) -> tuple[int, ...]:
        """Columns of the people."""
        return tuple(i for i, kind in enumerate(self.kinds) if kind == HUMAN)

    @property
    def judges(self) -> tuple[int, ...]:
        """Columns of everything that is not a person."""
        return tuple(i for i, kind in enumerate(self.kinds) if kind != HUMAN)

    @property
    def n_categories(self) -> int:
        """Number of declared categories."""
        return len(self.categories)

    @property
    def numbers(self) -> FloatArray:
        """(n, a) the number that each label stands for, NaN where there is none."""
        return np.where(self.codes >= 0, self.values[self.codes], np.nan)

    def column(self, name: str) -> int:
        """Return the column of an annotator.

        Raises:
            DataError: There is no such annotator.
        """
        try:
            return self.annotators.index(name)
        except ValueError:
            raise DataError(
                f"unknown annotator {name!r}", hint=f"annotators: {', '.join(self.annotators)}"
            ) from None

    def of(self, sources: Collection[str]) -> RatingTable:
        """Return the table with the columns of these sources only."""
        keep = [k for k, name in enumerate(self.source_names) if name in sources]
        return replace(
            self,
            annotators=tuple(self.annotators[k] for k in keep),
            codes=self.codes[:, keep],
            failures=self.failures[:, keep],
            kinds=tuple(self.kinds[k] for k in keep),
            sources=tuple(self.sources[k] for k in keep) if self.sources else (),
            chances=None if self.chances is None else self.chances[:, keep],
        )

    def failures_as(self, label: str) -> RatingTable:
        """Return the table in which every failure of a judge is the given label.

        That is how some publications score unparsed replies; it is never done unless asked for.

        Raises:
            DataError: The label is not a category.
        """
        alike = [name for name in self.categories if name.casefold() == label.casefold()]
        if label not in self.categories and len(alike) == 1:
            label = alike[0]
        if label not in self.categories:
            raise DataError(
                f"failures cannot be scored as {label!r}",
                hint=f"categories: {', '.join(self.categories)}",
            )
        codes = np.where(self.failures > 0, self.categories.index(label), self.codes)
        return replace(self, codes=codes, failures=np.zeros_like(self.failures), reasons=())

    def without_category(self, code: int) -> RatingTable:
        """Return the table with one category's labels made missing (ties removed)."""
        codes = np.where(self.codes == code, MISSING, self.codes)
        gold = None if self.gold is None else np.where(self.gold == code, MISSING, self.gold)
        return replace(self, codes=codes, gold=gold)

    def label_counts(self, columns: Sequence[int] | None = None) -> IntArray:
        """Return (n, c): how many of the annotators gave each category to each item."""
        codes = self.codes if columns is None else self.codes[:, list(columns)]
        return counts_of(codes, self.n_categories)


def counts_of(codes: IntArray, n_categories: int) -> IntArray:
    """Return (n, c): how often each category occurs in each row of (n, a) codes."""
    n = codes.shape[0]
    rows, columns = np.nonzero(codes >= 0)
    flat = rows * n_categories + codes[rows, columns]
    return np.bincount(flat, minlength=n * n_categories).reshape(n, n_categories)


def from_labels(
    labels: Mapping[str, Sequence[str | None]],
    *,
    humans: Sequence[str] = (),
    level: Level = "nominal",
    categories: Sequence[str] | None = None,
    clusters: Sequence[str] | None = None,
    failures: Mapping[str, Sequence[str]] | None = None,
    gold: Sequence[str | None] | None = None,
    tie: str | None = None,
) -> RatingTable:
    """Build a rating table from columns of labels; the items are called by their numbers.

    Args:
        labels: Annotator -> one label for each item; None where there is none.
        humans: Which annotators are people; the others are judges.
        level: nominal, ordinal, interval or ratio.
        categories: Labels in their order. Needed for ordinal labels that are no numbers; otherwise
            numbers are sorted as numbers and names as names.
        clusters: One name for each item; items with the same name are resampled together.
        failures: Annotator -> one reason for each item, "" where nothing failed.
        gold: One gold label for each item, None where there is none.
        tie: The label that means "no preference".

    Raises:
        DataError: Lengths differ, a label is not among the categories, there are too many of them,
            or there is no annotator.
        ScaleError: The order of the categories is needed and not declared, labels of a numeric
            scale are no numbers, or a ratio scale has negative ones.
    """
    if not labels:
        raise DataError("a table of ratings needs at least one annotator")
    n = len(next(iter(labels.values())))
    for name, column in labels.items():
        if len(column) != n:
            raise DataError(f"annotator {name} has {len(column)} labels for {n} items")
    seen: set[str] = set()
    for column in (*labels.values(), gold or ()):
        seen.update(label for label in column if label is not None)
    declared = _declared_order(seen, level, categories)
    if level not in ("interval", "ratio") and len(declared) > MOST_CATEGORIES:
        raise DataError(
            f"{len(declared)} different labels, such as {declared[0]!r:.60}: of more than"
            f" {MOST_CATEGORIES} no agreement is computed",
            hint="is a label column one of free text? Numbers need --scale interval or ratio",
        )
    index: dict[str | None, int] = {label: code for code, label in enumerate(declared)}
    if level in ("interval", "ratio"):
        # "1" and "1.0" are one number.
        by_number = {float(label): code for code, label in enumerate(declared)}
        index.update({label: by_number[float(label)] for label in seen})
    index[None] = MISSING
    if tie is not None and tie not in index:
        raise DataError(f"the tie label {tie!r} does not occur", hint=f"labels: {list(declared)}")
    codes = np.array([[index[v] for v in column] for column in labels.values()], dtype=np.int64).T
    names = tuple(labels)
    unknown = sorted(set(humans) - set(names))
    if unknown:
        raise DataError(f"no labels of {', '.join(unknown)}", hint=f"annotators: {list(names)}")
    reasons, failed = _failure_codes(names, n, failures or {})
    groups = np.arange(n) if clusters is None else np.asarray(clusters, dtype=str)
    return RatingTable(
        items=tuple(map(str, range(n))),
        annotators=names,
        codes=np.ascontiguousarray(codes.reshape(n, len(names))),
        categories=declared,
        values=_values(declared, level),
        level=level,
        kinds=tuple(HUMAN if name in humans else JUDGE for name in names),
        clusters=np.unique(groups, return_inverse=True)[1].astype(np.int64),
        failures=failed,
        reasons=reasons,
        gold=None if gold is None else np.array([index[v] for v in gold], dtype=np.int64),
        tie=None if tie is None else index[tie],
    )


def _number(label: str) -> float | None:
    try:
        number = float(label)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _declared_order(
    seen: set[str], level: Level, categories: Sequence[str] | None
) -> tuple[str, ...]:
    if level in ("interval", "ratio"):
        wrong = sorted(label for label in seen if _number(label) is None)
        if wrong:
            raise ScaleError(f"{level} labels must be numbers, got {', '.join(wrong[:5])}")
        numbers = sorted({float(label) for label in (categories or seen)})
        if level == "ratio" and numbers and numbers[0] < 0:
            raise ScaleError(f"a ratio scale has no negative values, got {numbers[0]:g}")
        if categories is not None and not seen <= set(categories):
            raise DataError(f"labels outside the categories: {sorted(seen - set(categories))[:5]}")
        return tuple(
            f"{number:g}" if float(f"{number:g}") == number else repr(number) for number in numbers
        )
    if categories is not None:
        declared = tuple(str(label) for label in categories)
        if len(set(declared)) != len(declared):
            raise DataError(f"a category is declared twice: {', '.join(declared)}")
        extra = sorted(seen - set(declared))
        if extra:
            raise DataError(
                f"labels outside the declared categories: {', '.join(extra[:5])}",
                hint=f"declared: {', '.join(declared)}",
            )
        return declared
    if all(_number(label) is not None for label in seen):
        return tuple(sorted(seen, key=lambda label: (float(label), label)))
    if level == "ordinal":
        raise ScaleError(
            f"the order of the ordinal labels {', '.join(sorted(seen)[:6])} is not declared",
            hint="give the categories in their order, such as --categories low,middle,high",
        )
    return tuple(sorted(seen))


def _values(declared: tuple[str, ...], level: Level) -> FloatArray:
    if level in ("interval", "ratio"):
        return np.array([float(label) for label in declared], dtype=np.float64)
    return np.arange(len(declared), dtype=np.float64)


def _failure_codes(
    names: Sequence[str], n: int, failures: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], IntArray]:
    reasons = tuple(sorted({r for column in failures.values() for r in column if r}))
    index = {"": 0} | {reason: code for code, reason in enumerate(reasons, 1)}
    failed = np.zeros((n, len(names)), dtype=np.int64)
    for name, column in failures.items():
        failed[:, names.index(name)] = [index[reason] for reason in column]
    return reasons, failed
