"""Verifiers of programs, in the sandbox.

``python_code``: the program of the response passes the tests of the item. ``code_translation``: it
gives the same outputs as another program on the same inputs.
"""

from __future__ import annotations

import ast
import math
import os
import re
import sys
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from importlib.machinery import PathFinder
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.plugin import (
    BINARY,
    UNIT,
    ConfigError,
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
    names_tested,
    program_defining,
    program_reading,
    tests_decide,
    verifier,
)
from harness_plugins.program_tests import Tests, TestsError, tests_of

VERSION = "6"
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
            extra_paths=[os.path.abspath(path) for path in self.import_paths],
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


async def verify(
    item: Item, response: Response, sandbox: Sandbox, options: PythonCodeOptions
) -> SandboxResult:
    """Run the program of one response against the tests of its item.

    Raises:
        TestsError: The item has no tests, or they are malformed.
    """
    tests = tests_of(item.reference)
    limits = options.limits(sandbox)
    _decides(tests)
    code = program_of(response.text, tests)
    try:
        if tests.kind == "pytest":
            return await sandbox.run_pytest(
                code, tests.parts[0], module=tests.module, limits=limits
            )
        if tests.kind == "tests":
            return await sandbox.run_functions(
                code, tests.entry_point, tests.cases, limits=limits, tolerance=options.tolerance
            )
        if tests.kind == "stdin":
            return await sandbox.run_stdio(
                code, tests.cases, limits=limits, tolerance=options.tolerance
            )
    except (KeyError, TypeError) as error:
        raise TestsError(f"malformed tests: {type(error).__name__} {error}") from error
    if tests.kind == "check":
        code = completed(tests.prompt, code, tests.entry_point)
    code = _imports(tests.setup) + code
    context = _context(tests)
    result = await sandbox.run_tests(
        code, tests.parts, entry_point=tests.entry_point, context=context, limits=limits
    )
    if result.outcome == "unsupported" and options.allow_forgeable:
        return await sandbox.run_inside(code, "\n".join([context, *tests.parts]), limits=limits)
    return result


def program_of(text: str, tests: Tests) -> str:
    """Return the program that a response offers to the tests; see docs/verifiers.md."""
    if tests.kind == "stdin":
        return program_reading(text, any(case.get("input") for case in tests.cases))
    names = _names(tests)

    def continues(code: str) -> bool:
        return _compiles(completed(tests.prompt, code, tests.entry_point))

    if tests.kind == "check" and tests.prompt:
        return program_defining(text, names, before=_whole(tests.prompt), continues=continues)
    return program_defining(text, names, before=_imports(tests.setup))


def _names(tests: Tests) -> frozenset[str]:
    """Return what tests take from the program."""
    names = frozenset({tests.entry_point} if tests.entry_point else ())
    if tests.kind in ("asserts", "pytest"):
        names |= names_tested(tests.parts, _context(tests), tests.module)
    return names


def _context(tests: Tests) -> str:
    return tests.setup or _whole(tests.prompt)


def _decides(tests: Tests) -> None:
    """Refuse tests that no program could fail.

    Raises:
        TestsError: They do not look at the program.
    """
    if tests.parts and not tests_decide(tests.parts, _names(tests), _context(tests), tests.module):
        reason = f"{tests.kind}: no assertion involves the program, so no tests"
        raise TestsError(reason, Status.ABSTAINED)


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
    return prompt if _compiles(prompt) else f"{prompt}\n    pass\n"


def _compiles(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "prompt", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def completed(prompt: str, code: str, entry_point: str) -> str:
    """Return a whole program for a task whose prompt is the head of a function.

    Code that does not define the function continues the prompt. Code that does is put after it, so
    that the prompt's imports and helpers are there.
    """
    if not prompt:
        return code
    name = re.escape(entry_point)
    defines = rf"^(?:(?:async\s+def|def|class)\s+{name}\b|{name}[ \t]*+(?::[^=\n]*+)?=[^=])"
    if code.lstrip("\n")[:1] in (" ", "\t") or not re.search(defines, code, re.MULTILINE):
        return prompt + code
    head = f"{prompt}\n    pass\n\n"
    return head + code if _compiles(head) else code


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
    original = reference["original"]
    entry_point = reference.get("entry_point", "")
    inputs, calls = reference.get("inputs", ()), reference.get("calls", ())
    if not (calls if entry_point else inputs):
        raise TestsError("the reference needs inputs, or an entry_point and its calls")
    if entry_point:
        code = program_defining(response.text, {entry_point})
    else:
        code = program_reading(response.text, any(inputs))
    run, values = await sandbox.observe(
        original, inputs=inputs, entry_point=entry_point, calls=calls, limits=limits
    )
    if run.outcome == "error":
        return run
    if run.outcome != "pass":
        reason = f"the original program does not work: {run.outcome} {run.detail}"
        raise TestsError(reason + _way_in(run.detail, tell=True))
    if entry_point:
        tests = [
            {"args": c, "expected": v, "exact": True} for c, v in zip(calls, values, strict=True)
        ]
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
        return Verdict(Status.ERROR, rationale=reason + _way_in(result.detail, tell=True))
    if result.outcome == "unsupported":
        what = "decide" if result.integrity == "isolated-oracle" else "be isolated"
        return Verdict(Status.ABSTAINED, rationale=f"tests cannot {what}: {result.detail}")
    if result.outcome == "undecided":
        return Verdict(Status.ABSTAINED, rationale=f"the tests decide nothing: {result.detail}")
    passed = result.outcome == "pass"
    decides = passed or (options.partial and result.passed > 0)
    if result.integrity == "in-process" and not options.allow_forgeable and decides:
        reason = f"the program could have forged this: {reason}"
        return Verdict(Status.ABSTAINED, rationale=reason)
    reason = f"{reason} ({result.passed}/{result.total} tests){_way_in(result.detail)}"
    if options.partial:
        share = result.passed / result.total if result.total else 0.0
        return Verdict(Status.OK, 1.0 if passed else share, rationale=reason)
    return Verdict(Status.OK, passed, rationale=reason)


def _way_in(detail: str, tell: bool = False) -> str:
    """Return how a package that was not there reaches the sandbox, or an empty text.

    Args:
        detail: What went wrong.
        tell: Whether it was the tests that said so, and may be told where it is on this machine.
    """
    _, found, rest = detail.partition("No module named '")
    name = rest.partition("'")[0].partition(".")[0]
    if not found or not name.isidentifier() or name in sys.stdlib_module_names:
        return ""
    spec = PathFinder.find_spec(name) if tell else None
    way = "; packages reach the sandbox by the option import_paths, a list of folders"
    if spec is None or spec.origin is None:
        return way
    place = Path(spec.origin).parents[1 if spec.submodule_search_locations else 0]
    return f"{way}: {name} is in {place}"


def _scale(options: PythonCodeOptions) -> Scale:
    return UNIT if options.partial else BINARY


def _start(ctx: RunContext, options: PythonCodeOptions) -> None:
    """Look for what is to be imported, and start the sandbox: it may not be there at all."""
    for path in options.import_paths:
        if not os.path.isdir(path):
            raise ConfigError(f"there is no folder {path!r}", where="import_paths")
    for name in options.preimport:
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or PathFinder.find_spec(top, [*options.import_paths]):
            continue
        hint = "give the folder that it is in: import_paths: [FOLDER]"
        raise ConfigError(f"no module {name!r} in import_paths", where="preimport", hint=hint)
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
