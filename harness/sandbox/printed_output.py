"""Tests of what a program prints, one for each input that it is given."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence

from harness.sandbox.claims import Check, exchange, judge
from harness.sandbox.result import RunLimits, SandboxResult
from harness.sandbox.slot import Slot

_LOCKED = re.compile(r"os\._exit|os\.(?:read|write|fdopen|dup)\b|open\(\s*[012]\b|\.fileno\(\)")


def run_programs(
    slot: Slot, source: str, inputs: Sequence[str], checks: Sequence[Check], limits: RunLimits
) -> SandboxResult:
    """Run a program on each input and check what it prints.

    See ``Sandbox.run_stdio``.

    Raises:
        LostError: The zygote is gone.
    """
    if _LOCKED.search(source):
        return _with_real_streams(slot, source, inputs, checks, limits)
    job = {"mode": "programs", "source": source, "inputs": inputs, "cap": limits.output_bytes}
    return judge(exchange(slot, job, limits), checks, slot.level)


def _with_real_streams(
    slot: Slot, source: str, inputs: Sequence[str], checks: Sequence[Check], limits: RunLimits
) -> SandboxResult:
    results = []
    for text, check in zip(inputs, checks, strict=True):
        with tempfile.TemporaryFile() as given:
            given.write(text.encode())
            given.seek(0)
            output, theirs = os.pipe()
            streams = (given.fileno(), theirs)
            claims = exchange(slot, {"mode": "raw", "source": source}, limits, streams, output)
        results.append(judge(claims, [check], slot.level))
    bad = next((result for result in results if result.outcome != "pass"), None)
    return SandboxResult(
        bad.outcome if bad else "pass" if results else "fail",
        sum(result.passed for result in results),
        len(results),
        bad.detail if bad else "",
        slot.level,
        "isolated-oracle",
        cpu_s=sum(result.cpu_s for result in results),
    )
