"""One options object for each command: its fields are the command's arguments and options."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from harness.nouns.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What every command with progress is given."""

    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False


@dataclass(frozen=True, kw_only=True)
class Asking(Shown):
    """What a command that may ask a model is given."""

    concurrency: Annotated[int, typer.Option(min=1, help="Requests in flight at once.")] = 32
    budget: Annotated[
        float | None, typer.Option(min=0, help="Stop before spending more, in dollars.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Items and what was answered."""

    items: Annotated[Path, typer.Option(help="JSONL file of items.")]
    responses: Annotated[Path, typer.Option(help="JSONL file of responses.")]


@dataclass(frozen=True, kw_only=True)
class OneSource:
    """A source by name, with its options."""

    source: Annotated[str, typer.Option(help="Name of the source; see harness plugins.")]
    option: Annotated[
        list[str] | None, typer.Option(help="Option of the source, key=value; repeatable.")
    ] = None


def one_object(command: Callable[[Any], None]) -> Callable[..., None]:
    """Make a typer command of a function that takes one dataclass of options.

    The dataclass declares each option as typer does: ``Annotated[type, typer.Option(...)]``, with a
    default where it may be left out. Commands that share options inherit them: a parent with an
    option that must be given stands before the command's own, any other one after.

    Args:
        command: Called with the filled dataclass, its parameter's annotation.
    """
    (parameter,) = inspect.signature(command).parameters
    options = get_type_hints(command)[parameter]
    hints = get_type_hints(options, include_extras=True)
    parameters = []
    fields = {field.name: field for field in dataclasses.fields(options)}
    for field in (fields[name] for name in _in_order(options)):
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


def _in_order(options: type) -> dict[str, None]:
    """Return the names of the fields as the help page has them."""
    own, parents = options, options.__mro__[1:-1]
    first = [kind for kind in parents if any(not hasattr(kind, n) for n in kind.__annotations__)]
    last = [kind for kind in parents if kind not in first]
    kinds = (*first, own, *last)
    return dict.fromkeys(name for kind in kinds for name in kind.__annotations__)


def filled(kind: type[T], options: Any, /, **other: Any) -> T:
    """Return a settings object with what the options hold under the names of its fields.

    Args:
        kind: A dataclass.
        options: A command's options.
        other: Fields that the options call otherwise, or hold as text.
    """
    names = (field.name for field in dataclasses.fields(kind))  # type: ignore[arg-type]
    given = {n: getattr(options, n) for n in names if n not in other and hasattr(options, n)}
    return kind(**given, **other)


def split_pairs(pairs: Iterable[str], flag: str) -> dict[str, str]:
    """Return what a repeatable option key=value was given, as text.

    Args:
        pairs: As the command line has them.
        flag: The option's name, for messages.

    Raises:
        ConfigError: There is no "=", or a key is given twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise ConfigError(f"{flag} {pair!r} is not key=value")
        if key in found:
            raise ConfigError(f"{flag} {key} is given twice")
        found[key] = value
    return found


def key_values(pairs: Iterable[str] | None, flag: str = "--option") -> dict[str, Any]:
    """Return key=value options with the values read as YAML, so that 3 is a number.

    Raises:
        ConfigError: A pair has no "=", or a key is given twice.
    """
    import yaml

    found: dict[str, Any] = {}
    for key, text in split_pairs(pairs or (), flag).items():
        try:
            found[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            found[key] = text
    return found


def options_of_sources(pairs: Iterable[str] | None, names: Collection[str]) -> dict[str, Any]:
    """Return the options of each named source, by its name.

    Args:
        pairs: ``NAME.key=value``, as the command line has them.
        names: The sources that the command was given.

    Raises:
        ConfigError: A pair is not NAME.key=value, is given twice, or names no source given.
    """
    options: dict[str, dict[str, Any]] = {name: {} for name in names}
    for path, value in key_values(pairs).items():
        name, _, key = path.partition(".")
        if not key or name not in options:
            raise ConfigError(
                f"--option {path!r} is not NAME.key=value for a source of this command",
                hint=f"sources: {', '.join(options) or 'none'}",
            )
        options[name][key] = value
    return options


def checked_way(way: str | None) -> Any:
    """Return ``--way`` if there is such a way of judging; None stays None.

    Raises:
        ConfigError: It is neither pointwise nor pairwise.
    """
    if way not in (None, "pointwise", "pairwise"):
        raise ConfigError(f"--way is {way!r}", hint="use pointwise or pairwise")
    return way
