"""The verifiers that come with the harness, through the adapter and real worker processes."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.arithmetic_steps import arithmetic_steps
from harness_plugins.command import command
from harness_plugins.json_schema import json_schema
from harness_plugins.knowledge_base import knowledge_base
from harness_plugins.math_verify import math_verify
from harness_plugins.python_code import code_translation, python_code
from harness_plugins.regex_format import regex_format

from harness.feedback.contract import Limits, RunContext
from harness.nouns.errors import PluginError, SandboxError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response
from harness.sandbox import Sandbox, SandboxResult, WorkerPool
from harness.sandbox.programs import program_defining

CORRECT = Criterion("correct", "is correct", BINARY)
OK, ABSTAINED, ERROR, TIMEOUT = Status.OK, Status.ABSTAINED, Status.ERROR, Status.TIMEOUT


@pytest.fixture(scope="module")
def ctx() -> Iterator[RunContext]:
    with WorkerPool(1) as workers, Sandbox(1) as sandbox:
        yield RunContext(None, workers, sandbox, limits=Limits(timeout_s=20.0))  # type: ignore[arg-type]


def judge(
    ctx: RunContext, factory: Any, reference: Any, text: str, **options: Any
) -> tuple[Status, Any, str]:
    judgment = judgment_of(ctx, factory, reference, text, **options)
    return judgment.verdict.status, judgment.verdict.value, judgment.verdict.rationale


def judgment_of(
    ctx: RunContext, factory: Any, reference: Any, text: str, **options: Any
) -> Judgment:
    request = JudgmentRequest(
        "r", Item("i", "", reference, {"id": "Q1"}), (Response("r", "i", "s", text),), CORRECT
    )

    async def run() -> list[Judgment]:
        return [j async for j in factory.build(options).annotate([request], ctx)]

    (judgment,) = asyncio.run(run())
    return judgment


# -- mathematics --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "text", "options", "value"),
    [
        ("1/2", "so it is $\\frac{1}{2}$", {}, True),
        ("\\frac{1}{2}", "0.5", {}, True),
        (72, "72 clips", {}, True),
        ("half of 48 is 24.\n#### 72", "The answer is 72.", {}, True),
        ("72", "The answer is 71.", {}, False),
        ("72", "I do not know", {}, False),
        ("7", "The answer is 7", {"answer": "boxed"}, False),
        ("7", "so \\boxed{7}", {"answer": "boxed"}, True),
        ("7", "\\boxed{8}, no: \\boxed{7}", {"answer": "boxed"}, True),
        ("50%", "50", {}, True),
        ("50%", "50", {"percent": "exact"}, False),
        ("50%", "it is 50%", {"percent": "exact"}, True),
        ("5 cm", "5 m", {}, True),
        ("5 cm", "5 m", {"units": "require"}, False),
        ("5 cm", "it is 5 cm.", {"units": "require"}, True),
        ("$5\\text{ cm}$", "$5\\text{ cm}$", {"units": "require"}, True),
        ("3.14159", "3.1416", {}, False),
        ("3.14159", "3.1416", {"precision": 3}, True),
    ],
)
def test_mathematics(
    ctx: RunContext, reference: Any, text: str, options: dict[str, Any], value: bool
) -> None:
    status, found, reason = judge(ctx, math_verify, reference, text, **options)
    assert (status, found) == (OK, value), reason


def test_a_missing_answer_is_a_reason_of_its_own(ctx: RunContext) -> None:
    assert judge(ctx, math_verify, "7", "no idea")[2].startswith("format: ")
    reason = judge(ctx, math_verify, "7", "it is 7", answer="boxed")[2]
    assert reason == "format: no \\boxed{} answer"


@pytest.mark.parametrize("reference", [None, "", "because of 3 and 4x"])
def test_what_cannot_be_checked_is_an_abstention(ctx: RunContext, reference: Any) -> None:
    assert judge(ctx, math_verify, reference, "7")[0] is ABSTAINED


# -- steps --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("16 - 3 = 13 eggs, then 13 x 2 = $26", [True, True]),
        ("16 - 3 = <<16-3=12>>12", [False]),
        ("150,000 + 80,000 = 230,000. 10/3=3.33", [True, True]),
        ("2+2=5 and (1 + 2) * 3 = 9", [False, True]),
        ("B - 10 = 45, 3 / 6 = 50%, 3 / 2 = 1 1/2", [True, True]),
        ("x = 5, no sums here", []),
        ("1" * 50000 + " + 1 1 " * 5000, []),
    ],
)
def test_steps_of_arithmetic(ctx: RunContext, text: str, steps: list[bool]) -> None:
    judgment = judgment_of(ctx, arithmetic_steps, None, text)
    if steps:
        assert judgment.metadata["steps"] == steps
        assert judgment.verdict.value == sum(steps) / len(steps)
    else:
        assert judgment.verdict.status is ABSTAINED


def test_the_equations_of_gold_solutions_hold_but_for_a_known_slip(shared_data: Path) -> None:
    """One gold solution of the test set does say 32 - 20 = 300."""
    checked: list[bool] = []
    for line in (shared_data / "gsm8k" / "test.jsonl").read_text().splitlines():
        response = Response("r", "i", "gold", json.loads(line)["answer"])
        checked += arithmetic_steps(Item("i", ""), response)
    assert len(checked) == 4458
    assert checked.count(False) == 1


# -- formats ------------------------------------------------------------------------------------

SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 0}},
    "required": ["age"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ('{"age": 3}', True, ""),
        ('{"age": -3}', False, "schema: age"),
        ('{"age": "3"}', False, "schema: age"),
        ("{}", False, "schema: top: 'age' is a required property"),
        ('{"age": 3, "age": 4}', False, "format: not JSON: a key comes twice"),
        ('{"age": NaN}', False, "format: not JSON: NaN"),
        ("Sure: {}", False, "format: not JSON"),
        ("[" * 100000, False, "format: not JSON"),
    ],
)
def test_json(ctx: RunContext, text: str, value: bool, reason: str) -> None:
    status, found, said = judge(ctx, json_schema, SCHEMA, text)
    assert (status, found) == (OK, value)
    assert said.startswith(reason) if reason else said == ""
    assert judge(ctx, json_schema, None, text, json_schema=SCHEMA)[1] is value


def test_json_in_a_fence_and_wrong_schemas(ctx: RunContext) -> None:
    text = 'Here:\n```json\n{"age": 3}\n```'
    assert judge(ctx, json_schema, SCHEMA, text)[1] is False
    assert judge(ctx, json_schema, SCHEMA, text, where="fenced")[1] is True
    assert judge(ctx, json_schema, None, text)[0] is ABSTAINED
    assert judge(ctx, json_schema, {"type": "strange"}, text)[0] is ERROR


THOUGHT = {"pattern": r"<think>.*?</think>\s*<answer>.*?</answer>", "reads": "whole"}


@pytest.mark.parametrize(
    ("text", "options", "value"),
    [
        ("<think>a\nb</think><answer>1</answer>\n", {**THOUGHT}, True),
        ("hm <think>a</think><answer>1</answer>", {**THOUGHT}, False),
        ("hm <think>a</think><answer>1</answer>", {**THOUGHT, "match": "anywhere"}, True),
        ("aa", {"pattern": "a", "match": "anywhere", "at_most": 1}, False),
        ("a", {"pattern": "a", "match": "anywhere", "at_most": 1}, True),
        ("as an AI", {"pattern": "as an AI", "match": "anywhere", "forbidden": True}, False),
        ("hello", {"pattern": "as an AI", "match": "anywhere", "forbidden": True}, True),
    ],
)
def test_regular_expressions(
    ctx: RunContext, text: str, options: dict[str, Any], value: bool
) -> None:
    assert judge(ctx, regex_format, None, text, **options)[:2] == (OK, value)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+b", "a" * 40),
        ("(a|a)*b", "a" * 40),
        ("(.*)*=x", "y" * 40),
        (r"(\w+\s?)+!", "word " * 12),
        ("(x*)*y", "x" * 40),
        (r"<think>(.|\n|\s)*</think>(.|\n|\s)*#", "<think>" + "\n" * 40 + "x"),
    ],
)
def test_a_pattern_that_never_ends_is_named(
    ctx: RunContext, pattern: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness_plugins.regex_format.LIMIT_S", 0.3)
    status, value, reason = judge(ctx, regex_format, None, text, pattern=pattern, reads="whole")
    assert (status, value) == (TIMEOUT, None)
    assert repr(pattern) in reason and "0.3 s" in reason


def test_a_wrong_pattern_is_refused_before_any_work() -> None:
    with pytest.raises(PluginError, match="regex_format") as caught:
        regex_format.build({"pattern": "("})
    assert "not a regular expression" in str(caught.value)


# -- knowledge base -----------------------------------------------------------------------------


@pytest.fixture(params=["facts.csv", "facts.sqlite"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    rows = [
        ("Q1", "The Netherlands", "Holland|NL"),
        ("Q2", "São Tomé", ""),
        ("Q1", "Nederland", ""),
    ]
    path = tmp_path / request.param
    if path.suffix == ".csv":
        lines = ["key,answer,aliases", *(",".join(row) for row in rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        base = sqlite3.connect(path)
        base.execute("CREATE TABLE facts (key TEXT, answer TEXT, aliases TEXT)")
        base.executemany("INSERT INTO facts VALUES (?, ?, ?)", rows)
        base.commit()
        base.close()
    return str(path)


@pytest.mark.parametrize(
    ("key", "text", "options", "value"),
    [
        ("Q1", "netherlands", {}, True),
        ("Q1", "Let me think.\nAnswer: Holland.", {}, True),
        ("Q1", "Let me think.\nAnswer: Holland.", {"match": "equals"}, False),
        ("Q1", "It is in Holland or in Spain", {"match": "mentions"}, True),
        ("Q1", "Hollandaise", {"match": "mentions"}, False),
        ("Q1", "Nederland", {}, True),
        ("q2", "sao tome", {}, True),
        ("Q1", "", {}, False),
        ("unused", "NL", {"item_key": "id"}, True),
    ],
)
def test_facts(
    ctx: RunContext, base: str, key: str, text: str, options: dict[str, Any], value: bool
) -> None:
    assert judge(ctx, knowledge_base, key, text, file=base, **options)[:2] == (OK, value)


def test_unknown_keys_abstain_and_wrong_files_are_errors(ctx: RunContext, base: str) -> None:
    assert judge(ctx, knowledge_base, "Q9", "x", file=base)[0] is ABSTAINED
    assert judge(ctx, knowledge_base, None, "x", file=base)[0] is ABSTAINED
    status, _, reason = judge(ctx, knowledge_base, "Q1", "x", file=base, answer="capital")
    assert (status, "no column capital" in reason) == (ERROR, True)
    assert judge(ctx, knowledge_base, "Q1", "x", file="absent.csv")[0] is ERROR


# -- a command of the user's own ----------------------------------------------------------------


def test_the_exit_code_decides(ctx: RunContext) -> None:
    options = {"command": ["grep", "-q", "yes", "{file}"], "unsandboxed": True}
    assert judge(ctx, command, None, "oh yes", **options)[:2] == (OK, 1.0)
    assert judge(ctx, command, None, "no", **options)[:2] == (OK, 0.0)
    missing = {"command": ["no-such-program"], "unsandboxed": True}
    assert judge(ctx, command, None, "no", **missing)[0] is ERROR


def test_files_and_scores(ctx: RunContext) -> None:
    script = "cat a.txt; echo; echo passed $(wc -l < answer.txt) of 4"
    options = {
        "command": ["sh", "-c", script],
        "unsandboxed": True,
        "file": "answer.txt",
        "files": {"a.txt": "passed 9 of 9"},
        "code": True,
        "score": r"passed (\d+) of (\d+)",
    }
    text = "Look:\n```\n1\n2\n3\n```\n"
    assert judge(ctx, command, None, text, **options)[:2] == (OK, 0.75)
    reference = {"files": {"a.txt": "other", "sub/b.txt": ""}}
    assert judge(ctx, command, reference, text, **options)[2].startswith("other passed 3 of 4")
    options["score"] = "nothing like (it)"
    assert judge(ctx, command, None, text, **options)[0] is ERROR
    assert judge(ctx, command, {"files": {"../x": ""}}, text, **options)[0] is ERROR


def test_a_command_must_be_acknowledged_as_unsandboxed() -> None:
    with pytest.raises(PluginError, match="command") as caught:
        command.build({"command": ["true"]})
    assert "unsandboxed" in str(caught.value)


# -- programs -----------------------------------------------------------------------------------

ADD = "```python\ndef add(a, b):\n    return a + b\n```"
WRONG = "```python\ndef add(a, b):\n    return a - b\n```"
PROGRAM = "```\na, b = map(int, input().split())\nprint(a + b)\n```"
KINDS = [
    ({"entry_point": "add", "tests": [{"args": [1, 2], "expected": 3}]}, ADD),
    ({"stdin": [{"input": "1 2\n", "output": "3\n"}]}, PROGRAM),
    ({"asserts": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"]}, ADD),
    ({"check": "def check(f):\n    assert f(1, 2) == 3\n", "entry_point": "add"}, ADD),
    ({"pytest": "from solution import add\ndef test(): assert add(1, 2) == 3\n"}, ADD),
]


@pytest.mark.parametrize(("reference", "right"), KINDS, ids=[next(iter(kind)) for kind, _ in KINDS])
def test_every_kind_of_tests(ctx: RunContext, reference: dict[str, Any], right: str) -> None:
    judgment = judgment_of(ctx, python_code, reference, f"Of course.\n{right}\nBye.")
    assert judgment.verdict.value is True, judgment.verdict.rationale
    assert judgment.metadata["isolation"] == ctx.sandbox.isolation.level
    oracle = "tests" in reference or "stdin" in reference
    assert judgment.metadata["integrity"] == ("isolated-oracle" if oracle else "isolated-tests")
    wrong = WRONG if right == ADD else right.replace("+", "-")
    status, value, reason = judge(ctx, python_code, reference, wrong)
    assert (status, value) == (OK, False)
    assert reason.startswith("fail: ")


def test_partial_credit(ctx: RunContext) -> None:
    assert judge(ctx, python_code, KINDS[2][0], WRONG, partial=True)[:2] == (OK, 0.5)


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        (None, ABSTAINED),
        ("def f", ERROR),
        ({"tests": [{"args": [1]}]}, ERROR),
        ({"tests": [], "stdin": []}, ERROR),
        ({"asserts": ["assert ("]}, ERROR),
        ({"entry_point": "add", "tests": [{"args": [1, 2]}]}, ERROR),
        ({"entry_point": "sub", "tests": [{"args": [1, 2]}]}, ERROR),
        ({"stdin": [{"input": "1 2", "output": 3}]}, ERROR),
        ({"stdin": [{"input": 1, "output": "3"}]}, ERROR),
        ({"stdin": [{"input": "1 2"}]}, ERROR),
    ],
    ids=range(10),
)
def test_broken_references_say_nothing_about_the_program(
    ctx: RunContext, reference: Any, status: Status
) -> None:
    assert judge(ctx, python_code, reference, ADD)[:2] == (status, None)


def test_what_cannot_be_isolated_is_no_reward_by_default(ctx: RunContext) -> None:
    reference = {"asserts": ["assert apply(lambda x: x + 1, 2) == 3"]}
    text = "def apply(f, x): return f(x)"
    assert judge(ctx, python_code, reference, text)[0] is ABSTAINED
    judgment = judgment_of(ctx, python_code, reference, text, allow_forgeable=True)
    assert judgment.verdict.value is True
    assert judgment.metadata["integrity"] == "in-process"
    always = "class E:\n    def __eq__(s, o): return True\ndef f(x): return E()"
    assert judge(ctx, python_code, {"asserts": ["assert f(1) == f(2)"]}, always)[0] is ABSTAINED
    assert judge(ctx, python_code, {"asserts": ["assert f(1) == 2"]}, always)[:2] == (OK, False)


def test_a_failure_of_the_sandbox_is_an_error_and_never_zero(ctx: RunContext) -> None:
    class Broken:
        processes = 1
        limits = ctx.sandbox.limits

        def variant(self, **_: object) -> Broken:
            return self

        async def run_tests(self, *_: Any, **__: Any) -> SandboxResult:
            return SandboxResult("error", 0, 1, "lost", "landlock", "isolated-tests")

    broken = RunContext(ctx.chat, ctx.workers, Broken())  # type: ignore[arg-type]
    assert judge(broken, python_code, KINDS[2][0], ADD) == (ERROR, None, "error: lost")


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("x = 1", "x = 1"),
        ("```python\nx = 1\n```", "x = 1\n"),
        ("```\nx = 1\n```\nbetter:\n```py\nx = 2\n```\n", "x = 2\n"),
        ("cut off\n```python\nx = 3", "x = 3\n"),
        ("  ```python\nx = 4\n  ```", "x = 4\n"),
        ('```python\ns = """\n``` inside\n"""\n```', 's = """\n``` inside\n"""\n'),
    ],
)
def test_where_nothing_is_defined_the_last_block_is_the_program(text: str, program: str) -> None:
    assert program_defining(text, ()) == program


