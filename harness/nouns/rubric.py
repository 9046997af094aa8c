"""Rubric, Criterion and Constitution: what a judge is asked to follow, with a content hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.nouns.errors import RubricError, ScaleError
from harness.nouns.hashing import content_hash
from harness.nouns.scale import Scale, is_number

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Criterion:
    """One gradable statement.

    Args:
        id: Short name, unique inside its rubric.
        text: What the judge or the person is asked.
        scale: Scale of a pointwise value; a pairwise value is always A, B or TIE.
        weight: Share of this criterion in the rubric's score, above 0.
    """

    id: str
    text: str
    scale: Scale
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Principle:
    """One principle of a constitution; critique and revision are for the supervised stage."""

    id: str
    text: str
    weight: float = 1.0
    critique: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example of a rubric, shown to the judge before the request (few-shot).

    It is shown where as many responses are judged, and where it has the verdict that is asked for.

    Args:
        prompt: The prompt of the example.
        responses: One response (pointwise), two (pairwise) or more (listwise).
        verdict: The right verdict: A, B or TIE of two, "B > A > C" of more; of one response a
            value of the scale, where there is one criterion. Empty where there is none.
        rationale: Why.
        by_criterion: The right verdict by each criterion: of several on a single response, or
            where each is asked for by itself. Empty where there is none.
    """

    prompt: str
    responses: tuple[str, ...]
    verdict: str
    rationale: str = ""
    by_criterion: Mapping[str, str] = field(default_factory=dict)

    def on(self, criterion: str) -> Example | None:
        """Return the example for one criterion of several; None where it has no verdict on it."""
        verdict = self.by_criterion.get(criterion)
        return None if verdict is None else replace(self, verdict=verdict, by_criterion={})


@dataclass(frozen=True, slots=True)
class Judging:
    """How a rubric is to be judged by, where it was aligned with people's labels.

    Args:
        templates: Prompt templates; an option of the judge goes before them.
        probability_temperature: By which the log-odds of a pair's stated probabilities are divided;
            None leaves them.
        tie_margin: A pair whose P(A), over both orders, is nearer to one half than this is a tie.
    """

    templates: tuple[str, ...] = ()
    probability_temperature: float | None = None
    tie_margin: float = 0.0


AS_IT_IS = Judging()


@dataclass(frozen=True, slots=True)
class Rubric:
    """A versioned set of criteria.

    Args:
        id: Name under which experiments ask for it.
        version: The author's version; the hash tells when the text moved without it.
        criteria: At least one.
        sha256: Hash of the content, in manifests and cache keys.
        examples: Worked examples for few-shot judging.
        judging: How it is to be judged by.
    """

    id: str
    version: str
    criteria: tuple[Criterion, ...]
    sha256: str
    examples: tuple[Example, ...] = ()
    judging: Judging = AS_IT_IS


@dataclass(frozen=True, slots=True)
class Constitution:
    """Principles that guide critique, revision or preference (Bai et al. 2022, section 1.2).

    Args:
        id: Name under which experiments ask for it.
        version: The author's version.
        principles: At least one; weights are relative.
        sha256: Hash of the content.
        provenance: Where principles and weights come from.
    """

    id: str
    version: str
    principles: tuple[Principle, ...]
    sha256: str
    provenance: str = ""


def load_rubric(path: Path | Traversable) -> Rubric | Constitution:
    """Read a rubric or a constitution from a YAML file.

    Raises:
        RubricError: The file is not YAML, misses a key, has an unknown one, or an illegal scale.
    """
    from pathlib import Path

    from harness.nouns.plain_text import file_bytes, utf8
    from harness.nouns.yaml_file import parse_yaml

    try:
        try:
            # A folder of rubrics may lie in a zipped package.
            at = path if isinstance(path, Path) else None
            data = file_bytes(at, RubricError) if at else path.read_bytes()
            content = parse_yaml(utf8(data, path, RubricError))
        except ValueError as error:
            raise RubricError(str(error)) from error
        return _read(content)
    except RubricError as error:
        error.where = str(path)
        raise


