"""Pairs from scores, kappas, and the rows that a report shows of sources, samples and curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tiny_experiment import config

from harness.experiment.config import RunConfig, SourceConfig
from harness.experiment.sources import NamedSource
from harness.experiment.stages.agree import Agreement, agreement_of
from harness.experiment.stages.judge import Judged, requests_of
from harness.experiment.stages.report import SAMPLES, curve_row, samples_of, source_row
from harness.feedback.requests import build_requests
from harness.nouns.chat_messages import Tokens
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.registry import registry

ITEMS = [Item(f"i{n}", f"q{n}", reference="1") for n in range(7)]


RESPONSES = [Response(f"r{n}{k}", f"i{n}", "base", f"{n} {k}") for n in range(2) for k in range(2)]


PAIRS = build_requests(ITEMS[:2], RESPONSES, "pairwise")


def judged(source: NamedSource, judgments: Sequence[Judgment], seconds: float = 0.0) -> Judged:
    return Judged(source, requests_of(source, ITEMS, RESPONSES), judgments, seconds)


def agreement(
    experiment: RunConfig, pairs: Sequence[JudgmentRequest], *sources: Judged
) -> Agreement:
    assert experiment.agreement is not None
    return agreement_of(pairs, sources, experiment.agreement)


def named(name: str, use: str, **changes: Any) -> NamedSource:
    factory, origin = registry().source(use), registry().origins[use]
    entry = SourceConfig(use=use, **changes)
    return NamedSource(name, entry, factory.build(entry.options, name), origin)


def test_kappa_is_undefined_where_nothing_can_be_compared() -> None:
    verifier = named("verifier", "last_number")
    people = [Judgment(pair.id, "people", "1", "ann", Verdict(Status.OK, "A")) for pair in PAIRS]
    abstained = [
        Judgment(r.id, "verifier", "1", "verifier", Verdict(Status.ABSTAINED))
        for r in requests_of(verifier, ITEMS, RESPONSES)
    ]
    action = {"minimum_kappa": -1, "action": "down_weight"}
    gates = [{"source": name, **action} for name in ("verifier", "people")]
    experiment = config(agreement={"reference": "people", "gates": gates})
    found = agreement(
        experiment, PAIRS, judged(named("people", "simulated_people"), people),
        judged(verifier, abstained),
    )  # fmt: skip
    assert found.kappas == {}
    v, of_people = found.gates
    assert "undefined" in v.reason
    assert (v.value, v.passed, v.weight) == (None, False, 0.0)
    assert (
        of_people.reason
        == "undecided, weight 0.00: kappa with people is undefined (one person only)"
    )
    assert found.weights == {"people": 0.0, "verifier": 0.0}


def test_kappa_is_against_the_reference_and_no_other_people() -> None:
    verifier = named("verifier", "last_number")
    sources = {
        "people": named("people", "simulated_people"),
        "crowd": named("crowd", "simulated_people"),
        "verifier": verifier,
    }
    items = ITEMS[:3]
    responses = [
        Response(f"r{n}{k}", f"i{n}", "base", f"{n} {k}") for n in range(3) for k in (0, 1)
    ]
    pairs = build_requests(items, responses, "pairwise")
    verdicts = {}
    for name, said in (("people", "ABB"), ("crowd", "BBA")):
        verdicts[name] = [
            Judgment(pair.id, name, "1", f"{name}{who}", Verdict(Status.OK, label))
            for pair, label in zip(pairs, said, strict=True)
            for who in range(1 if name == "people" else 3)
        ]
    right = {"r00": True, "r01": False, "r10": False, "r11": True, "r20": False, "r21": True}
    asked = requests_of(verifier, items, responses)
    verdicts["verifier"] = [
        Judgment(r.id, "verifier", "1", "verifier", Verdict(Status.OK, right[r.responses[0].id]))
        for r in asked
    ]
    content = config().model_dump()
    content["sources"]["crowd"] = {"use": "simulated_people"}
    content["agreement"] = {"reference": "people"}
    experiment = type(config()).model_validate(content)
    everybody = [Judged(sources[name], asked, said) for name, said in verdicts.items()]
    found = agreement(experiment, pairs, *everybody)
    # The verifier says A B B like the people; three of the crowd would outvote them.
    assert found.kappas["verifier"] == 1.0
    assert found.kappas["crowd"] < 0.0


def test_the_row_of_a_source_says_why_it_failed_most_often_in_one_line_each() -> None:
    source = named("style", "keywords", options={"any_of": ["please"]})
    experiment = config()
    reasons = [*(["a" * 200 + "\nmore"] * 3), *"bbcdef"]
    metadata = {"isolation": "landlock", "rubric_sha256": "abc"}
    found = [
        Judgment(
            f"q{n}", "style", "1", "style", Verdict(Status.ERROR, rationale=why), cost_usd=0.5,
            tokens=Tokens(3, 4), metadata=metadata,
        )
        for n, why in enumerate(reasons)
    ]  # fmt: skip
    kept = Judgment("q", "style", "1", "style", Verdict(Status.OK, True))
    before = judged(source, found, 1.239)
    evaluated = Judged(source, PAIRS[:1] * 11, [kept])
    row = source_row(source, experiment, before, evaluated)
    assert row["reasons"] == {"a" * 120: 3, "b": 2, "c": 1, "d": 1, "e": 1}
    assert (row["ok"], row["failures"]) == (1, {"error": 9})
    assert (row["requests"], row["judgments"]) == (4 + 11, 10)
    assert (row["cost_usd"], row["tokens"], row["seconds"]) == (4.5, 63, 1.24)
    assert (row["isolation"], row["rubric_sha256"]) == ("landlock", "abc")
    assert row["roles"] == ["evaluator"]
    idle = source_row(source, experiment, None, None)
    assert (idle["requests"], idle["judgments"], idle["ok"], idle["seconds"]) == (0, 0, 0, 0.0)
    assert (idle["isolation"], idle["models"], idle["rubric"]) == (None, [], None)
    judge = named("style", "constitution", options={"model": "openai/m", "constitution": "house"})
    row = source_row(judge, experiment, before, None)
    assert (row["models"], row["rubric"]) == (["openai/m"], "house")


def test_samples_are_spread_over_the_held_out_items() -> None:
    items = [Item(f"e{n:02}", f"q{n}") for n in range(30)]
    policies = {
        ("base", seed): [
            Response(f"b{seed}{i.id}{k}", i.id, "base", f"{i.id} {k} {seed}")
            for i in items
            for k in "ab"
        ]
        for seed in (2, 1)
    }
    rows = samples_of(items, policies, {}, 1, {"evaluators": []})
    assert [row["item_id"] for row in rows] == [f"e{n:02}" for n in range(0, 24, 2)]
    assert len(rows) == SAMPLES == 12
    assert [r["text"] for row in rows for r in row["responses"]] == [
        f"{row['item_id']} a 1" for row in rows
    ]
    assert {r["seed"] for row in rows for r in row["responses"]} == {1}
    assert rows[0]["responses"][0]["scores"] == {}


def test_a_curve_has_the_watched_gold_reward() -> None:
    row = {"step": 1, "held_out/gold/style": 0.5, "held_out/gold/other": 0.25}
    watched = config(evaluation={"evaluators": ["style"], "monitor": "style"})
    logged = row | {"held_out/gold_by_prompt/style": {"a": 0.5}}
    assert curve_row(logged, watched.evaluation.monitor) == {**row, "gold": 0.5}
    assert curve_row(row, config().evaluation.monitor)["gold"] is None
