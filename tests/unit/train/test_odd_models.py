"""Trainings of models that are unlike most: with states, with dropout, with names of their own."""

from __future__ import annotations

import json
from math import log
from pathlib import Path
from typing import Any

import pytest
from architectures import made, saved
from trainings import preference_pairs, trained_by

from harness.nouns.errors import ConfigError, InputError
from harness.policy.models import Precision, load_policy, reference_of
from harness.train.adapters import keep_dropout
from harness.train.quiet import quiet
from harness.train.sft import SftSettings
from harness.train.trl_head import check_adapted

PAIRS = preference_pairs(4)
SOFT = [{**row, "probability": 0.8} for row in PAIRS]
SFT = [{"prompt": row["prompt"], "completion": row["chosen"]} for row in PAIRS]
FEW = {"batch_size": 4, "learning_rate": 1e-3, "warmup_steps": 0}
PPO = {"steps": 1, "rollout_size": 4, "max_new_tokens": 4, "gradient_checkpointing": True}
GRPO = {"steps": 1, "group_size": 2, "max_new_tokens": 4}
NO_ROUTER = {"trl.router_aux_loss_coef": 0.0}

TRAININGS: list[tuple[str, str, list[Any], dict[str, Any], dict[str, float]]] = [
    ("Lfm2", "ppo", PAIRS, PPO, {"engine_gap": 0, "first_ratio_error": 0, "kl_token": 0}),
    ("Rwkv", "ppo", PAIRS, PPO | {"advantage_estimator": "rloo", "group_size": 2},
     {"engine_gap": 0, "first_ratio_error": 0, "kl_token": 0}),
    # A body that ends in another width than its hidden size, dropout in functions, a capped head.
    ("OPT", "ppo", PAIRS, PPO, {"engine_gap": 0, "first_ratio_error": 0, "explained_variance": 0}),
    ("Falcon", "ppo", PAIRS, PPO, {"engine_gap": 0, "first_ratio_error": 0}),
    ("Gemma2", "ppo", PAIRS, PPO, {"engine_gap": 0, "first_ratio_error": 0}),
    ("Mamba", "sft", SFT, {}, {}),
    ("Llama4Text", "dpo", PAIRS, NO_ROUTER, {"loss": log(2)}),
    ("Llama4Text", "dpo", SOFT, NO_ROUTER, {"loss": log(2)}),
    ("OPT", "dpo", PAIRS, {"gradient_checkpointing": True}, {"loss": log(2)}),
    ("Falcon", "kto", PAIRS, {}, {"loss": 0.5}),
    ("OPT", "reward_model", PAIRS, {"held_out_share": 0}, {"loss": log(2)}),
    ("OPT", "grpo", PAIRS, GRPO, {"kl_token": 0}),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name, trainer, rows, settings, wanted", TRAININGS)
def test_the_first_step_is_of_the_model_itself(
    name: str,
    trainer: str,
    rows: list[Any],
    settings: dict[str, Any],
    wanted: dict[str, float],
    policy_path: Path,
    tmp_path: Path,
) -> None:
    """Before anything moves, policy and reference agree, and sampling and scoring do."""
    model = saved(name, tmp_path / "model", policy_path)
    rewards = None
    if trainer in ("ppo", "grpo"):
        rewards = {"r": lambda completion_ids, **_: [float(sum(ids)) for ids in completion_ids]}
    done = trained_by(trainer, model, rows, FEW | settings, tmp_path / "out", rewards)
    first = json.loads(done.log_path.read_text().splitlines()[0])
    assert {key: first[key] for key in wanted} == pytest.approx(wanted, abs=2e-6)
    assert first["grad_norm"] > 0
    if trainer != "reward_model":
        load_policy(done.checkpoint)


@pytest.mark.parametrize("name", ["Cohere", "Mamba", "Rwkv"])
def test_a_model_without_a_classifier_is_no_reward_model(
    name: str, policy_path: Path, tmp_path: Path
) -> None:
    model = saved(name, tmp_path / "model", policy_path)
    with pytest.raises(ConfigError, match=f"{name.lower()}: transformers has no model") as caught:
        trained_by("reward_model", model, PAIRS, {}, tmp_path / "out")
    assert "another architecture" in caught.value.hint
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING", "CPT"])
def test_a_learnt_prompt_is_no_policy(kind: str, policy_path: Path, tmp_path: Path) -> None:
    adapter = {"peft_type": kind, "base_model_name_or_path": str(policy_path)}
    (tmp_path / "adapter_config.json").write_text(json.dumps(adapter))
    with pytest.raises(InputError, match=f"{kind} is a learnt prompt"):
        load_policy(tmp_path)
    with pytest.raises(InputError, match=f"{kind} is a learnt prompt"):
        trained_by("sft", tmp_path, SFT, {}, tmp_path.parent / f"out-{kind}")


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # of peft
@pytest.mark.filterwarnings("ignore:.*tie_word_embeddings:UserWarning")
@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"target_modules": ["lm_head"]}, "last layer"),
        ({"target_modules": ["q_proj"], "trainable_token_indices": [3]}, "last layer"),
        ({"target_modules": ["q_proj"], "bias": "all"}, "biases"),
        ({"target_modules": ["q_proj"], "bias": "lora_only"}, "biases"),
        ({"target_modules": ["q_proj"]}, ""),
    ],
)
def test_an_adapter_that_trl_cannot_train_is_refused(given: dict[str, Any], wrong: str) -> None:
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(made("Qwen2"), LoraConfig(task_type="CAUSAL_LM", **given))
    if wrong != "last layer":
        check_adapted(model, reference=False)
    if not wrong:
        check_adapted(model, reference=True)
        return
    with pytest.raises(ConfigError, match=wrong) as caught:
        check_adapted(model, reference=True)
    assert "lora_rank" in caught.value.hint


