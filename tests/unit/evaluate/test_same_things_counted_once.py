"""One training under several seeds, and one prompt under several ids, count once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harness.evaluate import EvaluatorInfo, evaluate
from harness.evaluate.clusters import clusters_of, joined
from harness.evaluate.copies import without_copies
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import UNIT
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict

Written = Mapping[tuple[str, int], Sequence[Response]]


def answers(
    policy: str, seed: int, items: Sequence[Item], said: str = "", ratio: float | None = None
) -> list[Response]:
    notes = {} if ratio is None else {"log_ratio": ratio}
    return [
        Response(f"{policy}-{seed}-{one.id}", one.id, policy, f"{said} to {one.prompt}", notes)
        for one in items
    ]


def compared(items: Sequence[Item], written: Written, scores: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluate; a policy's score of an item is given by a function of the item's number."""
    requests, said = [], []
    for (policy, _), rows in written.items():
        for n, response in enumerate(rows):
            request = JudgmentRequest(response.id, items[n], (response,), Criterion("c", "t", UNIT))
            requests.append(request)
            verdict = Verdict(Status.OK, float(scores[policy](n)))
            said.append(Judgment(request.id, "e", "1", "e", verdict))
    who = EvaluatorInfo("e", "verifier", held_out_for=frozenset({"arm"}))
    return evaluate(items, written, requests, said, [who])


ITEMS = [Item(f"i{n}", f"prompt {n}") for n in range(100)]
BETTER = {"base": lambda n: n % 10 < 2, "arm": lambda n: n % 10 < 5}


def test_five_copies_of_one_training_are_one_training() -> None:
    written = {("base", s): answers("base", s, ITEMS, "b") for s in range(5)}
    written |= {("arm", s): answers("arm", s, ITEMS, "a", 1.0) for s in range(5)}
    result = compared(ITEMS, written, BETTER)
    base, arm = result["scores"]
    assert (len(arm["seeds"]), arm["n"], arm["difference"]["seeds"]) == (1, 100, 1)
    assert arm["difference"]["verdict"] == "unclear"  # nothing of the method
    assert len(base["seeds"]) == 5  # samples of one policy, and no trainings
    assert [row["seeds"] for row in result["policies"]] == [[0, 1, 2, 3, 4], [0]]
    first = result["warnings"][0]
    assert "arm answers every item with seeds 1, 2, 3, 4 as with seed 0" in first
    assert "counts as 1 training" in first and "no verdict is of the method" in first
    # Trainings that write alike, each with its own probabilities, are five.
    for seed in range(5):
        written["arm", seed] = answers("arm", seed, ITEMS, "a", 1.0 + seed / 100)
    result = compared(ITEMS, written, BETTER)
    assert result["scores"][1]["difference"]["seeds"] == 5
    assert result["scores"][1]["difference"]["verdict"] == "raised"
    assert not any("copies" in line for line in result["warnings"])


@pytest.mark.parametrize(
    "copy",
    [
        lambda rows: [*reversed(rows)],
        lambda rows: [Response(f"x{r.id}", r.item_id, r.system, r.text, r.metadata) for r in rows],
        lambda rows: [
            Response(r.id, r.item_id, r.system, r.text, {"log_ratio": 2.0 + 1e-5}) for r in rows
        ],
    ],
)
def test_order_ids_and_rounding_hide_no_copy(copy: Any) -> None:
    one = answers("arm", 3, ITEMS, "a", 2.0)
    kept, lines = without_copies({("arm", 3): one, ("arm", 8): copy(one)}, {"arm": True})
    assert list(kept) == [("arm", 3)]
    assert lines == [
        "arm answers every item with seed 8 as with seed 3, to the letter: copies are no"
        " trainings, so arm counts as 1 training, and no verdict is of the method."
    ]


