"""Reward functions by ``module:function``, as a command line can name them."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.nouns.errors import ConfigError, InputError
from harness.nouns.nearest import did_you_mean
from harness.nouns.raised import raised


def is_import(name: str) -> bool:
    """Tell whether a name says where a function is to be imported from."""
    module, colon, function = name.partition(":")
    return bool(colon) and all(
        part.isidentifier() for part in (*module.removesuffix(".py").split("."), function)
    )


def imported(name: str) -> Any:
    """Return the function, or what else can be called, of ``module:function``.

    Modules of the working directory are found as with ``python -m``.

    Raises:
        InputError: There is no such module, it cannot be imported, or it has no such function.
        ConfigError: What is called so is a class, or cannot be called.
    """
    where, _, attribute = name.partition(":")
    if where.endswith(".py"):
        raise InputError(
            f"{where} is a file", hint=f"name its module: {where.removesuffix('.py')}:{attribute}"
        )
    module = _module(where)
    if not hasattr(module, attribute):
        known = [one for one, value in vars(module).items() if callable(value)]
        raise InputError(
            f"module {where} has no {attribute!r}", hint=did_you_mean(attribute, known)
        )
    found = getattr(module, attribute)
    if isinstance(found, type):
        raise ConfigError(
            f"{name} is a class",
            hint=f"write in the module, say, reward = {attribute}(), and name {where}:reward",
        )
    if not callable(found) and not hasattr(found, "build"):
        raise ConfigError(f"{name} cannot be called: it is of type {type(found).__name__}")
    return found


def _module(name: str) -> ModuleType:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise InputError(f"module {name} cannot be imported: {raised(error)}") from error
        path = Path(*name.split(".")).with_suffix(".py")
        raise InputError(
            f"there is no module {name}", hint=f"{path} in the working directory would be one"
        ) from None
    except Exception as error:
        raise InputError(f"module {name} cannot be imported: {raised(error)}") from error
