"""Values as tagged JSON: what crosses between the tested process and the ones that are trusted.

JSON has no tuples, sets, bytes, NaN or keys that are not texts, so these are tagged: an object with
one short key. Nothing that is decoded can run code. Sets are sorted by their members' encodings;
dictionaries keep their order, which comparison ignores.
"""

from __future__ import annotations

import builtins
import datetime
import json
import struct
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

MAX_DEPTH = 100
LENGTH = struct.Struct("<I")

_BUILTINS = dict(vars(builtins))
_DATE, _TIME = ("year", "month", "day"), ("hour", "minute", "second", "microsecond")
_MOMENTS: dict[type, tuple[str, ...]] = {
    datetime.date: _DATE,
    datetime.time: _TIME,
    datetime.datetime: _DATE + _TIME,
    datetime.timedelta: ("days", "seconds", "microseconds"),
}
_MOMENT_TYPES: dict[str, Callable[..., Any]] = {kind.__name__: kind for kind in _MOMENTS}
_GROUPS: dict[str, Callable[[Iterable[Any]], Any]] = {"t": tuple, "s": set, "z": frozenset}
_TEXTS: dict[str, Callable[[str], Any]] = {
    kind.__name__: kind for kind in (PosixPath, PurePosixPath, PureWindowsPath, UUID)
}
_FACTORIES = (int, float, str, list, dict, set, bool, tuple)
_READ: dict[str, Callable[[Any], Any]] = {
    "b": bytes.fromhex,
    "a": bytearray.fromhex,
    "i": lambda digits: int(digits, 16),
    "f": float,
    "n": Decimal,
}


class Unencodable(TypeError):
    """The value is not plain data; the message names its type."""


class Malformed(Exception):
    """The bytes are not an encoding."""


def dumps(tree: object) -> str:
    """Return the JSON text of a tree in its one canonical spelling."""
    return json.dumps(tree, separators=(",", ":"), allow_nan=False)


def to_tree(value: Any, opaque: Callable[[Any], Any] | None = None, depth: int = 0) -> Any:
    """Return the JSON tree of a value.

    Subclasses count as their base: data is what crosses, behaviour stays behind.

    ``opaque`` is called for what is not plain data, and returns the tree to use instead.

    Raises:
        Unencodable: It is not plain data and ``opaque`` is None, or it is nested too deep.
    """
    if value is None or value is True or value is False:
        return value
    kind = type(value)
    if kind is str:
        return value
    if kind is int:
        # The interpreter refuses to write very long integers as decimal digits.
        return value if -(10**18) < value < 10**18 else {"i": hex(value)}
    if kind is float:
        return value if value - value == 0.0 else {"f": repr(value)}
    if depth > MAX_DEPTH:
        raise Unencodable("nested too deep")
    if kind is list:
        return [to_tree(v, opaque, depth + 1) for v in value]
    if kind is tuple:
        return {"t": [to_tree(v, opaque, depth + 1) for v in value]}
    if kind is dict:
        pairs = [
            (to_tree(k, opaque, depth + 1), to_tree(v, opaque, depth + 1)) for k, v in value.items()
        ]
        return {"d": pairs}
    if kind is set or kind is frozenset:
        members = [to_tree(v, opaque, depth + 1) for v in value]
        return {"s" if kind is set else "z": sorted(members, key=dumps)}
    if kind is bytes:
        return {"b": value.hex()}
    if kind is complex:
        return {"c": [repr(value.real), repr(value.imag)]}
    if kind is range:
        return {"r": [to_tree(part) for part in (value.start, value.stop, value.step)]}
    if kind is bytearray:
        return {"a": value.hex()}
    if kind is deque:
        return {"q": [[to_tree(v, opaque, depth + 1) for v in value], value.maxlen]}
    if kind is Decimal:
        return {"n": str(value)}
    if kind is Fraction:
        return {"p": [to_tree(value.numerator), to_tree(value.denominator)]}
    if kind in _MOMENTS and getattr(value, "tzinfo", None) is None:
        return {"m": [kind.__name__, *(getattr(value, name) for name in _MOMENTS[kind])]}
    if opaque is not None and kind is slice:
        parts = (value.start, value.stop, value.step)
        return {"l": [to_tree(part, opaque, depth + 1) for part in parts]}
    if opaque is not None:
        dressed = _dressed(value)
        if dressed is not None:
            return {"w": [dressed[0], dressed[1], to_tree(dressed[2], opaque, depth + 1)]}
    for base in (str, int, float, list, tuple, dict, set, frozenset, bytes):
        if isinstance(value, base):
            return to_tree(_as_base(base, value), opaque, depth)
    if opaque is not None:
        return opaque(value)
    raise Unencodable(kind.__name__)


