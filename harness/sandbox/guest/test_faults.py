"""Which exceptions of tests are a fault of their own: those that no program could have kept away.

A program must not be able to make its own failure look like one. So this goes by what the tests
are, and by nothing that the program says or does:

- they import what is not there;
- they use a name that nobody defines, and that could not be the program's: with a value of it, or
  a function of a library, it would decide what is expected of itself;
- or they fail before they have come to anything that involves the program.

When in doubt, the exception is not theirs.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import Any

from harness.sandbox.guest.test_checks import Checks
from harness.sandbox.guest.test_flow import Flow
from harness.sandbox.guest.test_names import OTHERS, is_class_name
from harness.sandbox.guest.test_spread import FUNCTIONS, spread, words_of

_DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")
_SIMPLE = (ast.Assert, ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)
# Builtins whose arguments are data; what others are given may be a function of the program.
_OF_DATA = frozenset(
    "abs all any bool bytes dict divmod enumerate float frozenset int len list max min pow range"
    " repr reversed round set sorted str sum tuple zip".split()
)

Position = tuple[int, int]
"""Line and column of what was running."""
Frame = tuple[types.CodeType, Position]


class Faults:
    """The faults of some test code.

    Args:
        pieces: Its marked pieces by the names of their files, in the order in which they run.
        checks: Tells what in them involves the program.
        names: Names that nobody but the program could define.
        call: Of these, the one that is the program's in any case.
        module: Name under which they import the program, from which alone they take names then.
    """

    def __init__(
        self,
        pieces: Mapping[str, str],
        checks: Checks,
        names: Collection[str],
        call: str = "",
        module: str = "",
    ) -> None:
        self._pieces = pieces
        self._checks = checks
        self._names = names
        self._call = call
        self._module = module

    def told(self, error: BaseException, asked: bool) -> str:
        """Return an exception in one line if it is the fault of the tests, or else an empty text.

        Args:
            error: What came out of them, and was not raised by the program.
            asked: Whether the program has been asked anything.
        """
        said = f"{type(error).__name__}: {error}"
        frames = list(_frames(error.__traceback__))
        own = [(code, at) for code, at in frames if code.co_filename in self._pieces]
        missing = getattr(error, "argname", None)
        if type(error).__name__ == "FixtureLookupError" and self._asks_for(missing):
            return f"fixture {missing!r} not found"
        if not own or not self._are_theirs(error, frames, own, asked):
            return ""
        code, (line, _) = own[-1]
        where = "" if self._module else f" of {code.co_filename}"
        return f"{said[:200]} (line {line}{where})".replace("\n", " ")

    def _are_theirs(
        self, error: BaseException, frames: list[Frame], own: list[Frame], asked: bool
    ) -> bool:
        if isinstance(error, NameError) and frames[-1] == own[-1]:
            if error.name in self._never_the_programs:
                return True
        if isinstance(error, ModuleNotFoundError) or _lacks_a_name(error):
            if self._imports(*own[-1]):
                return True
        if asked or own[0][0].co_name != "<module>":
            return False
        *outer, (code, at) = own
        return self._stands_before(code, at, self._is_free) and all(
            self._stands_before(*frame, self._only_calls) for frame in outer
        )

    def _asks_for(self, fixture: object) -> bool:
        """Tell whether the tests ask for a fixture by the name of a parameter, which is fixed."""
        given = {node.arg for node in self._nodes if isinstance(node, ast.arg)}
        return fixture in given and "getfixturevalue" not in words_of(self._nodes)

    @cached_property
    def _trees(self) -> dict[str, ast.Module]:
        return {name: ast.parse(source) for name, source in self._pieces.items()}

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        return [node for tree in self._trees.values() for node in ast.walk(tree)]

    @cached_property
    def _never_the_programs(self) -> set[str]:
        """Names that are missing from the tests, whatever the program defines."""
        if self._module:
            stars = [node for node in self._nodes if isinstance(node, ast.ImportFrom)]
            if not any(alias.name == "*" for node in stars for alias in node.names):
                return set(self._names)
        names = set(self._names)
        calls = [node for node in self._nodes if isinstance(node, ast.Call)]
        asked = {n.func.id for n in calls if isinstance(n.func, ast.Name)} & names
        asked |= {n for n in names if self._is_class(n)} | {self._call} - {""}
        judges = Flow(self._nodes, names).judges() if self._call else set[str]()
        theirs = spread(self._nodes, set(asked))
        return {
            name
            for name in names - {self._call}
            if name in OTHERS | judges
            or not (name in asked or self._is_handed_on(name, calls, theirs))
            if self._meet(name, asked - {name})
        }

    def _is_class(self, name: str) -> bool:
        """Tell whether a name is one of a class: not that of a constant, as LIMIT is."""
        bases = [node.value for node in self._nodes if isinstance(node, ast.Attribute)]
        constant = name.isupper() and len(name) > 1
        asked = any(isinstance(base, ast.Name) and base.id == name for base in bases)
        return is_class_name(name) and (asked or not constant)

    def _is_handed_on(self, name: str, calls: Collection[ast.Call], theirs: set[str]) -> bool:
        """Tell whether something else than the program gets a name, which may be a function."""
        for call in calls:
            keywords = [keyword.value for keyword in call.keywords]
            given = [n.value if isinstance(n, ast.Starred) else n for n in (*call.args, *keywords)]
            if not any(isinstance(n, ast.Name) and n.id == name for n in given):
                continue
            said = getattr(call.func, "attr", getattr(call.func, "id", ""))
            data = said in _OF_DATA and not call.keywords
            data = data or (said.lower().startswith("assert") and "Raises" not in said)
            if not data and theirs.isdisjoint(words_of([call.func])):
                return True
        return False

    def _meet(self, name: str, others: Collection[str]) -> bool:
        """Tell whether what comes of a name stands beside what comes of others of the program."""
        if not others:
            return False
        ours, theirs = spread(self._nodes, {name}), spread(self._nodes, set(others))
        for node in self._nodes:
            part = getattr(node, "test", getattr(node, "iter", None))
            if isinstance(node, _SIMPLE) or part is not None:
                words = words_of([node if part is None else part])
                if not words.isdisjoint(ours) and not words.isdisjoint(theirs):
                    return True
        return False

    def _imports(self, code: types.CodeType, at: Position) -> bool:
        """Tell whether what was running is an import of something else than the program."""
        path = _path(self._trees[code.co_filename], at)
        last = path[-1] if path else None
        if isinstance(last, ast.ImportFrom):
            return not self._module or last.module != self._module
        return isinstance(last, ast.Import) and not any(
            alias.name == self._module for alias in last.names
        )

    def _stands_before(
        self, code: types.CodeType, at: Position, allowed: Callable[[ast.stmt], bool]
    ) -> bool:
        """Tell whether a frame runs what stands before all that involves the program."""
        path = _path(self._trees[code.co_filename], at)
        starts = [i + 1 for i, node in enumerate(path[:-1]) if isinstance(node, _DEFINITIONS)]
        start = starts[-1] if starts else 0
        if not path or any(map(self._checks.involves, path[start:-1])):
            return False
        owner: Any = path[start - 1] if start else self._trees[code.co_filename]
        before = owner.body[: owner.body.index(path[start])]
        if not start:
            names = list(self._pieces)
            for earlier in names[: names.index(code.co_filename)]:
                before += self._trees[earlier].body
        return not any(map(self._steers, before)) and allowed(path[-1])

    def _is_free(self, node: ast.stmt) -> bool:
        """Tell whether a statement has nothing to do with the program, but for a name it gives."""
        if isinstance(node, ast.Assign) and all(isinstance(n, ast.Name) for n in node.targets):
            return not self._checks.involves(node.value)
        return not self._checks.involves(node)

    def _only_calls(self, node: ast.stmt) -> bool:
        """Tell whether a statement is free, or does nothing but call a function of the tests."""
        if self._is_free(node):
            return True
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
            return False
        call = node.value
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        return (
            isinstance(call.func, ast.Name)
            and call.func.id in self._checks.own
            and all(isinstance(argument, ast.Name | ast.Constant) for argument in given)
        )

    def _steers(self, node: ast.stmt) -> bool:
        """Tell whether a statement could have made a difference by what the program is."""
        if isinstance(node, ast.ClassDef):
            return any(map(self._steers, node.body))
        if isinstance(node, (*FUNCTIONS, ast.Import, ast.ImportFrom)):
            return False
        return not self._is_free(node)


def _frames(trace: types.TracebackType | None) -> Iterator[Frame]:
    """Yield what an exception went through, the outermost first."""
    while trace is not None:
        code = trace.tb_frame.f_code
        line, _, column, _ = list(code.co_positions())[trace.tb_lasti // 2]
        yield code, (line or trace.tb_lineno, column or 0)
        trace = trace.tb_next


def _path(tree: ast.Module, at: Position) -> list[ast.stmt]:
    """Return the statements around a place, the outermost first."""
    path: list[ast.stmt] = []
    todo: list[ast.AST] = [tree]
    while todo:
        owner = todo.pop()
        for field in _BODIES:
            for node in getattr(owner, field, ()):
                if not isinstance(node, ast.stmt):
                    todo.append(node)  # a handler or a case, in whose body it may stand
                elif _holds(node, at):
                    path.append(node)
                    todo = [node]
                    break
    return path


def _holds(node: ast.stmt, at: Position) -> bool:
    end = node.end_lineno or node.lineno, node.end_col_offset or 0
    return (node.lineno, node.col_offset) <= at < end


def _lacks_a_name(error: BaseException) -> bool:
    return type(error) is ImportError and str(error).startswith("cannot import name")
