"""Fields of TRL's configurations under ``trl``: passed on, or refused by name before training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.nouns.errors import ConfigError
from harness.train.table import TRAINERS
from harness.train.trainers import settings_of, trainer_class
from harness.train.trl_fields import KEPT, SETTINGS, passed_on
from harness.train.trl_training import TrlTraining

OF_TRL = [name for name in TRAINERS if issubclass(trainer_class(name), TrlTraining)]

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("grpo", {"scale_reward": True}, "unknown field of GRPOConfig; did you mean scale_rewards?"),
    ("sft", {"zzz": 1}, "unknown field of SFTConfig; see SFTConfig of TRL"),
    ("grpo", {"num_generations": 4}, "write it as the setting group_size"),
    ("grpo", {"num_train_epochs": 4}, "write it as the setting steps"),
    ("rloo", {"epsilon": 0.3}, "write it as the setting clip"),
    ("sft", {"num_train_epochs": 4}, "write it as the setting epochs"),
    ("sft", {"max_steps": 4}, "write it as the setting max_steps"),
    ("rloo", {"max_steps": 4}, "write it as the setting steps"),
    ("dpo", {"lr_scheduler_type": "cosine_with_restarts"}, "write it as the setting schedule"),
    ("dpo", {"gradient_accumulation_steps": 4}, "write it as the setting accumulation"),
    ("kto", {"desirable_weight": 2}, "write it as the setting desirable_weight"),
    ("reward_model", {"logging_steps": 9}, "cannot be set: every step is logged"),
    ("best_of_n", {"seed": 3}, "cannot be set: a training has one seed, beside its settings"),
    ("dpo", {"beta": 0.3}, "write it as the setting beta"),
    ("grpo", {"epsilon_high": "wide"}, "must be float | None, got 'wide'"),
    ("dpo", {"loss_type": 3}, "must be list[str], got 3"),
    ("grpo", {"report_to": "wandb"}, "write it as the setting report_to"),
]  # fmt: skip


@pytest.mark.parametrize(("trainer", "fields", "line"), WRONG)
def test_what_cannot_be_passed_on_is_refused(trainer: str, fields: Any, line: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        settings_of(trainer, {"trl": fields}, "arms.a.settings")
    (name,) = fields
    assert wrong.value.details == (f"trl.{name}: {line}",)
    with pytest.raises(ConfigError) as dotted:
        settings_of(trainer, {f"trl.{name}": fields[name]}, "--set")
    assert dotted.value.details == wrong.value.details


@pytest.mark.parametrize("trainer", OF_TRL)
def test_every_field_that_the_harness_sets_is_known_to_be_set(
    trainer: str, policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is overridden in silence: what the harness sets is refused, or gives way."""
    gives_way = {"bf16", "dataloader_pin_memory", "loss_type", "loss_weights",
                 "ddp_find_unused_parameters", "ddp_timeout"}  # fmt: skip
    seen: dict[str, Any] = {}

    def looked(self: Any, _: Any, __: Any, ___: Any, **options: Any) -> Any:
        seen.update(self.arguments() | options)
        raise StopIteration

    monkeypatch.setattr(TrlTraining, "trl", looked)
    row = {"prompt": "2+3?", "completion": "5.", "chosen": "5.", "rejected": "6."}
    online = trainer_class(trainer).needs == "rewards"
    rewards = {"r": lambda prompts, **_: [1.0] * len(prompts)} if online else None
    given = {"best_of_n": {"n": 1, "max_new_tokens": 1}}.get(trainer, {})
    with pytest.raises(StopIteration):
        trained_by(trainer, policy_path, [row] * 2, given, tmp_path, rewards)
    known = {name for name in SETTINGS if name in seen} | KEPT.keys() | gives_way
    assert not seen.keys() - known


def test_fields_have_their_types_and_newer_names() -> None:
    fields = {"adam_epsilon": "1e-6", "gradient_checkpointing_kwargs": {"a": 1}, "loss_type": "ipo"}
    assert passed_on("DPOConfig", fields) == {
        "adam_epsilon": 1e-6,
        "activation_checkpointing_kwargs": {"a": 1},
        "loss_type": ["ipo"],
    }
    assert "trl" not in trainer_class("ppo").Settings.model_fields


@pytest.mark.slow
def test_a_field_reaches_trl_and_what_trl_refuses_is_one_error(
    policy_path: Path, tmp_path: Path
) -> None:
    rows = [{"prompt": "2+3?", "chosen": "5.", "rejected": "6, duh."}] * 4
    small = {"batch_size": 4, "learning_rate": 1e-3}
    plain, ipo = (
        trained_by("dpo", policy_path, rows, small | {"trl": fields}, tmp_path / name)
        for name, fields in {"plain": {}, "ipo": {"loss_type": "ipo"}}.items()
    )
    losses = [path.read_text().splitlines()[0] for path in (plain.log_path, ipo.log_path)]
    assert '"loss": 0.693147' in losses[0] and '"loss": 25' in losses[1]  # (0 - 1 / (2 beta))^2
    for fields, said in (
        ({"sync_ref_model": True, "precompute_ref_log_probs": True}, "precompute_ref"),
        ({"optim": "adamw_8bit"}, "bitsandbytes"),  # which is not installed
    ):
        with pytest.raises(ConfigError, match=f"TRL refuses these fields: .*{said}"):
            trained_by("dpo", policy_path, rows, small | {"trl": fields}, tmp_path / "refused")
    assert trained_by("dpo", policy_path, rows, small, tmp_path / "refused").steps == 1
