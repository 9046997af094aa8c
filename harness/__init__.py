"""Mix judges, verifiers and people; train on their agreement-checked rewards; compare the results.

Importing this package loads neither torch nor litellm nor any plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.experiment.run import run

__all__ = ["run"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load ``run`` at its first use, since it brings the whole pipeline."""
    if name == "run":
        from harness.experiment.run import run

        return run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
