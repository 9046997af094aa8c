"""Best-of-n keeps the best that was scored, and nothing where nothing was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness.examples.arithmetic_task import is_correct, prompt_rows, split_pairs

from harness.nouns.errors import InputError
from harness.train.best_of_n import best_of_n, best_of_n_kl

ROWS = prompt_rows(split_pairs()[1])[:30]


def correct(prompts: Any, completions: Any, **_: Any) -> list[float]:
    return [float(is_correct(p, c)) for p, c in zip(prompts, completions, strict=True)]


def test_more_samples_are_more_often_right(policy_path: Path) -> None:
    shares = []
    for n in (1, 8):
        best = best_of_n(policy_path, ROWS, {"correct": correct}, n, max_new_tokens=40)
        assert [row["item_id"] for row in best] == [row["item_id"] for row in ROWS]
        assert all(row["reward"] == is_correct(row["prompt"], row["completion"]) for row in best)
        shares.append(sum(row["reward"] for row in best) / len(best))
    assert shares[0] < 0.75 < 0.9 < shares[1]


def test_failures_never_win_and_unscored_prompts_are_left_out(policy_path: Path) -> None:
    def some(prompts: Any, completions: Any, **columns: Any) -> list[float | None]:
        """Only the second completion of a prompt gets a reward, and the last prompt has none."""
        last = ROWS[-1]["item_id"]
        return [
            None if i % 4 != 1 or item == last else -5.0
            for i, item in enumerate(columns["item_id"])
        ]

    best = best_of_n(policy_path, ROWS, {"some": some}, 4, max_new_tokens=8)
    assert [row["item_id"] for row in best] == [row["item_id"] for row in ROWS[:-1]]
    assert {(row["reward"], row["scored"]) for row in best} == {(-5.0, 1)}


def test_the_kl_bound() -> None:
    assert best_of_n_kl(1) == 0
    assert best_of_n_kl(4) == pytest.approx(0.6363, abs=1e-4)


def test_zero_samples_are_refused(policy_path: Path) -> None:
    with pytest.raises(InputError, match="best of 0"):
        best_of_n(policy_path, ROWS, {"correct": correct}, 0)
