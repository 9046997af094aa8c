"""What a reward function returned, read: numbers, None, or why it is neither."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping, Set
from itertools import islice
from numbers import Number
from typing import Any

from harness.nouns.errors import InputError

LARGEST = 1e12
"""The size of the largest reward, alone and with its weight.

Trainers compute in float32, square rewards and sum the squares over a rollout: far beyond that
nothing is left but infinities, and none of the differences between rewards.
"""

_TEXTS = str | bytes | bytearray | memoryview
_MISSING = frozenset(("NAType", "NaTType"))
"""Types of the missing values of pandas."""


class WrongReturnError(TypeError):
    """A function returned what cannot be read as rewards, said in its words."""


def read_rewards(returned: Any, n: int, weight: float = 1.0) -> tuple[list[float | None], str]:
    """Return one finite number or None for each completion, and why one that is no None has none.

    Lists, tuples, generators, arrays and tensors of n numbers are read, also those with further
    dimensions of 1. A text is no number, whatever it says.

    Args:
        returned: What the function returned.
        n: Completions that it was asked about.
        weight: Of the function among others.

    Raises:
        InputError: There are more or fewer.
        WrongReturnError: It is no such thing, or of a wrong type with no number in it.
    """
    found, reason, wrong = list[float | None](), "", False
    for value in _values(returned, n):
        number, problem, is_wrong = read_number(value)
        if number is not None and max(1.0, weight) * abs(number) > LARGEST:
            with_weight = f", with its weight {weight:g}" if abs(number) <= LARGEST else ""
            number, problem = None, f"{number:g}{with_weight}, beyond {LARGEST:g}"
        found.append(number)
        reason, wrong = reason or (problem and f"returned {problem}"), wrong or is_wrong
    if len(found) != n:
        many = f"more than {n}" if len(found) > n and not hasattr(returned, "__len__") else ""
        count = many or (len(returned) if hasattr(returned, "__len__") else len(found))
        raise InputError(
            f"it returned {count} rewards for {n} completions",
            hint="return one float or None for each completion",
        )
    if wrong and all(number is None for number in found):
        raise WrongReturnError(reason)
    return found, reason


def _values(returned: Any, n: int) -> list[Any]:
    """Return what a list, or what is like one, has in it: n things, one more at the most."""
    if isinstance(returned, _TEXTS):
        raise WrongReturnError(f"returned the text {returned!r:.40}, no list of numbers")
    if isinstance(returned, Mapping | Set) or hasattr(returned, "columns"):
        raise WrongReturnError(f"returned a {_kind(returned)}, no list of numbers")
    shape = getattr(returned, "shape", None)
    if isinstance(shape, tuple) and hasattr(returned, "tolist"):
        if len(shape) == 0 or math.prod(shape[1:]) != 1:
            raise WrongReturnError(f"returned an array of shape {tuple(shape)}, not ({n},)")
        if _of_time(returned):
            raise WrongReturnError(f"returned an array of {returned.dtype}, which are no numbers")
        return [_single(value) for value in islice(returned.tolist(), n + 1)]
    if not isinstance(returned, Iterable):
        one = f"{returned!r:.40}" if isinstance(returned, Number | None) else f"a {_kind(returned)}"
        raise WrongReturnError(f"returned {one}, no list of numbers")
    return list(islice(returned, n + 1))


def _single(value: Any) -> Any:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


def read_number(value: Any) -> tuple[float | None, str, bool]:
    """Return a finite number, what there is in its place, and whether that is of a wrong type."""
    if _of_time(value):  # which NumPy counts in nanoseconds, or another unit
        missing = bool((value != value).all())
        told = "" if missing else f"{value!s:.40} of type {value.dtype}, no number"
        return None, told, not missing
    if isinstance(getattr(value, "shape", None), tuple) and hasattr(value, "tolist"):
        value = _single(value.tolist())  # a number of NumPy or torch
    elif hasattr(value, "as_py"):  # of Arrow
        value = value.as_py()
    if value is None or type(value).__name__ in _MISSING:
        return None, "", False
    if isinstance(value, _TEXTS):
        return None, f"the text {value!r:.40}, no number", True
    if inspect.iscoroutine(value):
        value.close()  # nobody waits for it
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond every float
        return None, f"a whole number beyond {LARGEST:g}", False
    except Exception:
        words = f"{value!r:.40}" if isinstance(value, Number) else f"a {_kind(value)}"
        return None, f"{words}, no number", True
    if not math.isfinite(number):
        return None, f"{number}, no finite number", False
    return number, "", False


def _of_time(value: Any) -> bool:
    """Tell whether it is dates or spans of time of NumPy, of which ``tolist`` makes numbers."""
    return getattr(getattr(value, "dtype", None), "kind", "") in ("m", "M") and hasattr(
        value, "tolist"
    )


def _kind(value: Any) -> str:
    return type(value).__name__
