"""Write word problems of two steps for examples/smollm2_gsm8k.yaml, or GSM8K itself.

    python -m harness.examples.make_word_problems [FOLDER] [--gsm8k]

Without an option it writes the packaged ones: made of templates and numbers in the manner of GSM8K
(Cobbe et al. 2021), so that the example runs without a network. With ``--gsm8k`` it loads
``openai/gsm8k`` from the hub by ``datasets`` and writes its items in their place.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ASK = "\nThink in short steps and end with the number."
"""Stands after every problem."""

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gia", "Hugo", "Ines", "Jon")
TEMPLATES = (
    ("{name} has {a} boxes with {b} pens each and gives {c} pens away. How many are left?", "ab-c"),
    ("{name} buys {a} cakes for {b} dollars each and a drink for {c} dollars. What is the price?",
     "ab+c"),
    ("{name} reads {a} pages a day for {b} days, and {c} more on Sunday. How many pages is that?",
     "ab+c"),
    ("{a} rows of {b} trees stand in {name}'s garden. A storm takes {c}. How many still stand?",
     "ab-c"),
    ("{name} had {a} coins, found {b} and spent {c}. How many coins are there now?", "a+b-c"),
    ("A bus has {a} people in it. At {name}'s stop {b} get on and {c} get off. How many are in it?",
     "a+b-c"),
)  # fmt: skip
"""A problem, and what its answer is made of; the first is what two of the numbers give."""


def problem(number: int, template: int, seed: int) -> dict[str, Any]:
    """Return one item; the same arguments give the same one."""
    rng = random.Random(f"word problem {number} {template} {seed}")
    text, rule = TEMPLATES[template]
    a, b, c = rng.randint(3, 12), rng.randint(2, 9), rng.randint(1, 5)
    first = a * b if rule.startswith("ab") else a + b
    answer = first + c if rule.endswith("+c") else first - c
    asked = text.format(name=rng.choice(NAMES), a=a, b=b, c=c)
    return {
        "id": f"problem-{number}",
        "prompt": asked + ASK,
        "reference": str(answer),
        "metadata": {"cluster": f"template-{template}"},
    }


def problems(n_train: int = 96, n_held_out: int = 24) -> tuple[list[Any], list[Any]]:
    """Return items for training and held-out ones, of which no text is the same."""
    seen: set[str] = set()
    found: list[dict[str, Any]] = []
    seed = 0
    while len(found) < n_train + n_held_out:
        one = problem(len(found), len(found) % len(TEMPLATES), seed)
        seed += 1
        if one["prompt"] not in seen:
            seen.add(one["prompt"])
            found.append(one)
    return found[:n_train], found[n_train:]


def gsm8k_item(number: int, row: Mapping[str, str], part: str) -> dict[str, Any]:
    """Return the item of a row of GSM8K, whose answer ends in ``#### 1,234``."""
    answer = row["answer"].rpartition("####")[2].strip().replace(",", "")
    return {"id": f"gsm8k-{part}-{number}", "prompt": row["question"] + ASK, "reference": answer}


def gsm8k() -> tuple[list[Any], list[Any]]:
    """Return GSM8K's training items and its test items, from the hub."""
    from datasets import load_dataset

    rows = load_dataset("openai/gsm8k", "main")
    train, test = (
        [gsm8k_item(n, row, part) for n, row in enumerate(rows[part])] for part in ("train", "test")
    )
    return train, test


def write(items: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write items, one a line."""
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Write both files into a folder, by default the one that this script is in."""
    folders = [text for text in arguments if text != "--gsm8k"]
    folder = Path(folders[0]) if folders else Path(__file__).parent
    train, held_out = gsm8k() if "--gsm8k" in arguments else problems()
    write(train, folder / "word_problems_train.jsonl")
    write(held_out, folder / "word_problems_held_out.jsonl")


if __name__ == "__main__":
    main(sys.argv[1:])
