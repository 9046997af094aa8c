"""The tests of a program, as an item's reference gives them, and what is wrong with them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.plugin import Status

KINDS = ("tests", "stdin", "check", "asserts", "pytest")
_VALUES = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.List, ast.Tuple, ast.Set, ast.Dict)
_OPTIONS = frozenset({"tolerance", "timeout_s", "memory_mb", "output_mb", "partial"})
"""Options of the verifier, which a reference may be thought to take."""
_LITERALS = {"expected_literal": "expected", "args_literal": "args"}


class TestsError(Exception):
    """The item's reference is not one of the kinds of tests, or has none."""

    def __init__(self, message: str, status: Status = Status.ERROR) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Tests:
    """The tests of one item.

    Args:
        kind: One of ``KINDS``.
        cases: Of ``tests`` and ``stdin``.
        parts: Test code of the other kinds; each passes or fails by itself.
        entry_point: Name of the function under test, or an empty text.
        setup: Code that runs before the tests.
        prompt: Code that the program continues.
        module: Name under which pytest files import the program.
    """

    kind: str
    cases: tuple[Mapping[str, Any], ...] = ()
    parts: tuple[str, ...] = ()
    entry_point: str = ""
    setup: str = ""
    prompt: str = ""
    module: str = ""


def tests_of(reference: Any) -> Tests:
    """Read the reference of an item.

    Raises:
        TestsError: It has no tests (an abstention), or they are malformed.
    """
    if reference is None or reference in ("", {}, []):
        raise TestsError("no reference, so no tests", Status.ABSTAINED)
    kinds = [kind for kind in KINDS if isinstance(reference, Mapping) and kind in reference]
    if len(kinds) != 1:
        raise TestsError(f"the reference needs exactly one of {', '.join(KINDS)}")
    kind, given = kinds[0], reference[kinds[0]]
    _no_options("the reference", reference)
    if not given or (isinstance(given, str) and not given.strip()):
        raise TestsError(f"{kind} is empty, so no tests", Status.ABSTAINED)
    entry_point = _text(reference, "entry_point")
    setup, prompt = _text(reference, "setup"), _text(reference, "prompt")
    if kind in ("tests", "stdin"):
        cases = tuple(_case(kind, place, case) for place, case in enumerate(_list(kind, given)))
        if kind == "tests" and not entry_point:
            raise TestsError("tests need an entry_point, the name of the function to call")
        if kind == "tests" and not entry_point.isidentifier():
            hint = "give asserts, such as assert Solution().add(1, 2) == 3"
            raise TestsError(f"entry_point {entry_point!r:.60} is no name of a function; {hint}")
        return Tests(kind, cases, entry_point=entry_point)
    parts = _parts(kind, given)
    tree = _checked(kind, parts)
    if kind == "check":
        parts = _checking(parts[0], tree, entry_point)
    module = _text(reference, "module") or "solution"
    return Tests(kind, (), parts, entry_point, setup, prompt, module if kind == "pytest" else "")


def _no_options(where: str, given: Mapping[str, Any]) -> None:
    if wrong := sorted(_OPTIONS & {*map(str, given)}):
        raise TestsError(
            f"{where} has {wrong[0]}, which is an option of the verifier: give it there"
        )


def _text(reference: Mapping[str, Any], key: str) -> str:
    value = reference.get(key)
    if isinstance(value, list | tuple) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    if value is None or isinstance(value, str):
        return value or ""
    raise TestsError(f"{key} is {type(value).__name__}, not text")


def _list(kind: str, given: Any) -> Sequence[Any]:
    if isinstance(given, Sequence) and not isinstance(given, str | bytes):
        return given
    form = (
        '{"input": text, "output": text}'
        if kind == "stdin"
        else '{"args": [...], "expected": value}'
    )
    raise TestsError(f"{kind} is {_named(given)}, not a list of {form}")


def _named(value: Any) -> str:
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return "an object" if isinstance(value, Mapping) else f"{value!r:.40}"


