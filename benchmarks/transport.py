"""How often a fall of a source's agreement with people is found after a training, and by mistake.

    python benchmarks/transport.py [--repeats 2000]

A source agrees with people on a share of the responses that a policy wrote before its training;
afterwards on the same share, or on less. Items of one prompt hang together (two responses each, a
correlation of .2), and the prompts after training are those before it, as far as they go. A fall is
said where the one-sided 95% lower bound is above 0, and "still valid" where the upper one is below
10 points.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

from harness.agreement.transport import Agreed, transport

TOGETHER = 0.2


def agreed(
    draw: np.random.Generator, share: float, prompts: int, shared: np.typing.NDArray[np.float64]
) -> Agreed:
    """Return two verdicts for each prompt, right with a chance; prompts have easy ones and hard."""
    from scipy.special import ndtr, ndtri

    # Normal copula: what the verdicts of a prompt have in common, and what they have not.
    common = shared[:prompts].repeat(2)
    own = draw.normal(0, 1, 2 * prompts)
    level = ndtr(np.sqrt(TOGETHER) * common + np.sqrt(1 - TOGETHER) * own)
    right = level < ndtr(ndtri(share))
    return Agreed(right.tolist(), np.arange(prompts).repeat(2).tolist())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2_000)
    repeats = parser.parse_args().repeats
    print("labels before  after  agreement  fall    fallen  valid  undecided  median more")
    for before in (300, 600):
        for after in (10, 20, 50, 100, 150, 300):
            for share in (0.7, 0.85):
                for fall in (0.0, 0.1, 0.2):
                    draw = np.random.default_rng([before, after, int(100 * share)])
                    found, more = Counter[str](), []
                    for _ in range(repeats):
                        shared = draw.normal(0, 1, before // 2)
                        one = transport(
                            agreed(draw, share, before // 2, shared),
                            agreed(draw, share - fall, after // 2, shared),
                        )
                        found[one.outcome] += 1
                        more += [one.more] if one.more else []
                    shares = "  ".join(
                        f"{found[kind] / repeats:6.3f}" for kind in ("fallen", "valid", "undecided")
                    )
                    print(f"{before:13}  {after:5}  {share:9.2f}  {fall:4.1f}    {shares}"
                          f"  {np.median(more) if more else 0:7.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
