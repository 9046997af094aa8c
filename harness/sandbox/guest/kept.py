"""Objects of a program's own classes of lists, dictionaries and sets, as the tests see them.

Their data crosses and is a plain copy here; what their class adds to it, and what changes it, is
asked over there, after which the copy is made anew. A copy that the tests have changed in another
way (``+=``) is asked nothing.
"""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

from harness.sandbox.guest import codec
from harness.sandbox.guest.objects import Remote

_CHANGING = frozenset(
    "append extend insert pop remove clear sort reverse add discard update setdefault popitem"
    " difference_update intersection_update symmetric_difference_update".split()
)
"""Methods of plain lists, dictionaries and sets, which the object must go through, too."""


class Owner(Protocol):
    """The program, as these objects ask it; see ``proxies.Program``."""

    def refuse(self, what: str) -> NoReturn:
        """Note that the tests cannot be run from outside the program's process."""

    def attribute(self, handle: dict[str, Any], name: str, of_made: bool) -> Any:
        """Return an attribute of an object over there."""

    def operate(self, operation: str, *operands: Any) -> Any:
        """Apply an operation of Python to objects over there."""

    def plain(self, handle: dict[str, Any]) -> Any:
        """Return the data of an object over there."""


class Kept:
    """What the copies of all kinds share."""

    _program: Owner
    _handle: dict[str, Any]
    _added: frozenset[str] = frozenset()
    _seen: str

    def __getattribute__(self, name: str) -> Any:
        if name not in _CHANGING and name not in object.__getattribute__(self, "_added"):
            return super().__getattribute__(name)
        handle = handle_of(self)
        found = self._program.attribute(handle, name, True)
        if not isinstance(found, Remote):
            return found

        def method(*args: Any, **kwargs: Any) -> Any:
            handle_of(self)
            try:
                return found(*args, **kwargs)
            finally:
                renew(self)

        return method

    def __setitem__(self, key: Any, value: Any) -> None:
        self._program.operate("setitem", self, key, value)
        renew(self)

    def __delitem__(self, key: Any) -> None:
        self._program.operate("delitem", self, key)
        renew(self)


def kept(program: Owner, handle: dict[str, Any], added: list[Any], value: Any) -> Any:
    """Return the copy of an object.

    Args:
        program: Where the object is.
        handle: Its number there.
        added: Names that its class adds to those of a plain list, dictionary or set, or replaces.
        value: Its data.
    """
    kind = type("Kept" + type(value).__name__, (Kept, type(value)), {"__hash__": None})
    copy = kind(value)
    given = {"_program": program, "_handle": handle, "_added": frozenset(map(str, added))}
    vars(copy).update(given, _seen=_spelled(copy))
    return copy


def handle_of(copy: Kept) -> dict[str, Any]:
    """Return the number of the object, if it is what its copy is."""
    if _spelled(copy) != copy._seen:
        copy._program.refuse("change the data of an object of the program's class by themselves")
    return copy._handle


def renew(copy: Any) -> None:
    """Make the copy equal to its object."""
    data = copy._program.plain(copy._handle)
    if isinstance(copy, list) and isinstance(data, list):
        list.__setitem__(copy, slice(None), data)
    elif isinstance(copy, dict) and isinstance(data, dict):
        dict.clear(copy)
        dict.update(copy, data)
    elif isinstance(copy, set) and isinstance(data, set):
        set.clear(copy)
        set.update(copy, data)
    copy._seen = _spelled(copy)


def _spelled(copy: Any) -> str:
    return codec.dumps(codec.to_tree(copy, _number))


def _number(value: Any) -> Any:
    return value._handle if isinstance(value, Remote) else {"o": id(value)}