@pytest.mark.parametrize("minimum", ["landlock", "seccomp"])
def test_the_minimum_is_an_option(ctx: RunContext, minimum: str) -> None:
    assert judge(ctx, python_code, KINDS[0][0], ADD, min_isolation=minimum)[1] is True
    with pytest.raises(SandboxError, match="docker"):
        judge(ctx, python_code, KINDS[0][0], ADD, min_isolation="docker")


def test_packages_are_an_option(ctx: RunContext, tmp_path: Path) -> None:
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "extra_numbers.py").write_text("SEVEN = 7\n")
    paths = [str(tmp_path / "site-packages")]
    reference = {"entry_point": "f", "tests": [{"args": [], "expected": 7}]}
    text = "from extra_numbers import SEVEN\ndef f(): return SEVEN"
    assert judge(ctx, python_code, reference, text)[1] is False
    assert judge(ctx, python_code, reference, text, import_paths=paths)[1] is True
    options = {"import_paths": paths, "preimport": ["extra_numbers"]}
    assert judge(ctx, python_code, reference, text, **options)[1] is True
    asserts = {"asserts": ["import extra_numbers", "assert f() == extra_numbers.SEVEN"]}
    assert judge(ctx, python_code, asserts, text, **options)[1] is True


# -- translation --------------------------------------------------------------------------------

