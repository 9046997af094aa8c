"""pass@k of policies: by hand, of one training's samples, and only where a score is yes or no."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from harness.evaluate.pass_at_k import policies_pass_at_k
from harness.evaluate.scores import EvaluatorInfo, Scored
from harness.nouns.outcomes import Status
from harness.report.blocks import Text
from harness.report.pass_at_k import pass_at_k_tables
from harness.report.tables import Table
from harness.report.wording import Names

EXAM = [EvaluatorInfo("exam", "verifier")]
TRAINED = {"base": False, "arm": True}


def scored(policy: str, seeds: list[list[list[float | None]]]) -> list[Scored]:
    """Scores by seed, item and sample."""
    return [
        Scored(f"i{n}", f"c{n}", policy, seed, value,
               Status.OK if value is not None else Status.TIMEOUT)
        for seed, items in enumerate(seeds)
        for n, samples in enumerate(items)
        for value in samples
    ]  # fmt: skip


def by_counting(seeds: list[list[list[float | None]]], k: int) -> float:
    """The share of all draws of k scored samples of an item that have one that passes."""
    shares = []
    for items in seeds:
        for samples in items:
            known = [value for value in samples if value is not None]
            if len(known) >= k:
                draws = list(combinations(known, k))
                shares.append(sum(max(draw) == 1 for draw in draws) / len(draws))
    return sum(shares) / len(shares)


def test_samples_of_one_training_are_drawn_from() -> None:
    """Two trainings of which one passes never and one always are no policy that passes at 2."""
    base = [[[1.0, 0.0, 0.0, 1.0], [0.0] * 4, [1.0, 0.0, 0.0, 0.0], [1.0] * 4]]
    arm: list[list[list[float | None]]] = [
        [[1.0] * 4, [1.0, 0.0, None, 0.0], [0.0] * 4, [1.0, 1.0, 0.0, 1.0]],
        [[0.0] * 4] * 3 + [[0.0, 1.0, None, None]],
    ]
    scores = {("exam", "base"): scored("base", base), ("exam", "arm"): scored("arm", arm)}  # type: ignore[arg-type]
    rows = {
        (row["policy"], row["k"]): row for row in policies_pass_at_k(scores, EXAM, TRAINED, "base")
    }
    assert [*rows] == [("base", 1), ("arm", 1), ("base", 2), ("arm", 2), ("base", 4), ("arm", 4)]
    for (policy, k), row in rows.items():
        found = by_counting(base if policy == "base" else arm, k)  # type: ignore[arg-type]
        assert row["value"] == pytest.approx(found), (policy, k)
    assert [rows["arm", k]["short"] for k in (1, 2, 4)] == [0, 0, 2]
    assert rows["base", 2]["difference"] is None
    gap = rows["arm", 2]["value"] - rows["base", 2]["value"]
    assert rows["arm", 2]["difference"]["value"] == pytest.approx(gap)


def test_nothing_is_said_of_single_answers_or_of_grades() -> None:
    single = {("exam", p): scored(p, [[[1.0], [0.0], [1.0]]]) for p in TRAINED}
    assert policies_pass_at_k(single, EXAM, TRAINED, "base") == []
    graded = {("exam", p): scored(p, [[[0.5, 1.0], [0.0, 0.25]]]) for p in TRAINED}
    assert policies_pass_at_k(graded, EXAM, TRAINED, "base") == []
    # Where one policy has single answers, two of the others cannot be held against it.
    mixed = single | {("exam", "arm"): scored("arm", [[[1.0, 0.0]] * 3])}
    assert policies_pass_at_k(mixed, EXAM, TRAINED, "base") == []
    assert policies_pass_at_k({}, EXAM, TRAINED, "base") == []


def test_the_page_has_a_table_for_each_evaluator() -> None:
    def row(evaluator: str, policy: str, k: int, change: float | None) -> dict[str, Any]:
        more = None if change is None else {"value": change, "low": 0.01, "high": 0.2, "p": 0.04}
        return {
            "evaluator": evaluator, "policy": policy, "k": k, "value": 0.5 + k / 10, "low": 0.4,
            "high": 0.8, "n": 9, "clusters": 9, "short": k - 1, "difference": more,
        }  # fmt: skip

    rows = [
        row(evaluator, policy, k, None if policy == "base" else 0.1)
        for evaluator in ("exam", "tone")
        for k in (1, 2)
        for policy in ("base", "arm")
    ]
    tables = pass_at_k_tables({"evaluation": {"pass_at_k": rows}}, Names())
    assert [table.title for table in tables if isinstance(table, Table)] == [
        "pass@k by exam", "pass@k by tone",
    ]  # fmt: skip
    (said, first, _) = tables
    assert isinstance(said, Text) and isinstance(first, Table)
    assert [[cell.text for cell in line] for line in first.body] == [
        ["base", "0.60", "\N{EN DASH}", "0.70", "\N{EN DASH}"],
        ["arm", "0.60", "+0.10", "0.70", "+0.10"],
    ]
    assert first.notes[0].startswith("2 prompts with fewer")
    # Of an evaluator of what is to be rare nobody "passes", and a rise is no gain.
    evaluators = [{"name": "exam", "direction": "higher"}, {"name": "tone", "direction": "lower"}]
    said, high, low = pass_at_k_tables(
        {"evaluation": {"pass_at_k": rows, "evaluators": evaluators}}, Names()
    )
    assert isinstance(said, Text) and isinstance(high, Table) and isinstance(low, Table)
    assert (high.title, low.title) == (
        "pass@k by exam",
        "At least 1 of k answers has it by tone (lower is better)",
    )
    assert [head.heading for head in low.heads][1::2] == ["at least 1 of 1", "at least 1 of 2"]
    assert "fewer is better" in low.notes[0]
    evaluators[0]["direction"] = "lower"
    only = pass_at_k_tables({"evaluation": {"pass_at_k": rows, "evaluators": evaluators}}, Names())
    assert not [one for one in only if not isinstance(one, Table) or "passes" in str(one)]
    assert pass_at_k_tables({}, Names()) == []
