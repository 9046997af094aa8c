"""The form in which a judge is to answer: words that ask for it, an example of it, its length."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.judging.presentation import LETTERS
from harness.nouns.rubric import Criterion, Example
from harness.nouns.scale import Scale
from harness.nouns.schema import Way

WORDS: dict[Way, str] = {"pairwise": "Verdict", "pointwise": "Rating", "listwise": "Ranking"}
"""What the line of a verdict begins with."""

OBJECT = (
    "Answer with a JSON object that fits the given schema, with {fields}, and with nothing else."
)
EACH = "one line for each criterion: its name, a colon and a value of its own scale, such as {}."
NOTHING_BEFORE = "Write nothing before that line."
NOTHING_ELSE = "Write nothing else."

REASONS = 1024
"""Tokens that reasons may take."""

LEAST = 16
"""Tokens that the shortest answer may take: judges decorate it."""

_MORE = 4
"""Tokens beside those of the answer: the end of the turn, a line break."""

_NUMBER = "-1000.3333333333"
"""No number of a scale is written longer than this, but for its bounds."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How a judge is asked, besides the template.

    Args:
        criteria: One, or several to be weighed in one answer.
        reasoning: "none" (the verdict only), "brief" (chain of thought) or "steps".
        reference_guided: Whether the item's reference is shown.
        examples: Worked examples, shown as earlier turns of the chat.
        structured: Whether a JSON object is asked for.
        guidance: Further words for the judge, such as a principle of a constitution.
    """

    criteria: tuple[Criterion, ...]
    reasoning: str = "none"
    reference_guided: bool = False
    examples: tuple[Example, ...] = ()
    structured: bool = False
    guidance: str = ""

    def several(self, way: Way) -> bool:
        """Tell whether an answer has a value for each of several criteria."""
        return way == "pointwise" and len(self.criteria) > 1


def describe_scale(scale: Scale) -> str:
    """Return a scale in the words of a prompt."""
    if scale.is_binary:
        return "true or false"
    if not scale.is_numeric:
        order = ", from worst to best" if scale.level == "ordinal" else ""
        return f"one of {', '.join(scale.labels)}{order}"
    if scale.low is None or scale.high is None:
        least = "" if scale.low is None else f", {scale.low:g} or more"
        most = "" if scale.high is None else f", {scale.high:g} at most"
        return f"a number{least}{most}; higher is better"
    return f"a number from {scale.low:g} (worst) to {scale.high:g} (best)"


def words_for(asking: Asking, way: Way, line: str, alone: bool = False) -> str:
    """Return the words that say what the answer looks like.

    Args:
        asking: How the judge is asked.
        way: Of judging.
        line: The template's words that ask for the line of a verdict.
        alone: Whether the line is all that the template ever asks for.
    """
    if asking.structured:
        names = [f'"{name}"' for name in _fields(asking, way)]
        shown = ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
        return OBJECT.format(fields=f"the field{'s' * (len(names) > 1)} {shown}")
    if asking.several(way):
        names = [f'"{criterion.id}: ..."' for criterion in asking.criteria]
        line = ("Answer with " if alone else "End with ") + EACH.format("; ".join(names))
        return line if alone or asking.reasoning != "none" else f"{line} {NOTHING_ELSE}"
    return line if alone or asking.reasoning != "none" else f"{line} {NOTHING_BEFORE}"


def example_answer(example: Example, asking: Asking, way: Way, plain: bool) -> str | None:
    """Return the answer of a worked example in the form that is asked for.

    Returns:
        None where the example says too little: it has no verdict of this kind, or reasons are
        asked for and it has none.
    """
    values: dict[str, str] = {}
    if asking.several(way):
        if not example.by_criterion:
            return None
        values = {c.id: example.by_criterion[c.id] for c in asking.criteria}
    elif not example.verdict:
        return None
    if asking.reasoning != "none" and not example.rationale:
        return None
    said = values or example.verdict
    if asking.structured:
        return json.dumps(_object(said, asking, way, example.rationale), ensure_ascii=False)
    answer = _lines(said, way, plain)
    return f"{example.rationale}\n\n{answer}" if asking.reasoning != "none" else answer


def most_tokens(asking: Asking, way: Way, count: int, plain: bool = False) -> int:
    """Return how many tokens an answer may take: reasons, and the longest of all verdicts.

    Three tokens for four letters, and two for each byte beyond ASCII, which JSON may escape: about
    three times what tokenizers make of it.

    Args:
        asking: How the judge is asked.
        way: Of judging.
        count: Responses that are shown.
        plain: Whether the template asks for the bare verdict.
    """
    said: str | Mapping[str, str]
    if asking.several(way):
        said = {criterion.id: _longest(criterion.scale) for criterion in asking.criteria}
    elif way == "pointwise":
        said = _longest(asking.criteria[0].scale)
    else:
        said = "TIE" if way == "pairwise" else " > ".join(LETTERS[:count])
    if asking.structured:
        found = _object(said, asking, way, "", typed=False)
        text = f"```json\n{json.dumps(found, indent=4, ensure_ascii=False)}\n```"
    else:
        text = _lines(said, way, plain, around="**")
    wide = sum(2 * len(letter.encode()) for letter in text if not letter.isascii())
    narrow = sum(letter.isascii() for letter in text)
    answer = max(LEAST, _MORE + math.ceil(0.75 * narrow) + wide)
    return answer + (REASONS if asking.reasoning != "none" else 0)


def response_format(asking: Asking, way: Way, count: int) -> dict[str, Any]:
    """Return the ``response_format`` of a request: reasons where asked, then the verdict."""
    kinds: dict[str, dict[str, Any]] = {}
    for name in _fields(asking, way):
        kinds[name] = {"type": "string"}
    if asking.several(way):
        kinds |= {criterion.id: _of_scale(criterion.scale) for criterion in asking.criteria}
    elif way == "pointwise":
        kinds["rating"] = _of_scale(asking.criteria[0].scale)
    elif way == "pairwise":
        kinds["verdict"] = {"type": "string", "enum": ["A", "B", "TIE"]}
    else:
        letters = {"type": "string", "enum": list(LETTERS[:count])}
        kinds["ranking"] = {"type": "array", "items": letters}
    schema = {
        "type": "object",
        "properties": kinds,
        "required": list(kinds),
        "additionalProperties": False,
    }
    return {
        "type": "json_schema",
        "json_schema": {"name": "verdict", "schema": schema, "strict": True},
    }


def _fields(asking: Asking, way: Way) -> list[str]:
    """Return the fields of a JSON answer in their order."""
    names = [WORDS[way].lower()]
    if asking.several(way):
        names = [criterion.id for criterion in asking.criteria]
    if asking.reasoning == "none":
        return names
    own = {name.lower() for name in names}
    return [next(n for n in ("reasoning", "rationale", "explanation") if n not in own), *names]


def _object(
    said: str | Mapping[str, str], asking: Asking, way: Way, reasons: str, typed: bool = True
) -> dict[str, Any]:
    """Return a JSON answer; untyped, its values are as long as they can be."""
    found: dict[str, Any] = dict.fromkeys(_fields(asking, way), reasons)
    if not isinstance(said, str):
        for criterion in asking.criteria:
            value = said[criterion.id]
            found[criterion.id] = _typed(value, criterion.scale) if typed else value
    elif way == "listwise":
        found["ranking"] = said.split(" > ")
    else:
        plain = way == "pairwise" or not typed
        found[WORDS[way].lower()] = said if plain else _typed(said, asking.criteria[0].scale)
    return found


def _typed(value: str, scale: Scale) -> Any:
    if scale.is_binary:
        return value == "true"
    if not scale.is_numeric:
        return value
    number = float(value)
    return int(number) if number.is_integer() else number


def _lines(said: str | Mapping[str, str], way: Way, plain: bool, around: str = "") -> str:
    """Return a verdict in words; ``around`` is markup that a judge may put around names."""
    if not isinstance(said, str):
        return "\n".join(f"{around}{name}{around}: {value}" for name, value in said.items())
    return said if plain else f"{around}{WORDS[way]}:{around} {said}"


def _longest(scale: Scale) -> str:
    """Return the longest way to write a value of a scale."""
    if scale.is_numeric:
        bounds: Sequence[float] = [b for b in (scale.low, scale.high) if b is not None]
        return max([_NUMBER, *(f"{bound:f}" for bound in bounds)], key=len)
    return max(scale.labels, key=lambda label: len(label.encode()))


def _of_scale(scale: Scale) -> dict[str, Any]:
    if scale.is_binary:
        return {"type": "boolean"}
    if scale.labels:
        return {"type": "string", "enum": list(scale.labels)}
    bounds = {"minimum": scale.low, "maximum": scale.high}
    return {"type": "number", **{k: v for k, v in bounds.items() if v is not None}}
