"""Worker processes: what hangs, dies or raises costs only itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.nouns.outcomes import Status, WorkOutcome
from harness.nouns.schema import Finding, Verdict
from harness.sandbox import WorkerPool

FUNCTIONS = """
import os, signal, time
from harness.nouns.outcomes import Status
from harness.nouns.schema import Finding, Verdict

def double(x): return 2 * x
def hang(x):
    while x: pass
    return "done"
def sleep_without_signals(x):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
    time.sleep(1000)
def die(x): os._exit(3)
def kill(x): os.kill(os.getpid(), signal.SIGKILL)
def fail(x): raise KeyError(x)
def stop(x): raise KeyboardInterrupt if x else BaseException("base")
def eat(x): return len([bytes(1 << 28) for _ in range(x)])
def verdict(x): return Verdict(Status.OK, True, rationale=str(x))
def abstain(x): return Verdict(Status.ABSTAINED, rationale="no")
def finding(x): return Finding(Verdict(Status.OK, 0.5), {'passed': x}, 1.5)
def strange(x): return object()
def numpy_bool(x):
    import numpy
    return numpy.bool_(x)
def decimal(x):
    import decimal
    return Verdict(Status.OK, decimal.Decimal(x))
def pid(x): return os.getpid()
def deep(x): return deep(x)
ready = []
def prepare(): ready.append(sum(range(10 ** 7)))
def prepared(x): return len(ready)
def unprepared(): raise OSError("no such thing")
def breed(x):
    import subprocess
    return subprocess.Popen(["sleep", "1000"]).pid
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("functions")
    (folder / "worker_functions.py").write_text(FUNCTIONS)
    sys.path.insert(0, str(folder))
    yield "worker_functions"
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def pool(module: str) -> Iterator[WorkerPool]:
    with WorkerPool(2, memory_bytes=1 << 30) as pool:
        yield pool


def call(
    pool: WorkerPool, function: str, *batch: Any, timeout_s: float = 20.0
) -> list[WorkOutcome]:
    payloads = [(argument,) for argument in batch]
    return asyncio.run(pool.run(f"worker_functions:{function}", payloads, timeout_s))


def test_values_come_in_order(pool: WorkerPool) -> None:
    outcomes = call(pool, "double", *range(50))
    assert outcomes == [WorkOutcome(Status.OK, 2 * i) for i in range(50)]


def test_verdicts_come_back_as_verdicts(pool: WorkerPool) -> None:
    assert call(pool, "verdict", 1) == [
        WorkOutcome(Status.OK, Verdict(Status.OK, True, rationale="1"))
    ]
    found = Finding(Verdict(Status.OK, 0.5), {"passed": 2}, 1.5)
    assert call(pool, "finding", 2) == [WorkOutcome(Status.OK, found)]
    assert call(pool, "abstain", 1)[0].value.status is Status.ABSTAINED


def test_only_the_hanging_payload_is_lost(pool: WorkerPool) -> None:
    outcomes = call(pool, "hang", 0, 1, 0, 0, 1, 0, timeout_s=1.0)
    assert [o.status for o in outcomes] == [
        Status.TIMEOUT if i in (1, 4) else Status.OK for i in range(6)
    ]


def test_processor_time_has_a_limit_of_its_own(pool: WorkerPool) -> None:
    def bounded(function: str, *batch: Any) -> list[WorkOutcome]:
        payloads = [(argument,) for argument in batch]
        name = f"worker_functions:{function}"
        return asyncio.run(pool.run(name, payloads, 60.0, cpu_s=0.3))

    late = WorkOutcome(Status.TIMEOUT, reason="used more than 0.3 s of processor time", spent=True)
    done = WorkOutcome(Status.OK, "done")
    assert bounded("hang", 0, 1, 0) == [done, late, done]
    assert call(pool, "hang", 1, timeout_s=0.3)[0].spent is False


def test_what_a_payload_used_up_is_told(pool: WorkerPool) -> None:
    for function, argument, spent in (
        ("die", 1, True),
        ("kill", 1, True),
        ("eat", 100, True),
        ("deep", 1, True),
        ("fail", "x", False),
        ("strange", 1, False),
        ("missing", 1, False),
    ):
        (outcome,) = call(pool, function, argument)
        assert (outcome.status, outcome.spent) == (Status.ERROR, spent), function


