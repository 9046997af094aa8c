"""What ``report.json`` may hold: one description, from which docs/report.schema.json is made.

``python docs/make_report_schema.py`` writes it anew. Keys of the top level
and of the level below it are named here, each misspelt one is refused; what is below is free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["object", "rows", "sentences", "free", "integer", "boolean"]


@dataclass(frozen=True, slots=True)
class Part:
    """One key of the top level.

    Args:
        shape: ``object``: with the keys that are named; ``rows``: a list of such; ``sentences``:
            a list of texts; ``free``: an object with any keys; or a plain value.
        about: What it is.
        needed: Keys that are always there; of the key itself, whether any are.
        keys: Keys that may be there.
    """

    shape: Shape
    about: str
    needed: str = ""
    keys: str = ""

    @property
    def names(self) -> list[str]:
        """All keys of the level below."""
        return [*self.needed.split(), *self.keys.split()]


PARTS: Mapping[str, Part] = {
    "format": Part("integer", "moves when an older report.json can no longer be shown"),
    "old": Part("boolean", "the experiment was changed after this report"),
    "run": Part(
        "object", "who ran what, when, with which versions", "name",
        "description created duration_s cost_usd seeds harness_version python platform packages"
        " items",
    ),
    "answer": Part("object", "the lines of the first screen", "lines"),
    "findings": Part("sentences", "what was found, heaviest first"),
    "limitations": Part("sentences", "what limits the numbers"),
    "warnings": Part("sentences", "what only the run knows"),
    "method": Part(
        "object", "which method, by which rule", "", "answer against choices methods notes"
    ),
    "prices": Part("object", "what a label and an hour cost", "", "label_usd hour_usd"),
    "costs": Part("object", "money and hours of each arm and point", "", "prices rows"),
    "plan": Part(
        "object", "what was said before the first training", "",
        "content sha256 at trainings edits now",
    ),
    "sources": Part(
        "rows", "who gave feedback", "name kind",
        "use way version simulated distribution options models rubric rubric_sha256 roles requests"
        " judgments ok failures reasons cost_usd seconds tokens isolation position template_sha256"
        " decided",
    ),
    "agreement": Part("object", "agreement with people", "", "tables gates kappas"),
    "gates": Part(
        "rows", "what decided whether a source gave rewards", "source statistic",
        "value low high lower upper limit minimum outcome passed action undecided weight stops"
        " reason n clusters more_labels coverage against slice voices bias spent",
    ),
    "transport": Part(
        "object", "whether rewards were still valid at the end", "",
        "people simulated notes rows asked queue",
    ),
    "people": Part(
        "rows", "how often people prefer each arm to base", "arm by simulated verdict",
        "people labels skipped wins ties losses pairs prompts alike unjudged judged labelled"
        " corrected tuning effective_n decides more left p p_holm drawn",
    ),
    "arms": Part(
        "rows", "what each arm learnt from and how it was trained", "name trainer sources seeds",
        "title weights aggregation n_preferences unused_pairs warnings gate_effects n_rewards"
        " dropped feedback_cost_usd feedback_seconds preferences_sha256 labels calls",
    ),
    "evaluation": Part(
        "object", "the policies against each other", "base evaluators policies scores wins",
        "confidence items comparisons corrected warnings reasons contrasts joint pareto ranks"
        " slices diversity pass_at_k against_base primary families",
    ),
    "curves": Part("free", "rows of the training logs, by arm and seed"),
    "gold_falls": Part(
        "rows", "gold from its peak to the end of each training", "arm seed gold verdict looks",
        "peak last before after value low high n clusters samples evaluated proxy reason direction",
    ),
    "overoptimisation": Part(
        "rows", "two forms fitted to gold over the distance", "arm looks fits forms peak",
        "furthest prompts reason",
    ),
    "samples": Part(
        "rows", "prompts with every policy's answer", "item_id prompt responses", "reference why"
    ),
    "manifest": Part("free", "hashes and versions of everything"),
}  # fmt: skip

NEEDED = ("format", "run", "evaluation", "findings", "limitations")
"""Keys that every report has."""


def unknown(data: Mapping[str, Any]) -> list[str]:
    """Return the keys of a report that this description has not, as "run.nmae"."""
    found = [key for key in data if key not in PARTS]
    for key, part in PARTS.items():
        if part.shape not in ("object", "rows") or data.get(key) is None:
            continue
        rows = [data[key]] if part.shape == "object" else data[key]
        inner = dict.fromkeys(name for row in rows for name in row if name not in part.names)
        found += [f"{key}.{name}" for name in inner]
    return found


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "report.json of feedback-harness",
        "type": "object",
        "required": list(NEEDED),
        "additionalProperties": False,
        "properties": {key: _of(part) for key, part in PARTS.items()},
    }


def _of(part: Part) -> dict[str, Any]:
    if part.shape in ("integer", "boolean"):
        return {"description": part.about, "type": part.shape}
    if part.shape == "free":
        return {"description": part.about, "type": ["object", "null"]}
    if part.shape == "sentences":
        return {"description": part.about, "type": "array", "items": {"type": "string"}}
    row: dict[str, Any] = {
        "type": "object",
        "required": part.needed.split(),
        "additionalProperties": False,
        "properties": {name: {} for name in part.names},
    }
    if part.shape == "object":
        kinds = {} if part.needed else {"type": ["object", "null"]}  # none was measured
        return {"description": part.about, **row, **kinds}
    return {"description": part.about, "type": "array", "items": row}
