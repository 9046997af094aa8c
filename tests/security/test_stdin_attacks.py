"""Programs on stdin that use threads, their end, devices and descriptors against the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Iterator

import pytest

from harness.sandbox import RunLimits, Sandbox
from tests.support.program_channel import frame

FORGED = frame(json.dumps({"o": "yes"}))
SEND = f"import os\nos.write(3, {FORGED!r})\n"

ATTACKS: dict[str, tuple[str, set[str]]] = {
    "thread-that-spins": (
        "import threading\ndef spin():\n    while True: pass\n"
        "threading.Thread(target=spin).start()\nprint('yes')",
        {"timeout"},
    ),
    "thread-that-sleeps": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(999,)).start()",
        {"timeout"},
    ),
    "hidden-thread-that-sleeps": (
        "t = __import__('thr' + 'eading')\nimport time\n"
        "t.Thread(target=time.sleep, args=(999,)).start()",
        {"fail", "timeout"},
    ),
    "endless-exit-function": (
        "import atexit\n@atexit.register\ndef spin():\n    while True: pass",
        {"timeout"},
    ),
    "exit-function-that-forges": (
        f"import atexit, os\natexit.register(os.write, 3, {FORGED!r})\nprint('yes')",
        {"fail"},
    ),
    "thread-that-forges": (
        f"import os, threading\nthreading.Thread(target=lambda: os.write(3, {FORGED!r})).start()",
        {"fail"},
    ),
    "forger-that-leaves": (SEND + "os._exit(0)", {"fail"}),
    "two-forged": (SEND * 2, {"fail"}),
    "half-a-frame": ("import os\nos.write(3, b'\\x09\\0\\0\\0{')", {"fail"}),
    "hidden-forger": (SEND.replace("import os", "os = __import__('os')"), {"fail"}),
    "exit-function-that-leaves": ("import atexit, os\natexit.register(os._exit, 0)", {"fail"}),
    "thread-that-leaves": (
        "import os, threading\nthreading.Thread(target=os._exit, args=(0,)).start()\n"
        "while True: pass",
        {"fail"},
    ),
    "last-object-that-spins": (
        "class A:\n    def __del__(self):\n        while True: pass\na = A()",
        {"timeout"},
    ),
    "last-object-that-leaves": (
        "import os\nclass A:\n    def __del__(self):\n        os._exit(0)\na = A()",
        {"fail"},
    ),
    "stream-that-never-flushes": (
        "import sys\nclass Stream:\n    closed = False\n    def write(self, text): pass\n"
        "    def flush(self):\n        while True: pass\nsys.stdout = Stream()",
        {"timeout"},
    ),
    "patched-end": (
        "import threading, atexit, gc\nthreading._shutdown = gc.collect = lambda *a: 1 / 0",
        {"fail"},
    ),
    "channel-as-output": ("import os\nos.dup2(3, 1)\nprint('yes')", {"fail"}),
    "output-as-channel": ("import os\nos.dup2(1, 3)\nprint('yes')", {"fail"}),
    "channel-by-name": ("open('/proc/self/fd/3', 'wb').write(b'x')", {"fail"}),
    "input-filled": (
        "import os\nwhile True:\n    os.write(0, b'x' * (1 << 20))",
        {"fail"},
    ),
    "input-opened-to-write": ("open('/dev/stdin', 'r+b').write(b'x' * (1 << 20))", {"fail"}),
    "memory-of-a-thread": (
        "import threading\nout = []\ndef eat():\n    while True: out.append(bytearray(1 << 24))\n"
        "t = threading.Thread(target=eat)\nt.start()\nt.join()",
        {"fail", "memory"},
    ),
    "many-threads": (
        "import threading, time\nwhile True:\n"
        "    threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
        {"fail", "memory", "timeout"},
    ),
    "flood-at-the-end": (
        "import atexit, sys\natexit.register(sys.stdout.write, 'x' * (8 << 20))",
        {"output", "fail"},
    ),
    "network-of-asyncio": (
        "import asyncio\nasyncio.run(asyncio.open_connection('127.0.0.1', 9))",
        {"fail"},
    ),
    "process-of-asyncio": (
        "import asyncio\nasyncio.run(asyncio.create_subprocess_exec('/bin/sh'))",
        {"fail"},
    ),
    "signal-to-the-parent": ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", {"fail"}),
    "alarm-of-an-earlier-run": (
        "signal = __import__('sig' + 'nal')\nsignal.setitimer(signal.ITIMER_REAL, 0.001)\n"
        "while True: pass",
        {"crash", "timeout"},
    ),
}


@pytest.fixture(scope="module", params=("namespaces", "landlock"))
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    limits = RunLimits(cpu_s=0.5, wall_s=2.0, memory_bytes=256 << 20, output_bytes=4 << 20)
    with Sandbox(1, max_isolation=request.param, limits=limits) as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_on_stdin_succeeds(sandbox: Sandbox, name: str) -> None:
    source, outcomes = ATTACKS[name]
    before = set(os.listdir("/proc/self/fd"))
    tests = [{"input": f"{n}\n", "output": secrets.token_hex(8)} for n in range(2)]
    result = asyncio.run(sandbox.run_stdio(source, tests))
    assert (result.passed, result.outcome in outcomes) == (0, True), result
    assert result.cpu_s < 3
    assert len(os.listdir("/proc/self/fd")) <= len(before) + 1
    good = [{"input": "2\n", "output": "4"}, {"input": "3\n", "output": "6"}]
    assert asyncio.run(sandbox.run_stdio("print(2 * int(input()))", good)).outcome == "pass"


def test_right_output_and_a_failure_is_a_failure(sandbox: Sandbox) -> None:
    """Also where the program turns the channel of its failures away."""
    for source in (
        "import os\nprint('yes', flush=True)\nos.dup2(2, 3)\n1 / 0",
        "import os\nprint('yes', flush=True)\nos.close(3)\n1 / 0",
        "import os\nprint('yes', flush=True)\nos._exit(1)",
        "import os\nprint('yes', flush=True)\nos.abort()",
    ):
        result = asyncio.run(sandbox.run_stdio(source, [{"input": "", "output": "yes"}]))
        assert (result.outcome != "pass", result.passed) == (True, 0), source
