"""What commands print with: one console, one kind of progress bar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from harness.cli.training_table import TrainingTable
from harness.nouns.plain_text import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

    from harness.experiment.context import Move


_BAR, _WIDE = 24, 100
"""Cells of a bar, and of a screen that has room for the whole of it."""
_NUMBERS = 44
"""Cells beside title and bar: done/total up to 99,999, rate, time taken, time left, and gaps."""
_LEAST = 12
"""Cells of a title, however narrow the screen."""


def console() -> Console:
    """Return the console that results go to."""
    return _console(highlight=False)


def _console(**settings: Any) -> Console:
    """Return a console that texts of others cannot steer; styles and bars are its own."""
    from rich.console import Console
    from rich.segment import Segment

    class Screen(Console):
        def render(self, *args: Any, **kwargs: Any) -> Iterator[Segment]:
            for text, style, control in super().render(*args, **kwargs):
                yield Segment(text if control else visible(text), style, control)

    return Screen(**settings)


@contextmanager
def progress(quiet: bool = False) -> Iterator[tuple[Progress, TrainingTable]]:
    """Show bars with done/total, rate and time left on stderr while the body runs.

    Yields:
        The bars, and the table of trainings that stands below them once it has rows.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.table import Column
    from rich.text import Text

    def rate(task: Task) -> float:
        """Return units per second of what was done now, from the start on: some come in batches."""
        done = task.completed - task.fields.get("kept", 0)
        seconds = task.finished_time or task.elapsed
        return done / seconds if seconds else 0.0

    class Rate(ProgressColumn):
        """Units per second."""

        def render(self, task: Task) -> Text:
            """Return the rate, empty until it is known; one unit has none."""
            known = rate(task) and task.completed - task.fields.get("kept", 0) > 1
            return Text(f"{rate(task):.1f}/s" if known else "", style="dim")

    class Left(ProgressColumn):
        """Time left."""

        def render(self, task: Task) -> Text:
            """Return hours, minutes and seconds, or dashes until they are known."""
            left = task.remaining
            if left and not rate(task):
                return Text("-:--:--", style="cyan")
            return Text(
                str(timedelta(seconds=ceil(left / rate(task) if left else 0))), style="cyan"
            )

    screen = _console(stderr=True)
    trainings = TrainingTable(screen, single=False)

    class WithTrainings(Progress):
        def get_renderables(self) -> Iterator[RenderableType]:
            """Return bars and table; a line for each row has told of it without a terminal."""
            yield from super().get_renderables()
            if screen.is_terminal:
                yield trainings

    title = Column(no_wrap=True, overflow="crop")
    bars = WithTrainings(
        TextColumn("{task.description}", table_column=title, markup=False),
        BarColumn(bar_width=_BAR if screen.width >= _WIDE else _BAR // 2),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        Left(),
        console=screen,
        disable=quiet,
    )
    try:
        # Started by the first bar, so that an error before it prints nothing else.
        yield bars, trainings
    finally:
        if bars.live.is_started:
            bars.stop()


class Bars:
    """Starts bars on a screen, and shows below them how trainings go on."""

    def __init__(self, shown: Progress, trainings: TrainingTable) -> None:
        self._shown, self._trainings = shown, trainings

    def __call__(self, title: str, total: int) -> Move:
        """Start a bar; return what moves it on."""
        shown, before = self._shown, 0
        shown.start()
        task = shown.add_task(_title(shown, title), total=total)

        def move(count: int, *, kept: bool = False) -> None:
            nonlocal before
            if kept:
                before += count
                shown.update(task, kept=before)
            shown.advance(task, count)

        return move

    def row(self, name: str, row: Mapping[str, Any]) -> None:
        """Show a row of the log of a training."""
        if not self._shown.disable:
            self._trainings.add(name, row)


@contextmanager
def bars(quiet: bool = False) -> Iterator[Bars]:
    """Yield what starts a bar with a title and a total, and returns what moves it on.

    What an earlier try has done counts as done, and not for the rate and the time left.
    """
    with progress(quiet) as shown:
        yield Bars(*shown)


def _title(shown: Progress, title: str) -> str:
    """Return what a bar has room for of a title; a longer one is a line of its own above it."""
    width = shown.console.width
    room = max(_LEAST, width - _NUMBERS - (_BAR if width >= _WIDE else _BAR // 2))
    if len(title) <= room:
        return title
    if not shown.disable:
        shown.console.print(title, markup=False)
    short = title.partition(" (")[0]
    if len(short) <= room:
        return short
    # At the end of a word, unless that would leave less than half.
    end = short.rfind(" ", room // 2, room)
    return f"{short[: end if end > 0 else room - 1]}…"


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Say on stderr what is done and for how long, while the body runs, on a terminal only."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    shown = _console(stderr=True)
    quiet = not shown.is_terminal
    with Progress(*columns, console=shown, transient=True, disable=quiet) as progress:
        progress.add_task(what, total=None)
        yield


@contextmanager
def training(name: str, quiet: bool = False) -> Iterator[TrainingTable]:
    """Show one training on stderr while the body runs, as rows of its log are added."""
    from rich.live import Live
    from rich.spinner import Spinner

    screen = _console(stderr=True)
    table = TrainingTable(screen, single=True)
    waiting = Spinner("dots", f"{name}: before its first step")
    shown = Live(
        get_renderable=lambda: table if table.has_rows else waiting,
        console=screen,
        refresh_per_second=4,
    )
    with nullcontext() if quiet or not screen.is_terminal else shown:
        yield table
