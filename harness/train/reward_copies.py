"""Copies of what reward functions are called with: one that edits it edits nobody else's."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.nouns.schema import Item

_FIXED = frozenset((str, int, float, bool, bytes, type(None)))
_SHARED = frozenset(("log_metric", "log_extra", "environments"))
"""Arguments that are for the trainer, or that live."""


def own(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of one function, of which it may change what it likes."""
    return {k: value if k in _SHARED else fresh(value) for k, value in arguments.items()}


def fresh(value: Any) -> Any:
    """Return a copy of a value with all that is in it; what cannot be copied stays the same."""
    kind = type(value)
    if kind in _FIXED:
        return value
    if kind is list:
        return value.copy() if {*map(type, value)} <= _FIXED else [fresh(one) for one in value]
    if kind is dict:
        return {key: fresh(one) for key, one in value.items()}
    if kind is tuple:
        return tuple(fresh(one) for one in value)
    if kind is Item:
        fields = {key: fresh(getattr(value, key)) for key in ("prompt", "reference", "metadata")}
        return replace(value, **fields)
    if hasattr(value, "log_history"):  # of transformers: a row for each step, in each call
        state = copy.copy(value)
        vars(state).update({key: fresh(one) for key, one in vars(value).items()})
        return state
    try:
        return copy.deepcopy(value)
    except Exception:
        return value
