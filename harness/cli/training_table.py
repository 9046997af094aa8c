"""What is shown of trainings that go on: a table on a terminal, else a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Row = Mapping[str, Any]

LATEST = 8
"""Rows of a single training that are shown."""
TENTHS = 10
"""Lines of a training where there is no terminal, besides its first."""


def _either(*keys: str) -> Callable[[Row], float | None]:
    return lambda row: next((row[key] for key in keys if row.get(key) is not None), None)


def _gold(row: Row) -> float | None:
    golds = (row[key] for key in row if key.startswith("held_out/gold/"))
    return next((value for value in golds if value is not None), None)


def _loss(row: Row) -> float | None:
    """Return the loss where nothing else says how well it goes; that of GRPO says nothing."""
    return None if "reward" in row else row.get("loss")


COLUMNS: Mapping[str, Callable[[Row], float | None]] = {
    "reward": _either("reward"),
    "best": _either("best_reward"),
    "margin": _either("reward_margin"),
    "accuracy": _either("reward_accuracy", "token_accuracy"),
    "held out": _either("held_out/accuracy"),
    "gold": _gold,
    "KL": _either("kl_sequence", "held_out/kl_sequence"),
    "loss": _loss,
    "length": _either("length", "held_out/length"),
    "entropy": _either("entropy", "held_out/entropy"),
    "dist-2": _either("distinct_2", "held_out/distinct_2"),
    "EOS": _either("eos_rate", "held_out/eos_rate"),
    "critic": _either("explained_variance"),
    "clipped": _either("clip_fraction"),
    "equal": _either("zero_std_groups"),
}
"""Title and what of a row stands under it, the most important first.

Best is what best-of-n chose; held out the accuracy of a reward model on held-out pairs; gold is
held out, too; critic is its explained variance; equal the share of groups of one reward.
"""
_LONGEST = 12
"""Letters of a reward's name over its column."""


def columns_of(rows: Sequence[Row]) -> Mapping[str, Callable[[Row], float | None]]:
    """Return the columns of rows: of several rewards each, after the one that is their sum."""
    keys = list(dict.fromkeys(key for row in rows for key in row if key.startswith("reward/")))
    if len(keys) < 2:
        return COLUMNS
    parts = dict[str, Callable[[Row], float | None]]()
    for key in keys:
        name = key.removeprefix("reward/")
        short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\u2026"
        parts[key if short in COLUMNS or short in parts else short] = _either(key)
    return {"reward": COLUMNS["reward"], **parts, **COLUMNS}


_SHARES = {"EOS", "clipped", "equal"}


