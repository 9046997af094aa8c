"""Which statements of test code can fail because of the program, and whether one was reached.

Tests that pass without one of them have decided nothing: ``assert True``, an assertion in a loop
that never runs, a function that nobody calls. When in doubt, a statement counts.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from harness.sandbox.guest.test_names import SEAMS

REACHED = "_a_check_is_reached_"
"""Name of the function that marked code calls; it returns False."""

# With these, what tests look at cannot be told from their names.
_DYNAMIC = SEAMS | {
    *("exec", "eval", "compile", "doctest", "run_docstring_examples", "testmod", "globals"),
    *("__import__", "import_module", "runpy", "locals", "vars", "subprocess", "setattr"),
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_HOLDING = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Name, ast.Attribute, ast.Subscript)
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)
_EXITS = frozenset({"exit", "_exit", "abort"})
_FAILING = ("assert", "fail", "raises", "expect", "check", "verify", "warns")


class Checks:
    """The checks in pieces of test code that share their names.

    Args:
        sources: The pieces.
        names: Names that are the program's.
        module: Name under which they import it.

    Raises:
        SyntaxError: A piece does not compile.
    """

    def __init__(self, sources: Sequence[str], names: Collection[str], module: str = "") -> None:
        self._trees = [ast.parse(source) for source in sources]
        self._sources = sources
        nodes = [node for tree in self._trees for node in ast.walk(tree)]
        words = {word for node in nodes for word in _names(node)}
        self._all = bool(words & _DYNAMIC)
        self._own = {node.name for node in nodes if isinstance(node, _FUNCTIONS)}
        self._tainted = _spread(nodes, {*names, *_imported(nodes, module)})

    def any(self) -> bool:
        """Tell whether there is a check at all."""
        return any(self._found(tree) for tree in self._trees)

    def marked(self) -> list[str]:
        """Return the pieces, each check with a call before it; lines keep their numbers."""
        return [
            _inserted(source, self._found(tree))
            for source, tree in zip(self._sources, self._trees, strict=True)
        ]

    def _found(self, tree: ast.Module) -> list[ast.stmt | ast.expr]:
        """Return simple statements, and conditions that raise."""
        found: dict[int, ast.stmt | ast.expr] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert) and self._is_tainted(node.test):
                found[id(node)] = node
            elif isinstance(node, _SIMPLE) and self._is_tainted(node) and self._fails(node):
                found[id(node)] = node
            elif isinstance(node, ast.If | ast.While) and self._is_tainted(node.test):
                if any(map(self._stops, _inner([*node.body, *node.orelse]))):
                    found[id(node)] = node.test
            elif isinstance(node, ast.With | ast.AsyncWith):
                if any(self._fails(item.context_expr) for item in node.items):
                    found |= self._asked(node.body)
            elif isinstance(node, ast.Try) and any(map(self._stops, _inner([node]))):
                found |= self._asked(node.body)
        return list(found.values())

    def _asked(self, body: Sequence[ast.stmt]) -> dict[int, ast.stmt | ast.expr]:
        simple = [node for node in _inner(body) if isinstance(node, _SIMPLE)]
        return {id(node): node for node in simple if self._is_tainted(node)}

    def _fails(self, node: ast.AST) -> bool:
        """Tell whether a statement calls what can fail by its name, and is not defined here."""
        return any(
            isinstance(inner, ast.Call)
            and any(
                word in name.lower() and name not in self._own
                for name in _names(inner.func)
                for word in _FAILING
            )
            for inner in ast.walk(node)
        )

    def _stops(self, node: ast.AST) -> bool:
        """Tell whether this ends a test as failed."""
        if isinstance(node, ast.Call):
            return self._fails(node) or not _EXITS.isdisjoint(_names(node.func))
        return isinstance(node, ast.Assert | ast.Raise)

    def _is_tainted(self, node: ast.AST) -> bool:
        return self._all or not self._tainted.isdisjoint(_words([node]))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.alias):
        yield from node.name.split(".")


def _imported(nodes: Sequence[ast.AST], module: str) -> Iterator[str]:
    """Yield the names under which the program and what it has are imported."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and module and node.module == module:
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import) and module:
            yield from (a.asname or a.name for a in node.names if a.name == module)


def _spread(nodes: Sequence[ast.AST], tainted: set[str]) -> set[str]:
    """Return all names that may have something of the program, all scopes taken together."""
    links: list[tuple[set[str], set[str]]] = []  # what the left has, the right may have
    parameters: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, _FUNCTIONS):
            every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            extra = [arg for arg in (node.args.vararg, node.args.kwarg) if arg]
            given = {arg.arg for arg in (*every, *extra)}
            parameters.setdefault(node.name, set()).update(given)
            links.append((_words(node.decorator_list), given))
    for node in nodes:
        links += _links(node, parameters)
    grown = True
    while grown:
        grown = False
        for left, right in links:
            if not right <= tainted and left & tainted:
                tainted |= right
                grown = True
    return tainted


def _links(node: ast.AST, parameters: dict[str, set[str]]) -> Iterator[tuple[set[str], set[str]]]:
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield _words(node.body), {node.name}
    elif isinstance(node, ast.Call):
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        passed = _words(arguments)
        yield (
            passed,
            parameters.get(getattr(node.func, "attr", getattr(node.func, "id", "")), set()),
        )
        yield _words([node.func]), _variables(arguments)  # sort(x)
        if isinstance(node.func, ast.Attribute):  # results.append(f(1))
            yield passed, _variables([node.func.value])
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield _words([node.value] if node.value else []), _words(targets)
        if isinstance(node.value, _HOLDING):  # what it holds may be changed in it
            yield _words(targets), _variables([node.value])
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield _words([node.iter]), _words([node.target])
    elif isinstance(node, ast.With | ast.AsyncWith):
        held = [item.optional_vars for item in node.items if item.optional_vars]
        yield _words([node]), _words(held)
    elif isinstance(node, ast.Try):
        yield _words(node.body), {handler.name for handler in node.handlers if handler.name}


def _words(nodes: Sequence[ast.AST]) -> set[str]:
    return {name for node in nodes for inner in ast.walk(node) for name in _names(inner)}


def _variables(nodes: Sequence[ast.AST]) -> set[str]:
    inner = (n for node in nodes for n in ast.walk(node))
    return {n.id for n in inner if isinstance(n, ast.Name)}


def _inner(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    for node in nodes:
        yield from ast.walk(node)


def _inserted(source: str, found: Sequence[ast.stmt | ast.expr]) -> str:
    """Return source with calls before statements, and before conditions within them."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    lines = [line.encode() for line in source.split("\n")]
    changes: list[tuple[int, int, bytes]] = []
    for node in found:
        start = (node.lineno, node.col_offset)
        if isinstance(node, ast.stmt):
            changes.append((*start, f"{REACHED}(); ".encode()))
        else:
            changes.append((*start, f"{REACHED}() or (".encode()))
            end = node.end_lineno or node.lineno, node.end_col_offset or 0
            changes.append((*end, b")"))
    for line, column, text in sorted(changes, reverse=True):
        old = lines[line - 1]
        lines[line - 1] = old[:column] + text + old[column:]
    return b"\n".join(lines).decode()
