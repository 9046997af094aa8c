"""What commands print with: one console, one kind of progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table


def console() -> Console:
    """Return the console that results go to."""
    from rich.console import Console

    return Console(highlight=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> Table:
    """Return a table without lines whose first ``texts`` columns are text and the rest numbers."""
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(columns):
        drawn.add_column(name, justify="left" if place < texts else "right", overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    return drawn


@contextmanager
def progress(quiet: bool = False) -> Iterator[Progress]:
    """Show bars with done/total, rate and time left on stderr while the body runs."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Units per second."""

        def render(self, task: Task) -> Text:
            """Return the rate, empty until it is known."""
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.1f}/s", style="dim")

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )
    try:
        yield bars  # started by the first bar, so that an error before it prints nothing else
    finally:
        if bars.live.is_started:
            bars.stop()


def advance(bars: Progress, title: str, total: int) -> Callable[[int], None]:
    """Add a bar and return a function that moves it on."""
    bars.start()
    task = bars.add_task(title, total=total)
    return lambda count: bars.advance(task, count)
