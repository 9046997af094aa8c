"""Make the base policy of the default experiment.

Run it with ``python -m harness.examples.make_arithmetic_policy``.

The policy is a character-level Llama of 0.23 million weights, made from nothing in a few minutes on
one core. It first imitates right answers, then a mixture in which half of the answers are wrong, so
that it can compute, but a sampled answer is right only about half of the time. Both stages go
through TRL's SFTTrainer.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from harness.examples import arithmetic_task

FOLDER = Path(__file__).parent / "arithmetic_policy"
RIGHT_STEPS = 1000
MIXED_STEPS = 800
BATCH_SIZE = 64


def make_tokenizer() -> Any:
    """Return a tokenizer with one token for each printable ASCII character and the line feed."""
    from tokenizers import Tokenizer, decoders, models, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<bos>", "<eos>", "<unk>"]
    characters = [chr(code) for code in range(32, 127)] + ["\n"]
    vocabulary = {token: number for number, token in enumerate(special + characters)}
    # Byte-pair encoding without merges is a character-level model.
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", vocabulary["<bos>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        padding_side="left",
        model_max_length=128,
        clean_up_tokenization_spaces=False,
    )


def make_untrained(folder: Path, seed: int) -> None:
    """Write a policy with random weights and its tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer()
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=96,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=128,
            rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def main() -> None:
    """Train both stages and write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    from harness.train.trainers import train
    from harness.train.training import TrainOptions

    def show(row: dict[str, Any]) -> None:
        if row["step"] % 100 == 0:
            print(f"step {row['step']}: loss {row['loss']:.3f}, {row['seconds']:.0f} s")

    settings = {
        "learning_rate": 3e-3,
        "warmup_steps": 50,
        "schedule": "cosine",
        "batch_size": BATCH_SIZE,
        "weight_decay": 0.01,
        "checkpoint_every": 500,
    }
    options = TrainOptions(seed=arguments.seed, on_step=show)
    with tempfile.TemporaryDirectory() as scratch:
        untrained = Path(scratch) / "untrained"
        make_untrained(untrained, arguments.seed)
        knows = train(
            "sft",
            untrained,
            arithmetic_task.imitation_rows(RIGHT_STEPS * BATCH_SIZE, arguments.seed, 1.0),
            settings,
            Path(scratch) / "right",
            options,
        )
        errs = train(
            "sft",
            knows.checkpoint,
            arithmetic_task.imitation_rows(MIXED_STEPS * BATCH_SIZE, arguments.seed),
            settings,
            Path(scratch) / "mixed",
            options,
        )
        arguments.out.mkdir(parents=True, exist_ok=True)
        for file in errs.checkpoint.iterdir():
            shutil.copyfile(file, arguments.out / file.name)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
