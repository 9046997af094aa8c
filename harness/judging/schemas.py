"""JSON schemas of structured verdicts."""

from __future__ import annotations

from typing import Any

from harness.judging.presentation import letters_of
from harness.judging.templates import Asking
from harness.nouns.scale import Scale
from harness.nouns.schema import JudgmentRequest


def response_format(request: JudgmentRequest, asking: Asking) -> dict[str, Any]:
    """Return the ``response_format`` of a request: reasons where asked, then the verdict."""
    fields: dict[str, Any] = {}
    if asking.reasoning != "none":
        fields["reasoning"] = {"type": "string"}
    if request.way == "pairwise":
        fields["verdict"] = {"type": "string", "enum": ["A", "B", "TIE"]}
    elif request.way == "listwise":
        letters = list(letters_of(request.responses))
        fields["ranking"] = {"type": "array", "items": {"type": "string", "enum": letters}}
    elif len(asking.criteria) == 1:
        fields["rating"] = _of_scale(asking.criteria[0].scale)
    else:
        fields |= {criterion.id: _of_scale(criterion.scale) for criterion in asking.criteria}
    schema = {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
    return {
        "type": "json_schema",
        "json_schema": {"name": "verdict", "schema": schema, "strict": True},
    }


def _of_scale(scale: Scale) -> dict[str, Any]:
    if scale.is_binary:
        return {"type": "boolean"}
    if scale.labels:
        return {"type": "string", "enum": list(scale.labels)}
    bounds = {"minimum": scale.low, "maximum": scale.high}
    return {"type": "number", **{k: v for k, v in bounds.items() if v is not None}}