ORIGINAL = "n = int(raw_input()) if False else int(input())\nprint(n * n)"


def test_translations_are_compared_with_the_original(ctx: RunContext) -> None:
    reference = {"original": ORIGINAL, "inputs": ["3\n", "-2\n"]}
    assert judge(ctx, code_translation, reference, "print(int(input()) ** 2)")[1] is True
    assert judge(ctx, code_translation, reference, "print(abs(int(input())) * 3)")[1] is False
    calls = {"original": "def f(x): return {x: (x,)}", "entry_point": "f", "calls": [[1], ["a"]]}
    assert judge(ctx, code_translation, calls, "def f(y):\n    return {y: (y,)}")[1] is True
    assert judge(ctx, code_translation, calls, "def f(y):\n    return {y: y}")[1] is False


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        (None, ABSTAINED),
        ({"original": "print(1)"}, ERROR),
        ({"original": "1 / 0", "inputs": [""]}, ERROR),
        ({"original": "while True: pass", "inputs": [""]}, ERROR),
    ],
)
def test_an_original_that_does_not_work_says_nothing_about_its_translation(
    ctx: RunContext, reference: Any, status: Status
) -> None:
    assert judge(ctx, code_translation, reference, "print(1)", timeout_s=0.5)[:2] == (status, None)
