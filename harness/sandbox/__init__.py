"""Running code that nobody trusts, and functions that may hang.

``Sandbox`` runs programs written by models; ``WorkerPool`` runs the harness's own functions in
processes that can be killed.
"""

from harness.sandbox.pool import Isolation
from harness.sandbox.result import Integrity, Outcome, RunLimits, SandboxResult
from harness.sandbox.sandbox import Sandbox
from harness.sandbox.workers import WorkerPool

__all__ = [
    "Integrity",
    "Isolation",
    "Outcome",
    "RunLimits",
    "Sandbox",
    "SandboxResult",
    "WorkerPool",
]
