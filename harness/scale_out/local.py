"""A pool of fresh processes on this machine that never outlives its parent."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import queue
import re
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any, TypeVar

T = TypeVar("T")
Report = Callable[[int, dict[str, Any]], None]

_QUEUE: Any = None


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def gpus() -> list[str]:
    """Return the names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them."""
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    if told is None:
        found = (re.fullmatch(r"nvidia(\d+)", name) for name in os.listdir("/dev"))
        return sorted((one[1] for one in found if one), key=int)
    names = [name.strip() for name in told.split(",")]
    return list(itertools.takewhile(lambda name: name not in ("", "-1"), names))


def run_jobs(
    function: Callable[[T, Report], Any],
    jobs: Sequence[T],
    parallel: int | None = None,
    on_report: Report | None = None,
    on_done: Callable[[int, Any], None] | None = None,
) -> list[Any]:
    """Call ``function(job, report)`` for each job in fresh processes; return results in order.

    Processes are spawned, never forked, share the cores between them (one thread each where there
    are as many as cores), and die with this process even if it is killed. Where there are GPUs,
    each process sees one of them.

    Args:
        function: Importable by name; its second argument sends (index, mapping) back here.
        jobs: Picklable.
        parallel: Processes at once; one for each GPU by default, and without any one per core.
        on_report: Called here for each report.
        on_done: Called here with (index, result) as jobs finish.

    Raises:
        Exception: What the first failing job raised; jobs not yet started are cancelled, running
            ones finish first.
    """
    if not jobs:
        return []
    cards = gpus()
    workers = min(parallel or len(cards) or cores(), len(jobs))
    context = multiprocessing.get_context("spawn")
    reports: Any = context.Queue()
    own: Any = context.Queue()
    for number in range(workers if cards else 0):
        own.put(cards[number % len(cards)])
    threads = max(1, cores() // workers)
    results: list[Any] = [None] * len(jobs)

    def drain() -> None:
        while True:
            try:
                index, content = reports.get_nowait()
            except queue.Empty:
                return
            if on_report is not None:
                on_report(index, content)

    try:
        with ProcessPoolExecutor(
            workers,
            mp_context=context,
            initializer=_start,
            initargs=(reports, threads, os.getpid(), own if cards else None),
        ) as pool:
            futures: dict[Future[Any], int] = {
                pool.submit(_call, function, index, job): index for index, job in enumerate(jobs)
            }
            pending = set(futures)
            try:
                while pending:
                    done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                    drain()
                    # Those that finished first: a failure must not take their results along.
                    for future in sorted(done, key=lambda f: f.exception() is not None):
                        results[futures[future]] = future.result()
                        if on_done is not None:
                            on_done(futures[future], future.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        drain()
    finally:
        own.cancel_join_thread()  # a worker that never started leaves its card in it
        for each in (reports, own):
            each.close()
            each.join_thread()
    return results


def _start(reports: Any, threads: int, parent: int, cards: Any | None) -> None:
    """Set up a worker: die with the parent, and take this share of the cores, and a GPU."""
    global _QUEUE
    if cards is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = cards.get()
    _QUEUE = reports
    die_with_parent(parent)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    warnings.simplefilter("ignore", FutureWarning)  # libraries' notes to each other


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent's thread ends; elsewhere do nothing."""
    import ctypes
    import signal
    import sys

    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:  # it died before the request
        os._exit(1)


def _call(function: Callable[[Any, Report], Any], index: int, job: Any) -> Any:
    def report(_: int, content: dict[str, Any]) -> None:
        _QUEUE.put((index, content))

    return function(job, report)
