"""The matrix of win rates has the rate at equal length, which harness win-rate has."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from harness.report.results import results
from harness.report.wording import Names


def matrix(data: dict[str, Any], even: Any) -> str:
    """Return the text of the results, with the same rate at equal length everywhere."""
    data = copy.deepcopy(data)
    for row in data["evaluation"]["wins"]:
        row.pop("length_controlled", None)
        if even != "absent":
            row["length_controlled"] = even
    return repr(results(data, Names.of_run(data)))


@pytest.mark.parametrize(
    ("even", "small", "lead"),
    [
        ({"value": 0.4321, "low": 0.4, "high": 0.5, "reason": ""}, True, True),
        (
            {"value": None, "low": None, "high": None, "reason": "every gap is the same"},
            False,
            True,
        ),
        (None, False, False),
        ("absent", False, False),  # of a run of an earlier version
    ],
)
def test_a_cell_says_the_rate_at_equal_length(
    even: Any, small: bool, lead: bool, made_up: dict[str, Any]
) -> None:
    text = matrix(made_up, even)
    assert (re.search(r"'\d+/\d+/\d+ · 0\.43'", text) is not None) == small
    assert ("if both had written equally many characters" in text) == lead


def test_the_rates_of_a_run_are_shown(made_up: dict[str, Any]) -> None:
    wins = made_up["evaluation"]["wins"]
    rates = {row["length_controlled"]["value"] for row in wins} - {None}
    text = repr(results(made_up, Names.of_run(made_up)))
    assert rates and all(
        re.search(rf"/\d+ · {rate:.2f}( · style [\d.]+)?'", text) for rate in rates
    )
    rates = {(row.get("style_controlled") or {}).get("value") for row in wins} - {None}
    assert rates and all(f" · style {rate:.2f}'" in text for rate in rates)
    assert "then (style) if with equally many headings" in text
