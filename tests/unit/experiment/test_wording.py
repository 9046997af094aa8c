"""A rubric worded for pairs that scores single responses is told before anything is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.experiment.sources import source_by_name
from harness.experiment.wording import is_of_two, wording_notes
from harness.nouns.schema import Way

OF_TWO = [
    "Which response is friendlier and more polite?",
    "Which of the two is more helpful?",
    "Which one would you rather read?",
    "Think it over. Which answer states more that is true?",
    "Decide which answer states more that is true.",
    "Say whether response A or response B is clearer.",
    "A or B: who is kinder?",
    "Compare both responses and name the kinder one.",
    "The better answer gives a number.",
    "It is clearer than the other response.",
    "Is it better than the other?",
]
OF_ONE = [
    "The response does what the prompt asks.",
    "The response is friendly and polite.",
    "The response says which of its claims are certain.",
    "Of several ways it tells which one is meant.",
    "It explains which answer of the quiz is right, and why.",
    "The code is better than what a beginner writes.",
    "It names a source for each claim which a reader may doubt.",
    "A response a child understands.",
    "The response offers a better way where there is one.",
    "It gives the grade A in words.",
    "No other person is blamed.",
]


def test_a_criterion_that_compares_is_known() -> None:
    assert [text for text in OF_TWO if not is_of_two(text)] == []
    assert [text for text in OF_ONE if is_of_two(text)] == []


def rubric(folder: Path, text: str, *sizes: int) -> str:
    path = folder / "own.yaml"
    scale = {"level": "ordinal", "labels": ["1", "2", "3"]}
    content = {
        "id": "own", "kind": "rubric", "version": "1",
        "criteria": [{"id": "kind", "text": text, "scale": scale}],
    }  # fmt: skip
    examples = [
        {"prompt": "?", "responses": list("xyz"[:n]), "verdict": "A" if n > 1 else "2"}
        for n in sizes
    ]
    path.write_text(yaml.safe_dump(content | ({"examples": examples} if sizes else {})))
    return str(path)


CASES: list[tuple[str, tuple[int, ...], Way, list[str]]] = [
    (OF_TWO[0], (), "pointwise", ["by a criterion for two: kind: Which response is friendlier"]),
    (OF_TWO[0], (), "pairwise", []),
    (OF_ONE[0], (), "pointwise", []),
    (OF_ONE[0], (2, 2), "pointwise", ["no example of own is of a single one: none is shown"]),
    (OF_ONE[0], (2, 1), "pointwise", []),
    (OF_ONE[0], (2,), "pairwise", []),
    (OF_TWO[0], (2,), "pointwise", ["by a criterion for two", "none is shown"]),
]


@pytest.mark.parametrize(("text", "sizes", "way", "told"), CASES)
def test_words_for_two_are_told_of_scores_alone(
    text: str, sizes: tuple[int, ...], way: Way, told: list[str], tmp_path: Path
) -> None:
    options = {"model": "openai/m", "rubric": rubric(tmp_path, text, *sizes)}
    found = wording_notes([source_by_name("llm_judge", options, way, "critic")])
    assert len(found) == len(told)
    for line, words in zip(found, told, strict=True):
        assert line.startswith("critic scores single responses") and words in line


@pytest.mark.parametrize("name", ["helpfulness", "honesty", "harmlessness", "code_quality"])
def test_the_rubrics_of_the_house_are_for_both(name: str) -> None:
    options = {"model": "openai/m", "rubric": name}
    assert wording_notes([source_by_name("llm_judge", options, "pointwise", "critic")]) == []


def test_verifiers_have_no_words() -> None:
    assert wording_notes([source_by_name("last_number", {}, "pointwise", "critic")]) == []
