"""Who may spend what in a run, who did, and where the report shows it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from tiny_experiment import config

from harness.records.journal import JOURNAL, Journal
from harness.testing import StubServer

if TYPE_CHECKING:
    from conftest import World


def test_every_source_is_asked_with_the_run_s_seed_concurrency_and_budget(whole: World) -> None:
    with Journal(whole.out / JOURNAL) as journal:
        journal.put_reply("paid before", {"cost_usd": 2.0})
    whole.score_base(5)
    whole.run(budget_usd=42.0, seeds=[5, 6])
    looked, asked = whole.contexts[:7], whole.contexts[7:]
    evaluators = ("exam", "grader", "twin")
    first = ("jury", "critic", "verifier", "grader", *evaluators)
    assert looked == [(name, 5, 4, 42.0) for name in first]
    judged, trained = Counter(asked[:4]), Counter(asked[4:-7])
    names = ("people", "jury", "verifier", "grader")  # the critic's limit is below the first look
    assert judged == {(name, 5, 4, 42.0): 1 for name in names}
    held_against = ("people", "exam", "verifier")  # each other, to find the same rule: for free
    assert whole.contexts[-7:-1] == [(name, 5, 4, 42.0) for name in (*evaluators, *held_against)]
    assert asked[-1] == ("people", 5, 4, 42.0)  # about what the trained policies wrote
    # Of the 40 dollars that are left each of the two trainings that ask a judge has 20, on top of
    # what the journal holds; trainings that ask verifiers only have nothing to spend.
    assert {c[3] for c in trained if c[0] == "grader"} == {22.0}
    assert {c[1:] for c in trained if c[0] == "grader"} == {(5, 4, 22.0), (6, 4, 22.0)}
    assert {c[3] for c in trained if c[0] == "verifier"} == {22.0, 2.0}  # of rlvr and of hybrid
    assert {c[0] for c in trained} == {"grader", "verifier"}


def test_a_judge_that_a_gate_dropped_takes_no_share_of_the_budget(whole: World) -> None:
    rlvr = whole.experiment["arms"]["rlvr"]
    arms = {"rlvr": rlvr, "other": {**rlvr, "weights": {"grader": 0}}}
    whole.run(budget_usd=10.0, seeds=[0], arms=arms, agreement=None)
    # A first look at two sources and three evaluators; before training two, after it three.
    asked = whole.contexts[5 + 2 : -3]
    assert {c[3] for c in asked if c[0] == "grader"} == {10.0}
    assert [c[3] for c in asked if c[0] == "verifier"] == [10.0, 0.0]


def test_without_a_budget_nobody_has_a_limit(whole: World) -> None:
    whole.score_base(5)
    whole.run(seeds=[5], arms={"rlvr": whole.experiment["arms"]["rlvr"]}, agreement=None)
    assert {limit for *_, limit in whole.contexts} == {None}


def test_what_a_training_asks_is_its_own_cost(
    whole: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    arms = {
        "rlaif": {"sources": ["paid"], "trainer": "grpo"},
        "free": {"sources": ["verifier"], "trainer": "grpo"},
    }
    with StubServer("task: 4\naccuracy: 4\nclarity: 4") as server:
        options = {
            "model": "openai/m", "rubric": "helpfulness", "api_base": server.base_url,
            "input_cost_per_token": 0.001, "output_cost_per_token": 0.001,
        }  # fmt: skip
        paid = {"use": "llm_judge", "way": "pointwise", "limit": 1, "options": options}
        sources = {**whole.experiment["sources"], "paid": paid}
        report = whole.run(arms=arms, agreement=None, sources=sources)
        asked = len(server.bodies)
    # 100 + 10 tokens a call. Before training the judge is asked about t0a only (its limit is 1).
    # The first training asks about t0a, which the journal answers, and t1c; the second one's
    # questions are both answered by the journal.
    assert asked == 2
    rows: dict[str, Any] = {row["name"]: row for row in report["arms"]}
    assert rows["rlaif"]["feedback_cost_usd"] == pytest.approx(0.11)
    assert [seed["cost_usd"] for seed in rows["rlaif"]["seeds"]] == pytest.approx([0.11, 0.0])
    assert [seed["cost_usd"] for seed in rows["free"]["seeds"]] == [0.0, 0.0]
    source = next(row for row in report["sources"] if row["name"] == "paid")
    assert (source["cost_usd"], source["requests"]) == (pytest.approx(0.11), 1)
    assert len(source["rubric_sha256"]) == 64
    assert [len(t) for t in report["manifest"]["sources"]["paid"]["template_sha256"]] == [64]
    assert report["run"]["cost_usd"] == pytest.approx(0.22)
    assert report["manifest"]["cost_usd"] == pytest.approx(0.22)


def test_a_training_takes_the_threads_that_its_process_was_given(
    whole: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    try:
        whole.run(seeds=[0], arms={"plugin": whole.experiment["arms"]["plugin"]})
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_prices_that_nobody_named_change_no_experiment() -> None:
    assert "prices" not in config().model_dump(mode="json")
    named = config(prices={"label_usd": 0.25})
    assert named.model_dump(mode="json")["prices"] == {"label_usd": 0.25, "hour_usd": None}


@pytest.mark.parametrize("prices", [{"label_usd": -1}, {"label_usd": "free"}, {"labels": 1}, 3])
def test_prices_that_are_none_are_refused(prices: Any) -> None:
    with pytest.raises(ValidationError, match="prices"):
        config(prices=prices)


def test_a_run_s_costs_are_of_its_labels_calls_and_prices(whole: World) -> None:
    report = whole.run(prices={"label_usd": 2.0, "hour_usd": 60.0})
    rows = {row["arm"]: row for row in report["costs"]["rows"]}
    assert report["costs"]["prices"] == {"label_usd": 2.0, "hour_usd": 60.0}
    # Ten labels of simulated people at $2; 30 calls of the jury at a cent beside them.
    rlhf = rows["rlhf"]
    assert (rlhf["usd"], rlhf["why"], rlhf["simulated"]) == (None, "simulated", ["people"])
    assert (rlhf["labels"], rlhf["simulated_labels"], rlhf["simulated_labels_usd"]) == (0, 10, 20)
    assert (rlhf["calls"], rlhf["calls_usd"]) == (30, pytest.approx(0.3))
    # Nobody labelled for rlvr: 17 calls at .003, and 1.5 seconds of an hour at $60.
    rlvr = rows["rlvr"]
    hours = (1.5 + rlvr["feedback_seconds"]) / 3600
    assert rlvr["usd"] == pytest.approx(0.051 + 60 * hours) and rlvr["why"] == ""
    assert rlvr["seconds_in_all"] == 3.0 and len(rlvr["devices"]) == 1
    assert rows["nothing"]["seconds"]["value"] is None
    verifier = next(row for row in report["sources"] if row["name"] == "verifier")
    # Of six items one response of t4 has no verdict.
    assert verifier["decided"] == {"items": 6, "decided": 5, "slices": {}}
    assert set(report["method"]["methods"]) == set(rows)
