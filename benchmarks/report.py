"""A report over 100,000 judgments and 10 arms: CPU seconds and memory of evaluating and building.

python benchmarks/report.py [--judgments 100000] [--arms 10] [--seeds 2]

It ends with 1 where evaluating and building take more than 60 s of CPU or 2 GB together.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.evaluate import EvaluatorInfo, evaluate
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.report import build

SECONDS, GIGABYTES = 60.0, 2.0
EVALUATORS = ("correctness", "style")


def world(judgments: int, arms: int, seeds: int) -> tuple[Any, ...]:
    """Return items, responses, requests and judgments of base and arms."""
    dice = random.Random(1)
    policies = ["base", *(f"arm-{n}" for n in range(arms))]
    prompts = judgments // (len(policies) * seeds * len(EVALUATORS))
    items = [Item(f"item-{n}", f"What is {n}+{n}?", str(2 * n)) for n in range(prompts)]
    criterion = Criterion("correct", "Is it correct?", BINARY)
    responses: dict[tuple[str, int], list[Response]] = {}
    requests, verdicts = [], []
    for place, policy in enumerate(policies):
        for seed in range(seeds):
            mine = responses[policy, seed] = []
            for n, item in enumerate(items):
                text = f"The answer is {dice.choice([2 * n, 2 * n + 1])}, my friend."
                response = Response(f"{policy}-{seed}-{n}", item.id, policy, text)
                mine.append(response)
                for name in EVALUATORS:
                    request = JudgmentRequest(f"{name}-{response.id}", item, (response,), criterion)
                    requests.append(request)
                    good = dice.random() < 0.4 + 0.03 * place
                    failed = dice.random() < 0.01
                    verdict = Verdict(Status.TIMEOUT) if failed else Verdict(Status.OK, good)
                    verdicts.append(Judgment(request.id, name, "1", name, verdict))
    return items, responses, requests, verdicts, policies


def main() -> int:
    """Measure, print, and return 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgments", type=int, default=100_000)
    parser.add_argument("--arms", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    made = world(options.judgments, options.arms, options.seeds)
    items, responses, requests, verdicts, policies = made
    start = time.process_time()
    arms = frozenset(policies[1:])
    infos = [EvaluatorInfo(name, "verifier", held_out_for=arms) for name in EVALUATORS]
    evaluation = evaluate(items, responses, requests, verdicts, infos)
    evaluated = time.process_time()
    data = {
        "run": {"name": "big", "seeds": list(range(options.seeds)), "items": {"eval": len(items)}},
        "arms": [
            {"name": arm, "trainer": "grpo", "sources": [], "seeds": []} for arm in policies[1:]
        ],
        "evaluation": evaluation,
    }
    with tempfile.TemporaryDirectory() as folder:
        size = build(data, Path(folder)).stat().st_size
    built = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{len(verdicts):,} judgments, {options.arms} arms, {options.seeds} seeds")
    print(f"evaluate {evaluated - start:.1f} s, build {built - evaluated:.1f} s of CPU")
    print(f"peak memory {peak:.2f} GB, the world itself included; page {size / 1e6:.2f} MB")
    return int(built - start > SECONDS or peak > GIGABYTES)


if __name__ == "__main__":
    sys.exit(main())
