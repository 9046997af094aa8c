"""What libraries print in a training: what says nothing new is left out, and what warns is not."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pytest

from harness.policy.models import load_policy
from harness.train.quiet import new_head, quiet, tied

ALIGNED = (
    "The tokenizer has new PAD/BOS/EOS tokens that differ from the model config and generation"
    " config. The model config and generation config were aligned accordingly, being updated with"
    " the tokenizer's values. Updated tokens: "
)
TRL, TOKENS = "trl.trainer.grpo_trainer", "transformers.trainer_utils"
SAID = [
    # logger, what it says, whether it is printed
    (TRL, "[RANK 0] All reward functions returned None for the following kwargs:", False),
    ("trl.trainer.rloo_trainer", "All reward functions returned None for", False),
    (TRL, "[RANK 0] When using `importance_sampling_level='sequence'`, the `'dapo'` loss", True),
    ("trl.trainer.kto_trainer", "You have different amounts of desirable/positive and", True),
    (TOKENS, ALIGNED + "{'pad_token_id': 0}.", False),
    (TOKENS, ALIGNED + "{'bos_token_id': 1, 'pad_token_id': 0}.", False),
    (TOKENS, ALIGNED + "{'eos_token_id': 2}.", True),
    (TOKENS, ALIGNED + "{'eos_token_id': 2, 'pad_token_id': 0}.", True),
    (TOKENS, "mtime may not be reliable on this filesystem, falling back to", False),
    (TOKENS, "another thing", True),
    ("transformers.tokenization_utils_base", "Token indices sequence length is longer than", False),
    ("transformers.tokenization_utils_base", "another thing", True),
    ("transformers.modeling_utils", "GPT2LMHeadModel LOAD REPORT from: x", True),
]


@pytest.mark.parametrize(("logger", "said", "printed"), SAID)
def test_what_says_nothing_new_is_not_printed(
    logger: str, said: str, printed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    named = logging.getLogger(logger)
    named.addHandler(caplog.handler)  # transformers passes nothing on to the root
    try:
        with quiet():
            named.warning(said)
        assert (said in caplog.text) == printed
        named.warning(said)
        assert said in caplog.text
    finally:
        named.removeHandler(caplog.handler)


def test_warnings_that_nobody_can_do_anything_about() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet():
            warnings.warn("fan_in_fan_out is set to False but the target", UserWarning, 2)
            warnings.warn("`is_gradient_checkpointing` is deprecated", FutureWarning, 2)
            warnings.warn("`use_liger_kernel=True` is deprecated", FutureWarning, 2)
    assert [str(one.message)[:12] for one in caught] == ["`use_liger_k"]


@pytest.mark.parametrize("damaged", [False, True])
def test_a_new_head_is_meant_and_a_missing_layer_is_told(
    policy_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, damaged: bool
) -> None:
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForSequenceClassification

    weights: Any = load_file(policy_path / "model.safetensors")
    if damaged:
        del weights[next(name for name in weights if "layers.0.mlp" in name)]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text((policy_path / "config.json").read_text())
    named = logging.getLogger("transformers.modeling_utils")
    named.addHandler(caplog.handler)
    try:
        with new_head():
            AutoModelForSequenceClassification.from_pretrained(str(tmp_path), num_labels=1)
        assert ("layers.0.mlp" in caplog.text) == damaged == ("LOAD REPORT" in caplog.text)
        AutoModelForSequenceClassification.from_pretrained(str(tmp_path), num_labels=1)
        assert "score.weight" in caplog.text
    finally:
        named.removeHandler(caplog.handler)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # its making
def test_an_adapter_is_loaded_without_a_word(lora_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_policy(lora_path, trainable=False)
    assert [str(one.message) for one in caught] == []


def test_a_state_without_the_weight_that_is_tied_is_whole(
    policy_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    policy = load_policy(policy_path)
    (name,) = policy.all_tied_weights_keys
    missing = "There were missing keys in the checkpoint model loaded: "
    named = logging.getLogger("transformers.trainer")
    named.addHandler(caplog.handler)
    try:
        with tied(policy):
            named.warning(f"{missing}['{name}'].")
            assert caplog.text == ""
            named.warning(f"{missing}['{name}', 'model.norm.weight'].")
            named.warning("another thing")
        assert "model.norm.weight" in caplog.text and "another thing" in caplog.text
        caplog.clear()
        with tied(object()):
            named.warning(f"{missing}['{name}'].")
        assert name in caplog.text
    finally:
        named.removeHandler(caplog.handler)


def test_bars_of_trl_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    from accelerate.utils import tqdm

    with quiet():
        assert list(tqdm(range(3), desc="Computing reference log probs")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    assert list(tqdm(range(3), desc="shown")) == [0, 1, 2]
    assert "shown" in capsys.readouterr().err
