"""Small models that are made in a moment."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch = pytest.importorskip("torch", reason="the extra train is not installed")
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def policy_path(repo_root: Path) -> Path:
    """The committed policy of the default experiment."""
    return repo_root / "examples" / "arithmetic_policy"


@pytest.fixture(scope="session")
def gpt2_path(policy_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 of random weights: absolute positions, much dropout, pad = EOS, top-k in its config.

    Everything in it that a careless trainer would get wrong.
    """
    import torch
    from transformers import AutoTokenizer, GenerationConfig, GPT2Config, GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("gpt2")
    tokenizer: Any = AutoTokenizer.from_pretrained(policy_path)
    tokenizer.pad_token = tokenizer.eos_token
    torch.manual_seed(0)
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_embd=24,
            n_layer=2,
            n_head=2,
            n_positions=96,
            resid_pdrop=0.4,
            embd_pdrop=0.4,
            attn_pdrop=0.4,
            initializer_range=0.3,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    model.generation_config = GenerationConfig(
        do_sample=True, top_k=3, repetition_penalty=1.5, eos_token_id=tokenizer.eos_token_id
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def lora_path(policy_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained LoRA adapter on the toy policy: it changes what the policy says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("lora")
    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(policy_path, dtype="float32")
    model = get_peft_model(
        base, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    model.save_pretrained(folder)
    for file in policy_path.glob("tokenizer*"):
        shutil.copy(file, folder)
    return folder


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries of a server follow each other at once."""
    from harness.policy import completions_api

    monkeypatch.setattr(completions_api, "PAUSES", (0.0, 0.0, 0.0))
