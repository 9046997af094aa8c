"""New adapters: what they are put on and scaled by, their dropout, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_ppo import ROWS, by_length
from trainings import trained_by

from harness.nouns.errors import ConfigError
from harness.policy.shape import shape_of
from harness.train.adapters import edges_of, lora_config
from harness.train.dpo import DpoSettings
from harness.train.log import read_log
from harness.train.sft import SftSettings

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

ALL = "all-linear"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, (4, 8, 0.0, ALL)),
        ({"lora_alpha": 8}, (4, 8, 0.0, ALL)),
        ({"lora_alpha": 2.5}, (4, 2.5, 0.0, ALL)),
        ({"lora_dropout": 0.1}, (4, 8, 0.1, ALL)),
        ({"lora_target_modules": ALL}, (4, 8, 0.0, ALL)),
        ({"lora_target_modules": "q_proj"}, (4, 8, 0.0, {"q_proj"})),
        ({"lora_target_modules": ["q_proj", "v_proj"]}, (4, 8, 0.0, {"q_proj", "v_proj"})),
        ({"lora_target_modules": ["q_proj", ALL]}, (4, 8, 0.0, ALL)),
    ],
)
def test_an_adapter_has_the_names_and_values_of_peft(given: Any, wanted: Any) -> None:
    found = lora_config(SftSettings(lora_rank=4, **given), "CAUSAL_LM")
    assert (found.r, found.lora_alpha, found.lora_dropout, found.target_modules) == wanted
    assert type(found.lora_alpha) is type(wanted[1])
    assert lora_config(SftSettings(), "CAUSAL_LM") is None
    assert lora_config(SftSettings(lora_rank=4), "SEQ_CLS").modules_to_save == ["score"]


@pytest.mark.parametrize(
    ("names", "edges"),
    [
        (None, None),
        (ALL, None),
        ("q_proj", 2 * (96 + 96)),
        (["q_proj", "self_attn.q_proj"], 2 * (96 + 96)),
        (["model.layers.0.self_attn.q_proj"], 96 + 96),
        (["embed_tokens"], 56 + 96),
    ],
)
def test_an_adapter_is_counted_by_its_layers(names: Any, edges: int, policy_path: Path) -> None:
    settings: Any = SftSettings.model_validate(
        {"lora_rank": 2} | ({"lora_target_modules": names} if names else {})
    )
    if names == ["embed_tokens"]:
        edges = shape_of(policy_path).vocabulary + 96
    assert edges_of(settings, policy_path) == edges


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("q_prj", "did you mean q_proj?"),
        ("proj", "did you mean v_proj?"),
        ("c_attn", "there are down_proj, embed_tokens, gate_proj"),
        ("input_layernorm", "there are"),
        ("lm_head", "there are"),  # TRL goes round it, a reward model has none
        ("self_attn", "there are"),
        ("model.layers.9.self_attn.q_proj", "there are"),
        (".*q_proj", "q_proj"),
        ("", "there are"),
    ],
)
@pytest.mark.parametrize("trainer", ["dpo", "ppo"])
def test_a_layer_that_is_none_is_one_error_before_weights_are_loaded(
    name: str, hint: str, trainer: str, policy_path: Path, tmp_path: Path
) -> None:
    row = {"prompt": "2+3?", "chosen": "5.", "rejected": "6."}
    given = {"lora_rank": 2, "lora_target_modules": ["q_proj", name]}
    rewards = {"r": len} if trainer == "ppo" else None
    with pytest.raises(ConfigError, match="lora_target_modules: the model has no layer") as wrong:
        trained_by(trainer, policy_path, [row] * 32, given, tmp_path / "out", rewards)
    assert hint in wrong.value.hint
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.slow
def test_ppo_trains_the_layers_that_are_named(policy_path: Path, tmp_path: Path) -> None:
    given = {
        "lora_rank": 2, "lora_alpha": 8, "lora_target_modules": ["q_proj", "v_proj"], "steps": 1,
        "rollout_size": 4, "batch_size": 4, "max_new_tokens": 4,
    }  # fmt: skip
    result = trained_by("ppo", policy_path, ROWS, given, tmp_path, {"r": by_length})
    made = json.loads((result.checkpoint / "adapter_config.json").read_text())
    assert (made["r"], made["lora_alpha"]) == (2, 8)
    assert set(made["target_modules"]) == {"q_proj", "v_proj"}


@pytest.mark.slow
def test_the_dropout_of_an_adapter_is_not_switched_off_with_that_of_the_model(
    policy_path: Path, tmp_path: Path
) -> None:
    """A new adapter changes nothing, so the first loss is the same; the second is not."""
    rows = [{"prompt": f"{n}+3?", "chosen": f"{n + 3}.", "rejected": "No."} for n in range(8)]
    losses = []
    for dropout in (0.0, 0.5):
        settings = DpoSettings(
            lora_rank=2, lora_dropout=dropout, batch_size=4, learning_rate=1e-2, warmup_steps=0
        )
        result = trained_by("dpo", policy_path, rows, settings, tmp_path / str(dropout))
        losses.append([row["loss"] for row in read_log(result.log_path)])
    assert losses[0][0] == losses[1][0] == pytest.approx(0.693147)
    assert abs(losses[0][1] - losses[1][1]) > 1e-4
