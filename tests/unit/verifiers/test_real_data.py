"""The verifiers on real data, with the figures that they must reach."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.math_verify import math_verify
from harness_plugins.python_code import python_code

from harness.feedback.contract import RunContext
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response
from harness.sandbox import Sandbox, WorkerPool

CORRECT = Criterion("correct", "is correct", BINARY)


def requests_of(rows: list[tuple[Any, str]]) -> list[JudgmentRequest]:
    """One request for each (reference, response text)."""
    return [
        JudgmentRequest(
            str(i),
            Item(str(i), "", reference),
            (Response(str(i), str(i), "system", text),),
            CORRECT,
        )
        for i, (reference, text) in enumerate(rows)
    ]


async def judge(source: Any, rows: list[tuple[Any, str]], timeout_s: float) -> list[Judgment]:
    from harness.feedback.contract import Limits

    async with WorkerPool() as workers, Sandbox() as sandbox:
        ctx = RunContext(None, workers, sandbox, limits=Limits(timeout_s=timeout_s))  # type: ignore[arg-type]
        found = {j.request_id: j async for j in source.annotate(requests_of(rows), ctx)}
    return [found[str(i)] for i in range(len(rows))]


def run(source: Any, rows: list[tuple[Any, str]], timeout_s: float = 20.0) -> list[Judgment]:
    return asyncio.run(judge(source, rows, timeout_s))


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def humaneval(shared_data: Path) -> list[dict[str, Any]]:
    with gzip.open(shared_data / "humaneval" / "HumanEval.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def check_of(task: dict[str, Any]) -> dict[str, str]:
    return {
        "check": task["test"],
        "entry_point": task["entry_point"],
        "prompt": task["prompt"],
    }


def test_every_canonical_solution_of_humaneval_passes(humaneval: list[dict[str, Any]]) -> None:
    judgments = run(
        python_code.build(), [(check_of(t), t["canonical_solution"]) for t in humaneval]
    )
    wrong = [
        (task["task_id"], judgment.verdict.rationale)
        for task, judgment in zip(humaneval, judgments, strict=True)
        if judgment.verdict.value is not True
    ]
    assert (wrong, len(judgments)) == ([], 164)
    assert {j.metadata["integrity"] for j in judgments} == {"isolated-tests"}


def test_no_stub_passes_humaneval(humaneval: list[dict[str, Any]]) -> None:
    judgments = run(python_code.build(), [(check_of(t), "    pass\n") for t in humaneval])
    assert [j.verdict.value for j in judgments] == [False] * 164


def test_whole_functions_in_fences_pass_too(humaneval: list[dict[str, Any]]) -> None:
    rows = [
        (check_of(t), f"Sure!\n```python\n{t['prompt']}{t['canonical_solution']}\n```\nDone.")
        for t in humaneval
    ]
    assert [j.verdict.value for j in run(python_code.build(), rows)] == [True] * 164


def test_math_verify_differs_from_the_library_where_labels_are_wrong_or_equations_do_not_hold(
    shared_data: Path,
) -> None:
    rows = read_jsonl(shared_data / "math_verify_cases" / "cases.jsonl")
    differs = set()
    for options in {json.dumps(_options(row), sort_keys=True) for row in rows}:
        chosen = [row for row in rows if json.dumps(_options(row), sort_keys=True) == options]
        source = math_verify.build(json.loads(options))
        judgments = run(source, [(row["gold"], row["pred"]) for row in chosen])
        for row, judgment in zip(chosen, judgments, strict=True):
            if judgment.verdict.value != bool(row["expected"]):
                differs.add((row["gold"], row["pred"]))
    assert len(rows) == 268
    assert differs == {
        # labelled wrong, since a formula in dollar signs has line breaks: it is 9 all the same
        ("$9$", "Answer $ \n 9 \n $"),
        ("$9$", "Answer \\( \n 9 \n \\)"),
        # labelled right, since the library reads only the 1
        (r"$1 - \frac{1}{\mathrm{e}}$", r"$1 + \frac{1}{\mathrm{e}}$"),
        # made to see which side the library reads: equations that do not hold are no answer here
        ("$x = 11$", "$x = 5+5+1 = 7 =11$"),
        ("$10/9$", r"Answer $ \frac{1}{2} \$ = \frac{10}{9} $"),
        (r"$1 = \zzz = x = 0$", "$0$"),
        ("$x = 1/3$", r"$x = 5+5+1 = 1/3 \approx 11$"),
        ("$1/3$", r"$x=1/3\approx1.3$"),
        ("$z = 1 + 1 = 2$", "$z = 3+3 = 2$"),
    }


def _options(row: dict[str, Any]) -> dict[str, Any]:
    names = {
        "precision": "precision",
        "strict": "strict",
        "allow_set_relation_comp": "set_relations",
    }
    return {ours: row[theirs] for theirs, ours in names.items() if theirs in row}


@pytest.mark.slow
def test_math_verify_agrees_with_every_label_of_gsm8k(shared_data: Path) -> None:
    rows, labels = [], []
    for row in read_jsonl(shared_data / "gsm8k" / "example_model_solutions.jsonl"):
        for solution in row.values():
            if isinstance(solution, dict):
                rows.append((row["ground_truth"].rsplit("A:", 1)[1].strip(), solution["solution"]))
                labels.append(solution["is_correct"])
    judgments = run(math_verify.build(), rows)
    assert len(labels) == 5276
    assert sum(j.verdict.status is not Status.OK for j in judgments) == 0
    assert sum(j.verdict.value is not v for j, v in zip(judgments, labels, strict=True)) == 0
