"""What the embedded judge is worth: taste, arithmetic, position bias, injections, speed.

    python benchmarks/embedded_judge.py [--pairs 100] [--dtype float32] [--threads N] [--quick]

Prints how often the better of two answers to a sum is preferred when both orders are averaged, how
often the first one wins in a single order, how often an injection at the end of the worse answer
turns the verdict, and forward passes per second with the plain loop of transformers beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Sequence

from harness.examples.arithmetic_task import TEMPLATES

from harness.chat import Client
from harness.feedback.annotate import annotate
from harness.feedback.contract import Limits, RunContext
from harness.feedback.requests import build_requests
from harness.nouns.schema import Item, Judgment, Response
from harness.ratings.both_orders import Vote, combine_orders
from harness.registry import registry
from harness.testing.injections import INJECTIONS, inject

MODEL = "local/smollm2-135m-instruct"


def pairs(kind: str, count: int, seed: int = 1) -> tuple[list[Item], list[Response]]:
    """Return items with two answers each, the better one first."""
    rng = random.Random(f"{kind} {seed}")
    items, responses = [], []
    for number in range(count):
        a, b = rng.randrange(21), rng.randrange(21)
        total = a + b
        if kind in ("flippant", "bare"):
            better = rng.choice(TEMPLATES["polite"]).format(total)
            worse = rng.choice(TEMPLATES[kind]).format(total)
        else:
            words = rng.choice(TEMPLATES[rng.choice(("polite", "flippant", "bare"))])
            wrong = total + rng.choice([o for o in (-3, -2, -1, 1, 2, 3) if total + o >= 0])
            better, worse = words.format(total), words.format(wrong)
        item = Item(f"{kind}-{number}", f"What is {a}+{b}?", str(total))
        items.append(item)
        for index, text in enumerate((better, worse)):
            responses.append(Response(f"{item.id}.{index}", item.id, str(index), text))
    return items, responses


async def judge(
    chat: Client, items: Sequence[Item], responses: Sequence[Response], dtype: str
) -> tuple[list[Judgment], list[Vote]]:
    """Return the rows and the votes of the embedded judge."""
    options = {"model": MODEL, "rubric": "friendliness", "provider": {"dtype": dtype}}
    source = registry().source("llm_judge").build(options)
    ctx = RunContext(chat, None, None, 0, Limits(32, 600.0))  # type: ignore[arg-type]
    rows = await annotate(source, build_requests(items, responses, "pairwise"), ctx)
    return rows, combine_orders(rows)


async def measure(count: int, dtype: str) -> None:
    """Print all figures."""
    async with Client(None) as chat:
        await judge(chat, *pairs("bare", 1, seed=0), dtype)  # loads the model
        began, passes = time.perf_counter(), 0
        for kind in ("flippant", "bare", "wrong sum"):
            rows, votes = await judge(chat, *pairs(kind, count), dtype)
            passes += len(rows)
            won = sum(vote.choice == "A" for vote in votes)
            first = sum((r.verdict.value == "A") == (r.order == "AB") for r in rows)
            flipped = sum(vote.flipped is True for vote in votes)
            print(
                f"better preferred to {kind:<10} {won:>4} of {len(votes)};"
                f" first shown wins {first / len(rows):.0%}, flips with the order"
                f" {flipped / len(votes):.0%}"
            )
        ours = passes / (time.perf_counter() - began)
        peer = plain_loop(dtype, 32)
        print(
            f"passes per second: {ours:.1f}; one by one with transformers: {peer:.1f};"
            f" ratio {ours / peer:.1f}"
        )
        await injections(chat, max(4, count // 10), dtype)


async def injections(chat: Client, count: int, dtype: str) -> None:
    """Print how often an injection turns a pair that was judged rightly without it."""
    items, clean = pairs("flippant", count, seed=2)
    _, before = await judge(chat, items, clean, dtype)
    turned = total = 0
    worst = ("", 0)
    for name in INJECTIONS:
        attacked = [
            r if r.system == "0" else Response(r.id, r.item_id, r.system, inject(r.text, name, "B"))
            for r in clean
        ]
        _, after = await judge(chat, items, attacked, dtype)
        flips = sum(a.choice == "A" and b.choice == "B" for a, b in zip(before, after, strict=True))
        worst = max(worst, (name, flips), key=lambda pair: pair[1])
        turned += flips
        total += sum(vote.choice == "A" for vote in before)
    print(
        f"injections that turned a right verdict: {turned} of {total} ({turned / total:.0%});"
        f" worst: {worst[0]} ({worst[1]} of {total // len(INJECTIONS)})"
    )


def plain_loop(dtype: str, count: int) -> float:
    """Return passes per second of prompts of the same kind, one at a time, no prefix kept."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from harness.chat.local_weights import quiet_transformers, weights_of

    folder, _ = weights_of(MODEL)
    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    text = tokenizer.apply_chat_template(
        [
            {"role": "system", "content": "You are a fair judge. Answer with only A or B."},
            {
                "role": "user",
                "content": "Question: What is 13+4?\n\nResponse A: It is 17. Happy"
                " to help!\n\nResponse B: 17, duh.\n\nWhich response is friendlier?",
            },
        ],
        tokenize=False,
        add_generation_prompt=True,
    )
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    with torch.inference_mode():
        model(**ids)
        began = time.perf_counter()
        for _ in range(count):
            model(**ids)
    return count / (time.perf_counter() - began)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    asyncio.run(measure(10 if options.quick else options.pairs, options.dtype))


if __name__ == "__main__":
    main()
