"""What a plugin's aggregation, statistic and section return is checked; faults name the plugin."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.experiment.stages.aggregate import How, aggregate
from harness.experiment.stages.agree import agree
from harness.labels.ratings import Reading
from harness.nouns.errors import PluginError, ScaleError
from harness.plugin import AggregatorFactory, AgreementStatistic, Estimate, Posterior, ReportSection
from harness.registry import registry

READING = Reading(humans=("ann", "ben"), judges=("judge",), item_column="item")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text("item,ann,ben,judge\n1,A,A,B\n2,B,B,B\n3,A,B,A\n")
    return path


def raises(*args: Any) -> Any:
    raise ZeroDivisionError("by naught")


def leaves(*args: Any) -> Any:
    raise SystemExit(3)


def chances(row: list[float], dtype: type = float) -> Any:
    return lambda table, weights: Posterior(np.array([row] * len(table.items), dtype=dtype))


AGGREGATIONS = {
    "it returned NoneType, not a Posterior": lambda table, weights: None,
    "it returned list, not a Posterior": lambda table, weights: [[1.0, 0.0]] * 3,
    "ZeroDivisionError: by naught": raises,
    "SystemExit: 3": leaves,
    "takes 1 positional argument": lambda table: None,
    "shape (1, 2), not (3, 2)": lambda table, weights: Posterior(np.ones((1, 2)) / 2),
    "not all finite": chances([float("nan"), 1.0]),
    "lie between -1 and 2": chances([2.0, -1.0]),
    "sum to 0.8, not 1": chances([0.4, 0.4]),
    "neither probabilities nor estimates": lambda table, weights: Posterior(np.zeros((3, 0))),
    "estimates have the shape (2,)": lambda table, weights: Posterior(
        np.ones((3, 2)) / 2, estimates=np.zeros(2)
    ),
    "estimates are not all finite": lambda table, weights: Posterior(
        np.ones((3, 2)) / 2, estimates=np.full(3, np.inf)
    ),
    "counted has the shape (2,)": lambda table, weights: Posterior(
        np.ones((3, 2)) / 2, counted=np.zeros(2, dtype=np.int64)
    ),
    "weight of 'ann' is -1": lambda table, weights: Posterior(
        np.ones((3, 2)) / 2, weights={"ann": -1}
    ),
    "could not convert": lambda table, weights: Posterior("no numbers"),
}


@pytest.mark.parametrize("message", AGGREGATIONS)
def test_a_wrong_aggregation_of_a_plugin_is_one_error_that_names_it(
    labels: Path, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    factory = AggregatorFactory("theirs", AGGREGATIONS[message])
    monkeypatch.setitem(registry().aggregators, "theirs", factory)  # type: ignore[arg-type]
    with pytest.raises(PluginError) as caught:
        aggregate(labels, How("theirs"), READING)
    assert message in str(caught.value) and "aggregation 'theirs'" in str(caught.value)
    assert caught.value.where == __name__


def test_a_right_aggregation_of_a_plugin_may_have_whole_numbers_and_refuse_a_scale(
    labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(table: Any, weights: Any) -> Any:
        weights.clear()
        raise ScaleError("not for these")

    added: Any = registry().aggregators
    monkeypatch.setitem(added, "whole", AggregatorFactory("whole", chances([1, 0], int)))
    monkeypatch.setitem(added, "refuses", AggregatorFactory("refuses", refuses))
    found: Any = aggregate(labels, How("whole"), READING)
    assert [row["label"] for row in found.rows()] == ["A"] * 3
    weights = {"ann": 0.5}
    with pytest.raises(ScaleError, match="not for these"):
        aggregate(labels, How("refuses", weights), READING)
    assert weights == {"ann": 0.5}


def generated(table: Any) -> Any:
    yield Estimate(0.5, n=1, name="theirs")
    raise KeyError("half way")


STATISTICS = {
    "it returned NoneType, not a sequence of Estimate": lambda table: None,
    "it returned Estimate, not a sequence": lambda table: Estimate(0.5, name="one"),
    "it returned a float among": lambda table: [0.5],
    "ZeroDivisionError: by naught": raises,
    "KeyError: 'half way'": generated,
    "value of an estimate is nan": lambda table: [Estimate(float("nan"))],
    "high of an estimate is inf": lambda table: [Estimate(0.5, 0.0, float("inf"))],
    "value of an estimate is '0.5'": lambda table: [Estimate("0.5")],  # type: ignore[arg-type]
    "value of an estimate is True": lambda table: [Estimate(True)],
    "n of an estimate is None": lambda table: [Estimate(0.5, n=None)],  # type: ignore[arg-type]
    "name of an estimate is 3": lambda table: [Estimate(0.5, name=3)],  # type: ignore[arg-type]
}


@pytest.mark.parametrize("message", STATISTICS)
def test_a_wrong_statistic_of_a_plugin_is_one_error_that_names_it(
    labels: Path, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    factory = AgreementStatistic("theirs", STATISTICS[message])
    monkeypatch.setitem(registry().statistics, "theirs", factory)  # type: ignore[arg-type]
    with pytest.raises(PluginError) as caught:
        agree(labels, READING)
    assert message in str(caught.value) and "statistic 'theirs'" in str(caught.value)


def test_numbers_of_numpy_in_a_statistic_become_plain_ones(
    labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Estimate(np.float32(0.5), n=np.int64(3), name="theirs")  # type: ignore[arg-type]
    factory = AgreementStatistic("theirs", lambda table: [mine])
    monkeypatch.setitem(registry().statistics, "theirs", factory)  # type: ignore[arg-type]
    (row,) = agree(labels, READING).section("theirs")
    assert row == dataclasses.replace(mine, value=0.5, n=3)
    assert type(row.value) is float and type(row.n) is int


def test_a_section_gets_a_copy_and_must_return_text() -> None:
    def clears(data: Any) -> str:
        data["run"].clear()
        data.clear()
        return "cleared"

    data = {"run": {"name": "made-up"}}
    assert ReportSection("Mine", clears).checked(data) == "cleared"
    assert data == {"run": {"name": "made-up"}}
    nothing: Any = lambda data: None  # noqa: E731
    with pytest.raises(PluginError, match=r"section 'Mine' of a plugin failed: .*NoneType"):
        ReportSection("Mine", nothing).checked(data)
