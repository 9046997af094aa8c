"""The scripted experiment (whole.yaml) with other gates, and with none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.nouns.errors import GateStopError

if TYPE_CHECKING:
    from conftest import World


def test_a_gate_that_stops_trains_nothing_and_says_why(whole: World) -> None:
    agreement = {
        "reference": "people",
        "gates": [
            {"source": "verifier", "minimum_kappa": 0.51, "action": "stop"},
            {"source": "grader", "minimum_kappa": 0.9, "action": "stop", "undecided": "train"},
            {"source": "jury", "minimum_kappa": 0.64, "action": "stop"},
        ],
    }
    with pytest.raises(GateStopError) as stopped:
        whole.run(agreement=agreement)
    message = str(stopped.value)
    gates = json.loads((whole.out / "agreement.json").read_text())["gates"]
    assert [(g["source"], g["passed"], g["weight"]) for g in gates] == [
        ("verifier", False, 0.0), ("grader", False, 1.0), ("jury", False, 0.0),
    ]  # fmt: skip
    first, _, last = gates
    assert message == (
        f"verifier: {first['reason']}; jury: {last['reason']} (see {whole.out / 'agreement.json'})"
    )
    assert "kappa with people 0.50" in first["reason"]
    assert "kappa with people 0.64" in last["reason"]
    assert whole.trainings == []
    assert not (whole.out / "preferences").exists()
    assert not (whole.out / "policies").exists()


def test_without_an_agreement_section_every_source_has_its_full_weight(whole: World) -> None:
    experiment = whole.experiment
    keep = ("hybrid", "nothing")
    arms = {name: arm for name, arm in experiment["arms"].items() if name in keep}
    whole.score_base(3)
    report = whole.run(agreement=None, arms=arms, seeds=[3])
    assert report["agreement"] is None
    assert report["gates"] == []
    assert [arm["weights"] for arm in report["arms"]] == [
        {"people": 2.0, "verifier": 1.0}, {"critic": 1.0},
    ]  # fmt: skip
    # Who takes part in no arm is not asked before training.
    assert {row[1] for row in whole.happened("ask") if row[3].startswith("t")} == {
        "people", "critic", "verifier",
    }  # fmt: skip
    assert not (whole.out / "agreement.json").exists()
    assert report["arms"][1]["n_preferences"] == 3
