"""The committed reports are what this version writes of their data, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report import build, load

EXAMPLES = sorted(Path(__file__).parents[3].glob("reports/example-*"))


def test_there_is_one_of_the_default_experiment_and_one_with_five_seeds() -> None:
    seeds = {path.name: len(load(path)["run"]["seeds"]) for path in EXAMPLES}
    assert seeds == {"example-arithmetic": 2, "example-overoptimisation": 5}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_committed_report_is_what_is_built_of_its_data(example: Path, tmp_path: Path) -> None:
    build(load(example), tmp_path)
    for name in ("report.html", "report.md", "report.json"):
        built, kept = (folder / name for folder in (tmp_path, example))
        assert built.read_bytes() == kept.read_bytes(), f"build it again: harness report {example}"
