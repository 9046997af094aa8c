"""Juries, templates and samples are gated as they are used: by the one verdict made of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.experiment.config import AgreementConfig, ArmConfig
from harness.experiment.sources import NamedSource
from harness.experiment.stages.aggregate import arm_of
from harness.experiment.stages.agree import Agreement, agree, agreement_of, gated
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.pooled import REWARD, ways_of
from harness.labels.ratings import Reading
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import PREFERENCE, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo, Verdict
from harness.records.judgments import write_judgments

N = 24
LIKERT = Scale("ordinal", ("1", "2", "3", "4", "5"))
TRUE = ["A" if i % 2 else "B" for i in range(N)]
FALSE = ["B" if i % 2 else "A" for i in range(N)]
HALF = TRUE[: N // 2] + FALSE[N // 2 :]
BETTER = Criterion("better", "Which is better?", PREFERENCE, 1.0)
GOOD = Criterion("good", "How good is it?", LIKERT, 1.0)
Voices = Mapping[tuple[str, int], Sequence[Any]]


def pairs() -> list[JudgmentRequest]:
    """N pairs of one item each."""
    found = []
    for i in range(N):
        item = Item(f"i{i}", f"q{i}")
        both = tuple(Response(f"i{i}{k}", item.id, "base", f"t{k}") for k in "ab")
        found.append(JudgmentRequest(f"pair{i}", item, both, BETTER))
    return found


def points() -> list[JudgmentRequest]:
    """Each of their responses."""
    return [
        JudgmentRequest(f"point-{one.id}", pair.item, (one,), GOOD)
        for pair in pairs()
        for one in pair.responses
    ]


def verdict_of(value: Any) -> Verdict:
    """A verdict, or what one says."""
    return value if isinstance(value, Verdict) else Verdict(Status.OK, value)


def judged(name: str, voices: Voices, kind: str = "judge") -> Judged:
    """What a source said: (annotator, repeat) -> verdicts on the pairs, or scores of responses."""
    way = "pairwise" if len(next(iter(voices.values()))) == N else "pointwise"
    info = SourceInfo(name, "1", kind, LIKERT, takes=(way,))
    requests = pairs() if way == "pairwise" else points()
    said = [
        Judgment(
            request.id,
            name,
            "1",
            who,
            verdict_of(v),
            "",
            repeat,
        )
        for (who, repeat), verdicts in voices.items()
        for request, v in zip(requests, verdicts, strict=True)
    ]
    source = SimpleNamespace(name=name, way=way, info=info)
    return Judged(cast(NamedSource, source), requests, said)


PEOPLE = judged("people", {("ann", 0): TRUE, ("ben", 1): TRUE}, "human")


def decided(
    jury: Voices, minimum: float = 0.4, arm: Mapping[str, Any] | None = None, action: str = "drop"
) -> Agreement:
    """What the gate of a jury decides, if an arm uses it so."""
    gate = {"source": "jury", "minimum_kappa": minimum, "action": action}
    config = AgreementConfig.model_validate({"reference": "people", "gates": [gate]})
    arms = [ArmConfig.model_validate({"sources": ["jury"], "trainer": "dpo", **(arm or {})})]
    return agreement_of(pairs(), [PEOPLE, judged("jury", jury)], config, arms)


def passed(found: Agreement) -> tuple[bool, float]:
    """Whether the jury passed, and its weight."""
    (gate,) = found.gates
    return gate.passed, gate.weight


def test_a_jury_with_one_wrong_member_passes_as_the_majority_that_trains() -> None:
    found = decided({("a", 0): TRUE, ("b", 1): TRUE, ("c", 2): FALSE})
    assert passed(found) == (True, 1.0)
    (gate,) = found.gates
    assert gate.value == found.kappas["jury"] == 1.0
    assert gate.reason.endswith("one verdict of 3: jury/a 1.00, jury/b 1.00, jury/c -1.00")
    title = "Each source with the people"
    rows = [row for row in found.tables[0]["rows"] if row["section"] == title]
    assert [(row["annotators"], row["value"]) for row in rows] == [
        ("people", 1.0), ("jury", 1.0), ("jury/a", 1.0), ("jury/b", 1.0), ("jury/c", -1.0),
    ]  # fmt: skip
    (note,) = [n for n in found.tables[0]["notes"][title] if "jury" in n]
    assert note == (
        "jury has 3 voices, listed below it; its row is of the one verdict that they are pooled to"
        " (majority)."
    )
    assert set(found.kappas) == {"people", "jury"}, "a member is no source"


def test_two_copies_of_a_judge_that_is_always_right_pass() -> None:
    # Members number their samples over all of them.
    assert passed(decided({("a", 0): TRUE, ("b", 1): TRUE})) == (True, 1.0)


def test_a_second_template_that_contradicts_counts() -> None:
    # What a template says is a sample of the same annotator; a split is a tie, so half are ties.
    found = decided({("m", 0): TRUE, ("m", 1): HALF}, action="down_weight", minimum=0.9)
    kappa = (0.5 - 0.25) / (1 - 0.25)  # 12 of 24 agree, by chance 2 * (1/2 * 1/4)
    (gate,) = found.gates
    assert gate.value == pytest.approx(kappa)
    assert passed(found) == (False, pytest.approx(gate.lower / 0.9, abs=1e-6))
    assert 0.1 < gate.lower < kappa < gate.upper < 0.9
    assert gate.reason.endswith("one verdict of 2: jury/m (1) 1.00, jury/m (2) 0.00")
    assert passed(decided({("m", 0): TRUE, ("m", 1): FALSE}))[0] is False


def test_two_wrong_members_of_three_do_not_pass() -> None:
    assert passed(decided({("a", 0): TRUE, ("b", 1): FALSE, ("c", 2): FALSE})) == (False, 0.0)


def test_a_judge_alone_is_gated_as_before_and_no_voice_is_named() -> None:
    found = decided({("m", 0): TRUE})
    assert passed(found) == (True, 1.0)
    assert "one verdict of" not in found.gates[0].reason


def test_the_lowest_counts_where_arms_use_a_jury_in_several_ways() -> None:
    # By its mean the loud one decides, by majority the other two.
    loud = [Verdict(Status.OK, v, 1.0 if v == "A" else 0.0) for v in FALSE]
    low = [Verdict(Status.OK, v, 0.55 if v == "A" else 0.45) for v in TRUE]
    jury: Voices = {("a", 0): low, ("b", 1): low, ("c", 2): loud}
    assert passed(decided(jury)) == (True, 1.0)
    assert passed(decided(jury, arm={"aggregation": "mean"})) == (False, 0.0)
    ways = ways_of(
        [
            ArmConfig.model_validate({"sources": ["jury"], "trainer": "dpo", "aggregation": how})
            for how in ("mean", "majority", "stacking")
        ],
        [],
    )
    assert ways == {"jury": ["mean", "majority"]}


def test_an_online_trainer_takes_the_mean_of_scores() -> None:
    # In A: 5, 1, 1; in B: 2, 2, 2. The mean prefers A, two of three members B.
    def scores(a: str, b: str) -> list[str]:
        return [a if (pair == "A") == (side == 0) else b for pair in TRUE for side in (0, 1)]

    jury: Voices = {
        ("a", 0): scores("5", "2"),
        ("b", 1): scores("1", "2"),
        ("c", 2): scores("1", "2"),
    }
    assert passed(decided(jury)) == (False, 0.0)
    assert passed(decided(jury, arm={"trainer": "grpo"})) == (True, 1.0)
    arm = ArmConfig.model_validate({"sources": ["jury"], "trainer": "grpo"})
    assert ways_of([arm], ["jury"]) == {"jury": [REWARD]}


def kappa_of(labels: Sequence[str | None]) -> float:
    """Cohen's kappa with TRUE."""
    both = [(x, y) for x, y in zip(labels, TRUE, strict=True) if x is not None]
    same = sum(x == y for x, y in both) / len(both)
    first, second = [x for x, _ in both], [y for _, y in both]
    chance = sum(first.count(c) * second.count(c) for c in "AB") / len(both) ** 2
    return (same - chance) / (1 - chance)


