"""Programs that know only the name of a function, against the 164 tasks of HumanEval by turns."""

from __future__ import annotations

import asyncio
import gzip
import json
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.python_code import PythonCodeOptions, verify

from harness.plugin import Item, Response
from harness.sandbox import RunLimits, Sandbox, SandboxResult

FORGERS = tomllib.loads((Path(__file__).parent / "forgers.toml").read_text())["forger"]
LIMITS = RunLimits(wall_s=30.0)
TURNS = 3
"""Each forger tries one task of so many, and each task is tried by one forger of so many."""


@pytest.fixture(scope="module")
def humaneval(shared_data: Path) -> list[dict[str, Any]]:
    with gzip.open(shared_data / "humaneval" / "HumanEval.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def run_all(pairs: Sequence[tuple[dict[str, Any], str]], cpu_s: float) -> list[SandboxResult]:
    """Run programs against tasks, as many at once as there are cores."""
    options = PythonCodeOptions(timeout_s=cpu_s, memory_mb=256)

    async def main() -> list[SandboxResult]:
        async with Sandbox(limits=LIMITS) as sandbox:
            return await asyncio.gather(*(one(sandbox, *pair) for pair in pairs))

    async def one(sandbox: Sandbox, task: dict[str, Any], program: str) -> SandboxResult:
        reference = {
            "check": task["test"],
            "entry_point": task["entry_point"],
            "prompt": task["prompt"],
        }
        item = Item(task["task_id"], prompt=task["prompt"], reference=reference)
        return await verify(item, Response("r", item.id, "policy", program), sandbox, options)

    return asyncio.run(main())


@pytest.mark.slow
def test_no_forger_passes_any_task(humaneval: list[dict[str, Any]]) -> None:
    assert len(FORGERS) >= 20
    pairs = [
        (forger, task) for n, forger in enumerate(FORGERS) for task in humaneval[n % TURNS :: TURNS]
    ]
    programs = [(t, f["program"].replace("ENTRY", t["entry_point"])) for f, t in pairs]
    results = run_all(programs, cpu_s=0.5)
    rewarded = [
        (forger["name"], task["task_id"], result.integrity)
        for (forger, task), result in zip(pairs, results, strict=True)
        if result.outcome == "pass" and result.integrity != "in-process"
    ]
    assert rewarded == []
    # What the sandbox could not decide is no failure of the program, and a policy would learn it.
    outcomes = Counter(result.outcome for result in results)
    assert outcomes["error"] == 0, outcomes
