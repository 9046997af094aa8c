"""Verifiers of programs, in the sandbox.

``python_code``: the program of the response passes the tests of the item. ``code_translation``: it
gives the same outputs as another program on the same inputs.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from harness.plugin import (
    BINARY,
    UNIT,
    Finding,
    Item,
    Response,
    RunContext,
    RunLimits,
    Sandbox,
    SandboxResult,
    Scale,
    SourceFactory,
    Status,
    Verdict,
    hookimpl,
    verifier,
)

VERSION = "3"
_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_KINDS = ("tests", "stdin", "check", "asserts", "pytest")
_WAITING = 256
"""Programs that wait for the sandbox at once: more than there are cores, so that none idles."""


class PythonCodeOptions(BaseModel):
    """Options of ``python_code`` and ``code_translation``.

    Args:
        timeout_s: Processor seconds of one program over all of its tests.
        memory_mb: Memory of one program, in MiB.
        output_mb: What it may print or return, in MiB.
        tolerance: Relative and absolute tolerance of floating-point results; below 1. Whole numbers
            that are expected must be met exactly.
        partial: Score the share of passed tests instead of pass or fail.
        min_isolation: Weakest isolation level to run at; see docs/security.md.
        allow_forgeable: Give a verdict also where tests must run inside the program's own process,
            which can then forge it; otherwise abstain.
        import_paths: Directories of packages that programs may import, and can read all of.
        preimport: Modules of these to import before any program runs, since importing them is slow.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_s: float = Field(default=5.0, gt=0, le=86400, allow_inf_nan=False)
    memory_mb: int = Field(default=1024, ge=64, le=1 << 22)
    output_mb: int = Field(default=8, ge=1, le=1 << 12)
    tolerance: float = Field(default=0.0, ge=0, lt=1, allow_inf_nan=False)
    partial: bool = False
    min_isolation: str = "landlock"
    allow_forgeable: bool = False
    import_paths: tuple[str, ...] = ()
    preimport: tuple[str, ...] = ()

    def sandbox(self, ctx: RunContext) -> Sandbox:
        """Return the run's sandbox with these options."""
        return ctx.sandbox.variant(
            min_isolation=self.min_isolation,
            extra_paths=self.import_paths,
            preimport=self.preimport,
        )

    def limits(self, sandbox: Sandbox) -> RunLimits:
        """Return the limits for one program."""
        return replace(
            sandbox.limits,
            cpu_s=self.timeout_s,
            memory_bytes=self.memory_mb << 20,
            output_bytes=self.output_mb << 20,
        )


Verify = Callable[[Item, Response, Sandbox, PythonCodeOptions], Awaitable[SandboxResult]]
"""Runs one response against its item."""


class TestsError(Exception):
    """The item's reference is not one of the kinds of tests."""

    def __init__(self, message: str, status: Status = Status.ERROR) -> None:
        self.status = status
        super().__init__(message)


async def verify(
    item: Item, response: Response, sandbox: Sandbox, options: PythonCodeOptions
) -> SandboxResult:
    """Run the program of one response against the tests of its item.

    Raises:
        TestsError: The item has no tests, or they are malformed.
    """
    reference = item.reference
    if reference is None:
        raise TestsError("no reference, so no tests", Status.ABSTAINED)
    kinds = [kind for kind in _KINDS if isinstance(reference, Mapping) and kind in reference]
    if len(kinds) != 1:
        raise TestsError(f"the reference needs exactly one of {', '.join(_KINDS)}")
    if not reference[kinds[0]]:
        raise TestsError(f"{kinds[0]} is empty, so no tests", Status.ABSTAINED)
    try:
        return await _run(kinds[0], reference, program_of(response.text), sandbox, options)
    except (KeyError, TypeError) as error:
        raise TestsError(f"malformed tests: {type(error).__name__} {error}") from error


async def _run(
    kind: str,
    reference: Mapping[str, Any],
    code: str,
    sandbox: Sandbox,
    options: PythonCodeOptions,
) -> SandboxResult:
    limits = options.limits(sandbox)
    if kind == "pytest":
        module = reference.get("module", "solution")
        return await sandbox.run_pytest(code, reference["pytest"], module=module, limits=limits)
    if kind == "tests":
        entry_point = reference["entry_point"]
        return await sandbox.run_functions(
            code, entry_point, reference["tests"], limits=limits, tolerance=options.tolerance
        )
    if kind == "stdin":
        return await sandbox.run_stdio(
            code, reference["stdin"], limits=limits, tolerance=options.tolerance
        )
    entry_point = reference.get("entry_point", "")
    prompt = reference.get("prompt", "")
    if kind == "check":
        code = completed(prompt, code, entry_point)
        parts = [f"{reference['check']}\ncheck({entry_point})\n"]
    else:
        parts = list(reference["asserts"])
    setup = reference.get("setup", "")
    code = _imports(setup) + code
    context = setup or _whole(prompt)
    result = await sandbox.run_tests(
        code, parts, entry_point=entry_point, context=context, limits=limits
    )
    if result.outcome == "unsupported" and options.allow_forgeable:
        return await sandbox.run_inside(code, "\n".join([context, *parts]), limits=limits)
    return result


def program_of(text: str) -> str:
    """Return the last fenced block of a response, closed or not, or else the whole text."""
    blocks = _FENCE.findall(text)
    return blocks[-1] if blocks else text


