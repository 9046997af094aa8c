"""Work in forked processes: as the ranks of one training, or to be killed.

A fork has everything imported already, so that a training of two ranks starts in a moment.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SECONDS = 240


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def on_ranks(world: int, folder: Path, work: Callable[[], Any]) -> list[Any]:
    """Return what ``work`` returns on each rank of so many."""
    folder.mkdir(parents=True, exist_ok=True)
    shared = {"WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world, "MASTER_PORT": free_port()}
    children = []
    for rank in range(world):
        env = {key: str(value) for key, value in shared.items()}
        env |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1"}
        env |= {"ACCELERATE_USE_CPU": "true"}
        path = folder / f"rank-{rank}.pickle"
        children.append(forked(lambda env=env, path=path: _as_rank(env, path, work)))
    assert ended(children) == [0] * world
    return [pickle.loads((folder / f"rank-{r}.pickle").read_bytes()) for r in range(world)]


def killed(work: Callable[[], Any]) -> bool:
    """Return whether ``work`` ended with its process being killed."""
    return ended([forked(work)]) == [-signal.SIGKILL]


def kill_at(step: int) -> Callable[[dict[str, Any]], None]:
    """Return what kills this process with signal 9 when a step is logged."""

    def on_step(row: dict[str, Any]) -> None:
        if row["step"] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


def forked(work: Callable[[], Any]) -> int:
    """Start ``work`` in a copy of this process, and return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(children: Sequence[int]) -> list[int]:
    """Wait for all, and return their exit codes; once one fails the others are killed."""
    codes: dict[int, int] = {}
    until = time.monotonic() + SECONDS
    while len(codes) < len(children):
        late = time.monotonic() > until or any(codes.values())
        for child in (one for one in children if one not in codes):
            if late:
                os.kill(child, signal.SIGKILL)
            done, status = os.waitpid(child, 0 if late else os.WNOHANG)
            if done:
                codes[child] = os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    return [codes[child] for child in children]


def _as_rank(env: dict[str, str], path: Path, work: Callable[[], Any]) -> None:
    import torch
    from accelerate.state import AcceleratorState, GradientState

    os.environ.update(env)
    torch.set_num_threads(1)
    AcceleratorState._reset_state(True)
    GradientState._reset_state()
    path.write_bytes(pickle.dumps(work()))
