"""Where in test code the program's values go: what is expected of them, and who judges them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

# Methods that change a list, a set or a dictionary, and that other objects rarely have.
_CHANGING = frozenset(
    "append extend insert remove clear sort reverse discard setdefault popitem appendleft".split()
)

_PLACES = (ast.Name, ast.Attribute)


class Flow:
    """Follows the program's values through test code, all scopes taken together.

    Args:
        nodes: Every node of the code.
        names: Names that are the program's.
    """

    def __init__(self, nodes: list[ast.AST], names: set[str]) -> None:
        self._nodes = nodes
        self._names = names
        self._given: dict[str, list[ast.AST]] = {}
        self._meant: dict[str, list[ast.AST]] = {}  # not what was put into something
        for node in nodes:
            for target, value in _assignments(node):
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        self._given.setdefault(part.id, []).append(value)
                    if isinstance(part, _PLACES) and isinstance(part.ctx, ast.Store):
                        self._meant.setdefault(ast.unparse(part), []).append(value)
        self._follow_calls()
        self._tainted = set(names)
        before = 0
        while before != len(self._tainted):
            before = len(self._tainted)
            self._tainted |= {
                name for name, values in self._given.items() if any(map(self._from_program, values))
            }

    def _follow_calls(self) -> None:
        """A parameter is what a function is called with; its name is what it returns."""
        parameters: dict[str, list[str]] = {}
        for node in self._nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                parameters.setdefault(node.name, []).extend(a.arg for a in every)
                self._given.setdefault(node.name, []).extend(node.body)
        for node in self._nodes:
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                for parameter in parameters.get(name, ()):
                    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
                    self._given.setdefault(parameter, []).extend(arguments)

    def judges(self) -> set[str]:
        """Return functions of the program whose answer is a verdict on another of its values."""
        found: set[str] = set()
        for node in self._nodes:
            if isinstance(node, ast.Assert | ast.If | ast.While | ast.IfExp):
                found |= self._judging(node.test, isinstance(node, ast.Assert))
            elif isinstance(node, ast.Expr):
                found |= self._judging(node.value)
            elif isinstance(node, ast.Call) and _is_assertion(node.func):
                for argument in node.args:
                    found |= self._judging(argument)
                found |= self._on_both_sides(node.args)
            elif isinstance(node, ast.Compare):
                found |= self._on_both_sides([node.left, *node.comparators])
        return found

    def computes(self) -> bool:
        """Tell whether a value of the program is compared with what depends on variables."""
        for node in self._nodes:
            operands: list[ast.expr] = []
            if isinstance(node, ast.Compare):
                operands = [node.left, *node.comparators]
            elif isinstance(node, ast.Call) and _is_assertion(node.func):
                operands = node.args
            if any(map(self._from_program, operands)) and any(map(self._varies, operands)):
                return True
        return False

    def by_reference(self) -> str:
        """Say which objects, rather than values, the tests look at; empty if none.

        What crosses is a copy: it is the same as nothing, and a change of it changes nothing else.
        """
        handed: dict[str, tuple[int, int]] = {}
        for node in self._nodes:
            if isinstance(node, ast.Call) and self._from_program(node.func):
                for argument in node.args:
                    if isinstance(argument, ast.Name):
                        place = (node.lineno, node.col_offset)
                        handed[argument.id] = min(handed.get(argument.id, place), place)
        for node in self._nodes:
            if isinstance(node, ast.Compare):
                operands = [node.left, *node.comparators]
                same = any(isinstance(o, ast.Is | ast.IsNot) for o in node.ops)
                if same and not any(isinstance(o, ast.Constant) for o in operands):
                    if any(map(self._from_program, operands)):
                        return "the tests compare the identity of objects of the program"
            for changed in _changed(node):
                place = (changed.lineno, changed.col_offset)
                if isinstance(changed, ast.Name) and handed.get(changed.id, place) < place:
                    return f"the tests change {changed.id} after the program was given it"
                if self._is_returned(changed):
                    return "the tests change what the program has returned"
        return ""

    def _is_returned(self, node: ast.AST, depth: int = 8) -> bool:
        """Tell whether this is a value that the program returned, or a part of one.

        Not what the tests have made of it, as by ``sorted``; nor an object made from a class.
        """
        meant = self._meant.get(ast.unparse(node)) if isinstance(node, _PLACES) else None
        if meant is not None:
            return depth > 0 and any(self._is_returned(value, depth - 1) for value in meant)
        if isinstance(node, ast.Subscript | ast.Starred):
            return self._is_returned(node.value, depth)
        if isinstance(node, ast.Attribute):
            return self._is_object(node.value, depth)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return node.func.id in self._names and not node.func.id[:1].isupper()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return self._is_object(node.func.value, depth)
        return False

    def _is_object(self, node: ast.AST, depth: int) -> bool:
        """Tell whether this is the program's, or an object made from a class of it."""
        if isinstance(node, ast.Name) and node.id in self._names:
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return node.func.id in self._names
        meant = self._meant.get(ast.unparse(node), []) if isinstance(node, _PLACES) else []
        if depth > 0 and any(self._is_object(value, depth - 1) for value in meant):
            return True
        return self._is_returned(node, depth - 1) if depth > 0 else False

    def _on_both_sides(self, operands: list[ast.expr]) -> set[str]:
        """Return functions that are given what another one returned, and what it should be."""
        calls = [
            {
                n.func.id: any(map(self._from_program, n.args))
                for n in ast.walk(operand)
                if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
            }
            for operand in operands
        ]
        return {
            name
            for name in self._names
            if sum(name in side for side in calls) > 1 and any(side.get(name) for side in calls)
        }

    def _from_program(self, node: ast.AST) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self._tainted for n in ast.walk(node))

    def _varies(self, node: ast.AST) -> bool:
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        return not names & self._tainted and any(not hasattr(builtins, name) for name in names)

    def _judging(self, test: ast.expr, follow: bool = True) -> set[str]:
        if isinstance(test, ast.UnaryOp):
            return self._judging(test.operand, follow)
        if isinstance(test, ast.BoolOp):
            return set[str]().union(*(self._judging(value, follow) for value in test.values))
        if isinstance(test, ast.Name) and follow:
            values = self._given.get(test.id, [])
            calls = (value for value in values if isinstance(value, ast.expr))
            return set[str]().union(*(self._judging(call, False) for call in calls))
        if isinstance(test, ast.GeneratorExp | ast.ListComp | ast.SetComp):
            return self._judging(test.elt, follow)
        if not isinstance(test, ast.Call) or not isinstance(test.func, ast.Name):
            return set()
        arguments = [*test.args, *(keyword.value for keyword in test.keywords)]
        name = test.func.id
        if name in self._names and any(map(self._from_program, arguments)):
            return {name}
        if hasattr(builtins, name):  # all(...), any(map(judge, ...)), not sum(...)
            passed = {n.id for n in arguments if isinstance(n, ast.Name)} & self._names
            found = passed if name in ("map", "filter") and len(arguments) > 1 else set()
            if any(map(self._from_program, arguments[1:])) or name not in ("map", "filter"):
                return found.union(*(self._judging(a, follow) for a in arguments))
        return set()


def _assignments(node: ast.AST) -> Iterator[tuple[ast.AST, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield node.target, node.iter
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield node.optional_vars, node.context_expr


def _changed(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what a statement changes in place."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = node.targets
    elif isinstance(node, ast.AugAssign):
        targets = [node.target]
    yield from (target.value for target in targets if isinstance(target, ast.Subscript))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in _CHANGING:
            yield node.func.value


def _is_assertion(function: ast.expr) -> bool:
    name = getattr(function, "attr", getattr(function, "id", ""))
    return isinstance(name, str) and name.lower().startswith("assert")