def _read(content: Any) -> Rubric | Constitution:
    if not isinstance(content, dict):
        raise RubricError("the file must be a mapping with id, kind and version")
    kind = content.get("kind")
    if kind == "rubric":
        entries, more = "criteria", {"examples", "judging"}
    elif kind == "constitution":
        entries, more = "principles", {"provenance"}
    else:
        raise RubricError(f"kind is {kind!r}", hint="use one of ('rubric', 'constitution')")
    needed = {"id", "version", entries}
    _check_keys(content, {"kind", *more, *needed}, needed, "top level")
    rows = content[entries]
    if not isinstance(rows, list) or not rows:
        raise RubricError(f"{entries} must be a list with at least one entry")
    ids = [row.get("id") if isinstance(row, dict) else None for row in rows]
    repeated = sorted({str(i) for i in ids if ids.count(i) > 1})
    if repeated:
        raise RubricError(f"repeated id in {entries}: {', '.join(repeated)}")
    name, version = _text(content, "id"), _text(content, "version")
    try:
        sha = content_hash(content)
    except TypeError as error:
        raise RubricError(f"only text, numbers, lists and mappings are allowed: {error}") from error
    if kind == "rubric":
        criteria = tuple(_criterion(row, f"criteria[{i}]") for i, row in enumerate(rows))
        shown = content.get("examples", [])
        if not isinstance(shown, list):
            raise RubricError(f"examples must be a list, got {shown!r}")
        examples = tuple(_example(row, f"examples[{i}]", criteria) for i, row in enumerate(shown))
        return Rubric(name, version, criteria, sha, examples, _judging(content.get("judging", {})))
    principles = tuple(_principle(row, f"principles[{i}]") for i, row in enumerate(rows))
    return Constitution(name, version, principles, sha, _text(content, "provenance"))


def rubric_content(rubric: Rubric) -> dict[str, Any]:
    """Return what a file of a rubric holds, as plain values; ``load_rubric`` reads it back."""
    examples = []
    for one in rubric.examples:
        row: dict[str, Any] = {"prompt": one.prompt, "responses": list(one.responses)}
        row |= {"verdict": one.verdict} if one.verdict else {}
        row |= {"rationale": one.rationale} if one.rationale else {}
        examples.append(row | ({"by_criterion": {**one.by_criterion}} if one.by_criterion else {}))
    criteria = []
    for each in rubric.criteria:
        scale = {"labels": list(each.scale.labels), "low": each.scale.low, "high": each.scale.high}
        told = {key: value for key, value in scale.items() if value not in (None, [])}
        about = {"id": each.id, "weight": each.weight, "text": each.text}
        criteria.append({**about, "scale": {"level": each.scale.level, **told}})
    how, judging = rubric.judging, dict[str, Any]()
    if how.templates:
        judging["templates"] = list(how.templates)
    if how.probability_temperature is not None:
        judging["probability_temperature"] = how.probability_temperature
    if how.tie_margin:
        judging["tie_margin"] = how.tie_margin
    head = {"id": rubric.id, "kind": "rubric", "version": rubric.version, "criteria": criteria}
    more = {"examples": examples, "judging": judging}
    return head | {key: value for key, value in more.items() if value}


