"""The run's budget: money is reserved before a call, and settled to what the call did cost."""

from __future__ import annotations

import asyncio
import threading

from harness.nouns.errors import BudgetExceededError

_POLL_S = 0.02
_ROUNDING = 1e-9
"""Dollars by which a sum of many floats may be off."""


class Budget:
    """Keeps what was spent and reserved below a limit. Safe from any thread and event loop.

    Args:
        limit_usd: None for no limit.
        spent_usd: What earlier tries of the same run have spent.
        left_usd: How much of that is only the most that calls may have cost which were in flight
            when a try ended.
    """

    def __init__(
        self, limit_usd: float | None, spent_usd: float = 0.0, left_usd: float = 0.0
    ) -> None:
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd
        self.left_usd = left_usd
        self._reserved = 0.0
        self._lock = threading.Lock()

    async def reserve(self, amount: float) -> None:
        """Set dollars aside for a call; waits while those in flight may turn out cheaper.

        Raises:
            BudgetExceededError: The call could pass the limit.
        """
        if self.limit_usd is None or amount == 0.0:
            return
        while True:
            with self._lock:
                if self.spent_usd + self._reserved + amount <= self.limit_usd + _ROUNDING:
                    self._reserved += amount
                    return
                waiting = self._reserved > 1e-12
                hopeless = self.spent_usd + amount > self.limit_usd + _ROUNDING
                if hopeless or not waiting:
                    bound = (
                        f" (up to ${self.left_usd:.4f} of it by calls in flight when a run ended,"
                        " at the most that they can cost)"
                    )
                    raise BudgetExceededError(
                        f"the budget of ${self.limit_usd:g} is used up: ${self.spent_usd:.4f} is"
                        f" spent{bound if self.left_usd else ''}"
                        f" and the next call may cost ${amount:.4f}\n"
                        "  hint: what was judged is kept; raise the budget (--budget,"
                        " or budget_usd in an experiment file) and run again to go on"
                    )
            await asyncio.sleep(_POLL_S)

    def settle(self, reserved: float, actual: float) -> None:
        """Replace a reservation by what the call did cost, in dollars."""
        with self._lock:
            if self.limit_usd is not None:
                self._reserved = max(0.0, self._reserved - reserved)
            self.spent_usd += actual
