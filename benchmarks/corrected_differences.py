"""Differences of two policies by a judge that favours one, corrected with few labels of people.

    python benchmarks/corrected_differences.py [--repeats 2000]

Two policies answer the same prompts; people find an answer right or not, the judge errs at random,
and beyond that calls wrong answers of the second policy right, because it likes their style. For
some prompts people were asked. The first table has the coverage of 95% intervals of the true
difference; the second how much narrower the corrected one is than people's labels alone, at a
correlation of .8 between the judge's and the people's differences.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from harness.agreement.corrected_difference import Scored, corrected_difference

PROMPTS = 1_000


def world(
    draw: np.random.Generator, labels: int, each: int, error: float, favour: float
) -> tuple[Scored, Scored, float]:
    """Return the two policies and their true difference.

    Args:
        draw: Source of what is random.
        labels: Prompts that people were asked about.
        each: Responses to each prompt.
        error: Share of the judge's verdicts that are turned round.
        favour: Share of the second policy's wrong answers that it calls right.
    """
    hard = draw.normal(0, 1, PROMPTS)
    asked = np.zeros(PROMPTS, dtype=bool)
    asked[draw.choice(PROMPTS, labels, replace=False)] = True
    made, clusters = [], np.repeat(np.arange(PROMPTS), each)
    for better, liked in ((0.5, 0.0), (0.0, favour)):
        chance = 1 / (1 + np.exp(-(better + hard)))
        right = draw.random(PROMPTS * each) < chance[clusters]
        judged = right ^ (draw.random(right.size) < error)
        judged |= ~right & (draw.random(right.size) < liked)
        truth = np.where(asked[clusters], right.astype(np.float64), np.nan)
        made.append(Scored(judged.astype(np.float64), truth, clusters))
    return made[0], made[1], _gap()


def _gap() -> float:
    """Return the difference of the two chances over all prompts that there could be."""
    at, weight = np.polynomial.hermite_e.hermegauss(60)
    chances = [1 / (1 + np.exp(-(better + at))) for better in (0.5, 0.0)]
    return float(weight @ (chances[0] - chances[1]) / weight.sum())


def coverage(repeats: int) -> Iterator[str]:
    """Yield the lines of the first table."""
    yield "labelled prompts  responses  favour   corrected  labels alone  judge alone"
    for labels in (50, 100, 200):
        for each in (1, 4):
            for favour in (0.0, 0.2, 0.5):
                held = np.zeros(3)
                draw = np.random.default_rng(labels * 100 + each)
                for _ in range(repeats):
                    a, b, true = world(draw, labels, each, 0.08, favour)
                    found = corrected_difference(a, b)
                    for at, one in enumerate((found.corrected, found.labelled, found.judged)):
                        held[at] += one.low <= true <= one.high  # type: ignore[operator]
                shares = "  ".join(f"{100 * share / repeats:10.1f}%" for share in held)
                yield f"{labels:16}  {each:9}  {favour:6.1f}  {shares}"


def labels_saved(repeats: int) -> Iterator[str]:
    """Yield the lines of the second table."""
    yield "labelled prompts  correlation  width, labels alone  half of them, corrected"
    for labels in (100, 200, 400):
        draw = np.random.default_rng(labels)
        wide, narrow, like = [], [], []
        for _ in range(repeats // 10):
            a, b, _ = world(draw, labels, 1, 0.045, 0.2)
            found = corrected_difference(a, b).labelled
            wide.append(found.high - found.low)  # type: ignore[operator]
            c, d, _ = world(draw, labels // 2, 1, 0.045, 0.2)
            few = corrected_difference(c, d).corrected
            narrow.append(few.high - few.low)  # type: ignore[operator]
            like.append(np.corrcoef((a.truth - b.truth)[~np.isnan(a.truth)],
                                    (a.judged - b.judged)[~np.isnan(a.truth)])[0, 1])  # fmt: skip
        yield (f"{labels:16}  {np.mean(like):11.2f}  {np.median(wide):19.3f}"
               f"  {np.median(narrow):23.3f}")  # fmt: skip


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2_000)
    repeats = parser.parse_args().repeats
    for line in (*coverage(repeats), "", *labels_saved(repeats)):
        print(line)


if __name__ == "__main__":
    main()