def test_dropout_of_a_loaded_adapter_is_off(policy_path: Path, tmp_path: Path) -> None:
    """Its own, of the training that made it; a new adapter's is on where somebody asks for it."""
    import torch
    from peft import LoraConfig, get_peft_model

    wanted = LoraConfig(r=2, lora_dropout=0.5, target_modules="all-linear", task_type="CAUSAL_LM")
    with quiet():
        made = get_peft_model(load_policy(policy_path), wanted)
    for key, weights in made.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(weights)
    ids = torch.tensor([[3, 4, 5, 6]])
    with torch.no_grad():
        calm = made.eval()(input_ids=ids).logits
        assert not torch.equal(made.train()(input_ids=ids).logits, calm)
        made.eval().save_pretrained(tmp_path)
        with quiet():
            again = load_policy(tmp_path).train()
        assert torch.equal(again(input_ids=ids).logits, calm)
        # TRL adds its reference from the adapter's configuration, and tells the model its mode.
        again.add_adapter("ref", again.peft_config["default"])
        for key, weights in again.named_parameters():
            if ".ref." in key:
                weights.copy_(again.get_parameter(key.replace(".ref.", ".default.")))
        again.train().set_adapter("ref")
        assert torch.equal(again(input_ids=ids).logits, calm)
        keep_dropout(again, SftSettings())
    assert {one.p for key, one in again.named_modules() if is_dropout(key, one)} == {0.0}


def is_dropout(key: str, module: Any) -> bool:
    return "lora_dropout" in key and hasattr(module, "p")


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # of peft
@pytest.mark.parametrize(("bias", "own"), [("none", False), ("lora_only", True)])
def test_an_adapter_with_biases_has_a_reference_of_its_own(
    bias: str, own: bool, policy_path: Path, tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model

    adapter = LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], bias=bias)
    get_peft_model(load_policy(policy_path), adapter).save_pretrained(tmp_path)
    policy = load_policy(tmp_path)
    reference = reference_of(policy, tmp_path, Precision())
    assert (reference.model is not policy, reference.adapter is None) == (own, own)
