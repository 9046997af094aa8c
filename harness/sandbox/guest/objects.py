"""Objects of a program that stay with it, as the tests see them.

Plain data never comes here: it crosses by value and is compared on this side. An object is never
equal to plain data. The program's own code answers for its objects, so whatever hands it a value
of the tests could hand it the expected value: such a run is marked (``Program.mark``). Not marked
is what a test of a class cannot do without: methods of an object that the tests made themselves,
from a class that they name.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NoReturn, Protocol

from harness.sandbox.guest.test_names import is_class_name

_COMPARISONS = ("lt", "le", "gt", "ge", "contains")
_UNARY = "len iter next str repr bool int float reversed index neg pos abs invert enter".split()
_ITEMS = ("getitem", "setitem", "delitem")
_STREAMS = ("next", "enter")
_BINARY = "add sub mul truediv floordiv mod pow matmul lshift rshift and or xor".split()
# Methods of plain data whose answer alone can be a verdict on their argument.
_QUESTIONS = frozenset(
    "startswith endswith issubset issuperset isdisjoint symmetric_difference difference"
    " intersection".split()
)


class Owner(Protocol):
    """The program, as its objects ask it; see ``proxies.Program``."""

    questions: int

    def mark(self, what: str) -> None:
        """Note that the program could decide the tests from here on."""

    def refuse(self, what: str) -> NoReturn:
        """Note that the tests cannot be run from outside the program's process."""

    def call(
        self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, made: bool = False
    ) -> Any:
        """Call something over there."""

    def operate(self, operation: str, *operands: Any) -> Any:
        """Apply an operation of Python to objects over there."""

    def attribute(self, handle: dict[str, Any], name: str, of_made: bool) -> Any:
        """Return an attribute of an object over there."""

    def assign(self, handle: dict[str, Any], name: str, value: Any) -> None:
        """Set an attribute of an object over there."""


class Remote:
    """An object that stayed with the program.

    Args:
        program: Where it is.
        handle: Its name there.
        made: Whether the tests made it, from a class that they name.
        method: Name under which it was taken from another object.
        of_made: Whether they had made that one.
    """

    _program: Owner
    _handle: dict[str, Any]
    _made: bool
    _method: str
    _of_made: bool
    _asked: tuple[str, int]

    def __init__(
        self,
        program: Owner,
        handle: dict[str, Any],
        *,
        made: bool = False,
        method: str = "",
        of_made: bool = False,
    ) -> None:
        given = {"_program": program, "_handle": handle, "_made": made, "_method": method}
        for name, value in {**given, "_of_made": of_made, "_asked": ("", 0)}.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self._program.attribute(self._handle, name, self._made)

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._made and not isinstance(value, Remote):
            self._program.mark(f"hand {name} to an object of the program")
        self._program.assign(self._handle, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object over there."""
        tested = self._of_made and self._method not in _QUESTIONS
        if self._method and (args or kwargs) and not tested:
            self._program.mark(f"call {self._method} of an object of the program")
        return self._program.call(self._handle, args, kwargs)

    def __await__(self) -> Generator[Any, None, Any]:
        return self._program.operate("await", self)
        yield

    def __aiter__(self) -> Any:
        return self._program.operate("aiter", self)

    async def __anext__(self) -> Any:
        return self._program.operate("anext", self)

    async def __aenter__(self) -> Any:
        return self._program.operate("aenter", self)

    async def __aexit__(self, kind: object, *_: object) -> bool:
        return self._leave("aexit", kind)

    def __exit__(self, kind: object, *_: object) -> bool:
        return self._leave("exit", kind)

    def _leave(self, operation: str, kind: object) -> bool:
        swallows = self._program.operate(operation, self) not in (None, False)
        if kind is not None and swallows:
            self._program.mark("let a context manager of the program swallow an exception")
        return swallows

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, Remote) and not self._made:
            return False
        self._program.mark("compare objects of the program")
        if not isinstance(other, Remote):
            return self._program.operate("eq", self, other)
        return other._handle == self._handle or self._program.operate("eq", self, other)

    def __hash__(self) -> int:
        self._program.mark("compare objects of the program")
        return int(self._program.operate("hash", self))

    def __copy__(self) -> Remote:
        if self._made:
            self._program.refuse("copy an object of the program")
        self._program.mark("copy an object of the program")
        return self

    def __deepcopy__(self, _: object) -> Remote:
        return self.__copy__()

    def __format__(self, form: str) -> Any:
        return self._program.operate("format", self, form)

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("cannot pickle an object of the program")


class RemoteClass(type):
    """A class of the program: calling it makes an object over there."""

    _program: Owner
    _handle: dict[str, Any]

    def __new__(cls, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> RemoteClass:
        """Make the proxy; tests cannot derive a class of their own from it."""
        for base in bases:
            if isinstance(base, RemoteClass):
                base._program.refuse("derive a class from one of the program")
        return super().__new__(cls, name, bases, names)

    @property
    def _made(cls) -> bool:
        return is_class_name(cls.__name__)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an instance over there."""
        return cls._program.call(cls._handle, args, kwargs, made=cls._made)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls._program.attribute(cls._handle, name, cls._made)

    def __getitem__(cls, key: Any) -> Any:
        cls._program.mark("hand a value to a class of the program (getitem)")
        return cls._program.operate("getitem", cls, key)

    def __iter__(cls) -> Any:
        return cls._program.operate("iter", cls)

    def __len__(cls) -> Any:
        return cls._program.operate("len", cls)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance_of(cls, instance, Remote, "isinstance")

    def __subclasscheck__(cls, other: type) -> bool:
        return cls is other or isinstance_of(cls, other, RemoteClass, "issubclass")


def isinstance_of(cls: RemoteClass, asked: object, kind: type, operation: str) -> bool:
    """Ask the program about one of its own objects; nothing else is of its classes."""
    if not issubclass(type(asked), kind):
        return False
    return cls._program.operate(operation, asked, cls) is True


def _operation(name: str, swapped: bool = False) -> Callable[..., Any]:
    def method(self: Remote, *operands: Any) -> Any:
        own = self._made and all(isinstance(o, Remote) and o._made for o in operands)
        if operands and not own and not (self._made and name in _ITEMS):
            self._program.mark(f"hand a value to an object of the program ({name.strip('_')})")
        elif name in _COMPARISONS:
            self._program.mark("compare objects of the program")
        order = (*operands, self) if swapped else (self, *operands)
        answer = self._program.operate(name, *order)
        if not operands and not self._made and name not in _STREAMS:
            _asked_once(self, name)
        return answer

    return method


def _asked_once(asked: Remote, question: str) -> None:
    """Note a second question: data cannot be of length 6 and then empty, an object can."""
    before, number = asked._asked
    if (before, question) == ("iter", "len") and number == asked._program.questions - 1:
        return  # list() and the like want a hint
    if before:
        asked._program.mark(f"ask an object of the program twice ({before}, {question})")
    object.__setattr__(asked, "_asked", (question, asked._program.questions))


for _name in [*_UNARY, *_ITEMS, *_COMPARISONS]:
    setattr(Remote, f"__{_name}__", _operation(_name))
for _name in _BINARY:
    _there = _name + "_" if _name in ("and", "or") else _name
    setattr(Remote, f"__{_name}__", _operation(_there))
    setattr(Remote, f"__r{_name}__", _operation(_there, swapped=True))
