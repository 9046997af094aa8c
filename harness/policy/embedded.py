"""Which token ids a model has embeddings for: a tokenizer may know more, and need not use them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.nouns.alike import alike
from harness.nouns.counted import counted
from harness.nouns.errors import DataError, InputError
from harness.policy.models import base_of, configuration, is_adapter

RESIZE = (
    "let the model have embeddings for its tokenizer, and save both:"
    " model.resize_token_embeddings(len(tokenizer))"
)


def embedded(path: str | Path) -> int | None:
    """Return for how many ids a checkpoint, or the base of an adapter, has embeddings.

    None where its configuration does not say.

    Raises:
        InputError: There is no checkpoint.
    """
    config = configuration(base_of(path) if is_adapter(path) else path).get_text_config()
    size = getattr(config, "vocab_size", None)
    return size if isinstance(size, int) and size > 0 else None


def beyond(ids: Sequence[int], size: int | None) -> int | None:
    """Return the first of some ids for which there is no embedding, None where all have one."""
    if size is None or not ids or max(ids) < size:
        return None
    return next(one for one in ids if one >= size)


def named(tokenizer: Any, token: int) -> str:
    """Return a token as an error names it."""
    return f"token {tokenizer.convert_ids_to_tokens(token)!r:.40} (id {token:,})"


def check_embedded(
    tokenizer: Any,
    path: str | Path,
    rows: Iterable[tuple[str, Sequence[int]]],
    size: int | None,
    what: str = "the model",
) -> None:
    """Refuse tokens that a model cannot read, before it reads anything.

    Args:
        tokenizer: Whose ids they are.
        path: Of the model.
        rows: The places of texts, and their tokens.
        size: Ids for which the model has embeddings.
        what: The model in words.

    Raises:
        DataError: There is no embedding for some; it names them and their rows.
    """
    found = [(place, one) for place, ids in rows if (one := beyond(ids, size)) is not None]
    if not found:
        return
    raise DataError(
        f"{counted(len(found), 'text')} with tokens for which {what} has no embedding:"
        f" it has {size:,}, and its tokenizer knows {len(tokenizer):,} tokens",
        where=str(path),
        details=alike(((place, named(tokenizer, one)) for place, one in found), 10),
        hint=f"{RESIZE}; or leave those tokens out",
    )


def check_ends(tokenizer: Any, path: str | Path, stops: Sequence[int], size: int | None) -> None:
    """Refuse a model that cannot sample any of the tokens at which a completion ends.

    Raises:
        InputError: It cannot.
    """
    if size is None or any(0 <= one < size for one in stops):
        return
    ends = ", ".join(named(tokenizer, one) for one in stops)
    raise InputError(
        f"no completion could end: the model has {size:,} embeddings, and none for {ends}",
        where=str(path),
        hint=f"{RESIZE}; or name another eos_token_id in generation_config.json",
    )


def check_pad(tokenizer: Any, path: str | Path, size: int | None) -> None:
    """Refuse a pad token that the model cannot read, though it learns nothing from it.

    Raises:
        InputError: It is one.
    """
    pad = tokenizer.pad_token_id
    if beyond([pad], size) is not None:
        raise InputError(
            f"the tokenizer pads with {named(tokenizer, pad)}, for which the model has no"
            f" embedding: it has {size:,}",
            where=str(path),
            hint=f"{RESIZE}; or set another pad_token in tokenizer_config.json, such as its"
            f" eos_token {tokenizer.eos_token!r}",
        )
