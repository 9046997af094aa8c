"""What a piece of test code takes from the program, and what it must not take from it.

A name that the tests use and that neither they nor their context define is the program's, but for
these: builtins; modules of the standard library (the tests get the real one); and what can hardly
be meant, such as ``isclose`` or ``np``, which a program would define in its own favour.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import symtable
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from harness.sandbox.guest.test_builtins import like_builtins
from harness.sandbox.guest.test_flow import Flow

# Whoever uses one of these without importing it means the library's.
_LIBRARIES = (
    "bisect cmath collections copy datetime decimal fractions functools heapq itertools json math"
    " operator random re statistics string typing unittest"
).split()
OTHERS = frozenset(
    "approx raises fixture mark warns allclose array isclose assert_allclose assert_array_equal"
    " assert_almost_equal assert_array_almost_equal assert_frame_equal DataFrame Series".split()
)
# With these, tests look at their own process where the program is in another.
SEAMS = frozenset(
    "capsys capsysbinary capfd capfdbinary capture_output caplog monkeypatch mock mocker patch"
    " MagicMock Mock redirect_stdout redirect_stderr stdout stdin environ seed getcontext"
    " localcontext warns catch_warnings assertWarns assertLogs setrecursionlimit tmp_path tmpdir"
    " tmp_path_factory NamedTemporaryFile TemporaryDirectory mkdtemp mkstemp signature getsource"
    " getfullargspec get_type_hints isgeneratorfunction iscoroutinefunction GeneratorType asdict"
    " astuple is_dataclass FrozenInstanceError cache_info cache_clear reload __doc__"
    " __annotations__ __defaults__ __code__ __dict__".split()
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What tests use.

    Args:
        names: Names to take from the program.
        libraries: Names that are modules of the standard library.
        doubtful: Those of ``names`` with which a program could decide its own tests: a library's
            names, and functions that judge what another function of the program has returned.
        computes: Whether what is expected depends on variables, which could be arguments.
        by_reference: Why copies of what the program returns or is given will not do; or empty.
        seams: What they use that only works in the program's own process.
        alike: Those of ``names`` that are builtins' too, with the names that must not be the
            program's beside them.
    """

    names: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    computes: bool = False
    by_reference: str = ""
    seams: frozenset[str] = frozenset()
    alike: Mapping[str, frozenset[str]] = field(default_factory=dict)


def taken(
    parts: Collection[str],
    defined: Collection[str] = (),
    call: str = "",
    *,
    context: str = "",
    module: str = "",
) -> Taken:
    """Look through test code.

    Args:
        parts: Its pieces, which share their names.
        defined: Names that are there already, from the context.
        call: Name that is the program's in any case.
        context: Other test code, which runs before.
        module: Name under which they import the program.

    Raises:
        SyntaxError: A piece does not compile.
    """
    used: set[str] = set()
    bound: set[str] = set(defined)
    for source in parts:
        top = symtable.symtable(source, "tests.py", "exec")
        for scope in _scopes(top):
            for symbol in scope.get_symbols():
                if symbol.is_global() or scope is top:
                    if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                        bound.add(symbol.get_name())
                    elif symbol.is_referenced():
                        used.add(symbol.get_name())
    nodes = [node for source in parts for node in ast.walk(ast.parse(source))]
    called = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    bases = [n.value for n in nodes if isinstance(n, ast.Attribute)]
    subjects = {base.id for base in bases if isinstance(base, ast.Name)}
    free = {n for n in used - bound if not n.startswith("__")}
    names = {n for n in free if not hasattr(builtins, n)}
    libraries = {n for n in names - called - {call} if n in subjects and is_library(n)}
    names = names - libraries | ({call} if call else set())
    alike: Mapping[str, frozenset[str]] = {}
    imported = {name for node in nodes for name in _imports(node, module)}
    if not module or _imports_all(nodes, module):
        whole = [*nodes, *ast.walk(ast.parse(context))]
        alike = like_builtins(whole, free, (names | imported) - {call}, call)
    doubtful = _doubtful(names, subjects) if len(names) > 1 else set()
    names |= alike.keys()
    flow = Flow(nodes, names | imported)
    doubtful |= flow.judges() if len(names) > 1 else set()
    return Taken(
        frozenset(names),
        frozenset(libraries),
        frozenset(doubtful & names - {call}),
        flow.computes(),
        flow.by_reference(),
        frozenset(_words(nodes) & SEAMS),
        alike,
    )


def helpers_of(context: str) -> Taken:
    """Look through code that runs before the tests, such as their helpers and data.

    A function of the program that a helper calls could decide the tests.
    """
    uses = taken([context])
    return replace(uses, doubtful=frozenset(n for n in uses.names if not is_class_name(n)))


def is_library(name: str) -> bool:
    """Tell whether a name is a module of the standard library that can be imported here."""
    if name not in sys.stdlib_module_names:
        return False
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def is_class_name(name: str) -> bool:
    """Tell whether tests that use this name mean a class: CapWords, as in PEP 8."""
    return name[:1].isupper() and "_" not in name


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    names = {alias.name.split(".")[0] for alias in node.names}
    module = node.module if isinstance(node, ast.ImportFrom) else None
    return names | ({module.split(".")[0]} if module else set())


def _imports(node: ast.AST, module: str) -> Iterator[str]:
    """Yield the names under which tests have imported a module or what is in it."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        from_it = isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names:
            if alias.name != "*" and (from_it or alias.name == module):
                yield alias.asname or alias.name


def _imports_all(nodes: list[ast.AST], module: str) -> bool:
    stars = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == module]
    return any(alias.name == "*" for node in stars for alias in node.names)


def _words(nodes: list[ast.AST]) -> set[str]:
    """Return every name, parameter, attribute and imported name."""
    words: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.arg):
            words.add(node.arg)
        elif isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            words |= _imported(node)
    return words


def _doubtful(names: set[str], subjects: set[str]) -> set[str]:
    lower = {n for n in subjects if not is_class_name(n)}
    return {n for n in names if n in _exported() or n in lower or n.lower().startswith("assert")}


@cache
def _exported() -> frozenset[str]:
    found: set[Any] = set(OTHERS)
    for name in _LIBRARIES:
        public = (n for n in dir(importlib.import_module(name)) if not n.startswith("_"))
        found |= {n for n in public if n != n.upper()}  # not re.A, which is nobody's
    return frozenset(found)


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _scopes(child)
