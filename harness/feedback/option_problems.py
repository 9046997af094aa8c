"""What is wrong with the options of a source, in lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.nouns.nearest import did_you_mean
from harness.nouns.redaction import shown

if TYPE_CHECKING:
    from pydantic import BaseModel


_QUOTE = "a value is read as YAML: put a text between single quotes"


def option_problem(entry: Any) -> str:
    """Return a line on an entry of a ValidationError; what is said of all options stands alone."""
    place, said = entry["loc"], entry["msg"]
    for kind in ("Value error, ", "Assertion failed, "):  # pydantic's, before the author's words
        said = said.removeprefix(kind)
    if not place:
        return str(said)
    line = f"{'.'.join(map(str, place))}: {said}"
    if entry["type"] == "missing":
        return line
    line = f"{line}, got {shown(entry['input'], str(place[-1]))}"
    return f"{line}; {_QUOTE}" if entry["type"] == "string_type" else line


def unknown_options(model: type[BaseModel], given: Mapping[str, Any]) -> list[str]:
    """Return a line for each option that a model has not, unless it allows extras."""
    from pydantic import AliasChoices

    if model.model_config.get("extra") == "allow":
        return []
    known = set(model.model_fields)
    for field_ in model.model_fields.values():
        for alias in (field_.alias, field_.validation_alias):
            names = alias.choices if isinstance(alias, AliasChoices) else [alias]
            known |= {n if isinstance(n, str) else str(n.path[0]) for n in names if n is not None}
    lines = []
    for option in sorted(set(given) - known):
        hint = did_you_mean(option, known, "; ")
        lines.append(f"{option}: unknown option, got {shown(given[option], option)}{hint}")
    return lines
