"""One options object for each command: its fields are the command's arguments and options."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer

from harness.nouns.errors import ConfigError
from harness.nouns.hashing import MAX_SEED
from harness.nouns.redaction import HIDDEN, is_secret_name, keep_secrets_in_text, redact

T = TypeVar("T")

SEED = typer.Option(min=0, max=MAX_SEED)
Seed = Annotated[int, SEED]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What every command with progress is given.

    Args:
        quiet: Show no progress.
    """

    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Asking(Shown):
    """What a command that may ask a model is given.

    Args:
        concurrency: Requests in flight at once.
        budget: Stop before spending more, in dollars.
    """

    concurrency: Annotated[int, typer.Option(min=1)] = 32
    budget: Annotated[float | None, typer.Option(min=0)] = None


@dataclass(frozen=True, kw_only=True)
class Verifying:
    """What a command that may run a verifier is given.

    Args:
        timeout: Seconds for one response, of a verifier that has no limit of its own.
    """

    timeout: Annotated[float, typer.Option(min=0.001)] = 60.0


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Items and what was answered.

    Args:
        items: JSONL file of items.
        responses: JSONL file of responses.
    """

    items: Path
    responses: Path


@dataclass(frozen=True, kw_only=True)
class OneSource:
    """A source by name, with its options.

    Args:
        source: Name of the source; see harness plugins.
        option: Option of the source, key=value; repeatable.
    """

    source: str
    option: list[str] | None = None


def one_object(command: Callable[[Any], None]) -> Callable[..., None]:
    """Make a typer command of a function that takes one dataclass of options.

    What the dataclass says of a field under ``Args`` is the help of the option; a field without a
    default must be given. What typer must know besides (limits, another flag) stands in
    ``Annotated[type, typer.Option(...)]``. Commands that share options inherit them: a parent with
    an option that must be given stands before the command's own, any other one after.
    """
    (parameter,) = inspect.signature(command).parameters
    options = get_type_hints(command)[parameter]
    parameters = [_typer_parameter(field, kind) for field, kind in _in_order(options)]

    def run(**given: Any) -> None:
        made = options(**given)
        _keep_apart(made)
        command(made)

    functools.update_wrapper(run, command)
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


_WRITTEN = (
    "anchors out html_file json_file preferences rewards export export_corrections items_out"
    " responses_out"
).split()
_STORES = ("store",)
_NAMED_FILES = ("responses", "trained_on", "option", "rubric", "constitution", "labels")
"""Options that hold files as text: NAME=FILE, key=FILE, or a name or FILE."""
_FILES_OR_IDS = ("data",)


def _keep_apart(options: Any) -> None:
    """Refuse a command that would write over one of its own files."""
    from harness.records.places import keep_apart

    hints = get_type_hints(type(options), include_extras=True)
    read: list[tuple[str, Path]] = []
    written: list[tuple[str, Path]] = []
    stores: list[tuple[str, Path]] = []
    for field in dataclasses.fields(options):
        flag = _flag(hints[field.name], field.name)
        held = getattr(options, field.name)
        for one in held if isinstance(held, list) else [held]:
            if isinstance(one, str) and field.name in _NAMED_FILES:
                name, _, file = one.rpartition("=")
                read.append((f"{flag} {name}".strip(), Path(file)))
            elif isinstance(one, str) and field.name in _FILES_OR_IDS:
                read.append((flag, Path(one)))
            elif isinstance(one, Path):
                kind = written if field.name in _WRITTEN else read
                (stores if field.name in _STORES else kind).append((flag, one))
    written += options.besides() if hasattr(options, "besides") else []
    keep_apart(written, read, stores)


def _flag(hint: Any, name: str) -> str:
    """Return what a file is given as on the command line."""
    option = get_args(hint)[1] if get_origin(hint) is Annotated else typer.Option()
    if isinstance(option, typer.models.ArgumentInfo):
        return name.upper()
    # Without a default of its own, typer's first name stands where the default would.
    said = [n for n in (option.default, *(option.param_decls or ())) if isinstance(n, str)]
    return said[0] if said else f"--{name.replace('_', '-')}"


def _in_order(options: type) -> Iterator[tuple[dataclasses.Field[Any], type]]:
    """Yield the fields as the help page has them, each with the class that declares it."""
    own, parents = options, options.__mro__[1:-1]
    first = [kind for kind in parents if any(not hasattr(kind, n) for n in kind.__annotations__)]
    last = [kind for kind in parents if kind not in first]
    fields = {field.name: field for field in dataclasses.fields(options)}
    places = dict.fromkeys(name for kind in (*first, own, *last) for name in kind.__annotations__)
    for name in places:
        yield fields[name], next(k for k in options.__mro__ if name in k.__annotations__)


def _typer_parameter(field: dataclasses.Field[Any], declared_in: type) -> inspect.Parameter:
    hint = get_type_hints(declared_in, include_extras=True)[field.name]
    kind, option = get_args(hint) if get_origin(hint) is Annotated else (hint, None)
    if option is None:  # a flag has no --no- form
        option = typer.Option(*[f"--{field.name.replace('_', '-')}"] * (kind is bool))
    option = copy.copy(option)  # commands share the one of a seed, and each has a help of its own
    option.help = option.help or _said(declared_in, field.name)
    given = field.default is not dataclasses.MISSING
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=field.default if given else inspect.Parameter.empty,
        annotation=Annotated[kind, option],
    )


def _said(options: type, name: str) -> str:
    """Return what the docstring of a dataclass says of a field."""
    found = re.search(rf"\n    {name}: ((?:.+|\n {{8}})+)", inspect.getdoc(options) or "")
    return " ".join(found[1].split()) if found else ""


def filled(kind: type[T], options: Any, /, **other: Any) -> T:
    """Return a settings object with what the options hold under the names of its fields.

    ``other`` are fields that the options call otherwise, or hold as text.
    """
    names = (field.name for field in dataclasses.fields(kind))  # type: ignore[arg-type]
    given = {n: getattr(options, n) for n in names if n not in other and hasattr(options, n)}
    return kind(**given, **other)


def split_pairs(pairs: Iterable[str] | None, flag: str) -> dict[str, str]:
    """Return what a repeatable option ``flag`` was given as key=value, as text.

    Raises:
        ConfigError: There is no "=", or a key is given twice.
    """
    found: dict[str, str] = {}
    for pair in pairs or ():
        key, separator, value = map(str.strip, pair.partition("="))
        if not separator or not key:
            raise ConfigError(f"{flag} {_told(pair)!r} is not key=value")
        if key in found:
            raise ConfigError(f"{flag} {key} is given twice")
        found[key] = value
    return found


def _told(pair: str) -> str:
    """Return what is no pair for a message, without the secret that it may hold."""
    name, mark, _ = pair.partition(":")
    if mark and is_secret_name(name):
        return f"{name}:{HIDDEN}"
    keep_secrets_in_text(pair)
    return redact(pair)


def told_of(words: Sequence[str], message: str) -> str:
    """Return a message about the words of a command line without the secrets in them."""
    values = [value for name, value in pairwise(words) if "=" not in name and is_secret_name(name)]
    for word in words:
        while "=" in word:
            name, _, word = word.partition("=")
            if is_secret_name(name):
                values.append(word)
    for value in filter(None, values):
        message = message.replace(value, HIDDEN)
    return redact(message)


def key_values(pairs: Iterable[str] | None, flag: str = "--option") -> dict[str, Any]:
    """Return key=value options with the values read as YAML, so that 3 is a number.

    A value that is no YAML is the text that it is.

    Raises:
        ConfigError: A pair has no "=", or a key is given twice.
    """
    from harness.nouns.yaml_file import parse_yaml

    found: dict[str, Any] = {}
    for key, text in split_pairs(pairs, flag).items():
        try:
            found[key] = parse_yaml(text)
        except ValueError:
            found[key] = text
    return found


def options_of_sources(pairs: Iterable[str] | None, names: Collection[str]) -> dict[str, Any]:
    """Return the options of each source by name, given as NAME.key=value.

    Raises:
        ConfigError: A pair is not NAME.key=value, is given twice, or names no source given.
    """
    options: dict[str, dict[str, Any]] = {name: {} for name in names}
    for path, value in key_values(pairs).items():
        # The folder of a reward model may have dots of its own.
        name = max((one for one in options if path.startswith(f"{one}.")), key=len, default="")
        key = path[len(name) + 1 :]
        if not key or not name:
            raise ConfigError(
                f"--option {path!r} is not NAME.key=value for a source of this command",
                hint=f"sources: {', '.join(options) or 'none'}",
            )
        options[name][key] = value
    return options


def files_of(entries: Iterable[str] | None, flag: str) -> dict[str, list[Path]]:
    """Return the files of each name, written as NAME=FILE; a name may have several.

    Raises:
        ConfigError: An entry is written otherwise.
    """
    files: dict[str, list[Path]] = {}
    for entry in entries or ():
        name, _, file = entry.partition("=")
        if not (name and file):
            raise ConfigError(f"{flag} {entry!r} is not NAME=FILE")
        files.setdefault(name, []).append(Path(file))
    return files


def checked_way(way: str | None, lists: bool = False) -> Any:
    """Return ``--way`` if there is such a way of judging; None stays None.

    Raises:
        ConfigError: It is neither pointwise nor pairwise, nor listwise where there are lists.
    """
    if way not in (None, "pointwise", "pairwise", *(["listwise"] if lists else [])):
        hint = "use pointwise, pairwise or listwise" if lists else "use pointwise or pairwise"
        raise ConfigError(f"--way is {way!r}", hint=hint)
    return way
