"""How many tests of HumanEval and MBPP fall into each kind of integrity, with their own solutions.

    python benchmarks/guarantees.py [--humaneval HumanEval.jsonl.gz] [--mbpp mbpp.jsonl ...]

MBPP's file is google-research/mbpp's ``mbpp.jsonl`` or ``sanitized-mbpp.json``; what is not there
is left out. A task that does not pass with its own solution, or only as ``in-process``, is named.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import Any

from harness_plugins.python_code import completed

from harness.sandbox import Sandbox, SandboxResult

HUMANEVAL = Path(__file__).parents[2] / "shared" / "data" / "humaneval" / "HumanEval.jsonl.gz"


def read(path: Path) -> list[dict[str, Any]]:
    """Return the tasks of a file of JSON lines, packed or not, or of one JSON list."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = data.decode()
    return (
        json.loads(text) if text.lstrip()[:1] == "[" else list(map(json.loads, text.splitlines()))
    )


def humaneval(sandbox: Sandbox, task: dict[str, Any]) -> Awaitable[SandboxResult]:
    """Run the canonical solution of one task against its check."""
    name, prompt = task["entry_point"], task["prompt"]
    source = completed(prompt, prompt + task["canonical_solution"], name)
    check = f"{task['test']}\ncheck({name})\n"
    return sandbox.run_tests(source, [check], entry_point=name, context=prompt)


def mbpp(sandbox: Sandbox, task: dict[str, Any]) -> Awaitable[SandboxResult]:
    """Run the solution of one task against its asserts."""
    setup = task.get("test_setup_code", "") or "\n".join(task.get("test_imports", ()))
    return sandbox.run_tests(task["code"], task["test_list"], context=setup)


async def count(name: str, tasks: list[dict[str, Any]], runs: Iterable[Awaitable[Any]]) -> None:
    """Print one line of the table, and what does not pass in isolation."""
    results = await asyncio.gather(*runs)
    kinds = Counter(r.integrity if r.outcome == "pass" else r.outcome for r in results)
    told = ", ".join(f"{kind} {number}" for kind, number in kinds.most_common())
    print(f"{name}: {len(tasks)} tasks: {told}")
    for task, result in zip(tasks, results, strict=True):
        if (result.outcome, result.integrity) != ("pass", "isolated-tests"):
            print(f"  {task['task_id']}: {result.outcome}, {result.integrity}: {result.detail}")


async def main() -> None:
    """Run every file that is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--humaneval", type=Path, default=HUMANEVAL)
    parser.add_argument("--mbpp", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    async with Sandbox() as sandbox:
        for path, run in [(options.humaneval, humaneval), *((p, mbpp) for p in options.mbpp)]:
            if path.exists():
                tasks = read(path)
                await count(path.name, tasks, [run(sandbox, task) for task in tasks])
            else:
                print(f"{path} is not there: left out")


if __name__ == "__main__":
    asyncio.run(main())
