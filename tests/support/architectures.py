"""Architectures of transformers that tests try, each as a model that is made in a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TOKENS = {"vocab_size": 101, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
HEADS = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 128, **TOKENS,
}  # fmt: skip
LLAMA = {"intermediate_size": 48, "num_key_value_heads": 2, **HEADS}
OLD = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128, **TOKENS}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
STATES = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_chunk_size": 8}
DELTA = {
    "layer_types": ["linear_attention", "full_attention"], "linear_key_head_dim": 8,
    "linear_value_head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
}  # fmt: skip
DROPOUT = {"dropout": 0.3, "attention_dropout": 0.3, "activation_dropout": 0.3}

CONFIGS: dict[str, dict[str, Any]] = {
    "Arcee": LLAMA,
    "Bamba": LLAMA | STATES | {"attn_layer_indices": [1]},
    "BioGpt": HEADS | {"intermediate_size": 48, "layerdrop": 0.5, "hidden_dropout_prob": 0.3},
    "Bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4, "hidden_dropout": 0.3, **TOKENS},
    "CodeGen": OLD | {"rotary_dim": 4, "resid_pdrop": 0.3},
    "Cohere": LLAMA | {"logit_scale": 0.25},
    "Cohere2": LLAMA | {"sliding_window": 6, "logit_scale": 0.25},
    "DeepseekV3": HEADS | EXPERTS | {
        "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "q_lora_rank": 8,
        "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8,
        "first_k_dense_replace": 1, "num_key_value_heads": 4,
    },
    "Ernie4_5": LLAMA,
    "Exaone4": LLAMA | {"sliding_window": 6},
    "Falcon": HEADS | {
        "alibi": False, "new_decoder_architecture": False, "hidden_dropout": 0.3,
        "attention_dropout": 0.3,
    },
    "FalconH1": LLAMA | {
        "mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8,
        "mamba_chunk_size": 8, "head_dim": 8, "lm_head_multiplier": 0.5,
    },
    "FalconMamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8, **TOKENS},
    "GPT2": OLD | {"resid_pdrop": 0.3, "embd_pdrop": 0.3, "attn_pdrop": 0.3},
    "GPTBigCode": OLD | {"resid_pdrop": 0.3, "attn_pdrop": 0.3},
    "GPTJ": OLD | {"rotary_dim": 4, "resid_pdrop": 0.3},
    "GPTNeo": {
        "hidden_size": 32, "num_layers": 2, "num_heads": 4, "window_size": 6,
        "attention_types": [[["global", "local"], 1]], "max_position_embeddings": 128,
        "resid_dropout": 0.3, **TOKENS,
    },
    "GPTNeoX": HEADS | {"intermediate_size": 48, "hidden_dropout": 0.3},
    "Gemma": LLAMA | {"head_dim": 8},
    "Gemma2": LLAMA | {
        "head_dim": 8, "sliding_window": 6, "query_pre_attn_scalar": 8,
        "final_logit_softcapping": 5.0,
    },
    "Gemma3Text": LLAMA | {"head_dim": 8, "sliding_window": 6},
    "Glm": LLAMA | {"head_dim": 8},
    "GptOss": LLAMA | {
        "head_dim": 8, "sliding_window": 6, "num_local_experts": 4, "num_experts_per_tok": 2
    },
    "Granite": LLAMA | {
        "logits_scaling": 4.0, "embedding_multiplier": 3.0, "residual_multiplier": 0.5,
        "attention_multiplier": 0.3,
    },
    "Helium": LLAMA | {"head_dim": 8},
    "Jamba": LLAMA | {
        "mamba_d_state": 8, "attn_layer_period": 2, "attn_layer_offset": 1,
        "expert_layer_period": 2, "expert_layer_offset": 1, "num_experts": 4,
        "use_mamba_kernels": False,
    },
    "Lfm2": LLAMA | {"layer_types": ["conv", "full_attention"]},
    "Llama": LLAMA | {"attention_dropout": 0.3},
    "Llama4Text": LLAMA | {
        "head_dim": 8, "num_local_experts": 2, "num_experts_per_tok": 1,
        "intermediate_size_mlp": 48, "attention_chunk_size": 6,
    },
    "Mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8, **TOKENS},
    "Mamba2": {
        "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8, "num_heads": 8,
        "head_dim": 8, "n_groups": 1, "chunk_size": 8, **TOKENS,
    },
    "MiniCPM3": HEADS | {
        "intermediate_size": 48, "q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4,
        "qk_nope_head_dim": 4, "v_head_dim": 8, "num_key_value_heads": 4,
    },
    "Mistral": LLAMA | {"head_dim": 8, "sliding_window": 6},
    "Mixtral": LLAMA | {
        "num_local_experts": 4, "num_experts_per_tok": 2, "router_jitter_noise": 0.3
    },
    "Mpt": {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 128, **TOKENS},
    "NanoChat": LLAMA,
    "Nemotron": LLAMA,
    "OPT": HEADS | DROPOUT | {"ffn_dim": 48, "word_embed_proj_dim": 16, "layerdrop": 0.5},
    "Olmo2": LLAMA,
    "Olmoe": LLAMA | EXPERTS,
    "Persimmon": HEADS | {"intermediate_size": 48, "hidden_dropout": 0.3},
    "Phi": LLAMA | {"resid_pdrop": 0.3, "embd_pdrop": 0.3},
    "Phi3": LLAMA | {"sliding_window": 6, "resid_pdrop": 0.3, "embd_pdrop": 0.3},
    "Phimoe": LLAMA | {
        "num_local_experts": 4, "num_experts_per_tok": 2, "router_jitter_noise": 0.3,
        "input_jitter_noise": 0.3, "attention_dropout": 0.3,
    },
    "Qwen2": LLAMA | {"tie_word_embeddings": True},
    "Qwen3": LLAMA | {"head_dim": 8},
    "Qwen3Moe": LLAMA | EXPERTS | {"head_dim": 8},
    "Qwen3Next": LLAMA | DELTA | EXPERTS | {"head_dim": 8, "shared_expert_intermediate_size": 16},
    "RecurrentGemma": HEADS | {
        "intermediate_size": 48, "num_hidden_layers": 3, "lru_width": 32,
        "attention_window_size": 6, "logits_soft_cap": 5.0,
    },
    "Rwkv": {
        "hidden_size": 32, "num_hidden_layers": 4, "attention_hidden_size": 32,
        "context_length": 128, "rescale_every": 2, **TOKENS,
    },
    "SmolLM3": LLAMA,
    "StableLm": LLAMA | {"hidden_dropout": 0.3},
    "Starcoder2": LLAMA | {"sliding_window": 6, "residual_dropout": 0.3},
    "XGLM": {
        "d_model": 32, "ffn_dim": 48, "num_layers": 2, "attention_heads": 4,
        "max_position_embeddings": 128, "layerdrop": 0.5, **DROPOUT, **TOKENS,
    },
    "Zamba2": LLAMA | {
        "mamba_d_state": 8, "n_mamba_heads": 4, "mamba_headdim": 16, "chunk_size": 8,
        "layers_block_type": ["mamba", "hybrid"], "num_mem_blocks": 1, "use_mem_rope": True,
    },
}  # fmt: skip


WITH_STATES = {
    "Bamba", "FalconH1", "FalconMamba", "Jamba", "Lfm2", "Mamba", "Mamba2", "Qwen3Next",
    "RecurrentGemma", "Rwkv", "Zamba2",
}  # fmt: skip
"""Those that carry a state from token to token."""

BENT = {
    "Cohere", "Cohere2", "FalconH1", "Gemma2", "Granite", "MiniCPM3", "NanoChat",
    "RecurrentGemma",
}  # fmt: skip
"""Those that do more than a linear layer to make logits of hidden states."""

OTHERWISE_IN_TRL = {"RecurrentGemma"}
"""Those of which TRL leaves some of that out."""

READING_PADDING = {"Rwkv"}
"""Those that read padding before a prompt as text."""


def config_of(name: str) -> Any:
    """Return the configuration of a small model."""
    import transformers

    return getattr(transformers, f"{name}Config")(**CONFIGS[name])


def saved(name: str, folder: Path, tokens: Path) -> Path:
    """Write a model with a tokenizer of its own, from the folder of another model."""
    import transformers
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokens)
    ids = {key: getattr(tokenizer, key) for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = CONFIGS[name] | ids | {"vocab_size": len(tokenizer)}
    _made(getattr(transformers, f"{name}Config")(**config)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def made(name: str) -> Any:
    """Return a model of random weights, large enough that what it says of tokens differs."""
    return _made(config_of(name))


def _made(config: Any) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for key, weights in model.named_parameters():
            if weights.dim() == 2 and "A_log" not in key and "conv" not in key:
                weights.mul_(3.0)
    return model.eval()


def routed(config: Any) -> bool:
    """Return whether TRL adds the loss of the experts' router to its own."""
    coefficient = getattr(config, "router_aux_loss_coef", 0.0)
    return hasattr(config, "output_router_logits") and coefficient != 0


def table() -> str:
    """Return which trainers take which architectures, as docs/training.md has it."""
    from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING as SCORING

    rows: dict[tuple[str, ...], list[str]] = {}
    for name in CONFIGS:
        config = config_of(name)
        trl, padded = name not in OTHERWISE_IN_TRL, name not in READING_PADDING
        trained = "yes, with the router's loss" if routed(config) else "yes"
        row = (
            "slowly" if name in WITH_STATES else "yes",
            trained if trl else "no",
            trained if trl and padded else "no",
            "yes" if type(config) in SCORING else "no",
        )
        rows.setdefault(row, []).append(name)
    head = (
        "| architectures | sampled, by `ppo` and `online_dpo` | `sft`, `best_of_n`, `dpo`, `kto` |"
        " `grpo`, `rloo` | `reward_model` |"
    )
    ordered = sorted(rows.items(), key=lambda item: -len(item[1]))
    lines = [f"| {', '.join(names)} | {' | '.join(row)} |" for row, names in ordered]
    return "\n".join([head, "|---|---|---|---|---|", *lines, ""])
