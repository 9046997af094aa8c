"""What the report says beside its results: who scored them, and how many prompts were answered."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.agreement import report as agreement_report
from harness.experiment.stages.report import _items
from harness.nouns.schema import Item, Response
from harness.report.build import build
from harness.report.findings import findings
from harness.report.results import WITH_PEOPLE

Data = dict[str, Any]
GATE: Data = {
    "source": "small_judge", "statistic": "cohen_kappa", "value": 0.15, "low": -0.22, "high": 0.54,
    "minimum": 0.4, "action": "down_weight", "passed": False, "weight": 0.15, "reason": "few",
}  # fmt: skip


TODAY = GATE | {
    "limit": 0.4, "outcome": "fail", "lower": -0.1, "upper": 0.39, "n": 23, "against": "",
}  # fmt: skip


def kappa(
    name: str, who: str, value: float | None, low: float | None = None, high: float | None = None
) -> Data:
    return {"section": WITH_PEOPLE, "name": name, "annotators": who, "value": value, "low": low,
            "high": high, "n": 23, "clusters": 23, "status": "ok", "reason": ""}  # fmt: skip


def people(value: float | None) -> Data:
    return kappa("mean_cohen_kappa", "people", value)


LOW = "scores policies here, and it"
MINUS = "\N{MINUS SIGN}"
TRUST: dict[str, tuple[list[Data], list[Data], list[str]]] = {
    # gates, rows of the agreement, what stands at the results (nothing: no such line)
    "not clearly below its gate": (
        [GATE], [],
        [f"did not pass its gate: kappa 0.15 ({MINUS}0.22 to 0.54), below the minimum of 0.40,"
         " which the interval holds"],
    ),
    "below its gate": (
        [GATE | {"high": 0.39}], [],
        [f"is low: kappa 0.15 ({MINUS}0.22 to 0.39), below the minimum of 0.40."],
    ),
    "below its gate, without an interval": (
        [GATE | {"low": None, "high": None}], [], ["is low: kappa 0.15, below the minimum of 0.40."]
    ),
    "undefined": (
        [GATE | {"value": None}], [],
        ["is unknown: kappa could not be computed, and the minimum is 0.40."],
    ),
    "not decided by its bounds": (
        [TODAY | {"outcome": "undecided"}], [],
        [f"is not decided: kappa 0.15 ({MINUS}0.22 to 0.54), and the minimum is 0.40."],
    ),
    "below its gate by its bounds": (
        [TODAY], [],
        [f"is low: kappa 0.15 ({MINUS}0.22 to 0.54), below the minimum of 0.40."],
    ),
    "turns with the order": ([TODAY | {"statistic": "swap_flip_rate"}], [], []),
    "passes its gate": ([GATE | {"passed": True}], [], []),
    "its gate is of another source": ([GATE | {"source": "people"}], [], []),
    "no gate, below people": (
        [], [people(0.46), kappa("cohen_kappa", "small_judge", 0.15)],
        ["it agrees with", "less than they do with each other: kappa 0.15, and 0.46."],
    ),
    "no gate, as people": ([], [people(0.46), kappa("cohen_kappa", "small_judge", 0.46)], []),
    "no gate, above people": ([], [people(0.46), kappa("cohen_kappa", "small_judge", 0.6)], []),
    "no gate, one person": ([], [people(None), kappa("cohen_kappa", "small_judge", 0.1)], []),
    "no gate, undefined": ([], [people(0.46), kappa("cohen_kappa", "small_judge", None)], []),
    "a source that does not evaluate": (
        [], [people(0.46), kappa("cohen_kappa", "other_judge", 0.15)], []
    ),
    "passes its gate, surely below people": (
        [GATE | {"passed": True, "minimum": 0.1}],
        [people(0.79), kappa("cohen_kappa", "small_judge", 0.6, 0.49, 0.78)],
        ["less than they do with each other: kappa 0.60 (0.49 to 0.78), and 0.79."],
    ),
    "the interval holds what people have": (
        [GATE | {"passed": True, "minimum": 0.1}],
        [people(0.79), kappa("cohen_kappa", "small_judge", 0.7, 0.49, 0.86)], [],
    ),
    "the interval ends where people are": (
        [], [people(0.79), kappa("cohen_kappa", "small_judge", 0.7, 0.49, 0.79)], [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TRUST)
def test_an_evaluator_that_disagrees_with_people_is_named(
    case: str, made_up: Data, tmp_path: Path
) -> None:
    gates, rows, said = TRUST[case]
    evaluator = made_up["evaluation"]["evaluators"][0] | {"name": "small_judge", "title": "judge"}
    scores = [
        row | {"evaluator": "small_judge"}
        for row in made_up["evaluation"]["scores"]
        if row["evaluator"] == made_up["evaluation"]["evaluators"][0]["name"]
    ]
    evaluation = made_up["evaluation"] | {"evaluators": [evaluator], "scores": scores, "wins": []}
    agreement = {"tables": [{"title": "pairs", "rows": rows}]}
    data = made_up | {"evaluation": evaluation, "gates": gates, "agreement": agreement}
    text = (build(data, tmp_path).with_name("report.md")).read_text()
    results = text.partition("## Results")[2].partition("\n## ")[0]
    assert (LOW in results) is bool(said)
    for part in said:
        assert part in results.replace("\\", "")


def test_the_section_is_that_of_the_agreement() -> None:
    assert agreement_report.WITH_PEOPLE == WITH_PEOPLE


PROMPTS: dict[str, tuple[list[str] | None, Data, str]] = {
    # items answered, of k0 to k24, by responses made elsewhere; what is noted; what is said
    "one without": ([f"k{n}" for n in range(24)], {"train": 24, "unanswered": 1},
                    "24 prompts for training (1 more has no response), 9 held out"),
    "three without": ([f"k{n}" for n in range(3, 25)], {"train": 22, "unanswered": 3},
                      "22 prompts for training (3 more have no response), 9 held out"),
    "several of one": (["k1", "k1", "k2"], {"train": 2, "unanswered": 23},
                       "2 prompts for training (23 more have no response), 9 held out"),
    "of other items too": (["k1", "other"], {"train": 1, "unanswered": 24}, "1 prompt for"),
    "all": ([f"k{n}" for n in range(25)], {"train": 25}, "25 prompts for training, 9 held out"),
    "sampled in the run": (None, {"train": 25}, "25 prompts for training, 9 held out"),
}  # fmt: skip


@pytest.mark.parametrize("case", PROMPTS)
def test_a_prompt_without_a_response_is_not_counted(
    case: str, made_up: Data, tmp_path: Path
) -> None:
    answered, noted, said = PROMPTS[case]
    responses = answered and [Response(f"r{n}", item, "x", "") for n, item in enumerate(answered)]
    experiment = SimpleNamespace(
        train=[Item(f"k{n}", "") for n in range(25)],
        evaluation=[Item(f"h{n}", "") for n in range(9)],
        responses=responses,
    )
    found = _items(experiment)  # type: ignore[arg-type]
    assert found == {**noted, "eval": 9}
    data = made_up | {"run": made_up["run"] | {"items": found}}
    text = build(data, tmp_path).with_name("report.md").read_text().replace("\\", "")
    assert said in text
    lost = said.partition("(")[2].partition(")")[0]
    same = "1 prompt" if noted["train"] == 1 else f"{noted['train']} prompts"
    assert f"on the same {same}" + f" ({lost})" * bool(lost) in text


def marked(data: dict[str, Any], evaluators: int) -> dict[str, Any]:
    """Return a report in which some evaluators have the rule of what trained rlvr."""
    data = copy.deepcopy(data)
    names = [one["name"] for one in data["evaluation"]["evaluators"]][:evaluators]
    for row in data["evaluation"]["scores"]:
        if row["policy"] == "rlvr" and row["evaluator"] in names:
            row |= {"held_out": False, "same_rule": ["verifier"]}
    return data


def test_an_evaluator_with_the_rule_of_the_training_is_no_headline(
    made_up: dict[str, Any], tmp_path: Path
) -> None:
    assert any("rlvr raised correctness" in line for line in findings(made_up))
    of_rlvr = [one for one in findings(marked(made_up, 1)) if "rlvr did to style" in one]
    assert of_rlvr and not any("correctness" in line for line in of_rlvr)
    (line,) = (one for one in findings(marked(made_up, 9)) if "rlvr" in one and "rule" in one)
    assert line == "Every evaluator has the same rule as the training of rlvr."
    build(marked(made_up, 1), tmp_path)
    for page in ("report.html", "report.md"):
        text = (tmp_path / page).read_text()
        assert text.count("same rule as training") >= 2, page
