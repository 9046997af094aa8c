"""Verdicts where few clusters, or few prompts, decide: one large cluster, rare breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.cli.evaluate import scores
from harness.evaluate import EvaluatorInfo, evaluate
from harness.evaluate.cautions import cautions, lost_alike
from harness.evaluate.missing import Side, missing
from harness.evaluate.scores import Scored
from harness.evaluate.verdicts import Difference, told
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import UNIT
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.report.results import results
from harness.report.tables import Table
from harness.report.wording import Names
from harness.statistics.arrays import FloatArray
from harness.statistics.intervals import clustered_difference
from harness.statistics.one_more import (
    least_with_one_more,
    p_beyond_with_one_more,
    p_with_one_more,
)
from harness.statistics.seeds import Grid, Seeded, effective, left_out, of_grids

TO_BASE = (True, False)


def found_of(gains: FloatArray, seeds: int = 1) -> Seeded:
    """A policy that gains so much at each prompt over a base of .5, with each seed the same."""
    table = np.ones((seeds, gains.size))
    names = tuple(range(seeds))
    sides = Grid(table * (0.5 + gains), table, names), Grid(table * 0.5, table, names)
    return of_grids(*sides, (-1.0, 1.0), trained=TO_BASE)


GAINS = 0.06 + 0.02 * (np.arange(100) % 5 - 2)


def test_one_more_prompt_is_the_t_test_with_that_prompt() -> None:
    for gains in (GAINS, -GAINS):
        worst = [*gains, -np.sign(gains.mean())]
        assert p_with_one_more(found_of(gains)) == pytest.approx(stats.ttest_1samp(worst, 0).pvalue)
    above = stats.ttest_1samp([*GAINS, 1.0], 0.15, alternative="less").pvalue
    assert p_beyond_with_one_more(found_of(GAINS), 0.15) == pytest.approx(above)
    # Where that prompt turns the mean round nothing is left.
    assert p_with_one_more(found_of(GAINS - 0.055)) == 1.0
    assert p_with_one_more(found_of(np.full(1, 0.3))) is None


def test_steady_small_gains_are_no_change_until_there_are_prompts_enough() -> None:
    """3 points of 100 prompts: G v > 1 + t (1 + v) at 5%."""
    wave = 0.001 * (np.arange(100) % 5 - 2)
    for size, verdict, one_more in ((0.029, "unclear", "raised"), (0.033, "raised", None)):
        (row,) = told([Difference(found_of(size + wave, seeds=3))])
        assert (row["verdict"], row["one_more"]) == (verdict, one_more), size
        assert 0.03 < row["mdd"] < 0.033
    # Two billionths that are the same everywhere are none either.
    waves = found_of(np.linspace(1e-9, 3e-9, 100), seeds=3)
    (row,) = told([Difference(waves)])
    assert (row["verdict"], row["one_more"]) == ("unclear", "raised") and row["low"] > 0


def test_what_would_have_been_seen_is_seen_and_less_is_not_promised() -> None:
    least = least_with_one_more(found_of(GAINS), 0.05 / 8)
    assert least is not None
    rng, seen = np.random.default_rng(0), {1.0: 0, 0.7: 0}
    for share in seen:
        for _ in range(200):
            drawn = least * share + rng.normal(0, GAINS.std(ddof=1), 100)
            p = p_with_one_more(found_of(drawn))
            seen[share] += p is not None and p < 0.05 / 8
    assert 0.74 * 200 < seen[1.0] < 0.88 * 200 and seen[0.7] < 20
    assert least_with_one_more(found_of(GAINS[:4]), 0.05) is None  # four prompts show nothing


def test_a_margin_asks_for_prompts_enough() -> None:
    for prompts, word in ((30, "unclear"), (100, "unchanged")):
        gains = 0.001 * (np.arange(prompts) % 3 - 1)
        (row,) = told([Difference(found_of(gains, seeds=3), 0.05)])
        assert row["verdict"] == word
        assert row["one_more"] == ("unchanged" if word == "unclear" else None)


Draw = Callable[[np.random.Generator], tuple[Grid, Grid]]


def families(draw: Draw, families: int = 30, seeds: int = 3) -> tuple[int, int]:
    """Return in how many families of 8 a change is said, and is by the interval and p alone."""
    rng = np.random.default_rng(1)
    said = alone = 0
    for _ in range(families):
        found = [Difference(of_grids(*draw(rng), (-1.0, 1.0), trained=TO_BASE)) for _ in range(8)]
        rows = [row if seeds > 2 else row["trainings"] for row in told(found)]
        words = ("raised", "lowered")
        said += any(row["verdict"] in words for row in rows)
        alone += any({row["verdict"], row["one_more"]} & {*words} for row in rows)
    return said, alone


def breaking(seeds: int, prompts: int, gain: float, share: float) -> Draw:
    """Most prompts gain a little, a share breaks, and there is no change on the whole."""

    def draw(rng: np.random.Generator) -> tuple[Grid, Grid]:
        breaks = rng.random(prompts) < share
        effect = np.where(breaks, -gain * (1 - share) / share, gain)
        noise = rng.normal(0, 0.02, (2, seeds, prompts))
        table, names = np.ones((seeds, prompts)), tuple(range(seeds))
        return Grid(0.5 + effect + noise[0], table, names), Grid(0.5 + noise[1], table, names)

    return draw


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_prompts_that_break_and_were_not_drawn_make_no_gain(seeds: int) -> None:
    said, alone = families(breaking(seeds, 50, 0.015, 0.03), seeds=seeds)
    assert said <= 1 and alone > 9


def one_large(seeds: int, share: float, clusters: int = 30) -> Draw:
    """An arm that suits some clusters better and has no gain on the whole; one holds a share."""

    def draw(rng: np.random.Generator) -> tuple[Grid, Grid]:
        counts = np.ones((seeds, clusters))
        counts[:, 0] = round((clusters - 1) * share / (1 - share))
        hard = rng.normal(0, 0.15, clusters)
        suits = np.clip(0.5 + hard + rng.normal(0, 0.15, clusters), 0.02, 0.98)
        sides = (
            rng.binomial(counts.astype(int), p).astype(float)
            for p in (suits, np.clip(0.5 + hard, 0.02, 0.98))
        )
        a, b = (Grid(side, counts, tuple(range(seeds))) for side in sides)
        return a, b

    return draw


@pytest.mark.parametrize(("seeds", "share"), [(1, 0.5), (1, 0.8), (3, 0.8), (5, 0.8)])
def test_one_large_cluster_makes_no_change(seeds: int, share: float) -> None:
    said, _ = families(one_large(seeds, share), seeds=seeds)
    assert said <= 1


def test_of_unlike_clusters_the_variance_is_that_of_leaving_each_out() -> None:
    counts = np.array([1.0, 2.0, 3.0, 14.0])
    sums = counts * [0.2, 0.5, 0.3, 0.6]
    found = of_grids(Grid(sums[None], counts[None], (0,)), None, (0.0, 1.0))
    means = np.array([(sums.sum() - s) / (20 - c) for s, c in zip(sums, counts, strict=True)])
    # Around the mean of all, as each cluster's pull is.
    squares = float(((means - sums.sum() / 20) ** 2).sum())
    assert found.prompts[0][0] == pytest.approx((3 / 4 * squares) ** 0.5)
    assert found.effective == effective(counts) == pytest.approx(400 / 210)
    assert found.prompts[0][1] == 1.0  # Kish's 1.9 less 1, and one at the least


@pytest.mark.parametrize("each", [1, 3, 7])
def test_alike_clusters_keep_every_bit(each: int) -> None:
    rng = np.random.default_rng(each)
    values = rng.random((2, 53 * each))
    groups = np.repeat(np.arange(53), each)
    assert (left_out(np.full(53, float(each))) == 1.0).all()
    assert effective(np.full(53, float(each))) == 53.0
    sides = [Grid.by(row, np.zeros(row.size, dtype=np.int64), groups) for row in values]
    found = of_grids(sides[0], sides[1], (-1.0, 1.0), trained=TO_BASE).estimate
    by_formula = clustered_difference(
        values[0].tolist(), groups.tolist(), values[1].tolist(), groups.tolist()
    )
    assert (found.low, found.high, found.p) == pytest.approx(
        (by_formula.low, by_formula.high, by_formula.p), rel=1e-12
    )


def scored(sizes: list[int], policy: str) -> list[Scored]:
    return [
        Scored(f"{g}-{n}", f"c{g}", policy, 0, 0.5, Status.OK)
        for g, size in enumerate(sizes)
        for n in range(size)
    ]


def test_few_clusters_that_hold_most_are_told() -> None:
    (line,) = cautions([], {("exam", "arm"): scored([50, *[1] * 50], "arm")})
    assert "The 51 independent prompts of arm by exam are unlike in size" in line
    assert "(one holds 50% of the responses) and tell as much as 3.9 alike ones" in line
    assert not cautions([], {("exam", "arm"): scored([2, *[1] * 50], "arm")})
    # A few alike ones are told of elsewhere.
    assert not cautions([], {("exam", "arm"): scored([3] * 10, "arm")})


def row_of(found: Difference, **more: Any) -> dict[str, Any]:
    (row,) = told([found])
    return {"evaluator": "exam", "policy": "arm", "difference": row | more}


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_change_that_one_prompt_more_could_undo_is_told(seeds: int) -> None:
    waves = 0.02 + 0.001 * (np.arange(100) % 5 - 2)
    (line,) = cautions([row_of(Difference(found_of(waves, seeds)))], {})
    assert line.startswith("Neither called a change nor the same, because one prompt more")
    assert line.endswith("could undo it (more prompts would decide): exam of arm (+0.020, 100"
                         " independent prompts).")  # fmt: skip
    assert not cautions([row_of(Difference(found_of(2 * waves, seeds)))], {})


def test_a_verdict_says_that_failures_are_taken_to_be_lost_alike() -> None:
    """The arm loses bad answers, base good ones, both 30 of 100: what is left looks like a gain."""
    good = np.tile(np.arange(100) % 2 == 0, (3, 1)).astype(float)
    names = (0, 1, 2)
    lost = [np.where(good == bad, np.arange(100) % 10 < 6, False) for bad in (0.0, 1.0)]
    arm, base = (Side(Grid(good * ~gone, 1.0 - gone, names), 1.0 * gone) for gone in lost)
    over = of_grids(arm.scored, base.scored, (-1.0, 1.0), trained=TO_BASE)
    what = missing(arm, base, TO_BASE)
    assert what is not None and what.worst is None and what.at_worst is not None
    assert what.at_worst == pytest.approx([0.5 - 0.5, 0.8 - 0.2])
    row = row_of(Difference(over, None, what), n=420)
    row["difference"]["verdict"] = "raised"
    of = {"responses": 300, "unanswered": 0}
    row |= of
    base_row = {"evaluator": "exam", "policy": "base", "difference": None, **of}
    (line,) = lost_alike([base_row, row], "base")
    assert line == (
        "Taken to be lost for the same reasons on both sides: exam of arm stands on 420 of 600"
        " responses (30.0% of arm's and 30.0% of base's are lost; at the worst the change lies"
        " from +0.00 to +0.60)."
    )
    for word in ("unclear", "undecidable", "unknown"):
        assert not lost_alike([row | {"difference": row["difference"] | {"verdict": word}}], "base")
    lost_few = row["difference"]["failures"] | {"rates": {"policy": 0.02, "base": 0.015}}
    assert not lost_alike(
        [row | {"difference": row["difference"] | {"failures": lost_few}}], "base"
    )


def evaluated() -> dict[str, Any]:
    """A steady gain of two points, and a third of the answers lost for opposite reasons."""
    items = [Item(f"i{n}", f"prompt {n}") for n in range(60)]
    responses = {
        (policy, seed): [
            Response(f"{policy}{seed}-{n}", f"i{n}", policy, f"{policy} {seed} {n}")
            for n in range(60)
        ]
        for policy in ("base", "arm")
        for seed in range(3)
    }
    requests, judgments = [], []
    for (policy, _), answers in responses.items():
        for n, response in enumerate(answers):
            good, gained = float(n % 2), 0.02 * (policy == "arm")
            lost = n % 6 < 4 and good == float(policy == "base")
            said = {
                "steady": Verdict(Status.OK, 0.5 + gained + 0.05 * gained * (n % 3 - 1)),
                "lossy": Verdict(Status.ERROR) if lost else Verdict(Status.OK, 0.2 + 0.5 * good
                                                                    + 12 * gained),
            }  # fmt: skip
            for name, verdict in said.items():
                request = JudgmentRequest(
                    f"{name}:{response.id}", items[n], (response,), Criterion("c", "text", UNIT)
                )
                requests.append(request)
                judgments.append(Judgment(request.id, name, "1", name, verdict))
    who = [EvaluatorInfo(name, "judge", held_out_for=HELD) for name in ("steady", "lossy")]
    return evaluate(items, responses, requests, judgments, who)


HELD = frozenset({"arm"})


def test_the_evaluation_and_its_page_say_what_verdicts_stand_on() -> None:
    found = evaluated()
    steady, lossy = (row["difference"] for row in found["scores"] if row["difference"])
    assert (steady["verdict"], steady["one_more"]) == ("unclear", "raised")
    assert any(
        "undo it (more prompts would decide): steady of arm (+0.020, 60" in line
        for line in found["warnings"]
    )
    assert lossy["verdict"] == "raised" and not lossy["failures"]["far"]
    (told_,) = lost_alike(found["scores"], "base")
    data = {"run": {"name": "x"}, "evaluation": found}
    blocks = results(data, Names.of_run(data))
    table = next(block for block in blocks if isinstance(block, Table))
    assert told_ in table.notes
    # 60 of 180 are lost on both sides, by other prompts: both have a score at a third of them.
    assert "stands on 120 of 360 responses (33.3% of arm's and 33.3% of base's are lost" in told_
    assert any("one prompt more could undo it" in str(cell) for cell in table.rows[1])
    assert told_ in scores(found).notes  # on the terminal, too
