"""Verifier: the response is JSON that a schema accepts.

Nothing is ever fetched: a schema stands alone, but for the published meta-schemas, which come with
the library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from harness.plugin import (
    ConfigError,
    DataError,
    Item,
    MissingExtraError,
    Response,
    RunContext,
    SourceFactory,
    Status,
    Verdict,
    file_text,
    hookimpl,
    marked_blocks,
    parsed_json,
    verifier,
)

_HINT = "put what it refers to under $defs; references are never fetched"
_NOT_HELD = "the schema refers to {!r:.200}, which it does not hold"
_ASCII = frozenset(("date", "time", "date-time", "ipv4", "ipv6", "uuid"))
_LABELS = frozenset({"json", "jsonc", "json5", "jsonl"})


class JsonSchemaOptions(BaseModel):
    """Options of ``json_schema``.

    Args:
        json_schema: The schema; by default the item's reference is one.
        file: JSON file with the schema.
        where: ``whole``: the response is nothing but JSON; ``fenced``: its last block of JSON is,
            or all of it where nothing is fenced; see docs/verifiers.md.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    json_schema: Mapping[str, Any] | None = None
    file: str | None = None
    where: Literal["whole", "fenced"] = "whole"


def _check(ctx: RunContext, options: JsonSchemaOptions) -> None:
    """Refuse a schema of the options that cannot be used."""
    schema = _schema(options, None)
    wrong = "" if schema is None else _wrong(schema)
    if wrong:
        raise ConfigError(wrong, where=options.file or "json_schema", hint=_HINT)


@verifier(name="json_schema", version="3", options=JsonSchemaOptions, cpu_s=1.0, check=_check)
def json_schema(item: Item, response: Response, options: JsonSchemaOptions) -> Verdict:
    """Parse the response as JSON and check it against a schema (draft 2020-12 by default)."""
    schema = _schema(options, item)
    if schema is None:
        return Verdict(Status.ABSTAINED, rationale="there is no schema")
    wrong = _wrong(schema)
    from referencing.exceptions import Unresolvable

    if wrong:
        return Verdict(Status.ERROR, rationale=wrong)
    try:
        document = _loads(_document(response.text) if options.where == "fenced" else response.text)
    except (ValueError, RecursionError) as error:
        return Verdict(Status.OK, False, rationale=f"format: not JSON: {error}"[:300])
    try:
        problem = _problem(schema, document)
    except Unresolvable as error:  # in a place where no reference is looked for beforehand
        return Verdict(Status.ERROR, rationale=_NOT_HELD.format(error.ref))
    if problem:
        return Verdict(Status.OK, False, rationale=f"schema: {problem}"[:300])
    return Verdict(Status.OK, True)


def _document(text: str) -> str:
    """Return the last block that is said to be JSON, or else is; or else the last one."""
    blocks = marked_blocks(text)
    said = [block.code for block in blocks if block.label in _LABELS]
    if said:
        return said[-1]
    for block in reversed(blocks):
        if not block.label and _is_json(block.code):
            return block.code
    return blocks[-1].code if blocks else text


def _is_json(text: str) -> bool:
    try:
        return isinstance(_loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _loads(text: str) -> Any:
    text = text.removeprefix("\ufeff")
    return json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)


def _problem(schema: Any, document: Any) -> str:
    """Return the first thing that the schema does not accept, with its place."""
    from jsonschema.validators import validator_for

    kind = _strict(validator_for(schema))
    checker = kind.FORMAT_CHECKER
    try:
        found = kind(schema, registry=_known(), format_checker=checker).iter_errors(document)
        problem = next(found, None)
    except (OverflowError, ValueError) as error:  # such as 1e999 against multipleOf
        return f"a value cannot be checked: {error}"
    if problem is None:
        return ""
    return f"{'/'.join(map(str, problem.absolute_path)) or 'top'}: {problem.message}"


@cache
def _strict(kind: Any) -> Any:
    """Return the library's class of validators with what JSON Schema means, in these keywords."""
    from jsonschema.validators import extend

    own = {
        "multipleOf": _multiple,
        "pattern": _pattern,
        "patternProperties": _properties,
        "additionalProperties": _additional,
        "format": _format,
    }
    return extend(kind, {name: own[name] for name in own if name in kind.VALIDATORS})


def _multiple(validator: Any, divisor: Any, value: Any, _: Any) -> Iterator[Any]:
    """Compare decimals as they are written: 0.3 is a multiple of 0.1."""
    from jsonschema import ValidationError

    if validator.is_type(value, "number"):
        if (Fraction(repr(value)) / Fraction(repr(divisor))).denominator != 1:
            yield ValidationError(f"{value!r} is not a multiple of {divisor}")


