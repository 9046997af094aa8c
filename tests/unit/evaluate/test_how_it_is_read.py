"""``harness evaluate`` is told which way is better, and what counts as the same."""

from __future__ import annotations

import pytest

from harness.cli.evaluate import Options, read_as
from harness.nouns.errors import ConfigError


def options(**given: list[str]) -> Options:
    return Options(items="i.jsonl", responses=[], evaluator=["e"], **given)  # type: ignore[arg-type]


def test_evaluators_are_read_as_said() -> None:
    assert read_as(options(), {"e": "e"}) == (frozenset(), {})
    found = read_as(options(lower_is_better=["e"], margin=["e=0.05"]), {"e": "e", "f": "f"})
    assert found == (frozenset({"e"}), {"e": 0.05})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"margin": ["e"]}, "EVALUATOR=NUMBER"),
        ({"margin": ["e=5"]}, "between 0 and 1"),
        ({"margin": ["e=nan"]}, "between 0 and 1"),
        ({"margin": ["f=0.1"]}, "no evaluator is named f"),
        ({"lower_is_better": ["f"]}, "no evaluator is named f"),
    ],
)
def test_what_is_said_wrongly_is_named(given: dict[str, list[str]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_as(options(**given), {"e": "e"})
