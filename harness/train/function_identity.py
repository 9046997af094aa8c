"""What makes a reward function another one: its source, what it closes over, and what that calls.

Only a person's own code is followed: a function of an installed library is its name. What a
function changes itself, such as a list that it appends to, is its notes and not what it is.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import re
import sys
import sysconfig
import textwrap
from collections.abc import Mapping
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

CHANGING = frozenset(
    "append extend insert add update setdefault pop popitem popleft appendleft remove discard clear"
    " sort reverse put write inc increment".split()
)
"""Methods that change what they are called on."""

LIBRARIES = {
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")),
    Path(__file__).resolve().parents[1],
}
DEEPEST = 12
"""Objects inside objects beyond which only types are looked at."""


def function_identity(function: Any) -> str:
    """Return what moves when a function, or what it depends on, is another one."""
    return hashlib.sha256(repr(_Reader().of(function)).encode()).hexdigest()


class _Reader:
    """Reads values as plain ones; each object once."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []
        self._depth = 0

    def of(self, value: Any) -> Any:
        """Return a value as plain data."""
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            return f"{type(value).__name__} {value!r}"
        if isinstance(value, PurePath | ModuleType | BuiltinFunctionType):
            return [type(value).__name__, getattr(value, "__name__", str(value))]
        if isinstance(value, re.Pattern):
            return ["pattern", value.pattern, value.flags]
        if id(value) in self._seen:
            return ["again", self._seen[id(value)]]
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)  # else its id could be another's
        self._depth += 1
        try:
            return self._inside(value)
        finally:
            self._depth -= 1

    def _inside(self, value: Any) -> Any:
        if self._depth > DEEPEST:
            return ["deep", type(value).__qualname__]
        if isinstance(value, Mapping):
            return ["mapping", sorted(((repr(k), self.of(v)) for k, v in value.items()), key=repr)]
        if isinstance(value, list | tuple):
            return [type(value).__name__, *map(self.of, value)]
        if isinstance(value, set | frozenset):
            return ["set", sorted(repr(self.of(one)) for one in value)]
        if isinstance(value, functools.partial):
            return ["partial", self.of(value.func), self.of(value.args), self.of(value.keywords)]
        if isinstance(value, MethodType):
            return ["method", self.of(value.__func__), self.of(value.__self__)]
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value)
        if hasattr(value, "__wrapped__") and callable(value):  # functools.cache
            return ["wrapped", self.of(value.__wrapped__)]
        if hasattr(value, "tobytes") or _is_tensor(value):
            return ["array", str(value.dtype), list(value.shape), _bytes_of(value)]
        if callable(state := getattr(value, "state_dict", None)):
            return ["weights", type(value).__qualname__, self.of(state())]
        return ["object", self._class(type(value)), *self._fields(value)]

    def _function(self, function: FunctionType) -> Any:
        if not _is_own(function):
            return ["function", function.__module__, function.__qualname__]
        tree, code = _tree(function), function.__code__
        notes = _changed(tree)
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        closed = {name: _content(cell) for name, cell in cells.items() if name not in notes}
        used = {
            name: function.__globals__[name]
            for name in sorted(_names(code) & function.__globals__.keys() - notes)
        }
        return [
            "function",
            ast.unparse(tree) if tree is not None else _of_code(code),
            *map(self.of, (function.__defaults__, function.__kwdefaults__, closed, used)),
        ]

    def _class(self, kind: type) -> Any:
        if not _is_own(kind):
            return [kind.__module__, kind.__qualname__]
        if id(kind) in self._seen and self._depth > 1:
            return ["again", kind.__qualname__]
        self._seen.setdefault(id(kind), len(self._seen))
        self._kept.append(kind)
        own = {
            name: value.__func__ if isinstance(value, staticmethod | classmethod) else value
            for name, value in vars(kind).items()
            if name not in _OF_ALL_CLASSES
        }
        return ["class", kind.__qualname__, self.of(own), [self._class(k) for k in kind.__bases__]]

    def _fields(self, value: Any) -> list[Any]:
        """Return the fields of an object of a person's own class, without those that it changes."""
        kind = type(value)
        if not _is_own(kind):
            return []
        notes: set[str] = set()
        for one in kind.__mro__:
            for name, method in vars(one).items():
                if isinstance(method, FunctionType) and name not in ("__init__", "__post_init__"):
                    notes |= _changed(_tree(method)) if _is_own(method) else set()
        slots = [s for k in kind.__mro__ for s in vars(k).get("__slots__", ()) if hasattr(value, s)]
        fields = {s: getattr(value, s) for s in slots} | dict(getattr(value, "__dict__", {}))
        return [self.of({k: v for k, v in fields.items() if f".{k}" not in notes})]


_OF_ALL_CLASSES = frozenset(
    "__dict__ __weakref__ __module__ __doc__ __annotations__ __firstlineno__ __static_attributes__"
    " __abstractmethods__ _abc_impl __parameters__ __orig_bases__ __slots__".split()
)


def _is_own(value: Any) -> bool:
    """Tell whether code is a person's own, and not a library's or the harness'."""
    name = getattr(value, "__module__", None)
    if name == "builtins":
        return False
    module = sys.modules.get(name or "")
    file = getattr(module, "__file__", None)
    if isinstance(value, FunctionType):
        file = value.__code__.co_filename
    if file is None:
        return True
    return LIBRARIES.isdisjoint(Path(file).resolve().parents)


def _tree(function: FunctionType) -> ast.AST | None:
    """Return a function's source, None where there is none or it is a part of a line."""
    if function.__name__ == "<lambda>":
        return None
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function.__code__)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None


def _changed(tree: ast.AST | None) -> set[str]:
    """Return the names, and ".fields" of what a method belongs to, that a function changes."""
    found: set[str] = set()
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in CHANGING:
                found |= _root(node.func.value)
        elif isinstance(node, ast.Assign | ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Attribute | ast.Subscript):
                    found |= _root(target)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            found |= _root(node.target)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            found |= set(node.names)
    return found


def _root(node: ast.AST) -> set[str]:
    """Return the name at the beginning of an expression, and ".field" where it has one."""
    field = ""
    while True:
        if isinstance(node, ast.Name):
            return {f".{field}", node.id} if field and node.id == "self" else {node.id}
        if isinstance(node, ast.Attribute):
            field = node.attr
            node = node.value
        elif isinstance(node, ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
            if isinstance(node, ast.Attribute):  # the method's name is no field
                node = node.value
        else:
            return set()


def _names(code: CodeType) -> set[str]:
    """Return the names that code, and the code in it, looks up."""
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    return {*code.co_names}.union(*map(_names, inner))


def _of_code(code: CodeType) -> Any:
    consts = [_of_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), consts, code.co_names, code.co_varnames, code.co_freevars]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is not set yet
        return None


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _bytes_of(value: Any) -> str:
    if _is_tensor(value):
        import torch

        value = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return hashlib.sha256(value.tobytes()).hexdigest()