def _case(kind: str, place: int, case: Any) -> dict[str, Any]:
    """Return one test, with what is written as Python in the place of what JSON can say."""
    if not isinstance(case, Mapping):
        raise TestsError(f"{kind}[{place}] is {_named(case)}, not an object")
    _no_options(f"{kind}[{place}]", case)
    found: dict[str, Any] = {**case}
    for written, key in _LITERALS.items():
        if kind != "tests" or written not in found:
            continue
        if key in found:
            raise TestsError(f"{kind}[{place}] has both {key} and {written}")
        try:
            found |= {key: ast.literal_eval(found.pop(written)), "exact": True}
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
            reason = f"{kind}[{place}].{written} is no Python value: {error}"
            raise TestsError(reason[:300]) from error
    if kind == "tests":
        _call(f"{kind}[{place}]", found)
    return found


def _call(where: str, case: Mapping[str, Any]) -> None:
    """Refuse what is no call of a function, or has not exactly one thing to expect."""
    args, kwargs = case.get("args", ()), case.get("kwargs", {})
    if not isinstance(args, list | tuple):
        raise TestsError(f"{where}.args is {_named(args)}, not a list")
    if not isinstance(kwargs, Mapping) or not all(isinstance(key, str) for key in kwargs):
        raise TestsError(f"{where}.kwargs is {_named(kwargs)}, not an object")
    if ("expected" in case) == ("raises" in case):
        keys = ", ".join(map(str, case)) or "nothing"
        raise TestsError(f"{where} needs expected or raises, one of them; it has {keys}")
    if "raises" in case and (not isinstance(case["raises"], str) or not case["raises"].strip()):
        raise TestsError(f"{where}.raises is {_named(case['raises'])}, not the name of a class")


def _parts(kind: str, given: Any) -> tuple[str, ...]:
    parts = (given,) if isinstance(given, str) else given
    if not isinstance(parts, Sequence) or (kind != "asserts" and len(parts) != 1):
        raise TestsError(f"{kind} is {_named(given)}, not text")
    for place, part in enumerate(parts):
        if not isinstance(part, str):
            raise TestsError(f"{kind}[{place}] is {_named(part)}, not a text of Python code")
    return tuple(parts)


def _checked(kind: str, parts: Sequence[str]) -> Sequence[ast.AST]:
    """Return all that test code consists of.

    Raises:
        TestsError: It tests nothing, or only seems to.
    """
    nodes: list[ast.AST] = []
    for place, part in enumerate(parts):
        try:
            tree = ast.parse(part)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise TestsError(f"the tests do not compile: {kind}[{place}]: {error}") from error
        for node in tree.body:
            if isinstance(node, ast.Expr) and isinstance(node.value, _VALUES):
                said = ast.unparse(node)[:60]
                if isinstance(node.value, ast.List):
                    raise TestsError(f"{kind} is a list within a text; give the list: {said}")
                raise TestsError(f"{kind}[{place}] asserts nothing: write assert {said}")
        nodes += ast.walk(tree)
    for each in nodes:
        if isinstance(each, ast.Assert) and isinstance(each.test, ast.Tuple) and each.test.elts:
            said = ast.unparse(each)[:60]
            raise TestsError(f"{kind}: a tuple is always true: {said}; leave out the brackets")
    if kind == "pytest":
        if not any(isinstance(node, _FUNCTIONS) and node.name.startswith("test") for node in nodes):
            raise TestsError("pytest has no test function, so no tests", Status.ABSTAINED)
    elif not any(isinstance(node, ast.Assert | ast.Raise | ast.Call) for node in nodes):
        raise TestsError(f"{kind} asserts nothing, so no tests", Status.ABSTAINED)
    return nodes


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _checking(check: str, nodes: Sequence[ast.AST], entry_point: str) -> tuple[str, ...]:
    """Return the part that calls a ``check``."""
    found = [node for node in nodes if isinstance(node, _FUNCTIONS) and node.name == "check"]
    if not found:
        raise TestsError("check defines no function check(candidate); see asserts for statements")
    if not entry_point and found[-1].args.args:
        raise TestsError("check needs an entry_point, the name of the function to check")
    return (f"{check}\ncheck({entry_point})\n",)
