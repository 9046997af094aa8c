"""Do many verifications leave anything behind?

    python benchmarks/leaking.py [--runs 20000]

Half of the programs are right, the others are wrong, hang, die, eat memory or break the protocol.
Counts processes, descriptors and temporary files before and after, and resident memory of every
process that took part. Exits with 1 where anything is left or memory grew by 50 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from harness.sandbox import RunLimits, Sandbox

LIMITS = RunLimits(cpu_s=0.05, wall_s=10.0, memory_bytes=192 << 20, output_bytes=1 << 20)
GOOD = "def f(n):\n    return n + 1\n"
BAD = (
    "def f(n):\n    return n\n",
    "def f(n):\n    raise KeyError(n)\n",
    "import os\ndef f(n):\n    os._exit(0)\n",
    "def f(n:\n",
    "def f(n):\n    return bytearray(1 << 30)\n",
    "def f(n):\n    return 'x' * (2 << 20)\n",
    "import os\ndef f(n):\n    os.write(3, b'rubbish')\n",
    "import ctypes\ndef f(n):\n    ctypes.string_at(0)\n",
    "import ctypes\ndef f(n):\n    ctypes.CDLL(None).unshare(0x10000000)\n",
    "def f(n):\n    while True: pass\n",
)
TESTS = [{"args": [n], "expected": n + 1} for n in range(3)]
PARTS = ["assert f(1) == 2", "assert f(2) == 3"]
SUBREAPER = 36


async def one(sandbox: Sandbox, number: int) -> str:
    """Run one program; the way of testing and the fault go round."""
    source = GOOD if number % 2 else BAD[number // 2 % len(BAD)]
    way = number // 2 // len(BAD) % 3
    if way == 0:
        result = await sandbox.run_functions(source, "f", TESTS, limits=LIMITS)
    elif way == 1:
        result = await sandbox.run_tests(source, PARTS, entry_point="f", limits=LIMITS)
    else:
        pairs = [{"input": "1\n", "output": "2"}]
        program = source + "\nprint(f(int(input())))\n"
        result = await sandbox.run_stdio(program, pairs, limits=LIMITS)
    assert (result.outcome == "pass") == (source == GOOD), (source, result)
    return result.outcome


async def many(sandbox: Sandbox, numbers: range) -> Counter[str]:
    """Run programs, a few more at once than there are processes."""
    left = iter(numbers)
    outcomes: Counter[str] = Counter()

    async def work() -> None:
        for number in left:
            outcomes[await one(sandbox, number)] += 1

    await asyncio.gather(*(work() for _ in range(2 * sandbox.processes)))
    return outcomes


def descendants(pid: int) -> list[int]:
    """Return every process below one; orphans of it come to it too."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def resident_mb() -> float:
    """Return resident memory of this process and all below it, in MB."""
    total = 0
    for pid in [os.getpid(), *descendants(os.getpid())]:
        total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def left_over() -> dict[str, int]:
    """Count what a leak would leave."""
    return {
        "processes": len(descendants(os.getpid())),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "temporary files": len(os.listdir(tempfile.gettempdir())),
    }


def main() -> int:
    """Run, count, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20_000)
    runs = parser.parse_args().runs
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder  # so that other programs' files do not count
        before = left_over()
        with Sandbox() as sandbox:
            asyncio.run(many(sandbox, range(200)))  # every process has started
            memory = resident_mb()
            outcomes = asyncio.run(many(sandbox, range(runs)))
            growth = resident_mb() - memory
        after = left_over()
    print(f"{runs} verifications: {dict(outcomes.most_common())}")
    print(f"memory grew by {growth:.1f} MB; before {before}, after {after}")
    return 0 if before == after and growth < 50 else 1


if __name__ == "__main__":
    sys.exit(main())