@pytest.mark.parametrize(
    "other",
    [
        lambda rows: [
            *rows[:-1],
            Response("z", rows[-1].item_id, "arm", "else", rows[-1].metadata),
        ],
        lambda rows: rows[:-1],
        lambda rows: [*rows, Response("z", rows[0].item_id, "arm", rows[0].text)],
        lambda rows: [Response(r.id, r.item_id, "arm", r.text) for r in rows],
        lambda rows: [Response(r.id, r.item_id, "arm", r.text, {"log_ratio": 2.01}) for r in rows],
    ],
)
def test_what_differs_in_anything_is_no_copy(other: Any) -> None:
    one = answers("arm", 3, ITEMS, "a", 2.0)
    written = {("arm", 3): one, ("arm", 8): other(one)}
    assert without_copies(written, {"arm": True}) == (written, [])
    # And another policy that writes the same is another policy.
    both = {("arm", 3): one, ("other", 3): one, ("base", 1): one, ("base", 2): one}
    assert without_copies(both, {"arm": True, "other": True, "base": False}) == (both, [])


def test_copies_of_several_trainings_are_named_each() -> None:
    a, b, c = (answers("arm", n, ITEMS[:3], f"a{n}") for n in range(3))
    written = dict(zip([("arm", n) for n in range(6)], (a, b, a, c, b, a), strict=True))
    kept, (line,) = without_copies(written, {"arm": True})
    assert list(kept) == [("arm", 0), ("arm", 1), ("arm", 3)]
    assert "with seeds 2, 5 as with seed 0 and with seed 4 as with seed 1" in line
    assert line.endswith("so arm counts as 3 trainings.")


def test_one_prompt_under_twenty_ids_is_one_prompt() -> None:
    many = [
        Item(f"i{n}-{k}", f"same  prompt {n}\n", reference=k) for n in range(8) for k in range(20)
    ]
    random.Random(1).shuffle(many)
    number = [int(item.id[1]) for item in many]
    scores = {"base": lambda n: number[n] > 6, "arm": lambda n: number[n] < 5}
    written = {
        (policy, s): answers(policy, s, many, f"{policy} {s}")
        for policy in scores
        for s in range(3)
    }
    result = compared(many, written, scores)
    difference = result["scores"][1]["difference"]
    assert difference["clusters"] == 8 and difference["p"] > 1e-3
    assert result["scores"][1]["clusters"] == 8
    (line,) = [one for one in result["warnings"] if "under several ids" in one]
    assert line.startswith("8 prompts stand under several ids (i")
    assert line.endswith("so 160 items or clusters count as 8 independent prompts.")
    assert any("Only 8 independent prompts" in one for one in result["warnings"])


def test_what_shares_a_prompt_or_a_cluster_is_one_group() -> None:
    items = [
        Item("a", "p", metadata={"cluster": "one"}),
        Item("b", "q", metadata={"cluster": "one"}),
        Item("c", " q ", metadata={"cluster": "two"}),  # as b, by its prompt
        Item("d", "r", metadata={"cluster": "two"}),  # as c, by its cluster
        Item("e", [{"role": "user", "content": "r\n"}]),  # as d, by its prompt
        Item("f", "s"),
        Item("g", "t", metadata={"cluster": "f"}),
    ]
    groups = clusters_of(items)
    assert groups == {**dict.fromkeys("abcde", "one"), "f": "f", "g": "f"}
    assert joined(items)[0].startswith("2 prompts stand under several ids (b, c; d, e)")
    # Whatever their order, the same are together.
    for order in range(20):
        mixed = random.Random(order).sample(items, len(items))
        found = clusters_of(mixed)
        parts = {frozenset(k for k in found if found[k] == name) for name in found.values()}
        assert parts == {frozenset("abcde"), frozenset("fg")}


def test_prompts_that_are_said_to_belong_together_are_no_warning() -> None:
    items = [Item(f"{n}{k}", f"p{n}", metadata={"cluster": n}) for n in range(3) for k in "xy"]
    assert joined(items) == [] and len(set(clusters_of(items).values())) == 3
    many = [Item(f"{n}-{k}", f"p{n}") for n in range(5) for k in range(5)]
    assert joined(many) == [
        "5 prompts stand under several ids (0-0, 0-1, 0-2, 2 more; 1-0, 1-1, 1-2, 2 more; 2-0, 2-1,"
        " 2-2, 2 more; and 2 more): these answer one question, so 25 items or clusters count as 5"
        " independent prompts."
    ]
