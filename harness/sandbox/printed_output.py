"""Tests of what a program prints, one for each input that it is given.

The fast way is one child for all inputs, with streams in its memory. A program that may use real
descriptors, threads, or the end of its process gets the exact way: a child for each input.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace

from harness.sandbox.claims import Check, exchange, judge, never_loaded, raised
from harness.sandbox.result import Outcome, RunLimits, SandboxResult
from harness.sandbox.slot import Slot

_MODULES = (
    "os posix posixpath pathlib fileinput threading _thread concurrent multiprocessing asyncio"
    " selectors select socket signal atexit weakref mmap subprocess logging"
)
# A match costs a program no more than the exact way; what hides from this is noticed by failing.
# No part may repeat without a bound: the text is a program's, and this is the controller.
_EXACT = re.compile(
    rf"(?:\bimport|\bfrom|,)[ \t]{{0,9}}(?:{'|'.join(_MODULES.split())})\b"
    r"|\b(?:open|FileIO|fileno|__del__)\b"
)


def run_programs(
    slot: Slot, source: str, inputs: Sequence[str], checks: Sequence[Check], limits: RunLimits
) -> SandboxResult:
    """Run a program on each input and check what it prints.

    See ``Sandbox.run_stdio``.

    Raises:
        LostError: The zygote is gone.
    """
    if _EXACT.search(source):
        return _one_by_one(slot, source, inputs, checks, limits)
    job = {"mode": "programs", "source": source, "inputs": inputs, "cap": limits.output_bytes}
    claims = exchange(slot, job, limits)
    result = judge(claims, checks, slot.level)
    if result.outcome == "output" and len(inputs) > 1:  # perhaps only all of it together
        return _one_by_one(slot, source, inputs, checks, limits)
    answers = [*claims.frames, *[None] * len(checks)][: len(checks)]
    first = next((i for i, claim in enumerate(answers) if claim is None or raised(claim)), None)
    if result.outcome != "fail" or claims.broken or first is None or never_loaded(answers[first]):
        return result
    # It raised or fell silent: perhaps only for want of real streams. One input decides.
    one = slice(first, first + 1)
    alone = _one_by_one(slot, source, inputs[one], checks[one], limits)
    if alone.outcome != "pass":
        return replace(result, cpu_s=result.cpu_s + alone.cpu_s)
    return _one_by_one(slot, source, inputs, checks, limits)


def _one_by_one(
    slot: Slot, source: str, inputs: Sequence[str], checks: Sequence[Check], limits: RunLimits
) -> SandboxResult:
    """Run each input in a child of its own; the limits of time are over all of them."""
    passed, used = 0, 0.0
    outcome: Outcome = "pass" if checks else "fail"
    detail = "" if checks else "there are no tests"
    left = limits
    for text, check in zip(inputs, checks, strict=True):
        given = _sealed(text)
        try:
            output, theirs = os.pipe()
            job = {"mode": "raw", "source": source}
            claims = exchange(slot, job, left, (given, theirs), output)
        finally:
            os.close(given)
        result = judge(claims, [check], slot.level)
        passed += result.passed
        used += result.cpu_s
        if result.outcome != "pass" and outcome == "pass":
            outcome, detail = result.outcome, result.detail
        if result.outcome == "timeout":
            break
        left = replace(
            left, cpu_s=left.cpu_s - claims.end.cpu_s, wall_s=left.wall - claims.end.wall_s
        )
    return SandboxResult(
        outcome, passed, len(checks), detail, slot.level, "isolated-oracle", cpu_s=used
    )


def _sealed(text: str) -> int:
    """Return a descriptor of a file in memory that holds a text and that nobody can write to."""
    import fcntl  # on Linux only, as is what it is asked for

    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    descriptor = os.memfd_create("input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor
