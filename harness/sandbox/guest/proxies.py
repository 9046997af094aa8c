"""The names of a program that lives in another process, for tests that use them as if it did not.

Used by the trusted test process. What comes back is data that is checked while it is decoded, or a
handle to an object that stays over there. A handle is never equal to plain data: an object that
calls itself equal to everything gains nothing. Where tests compare two of the program's own
objects, the program's ``==`` decides, and the result is marked as one that it could have forged.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from harness.sandbox.guest import codec
from harness.sandbox.guest.program import send

_COMPARISONS = ("lt", "le", "gt", "ge", "contains")
_NO_MODULE = object()
_METHODS = (
    "len iter next str repr bool int float reversed index neg pos abs invert getitem setitem"
    " delitem enter"
).split()
_BINARY = "add sub mul truediv floordiv mod pow matmul lshift rshift".split()


class Gone(BaseException):
    """The program has ended or broken the protocol; tests cannot swallow this by accident."""


class Unproxyable(BaseException):
    """The tests hand over something that cannot leave their process, such as a function."""


class Program:
    """The other end: asks one question at a time.

    Args:
        descriptor: Stream socket to the child.
        limit: Bytes that it may send in all.
    """

    def __init__(self, descriptor: int, limit: int) -> None:
        self.descriptor = descriptor
        self.left = limit
        self.gone = ""
        self.forgeable = False
        self.unproxyable = ""
        self._exceptions: dict[str, type[BaseException]] = {}

    def receive(self) -> dict[str, Any]:
        """Return the next frame.

        Raises:
            Gone: There is none, or it is not one.
        """
        size = codec.LENGTH.unpack(self._read(4))[0]
        self.left -= size
        if self.left < 0:
            self.end("output", "wrote more than its limit")
        try:
            answer: dict[str, Any] | None = codec.parse(self._read(size))
        except codec.Malformed:
            answer = None
        if not isinstance(answer, dict):
            self.end("fail", "wrote to the channel of its results")
        return answer

    def ask(self, question: dict[str, Any]) -> Any:
        """Ask and return the value, raise what was raised over there, or note its end.

        Raises:
            Gone: The program has ended or broken the protocol.
            Unproxyable: An argument cannot leave this process.
        """
        if self.gone:
            raise Gone(self.gone)
        try:
            send(self.descriptor, question)
        except OSError:
            self.end("gone", "ended before it had answered")
        answer = self.receive()
        if isinstance(answer.get("e"), list) and len(answer["e"]) == 3:
            raise self._exception(answer)
        try:
            return self.value(answer["v"]), dict(answer.get("m") or {})
        except (codec.Malformed, KeyError, TypeError, ValueError, RecursionError) as error:
            self.end("fail", f"answered with something that is no result: {error!s:.80}")

    def end(self, outcome: str, detail: str) -> NoReturn:
        """Note that the program is not to be asked again."""
        self.gone = self.gone or f"{outcome}\0{detail}"
        raise Gone(self.gone)

    def tree(self, value: Any) -> Any:
        """Return the tree of an argument.

        Raises:
            Unproxyable: It cannot leave this process.
        """
        try:
            return codec.to_tree(value, self._opaque)
        except codec.Unencodable as error:
            self.unproxyable = f"cannot pass {error} to the program"
            raise Unproxyable(self.unproxyable) from error

    def value(self, tree: Any) -> Any:
        """Return the value of a tree, handles included."""
        return codec.from_tree(tree, self._known)

    def call(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call something over there; changes of arguments in place happen here too."""
        question = {
            "q": "call",
            "f": target,
            "a": [self.tree(value) for value in args],
            "k": {name: self.tree(value) for name, value in kwargs.items()},
        }
        result, changed = self.ask(question)
        for position, tree in changed.items():
            self._change(args[int(position)], self.value(tree))
        return result

    def operate(self, operation: str, *operands: Any) -> Any:
        """Apply an operation of Python to objects over there."""
        if operation in _COMPARISONS:
            self.forgeable = True
        return self.ask({"q": "op", "o": operation, "a": [self.tree(o) for o in operands]})[0]

    def names(self, wanted: set[str]) -> dict[str, Any]:
        """Return proxies for those of some names that the program has."""
        question = {"q": "names", "n": sorted(wanted)}
        send(self.descriptor, question)
        described = self.receive().get("names")
        if not isinstance(described, dict):
            self.end("fail", "wrote to the channel of its results")
        known = {name: described.get(name) for name in wanted}
        return {name: self._proxy(name, d) for name, d in known.items() if isinstance(d, dict)}

    def _proxy(self, name: str, description: dict[str, Any]) -> Any:
        if "module" in description:
            # One that is loaded here anyway; the program must not have others imported.
            return sys.modules.get(str(description["module"]), _NO_MODULE)
        if "callable" in description:
            return function(self, name)
        if "class" in description:
            bases = [str(base) for base in description["class"]]
            if "BaseException" in bases:
                return self._exception_class(name, bases)
            return RemoteClass(name, (), {"_program": self, "_handle": description["h"]})
        try:
            return self.value(description.get("v"))
        except codec.Malformed as error:
            self.end("fail", str(error))

    def _opaque(self, value: Any) -> Any:
        if isinstance(value, Remote | RemoteClass):
            return object.__getattribute__(value, "_handle")
        name = codec.builtin_name(value)
        if name is None:
            raise codec.Unencodable(type(value).__name__)
        return {"y": name}

    def _known(self, tag: str, body: Any) -> Any:
        if tag == "h":
            return Remote(self, {"h": [int(body[0]), str(body[1])]})
        found = getattr(builtins, str(body), None) if tag == "y" else None
        if not isinstance(found, type):  # never a function: tests might call it
            raise codec.Malformed(tag)
        return found

    def _exception(self, answer: dict[str, Any]) -> BaseException:
        name, message = str(answer["e"][0]), str(answer["e"][1])
        bases = [str(base) for base in answer.get("b") or ()]
        if "Exception" not in bases:
            if name != "Unencodable":
                self.end("fail", f"{name}: {message}")
            return TypeError(message)
        kind = self._exception_class(name, bases)
        try:
            return kind(*self.value(answer.get("a") or []))
        except Exception:
            return Exception(message)

    def _exception_class(self, name: str, bases: list[str]) -> type[BaseException]:
        known = getattr(builtins, name, None)
        if isinstance(known, type) and issubclass(known, Exception) and bases[:1] == [name]:
            return known
        if name not in self._exceptions:
            parent = getattr(builtins, bases[0] if bases else "Exception", Exception)
            if not (isinstance(parent, type) and issubclass(parent, Exception)):
                parent = Exception
            self._exceptions[name] = type(name, (parent,), {})
        return self._exceptions[name]

    def _change(self, original: Any, new: Any) -> None:
        if isinstance(original, list) and isinstance(new, list):
            original[:] = new
        elif any(isinstance(original, kind) and isinstance(new, kind) for kind in (dict, set)):
            original.clear()
            original.update(new)

    def _read(self, size: int) -> bytes:
        parts = []
        while size > 0:
            try:
                part = os.read(self.descriptor, min(size, 1 << 18))
            except OSError:
                part = b""
            if not part:
                self.end("gone", "ended before it had answered")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def function(program: Program, name: str) -> Callable[..., Any]:
    """Return a function that calls the program's function of that name."""

    def proxy(*args: Any, **kwargs: Any) -> Any:
        return program.call(name, args, kwargs)

    proxy.__name__ = proxy.__qualname__ = name
    return proxy


