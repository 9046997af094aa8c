"""What libraries print while a model is trained: without what says nothing new, with what warns."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

HEADS = ("score.", "lm_head.", "embed_out.")
"""Weights of heads: a classifier made of a policy has a new one, and leaves the policy's."""

Says = Callable[[logging.LogRecord], bool]


def _counted_by_the_log(record: logging.LogRecord) -> bool:
    # TRL prints a whole row; accelerate's logger puts the rank before it.
    return "All reward functions returned None" in record.getMessage()


def _tokens_without_effect(record: logging.LogRecord) -> bool:
    """Whether a pad or BOS is told: masks come from lengths, and prompts from the tokenizer.

    An EOS that the checkpoint does not know ends completions elsewhere than before.
    """
    said = record.getMessage()
    return "tokenizer has new PAD/BOS/EOS tokens" in said and "'eos_token_id'" not in said


def _order_of_states(record: logging.LogRecord) -> bool:
    return "mtime may not be reliable" in record.getMessage()


def _new_head(record: logging.LogRecord) -> bool:
    """Whether all that a classifier lacks or leaves is a head."""
    _, found, table = record.getMessage().partition(" LOAD REPORT")
    keys = [line.partition("|")[0].strip() for line in table.splitlines() if "|" in line][1:]
    return bool(found and keys) and all(key.startswith(HEADS) for key in keys)


def _long_text(record: logging.LogRecord) -> bool:
    """Whether a text is above what its tokenizer names: what is cut or left out is counted."""
    return "Token indices sequence length is longer" in record.getMessage()


QUIET: tuple[tuple[str, Says], ...] = (
    ("trl.trainer.grpo_trainer", _counted_by_the_log),
    ("trl.trainer.rloo_trainer", _counted_by_the_log),
    ("transformers.trainer_utils", _tokens_without_effect),
    ("transformers.trainer_utils", _order_of_states),
    ("transformers.tokenization_utils_base", _long_text),
)
"""Loggers, and what of theirs is not printed."""


@contextmanager
def _without(logger: str, says: Says) -> Iterator[None]:
    def kept(record: logging.LogRecord) -> bool:
        return not says(record)

    named = logging.getLogger(logger)
    named.addFilter(kept)
    try:
        yield
    finally:
        named.removeFilter(kept)


@contextmanager
def new_head() -> Iterator[None]:
    """Load a classifier whose head is not in its checkpoint, and should not be.

    Whatever else is missing is told: it would be random.
    """
    with _without("transformers.modeling_utils", _new_head):
        yield


@contextmanager
def tied(model: Any) -> Iterator[None]:
    """Load a state of a model whose tied weights are in it once, which is how they are saved."""
    names = set(getattr(model, "all_tied_weights_keys", None) or ())

    def once(record: logging.LogRecord) -> bool:
        _, found, keys = record.getMessage().partition("missing keys in the checkpoint model")
        return bool(found) and set(re.findall(r"'([^']+)'", keys)) <= names

    with _without("transformers.trainer", once):
        yield


@contextmanager
def _without_bars() -> Iterator[None]:
    """Silence the bars of accelerate, which TRL shows."""
    from importlib import import_module

    module: Any = import_module("accelerate.utils.tqdm")
    shown = module._tqdm
    module._tqdm = lambda *given, **named: shown(*given, **{**named, "disable": True})
    try:
        yield
    finally:
        module._tqdm = shown


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what a user can do nothing about, and the bars of datasets, TRL and transformers.

    The harness shows progress of its own. The warnings are transformers' about its own old name,
    which peft and trl still read, and peft's about layers of GPT-2 that it treats as it must.
    """
    import datasets
    from transformers.utils import logging as transformers_logging

    with ExitStack() as after, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*gradient_checkpointing", FutureWarning)
        warnings.filterwarnings("ignore", "You are using 'environment_factory'", UserWarning)
        warnings.filterwarnings("ignore", "fan_in_fan_out is set to False", UserWarning)
        after.enter_context(_without_bars())
        for logger, says in QUIET:
            after.enter_context(_without(logger, says))
        if not datasets.are_progress_bars_disabled():
            datasets.disable_progress_bars()
            after.callback(datasets.enable_progress_bars)
        if transformers_logging.is_progress_bar_enabled():
            transformers_logging.disable_progress_bar()
            after.callback(transformers_logging.enable_progress_bar)
        yield