def test_a_worker_prepares_itself_once_outside_the_limits(module: str) -> None:
    with WorkerPool(1) as pool:

        def prepared(name: str) -> list[WorkOutcome]:
            function, preload = f"{module}:prepared", f"{module}:{name}"
            batch = [(1,), (2,)]
            return asyncio.run(pool.run(function, batch, 60.0, cpu_s=0.05, preload=preload))

        assert [outcome.value for outcome in prepared("prepare")] == [1, 1]
        assert {outcome.reason for outcome in prepared("unprepared")} == {
            "cannot load: OSError: no such thing (worker_functions.py:33)"
        }


def test_blocked_signals_do_not_help(pool: WorkerPool) -> None:
    assert call(pool, "sleep_without_signals", 1, timeout_s=0.5)[0].status is Status.TIMEOUT


@pytest.mark.parametrize(
    ("function", "argument", "reason"),
    [
        ("die", 1, "exit code 3"),
        ("kill", 1, "signal 9"),
        ("fail", "x", "KeyError: 'x'"),
        ("stop", 0, "BaseException: base"),
        ("stop", 1, "signal 2"),
        ("eat", 100, "MemoryError"),
        ("strange", 1, "a verifier returns bool, float or None, got <object object at"),
        ("numpy_bool", 1, "a verifier returns bool, float or None, got np.True_"),
        ("decimal", 1, "a verifier returns bool, float or None, got Verdict("),
        ("missing", 1, "cannot load"),
    ],
)
def test_what_goes_wrong_is_an_error_with_its_reason(
    pool: WorkerPool, function: str, argument: Any, reason: str
) -> None:
    (outcome,) = call(pool, function, argument)
    assert outcome.status is Status.ERROR
    assert reason in outcome.reason
    assert call(pool, "double", 2) == [WorkOutcome(Status.OK, 4)]


def test_arguments_that_cannot_be_pickled_are_an_error(pool: WorkerPool) -> None:
    (outcome,) = call(pool, "double", lambda: 1)
    assert outcome.status is Status.ERROR
    assert "pickle" in outcome.reason


def test_loops_in_other_threads_share_the_pool(pool: WorkerPool) -> None:
    found: list[list[WorkOutcome]] = []
    threads = [
        threading.Thread(target=lambda: found.append(call(pool, "double", 1, 2))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[WorkOutcome(Status.OK, 2), WorkOutcome(Status.OK, 4)]] * 4


def alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def wait_gone(pids: list[int]) -> bool:
    event = threading.Event()
    for _ in range(200):
        if not any(map(alive, pids)):
            return True
        event.wait(0.05)
    return False


def test_closing_ends_workers_and_what_they_started(module: str) -> None:
    with WorkerPool(1) as pool:
        pids = [call(pool, "pid", 0)[0].value, call(pool, "breed", 0)[0].value]
        assert all(map(alive, pids))
    assert wait_gone(pids)
    with pytest.raises(RuntimeError, match="closed"):
        call(pool, "double", 1)


@pytest.mark.parametrize("way", ["worker", "sandbox", "tests"])
def test_no_orphans_when_the_parent_is_killed(way: str, module: str, tmp_path: Path) -> None:
    """Also in the middle of a call, when nobody reads the closed pipe."""
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import asyncio, sys, threading, time
            sys.path[:0] = {[str(Path(harness.__file__).parents[1]), *sys.path]!r}
            from harness.sandbox import RunLimits, Sandbox, WorkerPool
            LONG = RunLimits(cpu_s=1000.0)
            async def main():
                if {way!r} == "worker":
                    pool = WorkerPool(1)
                    await pool.run("worker_functions:pid", [(0,)], 30.0)
                    work = pool.run("worker_functions:hang", [(1,)], 1000.0)
                else:
                    sandbox = Sandbox(1)
                    await sandbox.run_tests("def f(): return 1", ["assert f() == 1"])
                    if {way!r} == "sandbox":
                        source, part = "def f():\\n    while True: pass", "f()"
                    else:
                        source, part = "def f(): return 1", "while True: pass"
                    work = sandbox.run_tests(source, [part], limits=LONG)
                task = asyncio.create_task(work)
                await asyncio.sleep(0.5)
                print("busy", flush=True)
                await task
            asyncio.run(main())
            """
        )
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "busy\n"
    pids = _descendants(parent.pid)
    assert pids
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert wait_gone(pids)


def _descendants(pid: int) -> list[int]:
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        for child in map(int, children):
            found += [child, *_descendants(child)]
    return found
