"""``harness evaluate`` is told which way is better, and what counts as the same."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from harness.cli.evaluate import Options, read_as
from harness.cli.main import main
from harness.nouns.errors import ConfigError
from harness.records.writes import write_jsonl


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


def test_the_terminal_says_which_way_is_better_and_what_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """60 prompts: no rude answer any more, which is better; and as many are right as were."""
    items, words = tmp_path / "items.jsonl", list[str]()
    write_jsonl(items, [{"id": f"i{n}", "prompt": f"{n}?", "reference": str(n)} for n in range(60)])
    for policy, manner in (("base", "ugh"), ("kind", "here")):
        file = tmp_path / f"{policy}.jsonl"
        rows = [
            {"id": f"{policy}{n}", "item_id": f"i{n}", "text": f"{manner if n % 3 else ''} {n}"}
            for n in range(60)
        ]
        write_jsonl(file, rows)
        words += ["--responses", f"{policy}={file}"]
    words += ["--evaluator", "rude=keywords", "--option", "rude.any_of=[ugh]"]
    words += ["--evaluator", "right=last_number", "--lower-is-better", "rude"]
    command = ["harness", "evaluate", "--items", str(items), *words, "--margin", "right=0.1"]
    with patch.object(sys, "argv", [*command, "--quiet"]), pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().out
    rude = next(line for line in said.splitlines() if "kind" in line and "rude" in line)
    right = next(line for line in said.splitlines() if "kind" in line and "right" in line)
    assert rude.split()[-1] == "lowered" and "\u22120.67" in rude
    assert right.split()[-1] == "unclear"  # one training cannot show that nothing changes
    assert "rude (lower is" in said and said.count("better)") == 2
    assert "right: a change within 0.10 counts as none" in said
    assert "difference: \u22120.79 to \u22120.54" in said
