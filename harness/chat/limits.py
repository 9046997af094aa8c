"""How many calls, and how fast, one model of one endpoint takes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

QUIET_S = 1.0
"""Seconds without a 429 after which the pace is raised."""

HOLD_S = 0.4
"""After a cut, answers of requests that were sent before it say nothing new."""

RAISE = 1.03
CUT = 0.85


class Limiter:
    """Additive increase and multiplicative decrease of calls in flight, with a learned pace.

    Until the first 429 only ``most`` limits the calls in flight. From then on calls also leave at a
    pace: at first a little below what was accepted in the last second, cut after further 429s and
    raised while there are none. A 429 never stops the other requests: only its own waits.

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
        self._cut_at = float("-inf")
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

    def succeeded(self) -> None:
        """Note an accepted call: the window and, after a quiet time, the pace grow."""
        now = self._clock()
        accepted = self._accepted
        accepted.append(now)
        while accepted[0] < now - 1.0:
            accepted.popleft()
        if self.window < self.most:
            self.window = min(float(self.most), self.window + 1.0 / self.window)
            self._wake()
        if self.pace is None or now - self._cut_at < QUIET_S or now - self._raised_at < QUIET_S:
            return
        # Raising a pace that nobody uses would only forget what was learned.
        if len(accepted) >= 0.7 * self.pace:
            self._raised_at = now
            self.pace *= RAISE

    def limited(self) -> None:
        """Note a 429: cut the pace, and the window, once for all requests that were in flight."""
        now = self._clock()
        if now - self._cut_at < HOLD_S:
            return
        self._cut_at = now
        rate = sum(1 for at in self._accepted if at >= now - 1.0)
        if self.pace is None:
            self.pace = max(1.0, rate * CUT)
            self._next = now
        else:
            self.pace = max(0.5, min(self.pace, max(rate, 1)) * CUT)
        self.window = max(1.0, self.window * CUT)
