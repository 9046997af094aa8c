"""The child's side of isolated tests: answers questions about a program that it has loaded.

One question and one answer a frame. Plain data crosses by value, everything else stays here behind
a numbered handle. Questions:

    {"q": "names", "n": [names]}
    {"q": "call", "f": name or handle, "a": [args], "k": {kwargs}, "w": whether to await}
    {"q": "attr", "f": handle, "n": name}, {"q": "set", ..., "a": [value]}
    {"q": "op", "o": operation, "a": [operands]}

Answers: {"v": tree, "m": {position or name: tree of an argument that was changed in place}} or
{"e": [type name, message, stage], "own": [[number, name, module] of classes that are not builtin],
"b": [names of its builtin bases], "a": its arguments, "d": {its other attributes}, "s": its text,
"m": as above}. Besides: "again", if an iterator or function gave the same list once more; "sub", if
the value is of a class of the program that derives from a plain one; "kept", if it was made by
calling such a class: its number, and the names that the class adds.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
import operator
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from harness.sandbox.guest import codec
from harness.sandbox.guest.program import failure, load, read_frame, send

OPERATIONS: dict[str, Callable[..., Any]] = {
    name: getattr(operator, name)
    for name in (
        "add sub mul truediv floordiv mod pow matmul neg pos abs invert and_ or_ xor lshift rshift"
        " lt le gt ge eq ne getitem setitem delitem contains index"
    ).split()
}
_BUILTINS = (len, iter, next, str, repr, hash, bool, int, float, reversed, isinstance, issubclass)
OPERATIONS |= {function.__name__: function for function in _BUILTINS}
OPERATIONS |= {
    "format": format,
    "plain": lambda value: value,
    "aiter": aiter,
    "enter": lambda manager: manager.__enter__(),
    "exit": lambda manager: manager.__exit__(None, None, None),
}
_PLAIN = (str, int, float, list, tuple, dict, set, frozenset, bytes)
_WAITING: dict[str, Callable[[Any], Any]] = {
    "await": lambda awaited: awaited,
    "anext": lambda iterator: iterator.__anext__(),
    "aenter": lambda manager: manager.__aenter__(),
    "aexit": lambda manager: manager.__aexit__(None, None, None),
}
_TEXT = 20_000


class _Solution:
    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.handles: list[Any] = []
        self.numbers: dict[int, int] = {}  # one handle for each object: identity survives
        self.given: dict[int, Any] = {}  # what each iterator gave last
        self.returned: list[Any] = []
        self.loop: asyncio.AbstractEventLoop | None = None

    def tree(self, value: Any) -> Any:
        return codec.to_tree(value, self.opaque)

    def opaque(self, value: Any) -> Any:
        name = codec.builtin_name(value)
        if name is not None and isinstance(value, type):
            return {"y": name}
        return {"h": [self.number(value), type(value).__name__]}

    def number(self, value: Any) -> int:
        number = self.numbers.setdefault(id(value), len(self.handles))
        if number == len(self.handles):
            self.handles.append(value)
        return number

    def known(self, tag: str, body: Any) -> Any:
        if tag == "h":
            return self.handles[body[0]]
        if tag == "y":
            return getattr(builtins, body)
        raise codec.Malformed(tag)

    def value(self, tree: Any) -> Any:
        return codec.from_tree(tree, self.known)

    def describe(self, name: str) -> dict[str, Any] | None:
        if name not in self.names:
            return None
        value = self.names[name]
        if isinstance(value, type):
            handle = {"h": [self.number(value), name]}
            return {"class": builtin_bases(value), "own": self.own_classes(value), "h": handle}
        if callable(value):
            return {"callable": "async" if inspect.iscoroutinefunction(value) else "now"}
        return {"v": self.tree(value)}

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        kind = question["q"]
        if kind == "names":
            return {"names": {name: self.describe(name) for name in question["n"]}}
        arguments = [self.value(tree) for tree in question.get("a", ())]
        sent = dict(enumerate(question.get("a", ())))
        now = dict(enumerate(arguments))
        try:
            if kind == "op":
                return self.operate(question["o"], arguments)
            subject = question["f"]
            subject = self.names[subject] if isinstance(subject, str) else self.value(subject)
            if kind == "attr":
                return {"v": self.tree(getattr(subject, question["n"]))}
            if kind == "set":
                setattr(subject, question["n"], arguments[0])
                return {"v": None}
            keywords = {name: self.value(tree) for name, tree in question["k"].items()}
            sent, now = sent | question["k"], now | keywords
            result = subject(*arguments, **keywords)
            result = self.wait(result) if question["w"] else result
            answer = {"v": self.tree(result), "m": self._changed(sent, now)}
            if isinstance(result, _PLAIN) and codec.builtin_name(type(result)) is None:
                answer["sub"] = True
            if isinstance(subject, type) and isinstance(result, list | dict | set):
                if added := self.added(type(result)):
                    answer["kept"] = [self.number(result), added]
            if isinstance(question["f"], str) and isinstance(result, list | dict | set | bytearray):
                if any(result is old for old in self.returned):
                    answer["again"] = True
                self.returned = [*self.returned[-7:], result]
            return answer
        except codec.Unencodable as error:
            return {"e": ["Unencodable", f"returned {error}", "call"], "b": [], "a": []}
        except BaseException as error:
            answer = failure(error, "call")
            args = _plain(list(error.args))
            return {
                **answer,
                "own": self.own_classes(type(error)),
                "b": builtin_bases(type(error)),
                "a": [answer["e"][1]] if args is None else args,
                "d": _attributes(error),
                "s": str(error)[:_TEXT],
                "m": self._changed(sent, now) if kind == "call" else {},
            }

    def operate(self, operation: str, arguments: list[Any]) -> dict[str, Any]:
        """Apply an operation; notice an iterator that gives one object again and again."""
        if operation in _WAITING:
            return {"v": self.tree(self.wait(_WAITING[operation](arguments[0])))}
        value = OPERATIONS[operation](*arguments)
        answer = {"v": self.tree(value)}
        if operation == "next" and isinstance(value, list | dict | set | bytearray):
            if self.given.get(id(arguments[0])) is value:
                answer["again"] = True
            self.given[id(arguments[0])] = value
        return answer

    def added(self, kind: type) -> list[str]:
        """Return the public names that a class of the program adds to those of a plain one."""
        own = [base for base in kind.__mro__ if base.__module__ == "solution"]
        return sorted({name for base in own for name in vars(base) if name[:1] != "_"})

    def own_classes(self, kind: type) -> list[Any]:
        """Return number, name and module of classes that are not builtin, most derived first."""
        own = [base for base in kind.__mro__ if codec.builtin_name(base) is None]
        return [[self.number(base), base.__name__, base.__module__] for base in own]

    def wait(self, awaitable: Any) -> Any:
        async def waiting() -> Any:
            return await awaitable

        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        return self.loop.run_until_complete(waiting())

    def _changed(self, sent: dict[Any, Any], now: dict[Any, Any]) -> dict[str, Any]:
        """Return the arguments that the call changed in place, by position or name."""
        changed = {}
        for place, value in now.items():
            if isinstance(sent[place], dict) and "h" in sent[place]:
                continue  # an object, which stays here
            if isinstance(value, list | dict | set | bytearray | deque | tuple):
                after = self.tree(value)
                if codec.dumps(after) != codec.dumps(sent[place]):
                    changed[str(place)] = after
        return changed


def _plain(value: Any) -> Any:
    """Return the tree of plain data, None for anything else."""
    try:
        return codec.to_tree(value)
    except codec.Unencodable:
        return None


def _attributes(error: BaseException) -> dict[str, Any]:
    """Return the plain attributes of an exception, those of its own classes included."""
    own = [base for base in type(error).__mro__ if codec.builtin_name(base) is None]
    names = {name for owner in (error, *own) for name in vars(owner) if name[:1] != "_"}
    found = {name: _plain(getattr(error, name, None)) for name in names}
    return {name: tree for name, tree in found.items() if tree is not None}


def builtin_bases(kind: type) -> list[str]:
    """Return the names of the builtin classes that a class derives from, nearest first."""
    names = (codec.builtin_name(base) for base in kind.__mro__)
    return [name for name in names if name is not None]


def other_bases(kind: type) -> list[list[str]]:
    """Return name and module of the classes that a class derives from and that are not builtin.

    The module is empty where it has another thing of that name, or is the program.
    """
    found = []
    for base in kind.__mro__:
        if codec.builtin_name(base) is None:
            name, module = str(base.__name__), str(base.__module__)
            known = getattr(sys.modules.get(module), name, None) is base
            found.append([name, module if known and module != "solution" else ""])
    return found


def serve_solution(descriptor: int, source: str) -> None:
    """Load the program, then answer questions until the other end closes."""
    try:
        solution = _Solution(load(source, "solution"))
    except BaseException as error:
        send(descriptor, failure(error, "load"))
        return
    send(descriptor, {"v": True})
    while True:
        send(descriptor, solution.answer(codec.parse(read_frame(descriptor))))
