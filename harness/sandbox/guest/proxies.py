"""The names of a program that lives in another process, for tests that use them as if it did not.

Used by the process of the tests. What comes back is data that is checked while it is decoded, or
the number of an object that stays over there (see objects.py); nothing of the program is ever a
live object here. Its exceptions are made anew, of builtin classes or of empty ones with the same
names, with plain data as arguments; those with which an iterator ends are not taken over.
"""

from __future__ import annotations

import builtins
import opcode
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn

from harness.sandbox.guest import codec
from harness.sandbox.guest.kept import Kept, handle_of, kept, renew
from harness.sandbox.guest.objects import Remote, RemoteClass
from harness.sandbox.guest.program import send

if TYPE_CHECKING:
    from harness.sandbox.guest.test_faults import Faults

_DATA_TYPES = (
    int, float, complex, bool, str, bytes, bytearray, list, tuple, dict, set, frozenset, range
)  # fmt: skip
_CACHE, _POP_TOP = opcode.opmap["CACHE"], opcode.opmap["POP_TOP"]
_CONTAINERS = (list, dict, set, bytearray, deque, tuple)
_MALFORMED = (codec.Malformed, LookupError, TypeError, ValueError, RecursionError)
_NO_RESULT = "answered with something that is no result"


class Gone(BaseException):
    """The program has ended or broken the protocol; tests cannot swallow this by accident."""


class Unproxyable(BaseException):
    """The tests ask for what cannot be had from outside the program's process."""