def _dressed(value: Any) -> tuple[str, Any, Any] | None:
    """Return the name, the parameter and the plain data of a value of a library's type.

    Tests use more of these than their data: ``point.x``, ``counter.most_common()``.
    """
    kind = type(value)
    fields = getattr(kind, "_fields", None)
    if isinstance(value, tuple) and isinstance(fields, tuple) and fields:
        return "namedtuple", [kind.__name__, list(fields)], tuple(tuple.__iter__(value))
    if kind is Counter or kind is OrderedDict:
        return kind.__name__, None, dict(value)
    if kind is defaultdict:
        factory = value.default_factory
        name = builtin_name(factory) if isinstance(factory, type) else None
        return ("defaultdict", name, dict(value)) if name or factory is None else None
    if isinstance(value, PurePath | UUID) and kind.__name__ in _TEXTS:
        return kind.__name__, None, str(value)
    return None


def _undressed(kind: str, parameter: Any, data: Any) -> Any:
    if kind == "namedtuple":
        name, fields = parameter
        return _named_tuple(str(name), tuple(map(str, fields)))(*data)
    if kind == "defaultdict":
        factory = getattr(builtins, str(parameter)) if parameter else None
        if factory is not None and factory not in _FACTORIES:
            raise ValueError("no factory")
        return defaultdict(factory, data)
    if kind in _TEXTS:
        return _TEXTS[kind](str(data))
    return {"Counter": Counter, "OrderedDict": OrderedDict}[kind](data)


@lru_cache(maxsize=256)
def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    """Return a class that checks its own names, which stand in code that it writes."""
    return namedtuple(name, fields)


def _as_base(base: Any, value: Any) -> Any:
    """Copy through the base's own methods, whatever the subclass overrides."""
    if base is str:
        return str.__str__(value)
    if base is int:
        return int.__int__(value)
    if base is float:
        return float.__float__(value)
    if base is dict:
        return {k: dict.__getitem__(value, k) for k in dict.__iter__(value)}
    if base is bytes:
        return bytes.__getitem__(value, slice(None))
    return base(base.__iter__(value))


def _integer(tree: Any) -> int:
    number = from_tree(tree)
    if type(number) is not int:
        raise TypeError("not a whole number")
    return number


def from_tree(tree: Any, opaque: Callable[[str, Any], Any] | None = None) -> Any:
    """Return the value of a tree.

    Sets and dictionaries are really built, which colliding keys can make slow: only where a hard
    time limit holds.

    Raises:
        Malformed: The tree is not an encoding.
    """
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if isinstance(tree, list):
        return [from_tree(v, opaque) for v in tree]
    if not isinstance(tree, dict) or len(tree) != 1:
        raise Malformed("not a tagged value")
    ((tag, body),) = tree.items()
    try:
        if tag in _READ:
            return _READ[tag](body)
        if tag in _GROUPS:
            return _GROUPS[tag](from_tree(v, opaque) for v in body)
        if tag == "d":
            return {from_tree(k, opaque): from_tree(v, opaque) for k, v in body}
        if tag == "c":
            return complex(float(body[0]), float(body[1]))
        if tag == "q":
            return deque((from_tree(v, opaque) for v in body[0]), body[1])
        if tag == "p":
            # Whole numbers only: of "1e999999999" or of a float a fraction may take forever.
            return Fraction(*map(_integer, body))
        if tag == "m":
            name, *parts = body
            return _MOMENT_TYPES[name](*parts)
        if tag == "r":
            return range(*(from_tree(part) for part in body))
        if opaque is not None and tag == "l":
            return slice(*(from_tree(part, opaque) for part in body))
        if opaque is not None and tag == "w":
            return _undressed(str(body[0]), body[1], from_tree(body[2], opaque))
        if opaque is not None:
            return opaque(tag, body)
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise Malformed(f"tag {tag}: {error}") from error
    raise Malformed(f"unknown tag {tag!r:.20}")


def parse(data: bytes) -> Any:
    """Return the tree in some bytes from the tested process.

    Raises:
        Malformed: They are not JSON, or nested too deep.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError, MemoryError) as error:
        raise Malformed(f"not JSON: {error!s:.80}") from error


def frame(tree: object) -> bytes:
    """Return a tree as a length and its JSON bytes."""
    data = dumps(tree).encode()
    return LENGTH.pack(len(data)) + data


def builtin_name(value: Any) -> str | None:
    """Return the name of a builtin type, exception or function, or None.

    What a program puts among the builtins is none.
    """
    name = getattr(value, "__name__", None)
    if isinstance(name, str) and _BUILTINS.get(name) is value:
        return name
    return None
