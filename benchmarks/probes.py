"""Judges with planted biases: are they found, and is nothing found in judges without any?

    python benchmarks/probes.py [--worlds 1000]

Each world is a judge of 150 pairs (or --items), whose three askings are drawn for all seven probes
and go through ``harness.agreement.probes``, as ``harness probe-judge`` does. "placebo" is the share
of verdicts that turn when the same is asked again. A judge has one bias, by which a true excess of
the verdicts turns, or none; "touchy" is one whose verdict any other wording of the answers turns in
one of ten pairs, either way, and has no bias. "found" is the share of worlds in which the planted
bias was found, "others" the share in which another one was.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from harness.agreement.probes import Askings, Probe, probe, together
from harness.nouns.biases import BIASES
from harness.statistics.arrays import FloatArray

NONE, TOUCHY = "none", "touchy"
TOUCHED = 0.1


@dataclass(frozen=True)
class Planted:
    """A judge of pairs with a known bias.

    Args:
        bias: A name of ``BIASES``, none, or touchy.
        excess: Share of verdicts that it turns beyond the placebo.
        placebo: Share of verdicts that turn when the same is asked again.
        items: Pairs.
        per_prompt: Pairs of one prompt, whose luck is alike.
    """

    bias: str
    excess: float = 0.0
    placebo: float = 0.05
    items: int = 150
    per_prompt: int = 1

    @property
    def luck(self) -> float:
        """Share of verdicts that are drawn anew at each asking."""
        return 1 - math.sqrt(1 - 2 * self.placebo)

    def driven(self, bias: str) -> float:
        """Return the share of pairs in which the planted bias decides."""
        if bias != self.bias or bias not in BIASES:
            return 0.0
        if bias == "pushback":
            return self.excess / (1 - 2 * self.placebo)
        if BIASES[bias].directed:  # half of the changed answers have won before
            return 2 * self.excess / (1 - self.luck)
        return self.excess / (1 - self.luck) ** 2

    def probes(self, rng: np.random.Generator) -> list[Probe]:
        """Draw its verdicts, and return what the probes make of them."""
        clusters = np.arange(self.items) // self.per_prompt
        prompts = int(clusters.max()) + 1
        won = self._shared(rng, clusters, prompts) < 0.5
        first, again = (self._noisy(rng, won) for _ in range(2))
        found = []
        for bias, kind in BIASES.items():
            driven = self._shared(rng, clusters, prompts) < self.driven(bias)
            if bias == "pushback":
                answered = self._noisy(rng, won)
                probed = np.where(driven, 1 - answered, answered)
            elif bias == "position":  # where it decides, A won when A stood first
                plain = np.where(driven, True, won)
                askings = (self._noisy(rng, plain) for _ in range(2))
                turned = self._noisy(rng, np.where(driven, False, won))
                found.append(probe(bias, Askings(*askings, turned, clusters)))
                continue
            else:
                assert kind.directed
                base = np.where(driven, True, won)
                if self.bias == TOUCHY:
                    base = base ^ (rng.random(self.items) < TOUCHED)
                probed = self._noisy(rng, base)
            found.append(probe(bias, Askings(first, again, probed, clusters)))
        return together(found)

    def _shared(self, rng: np.random.Generator, clusters: np.ndarray, prompts: int) -> FloatArray:
        """Return (n,) uniform numbers, half of them shared within a prompt."""
        shared = rng.random(prompts)[clusters]
        alike = (self.per_prompt > 1) & (rng.random(self.items) < 0.5)
        return np.where(alike, shared, rng.random(self.items))

    def _noisy(self, rng: np.random.Generator, won: np.ndarray) -> FloatArray:
        drawn = rng.random(self.items) < self.luck
        return np.where(drawn, rng.random(self.items) < 0.5, won).astype(np.float64)


def shares(judge: Planted, worlds: int, seed: int = 0) -> dict[str, float]:
    """Return in which share of worlds the planted bias was found, and another one."""
    rng = np.random.default_rng([seed, judge.items, round(1000 * judge.placebo)])
    counts = dict.fromkeys(("found", "others"), 0)
    inside = 0
    for _ in range(worlds):
        probes = judge.probes(rng)
        found = {one.bias for one in probes if one.found}
        counts["found"] += judge.bias in found
        counts["others"] += bool(found - {judge.bias})
        own = next((one for one in probes if one.bias == judge.bias), None)
        if own is not None and own.low is not None and own.high is not None:
            inside += own.low <= judge.excess <= own.high
    return {**{name: n / worlds for name, n in counts.items()}, "coverage": inside / worlds}


def judges(items: int, per_prompt: int) -> Iterator[Planted]:
    """Yield the judges of the table."""
    for placebo in (0.0, 0.05, 0.1):
        none = Planted(NONE, 0.0, placebo, items, per_prompt)
        yield none
        yield replace(none, bias=TOUCHY)
        for bias in BIASES:
            for excess in (0.05, 0.1, 0.15):
                yield replace(none, bias=bias, excess=excess)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--worlds", type=int, default=1_000)
    parser.add_argument("--items", type=int, default=150)
    parser.add_argument("--per-prompt", type=int, default=1)
    options = parser.parse_args()
    print(f"{options.worlds} worlds; {options.items} pairs in prompts of {options.per_prompt}")
    print(f"{'planted':18}{'placebo':>8}{'excess':>8}{'found':>8}{'others':>8}{'coverage':>10}")
    for judge in judges(options.items, options.per_prompt):
        got = shares(judge, options.worlds)
        planted = judge.bias in BIASES
        found, covered = (f"{got[k]:.3f}" if planted else "-" for k in ("found", "coverage"))
        print(
            f"{judge.bias:18}{judge.placebo:>8.2f}{judge.excess:>8.2f}{found:>8}"
            f"{got['others']:>8.3f}{covered:>10}"
        )


if __name__ == "__main__":
    main()
