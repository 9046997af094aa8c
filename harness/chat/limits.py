"""How many calls, and how fast, one model of one endpoint takes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

QUIET_S = 1.0
"""Seconds without a 429 after which the pace is raised."""

FIRST_HOLD_S = 0.1
HOLD_S = 0.3
"""After a cut, answers tell nothing new for this long, or for two answers' time if that is more."""

RAISE = 1.05
BELOW = 0.95
"""Share of the measured rate at which calls leave after a 429."""


class Limiter:
    """Additive increase and multiplicative decrease of calls in flight, with a learned pace.

    Until the first 429 only ``most`` limits the calls in flight. From then on calls also leave at a
    pace. While a server refuses calls, what it accepts is its limit: so after each 429 the pace is
    a little below what was accepted since the cut before, and it is raised while there are none.
    A 429 never stops the other requests: only its own waits.

    One limiter belongs to one event loop.

    Args:
        most: Calls in flight at most.
        clock: Seconds; for tests.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.window = float(most)
        self.pace: float | None = None
        """Calls per second; None until a 429 was seen."""
        self.in_flight = 0
        self._clock = clock
        self._next = 0.0
        self._accepted: deque[float] = deque()
        self._latency = 0.0
        self._cuts = 0
        self._raise = RAISE
        self._cut_at = 0.0
        self._raised_at = float("-inf")
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Wait for a place in flight, and for this call's turn."""
        while self._waiting or self.in_flight >= self.window:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake()  # the place goes to the next one
                elif turn in self._waiting:
                    self._waiting.remove(turn)
                raise
            if self.in_flight < self.window:
                break
        self.in_flight += 1
        if self.pace is None:
            return
        try:
            await self._turn()
        except asyncio.CancelledError:
            self.release()
            raise

    async def _turn(self) -> None:
        assert self.pace is not None
        now = self._clock()
        slot = max(now, self._next)
        self._next = slot + 1.0 / self.pace
        if slot > now:
            await asyncio.sleep(slot - now)

    def release(self) -> None:
        """Give the place in flight back."""
        self.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self.in_flight < self.window:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def succeeded(self, latency_s: float = 0.0) -> None:
        """Note a call accepted within its latency: window and, after a quiet time, pace grow."""
        now = self._clock()
        self._latency += (0.1 if self._latency else 1.0) * (latency_s - self._latency)
        accepted = self._accepted
        accepted.append(now)
        while accepted[0] < now - max(2.0, 3 * self._latency):
            accepted.popleft()
        if self.window < self.most:
            self.window = min(float(self.most), self.window + 1.0 / self.window)
            self._wake()
        quiet = max(QUIET_S, 2 * self._latency)
        if self.pace is None or now - max(self._cut_at, self._raised_at) < quiet:
            return
        # Raising a pace that nobody uses would only forget what was learned.
        if self._rate(now, now - quiet) >= 0.7 * self.pace:
            self._raised_at = now
            self.pace *= self._raise
            self._raise = min(2.0, self._raise * RAISE)  # a pace far too low is left fast

    def _rate(self, now: float, since: float) -> float:
        """Return accepted calls per second since a moment."""
        count = sum(1 for at in self._accepted if at > since)
        return count / max(now - since, 1e-3)

    def limited(self) -> None:
        """Note a 429: cut the pace and the window, once for all requests that were in flight."""
        now = self._clock()
        if self._cuts:
            hold = FIRST_HOLD_S if self._cuts == 1 else HOLD_S
            if now - self._cut_at < max(hold, 2 * self._latency):
                return
            since = max(self._cut_at, now - max(2.0, 3 * self._latency))
            rate = max(0.2, BELOW * self._rate(now, since))
            self.pace = rate if self.pace is None else min(self.pace, rate)
        # At the first 429 nothing is known: what was accepted before it was not the limit.
        self._cuts += 1
        self._cut_at = now
        self._raise = RAISE
        self.window = max(1.0, 0.85 * self.window)
