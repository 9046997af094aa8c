"""Scales decide what is legal; rubric files name every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.nouns.errors import RubricError, ScaleError
from harness.nouns.rubric import Constitution, Rubric, load_rubric
from harness.nouns.scale import BINARY, PREFERENCE, UNIT, Scale


@pytest.mark.parametrize(
    "make",
    [
        lambda: Scale("ordinal"),
        lambda: Scale("nominal", ("a",)),
        lambda: Scale("nominal", ("a", "a")),
        lambda: Scale("ordinal", ("a", "b"), low=0),
        lambda: Scale("interval", ("a", "b")),
        lambda: Scale("interval", low=2, high=1),
        lambda: Scale("ratio", low=-1, high=1),
        lambda: Scale("likert", ("a", "b")),  # type: ignore[arg-type]
        lambda: Scale("interval", low="a"),  # type: ignore[arg-type]
        lambda: Scale("interval", low=False, high=True),
        lambda: Scale("interval", low=0, high=float("inf")),
        lambda: Scale("nominal", (1, 2)),  # type: ignore[arg-type]
    ],
)
def test_a_scale_that_contradicts_itself_is_refused(make: object) -> None:
    with pytest.raises(ScaleError):
        make()  # type: ignore[operator]


def test_unit_values_of_each_level() -> None:
    likert = Scale("ordinal", ("1", "2", "3", "4", "5"))
    assert [likert.to_unit(str(i)) for i in range(1, 6)] == [0, 0.25, 0.5, 0.75, 1]
    assert Scale("interval", low=1, high=10).to_unit(10) == 1.0
    assert (BINARY.to_unit(True), BINARY.to_unit(False)) == (1.0, 0.0)
    with pytest.raises(ScaleError, match="no order"):
        Scale("nominal", ("x", "y")).to_unit("x")
    with pytest.raises(ScaleError, match="not on the scale"):
        likert.to_unit("6")


@pytest.mark.parametrize(
    ("scale", "value", "legal"),
    [
        (UNIT, 0.5, True),
        (UNIT, 1.5, False),
        (UNIT, float("nan"), False),
        (UNIT, True, False),
        (BINARY, True, True),
        (BINARY, "true", False),
        (PREFERENCE, "TIE", True),
        (PREFERENCE, "tie", False),
    ],
)
def test_contains(scale: Scale, value: object, legal: bool) -> None:
    assert scale.contains(value) is legal


GOOD = """
id: clarity
kind: rubric
version: 2
criteria:
  - id: clear
    text: Is it clear?
    scale: {level: ordinal, labels: [low, high]}
"""


EXAMPLE = "version: 2\nexamples: [{{prompt: p, verdict: A, responses: {}}}]"


def write(folder: Path, text: str) -> Path:
    path = folder / "rubric.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_rubric_and_its_hash(tmp_path: Path) -> None:
    rubric = load_rubric(write(tmp_path, GOOD))
    assert isinstance(rubric, Rubric)
    assert rubric.criteria[0].scale.labels == ("low", "high")
    same = load_rubric(write(tmp_path, "# a comment\n" + GOOD))
    other = load_rubric(write(tmp_path, GOOD.replace("clear?", "very clear?")))
    assert same.sha256 == rubric.sha256 != other.sha256


def test_a_constitution(tmp_path: Path) -> None:
    text = (
        "id: c\nkind: constitution\nversion: 1\nprinciples:\n  - {id: p, text: Be kind., weight: 2}"
    )
    constitution = load_rubric(write(tmp_path, text))
    assert isinstance(constitution, Constitution)
    assert constitution.principles[0].weight == 2.0


def test_a_version_may_look_like_a_date_and_labels_like_numbers(tmp_path: Path) -> None:
    text = GOOD.replace("version: 2", "version: 2024-01-31").replace("[low, high]", "[1, 2]")
    rubric = load_rubric(write(tmp_path, text))
    assert isinstance(rubric, Rubric)
    assert rubric.version == "2024-01-31"
    assert rubric.criteria[0].scale.labels == ("1", "2")


def test_a_merged_mapping_may_be_overridden(tmp_path: Path) -> None:
    text = """
id: c
kind: constitution
version: 1
principles:
  - &first {id: a, text: Be kind., weight: 2}
  - &second {<<: *first, id: b}
  - {<<: *second, id: c, weight: 3}
"""
    constitution = load_rubric(write(tmp_path, text))
    assert isinstance(constitution, Constitution)
    assert [(p.id, p.weight) for p in constitution.principles] == [("a", 2), ("b", 2), ("c", 3)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("ordinal", "ordinary"), "illegal scale in criteria"),
        (("[low, high]", "[low]"), "illegal scale in criteria"),
        (("text: Is it clear?", "txt: Is it clear?"), "unknown key txt in criteria"),
        (("kind: rubric", "kind: rubrik"), "kind is 'rubrik'"),
        (("version: 2\n", ""), "misses version"),
        (("    text: Is it clear?", "    text: Is it clear?\n    weight: 0"), "above 0, got 0"),
        (("id: clarity", "id: [clarity"), "not YAML"),
        (("[low, high]", "[no, yes]"), "label of criteria.0. must be text, got False"),
        (("[low, high]", "[low, high], low: a"), "illegal scale in criteria.*got 'a'"),
        (("ordinal, labels: [low, high]", "interval, low: a"), "illegal scale .* got 'a'"),
        (("id: clarity", "id: [clarity]"), "id of top level must be text"),
        (("version: 2", "version: yes"), "version of top level must be text, got True"),
        (("version: 2", "version: 2\nversion: 3"), "key 'version' stands twice, in lines 4 and 5"),
        (("version: 2", "version: 2\nexamples: 3"), "examples must be a list, got 3"),
        (("version: 2", EXAMPLE.format(3)), r"responses of examples\[0\] must be a list .*got 3"),
        (("version: 2", EXAMPLE.format("abc")), "must be a list .*got 'abc'"),
        (("version: 2", EXAMPLE.format("[on]")), "a response of examples.* must be text"),
        (("text: Is it clear?", "text: !!binary aGk="), "known: text, numbers"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = write(tmp_path, GOOD.replace(*change))
    with pytest.raises(RubricError, match=message) as caught:
        load_rubric(path)
    assert "rubric.yaml" in str(caught.value)