def _imports(setup: str) -> str:
    """Return what a setup imports, which MBPP's programs may use without importing it."""
    try:
        nodes = ast.parse(setup).body
    except SyntaxError:
        return ""
    found = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return "".join(f"{ast.unparse(node)}\n" for node in found)


def _whole(prompt: str) -> str:
    """Return the head of a function with a body, if it has none."""
    try:
        compile(prompt, "prompt", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return f"{prompt}\n    pass\n"
    return prompt


def completed(prompt: str, code: str, entry_point: str) -> str:
    """Return a whole program for a task whose prompt is the head of a function.

    Code that does not define the function continues the prompt. Code that does is put after it, so
    that the prompt's imports and helpers are there.
    """
    if not prompt:
        return code
    if not re.search(rf"^(?:async\s+)?def\s+{re.escape(entry_point)}\b", code, re.MULTILINE):
        return prompt + code
    head = f"{prompt}\n    pass\n\n"
    try:
        compile(head, "prompt", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return code
    return head + code


async def verify_translation(
    item: Item, response: Response, sandbox: Sandbox, options: PythonCodeOptions
) -> SandboxResult:
    """Run the original and its translation, in processes of their own, and compare.

    Raises:
        TestsError: The item has no original, or that fails on its own inputs.
    """
    reference = item.reference
    if not isinstance(reference, Mapping) or "original" not in reference:
        raise TestsError("the reference has no original program", Status.ABSTAINED)
    limits = options.limits(sandbox)
    code, original = program_of(response.text), reference["original"]
    entry_point = reference.get("entry_point", "")
    inputs, calls = reference.get("inputs", ()), reference.get("calls", ())
    if not (calls if entry_point else inputs):
        raise TestsError("the reference needs inputs, or an entry_point and its calls")
    run, values = await sandbox.observe(
        original, inputs=inputs, entry_point=entry_point, calls=calls, limits=limits
    )
    if run.outcome == "error":
        return run
    if run.outcome != "pass":
        raise TestsError(f"the original program does not work: {run.outcome} {run.detail}")
    if entry_point:
        tests = [{"args": c, "expected": v} for c, v in zip(calls, values, strict=True)]
        return await sandbox.run_functions(
            code, entry_point, tests, limits=limits, tolerance=options.tolerance
        )
    pairs = [{"input": i, "output": v} for i, v in zip(inputs, values, strict=True)]
    return await sandbox.run_stdio(code, pairs, limits=limits, tolerance=options.tolerance)


async def _finding(
    verify: Verify, item: Item, response: Response, options: PythonCodeOptions, ctx: RunContext
) -> Finding:
    try:
        result = await verify(item, response, options.sandbox(ctx), options)
    except TestsError as error:
        return Finding(Verdict(error.status, rationale=f"item {item.id}: {error}"), latency_s=0.0)
    metadata = {
        "outcome": result.outcome,
        "passed": result.passed,
        "total": result.total,
        "isolation": result.isolation,
        "integrity": result.integrity,
        "cpu_s": result.cpu_s,
    }
    return Finding(_verdict(result, options), metadata, result.wall_s)


def _verdict(result: SandboxResult, options: PythonCodeOptions) -> Verdict:
    reason = f"{result.outcome}: {result.detail}" if result.detail else result.outcome
    if result.outcome == "error":
        return Verdict(Status.ERROR, rationale=reason)
    if result.outcome == "unsupported":
        return Verdict(Status.ABSTAINED, rationale=f"tests cannot be isolated: {result.detail}")
    passed = result.outcome == "pass"
    decides = passed or (options.partial and result.passed > 0)
    if result.integrity == "in-process" and not options.allow_forgeable and decides:
        reason = f"the program could have forged this: {reason}"
        return Verdict(Status.ABSTAINED, rationale=reason)
    reason = f"{reason} ({result.passed}/{result.total} tests)"
    if options.partial:
        share = result.passed / result.total if result.total else 0.0
        return Verdict(Status.OK, 1.0 if passed else share, rationale=reason)
    return Verdict(Status.OK, passed, rationale=reason)


def _scale(options: PythonCodeOptions) -> Scale:
    return UNIT if options.partial else BINARY


def _start(ctx: RunContext, options: PythonCodeOptions) -> None:
    """Start the sandbox, so that a host without the isolation is refused at once."""
    _ = options.sandbox(ctx).isolation


def _in_sandbox(name: str) -> Callable[[Callable[..., Awaitable[Finding]]], SourceFactory]:
    return verifier(
        name=name,
        version=VERSION,
        options=PythonCodeOptions,
        scale=_scale,
        timeout_s=math.inf,  # the sandbox has limits, which waiting for it does not use up
        concurrency=_WAITING,
        check=_start,
    )


@_in_sandbox("python_code")
async def python_code(
    item: Item, response: Response, options: PythonCodeOptions, ctx: RunContext
) -> Finding:
    """The program of the response passes the tests of the item, in the sandbox."""
    return await _finding(verify, item, response, options, ctx)


@_in_sandbox("code_translation")
async def code_translation(
    item: Item, response: Response, options: PythonCodeOptions, ctx: RunContext
) -> Finding:
    """The program of the response gives the outputs of the item's program, in the sandbox."""
    return await _finding(verify_translation, item, response, options, ctx)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifiers."""
    return [python_code, code_translation]