@pytest.mark.parametrize("aggregation", ["majority", "mean", "soft"])
@pytest.mark.parametrize("scores", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_gated_is_what_an_arm_trains_on(aggregation: str, scores: bool, seed: int) -> None:
    draw = random.Random(seed)

    def said(true: str) -> Any:
        if draw.random() < 0.15:
            return Verdict(Status.REFUSED)
        if scores:
            return draw.choice("12345")
        return true if draw.random() < 0.7 else draw.choice(["A", "B", "TIE"])

    truth = [t for t in TRUE for _ in range(1 + scores)]
    jury: Voices = {
        (who, number): [said(t) for t in truth]
        for number, who in enumerate(("a", "b", "a", "b", "c"))
    }
    config = ArmConfig.model_validate(
        {"sources": ["jury"], "trainer": "dpo", "aggregation": aggregation}
    )
    found = decided(jury, arm={"aggregation": aggregation})
    arm = arm_of("arm", config, {"jury": judged("jury", jury)}, None, pairs())
    trained = {one.item_id: one.chosen_id[-1].upper() for one in arm.preferences}
    silent = sum(n for why, n in arm.unused.items() if why != "tie")
    labels = [trained.get(f"i{i}", "TIE") for i in range(N)]
    assert silent == 0
    assert found.kappas["jury"] == pytest.approx(kappa_of(labels))


def test_judgments_of_a_file_are_gated_so_too(tmp_path: Path) -> None:
    jury = judged("jury", {("a", 0): TRUE, ("b", 1): TRUE, ("c", 2): FALSE})
    for one in (PEOPLE, jury):
        write_judgments(
            tmp_path / f"{one.source.name}.jsonl", one.requests, one.judgments,
            {one.source.name: one.source.info},
        )  # fmt: skip
    report = agree([tmp_path / "people.jsonl", tmp_path / "jury.jsonl"], Reading())
    found = gated(report, {"jury": (0.5, "drop")})
    assert passed(found) == (True, 1.0)
    assert "jury/c -1.00" in found.gates[0].reason
    assert set(found.kappas) == {"people", "jury"}


@pytest.mark.parametrize("people_say", [True, False])
def test_scores_without_pairs_are_pooled_to_the_nearest_label(
    tmp_path: Path, people_say: bool
) -> None:
    levels = [str(1 + i % 5) for i in range(2 * N)]
    other = [str(1 + (i + 1) % 5) for i in range(2 * N)]
    jury = judged("jury", {("a", 0): levels, ("b", 1): levels, ("c", 2): levels, ("d", 3): other})
    people = judged("people", {("ann", 0): levels if people_say else other}, "human")
    for one in (people, jury):
        write_judgments(
            tmp_path / f"{one.source.name}.jsonl", one.requests, one.judgments,
            {one.source.name: one.source.info},
        )  # fmt: skip
    found = gated(agree([tmp_path / "people.jsonl", tmp_path / "jury.jsonl"], Reading()), {})
    assert (found.kappas["jury"] == 1.0) is people_say
