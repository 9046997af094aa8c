"""Gates that could decide nothing are refused, from Python and from a file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.agreement.settings import Settings
from harness.experiment.gate_config import GateConfig
from harness.experiment.stages.agree import agree, gated
from harness.experiment.stages.gate_checks import check_gates
from harness.labels.ratings import Reading
from harness.nouns.errors import InputError
from harness.nouns.gate import LIMITS, Gate

NO_LIMITS = [math.nan, math.inf, -math.inf, 1.0001, -1.0001]
READING = Reading(humans=("ann", "bob"), judges=("gpt", "old"))


@pytest.mark.parametrize("limit", [*NO_LIMITS, "0.5", None, True])
@pytest.mark.parametrize("statistic", ["cohen_kappa", "ece"])
def test_a_limit_that_is_no_number_of_the_statistic(limit: Any, statistic: str) -> None:
    with pytest.raises(InputError, match=r"must be a number from -?[01] to 1, got"):
        Gate("judge", limit, "drop", statistic)


@pytest.mark.parametrize("key", LIMITS)
@pytest.mark.parametrize("limit", [*NO_LIMITS, ".nan", "nan", "inf"])
def test_a_limit_of_a_file_that_is_none(key: str, limit: Any) -> None:
    bias = {"bias": "length"} if key == "maximum_bias" else {}
    with pytest.raises(ValidationError):
        GateConfig.model_validate({"source": "judge", "action": "drop", key: limit, **bias})


def test_a_rate_is_not_below_0() -> None:
    assert Gate("judge", -0.2, "drop").limit == -0.2
    with pytest.raises(InputError, match="the gate of judge: minimum_right must be a number from"):
        Gate("judge", -0.2, "drop", "share_right")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"action": "stpo"}, "no action is called 'stpo'"),
        ({"statistic": "kappa"}, "no statistic is called 'kappa'"),
        ({"undecided": "warn"}, "no undecided is called 'warn'"),
        ({"pairs": "some"}, "no pairs is called 'some'"),
        ({"statistic": "bias", "bias": "lenght"}, "no bias is called 'lenght'"),
        ({"statistic": "bias"}, "go together"),
        ({"bias": "length"}, "go together"),
    ],
)
def test_a_gate_of_names_that_nobody_has(more: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Gate(**{"source": "judge", "limit": 0.4, "action": "drop", **more})


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    rows = [f"i{n},{'AB'[n % 2]},{'AB'[n % 3 > 0]},{'AB'[n % 2]},A" for n in range(30)]
    path.write_text("item,ann,bob,gpt,old\n" + "\n".join(rows) + "\n")
    return path


def test_a_judge_is_no_people(labels: Path) -> None:
    """That two judges agree shows nothing; people and gold are held to be right."""
    told = "held against old, which is a judge"
    with pytest.raises(InputError, match=told):
        check_gates([Gate("gpt", 0.4, "drop", against="old")], labels, READING)
    report = agree(labels, READING, Settings(replicates=100))
    with pytest.raises(InputError, match=told):
        gated(report, [Gate("gpt", 0.4, "drop", against="old")])
    check_gates([Gate("gpt", 0.4, "drop", against="ann")], labels, READING)
