"""Verifications a second, against a bare fork and against the usual ways, in one run.

    python benchmarks/verifying.py [--rounds 7] [--batch 200]

Every way runs the same program (one trivial function, five calls) on all cores. Rounds are
interleaved, so that a busy machine is busy for all of them; what is printed are medians over rounds
of ratios within a round. Processor time counts every process that took part.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.sandbox import Sandbox

CORES = len(os.sched_getaffinity(0))
SOURCE = "def add(a, b):\n    return a + b\n"
CALLS = [(i, i + 1) for i in range(5)]
TESTS = [{"args": [a, b], "expected": a + b} for a, b in CALLS]
ASSERTS = "".join(f"assert add({a}, {b}) == {a + b}\n" for a, b in CALLS)

# The floor: the smallest interpreter there is forks, the child runs program and tests unprotected,
# and the exit code is believed.
BARE = """
import gc, os, sys
gc.collect(); gc.freeze()
program = sys.argv[1]
for line in sys.stdin:
    for _ in range(int(line)):
        pid = os.fork()
        if pid == 0:
            exec(compile(program, "program", "exec"), {})
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    print("done", flush=True)
"""


class BareFork:
    """Fork, run, exit, wait, in one small process a core: no isolation, forgeable, no limits."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", "-c", BARE, SOURCE + ASSERTS]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.processes = [subprocess.Popen(command, **pipes) for _ in range(CORES)]

    def __call__(self, n: int) -> None:
        """Run n forks, shared among the processes."""
        for process in self.processes:
            process.stdin.write(f"{n // CORES}\n")
            process.stdin.flush()
        assert all(process.stdout.readline() == "done\n" for process in self.processes)

    def close(self) -> None:
        """End the processes."""
        for process in self.processes:
            process.communicate()


def _believe(program: str, results: list[str]) -> None:
    """One check by human-eval's method: an alarm, a scratch folder, exec, a shared list."""

    def stop(*_: object) -> None:
        raise TimeoutError

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, 3.0)
        try:
            exec(program, {})
            results.append("passed")
        except BaseException as error:
            results.append(f"failed: {error}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            os.chdir("/")


def human_eval_method(n: int) -> None:
    """A manager and a forked process for each check, from a pool of threads."""

    def check(_: int) -> bool:
        with multiprocessing.Manager() as manager:
            results = manager.list()
            process = multiprocessing.Process(target=_believe, args=(SOURCE + ASSERTS, results))
            process.start()
            process.join(timeout=4.0)
            if process.is_alive():
                process.kill()
            return list(results) == ["passed"]

    with ThreadPoolExecutor(CORES) as pool:
        assert all(pool.map(check, range(n)))


def subprocess_method(*flags: str) -> Callable[[int], None]:
    """Return the way that starts an interpreter for each check."""

    def run(n: int) -> None:
        def check(_: int) -> bool:
            command = [sys.executable, *flags, "-c", SOURCE + ASSERTS]
            return subprocess.run(command, timeout=10).returncode == 0

        with ThreadPoolExecutor(CORES) as pool:
            assert all(pool.map(check, range(n)))

    return run


def sandboxed(sandbox: Sandbox, isolated_tests: bool) -> Callable[[int], None]:
    """Return the harness's own way: function tests, or test code in a trusted process."""

    async def one() -> bool:
        if isolated_tests:
            result = await sandbox.run_tests(SOURCE, [ASSERTS], entry_point="add")
        else:
            result = await sandbox.run_functions(SOURCE, "add", TESTS)
        return result.outcome == "pass"

    async def many(n: int) -> None:
        left = iter(range(n))

        async def work() -> None:
            for _ in left:
                assert await one()

        await asyncio.gather(*(work() for _ in range(2 * CORES)))

    return lambda n: asyncio.run(many(n))


def cpu_s(sandbox: Sandbox) -> float:
    """Processor seconds of this process, of what it has waited for, and of the sandbox."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    tick = os.sysconf("SC_CLK_TCK")
    pids = [int(pid) for task in Path("/proc/self/task").iterdir() for pid in _children(task)]
    pids += [int(pid) for p in pids for pid in _children(Path(f"/proc/{p}/task/{p}"))]
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += sum(map(int, fields[11:15])) / tick
    return total


def _children(task: Path) -> list[str]:
    return (task / "children").read_text().split()


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=200)
    options = parser.parse_args()
    with Sandbox() as sandbox:
        level = sandbox.isolation.level
        floor = BareFork()
        # (way, share of the batch): slow ways run fewer, so that rounds stay short.
        ways: dict[str, tuple[Callable[[int], None], float]] = {
            "bare fork": (floor, 4.0),
            "sandbox, function tests": (sandboxed(sandbox, False), 1.0),
            "sandbox, isolated tests": (sandboxed(sandbox, True), 1.0),
            "human-eval's method": (human_eval_method, 0.1),
            "subprocess python -I -S": (subprocess_method("-I", "-S"), 0.2),
            "subprocess python -I": (subprocess_method("-I"), 0.2),
        }
        speed: dict[str, list[float]] = {name: [] for name in ways}
        work: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(options.rounds + 1):
            for name, (run, share) in ways.items():
                n = max(CORES, int(options.batch * share) // CORES * CORES)
                used, began = cpu_s(sandbox), time.perf_counter()
                run(n)
                took = time.perf_counter() - began
                if number:  # the first round warms up
                    speed[name].append(n / took)
                    work[name].append((cpu_s(sandbox) - used) / n * 1000)
        floor.close()
    print(f"{CORES} cores, isolation level {level}, medians of {options.rounds} rounds")
    print(f"{'way':26} {'per s':>7} {'bare fork / it':>15} {'it / human-eval':>16} {'CPU ms':>7}")
    for name in ways:
        slower = statistics.median(
            b / s for b, s in zip(speed["bare fork"], speed[name], strict=True)
        )
        faster = statistics.median(
            s / h for h, s in zip(speed["human-eval's method"], speed[name], strict=True)
        )
        print(
            f"{name:26} {statistics.median(speed[name]):7.0f} {slower:15.1f} {faster:16.1f}"
            f" {statistics.median(work[name]):7.2f}"
        )


if __name__ == "__main__":
    main()