class Remote:
    """An object that stayed with the program."""

    def __init__(self, program: Program, handle: dict[str, Any]) -> None:
        object.__setattr__(self, "_program", program)
        object.__setattr__(self, "_handle", handle)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self._program.ask({"q": "attr", "f": self._handle, "n": name})[0]

    def __setattr__(self, name: str, value: Any) -> None:
        program = self._program
        program.ask({"q": "set", "f": self._handle, "n": name, "a": [program.tree(value)]})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object over there."""
        return self._program.call(self._handle, args, kwargs)

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, Remote):
            return False
        if other._handle == self._handle:
            return True
        self._program.forgeable = True
        return self._program.operate("eq", self, other)

    def __hash__(self) -> int:
        return hash(self._handle["h"][0])


class RemoteClass(type):
    """A class of the program: calling it makes an object over there."""

    _program: Program
    _handle: dict[str, Any]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an instance over there."""
        return cls._program.call(cls._handle, args, kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls._program.ask({"q": "attr", "f": cls._handle, "n": name})[0]

    def __instancecheck__(cls, instance: object) -> bool:
        if not isinstance(instance, Remote):
            return False
        return cls._program.operate("isinstance", instance, cls) is True


def _operation(name: str, swapped: bool = False) -> Callable[..., Any]:
    def method(self: Remote, *operands: Any) -> Any:
        order = (*operands, self) if swapped else (self, *operands)
        return self._program.operate(name, *order)

    return method


for _name in [*_METHODS, *_COMPARISONS]:
    setattr(Remote, f"__{_name}__", _operation(_name))
for _name in [*_BINARY, "and", "or", "xor"]:
    _remote = _name + "_" if _name in ("and", "or") else _name
    setattr(Remote, f"__{_name}__", _operation(_remote))
    setattr(Remote, f"__r{_name}__", _operation(_remote, swapped=True))
Remote.__exit__ = lambda self, *_: self._program.operate("exit", self)  # type: ignore[attr-defined]