class Program:
    """The other end: asks one question at a time.

    Args:
        descriptor: Stream socket to the child.
        limit: Bytes that it may send in all.
        mirror: Whether the tests see all changes that the program makes to its arguments.
    """

    def __init__(self, descriptor: int, limit: int, mirror: bool = False) -> None:
        self.descriptor = descriptor
        self.left = limit
        self.mirror = mirror
        self.shows_dropped = False  # those of calls whose result they drop, such as sort(x)
        self.gone = ""
        self.forgeable = ""
        self.reached = False  # whether a statement that could fail because of it was
        self.unproxyable = ""
        self.changed = False
        self.questions = 0
        self.denied = ""
        self.fault = ""
        self.faults: Faults | None = None
        self._raised: list[BaseException] = []
        self._exceptions: dict[Any, type[BaseException]] = {}
        self._texts: list[str] = []
        self._lock = threading.RLock()
        self._has_subclasses = False
        self._named: dict[str, Any] = {}

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

    def end(self, outcome: str, detail: str) -> NoReturn:
        """Note that the program is not to be asked again."""
        self.gone = self.gone or f"{outcome}\0{detail}"
        raise Gone(self.gone)

    def refuse(self, what: str) -> NoReturn:
        """Note that the tests cannot be run from outside the program's process."""
        self.unproxyable = self.unproxyable or f"the tests {what}"
        raise Unproxyable(self.unproxyable)

    def mark(self, what: str) -> None:
        """Note that the program could decide the tests from here on."""
        self.forgeable = self.forgeable or f"the tests {what}"

    def reach(self) -> bool:
        """Note that the tests have come to a statement that can fail because of the program."""
        self.reached = True
        return False

    def note(self, error: BaseException) -> None:
        """Note what the tests were denied, and their own faults; what the program raised is its."""
        reason = error.__cause__ if type(error).__name__ == "CollectError" else error
        if reason is None or any(reason is own for own in self._raised):
            return
        forbidden = isinstance(reason, PermissionError)
        if self.faults is not None and not forbidden:
            self.fault = self.fault or self.faults.told(reason, self.questions > 0)
        named = reason.name if isinstance(reason, ImportError) else None
        place = f"{getattr(reason, 'filename', '')} {named}"
        if any(text in place for text in self._texts if text):
            return  # what the program has named
        missed = isinstance(reason, AttributeError) and self._lacks(reason.obj)
        if forbidden or missed or isinstance(reason, ModuleNotFoundError):
            self.denied = self.denied or f"{type(reason).__name__}: {reason}"

    def _lacks(self, found: Any) -> bool:
        """Tell whether the program's own object may have an attribute that this one has not."""
        if isinstance(found, FunctionType | Remote | RemoteClass | BaseException):
            return getattr(found, "__module__", "") in (__name__, "solution") or isinstance(
                found, Remote | RemoteClass
            )
        plain = isinstance(found, str | int | float | list | tuple | dict | set | frozenset | bytes)
        return plain and self._has_subclasses

    def call(
        self,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        made: bool = False,
        waits: bool = False,
        dropped: bool = False,
    ) -> Any:
        """Call something over there.

        Args:
            target: Name or handle.
            args: Copies of them are sent.
            kwargs: Likewise.
            made: Whether it is a class that the tests name, and so makes an object of theirs.
            waits: Whether it is a coroutine function.
            dropped: Whether the tests do without the result, and so look at the arguments.
        """
        question = {
            "q": "call",
            "f": target,
            "a": [self._tree(value) for value in args],
            "k": {name: self._tree(value) for name, value in kwargs.items()},
            "w": waits,
        }
        given = {str(i): value for i, value in enumerate(args)} | kwargs
        copies = [value for value in given.values() if isinstance(value, Kept)]
        shown = dropped and self.shows_dropped

        def change(changes: dict[str, Any]) -> None:
            for place, tree in changes.items():
                if place in given and isinstance(given[place], _CONTAINERS):
                    new = self._value(tree)
                    if self.mirror or shown:
                        _change(given[place], new)
                    self.changed = self.changed or not shown

        try:
            return self._ask(question, made, change)
        finally:
            for copy in copies if not self.gone else ():
                renew(copy)

    def plain(self, handle: dict[str, Any]) -> Any:
        """Return the data of an object over there."""
        return self._ask({"q": "op", "o": "plain", "a": [handle]})

    def operate(self, operation: str, *operands: Any) -> Any:
        """Apply an operation of Python to objects over there."""
        operands = tuple(self._tree(o) for o in operands)
        return self._ask({"q": "op", "o": operation, "a": operands})

    def attribute(self, handle: dict[str, Any], name: str, of_made: bool) -> Any:
        """Return an attribute of an object over there."""
        value = self._ask({"q": "attr", "f": handle, "n": name})
        if isinstance(value, Remote):
            return Remote(self, value._handle, method=name, of_made=of_made)
        return value

    def assign(self, handle: dict[str, Any], name: str, value: Any) -> None:
        """Set an attribute of an object over there."""
        self._ask({"q": "set", "f": handle, "n": name, "a": [self._tree(value)]})

    def names(self, wanted: set[str]) -> dict[str, Any]:
        """Return proxies for those of some names that the program has."""
        unknown = sorted(wanted - self._named.keys())
        if unknown:
            if self.gone:
                raise Gone(self.gone)
            self._send({"q": "names", "n": unknown})
            described = self.receive().get("names")
            if not isinstance(described, dict):
                self.end("fail", "wrote to the channel of its results")
            for name in unknown:
                if isinstance(described.get(name), dict):
                    self._named[name] = self._proxy(name, described[name])
        return {name: self._named[name] for name in wanted & self._named.keys()}

    def _ask(
        self,
        question: dict[str, Any],
        made: bool = False,
        change: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> Any:
        """Ask and return the value, raise what was raised, or note the end.

        Args:
            question: See remote.py.
            made: Whether the answer is an object that the tests make.
            change: Is given what has become of the arguments.

        Raises:
            Gone: The program has ended or broken the protocol.
        """
        with self._lock:
            if self.gone:
                raise Gone(self.gone)
            self.questions += 1
            self._send(question)
            answer = self.receive()
        error = None
        try:
            change(dict(answer.get("m") or {}))
            if isinstance(answer.get("e"), list) and len(answer["e"]) == 3:
                error = self._exception(answer, iterating=question.get("o") in ("next", "anext"))
            else:
                value = self._value(answer["v"], made)
        except _MALFORMED as wrong:
            self.end("fail", f"{_NO_RESULT}: {wrong!s:.80}")
        if error is not None:
            self._raised.append(error)
            raise error
        if answer.get("again"):
            self.mark("are given one object twice, which copies cannot show")
        self._has_subclasses = self._has_subclasses or bool(answer.get("sub"))
        if isinstance(value, str):
            self._texts.append(value)
        if made and isinstance(answer.get("kept"), list) and type(value) in (list, dict, set):
            number, added = answer["kept"]
            return kept(self, {"h": [int(number), "kept"]}, list(added), value)
        return value

    def _send(self, question: dict[str, Any]) -> None:
        try:
            send(self.descriptor, question)
        except OSError:
            self.end("gone", "ended before it had answered")

    def _tree(self, value: Any) -> Any:
        """Return the tree of an argument.

        Raises:
            Unproxyable: It cannot leave this process.
        """
        if isinstance(value, Kept):
            return handle_of(value)
        try:
            return codec.to_tree(value, self._opaque)
        except codec.Unencodable as error:
            self.refuse(f"pass the program something that cannot cross: {error}")

    def _value(self, tree: Any, made: bool = False) -> Any:
        """Return the value of a tree, objects of the program included."""

        def known(tag: str, body: Any) -> Any:
            if tag == "h":
                return Remote(self, {"h": [int(body[0]), str(body[1])]}, made=made)
            if tag == "y":
                return self._catching(_builtin_class(str(body)))
            raise codec.Malformed(tag)

        return codec.from_tree(tree, known)

    def _proxy(self, name: str, description: dict[str, Any]) -> Any:
        try:
            if "callable" in description:
                return function(self, name, description["callable"] == "async")
            if "class" in description:
                bases = _texts(description["class"])
                if "BaseException" in bases:
                    own = list(description.get("own") or [])
                    return self._catching(self._exception_class(own, bases))
                handle = {"h": [int(description["h"]["h"][0]), name]}
                return RemoteClass(name, (), {"_program": self, "_handle": handle})
            return self._value(description["v"])
        except _MALFORMED as wrong:
            self.end("fail", f"{_NO_RESULT}: {wrong!s:.80}")

    def _catching(self, kind: type) -> type:
        """Note whether tests that expect this class could swallow their own assertions."""
        if issubclass(AssertionError, kind) and kind is not object:
            self.mark(f"could expect {kind.__name__} of the program, which catches their own")
        return kind

    def _opaque(self, value: Any) -> Any:
        if isinstance(value, Remote | RemoteClass):
            return object.__getattribute__(value, "_handle")
        if isinstance(value, type) and codec.builtin_name(value):
            return {"y": value.__name__}
        raise codec.Unencodable(type(value).__name__)

    def _exception(self, answer: dict[str, Any], iterating: bool) -> BaseException:
        name, message = str(answer["e"][0]), str(answer["e"][1])
        own, bases = list(answer.get("own") or []), _texts(answer.get("b"))
        if not {"Exception", "SystemExit"} & set(bases):
            if name != "Unencodable":
                self.end("fail", f"{name}: {message}")
            return TypeError(message)
        kind = self._exception_class(own, bases)
        if issubclass(kind, StopIteration | StopAsyncIteration) and not iterating:
            # It would end a loop of the tests as if there were nothing more to test.
            return RuntimeError(f"the program raised {name}")
        args = codec.from_tree(answer.get("a") or [])
        try:
            error = kind(*args)
        except Exception:  # it wants other arguments than it keeps
            try:
                error = kind.__new__(kind)
                error.args = tuple(args)
            except Exception:
                error = Exception(message)
        for attribute, tree in dict(answer.get("d") or {}).items():
            if str(attribute).isidentifier() and not str(attribute).startswith("_"):
                setattr(error, attribute, codec.from_tree(tree))
        if own:
            vars(error)["_text"] = str(answer.get("s", message))
        return error

    def _exception_class(self, own: list[Any], bases: list[str]) -> type[BaseException]:
        """Return a builtin exception, one of the standard library, or the likeness of another.

        Args:
            own: Number, name and module of classes that are not builtin, the most derived first.
            bases: Names of the builtin classes that it derives from, nearest first.
        """
        parent: Any = getattr(builtins, bases[0] if bases else "Exception", Exception)
        if not (isinstance(parent, type) and issubclass(parent, Exception | SystemExit)):
            parent = Exception
        for number, name, module in reversed(own):
            known = _of_library(str(module), str(name))
            if known is None:
                content = {"__module__": "solution", "__str__": _text_of}
                known = self._exceptions.setdefault(
                    (number, name), type(str(name), (parent,), content)
                )
            parent = known
        kind: type[BaseException] = parent
        return kind

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


def function(program: Program, name: str, waits: bool = False) -> Callable[..., Any]:
    """Return a function that calls the program's function of that name."""

    def proxy(*args: Any, **kwargs: Any) -> Any:
        return program.call(name, args, kwargs, dropped=_result_is_dropped())

    async def waiting(*args: Any, **kwargs: Any) -> Any:
        return program.call(name, args, kwargs, waits=True)

    chosen: Callable[..., Any] = waiting if waits else proxy
    chosen.__name__ = chosen.__qualname__ = name
    return chosen


def _result_is_dropped() -> bool:
    """Tell whether the caller of our caller is a statement that is nothing but the call."""
    frame = sys._getframe(2)
    code = frame.f_code.co_code
    after = frame.f_lasti + 2
    while after < len(code) and code[after] == _CACHE:
        after += 2
    return after < len(code) and code[after] == _POP_TOP


def _change(original: Any, new: Any) -> None:
    """Make a container equal to another; those within it stay the objects that they are."""
    if isinstance(original, list | tuple) and len(original) == len(new):
        for place, (old, other) in enumerate(zip(original, new, strict=True)):
            if isinstance(old, _CONTAINERS) and type(old) is type(other):
                _change(old, other)
            elif isinstance(original, list):
                original[place] = other
    elif isinstance(original, list | bytearray) and isinstance(new, type(original)):
        original[:] = new
    elif isinstance(original, deque) and isinstance(new, deque):
        original.clear()
        original.extend(new)
    elif isinstance(original, dict) and isinstance(new, dict):
        for key, old in original.items():
            if isinstance(old, _CONTAINERS) and type(old) is type(new.get(key)):
                _change(old, new[key])
                new[key] = old
        original.clear()
        original.update(new)
    elif isinstance(original, set) and isinstance(new, set):
        original.clear()
        original.update(new)


def _of_library(module: str, name: str) -> Any:
    """Return an exception of the standard library, if the tests have its module, or None."""
    top = module.split(".")[0]
    if top not in sys.stdlib_module_names or top in ("unittest", "builtins"):
        return None
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _text_of(error: BaseException) -> str:
    return str(vars(error).get("_text", BaseException.__str__(error)))


def _builtin_class(name: str) -> type:
    """Return one of the builtin classes that a program may name: of data, or of exceptions."""
    found = getattr(builtins, name, None)
    if isinstance(found, type) and (found in _DATA_TYPES or issubclass(found, Exception)):
        return found
    raise codec.Malformed(f"class {name!s:.40}")


def _texts(value: Any) -> list[str]:
    return [str(text) for text in value or ()]
