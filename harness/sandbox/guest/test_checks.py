"""Which statements of test code can fail because of the program, and whether one was reached.

Tests that pass without one of them have decided nothing: ``assert True``, an assertion in a loop
that never runs, a function that nobody calls. When in doubt, a statement counts.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from harness.sandbox.guest.test_names import SEAMS
from harness.sandbox.guest.test_spread import FUNCTIONS, imported, names_in, spread, words_of

REACHED = "_a_check_is_reached_"
"""Name of the function that marked code calls; it returns False."""

# With these, what tests look at cannot be told from their names.
_DYNAMIC = SEAMS | {
    *("exec", "eval", "compile", "doctest", "run_docstring_examples", "testmod", "globals"),
    *("__import__", "import_module", "runpy", "locals", "vars", "subprocess", "setattr"),
}
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
        words = {word for node in nodes for word in names_in(node)}
        self._all = bool(words & _DYNAMIC)
        self.own = {node.name for node in nodes if isinstance(node, FUNCTIONS)}
        self._tainted = spread(nodes, {*names, *imported(nodes, module)})

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
            if isinstance(node, ast.Assert) and self.involves(node.test):
                found[id(node)] = node
            elif isinstance(node, _SIMPLE) and self.involves(node) and self._fails(node):
                found[id(node)] = node
            elif isinstance(node, ast.If | ast.While) and self.involves(node.test):
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
        return {id(node): node for node in simple if self.involves(node)}

    def _fails(self, node: ast.AST) -> bool:
        """Tell whether a statement calls what can fail by its name, and is not defined here."""
        return any(
            isinstance(inner, ast.Call)
            and any(
                word in name.lower() and name not in self.own
                for name in names_in(inner.func)
                for word in _FAILING
            )
            for inner in ast.walk(node)
        )

    def _stops(self, node: ast.AST) -> bool:
        """Tell whether this ends a test as failed."""
        if isinstance(node, ast.Call):
            return self._fails(node) or not _EXITS.isdisjoint(names_in(node.func))
        return isinstance(node, ast.Assert | ast.Raise)

    def involves(self, node: ast.AST) -> bool:
        """Tell whether something may have to do with the program."""
        return self._all or not self._tainted.isdisjoint(words_of([node]))


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
