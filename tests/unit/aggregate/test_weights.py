"""Weights of annotators: finite, at least 0, of somebody who gave a label."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import harness

from harness.experiment.stages.aggregate import How, aggregate
from harness.labels.ratings import Reading
from harness.nouns.errors import InputError

READING = Reading(judges=("ann", "ben"), item_column="item")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text("item,ann,ben\n1,A,B\n2,B,B\n")
    return path


@pytest.mark.parametrize("weight", [-5.0, float("nan"), float("inf"), True, "1"])
def test_a_weight_that_is_none_is_refused(labels: Path, weight: object) -> None:
    with pytest.raises(InputError, match=r"ann: .* is no finite number of at least 0"):
        aggregate(labels, How("majority", {"ann": weight}), READING)  # type: ignore[dict-item]


def test_a_weight_of_nobody_is_refused(labels: Path) -> None:
    with pytest.raises(InputError, match=r"--weight annn: nobody .* did you mean ann\?"):
        aggregate(labels, How("majority", {"annn": 5.0}), READING)
    with pytest.raises(InputError, match="no weight is left of ann, ben"):
        aggregate(labels, How("majority", {"ann": 0.0, "ben": 0.0}), READING)
    with pytest.raises(InputError, match="comparisons of systems have no --weight"):
        aggregate(labels, How("davidson", {"ann": 1.0}), READING)
    assert aggregate(labels, How("majority", {"ann": 2.0}), READING).rows()[0]["label"] == "A"


@pytest.mark.parametrize("weight", ["ann=-5", "ann=nan", "annn=5", "ann=x"])
def test_the_command_refuses_it_and_writes_nothing(labels: Path, weight: str) -> None:
    done = harness(
        "aggregate", labels.name, "--annotators", "ann,ben", "--method", "majority",
        "--item-column", "item", "--weight", weight, "--out", "o.csv", cwd=labels.parent,
    )  # fmt: skip
    assert done.returncode == 2 and "error: --weight" in done.stderr
    assert not (labels.parent / "o.csv").exists()
