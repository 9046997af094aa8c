"""Gates like with like: people of a criterion, single responses, slices, effects on arms, keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from harness.cli.label_options import gates
from harness.experiment.config import ArmConfig
from harness.experiment.effects import effects_of
from harness.experiment.experiment import Experiment
from harness.experiment.gate_config import AgreementConfig, GateConfig
from harness.experiment.gates import least_left, read_gates
from harness.experiment.stages.agree import Agreement, agree, agreement_of, gated
from harness.experiment.stages.gate_checks import check_gates
from harness.experiment.stages.judge import Judged
from harness.labels.ratings import Reading
from harness.nouns.errors import InputError
from harness.nouns.gate import LIMITS, Gate
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, PREFERENCE
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo, Verdict
from harness.ratings.singles import singles_of

TASTE = Criterion("taste", "Which?", PREFERENCE)
RIGHT = Criterion("right", "Is it right?", BINARY)
N = 60


def items() -> list[tuple[Item, tuple[Response, Response]]]:
    """Of each pair the first is right, of every third pair both are; slices alternate."""
    made = []
    for k in range(N):
        item = Item(f"i{k}", "2+2?", "4", {"slice": "easy" if k % 2 else "hard"})
        texts = ("4", "4" if k % 3 == 0 else "5")
        made.append((item, tuple(Response(f"i{k}.{r}", item.id, "base", t, {})
                                 for r, t in enumerate(texts))))  # fmt: skip
    return made


ITEMS = items()
PAIRS = [JudgmentRequest(f"p-{item.id}", item, both, TASTE) for item, both in ITEMS]
SINGLES = [
    JudgmentRequest(f"s-{one.id}", item, (one,), RIGHT) for item, both in ITEMS for one in both
]


def judged(name: str, kind: str, way: str, says: Mapping[str, Any]) -> Judged:
    info = SourceInfo(name, "1", kind, takes=(way,))
    requests = PAIRS if way == "pairwise" else SINGLES
    said = [
        Judgment(request, name, "1", name, Verdict(Status.OK, value))
        for request, value in says.items()
    ]
    return Judged(SimpleNamespace(name=name, way=way, info=info), requests, said)


PEOPLE = judged("people", "human", "pairwise", {r.id: "B" for r in PAIRS[::2]} | {
    r.id: "A" for r in PAIRS[1::2]})  # fmt: skip
ON_RIGHT = judged(
    "on_right", "human", "pairwise",
    {r.id: "TIE" if k % 3 == 0 else "A" for k, r in enumerate(PAIRS)},
)  # fmt: skip
LABELS = judged("labels", "human", "pointwise", {r.id: r.responses[0].text == "4" for r in SINGLES})
VERIFIER = judged(
    "verifier", "verifier", "pointwise", {r.id: r.responses[0].text == "4" for r in SINGLES}
)


def decided(*asked: dict[str, Any], people: tuple[Judged, ...] = (ON_RIGHT,)) -> Agreement:
    config = AgreementConfig.model_validate({"reference": "people", "gates": asked})
    arms = [ArmConfig(sources=("verifier",), trainer="grpo")]
    return agreement_of(PAIRS, [PEOPLE, VERIFIER, *people], config, arms)


def test_a_verifier_is_held_against_people_who_label_what_it_decides() -> None:
    taste, right, hard = decided(
        {"source": "verifier", "minimum_kappa": 0.4, "action": "down_weight"},
        {"source": "verifier", "minimum_right": 0.9, "against": "on_right", "action": "drop"},
        {"source": "verifier", "minimum_right": 0.8, "against": "on_right", "slice": "hard",
         "action": "drop"},
    ).gates  # fmt: skip
    assert (taste.outcome, right.outcome, hard.outcome) == ("fail", "pass", "pass")
    assert (right.value, right.n, right.coverage) == (1.0, 40, 1.0)
    assert (hard.n, hard.slice) == (20, "hard")


def test_a_bias_is_read_from_the_probes_of_the_same_version(tmp_path) -> None:
    gate = {"source": "verifier", "action": "drop", "maximum_bias": 0.1, "bias": "length"}
    config = AgreementConfig.model_validate({"reference": "people", "gates": [gate]})
    path, version = tmp_path / "probes.json", VERIFIER.source.info.version
    ends = dict.fromkeys(("low", "lower"), 0.01) | dict.fromkeys(("high", "upper"), 0.05)
    row = {"bias": "length", "excess": 0.03, **ends, "error": 0.01, "n": 90, "clusters": 90}
    found = agreement_of(PAIRS, [PEOPLE, VERIFIER], config).gates[0]
    assert (found.outcome, found.weight) == ("undecided", 0.0) and "not probed" in found.reason
    for said, outcome in ((version, "pass"), ("another", "undecided")):
        probes = [{**row, "found": False, "reason": ""}]
        path.write_text(json.dumps({"source": "verifier", "version": said, "probes": probes}))
        (found,) = agreement_of(PAIRS, [PEOPLE, VERIFIER], config, probes=[path]).gates
        assert found.outcome == outcome
    assert f"is of version another, and the judge is {version} now" in found.reason


def test_probes_of_an_experiment_are_read_before_anything_is_paid_for(whole) -> None:
    agreement = {**whole.experiment["agreement"], "probes": ["probes.json"]}
    file = whole.write(agreement=agreement)
    with pytest.raises(InputError, match=r"probes\.json"):
        Experiment.read(file)
    path, prints = file.parent / "probes.json", set()
    for version in "12":
        path.write_text(json.dumps({"source": "critic", "version": version, "probes": []}))
        made = Experiment.read(file)
        prints.add(made.fingerprint)
        assert made.probes == [str(path)]
    assert len(prints) == 2


def test_people_of_a_criterion_take_no_part_in_the_report_of_the_others() -> None:
    gate = {"source": "verifier", "minimum_right": 0.9, "against": "on_right", "action": "drop"}
    found = decided(gate)
    without = decided({**gate, "against": "people"}, people=())
    assert found.tables == without.tables
    assert found.kappas == without.kappas
    assert set(found.kappas) == {"verifier"} | ({"people"} & set(found.kappas))


def test_false_passes_are_counted_on_single_responses() -> None:
    passes, fails, none = decided(
        {"source": "verifier", "maximum_false_pass": 0.1, "against": "labels", "action": "drop"},
        {"source": "verifier", "maximum_false_fail": 0.1, "against": "labels", "action": "drop"},
        {"source": "verifier", "maximum_false_pass": 0.1, "against": "people", "action": "drop"},
        people=(LABELS,),
    ).gates
    assert (passes.outcome, passes.value, passes.n) == ("pass", 0.0, 40)
    assert (fails.outcome, fails.value, fails.n) == ("pass", 0.0, 80)
    assert (none.value, none.weight) == (None, 0.0)
    assert "nobody labelled single responses" in none.reason


def test_the_least_that_a_gate_leaves_counts() -> None:
    found = decided(
        {"source": "verifier", "minimum_right": 0.9, "against": "on_right", "action": "drop"},
        {"source": "verifier", "minimum_kappa": 0.4, "action": "drop"},
    )
    assert found.weights == {"verifier": 0.0}
    assert least_left([("a", 0.5), ("b", 1.0), ("a", 0.7)]) == {"a": 0.5, "b": 1.0}


def test_the_reason_is_that_of_the_gate_that_leaves_least(tmp_path) -> None:
    path = tmp_path / "agreement.json"
    rows = [
        {"source": "judge", "weight": weight, "reason": reason}
        for weight, reason in ((1.0, "passed"), (0.0, "flips"), (0.0, "kappa"), (0.5, "other"))
    ]
    path.write_text(json.dumps({"gates": rows, "kappas": {}}))
    found = read_gates(path)
    assert (found.left, found.reasons) == ({"judge": 0.0}, {"judge": "flips; kappa"})


def test_a_response_passes_by_the_mean_of_its_scores() -> None:
    said = [
        Judgment("s-i0.0", "people", "1", who, Verdict(Status.OK, value))
        for who, value in (("ann", True), ("bob", True), ("cy", False))
    ] + [
        Judgment("s-i0.1", "people", "1", "ann", Verdict(Status.OK, True)),
        Judgment("s-i0.1", "people", "1", "bob", Verdict(Status.OK, False)),
        Judgment("s-i1.0", "people", "1", "ann", Verdict(Status.ERROR)),
        Judgment("s-i1.1", "people", "1", "ann", Verdict(Status.OK, False)),
    ]
    found = singles_of(SINGLES[:4], said)
    assert found is not None
    assert found.passes["people"].tolist() == [1, -1, -1, 0]
    assert (found.clusters.tolist(), found.slices[::2]) == ([0, 0, 1, 1], ("hard", "easy"))
    assert singles_of(PAIRS, []) is None


EFFECTS: dict[str, tuple[dict[str, Any], dict[str, float], str]] = {
    # the arm, weights after the gates, what is said of "judge", of which .5 is left
    "alone, pairs": (
        {"sources": ["judge"], "trainer": "dpo"}, {"judge": 0.5}, "none: it is the only source, and"
    ),
    "beside people": (
        {"sources": ["judge", "people"], "trainer": "dpo"}, {"judge": 0.5, "people": 2},
        "its votes count 0.50 beside people 2.00",
    ),
    "by a model": (
        {"sources": ["judge", "people"], "trainer": "dpo", "aggregation": "dawid_skene"},
        {"judge": 0.5, "people": 1}, "none: dawid_skene finds",
    ),
    "by its kappa": (
        {"sources": ["judge", "people"], "trainer": "dpo", "aggregation": "agreement_weighted"},
        {"judge": 0.31, "people": 1}, "none of the gate's: by agreement_weighted it counts as its",
    ),
    "alone by GRPO": (
        {"sources": ["judge"], "trainer": "grpo"}, {"judge": 0.5}, "does not see the scale of"
    ),
    "alone by GRPO without scaling": (
        {"sources": ["judge"], "trainer": "grpo", "settings": {"trl": {"scale_rewards": "none"}}},
        {"judge": 0.5}, "the reward is multiplied by 0.50",
    ),
    "alone by PPO": (
        {"sources": ["judge"], "trainer": "ppo"}, {"judge": 0.5}, "the reward is multiplied by 0.50"
    ),
    "in a sum": (
        {"sources": ["judge", "verifier"], "trainer": "grpo"}, {"judge": 0.5, "verifier": 1},
        "its reward is multiplied by 0.50 in the sum with verifier 1.00",
    ),
    "dropped": (
        {"sources": ["judge", "people"], "trainer": "dpo"}, {"judge": 0, "people": 1}, "left out"
    ),
    "dropped, alone": (
        {"sources": ["judge"], "trainer": "dpo"}, {"judge": 0}, "nothing is left to train on"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", EFFECTS)
def test_what_a_weight_changes_is_said_of_each_arm(case: str) -> None:
    arm, weights, said = EFFECTS[case]
    found = effects_of(ArmConfig.model_validate(arm), weights, {"judge": 0.5}, ["judge", "people"])
    assert said in found["judge"]
    assert set(found) == {"judge"}
    assert effects_of(ArmConfig.model_validate(arm), weights, {"judge": 1.0}, []) == {}


GATES = {
    "judge=0.4:drop": Gate("judge", 0.4, "drop"),
    "judge=-0.4:down_weight": Gate("judge", -0.4, "down_weight"),
    "judge=minimum_kappa:0.4:stop": Gate("judge", 0.4, "stop"),
    "judge=maximum_flip_rate:0.2:warn": Gate("judge", 0.2, "warn", "swap_flip_rate"),
    "v=0.4:drop,against=ann,pairs=decided,slice=hard,undecided=train": Gate(
        "v", 0.4, "drop", "cohen_kappa", "train", "ann", "decided", "hard"
    ),
}


@pytest.mark.parametrize("text", GATES)
def test_a_gate_on_the_command_line(text: str) -> None:
    assert gates([text]) == [GATES[text]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("judge=0.4", "--gate must be like judge=0.4:down_weight"),
        ("judge=0.4:dorp", "action: Input should be 'drop'"),
        ("judge=x:drop", "minimum_kappa: Input should be a valid number"),
        ("judge=1.4:drop", "minimum_kappa: Input should be less than or equal to 1"),
        ("judge=minimum_kapa:0.4:drop", "minimum_kapa: Extra inputs"),
        ("judge=0.4:drop,agianst=ann", "agianst: Extra inputs"),
        ("judge=0.4:drop,undecided=maybe", "undecided: Input should be 'train'"),
        ("judge=0.4:drop,maximum_flip_rate=0.1", "a gate has one limit, got minimum_kappa and"),
        ("judge=minimum_right:0.9:drop,pairs=decided", "pairs is for minimum_kappa"),
    ],
)
def test_a_gate_that_is_none(text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        gates([text])
    assert said in str(error.value)


def test_a_gate_of_an_experiment_has_one_limit() -> None:
    asked = {"source": "judge", "action": "drop"}
    for key in LIMITS:
        more = {"bias": "length"} if key == "maximum_bias" else {}
        found = GateConfig.model_validate({**asked, **more, key: 0.4}).gate()
        assert found.measure.key == key
    with pytest.raises(ValidationError, match="a gate has one limit, give one of minimum_kappa"):
        GateConfig.model_validate(asked)


def test_a_judge_of_a_table_of_labels_is_held_against_its_people_or_gold(tmp_path) -> None:
    path = tmp_path / "labels.csv"
    rows = [f"{k},{'AB'[k % 2]},{'AB'[k % 2]},{'AB'[k // 2 % 2]},{'AB'[k % 2]}" for k in range(80)]
    path.write_text("\n".join(["item,ann,good,bad,gold", *rows]))
    reading = Reading(humans=("ann",), judges=("good", "bad"), gold_column="gold")
    asked = [
        *(Gate(name, 0.4, "drop", against=of) for of in ("", "gold") for name in ("good", "bad")),
        Gate("good", 0.9, "drop", "share_right"),
    ]
    check_gates(asked, path, reading)
    found = gated(agree(path, reading), asked)
    assert [gate.outcome for gate in found.gates] == ["pass", "fail", "pass", "fail", "pass"]
    with pytest.raises(InputError, match="no judgment is from god"):
        check_gates([Gate("god", 0.4, "drop")], path, reading)
    with pytest.raises(InputError, match="gates need judgments"):
        gated(agree(path, reading), [])
