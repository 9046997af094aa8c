"""Write the items of the default experiment: sums to train on and held-out sums.

Run it from the checkout: ``python examples/make_arithmetic_items.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

from harness.examples.arithmetic_task import prompt_rows, split_pairs


def main() -> None:
    """Write arithmetic_train.jsonl and arithmetic_held_out.jsonl beside this file."""
    for name, pairs in zip(("train", "held_out"), split_pairs(), strict=True):
        with (Path(__file__).parent / f"arithmetic_{name}.jsonl").open("w") as file:
            for row, pair in zip(prompt_rows(pairs), pairs, strict=True):
                # 3+4 and 4+3 are not independent.
                cluster = "+".join(map(str, sorted(pair)))
                item = {
                    "id": row["item_id"],
                    "prompt": row["prompt"],
                    "reference": row["reference"],
                    "metadata": {"cluster": cluster},
                }
                file.write(json.dumps(item) + "\n")


if __name__ == "__main__":
    main()
