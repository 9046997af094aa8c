"""What in test code may have something of the program, all scopes taken together."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_HOLDING = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Name, ast.Attribute, ast.Subscript)


def names_in(node: ast.AST) -> Iterator[str]:
    """Yield the names and attributes that one node holds itself."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.alias):
        yield from node.name.split(".")


def imported(nodes: Sequence[ast.AST], module: str) -> Iterator[str]:
    """Yield the names under which the program and what it has are imported."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and module and node.module == module:
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import) and module:
            yield from (a.asname or a.name for a in node.names if a.name == module)


def spread(nodes: Sequence[ast.AST], tainted: set[str]) -> set[str]:
    """Return all names that may have something of those in ``tainted``."""
    links: list[tuple[set[str], set[str]]] = []  # what the left has, the right may have
    parameters: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, FUNCTIONS):
            every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            extra = [arg for arg in (node.args.vararg, node.args.kwarg) if arg]
            given = {arg.arg for arg in (*every, *extra)}
            parameters.setdefault(node.name, set()).update(given)
            links.append((words_of(node.decorator_list), given))
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
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield words_of(node.body), {node.name}
    elif isinstance(node, ast.Call):
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        passed = words_of(arguments)
        yield (
            passed,
            parameters.get(getattr(node.func, "attr", getattr(node.func, "id", "")), set()),
        )
        yield words_of([node.func]), _variables(arguments)  # sort(x)
        if isinstance(node.func, ast.Attribute):  # results.append(f(1))
            yield passed, _variables([node.func.value])
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield words_of([node.value] if node.value else []), words_of(targets)
        if isinstance(node.value, _HOLDING):  # what it holds may be changed in it
            yield words_of(targets), _variables([node.value])
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield words_of([node.iter]), words_of([node.target])
    elif isinstance(node, ast.With | ast.AsyncWith):
        held = [item.optional_vars for item in node.items if item.optional_vars]
        yield words_of([node]), words_of(held)
    elif isinstance(node, ast.Try):
        yield words_of(node.body), {handler.name for handler in node.handlers if handler.name}


def words_of(nodes: Sequence[ast.AST]) -> set[str]:
    """Return the names and attributes anywhere in some nodes."""
    return {name for node in nodes for inner in ast.walk(node) for name in names_in(inner)}


def _variables(nodes: Sequence[ast.AST]) -> set[str]:
    inner = (n for node in nodes for n in ast.walk(node))
    return {n.id for n in inner if isinstance(n, ast.Name)}
