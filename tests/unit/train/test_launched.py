"""What accelerate is configured for is done or refused, never half."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.nouns.errors import ConfigError
from harness.train import launched
from harness.train.launched import check_launch

QUIET: list[dict[str, str]] = [
    {},
    {"USE_FSDP": "false", "USE_DEEPSPEED": "0", "DYNAMO_BACKEND": "NO", "MIXED_PRECISION": "no"},
    {"GRADIENT_ACCUMULATION_STEPS": "1"},
    {"GRADIENT_ACCUMULATION_STEPS": "2"},  # what the setting says
    {"GRADIENT_CLIPPING": "none", "MIXED_PRECISION": ""},
    {"USE_CPU": "true", "CPU_AFFINITY": "1", "DEBUG_MODE": "0", "DYNAMO_MODE": "default"},
]

REFUSED = [
    ({"USE_FSDP": "true"}, "FSDP"),
    ({"USE_FSDP": "1"}, "FSDP"),
    ({"USE_DEEPSPEED": "True"}, "DeepSpeed"),
    ({"USE_MEGATRON_LM": "yes"}, "Megatron-LM"),
    ({"USE_PARALLELISM_CONFIG": "true"}, "parallelism"),
    ({"USE_SAGEMAKER": "true"}, "SageMaker"),
    ({"GRADIENT_ACCUMULATION_STEPS": "4"}, "for 4 gradient accumulation steps"),
    ({"MIXED_PRECISION": "fp16"}, "mixed precision in fp16"),
    ({"MIXED_PRECISION": "fp8"}, "mixed precision in fp8"),
    ({"MIXED_PRECISION": "bf16"}, "mixed precision in bf16"),
    ({"DYNAMO_BACKEND": "INDUCTOR"}, "compiler inductor"),
    ({"GRADIENT_CLIPPING": "1.0"}, "gradient clipping"),
]


@pytest.mark.parametrize("given", QUIET)
def test_what_is_done_here_is_no_matter(given: dict[str, str]) -> None:
    check_launch(2, {f"ACCELERATE_{name}": value for name, value in given.items()})


@pytest.mark.parametrize("given, told", REFUSED)
def test_what_is_not_done_here_is_refused(
    given: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launched, "has_bfloat16", lambda: False)
    with pytest.raises(ConfigError, match=told) as caught:
        check_launch(2, {f"ACCELERATE_{name}": value for name, value in given.items()})
    assert caught.value.hint


@pytest.mark.parametrize("said, fits", [("bf16", True), ("no", True), ("fp16", False)])
def test_a_card_that_computes_in_bfloat16(
    said: str, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher says "no" where nobody said anything."""
    monkeypatch.setattr(launched, "has_bfloat16", lambda: True)
    given = {"ACCELERATE_MIXED_PRECISION": said}
    if fits:
        check_launch(1, given)
    else:
        with pytest.raises(ConfigError, match="here it is bfloat16"):
            check_launch(1, given)


def gradient(policy_path: Path, out: Path) -> Any:
    settings = {"steps": 1, "rollout_size": 4, "batch_size": 2, "accumulation": 2,
                "max_new_tokens": 2, "advantage_estimator": "reinforce"}  # fmt: skip
    rewards = {"r": lambda completion_ids, **_: [float(len(ids)) for ids in completion_ids]}
    made = trained_by("ppo", policy_path, [{"prompt": "2+3?"}] * 4, settings, out, rewards)
    return made.log_path.read_text().partition('"grad_norm": ')[2].partition(",")[0]


def test_accumulation_of_the_launcher_divides_no_gradient(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = gradient(policy_path, tmp_path / "alone")
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "2")
    assert gradient(policy_path, tmp_path / "launched") == alone != ""


def test_attention_without_gradients_on_this_machine_is_refused_before_anything(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    given = {"attn_implementation": "flex_attention"}
    row = {"prompt": "2+3?", "completion": "5."}
    with pytest.raises(ConfigError, match="flex_attention has no gradients"):
        trained_by("sft", policy_path, [row], given, tmp_path / "out")
    assert not (tmp_path / "out").exists()
