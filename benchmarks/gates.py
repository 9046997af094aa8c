"""What the gates let pass: sources below, at and above the limit, on 50 to 1,000 clustered items.

    python benchmarks/gates.py [--worlds 1000]

Each world is a table of labels with a known truth, decided by ``harness.agreement.decide``. Labels
of one prompt are alike: the source errs on them together (--alike is the share of its luck that
the items of a prompt have in common). The table has one row for each kind of gate, number of items
and truth: shares of worlds that pass, that are undecided, that fail, and, for kappa, that the
estimate alone would let pass.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.agreement.calibration import error_bounds
from harness.agreement.gate import Measured, decide
from harness.nouns.gate import MEASURES, Gate
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.one_sided import Bounds, kappa_bounds, share_bounds

SIZES = (50, 100, 200, 330, 1_000)


@dataclass(frozen=True)
class World:
    """How items are drawn: so many, in prompts of so many, that are so much alike."""

    items: int
    per_prompt: int
    alike: float

    @property
    def clusters(self) -> IntArray:
        """(n,) prompt of each item."""
        return np.arange(self.items) // self.per_prompt

    def luck(self, rng: np.random.Generator) -> FloatArray:
        """Return (n,) numbers uniform on [0, 1], some of them shared within a prompt."""
        prompts = int(self.clusters.max()) + 1
        shared = rng.random(prompts)[self.clusters]
        return np.where(rng.random(self.items) < self.alike, shared, rng.random(self.items))


def kappa(shares: FloatArray) -> Callable[[World, float, np.random.Generator], Bounds]:
    """A source that copies the label with chance kappa, else draws one by the same shares."""

    def draw(world: World, truth: float, rng: np.random.Generator) -> Bounds:
        people = rng.choice(shares.size, size=world.items, p=shares)
        own = rng.choice(shares.size, size=world.items, p=shares)
        said = np.where(world.luck(rng) < truth, people, own)
        return kappa_bounds(said, people, world.clusters)

    return draw


def rate(world: World, truth: float, rng: np.random.Generator) -> Bounds:
    """A rate: of flips, of false passes and fails, of right decisions."""
    return share_bounds((world.luck(rng) < truth).astype(np.float64), world.clusters, "")


def calibration(world: World, truth: float, rng: np.random.Generator) -> Bounds:
    """A judge that is right less often than it says, by so much."""
    stated = 0.55 + 0.4 * rng.random(world.items)
    right = (world.luck(rng) < stated - truth).astype(np.float64)
    return error_bounds(stated, right, world.clusters)


LABELS3, LABELS2 = np.full(3, 1 / 3), np.array([0.8, 0.2])
CASES: dict[str, tuple[str, float, Callable[..., Bounds], tuple[float, ...]]] = {
    "kappa >= .40, A/TIE/B": ("cohen_kappa", 0.4, kappa(LABELS3), (0.35, 0.4, 0.45, 0.5, 0.6)),
    "kappa >= .60, A/TIE/B": ("cohen_kappa", 0.6, kappa(LABELS3), (0.55, 0.6, 0.65, 0.7)),
    "kappa >= .40, 80:20": ("cohen_kappa", 0.4, kappa(LABELS2), (0.35, 0.4, 0.5, 0.6)),
    "right >= .90": ("share_right", 0.9, rate, (0.85, 0.9, 0.95, 0.98)),
    "flip rate <= .20": ("swap_flip_rate", 0.2, rate, (0.25, 0.2, 0.1)),
    "false pass <= .05": ("false_pass_rate", 0.05, rate, (0.07, 0.05, 0.02, 0.01)),
    "false pass <= .15": ("false_pass_rate", 0.15, rate, (0.2, 0.15, 0.05)),
    "calibration <= .10": ("ece", 0.1, calibration, (0.15, 0.1, 0.05, 0.0)),
}


def shares(case: str, world: World, truth: float, worlds: int, seed: int = 0) -> dict[str, float]:
    """Return the share of worlds in which a gate passes, fails, is undecided, and by estimate."""
    statistic, limit, draw, _ = CASES[case]
    gate = Gate("source", limit, "drop", statistic)
    rng = np.random.default_rng([seed, world.items, round(1000 * truth)])
    counts = dict.fromkeys(("pass", "undecided", "fail", "estimate"), 0)
    for _ in range(worlds):
        bounds = draw(world, truth, rng)
        counts[decide(gate, Measured(bounds)).outcome] += 1
        if bounds.value is not None:
            side = 1 if MEASURES[statistic].is_minimum else -1
            counts["estimate"] += side * bounds.value >= side * limit
    return {name: count / worlds for name, count in counts.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=1_000)
    parser.add_argument("--per-prompt", type=int, default=2)
    parser.add_argument("--alike", type=float, default=0.4)
    options = parser.parse_args()
    how = f"items in prompts of {options.per_prompt}, alike {options.alike:g}"
    print(f"{options.worlds} worlds; {how}")
    print(f"{'gate':24}{'items':>6}{'truth':>7}{'pass':>7}{'undec.':>8}{'fail':>7}{'estimate':>10}")
    for case, (*_, truths) in CASES.items():
        for items in SIZES:
            world = World(items, options.per_prompt, options.alike)
            for truth in truths:
                found = shares(case, world, truth, options.worlds)
                widths = {"pass": 7, "undecided": 8, "fail": 7, "estimate": 10}
                cells = "".join(f"{found[name]:>{width}.3f}" for name, width in widths.items())
                print(f"{case:24}{items:>6}{truth:>7.2f}{cells}")


if __name__ == "__main__":
    main()
