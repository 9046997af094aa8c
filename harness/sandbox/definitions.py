"""What a block of code defines, and how well: a function outranks a value of the same name."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from enum import IntEnum

from harness.nouns.code_blocks import PYTHON, parsed

_SAID = (*PYTHON, "")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)
_SCOPES = (*_DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_EMPTY = (ast.Pass, ast.Raise)
_CALLABLE = (ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.IfExp, ast.BoolOp)
# What makes a function or a class.
_MAKERS = frozenset(
    "partial cache lru_cache itemgetter attrgetter methodcaller vectorize jit njit namedtuple"
    " NamedTuple NewType TypedDict Enum type make_dataclass".split()
)
_BODY = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?\n)*+[ \t]++[^\s#]")
_STATEMENT = re.compile(r"(?:return|yield|raise|print|assert|if|for|while|with|pass)\b")
_LONGEST_HEAD = 5000  # characters from the name on
_ENDS = re.compile(r"^end\b", re.MULTILINE)


class How(IntEnum):
    """How well a block defines a name, the worst first."""

    NOT = 0
    OUTPUT = 1
    """A value in what is said to be no Python."""
    IMPORT = 2
    HEAD = 2
    """A head without anything under it."""
    VALUE = 3
    STUB = 4
    MAYBE = 5
    """What a call or another name gives."""
    FOREIGN = 6
    """A definition in Python, in what is said to be no Python."""
    REAL = 7


def definitions(nodes: Sequence[ast.stmt], label: str = "") -> dict[str, How]:
    """Return the names that statements bind at the top of a block, and how well.

    Args:
        nodes: The statements.
        label: The language that the block is said to be, in small letters.
    """
    made = {name for node in nodes for name in _made(node)}
    found: dict[str, How] = {}
    for name, how in _bound(nodes, made):
        if label not in _SAID:
            how = How.FOREIGN if how is How.REAL else How.OUTPUT
        found[name] = max(how, found.get(name, how))
    return found


def definitions_but_for_a_body(code: str, label: str = "") -> dict[str, How]:
    """Return what code defines that ends with a head and is a program but for that."""
    tree = _with_body(code) if label in _SAID else None
    if tree is None:
        return {}
    found = definitions(tree.body, label)
    last = tree.body[-1]
    if isinstance(last, _DEFINITIONS) and found.get(last.name) is How.STUB:
        found[last.name] = How.HEAD
    return found


def begun(code: str, name: str, said: bool) -> How:
    """Tell whether code that does not compile defines a name, with a body that has been begun.

    Args:
        code: The code.
        name: The name.
        said: Whether it is said to be Python; other languages begin functions with ``def``, too.
    """
    function = rf"^{re.escape(name)}[ \t]*+=[ \t]*+lambda\b[^:\n]*+:[ \t]*+\S"
    if re.search(function, code, re.MULTILINE):
        return How.REAL
    heads = rf"^(?:async[ \t]++def|def|class)[ \t]++{re.escape(name)}\b"
    for found in re.finditer(heads, code, re.MULTILINE):
        head, rest = _head(code[found.end() : found.end() + _LONGEST_HEAD])
        if _ends_as_python(head, rest, said) and _BODY.match(rest):
            return How.REAL
        on_its_line = head[head.rfind(")") + 1 :].partition(":")[2].strip()
        if on_its_line and (said or _STATEMENT.match(on_its_line)):
            return How.REAL
    return How.NOT


def _ends_as_python(head: str, rest: str, said: bool) -> bool:
    if head.endswith(":"):
        return True
    return (said or head.endswith(")")) and "{" not in head and not _ENDS.search(rest)


def _head(code: str) -> tuple[str, str]:
    """Split where a head ends: with its line, or with the line that closes its brackets."""
    lines = code.split("\n")
    end = 1
    if lines[0].rstrip()[-1:] in ("(", ","):
        while end < len(lines) and lines[end][:1] in (" ", "\t", ")"):
            end += 1
            if lines[end - 1].rstrip().endswith(":"):
                break
    return "\n".join(line.split("#")[0] for line in lines[:end]).rstrip(), "\n".join(lines[end:])


def ends_with_head(code: str) -> bool:
    """Tell whether code would compile if its last line, a head, had a body."""
    return _with_body(code) is not None


def _with_body(code: str) -> ast.Module | None:
    lines = [line for line in code.split("\n") if line.strip() and line.lstrip()[0] != "#"]
    if not lines or not lines[-1].split("#")[0].rstrip().endswith(":"):
        return None
    indent = lines[-1][: -len(lines[-1].lstrip())]
    return parsed("\n".join([*lines, f"{indent} pass\n"]))


def _made(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, _DEFINITIONS):
        yield node.name
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _bound(nodes: Sequence[ast.stmt], made: set[str]) -> Iterator[tuple[str, How]]:
    todo: list[ast.AST] = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, _DEFINITIONS):
            yield node.name, How.STUB if _is_stub(node) else How.REAL
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name).split(".")[0], How.IMPORT
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, How.VALUE
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name, How.VALUE
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            if node.value is not None:  # what is made of itself is defined elsewhere
                yield from _assigned(node, node.value, made)
        elif not isinstance(node, (*_SCOPES, ast.AugAssign)):
            todo += ast.iter_child_nodes(node)


def _assigned(
    node: ast.Assign | ast.AnnAssign | ast.NamedExpr, value: ast.expr, made: set[str]
) -> Iterator[tuple[str, How]]:
    used = {inner.id for inner in ast.walk(value) if isinstance(inner, ast.Name)}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        for inner in ast.walk(target):
            if isinstance(inner, ast.Name) and inner.id not in used:
                how = _of_value(value, inner.id, made) if inner is target else How.VALUE
                yield inner.id, how


def _of_value(value: ast.expr, name: str, made: set[str]) -> How:
    if isinstance(value, ast.Lambda) or (isinstance(value, ast.Name) and value.id in made):
        return How.REAL
    if isinstance(value, ast.Call):
        makers = {getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(value.func)}
        return How.REAL if makers & _MAKERS else How.MAYBE
    if isinstance(value, ast.Attribute):
        owner = value.value
        owner = owner.func if isinstance(owner, ast.Call) else owner
        said = getattr(owner, "id", "")
        if said[:1].isupper() or said in sys.stdlib_module_names:
            return How.REAL
    return How.MAYBE if isinstance(value, _CALLABLE) else How.VALUE


def wraps(nodes: Sequence[ast.stmt], name: str) -> bool:
    """Tell whether statements put a function in its own place, as ``f = cache(f)`` does."""
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = node.value
            targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
            given = [argument.id for argument in call.args if isinstance(argument, ast.Name)]
            makers = {getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(call.func)}
            if name in targets and given == [name] and len(call.args) == 1 and makers & _MAKERS:
                return True
    return False


def _is_stub(made: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Tell whether a body is only a docstring and what stands for the rest."""
    (only, *more) = made.body
    if not more and isinstance(only, ast.Assign) and only.lineno == made.lineno:
        # Scala: ``def add(a: Int, b: Int): Int = a + b``
        return all(isinstance(target, ast.Name) for target in only.targets)
    return all(
        isinstance(node, _EMPTY)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in made.body
    )
