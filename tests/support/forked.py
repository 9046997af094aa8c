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
    paths = [folder / f"rank-{rank}.pickle" for rank in range(world)]

    def kept() -> None:
        paths[int(os.environ["RANK"])].write_bytes(pickle.dumps(work()))

    one = rank_of(world, kept)
    assert ended([forked(one(rank)) for rank in range(world)]) == [0] * world
    return [pickle.loads(path.read_bytes()) for path in paths]


def rank_of(world: int, work: Callable[[], Any]) -> Callable[[int], Callable[[], Any]]:
    """Return what makes ``work`` that of a rank, for processes of their own."""
    port = free_port()

    def numbered(rank: int) -> Callable[[], Any]:
        return lambda: _as_rank(world, rank, port, work)

    return numbered


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


def _as_rank(world: int, rank: int, port: int, work: Callable[[], Any]) -> None:
    import torch
    from accelerate.state import AcceleratorState, GradientState

    numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world}
    os.environ.update({key: str(value) for key, value in numbers.items()})
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), ACCELERATE_USE_CPU="true")
    os.environ["OMP_NUM_THREADS"] = "1"  # as a launcher sets it; accelerate warns without
    torch.set_num_threads(1)
    AcceleratorState._reset_state(True)
    GradientState._reset_state()
    work()