def _pattern(validator: Any, pattern: str, value: Any, _: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if validator.is_type(value, "string") and not _search(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _properties(validator: Any, given: Any, value: Any, _: Any) -> Iterator[Any]:
    if validator.is_type(value, "object"):
        for pattern, schema in given.items():
            for key, member in value.items():
                if _search(pattern, key):
                    yield from validator.descend(member, schema, path=key, schema_path=pattern)


def _additional(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not validator.is_type(value, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, member in value.items():
        if key in known or any(_search(pattern, key) for pattern in patterns):
            continue
        if wanted is False:
            yield ValidationError(f"{key!r} is not among the properties", path=[key])
        elif wanted is not True:
            yield from validator.descend(member, wanted, path=key)


def _format(validator: Any, name: Any, value: Any, _: Any) -> Iterator[Any]:
    from jsonschema import ValidationError
    from jsonschema.exceptions import FormatError

    if validator.is_type(value, "string") and name in _ASCII and not value.isascii():
        yield ValidationError(f"{value!r} is not a {name!r}")
    try:
        validator.format_checker.check(value, name)
    except FormatError as error:
        yield ValidationError(error.message)


def _search(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern of JSON Schema, which are those of ECMA-262, for Python.

    There digits, letters and ends of words are ASCII, a blank is any blank, and ``$`` is the end
    of the text alone.

    Raises:
        ValueError: It is no pattern that is understood.
    """
    try:
        return re.compile(_PART.sub(_part, pattern), re.ASCII)
    except (re.error, OverflowError) as error:
        raise ValueError(f"the pattern {pattern!r:.100} is not understood: {error}") from error


_BLANKS = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_OTHERS = (
    r"\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e"
    r"\u2060-\u2fff\u3001-\ufefe\uff00-\U0010ffff"
)
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*+\]|[$.]", re.DOTALL)
_BLANK = re.compile(r"\\.", re.DOTALL)
_PARTS = {"$": r"\Z", ".": r"[^\n\r\u2028\u2029]", r"\s": f"[{_BLANKS}]",
          r"\S": f"[{_OTHERS}]"}  # fmt: skip


def _part(found: re.Match[str]) -> str:
    if found[0][0] == "[":
        within = {r"\s": _BLANKS, r"\S": _OTHERS}
        return _BLANK.sub(lambda escape: within.get(escape[0], escape[0]), found[0])
    return _PARTS.get(found[0], found[0])


def _wrong(schema: Any) -> str:
    """Return what is wrong with a schema, such as a reference to what it does not hold itself."""
    try:
        from jsonschema import SchemaError
        from jsonschema.validators import validator_for
        from referencing import Resource, exceptions
        from referencing.jsonschema import DRAFT202012
    except ImportError as error:
        raise MissingExtraError("jsonschema", "formats") from error
    known = _known()
    dialect = schema.get("$schema") if isinstance(schema, Mapping) else None
    if dialect is not None and (not isinstance(dialect, str) or dialect not in known):
        return f"the schema is wrong: $schema {dialect!r:.200} is no published draft"
    try:
        validator_for(schema).check_schema(schema)
        whole = Resource.from_contents(schema, default_specification=DRAFT202012)
        known = known.with_resource(whole.id() or "", whole)
        todo = [(whole, known.resolver_with_root(whole))]
        while todo:
            part, resolver = todo.pop()
            contents = part.contents if isinstance(part.contents, Mapping) else {}
            for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
                if isinstance(contents.get(keyword), str):
                    resolver.lookup(contents[keyword])
            todo += [(sub, resolver.in_subresource(sub)) for sub in part.subresources()]
    except SchemaError as error:
        return f"the schema is wrong: {error.message}"[:300]
    except exceptions.Unresolvable as error:
        return _NOT_HELD.format(error.ref)
    except (RecursionError, TypeError, ValueError, LookupError, AttributeError) as error:
        return f"the schema is wrong: {type(error).__name__}: {error}"[:300]
    return ""


def _known() -> Any:
    """Return the published meta-schemas, in a registry that fetches nothing."""
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

    return REGISTRY


def _schema(options: JsonSchemaOptions, item: Item | None) -> Any:
    if options.json_schema is not None:
        return options.json_schema
    if options.file:
        try:
            return parsed_json(file_text(Path(options.file)))
        except ValueError as error:
            raise DataError(f"no JSON schema: {error}", where=options.file) from error
    return item.reference if item and isinstance(item.reference, Mapping | bool) else None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that comes twice: readers of JSON differ on which value counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [json_schema]
