"""One options object for each command: its fields are the command's arguments and options."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints


def one_object(command: Callable[[Any], None]) -> Callable[..., None]:
    """Make a typer command of a function that takes one dataclass of options.

    The dataclass declares each option as typer does: ``Annotated[type, typer.Option(...)]``, with a
    default where it may be left out. Commands that share options inherit from one dataclass.

    Args:
        command: Called with the filled dataclass, its parameter's annotation.
    """
    (parameter,) = inspect.signature(command).parameters
    options = get_type_hints(command)[parameter]
    hints = get_type_hints(options, include_extras=True)
    parameters = []
    for field in dataclasses.fields(options):
        default: Any = inspect.Parameter.empty
        if field.default is not dataclasses.MISSING:
            default = field.default
        elif field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        parameters.append(
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=default,
                annotation=hints[field.name],
            )
        )

    def run(**given: Any) -> None:
        command(options(**given))

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {name: hints[name] for name in hints}
    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__module__ = command.__module__
    return run
