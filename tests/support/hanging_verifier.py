"""A verifier without a limit of its own, which hangs."""

from __future__ import annotations

import time

from harness.plugin import Item, Response, verifier


@verifier(name="hangs", version="1")
def hangs(item: Item, response: Response) -> bool:
    """Sleep."""
    time.sleep(100)
    return True
