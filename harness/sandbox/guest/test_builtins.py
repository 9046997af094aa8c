"""Which functions that are named like builtins the tests take from the program.

Where a test calls ``sum`` on what another function of the program has returned, it means the
builtin: the program's would decide about itself. An assertion that nothing else of the program
comes to can only be about a ``sum`` of its own; so are all tests of an ``entry_point`` of that
name.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Mapping, Sequence

from harness.sandbox.guest.test_spread import FUNCTIONS, spread, words_of

# Classes that are used like functions, which tasks ask for.
_LIKE_FUNCTIONS = frozenset({"enumerate", "filter", "map", "range", "reversed", "zip"})
_SIMPLE = (ast.Assert, ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)


def like_builtins(
    nodes: Sequence[ast.AST], free: Collection[str], names: Collection[str], call: str
) -> Mapping[str, frozenset[str]]:
    """Return names of builtins that are the program's where it defines them, with their company.

    Args:
        nodes: All nodes of the tests and of what runs before them.
        free: Names that they use without defining them.
        names: Those that only the program can define.
        call: The one that is the program's in any case, or empty.

    Returns:
        By name: those of the program with which it comes to one statement, so that one of them
        could decide about another; itself, where helpers of the tests call it.
    """
    called = {
        node.func.id
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    asked = {name for name in called & set(free) - {call} if _may_be_asked_for(name)}
    found: dict[str, frozenset[str]] = {}
    theirs = spread(nodes, {*names, call} - {""}) if asked else set()
    checks = [words_of([node]) for node in nodes if asked and _is_check(node)]
    others_checks = [words for words in checks if not words & theirs]
    if others_checks:
        parts = [words_of(part) for part in _parts(nodes)]
        reach = {name: spread(nodes, {name}) for name in asked}
        alone = [n for n in sorted(asked) if any(words & reach[n] for words in others_checks)]
        reach |= {name: spread(nodes, {name}) for name in {*names, call} - {""}}
        for name in alone:
            others = {*names, *alone, call} - {name, ""}
            company = {o for o in others for w in parts if w & reach[name] and w & reach[o]}
            found[name] = frozenset(company | ({name} if _helps(nodes, name) else set()))
    if call and hasattr(builtins, call) and _is_its_own_judge(nodes, call):
        found[call] = frozenset({call})
    return found


def _may_be_asked_for(name: str) -> bool:
    builtin = getattr(builtins, name, None)
    return builtin is not None and (name in _LIKE_FUNCTIONS or not isinstance(builtin, type))


def _is_check(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    function = node.value.func
    said = getattr(function, "attr", getattr(function, "id", ""))
    return str(said).lower().startswith("assert")


def _parts(nodes: Sequence[ast.AST]) -> list[list[ast.AST]]:
    """Return what is worked out together: simple statements, conditions, what loops go over."""
    found: list[list[ast.AST]] = []
    for node in nodes:
        part = getattr(node, "test", getattr(node, "iter", None))
        if isinstance(node, _SIMPLE):
            found.append([node])
        elif isinstance(part, ast.AST):
            found.append([part])
    return found


def _helps(nodes: Sequence[ast.AST], name: str) -> bool:
    """Tell whether a function of the tests that is given something calls one of that name."""
    for node in nodes:
        if isinstance(node, (*FUNCTIONS, ast.Lambda)) and any(
            isinstance(inner, ast.arg) for inner in ast.walk(node.args)
        ):
            body = [node.body] if isinstance(node, ast.Lambda) else node.body
            if name in words_of(body):
                return True
    return False


def _is_its_own_judge(nodes: Sequence[ast.AST], call: str) -> bool:
    """Tell whether tests that were handed a function also call it by its name, as a builtin."""
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    handed = {
        getattr(node.func, "id", "")
        for node in calls
        if any(isinstance(argument, ast.Name) and argument.id == call for argument in node.args)
    }
    given = {
        argument.arg
        for node in nodes
        if isinstance(node, FUNCTIONS) and node.name in handed
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    }
    theirs = spread(nodes, given) if given else set()
    return any(
        call in words_of([node]) and theirs & words_of([node]) - {call}
        for part in _parts(nodes)
        for node in part
        if not (isinstance(node, ast.Expr) and _hands_on(node.value, call))
    )


def _hands_on(node: ast.AST, call: str) -> bool:
    """Tell whether this is ``check(sum)``."""
    return isinstance(node, ast.Call) and all(isinstance(n, ast.Name) for n in node.args)
