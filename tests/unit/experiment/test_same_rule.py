"""An evaluator that says what a source of the training says is found out, and nothing is paid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tiny_experiment import config

from harness.evaluate import EvaluatorInfo, evaluate
from harness.evaluate.same_rule import Compared, not_compared
from harness.experiment.context import asking_with, no_bar
from harness.experiment.sources import NamedSource, build_sources, source_by_name
from harness.experiment.stages.evaluate import (
    compared,
    evaluators_of,
    requests_to,
    with_items,
)
from harness.experiment.stages.judge import Judged, ask, requests_of
from harness.experiment.stages.same_rule import COSTS, MOST, Teacher, same_rules
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.statistics.estimate import Estimate
from harness.testing.fakes import InlineWorkers

TRAIN = [Item(f"t{n}", f"{n} + 1 =", str(n + 1)) for n in range(60)]
EXAM = [Item(f"e{n}", f"{n} + 2 =", str(n + 2)) for n in range(40)]
POLITE = {"any_of": ["please"]}
FORM = {"pattern": "please", "match": "anywhere", "forbidden": True}


Use = tuple[str, dict[str, Any]]


def answers(items: Sequence[Item], system: str) -> list[Response]:
    """Two answers each: right or wrong, polite or not, in all four ways."""
    return [
        Response(
            f"{system}.{item.id}.{k}", item.id, system,
            ("Here you are, please: " if (n + k) % 3 else "It is ")
            + str(int(item.reference) + (n // 2 + k) % 2),
        )
        for n, item in enumerate(items)
        for k in range(2)
    ]  # fmt: skip


class _InThisProcess(InlineWorkers):
    """Workers without the start of processes."""

    def __init__(self, processes: int | None = None) -> None:
        """Take how many there are to be."""

    async def __aenter__(self) -> _InThisProcess:
        return self

    async def __aexit__(self, *raised: object) -> None:
        return None


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.sandbox.workers.WorkerPool", _InThisProcess)


def judged(source: NamedSource, requests: Sequence[JudgmentRequest]) -> Judged:
    with asking_with(None) as asking:
        return Judged(source, requests, ask(source, requests, asking, no_bar))


def held_against(evaluators: dict[str, Use], teachers: dict[str, Use]) -> dict[str, list[Compared]]:
    written = {("base", 0): answers(EXAM, "base"), ("arm", 0): answers(EXAM, "arm")}
    named = {name: source_by_name(use, o, name=name) for name, (use, o) in teachers.items()}
    fed = {
        name: Teacher.of(judged(one, requests_of(one, TRAIN, answers(TRAIN, "base"))))
        for name, one in named.items()
    }
    found = {}
    for name, (use, options) in evaluators.items():
        one = source_by_name(use, options, "pointwise", name)
        found[name] = judged(one, requests_to(one, EXAM, written))
    with asking_with(None) as asking:
        return same_rules(found, fed, with_items(EXAM, written), asking, no_bar)


def test_another_verifier_of_the_same_thing_has_the_same_rule() -> None:
    found = held_against(
        {"last": ("last_number", {}), "polite": ("keywords", POLITE)},
        {
            "math": ("math_verify", {}),
            "people": ("simulated_people", {"correctness": 50, "skip": 0}),
            "fans": ("simulated_people", {"correctness": 0, "style": 50, "liked": ["please"]}),
        },
    )
    rows = {(name, one.source): one for name, all_of in found.items() for one in all_of}
    assert {key for key, one in rows.items() if one.same} == {
        ("last", "math"), ("last", "people"), ("polite", "fans"),
    }  # fmt: skip
    assert rows["last", "math"].on == "responses" and rows["last", "math"].kappa.value == 1
    assert rows["last", "math"].kappa.n == 200 and rows["last", "math"].failures == 0
    assert rows["last", "people"].on == "pairs" and rows["last", "people"].kappa.n == 100
    other = rows["polite", "math"].kappa
    assert other.value is not None and other.high is not None and other.high < 0.5


def test_failures_are_no_verdicts_and_are_counted() -> None:
    found = held_against(
        {"last": ("last_number", {})},
        {"half": ("simulated_people", {"correctness": 50, "people": 1, "skip": 0.4})},
    )
    (one,) = found["last"]
    assert one.failures > 10 and one.kappa.n + one.failures == 100
    assert one.same == (one.kappa.n >= 30)


def test_a_model_is_not_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = "llm_judge", {"model": "local/none", "rubric": "friendliness"}
    asked: list[str] = []
    real = source_by_name(*judge, name="judge")
    form = source_by_name("regex_format", FORM, name="form")
    requests = requests_of(real, TRAIN, answers(TRAIN, "base"))
    said = [
        Judgment(r.id, "judge", "1", "judge", Verdict(Status.OK, "A" if n % 2 else "B"))
        for n, r in enumerate(requests)
    ]
    fed = {"judge": Teacher(real.info, requests, said, real)}
    fed["form"] = Teacher.of(judged(form, requests_of(form, TRAIN, answers(TRAIN, "base"))))
    other = source_by_name("llm_judge", {**judge[1], "model": "local/other"}, name="other")
    written = {("base", 0): answers(EXAM, "base")}
    exam = requests_to(other, EXAM, written)
    scores = [Judgment(r.id, "other", "1", "other", Verdict(Status.OK, "4")) for r in exam]

    def tell(source: NamedSource, *rest: Any) -> list[Judgment]:
        asked.append(source.name)
        return ask(source, *rest)

    monkeypatch.setattr("harness.experiment.stages.same_rule.ask", tell)
    with asking_with(None) as asking:
        found = same_rules(
            {"other": Judged(other, exam, scores)}, fed, with_items(EXAM, written), asking, no_bar
        )
    assert asked == ["form"]  # the verifier is asked about held-out responses: that is free
    by_source = {one.source: one for one in found["other"]}
    assert (by_source["judge"].on, by_source["judge"].kappa.reason) == ("", COSTS)
    assert not by_source["judge"].unknown and by_source["form"].unknown


def test_many_responses_are_asked_about_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.experiment.stages.same_rule.MOST", 50)
    (one,) = held_against({"polite": ("keywords", POLITE)}, {"form": ("regex_format", FORM)})[
        "polite"
    ]
    assert 60 <= one.kappa.n <= 100 < MOST and one.same


def test_marked_in_the_table_the_warnings_and_nowhere_held_out() -> None:
    experiment = config(
        sources={
            "form": {"use": "regex_format", "options": FORM},
            "last": {"use": "last_number"},
            "polite": {"use": "keywords", "options": POLITE},
        },
        arms={
            "rlvr": {"sources": ["form"], "trainer": "grpo"},
            "rest": {"sources": ["last"], "trainer": "grpo"},
        },
        evaluation={"evaluators": ["polite"]},
    )
    rules = held_against({"polite": ("keywords", POLITE)}, {"form": ("regex_format", FORM)})
    sources = build_sources(experiment, Path("x.yaml"))
    (info,) = evaluators_of(experiment, sources, rules)
    assert (info.held_out_for, info.same_rule) == ({"rest"}, {"rlvr": ("form",)})
    written = {(name, 0): answers(EXAM, name) for name in ("base", "rlvr", "rest")}
    polite = sources["polite"]
    found = {"polite": judged(polite, requests_to(polite, EXAM, written))}
    table = compared(EXAM, written, found, [info])
    (row,) = table["evaluators"]
    assert row["same_rule_as"] == row["compared_with"]
    (same,) = row["same_rule_as"]
    assert same["source"] == "form" and same["kappa"] == 1 and 0.8 < same["low"] < 1
    assert (same["n"], same["on"], same["failures"]) == (200, "responses", 0)
    marks = {one["policy"]: (one["held_out"], one["same_rule"]) for one in table["scores"]}
    assert marks == {"base": (True, []), "rlvr": (False, ["form"]), "rest": (True, [])}
    (line,) = (line for line in table["warnings"] if "same rule" in line)
    assert line == (
        "polite has the same rule as form (kappa 1.00 on 200 responses), which took part in"
        " training rlvr: its scores of it are not held-out."
    )
    assert not any("took part in training rlvr, so" in line for line in table["warnings"])


@pytest.mark.parametrize(
    ("kappa", "said"),
    [
        (Estimate(0.95, 0.9, 0.98, n=90), "style has the same rule as people (kappa 0.95 on 90"),
        (Estimate(0.94, 0.9, 0.97, n=90), "style may have the same rule as people"),
        (Estimate(0.7, 0.6, 0.8, n=90), ""),
        (Estimate(None, n=9, reason="9 pairs with a verdict of both, fewer than 30"),
         "Whether style has the same rule as people, which took part in training, is not known: 9"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_said(kappa: Estimate, said: str) -> None:
    one = Compared("people", "pairs", kappa)
    arms = {"arm": ("people",)} if one.same else {}
    style = EvaluatorInfo("style", "verifier", compared=(one,), same_rule=arms)
    warnings = evaluate(EXAM, {("base", 0): answers(EXAM, "base")}, [], [], [style])["warnings"]
    found = [line for line in warnings if "rule" in line]
    assert len(found) == bool(said) and all(line.startswith(said) for line in found)


def test_a_comparison_that_was_not_made_is_no_alarm() -> None:
    style = EvaluatorInfo("style", "verifier", compared=(not_compared("judge", COSTS),))
    table = evaluate(EXAM, {("base", 0): answers(EXAM, "base")}, [], [], [style])
    assert not any("rule" in line for line in table["warnings"])
    (row,) = table["evaluators"][0]["compared_with"]
    assert (row["on"], row["kappa"], row["reason"]) == (None, None, COSTS)


def test_without_a_training_nothing_is_compared() -> None:
    table = evaluate(EXAM, {("base", 0): answers(EXAM, "base")}, [], [], [])
    assert table["evaluators"] == []
