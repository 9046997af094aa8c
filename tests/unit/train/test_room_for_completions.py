"""Prompt and completion together stay within ``max_length`` and the positions of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.policy.models import load_tokenizer
from harness.policy.prompts import prompt_ids
from harness.records.rows import read_rows
from harness.train.left_out import FILE, TOO_LONG
from harness.train.log import read_log
from harness.train.result import TrainResult

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

ONLINE: dict[str, dict[str, Any]] = {
    "grpo": {"group_size": 2, "steps": 1},
    "ppo": {"rollout_size": 2, "steps": 1, "epochs": 1},
    "best_of_n": {"n": 2},
}


def trained(
    trainer: str, model: Path, prompts: list[int], out: Path, **settings: Any
) -> tuple[TrainResult, list[int], list[str]]:
    """Train on prompts of so many tokens; return also the lengths of whole sequences, and lines."""
    tokenizer, sequences, told = load_tokenizer(model), list[int](), list[str]()
    rows = []
    for length in prompts:
        rows.append({"prompt": "5" * (length - len(prompt_ids(tokenizer, "")))})
        assert len(prompt_ids(tokenizer, rows[-1]["prompt"])) == length

    def reward(prompts: Any, completion_ids: Any, **_: Any) -> list[float]:
        lengths = [len(prompt_ids(tokenizer, prompt)) for prompt in prompts]
        sequences.extend(a + len(b) for a, b in zip(lengths, completion_ids, strict=True))
        return [float(place % 2) for place, _ in enumerate(prompts)]

    given = {"batch_size": 2, "learning_rate": 1e-3, "warmup_steps": 0, **ONLINE[trainer]}
    result = trained_by(
        trainer, model, rows, given | settings, out, {"r": reward}, tell=told.append
    )
    return result, sequences, [line for line in told if line.startswith("completions")]


CASES = [
    # prompts, max_length, max_new_tokens; prompts that are left out, tokens of a completion
    ([20, 30], 40, 10, [], 10),
    ([20, 30], 40, 12, [2], 12),
    ([20, 31], 40, 10, [2], 10),
    ([10, 20], 40, 256, [], 20),
    ([10, 21], 40, 256, [2], 30),
    ([5, 5], 6, 1, [], 1),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trainer", "prompts", "longest", "asked", "left", "new"),
    [("ppo", *case) for case in CASES]
    + [(trainer, *CASES[4]) for trainer in ONLINE if trainer != "ppo"],
)
def test_no_sequence_is_longer_than_max_length(
    trainer: str, prompts: list[int], longest: int, asked: int, left: list[int], new: int,
    gpt2_path: Path, tmp_path: Path,
) -> None:  # fmt: skip
    """It had 256 new tokens after any prompt."""
    result, sequences, told = trained(
        trainer, gpt2_path, prompts, tmp_path, max_length=longest, max_new_tokens=asked
    )
    kept = [length for n, length in enumerate(prompts, 1) if n not in left]
    assert min(kept) < max(sequences) <= max(kept) + new <= longest
    path = result.log_path.with_name(FILE)
    rows = [row for _, row in read_rows(path)] if path.exists() else []
    assert [(row["row"], row["reason"]) for row in rows] == [(n, TOO_LONG) for n in left]
    assert [row["tokens"] for row in rows] == [prompts[n - 1] + asked for n in left]
    said = f"completions: at most {new} tokens and not {asked}: the longest prompt has {max(kept)}"
    limit = f", and the limit of both is max_length {longest}"
    assert told == ([said + limit] if new < asked else [])


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ONLINE)
def test_a_model_without_more_positions_is_asked_for_none(
    trainer: str, gpt2_path: Path, tmp_path: Path
) -> None:
    """GPT-2 has 96: it died of an index out of range."""
    _, sequences, told = trained(trainer, gpt2_path, [40, 48], tmp_path, max_new_tokens=256)
    assert 40 < max(sequences) <= 96
    assert told[0].endswith("48, and the limit of both is the 96 positions of the model")


@pytest.mark.slow
def test_the_log_counts_what_is_cut_short(gpt2_path: Path, tmp_path: Path) -> None:
    result, _, _ = trained("ppo", gpt2_path, [5, 5], tmp_path, max_length=12)
    assert read_log(result.log_path)[-1]["truncated"] > 0
