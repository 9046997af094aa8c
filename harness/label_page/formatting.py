"""Texts of a page to HTML in worker processes, so that no text holds up the page of another person.

Parsers and highlighters have inputs on which they take minutes or gigabytes, and responses are
untrusted. All texts of a page are formatted together or not at all: of two responses that are
compared, neither looks better for that.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import cast

from harness.nouns.outcomes import Status
from harness.sandbox import WorkerPool

LIMIT_S = 3.0
"""Seconds that the texts of one page may take."""
MEMORY_BYTES = 1 << 30
"""Memory that they may take."""
LONGEST = 1_000_000
"""Characters of the texts of one page; more is not even tried."""
_PATIENCE_S = 6.0
"""Seconds that a person waits for texts, those of others before them included."""
_KEPT_CHARACTERS = 64_000_000
_FORMAT = "harness.label_page.rendering:render_all"


@dataclass(frozen=True, slots=True)
class Formatted:
    """The HTML of some texts.

    Args:
        html: One for each text.
        note: Why they are shown as they were written; empty when they are formatted.
    """

    html: tuple[str, ...]
    note: str = ""


class Formatter:
    """Formats the texts of pages, each page once; used from one event loop at a time.

    Args:
        processes: Pages that are formatted at the same time.
        limit_s: Seconds that one page may take.
        memory_bytes: Memory that one page may take.
    """

    def __init__(
        self, processes: int = 2, limit_s: float = LIMIT_S, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self.processes = processes
        self.limit_s = limit_s
        self._pool = WorkerPool(processes, memory_bytes=memory_bytes)
        self._known: OrderedDict[tuple[str, ...], Formatted] = OrderedDict()
        self._running: dict[tuple[str, ...], asyncio.Task[Formatted]] = {}
        self._kept = 0
        self._is_warm = False

    async def format(self, texts: Sequence[str]) -> Formatted:
        """Return the HTML of the texts of a page; escaped as they are where that takes too long."""
        key = tuple(texts)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        if sum(map(len, key)) > LONGEST:
            return _plain(key, "they are too long to be formatted")
        if not self._is_warm:  # to start a process and import is no time of the texts
            await self._pool.run(_FORMAT, [([],)] * self.processes, LIMIT_S)
            self._is_warm = True
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._work(key))
        done, _ = await asyncio.wait([task], timeout=_PATIENCE_S)
        return task.result() if done else _plain(key, "others are being formatted")

    def close(self) -> None:
        """End the processes."""
        self._pool.close()

    async def _work(self, key: tuple[str, ...]) -> Formatted:
        try:
            [outcome] = await self._pool.run(_FORMAT, [(list(key),)], self.limit_s)
        finally:
            del self._running[key]
        if outcome.status is Status.OK:
            found = Formatted(tuple(cast(list[str], outcome.value)))
        elif outcome.status is Status.TIMEOUT:
            found = _plain(key, "formatting them took too long")
        else:
            found = _plain(key, "they cannot be formatted")
        self._keep(key, found)
        return found

    def _keep(self, key: tuple[str, ...], found: Formatted) -> None:
        self._known[key] = found
        self._kept += _size(found)
        while self._kept > _KEPT_CHARACTERS and len(self._known) > 1:
            self._kept -= _size(self._known.popitem(last=False)[1])


def _size(found: Formatted) -> int:
    return sum(map(len, found.html)) + 1000


def _plain(texts: Sequence[str], why: str) -> Formatted:
    html = tuple(f'<pre class="plain" tabindex="0">{escape(text)}</pre>' for text in texts)
    return Formatted(html, f"The texts are shown as they were written: {why}.")
