"""How often the report says something that is not so, and how often it finds what is.

    python benchmarks/decisions.py [--repeats 500] [--seed 1] [--only seeds,power,...]

Each experiment is drawn: prompts of unlike difficulty, arms that suit some prompts better,
trainings that are better or worse by luck, answers. What the harness would say of it comes from the
functions that the evaluation calls. A line that does not hold is marked and the exit status is 1. A
share of 500 repeats is off by about .01 at .05; a line fails beyond its limit, with no allowance
for that.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.evaluate.missing import Side, missing
from harness.evaluate.verdicts import Difference, told
from harness.statistics.falls import Fall, Look, fall_from_peak
from harness.statistics.seeds import FEWEST_SEEDS, Grid, Seeded, of_grids

Array = npt.NDArray[np.float64]

ARMS, EVALUATORS = 4, 2
TO_BASE = (True, False)
"""Arms are trained with each seed, base is sampled anew."""

FALSE, LEAST, MOST, POWER = 0.06, 0.93, 0.97, 0.90


@dataclass(frozen=True)
class World:
    """What an experiment is drawn from.

    Args:
        seeds: Trainings of each arm.
        deviation: Of their means, by luck.
        prompts: Held-out prompts.
        kind: ``binary`` or ``graded`` scores.
        gain: True difference of each arm.
    """

    seeds: int
    deviation: float
    prompts: int
    kind: str
    gain: float = 0.0

    def scores(self, rng: np.random.Generator, chances: Array) -> Array:
        """Draw a score for each chance, whose mean it is."""
        if self.kind == "binary":
            return (rng.random(chances.shape) < chances).astype(np.float64)
        return rng.beta(5 * chances, 5 * (1 - chances))

    def policies(self, rng: np.random.Generator) -> tuple[Array, list[Array], list[float]]:
        """Draw base and the arms on one evaluator, and the luck that each arm had."""
        ease = rng.uniform(0.3, 0.7, self.prompts)
        base = self.scores(rng, np.broadcast_to(ease, (self.seeds, self.prompts)))
        arms, lucks = [], []
        for _ in range(ARMS):
            suits = rng.uniform(-0.1, 0.1, self.prompts)
            luck = np.clip(rng.normal(0, self.deviation, (self.seeds, 1)), -0.19, 0.19)
            chances = np.clip(ease + suits + luck + self.gain, 0.001, 0.999)
            arms.append(self.scores(rng, chances))
            lucks.append(float(luck.mean()))
        return base, arms, lucks

    def grid(self, scores: Array) -> Grid:
        """Return the table of one policy."""
        return Grid(scores, np.ones_like(scores), tuple(range(len(scores))))

    def experiment(self, rng: np.random.Generator) -> tuple[list[Seeded], list[float]]:
        """Draw all differences to base of one experiment, and the luck in each."""
        found, lucks = [], []
        for _ in range(EVALUATORS):
            base, arms, luck = self.policies(rng)
            lucks += luck
            other = self.grid(base)
            found += [of_grids(self.grid(a), other, (-1.0, 1.0), trained=TO_BASE) for a in arms]
        return found, lucks


@dataclass(frozen=True)
class Line:
    """One line of the table: what was measured, and what it must be."""

    what: str
    value: float
    wanted: str
    fine: bool

    def text(self) -> str:
        """Return it as it is printed."""
        return (
            f"{self.what:<66} {self.value:6.3f}  {self.wanted:<13}{'' if self.fine else '  FAILS'}"
        )


def at_most(what: str, value: float, limit: float) -> Line:
    """Return a line that must not be above a limit."""
    return Line(what, value, f"<= {limit:.2f}", value <= limit)


def at_least(what: str, value: float, limit: float) -> Line:
    """Return a line that must not be below a limit."""
    return Line(what, value, f">= {limit:.2f}", value >= limit)


def holds(found: Seeded, truth: float) -> bool:
    """Tell whether an interval holds the truth."""
    low, high = found.estimate.low, found.estimate.high
    return low is not None and high is not None and low <= truth <= high


def seeds(repeats: int, rng: np.random.Generator) -> Iterator[Line]:
    """Yield false claims and coverage without a true difference, cell by cell."""
    cells = product((2, 3, 5), (0.0, 0.03, 0.06), (100, 500), ("binary", "graded"))
    for k, deviation, prompts, kind in cells:
        world = World(k, deviation, prompts, kind)
        wrong = covered = of_those = 0
        for _ in range(repeats):
            found, lucks = world.experiment(rng)
            rows = told([Difference(one) for one in found])
            wrong += any(row["verdict"] in ("raised", "lowered", "unchanged") for row in rows)
            covered += sum(holds(one, 0.0) for one in found)
            of_those += sum(
                holds(one.alone(), luck) for one, luck in zip(found, lucks, strict=True)
            )
        every = repeats * ARMS * EVALUATORS
        cell = f"{k} seeds, deviation {deviation:.2f}, {prompts} prompts, {kind}"
        yield at_most(f"{cell}: any false claim", wrong / repeats, FALSE)
        share = covered / every
        if k < 5:
            yield at_least(f"{cell}: coverage", share, LEAST)
        else:
            fine = LEAST <= share <= MOST
            yield Line(f"{cell}: coverage", share, f"{LEAST:.2f} to {MOST:.2f}", fine)
        if k < 3:
            yield at_least(f"{cell}: of these trainings", of_those / every, LEAST)


def power(repeats: int, rng: np.random.Generator) -> Iterator[Line]:
    """Yield how often ten points are found, by all arms or by one of them alone."""
    for deviation, kind in product((0.0, 0.03), ("binary", "graded")):
        world = World(5, deviation, 500, kind, 0.10)
        every = one_only = 0
        for _ in range(repeats // 2):
            found, _ = world.experiment(rng)
            rows = told([Difference(one) for one in found])
            every += sum(row["verdict"] == "raised" for row in rows)
            level = 0.05 / len(rows)
            one_only += sum(row["p"] < level for row in rows)
        of = repeats // 2 * ARMS * EVALUATORS
        cell = f"+10 points, 5 seeds, deviation {deviation:.2f}, 500 prompts, {kind}"
        yield at_least(f"{cell}: found", every / of, POWER)
        yield Line(f"{cell}: if no other arm gains", one_only / of, "", fine=True)


RATES = (0.005, 0.01, 0.018, 0.03, 0.05, 0.1, 0.2, 0.4)
"""Shares of responses without a score."""


def failures(repeats: int, rng: np.random.Generator) -> Iterator[Line]:
    """Yield how often failures that hit the bad answers make "raised" where there is no gain."""
    for kind, rate, others in product(("binary", "graded"), RATES, (0.0, 0.5, 0.95)):
        world = World(5, 0.0, 500, kind)
        wrong = alone = 0
        for _ in range(max(1, repeats // 2)):
            base, (arm, *_), _ = world.policies(rng)
            sides = [hit(rng, arm, rate), hit(rng, base, others * rate)]
            over = of_grids(sides[0].scored, sides[1].scored, (-1.0, 1.0), trained=TO_BASE)
            (row,) = told([Difference(over, None, missing(sides[0], sides[1], TO_BASE))])
            wrong += row["verdict"] == "raised"
            alone += told([Difference(over)])[0]["verdict"] == "raised"
        n = max(1, repeats // 2)
        what = f"failures {rate:.1%} of the arm, {others * rate:.1%} of base, {kind}"
        yield at_most(f"{what}: raised (unguarded {alone / n:.2f})", wrong / n, 0.05)


def hit(rng: np.random.Generator, scores: Array, rate: float) -> Side:
    """Lose a share of the answers, the worst ones most."""
    bad = (1 - scores) ** 4 + 1e-9
    lost = rng.random(scores.shape) < np.minimum(1.0, bad * rate * scores.size / bad.sum())
    kept = np.where(lost, 0.0, 1.0)
    return Side(Grid(scores * kept, kept, tuple(range(len(scores)))), lost.astype(np.float64))


def margins(repeats: int, rng: np.random.Generator) -> Iterator[Line]:
    """Yield how often a change is called none, at the margin and where there is none."""
    for kind, gain, deviation in product(("binary", "graded"), (0.05, 0.0), (0.0, 0.02)):
        world = World(5, deviation, 500, kind, gain)
        same = 0
        for _ in range(repeats // 2):
            found, _ = world.experiment(rng)
            rows = told([Difference(one, 0.05) for one in found])
            said = [row["verdict"] == "unchanged" for row in rows]
            same += any(said) if gain else sum(said) / len(said)
        what = f"margin .05, true change {gain:.2f}, deviation {deviation:.2f}, {kind}"
        share = same / (repeats // 2)
        if gain:
            yield at_most(f"{what}: any called unchanged", share, FALSE)
        else:
            yield Line(f"{what}: called unchanged", share, "", fine=True)


SHARES = (0.1, 0.3, 0.5, 0.8)
"""Of all prompts, in the one large cluster."""

COUNTED = ("raised", "lowered")

Draw = Callable[[], tuple[Grid, Grid]]


def claims(repeats: int, draw: Draw, words: Sequence[str] = COUNTED, arms: int = 8) -> float:
    """Return in what share of families a word is said, with fewer than three seeds of those."""
    wrong = 0
    for _ in range(max(1, repeats)):
        found = [of_grids(*draw(), (-1.0, 1.0), trained=TO_BASE) for _ in range(arms)]
        rows = told([Difference(one, MARGIN if "unchanged" in words else None) for one in found])
        few = found[0].seeds is not None and found[0].seeds < FEWEST_SEEDS
        wrong += any((row["trainings"] if few else row)["verdict"] in words for row in rows)
    return wrong / max(1, repeats)


MARGIN = 0.05


def large(repeats: int, rng: np.random.Generator) -> Iterator[Line]:
    """Yield false claims where one cluster holds a large share of the prompts."""
    for k, clusters, share in product((1, 3, 5), (30, 100), SHARES):
        counts = np.ones((k, clusters))
        counts[:, 0] = round((clusters - 1) * share / (1 - share))

        def draw(counts: Array = counts, gain: float = 0.0) -> tuple[Grid, Grid]:
            hard, suits = rng.normal(0, 0.15, (2, counts.shape[1]))
            chances = (
                np.clip(0.5 + hard + suits + gain, 0.02, 0.98),
                np.clip(0.5 + hard, 0.02, 0.98),
            )
            sums = [rng.binomial(counts.astype(np.int64), each) for each in chances]
            a, b = (
                Grid(each.astype(np.float64), counts, tuple(range(len(counts)))) for each in sums
            )
            return a, b

        what = f"one of {clusters} clusters holds {share:.0%}, {k} seeds"
        yield at_most(f"{what}: any false claim", claims(repeats // 4, draw), FALSE)
        if k > 1 and clusters == 100:
            found = claims(repeats // 4, partial(draw, gain=0.2), ("raised",), 1)
            yield Line(f"{what}: +20 points found", found, "", fine=True)


BREAKS = ((30, 0.02, 0.05), (50, 0.015, 0.03), (100, 0.01, 0.02), (200, 0.01, 0.02))
"""Prompts, gain of most of them, share of them that breaks."""

RARELY = ((50, 0.05), (100, 0.02), (100, 0.01), (200, 0.05))
"""Prompts, and at which share of them an arm is right where base has that as partial credit."""


def breaks(repeats: int, rng: np.random.Generator) -> Iterator[Line]:
    """Yield false claims where most prompts gain a little and few break, and the like."""

    def grids(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> tuple[Grid, Grid]:
        ones, names = np.ones_like(a), tuple(range(len(a)))
        return Grid(a, ones, names), Grid(b, ones, names)

    def broken(k: int, prompts: int, gain: float, share: float, drop: float) -> Draw:
        def draw() -> tuple[Grid, Grid]:
            effect = np.where(rng.random(prompts) < share, -drop, gain)
            noise = rng.normal(0, 0.02, (2, k, prompts))
            return grids(0.5 + effect + noise[0], 0.5 + noise[1])

        return draw

    for k, (prompts, gain, share) in product((1, 3, 5), BREAKS):
        drop = gain * (1 - share) / share
        wrong = claims(repeats // 4, broken(k, prompts, gain, share, drop))
        what = f"{prompts} prompts, {1 - share:.0%} gain {100 * gain:.1f} points, the others break"
        yield at_most(f"{what}, {k} seeds: any false claim", wrong, FALSE)
    for k, (prompts, share) in product((1, 3, 5), RARELY):

        def draw(k: int = k, prompts: int = prompts, share: float = share) -> tuple[Grid, Grid]:
            partly = np.clip(rng.normal(share, 0.01, (k, prompts)), 0, 1)
            return grids((rng.random((k, prompts)) < share) * 1.0, partly)

        what = f"{prompts} prompts, right in {share:.0%} or always {share:.2f}, {k} seeds"
        wrong = claims(repeats // 4, draw)
        if k == 1 and share * prompts >= 10:  # so many that one more is not enough
            yield Line(f"{what}: any false claim (beyond the guard)", wrong, "", fine=True)
        else:
            yield at_most(f"{what}: any false claim", wrong, FALSE)
    for k, prompts in product((3, 5), (20, 50)):
        wrong = claims(repeats // 2, broken(k, prompts, 0.0, 0.1, 0.5), ("unchanged",), 1)
        what = f"margin .05, true change -.05 as one prompt in ten breaks, {prompts} prompts"
        yield at_most(f"{what}, {k} seeds", wrong, FALSE)
    for gain in (0.04, 0.045, 0.05):  # the others fall by 95 points: from one end to the other
        wrong = claims(repeats // 4, broken(3, 100, gain, gain / (0.95 + gain), 0.95))
        what = f"100 prompts, most gain {100 * gain:.1f} points, the others lose 95, 3 seeds"
        yield Line(f"{what}: any false claim (beyond the guard)", wrong, "", fine=True)
    for k, chance in product((3, 5, 10), (0.1,)):

        def collapse(k: int = k, chance: float = chance) -> tuple[Grid, Grid]:
            luck = np.where(rng.random((k, 1)) < chance, -0.5 * (1 - chance), 0.5 * chance)
            hard = rng.normal(0.5, 0.15, 200)
            chances = np.clip(hard + luck, 0, 1), np.clip(hard + 0 * luck, 0, 1)
            a, b = ((rng.random((k, 200)) < each) * 1.0 for each in chances)
            return grids(a, b)

        what = f"each training fails by 50 points with chance {chance:.1f}, {k} seeds"
        wrong = claims(repeats // 4, collapse)
        yield Line(f"{what}: any false claim (cannot be seen)", wrong, "", fine=True)


def hacking(repeats: int, rng: np.random.Generator) -> Iterator[Line]:
    """Yield how often gold that stays, or rises, is said to have fallen in a run of four arms."""
    still, risen = [0.5] * 8, [0.3, 0.4, *[0.6] * 6]
    for name, means in (("stays", still), ("rises", risen)):
        wrong = 0
        for _ in range(max(1, repeats // 4)):
            falls = [fall(rng, means).verdict == "fell" for _ in range(ARMS)]
            wrong += any(falls)
        share = wrong / max(1, repeats // 4)
        yield at_most(f"gold {name}: any of four arms is said to have fallen", share, 0.05)
    down = [0.5, 0.6, 0.7, 0.6, 0.45]
    found = np.mean([fall(rng, down).verdict == "fell" for _ in range(max(1, repeats // 10))])
    yield at_least("gold falls by 25 points: found", float(found), POWER)


def fall(rng: np.random.Generator, means: Sequence[float]) -> Fall:
    """Draw the looks at one training, and its evaluation, on 64 prompts."""
    hard = rng.uniform(-0.25, 0.25, 64)

    def drawn(mean: float, samples: int) -> dict[str, float]:
        shares = rng.binomial(samples, np.clip(mean + hard, 0, 1)) / samples
        return {str(n): float(share) for n, share in enumerate(shares)}

    looks = [Look(10 * n, drawn(mean, 4), 4) for n, mean in enumerate(means)]
    after, before = drawn(means[-1], 2), drawn(means[0], 2)
    return fall_from_peak(looks, trainings=ARMS, final=after, base=before)


PARTS: dict[str, Callable[[int, np.random.Generator], Iterator[Line]]] = {
    "seeds": seeds, "power": power, "failures": failures, "margins": margins, "large": large,
    "breaks": breaks, "hacking": hacking,
}  # fmt: skip


def main() -> int:
    """Print every line; return 1 where one does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas")
    given = parser.parse_args()
    failed = 0
    for name in given.only.split(","):
        print(f"\n{name}", flush=True)
        for line in PARTS[name](given.repeats, np.random.default_rng([given.seed, len(name)])):
            print(line.text(), flush=True)
            failed += not line.fine
    print(f"\n{failed} lines fail" if failed else "\nevery line holds")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