class TrainingTable:
    """Collects rows of trainings and shows where each is, how fast, and how long it will take.

    Args:
        screen: Where to.
        single: Whether there is one training, of which the latest rows are shown; else the last
            one of each.
        clock: In seconds.
    """

    def __init__(
        self, screen: Console, *, single: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.screen, self.single, self._clock = screen, single, clock
        self._rows: dict[str, list[Row]] = {}
        self._began: dict[str, int] = {}
        self._last: dict[str, float] = {}
        self._spent: dict[str, float] = {}
        self._tenths: dict[str, int] = {}
        self._failed: dict[str, set[str]] = {}

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to show."""
        return bool(self._rows)

    def add(self, name: str, row: Row) -> None:
        """Take a row of a training's log in; tell of its alarms and of rewards that failed.

        And without a terminal of the row.
        """
        from harness.train.log import new_failures

        rows = self._rows.setdefault(name, [])
        self._took(name, row)
        # What was measured after a step stands with it.
        joined = rows and (not self.single or rows[-1]["step"] == row["step"])
        rows.append({**rows.pop(), **_known(row)} if joined else row)
        del rows[: -(LATEST if self.single else 1)]
        failures = new_failures(row, self._failed.setdefault(name, set()))
        for line in (*failures, *row.get("alarms", {}).values()):
            self._say(f"warning: {name}, step {row['step']}: {line}")
        if not self.screen.is_terminal and self._is_due(name, row):
            self._say(f"{name}: {', '.join(self._words(name, row))}")

    def _took(self, name: str, row: Row) -> None:
        """Count what was spent since the first row that was seen.

        By the time in the rows, since those of another process come several at once; the members
        of an ensemble begin anew.
        """
        now = row["seconds"] if "seconds" in row else self._clock()
        if name not in self._began:
            self._began[name], self._spent[name] = row["step"], 0.0
        else:
            last = self._last[name]
            self._spent[name] += now - last if now >= last else now
        self._last[name] = now

    def _say(self, line: str) -> None:
        self.screen.print(line, markup=False, highlight=False, soft_wrap=True)

    def _is_due(self, name: str, row: Row) -> bool:
        total = row.get("total_steps") or TENTHS**2
        tenth = TENTHS * row["step"] // total
        return self._tenths.get(name) != tenth and not self._tenths.update({name: tenth})

    def _words(self, name: str, row: Row) -> list[str]:
        values = [
            f"{title} {_cell(title, value)}"
            for title, of in columns_of([row]).items()
            if (value := of(row)) is not None
        ]
        rate, left = self.pace(name, row)
        return [f"step {_step(row)}", *values, *([rate] if rate else []), *_left(left)]

    def pace(self, name: str, row: Row) -> tuple[str, str]:
        """Return steps per second since the first row that was seen, and the time left.

        Both are empty until they are known, and the time where none is left.
        """
        done, seconds = row["step"] - self._began[name], self._spent[name]
        if done <= 0 or seconds <= 0:
            return "", ""
        rate, total = done / seconds, row.get("total_steps")
        shown = f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each"
        if not total or row["step"] >= total:
            return shown, ""
        return shown, str(timedelta(seconds=ceil((total - row["step"]) / rate)))

    def __rich__(self) -> RenderableType:
        """Return the table, no wider than the screen: what does not fit is left out."""
        from rich.box import SIMPLE_HEAD
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        if not self.has_rows:
            return ""
        table = Table(box=SIMPLE_HEAD, padding=(0, 0), pad_edge=False, collapse_padding=True)
        rows = [(name, row) for name, kept in self._rows.items() for row in kept]
        if self.single:
            name, last = rows[-1]
            rate, left = self.pace(name, last)
            said = [f"{name} {_step(last)}", *([rate] if rate else []), *_left(left)]
            columns = {"step": [str(row["step"]) for _, row in rows]}
        else:
            paces = [self.pace(*one) for one in rows]
            columns = {
                "training": [name for name, _ in rows],
                "step": [_step(row) for _, row in rows],
                "rate": [rate for rate, _ in paces],
                "left": [left for _, left in paces],
            }
        room = self.screen.width - _GAP - sum(_width(*one) for one in columns.items())
        for title, of in (columns_of(self._rows[name]) if self.single else COLUMNS).items():
            cells = [_cell(title, of(row)) for _, row in rows]
            if any(cells) and (room := room - _width(title, cells)) >= 0:
                columns[title] = cells
        for title in columns:
            table.add_column(title, justify="left" if title == "training" else "right")
            table.columns[-1].no_wrap = True
            table.columns[-1].min_width = _width(title, columns[title]) - _GAP
        for line in zip(*columns.values(), strict=True):
            table.add_row(*line)
        if not self.single:
            return table
        # A title of the table's own would be no wider than the table.
        return Group(Text("  ".join(said), "bold"), table)


_GAP = 1
"""Cells between two columns, and at each edge."""


def _width(title: str, cells: Sequence[str]) -> int:
    return max(map(len, (title, *cells))) + _GAP


def _known(row: Row) -> Row:
    return {key: value for key, value in row.items() if value is not None}


def _step(row: Row) -> str:
    total = row.get("total_steps")
    return f"{row['step']}/{total}" if total else str(row["step"])


def _left(left: str) -> list[str]:
    return [f"{left} left"] if left else []


def _cell(title: str, value: float | None) -> str:
    if value is None:
        return ""
    if title in _SHARES:
        return f"{100 * value:.0f}%" if title == "EOS" else f"{100 * value:.1f}%"
    digits = 1 if abs(value) >= 100 or title == "length" else 2
    return f"{round(value, digits) + 0.0:.{digits}f}"  # no -0.00
