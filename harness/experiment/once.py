"""Tables that are computed once, when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar


class Keeps(Protocol):
    """What keeps its tables, each by the name of its method and what that was given."""

    _tables: dict[tuple[Any, ...], Any]


Key = ParamSpec("Key")
Table = TypeVar("Table")
Its = TypeVar("Its", bound=Keeps)


def once(
    compute: Callable[Concatenate[Its, Key], Table],
) -> Callable[Concatenate[Its, Key], Table]:
    """Compute a table when it is first asked for, and keep it."""

    @wraps(compute)
    def kept(self: Its, /, *args: Key.args, **kwargs: Key.kwargs) -> Table:
        key = (compute.__name__, *args, *kwargs.items())
        if key not in self._tables:
            self._tables[key] = compute(self, *args, **kwargs)
        table: Table = self._tables[key]
        return table

    return kept
