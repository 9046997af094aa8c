"""Every recorded outcome of 600 samples of a real model, reproduced."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox import RunLimits, Sandbox, SandboxResult

SYNTAX = ("SyntaxError", "IndentationError", "TabError")


def letter(result: SandboxResult) -> str:
    """The recorded alphabet: pass, assertion, exception, syntax, time-out."""
    kind = result.detail.partition(":")[0]
    if result.outcome != "fail":
        return {"pass": "P", "timeout": "T"}.get(result.outcome, "E")
    return "S" if kind in SYNTAX else "A" if kind == "AssertionError" else "E"


async def run(samples: list[dict[str, Any]]) -> list[SandboxResult]:
    async with Sandbox(limits=RunLimits(cpu_s=3.0)) as sandbox:
        runs = []
        for sample in samples:
            # The outcomes were recorded with the tests appended to the program; one sample ends in
            # a dangling decorator, which then decorated ``check`` and raised NameError.
            head = sample["test"].partition("def check")[0]
            source = f"{sample['prompt']}{sample['completion']}\n{head}def check(candidate): pass\n"
            parts = [f"{sample['test']}\ncheck({sample['entry_point']})\n"]
            runs.append(
                sandbox.run_tests(
                    source, parts, entry_point=sample["entry_point"], context=sample["prompt"]
                )
            )
        return await asyncio.gather(*runs)


@pytest.mark.slow
def test_every_recorded_outcome_is_reproduced(shared_data: Path) -> None:
    lines = (shared_data / "codet" / "samples.jsonl").read_text().splitlines()
    samples = [json.loads(line) for line in lines]
    results = asyncio.run(run(samples))
    found = Counter((s["outcome"], letter(r)) for s, r in zip(samples, results, strict=True))
    found.pop(("T", "T"), None)
    assert found == {("P", "P"): 209, ("A", "A"): 313, ("E", "E"): 68, ("S", "S"): 9}
    assert {result.integrity for result in results} == {"isolated-tests"}
