"""Which pairs people are asked about: every prompt has its chance, and no side tells the arm."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from harness.evaluate.people_pairs import (
    DrawnPair,
    Pool,
    Pools,
    drawn_pairs,
    pools_of,
    seen_twice,
    sides_of,
)
from harness.nouns.schema import Response

STRATA = {f"e{n}": "hard" if n >= 30 else "easy" for n in range(40)}


def pools(arm: str, alike: int = 0, seeds: int = 2) -> Pools:
    """Return what an arm and base wrote; to the first prompts always the same."""
    written = {
        (policy, seed): [
            Response(f"{policy}.{seed}.{item}", item, policy,
                     "same" if int(item[1:]) < alike else f"{policy}{seed}")
            for item in STRATA
        ]
        for policy in (arm, "base") for seed in range(seeds)
    }  # fmt: skip
    return pools_of(written, arm, "base")


def test_every_prompt_has_the_chance_that_is_recorded() -> None:
    """Also where another arm has the same text as base to some of them."""
    both = {"rlhf": pools("rlhf", alike=12), "dpo": pools("dpo")}
    times: Counter[tuple[str, str]] = Counter()
    sides: Counter[str] = Counter()
    responses: Counter[object] = Counter()
    for seed in range(300):
        drawn = drawn_pairs(both, STRATA, 8, seed)
        chances = {(pair.arm, pair.stratum, pair.probability) for pair in drawn}
        # 18 easy prompts are left of rlhf, 10 hard ones: five and three; of dpo six and two.
        assert chances == {
            ("rlhf", "easy", 5 / 18), ("rlhf", "hard", 3 / 10),
            ("dpo", "easy", 6 / 30), ("dpo", "hard", 2 / 10),
        }  # fmt: skip
        times.update((pair.arm, pair.item_id) for pair in drawn)
        sides.update(pair.arm_is for pair in drawn)
        responses.update(place[:2] for pair in drawn for place in (pair.mine, pair.theirs))
        assert len({(pair.arm, pair.item_id) for pair in drawn}) == len(drawn) == 16
    assert not any(times["rlhf", f"e{n}"] for n in range(12))
    for arm, chance, some in (
        ("dpo", 0.2, range(12)),
        ("dpo", 0.2, range(12, 30)),
        ("rlhf", 5 / 18, range(12, 30)),
        ("rlhf", 0.3, range(30, 40)),
    ):
        share = sum(times[arm, f"e{n}"] for n in some) / len(some) / 300
        assert abs(share - chance) < 0.03, (arm, share)
        assert all(0.4 < times[arm, f"e{n}"] / 300 / chance < 1.7 for n in some)
    assert 0.47 < sides["A"] / sides.total() < 0.53
    assert all(0.4 < responses[p, 0] / (responses[p, 0] + responses[p, 1]) < 0.6
               for p in ("rlhf", "dpo", "base"))  # fmt: skip


def test_nobody_sees_a_prompt_twice_while_there_are_enough() -> None:
    arms = {arm: pools(arm) for arm in ("rlhf", "dpo", "rlvr")}
    assert seen_twice(drawn_pairs(arms, STRATA, 12, 5)) == 0
    assert seen_twice(drawn_pairs(arms, STRATA, 20, 5)) > 0
    everything = drawn_pairs(arms, STRATA, 99, 5)
    assert Counter(pair.arm for pair in everything) == dict.fromkeys(arms, 40)
    assert {pair.probability for pair in everything} == {1.0}


def test_more_pairs_hold_those_that_people_labelled_already() -> None:
    arms = {arm: pools(arm, alike) for arm, alike in (("rlhf", 7), ("dpo", 0))}

    def drawn(most: int) -> set[tuple[object, ...]]:
        found = drawn_pairs(arms, STRATA, most, 11)
        return {(p.arm, p.item_id, p.mine, p.theirs, p.arm_is) for p in found}

    for few, more in pairwise(range(1, 41)):
        assert drawn(few) < drawn(more) or len(drawn(more)) == 33 + 40 or more > 33
    assert drawn(5) != {(p.arm, p.item_id, p.mine, p.theirs, p.arm_is)
                        for p in drawn_pairs(arms, STRATA, 5, 12)}  # fmt: skip


def test_one_text_twice_is_no_pair_and_a_response_that_never_came_is_none() -> None:
    written = {
        ("arm", 0): [Response("a", "e1", "arm", "x"), Response("b", "e1", "arm", "y")],
        ("base", 0): [Response("c", "e1", "base", "x"),
                      Response("d", "e1", "base", "", {"status": "timeout"})],
    }  # fmt: skip
    found = pools_of(written, "arm", "base")["e1"]
    assert isinstance(found, Pool) and found.different.tolist() == [[False], [True]]
    (pair,) = drawn_pairs({"arm": {"e1": found}}, {"e1": ""}, 20, 0)
    assert (pair.mine, pair.theirs) == (("arm", 0, "b"), ("base", 0, "c"))
    turned = DrawnPair("arm", "e1", "", 1.0, pair.mine, pair.theirs, "B")
    assert [*sides_of([turned])] == [(pair.theirs, pair.mine)]
