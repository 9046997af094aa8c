"""Numbers are compared exactly, and words are whole ones."""

from __future__ import annotations

from typing import Any

import pytest
from harness_plugins.last_number import last_number
from harness_plugins.simulated_people import SIMULATED_PEOPLE

from harness.nouns.rubric import Criterion
from harness.nouns.scale import PREFERENCE
from harness.nouns.schema import Item, JudgmentRequest, Response


@pytest.mark.parametrize(
    ("reference", "text", "value"),
    [
        ("12345678901234567890", "it is 12345678901234567891", False),
        ("12345678901234567890", "it is 12,345,678,901,234,567,890", True),
        ("0.1", "0.10", True),
        (0.1, "0.1000000000000000055511", False),
        (1000.0, "1,000", True),
        ("3", "x-3", True),
        ("-3", "x-3", False),
        ("3", "5-3", False),  # a difference or a range
        ("-3", "x = -3", True),
        ("-3", "(-3)", True),
        ("nan", "3", None),
        ("infinity", "3", None),
        ("three", "3", None),
        (None, "3", None),
        ("3", "three", False),
    ],
)
def test_the_last_number_is_read_and_compared_exactly(
    reference: Any, text: str, value: bool | None
) -> None:
    assert last_number(Item("i", "?", reference), Response("r", "i", "s", text)) is value


@pytest.mark.parametrize(
    ("text", "shares"),
    [("that is enough", (0.35, 0.65)), ("UGH!", (0.0, 0.05)), ("thanks, ugh", (0.0, 0.05))],
)
def test_simulated_people_mind_whole_words(text: str, shares: tuple[float, float]) -> None:
    """Utilities are equal but for the word, which is worth 6 logits."""
    options = {"people": 400, "disliked": ["ugh"], "style": 6.0, "tie_below": 0.0, "skip": 0.0}
    source: Any = SIMULATED_PEOPLE.build(options)
    responses = (Response("a", "i", "s", text), Response("b", "i", "s", "fine"))
    criterion = Criterion("overall", "Which is better?", PREFERENCE)
    request = JudgmentRequest("q", Item("i", "?"), responses, criterion)
    values = [source._verdict(request, person).value for person in range(400)]
    low, high = shares
    assert low <= values.count("A") / len(values) <= high
