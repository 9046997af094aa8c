"""Does align-judge claim a gain that is none, and does it find one that is there?

Worlds in which a judge is as good as its rivals, or one rival is better; the choice on one half of
the prompts and the proof on the other are made by the functions of ``harness align-judge``. Labels
are A, tie or B, two pairs in each prompt, which are alike; judges err together, as those with one
model do.

    python benchmarks/aligning.py                     # 2,000 worlds of each kind, about 3 minutes
    python benchmarks/aligning.py --worlds 200
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from harness.agreement.aligning import choose, prove
from harness.agreement.halves import chooses
from harness.statistics.arrays import IntArray

RIVALS = (1, 8, 24)
LABELS = (60, 100, 150, 300, 600)
BASE = 0.70
SHARED = 0.5
"""Of the deviation of how hard a pair is for a judge, what all judges share."""
PROMPT = 0.3
"""The same of what the two pairs of a prompt share."""


@dataclass
class Count:
    """What came of some worlds."""

    proven: int = 0
    held: int = 0
    right: int = 0
    asked: int = 0


def world(
    rng: np.random.Generator, labels: int, shares: list[float]
) -> tuple[dict[str, IntArray], IntArray, IntArray]:
    """Return what judges say that are right so often, the people's labels, and the prompts."""
    from scipy.special import ndtri

    prompts = np.repeat(np.arange(labels // 2), 2)
    own = rng.standard_normal((len(shares), labels))
    pair = rng.standard_normal(labels)
    prompt = rng.standard_normal(labels // 2)[prompts]
    hard = np.sqrt(PROMPT) * prompt + np.sqrt(SHARED - PROMPT) * pair + np.sqrt(1 - SHARED) * own
    right = hard < ndtri(np.array(shares))[:, None]
    truth = rng.choice(3, size=labels, p=(0.45, 0.1, 0.45))
    wrong = (truth + rng.integers(1, 3, size=(len(shares), labels))) % 3
    said = np.where(right, truth, wrong)
    return {f"judge {k}": said[k] for k in range(len(shares))}, truth, prompts


def run(seed: int, worlds: int, labels: int, shares: list[float]) -> Count:
    """Choose and prove in many worlds; the first judge is the one that is in use."""
    found, names = Count(), [f"judge {k}" for k in range(len(shares))]
    true = dict(zip(names, shares, strict=True))
    for number in range(worlds):
        rng = np.random.default_rng([seed, labels, len(shares), number])
        said, truth, prompts = world(rng, labels, shares)
        half = chooses(map(str, prompts), seed=number)
        best, _ = choose(said, truth, half)
        if best == names[0]:
            continue
        found.asked += 1
        gain = prove(said[names[0]], said[best], truth, prompts, ~half)
        real = true[best] - true[names[0]]
        low, high = gain.gain.low, gain.gain.high
        found.held += low is not None and high is not None and low <= real <= high
        found.proven += gain.is_proven
        found.right += best == names[-1]
    return found


def main() -> None:
    """Print how often a gain is proven."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    kinds = {
        "nothing better": lambda k: [BASE] * (k + 1),
        "all a bit worse": lambda k: [BASE] + [BASE - 0.03] * k,
        "one better by 10": lambda k: [BASE] + [BASE] * (k - 1) + [BASE + 0.10],
        "one better by 15": lambda k: [BASE] + [BASE] * (k - 1) + [BASE + 0.15],
        "easy, nothing better": lambda k: [0.95] * (k + 1),
    }
    print(f"{given.worlds} worlds; gain proven in % of worlds (interval holds the true gain in %)")
    for name, shares in kinds.items():
        for rivals in RIVALS:
            cells = []
            for labels in LABELS:
                one = run(given.seed, given.worlds, labels, shares(rivals))
                held = 100 * one.held / max(1, one.asked)
                cells.append(f"{labels}: {100 * one.proven / given.worlds:5.1f} ({held:5.1f})")
            print(f"{name:20} {rivals:3} rivals   " + "   ".join(cells), flush=True)


if __name__ == "__main__":
    main()
