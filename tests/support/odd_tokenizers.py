"""Tokenizers that put tokens where a careless reader does not expect them; no weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

LETTERS = [chr(n) for n in range(32, 127)]
SPECIALS = ["<pad>", "<s>", "</s>", "<unk>", "<end>", "<other>"]

CHATML = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role[0] }}>{{ m.content }}<end>\n{% endfor %}"
    "{% if add_generation_prompt %}<a>{% endif %}"
)
"""Ends each turn with its own token, and writes a line break after it."""

BARE = (
    "{% for m in messages %}<{{ m.role[0] }}>{{ m.content | trim }}{% endfor %}"
    "{% if add_generation_prompt %}<a>{% endif %}"
)
"""Ends no turn."""

SPACED = (
    "{% for m in messages %}{% if m.role == 'user' %}[{{ m.content }}]"
    "{% else %} {{ m.content }} </s>{% endif %}{% endfor %}"
)
"""A space before the end token; no words that ask for an answer."""

THINKS = (
    "{% for m in messages %}<{{ m.role[0] }}>{{ m.content }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<a>{% if not thinking %}[]{% endif %}{% endif %}"
)
"""Reads ``thinking``."""


def tokenizer_of(
    *,
    first: str = "",
    last: str = "",
    template: str | None = None,
    merges: Sequence[str] = (),
    words: bool = False,
    strip: bool = False,
) -> Any:
    """Return a tokenizer of letters.

    Args:
        first: Special token before each text.
        last: Special token after each text.
        template: Of chats.
        merges: Pairs of letters that are one token.
        words: A space is put before the first word, as in Llama.
        strip: Spaces around a text are taken off.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    known = [*SPECIALS, *LETTERS, "\n", "▁", *merges]
    pairs = [(one[0], one[1]) for one in merges]
    vocabulary = {token: number for number, token in enumerate(known)}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs, unk_token="<unk>"))
    made.decoder = decoders.Fuse()
    if words:
        made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        made.decoder = decoders.Metaspace(prepend_scheme="first", split=False)
    if strip:
        made.normalizer = normalizers.Strip()
    if first or last:
        ids = [(token, vocabulary[token]) for token in (first, last) if token]
        made.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}".strip(), special_tokens=ids
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        chat_template=template,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=["<end>", "<other>"],
    )


def checkpoint_of(tokenizer: Any, folder: Path, ends: Sequence[int] = (2,)) -> Path:
    """Write a tokenizer and the configuration of a small model, without any weights."""
    from transformers import GenerationConfig, LlamaConfig

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2}
    config = LlamaConfig(
        vocab_size=len(tokenizer), num_attention_heads=2, max_position_embeddings=64, **sizes
    )
    config.save_pretrained(folder)
    GenerationConfig(eos_token_id=list(ends)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def training_of(trainer: str, folder: Path, rows: list[Any], **values: Any) -> Any:
    """Return a training on a checkpoint without weights, which has made nothing yet."""
    from harness.policy.models import load_tokenizer
    from harness.train.result import TrainingFolder
    from harness.train.trainers import settings_of, trainer_class
    from harness.train.training import TrainOptions

    settings = settings_of(trainer, {"batch_size": 2, **values}, "")
    kind = trainer_class(trainer)
    rewards: Any = None
    if kind.needs == "rewards":
        from harness.train.reward_function import WeightedRewards

        rewards = WeightedRewards({"none": lambda prompts, **_: [None] * len(prompts)})
    out = folder.parent / f"{folder.name}-{trainer}"
    training = kind(folder, rows, settings, out, TrainOptions(rewards=rewards))
    training.folder = TrainingFolder(out, {}, None)
    training.tokenizer, training.estimate = load_tokenizer(folder), {"total": 1.0}
    return training


def tokens(training: Any, ids: list[int]) -> str:
    """Return tokens of a training's model, with a sign for a space."""
    return tokens_of(training.tokenizer, ids)


def tokens_of(tokenizer: Any, ids: list[int]) -> str:
    """Return tokens of a tokenizer, with a sign for a space."""
    return " ".join("␣" if t == " " else t for t in tokenizer.convert_ids_to_tokens(ids))
