"""Verifier: the response is JSON that a schema accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from harness.plugin import (
    DataError,
    Item,
    MissingExtraError,
    Response,
    SourceFactory,
    Status,
    Verdict,
    hookimpl,
    verifier,
)

_FENCE = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)


class JsonSchemaOptions(BaseModel):
    """Options of ``json_schema``.

    Args:
        json_schema: The schema; by default the item's reference is one.
        file: JSON file with the schema.
        where: ``whole``: the response is nothing but JSON; ``fenced``: its last fenced block is,
            or all of it where there is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    json_schema: Mapping[str, Any] | None = None
    file: str | None = None
    where: Literal["whole", "fenced"] = "whole"


@verifier(name="json_schema", version="1", options=JsonSchemaOptions)
def json_schema(item: Item, response: Response, options: JsonSchemaOptions) -> Verdict:
    """Parse the response as JSON and check it against a schema (draft 2020-12 by default)."""
    try:
        from jsonschema import SchemaError
        from jsonschema.validators import validator_for
    except ImportError as error:
        raise MissingExtraError("jsonschema", "formats") from error
    schema = _schema(options, item)
    if schema is None:
        return Verdict(Status.ABSTAINED, rationale="there is no schema")
    validator = validator_for(schema)
    try:
        validator.check_schema(schema)
    except SchemaError as error:
        return Verdict(Status.ERROR, rationale=f"the schema is wrong: {error.message}")
    blocks = _FENCE.findall(response.text) if options.where == "fenced" else []
    text = blocks[-1] if blocks else response.text
    try:
        document = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        return Verdict(Status.OK, False, rationale=f"format: not JSON: {error}")
    problem = next(validator(schema).iter_errors(document), None)
    if problem is not None:
        place = "/".join(map(str, problem.absolute_path)) or "top"
        return Verdict(Status.OK, False, rationale=f"schema: {place}: {problem.message}"[:300])
    return Verdict(Status.OK, True)


def _schema(options: JsonSchemaOptions, item: Item) -> Any:
    if options.json_schema is not None:
        return options.json_schema
    if options.file:
        try:
            return json.loads(Path(options.file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"no JSON schema: {error}", where=options.file) from error
    return item.reference if isinstance(item.reference, Mapping) else None


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