def _judging(given: object) -> Judging:
    row = _check_keys(
        given, {"templates", "probability_temperature", "tie_margin"}, set(), "judging"
    )
    names = row.get("templates", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RubricError(f"templates of judging must be a list of names, got {names!r:.60}")
    temperature, margin = row.get("probability_temperature"), row.get("tie_margin", 0.0)
    if temperature is not None and not (is_number(temperature) and temperature > 0):
        raise RubricError(
            f"probability_temperature of judging must be above 0, got {temperature!r}"
        )
    if not (is_number(margin) and 0 <= margin < 0.5):
        what = "tie_margin of judging"
        raise RubricError(f"{what} must be at least 0 and below 0.5, got {margin!r}")
    return Judging(tuple(names), None if temperature is None else float(temperature), float(margin))


def _check_keys(row: object, allowed: set[str], needed: set[str], place: str) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise RubricError(f"{place} must be a mapping, got {row!r}")
    unknown = sorted(str(key) for key in set(row) - allowed)
    if unknown:
        prose = any(" " in key for key in unknown)
        quotes = "; inside {} a text with a comma stands in quotes" if prose else ""
        raise RubricError(
            f"unknown key {', '.join(unknown)} in {place}",
            hint=f"known keys: {', '.join(sorted(allowed))}{quotes}",
        )
    missing = sorted(key for key in needed if row.get(key) in (None, ""))
    if missing:
        raise RubricError(f"{place} misses {', '.join(missing)}")
    return row


def _text(row: Mapping[str, Any], key: str, place: str = "top level") -> str:
    value = row.get(key)
    return "" if value is None else _as_text(value, f"{key} of {place}")


def _as_text(value: object, what: str) -> str:
    """Return text or a number as text; YAML reads an unquoted yes as a truth value."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RubricError(
            f"{what} must be text, got {value!r}",
            hint="put it in quotes: YAML reads yes, no, on, off and null as other things",
        )
    return str(value)


def _weight(row: Mapping[str, Any], place: str) -> float:
    weight = row.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not weight > 0:
        raise RubricError(f"weight of {place} must be above 0, got {weight!r}")
    return float(weight)


def _criterion(row: object, place: str) -> Criterion:
    row = _check_keys(row, {"id", "text", "scale", "weight"}, {"id", "text"}, place)
    raw = _check_keys(
        row.get("scale", {"level": "ordinal", "labels": ["1", "2", "3", "4", "5"]}),
        {"level", "labels", "low", "high"},
        {"level"},
        f"{place}.scale",
    )
    labels = raw.get("labels") or ()
    if not isinstance(labels, list | tuple):
        raise RubricError(f"labels of {place} must be a list")
    try:
        scale = Scale(
            raw["level"],
            tuple(_as_text(label, f"a label of {place}") for label in labels),
            raw.get("low"),
            raw.get("high"),
        )
    except ScaleError as error:
        raise RubricError(f"illegal scale in {place}: {error.what}", hint=error.hint) from error
    text = " ".join(_text(row, "text", place).split())
    return Criterion(_text(row, "id", place), text, scale, _weight(row, place))


def _principle(row: object, place: str) -> Principle:
    allowed = {"id", "text", "weight", "critique", "revision"}
    row = _check_keys(row, allowed, {"id", "text"}, place)
    return Principle(
        _text(row, "id", place),
        _text(row, "text", place).strip(),
        _weight(row, place),
        _text(row, "critique", place),
        _text(row, "revision", place),
    )


def _example(row: object, place: str, criteria: Sequence[Criterion]) -> Example:
    allowed = {"prompt", "responses", "verdict", "rationale", "by_criterion"}
    row = _check_keys(row, allowed, {"prompt", "responses"}, place)
    shown = row["responses"]
    if not isinstance(shown, list) or not shown:
        raise RubricError(
            f"responses of {place} must be a list with at least one, got {shown!r}",
        )
    example = Example(
        _text(row, "prompt", place),
        tuple(_as_text(text, f"a response of {place}") for text in shown),
        _text(row, "verdict", place),
        _text(row, "rationale", place),
        _by_criterion(row.get("by_criterion") or {}, place, [c.id for c in criteria]),
    )
    if not example.verdict and not example.by_criterion:
        raise RubricError(f"{place} misses verdict")
    count = len(example.responses)
    if count == 1 and len(criteria) > 1 and example.verdict:
        raise RubricError(
            f"verdict of {place} is {example.verdict!r}, but a single response gets a value by"
            " each criterion",
            hint=f"write by_criterion: {{{', '.join(f'{c.id}: ...' for c in criteria)}}}",
        )
    if example.verdict:
        _check_verdict(example.verdict, f"verdict of {place}", count, criteria[0].scale)
    for criterion in criteria:
        if value := example.by_criterion.get(criterion.id):
            where = f"by_criterion.{criterion.id} of {place}"
            _check_verdict(value, where, count, criterion.scale)
    return example


def _by_criterion(given: object, place: str, ids: Sequence[str]) -> dict[str, str]:
    where = f"by_criterion of {place}"
    row = _check_keys(given, set(ids), set(ids) if given else set(), where)
    return {name: _as_text(row[name], f"{name} of {where}") for name in ids if name in row}


def _check_verdict(verdict: str, what: str, count: int, scale: Scale) -> None:
    """Refuse the verdict of an example that no judge may give on so many responses."""
    if count == 1:
        right = verdict in scale.labels or (scale.is_numeric and _is_on(verdict, scale))
        wanted = f"a single response gets a value of the scale {scale.describe()}"
    elif count == 2:
        right = verdict in ("A", "B", "TIE")
        wanted = "two responses get A, B or TIE"
    else:
        letters = [chr(ord("A") + number) for number in range(count)]
        right = sorted(verdict.split(" > ")) == letters
        wanted = f"{count} responses get all letters, best first, such as {' > '.join(letters)}"
    if not right:
        raise RubricError(f"{what} is {verdict!r}, but {wanted}")


def _is_on(verdict: str, scale: Scale) -> bool:
    try:
        return scale.contains(float(verdict))
    except ValueError:
        return False
