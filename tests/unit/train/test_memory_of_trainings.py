"""The vocabulary in whole trainings, and what makes them smaller: the same trainings, in less."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from small_ppo import training
from trainings import trained_by
from vocabulary_watch import QWEN, Watch, wide_model

torch = pytest.importorskip("torch", reason="the extra train is not installed")

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

TOKENS = 48


@pytest.fixture(scope="module")
def wide_path(policy_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The vocabulary of Qwen2.5 on a small body, which never ends a completion early."""
    folder = tmp_path_factory.mktemp("wide")
    wide_model().save_pretrained(folder)
    for file in policy_path.glob("tokenizer*"):
        shutil.copy(file, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("lora_rank", [0, 2])
def test_a_ppo_step_holds_half_a_copy_of_its_logits_at_most(
    lora_rank: int, wide_path: Path, tmp_path: Path
) -> None:
    """Sampling, scoring and updating; and no more of it for twice the rollout."""
    peaks = []
    for n in (3, 6):
        sizes = {"rollout_size": n, "batch_size": n, "max_new_tokens": TOKENS, "pass_tokens": 128}
        trained = training(wide_path, tmp_path / str(n), lora_rank=lora_rank, **sizes)
        with Watch(QWEN) as watch:
            experience, _ = trained.collect(1)
        sampling = watch.peak
        with Watch(QWEN) as watch:
            trained.update(experience, 1)
        peaks.append(watch.peak)
    copy = 6 * TOKENS * QWEN * 4
    assert int(experience.mask.sum()) == 6 * TOKENS
    assert 0 < sampling <= 0.5 * copy
    assert 0 < peaks[0] == peaks[1] <= 0.5 * copy


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["dpo", "grpo"])
def test_trl_s_trainers_hold_half_a_copy_at_most(
    trainer: str, wide_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Policy and reference; TRL's tiles of 4,096 tokens are made smaller, as the batch is."""
    monkeypatch.setattr("trl.kernels.chunked_logprob.TOKEN_CHUNK_SIZE", 32)
    texts = {"chosen": "5" * TOKENS, "rejected": "6" * TOKENS}
    settings: dict[str, Any] = {"batch_size": 4, "warmup_steps": 0}
    rewards = None
    if trainer == "grpo":
        settings |= {"steps": 1, "max_new_tokens": TOKENS, "group_size": 2}
        rewards = {"r": lambda prompts, **_: [float(i % 2) for i, _ in enumerate(prompts)]}
    rows = [{**texts, "prompt": "2+3?"}] * 4
    with Watch(QWEN) as watch:
        trained_by(trainer, wide_path, rows, settings, tmp_path, rewards)
    sequences = 8 if trainer == "dpo" else 4
    assert 0 < watch.peak <= 0.5 * sequences * TOKENS * QWEN * 4


ROW = {"prompt": "2+3?", "completion": "5.", "chosen": "5.", "rejected": "6."}
ROWS = [{**ROW, "prompt": f"{n}+3?"} for n in range(4)]
SMALL: dict[str, dict[str, Any]] = {
    "sft": {},
    "dpo": {},
    "reward_model": {"held_out_share": 0.0},
    "grpo": {"group_size": 2, "steps": 2, "max_new_tokens": 3},
    "kto": {},
    "ppo": {"rollout_size": 2, "steps": 2, "epochs": 1, "max_new_tokens": 3},
}


def trained(
    trainer: str, model: Path, out: Path, on_step: Any = None, **settings: Any
) -> dict[str, Any]:
    """Train two steps; return the final weights by name."""
    from safetensors.torch import load_file

    given = {"batch_size": 2, "learning_rate": 1e-3, "warmup_steps": 0, **SMALL[trainer]}
    online = trainer in ("grpo", "ppo")
    rewards = {"r": lambda prompts, **_: [float(i % 2) for i, _ in enumerate(prompts)]}
    result = trained_by(
        trainer,
        model,
        ROWS,
        given | settings,
        out,
        rewards if online else None,
        seed=1,
        on_step=on_step,
    )
    (file,) = result.checkpoint.glob("*.safetensors")
    found: dict[str, Any] = load_file(file)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trainer", "lora_rank"), [*((trainer, 0) for trainer in SMALL), ("dpo", 2), ("ppo", 2)]
)
def test_recomputed_layers_give_the_same_training(
    trainer: str, lora_rank: int, policy_path: Path, tmp_path: Path
) -> None:
    plain = trained(trainer, policy_path, tmp_path / "1", lora_rank=lora_rank)
    again = trained(
        trainer, policy_path, tmp_path / "2", lora_rank=lora_rank, gradient_checkpointing=True
    )
    torch.testing.assert_close(again, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trainer", "lora_rank"), [*((trainer, 0) for trainer in SMALL), ("dpo", 2), ("ppo", 2)]
)
def test_bfloat16_weights_are_trained_by_float32_steps(
    trainer: str, lora_rank: int, policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every weight is the rounded one of a copy that the optimizer moved."""
    from harness.train.masters import MasterAdamW

    made: list[Any] = []
    begin = MasterAdamW._copy

    def copy(self: Any) -> None:
        begin(self)
        made.append(self)

    monkeypatch.setattr(MasterAdamW, "_copy", copy)
    options = {"dtype": "bfloat16", "lora_rank": lora_rank}
    weights = trained(trainer, policy_path, tmp_path, **options)
    kinds = {one.dtype for name, one in weights.items() if "score" not in name}
    assert kinds == {torch.float32 if lora_rank else torch.bfloat16}
    (optimizer,) = made
    pairs = optimizer._pairs()
    assert all(copy.dtype == torch.float32 for _, copy in pairs)
    assert all(torch.equal(weight, copy.to(weight.dtype)) for weight, copy in pairs)
    rounded = [bool((weight != copy).any()) for weight, copy in pairs if weight is not copy]
    assert any(rounded) == (not lora_rank or trainer == "reward_model")  # its head is no adapter


class Killed(Exception):
    """Stands for kill -9: nothing runs after it."""


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["ppo", "sft"])
def test_bfloat16_weights_go_on_where_they_were(
    trainer: str, policy_path: Path, tmp_path: Path
) -> None:
    """Bit for bit: the state has the copies, which the weights only round."""

    def kill(row: dict[str, Any]) -> None:
        if row["step"] == 3:
            raise Killed

    given = {"dtype": "bfloat16", "checkpoint_every": 2}
    given |= {"steps": 4} if trainer == "ppo" else {"epochs": 2.0}
    whole = trained(trainer, policy_path, tmp_path / "whole", **given)
    with pytest.raises(Killed):
        trained(trainer, policy_path, tmp_path / "halves", on_step=kill, **given)
    assert list((tmp_path / "halves" / "resume").iterdir())
    seen: list[int] = []
    halves = trained(
        trainer,
        policy_path,
        tmp_path / "halves",
        on_step=lambda row: seen.append(row["step"]),
        **given,
    )
    assert seen == [3, 4]
    assert whole.keys() == halves.keys()
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


@pytest.mark.parametrize("kind", ["eager", "sdpa"])
def test_the_attention_that_is_asked_for_computes(
    kind: str, policy_path: Path, tmp_path: Path
) -> None:
    trained_one = training(policy_path, tmp_path, attn_implementation=kind, lora_rank=2)
    models = [trained_one.policy, trained_one.reference.model]
    assert {model.config._attn_implementation for model in models} == {kind}


def test_an_attention_that_is_not_installed_is_one_clear_error(
    policy_path: Path, tmp_path: Path
) -> None:
    from harness.nouns.errors import InputError

    with pytest.raises(InputError, match=r"cannot load the policy: Flash"):
        trained("sft", policy_path, tmp_path, attn_implementation="flash_attention_2")
