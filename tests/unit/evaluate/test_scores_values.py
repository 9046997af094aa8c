"""From judgments to one score for each response, worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from harness.evaluate import EvaluatorInfo, evaluate
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict

LIKERT = Scale("interval", low=1, high=5)


def test_repeats_are_averaged_and_the_commonest_failure_is_the_status() -> None:
    item = Item("i", "prompt")
    answers = [Response(name, "i", "base", "text") for name in ("a", "b", "c", "d")]
    criterion = Criterion("c", "text", LIKERT)
    requests = [JudgmentRequest(f"r-{r.id}", item, (r,), criterion) for r in answers]
    late, bad, none = Status.TIMEOUT, Status.ERROR, Status.REFUSED
    said: dict[str, list[Any]] = {
        "a": [5, 1, 2, late],  # 1, 0, 1/4: mean 5/12
        "b": [late, late, bad],  # twice late
        "c": [late, bad],  # once each: the first by name
        "d": [bad, none, late, none, late, none],
    }
    judgments = [
        Judgment(f"r-{name}", "x", "1", "x", Verdict(Status.OK, v) if isinstance(v, int)
                 else Verdict(v), repeat=n)
        for name, values in said.items()
        for n, v in enumerate(values)
    ]  # fmt: skip
    # Judgments of other sources and of requests that nobody made are no part of it.
    judgments.append(Judgment("r-b", "y", "1", "y", Verdict(Status.OK, 3)))
    judgments.append(Judgment("r-z", "x", "1", "x", Verdict(Status.OK, 3)))
    judgments.append(Judgment("r-a", "x", "1", "x", Verdict(Status.OK, 3), repeat=9))
    result = evaluate(
        [item], {("base", 0): answers}, requests, judgments, [EvaluatorInfo("x", "judge")]
    )
    (row,) = result["scores"]
    assert row["value"] == pytest.approx((1 + 0 + 0.25 + 0.5) / 4)
    assert (row["n"], row["responses"]) == (1, 4)
    assert row["failures"] == {"error": 1, "refused": 1, "timeout": 1}
    assert list(row["failures"]) == sorted(row["failures"])


def test_items_are_clusters_of_their_own_unless_they_say_more() -> None:
    items = [Item("i0", "p"), Item("i1", "q"), Item("i2", "r", metadata={"cluster": "i1"})]
    answers = [Response(f"r{n}", f"i{n}", "base", "text") for n in range(3)]
    criterion = Criterion("c", "text", BINARY)
    requests = [JudgmentRequest(r.id, items[n], (r,), criterion) for n, r in enumerate(answers)]
    judgments = [
        Judgment(r.id, "x", "1", "x", Verdict(Status.OK, n > 0)) for n, r in enumerate(answers)
    ]
    result = evaluate(
        items, {("base", 0): answers}, requests, judgments, [EvaluatorInfo("x", "judge")]
    )
    (row,) = result["scores"]
    assert (row["clusters"], row["n"], row["value"]) == (2, 3, pytest.approx(2 / 3))
    assert row["high"] == 1.0 and row["low"] == 0.0


def test_errors_name_policy_seed_response_and_item() -> None:
    item = Item("i0", "prompt")
    one = Response("r1", "i0", "arm", "text")
    lost = Response("r2", "i9", "arm", "text")
    with pytest.raises(DataError) as unknown:
        evaluate([item], {("arm", 3): [one, lost]}, [], [], [EvaluatorInfo("x", "judge")])
    for part in ("r2", "i9", "policy arm, seed 3"):
        assert part in str(unknown.value)
    with pytest.raises(DataError) as twice:
        evaluate(
            [item],
            {("base", 0): [one], ("arm", 4): 2 * [one]},
            [],
            [],
            [EvaluatorInfo("x", "judge")],
        )
    for part in ("r1", "policy arm, seed 4", "occurs twice"):
        assert part in str(twice.value)
    request = JudgmentRequest("q7", item, (one, one), Criterion("c", "t", BINARY))
    with pytest.raises(DataError) as pair:
        evaluate([item], {("arm", 3): [one]}, [request], [], [EvaluatorInfo("x", "judge")])
    for part in ("q7", "2 responses", "one by one"):
        assert part in str(pair.value)
    with pytest.raises(DataError) as name:
        evaluate([item], {}, [], [], [EvaluatorInfo("combined", "judge")])
    assert "criterion of them all" in str(name.value)
