"""A transformers model in this process: answers' log-probabilities and sampled text, in batches."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.chat import hub
from harness.nouns.chat_messages import ChatReply, ChatRequest, Tokens
from harness.nouns.counted import counted
from harness.nouns.errors import ChatError, ConfigError
from harness.nouns.outcomes import Status
from harness.nouns.stop_ids import stop_ids
from harness.nouns.thoughts import begun_thought, parted

if TYPE_CHECKING:
    import torch

BATCH = 16
"""Rows of one forward pass; more is not faster on a few cores and costs padding."""

MIN_PREFIX = 24
"""A shared beginning shorter than this (in tokens) is not worth keeping."""

TOP_LOGPROBS = 20


@dataclass(slots=True)
class _Prefix:
    """Keys and values of a beginning that prompts share: layers of (1, heads, length, width)."""

    ids: list[int]
    layers: list[tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A request as token ids."""

    request: ChatRequest
    ids: list[int]
    begun: str = ""
    """The mark of a thought that the chat template has begun."""


class LocalModel:
    """One loaded model. Not safe for several threads; the worker of ``local.py`` owns it.

    Args:
        folder: Folder of a transformers checkpoint, or a hub id.
        version: Goes on every reply.
        dtype: "float32" or "bfloat16"; float32 by default, because two orders of a pair differ by
            less than bfloat16 resolves.

    Raises:
        ConfigError: The model cannot be loaded.
    """

    def __init__(self, folder: str, version: str, dtype: str = "float32") -> None:
        import torch

        from harness.chat.local_weights import quiet_transformers

        with quiet_transformers():
            from transformers import AutoModelForCausalLM, AutoTokenizer

            kept = {"local_files_only": not (Path(folder).is_dir() or hub.answers())}
            try:
                self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, **kept)
                model: Any
                model, found = AutoModelForCausalLM.from_pretrained(
                    folder, dtype=getattr(torch, dtype), output_loading_info=True, **kept
                )
            except (OSError, ValueError) as error:
                raise ConfigError(f"cannot load the local model {folder}: {error}") from error
        if missing := sorted(found["missing_keys"]):
            raise ConfigError(
                f"cannot load the local model {folder}: {counted(len(missing), 'weight')} would be"
                f" random, since the checkpoint has none: {', '.join(missing[:3])}"
            )
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = model.to(self.device).eval()
        self.version = f"{version} {dtype} on {self.device}"
        limit = getattr(model.config, "max_position_embeddings", None)
        self.max_tokens = int(limit) if limit else 1 << 30
        self.embedded = int(model.get_input_embeddings().weight.size(0))
        self.eos = set(stop_ids(self.model, self.tokenizer))
        self._prefix: _Prefix | None = None

    def encode(self, request: ChatRequest) -> Encoded:
        """Return the request as tokens; a last message of the assistant is left open.

        Raises:
            ChatError: The prompt and the answer do not fit the model.
        """
        messages = [dict(message) for message in request.messages]
        if self.tokenizer.chat_template is None:
            text = "\n\n".join(message["content"] for message in messages)
        else:
            open_end = messages[-1]["role"] == "assistant"
            text = self.tokenizer.apply_chat_template(
                messages,
                tokenize=False,
                add_generation_prompt=not open_end,
                continue_final_message=open_end,
            )
        begun = begun_thought(text) if messages[-1]["role"] != "assistant" else ""
        special = self.tokenizer.chat_template is None
        ids = self.tokenizer(text, add_special_tokens=special)["input_ids"]
        self._check_embedded(ids)
        answer = 1 if request.choices else request.max_tokens
        if len(ids) + answer > self.max_tokens:
            reason = f"{len(ids)} + {answer} tokens do not fit the model's {self.max_tokens}"
            raise ChatError(Status.ERROR, reason)
        return Encoded(request, ids, begun)

    def _check_embedded(self, ids: Sequence[int]) -> None:
        """Refuse tokens that the tokenizer knows and the model does not.

        Raises:
            ChatError: There is no embedding for one.
        """
        if max(ids, default=0) >= self.embedded:
            token = next(one for one in ids if one >= self.embedded)
            raise ChatError(
                Status.ERROR,
                f"the model has {self.embedded} embeddings, and none for the token"
                f" {self.tokenizer.convert_ids_to_tokens(token)!r:.40} (id {token})",
            )

    def choice_ids(self, choices: Sequence[str]) -> list[list[int]]:
        """Return for each choice the tokens that it can begin with: as it is, and after a space.

        Raises:
            ChatError: Two choices begin with the same token, so one step cannot tell them apart.
        """
        found = []
        for choice in choices:
            forms = (choice, " " + choice)
            firsts = [self.tokenizer.encode(form, add_special_tokens=False) for form in forms]
            found.append(sorted({ids[0] for ids in firsts if ids}))
        spaced = self.tokenizer.encode(" 0", add_special_tokens=False)
        space = spaced[: len(spaced) > 1]  # where it is a token of its own
        found = [[token for token in ids if token not in space] for ids in found]
        flat = [token for ids in found for token in ids]
        self._check_embedded(flat)
        if len(flat) != len(set(flat)) or not all(found):
            raise ChatError(
                Status.ERROR, f"choices {list(choices)} do not differ in the first token"
            )
        return found

    def score(self, batch: Sequence[Encoded]) -> list[ChatReply]:
        """Return for each request the log-probabilities of its choices as the next token."""
        import torch

        logits = self._last_logits([encoded.ids for encoded in batch])[0]
        replies = []
        for encoded, row in zip(batch, torch.log_softmax(logits, -1), strict=True):
            request = encoded.request
            chances = {
                choice: float(torch.logsumexp(row[ids], -1))
                for choice, ids in zip(
                    request.choices, self.choice_ids(request.choices), strict=True
                )
            }
            replies.append(
                ChatReply(
                    text=max(chances, key=lambda choice: chances[choice]),
                    choice_logprobs=chances,
                    model_version=self.version,
                    tokens=Tokens(len(encoded.ids), 1),
                )
            )
        return replies

    def _last_logits(self, rows: Sequence[list[int]]) -> tuple[torch.Tensor, Any, torch.Tensor]:
        """Run the prompts; return (float32 logits of the last position, cache, mask).

        Prompts are padded on the left, after the keys and values of their shared beginning.
        """
        import torch
        from transformers import DynamicCache

        prefix = self._shared(rows)
        start = len(prefix.ids) if prefix else 0
        tails = [row[start:] for row in rows]
        width = max(map(len, tails))
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        mask = torch.zeros(len(rows), start + width, dtype=torch.long)
        mask[:, :start] = 1
        for i, tail in enumerate(tails):
            ids[i, width - len(tail) :] = torch.tensor(tail)
            mask[i, start + width - len(tail) :] = 1
        positions = (mask.cumsum(1) - 1)[:, start:].clamp(min=0)
        cache = DynamicCache()
        if prefix:
            for layer, (keys, values) in enumerate(prefix.layers):
                shape = (len(rows), -1, -1, -1)
                cache.update(keys.expand(shape), values.expand(shape), layer)
        return self._run(ids, cache, attention_mask=mask, position_ids=positions), cache, mask

    def _run(self, ids: torch.Tensor, cache: Any, **more: torch.Tensor) -> torch.Tensor:
        """Run tokens after those of a cache, which keeps them; return the last float32 logits."""
        import torch

        given = {"input_ids": ids, **more}
        with torch.inference_mode():
            output = self.model(
                **{name: values.to(self.device) for name, values in given.items()},
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return output.logits[:, -1].float()

    def _shared(self, rows: Sequence[list[int]]) -> _Prefix | None:
        """Return the keys and values of what all rows begin with, computed once and kept."""
        first, last = min(rows), max(rows)  # what these share, all share
        # At least one token is left to run.
        length = min(_common(first, last), min(map(len, rows)) - 1)
        if length < MIN_PREFIX or (len(rows) == 1 and self._prefix is None):
            return None
        kept = self._prefix
        if kept is not None:
            common = min(_common(kept.ids, first), length)
            if common >= MIN_PREFIX and (2 * common > length or len(rows) == 1):
                layers = [(k[:, :, :common], v[:, :, :common]) for k, v in kept.layers]
                return _Prefix(kept.ids[:common], layers)
            if len(rows) == 1:
                return None
        self._prefix = self._run_prefix(first[:length])
        return self._prefix

    def _run_prefix(self, ids: list[int]) -> _Prefix:
        import torch
        from transformers import DynamicCache

        cache = DynamicCache()
        self._run(torch.tensor([ids]), cache)
        return _Prefix(ids, [(layer.keys, layer.values) for layer in cache.layers])

    def generate(self, batch: Sequence[Encoded]) -> list[ChatReply]:
        """Sample a completion for each request; each row has its own seed and temperature."""
        import torch

        logits, cache, mask = self._last_logits([encoded.ids for encoded in batch])
        samplers = [_generator(encoded.request) for encoded in batch]
        made: list[list[int]] = [[] for _ in batch]
        ended = [False] * len(batch)
        for _ in range(max(encoded.request.max_tokens for encoded in batch)):
            tokens = []
            for i, encoded in enumerate(batch):
                token = _pick(logits[i], encoded.request.temperature or 0.0, samplers[i])
                if not ended[i]:
                    if token in self.eos:
                        ended[i] = True
                    else:
                        made[i].append(token)
                tokens.append(token)
            full = [len(m) >= e.request.max_tokens for m, e in zip(made, batch, strict=True)]
            if all(e or f for e, f in zip(ended, full, strict=True)):
                break
            positions = mask.sum(1, keepdim=True)
            mask = torch.cat([mask, torch.ones(len(batch), 1, dtype=torch.long)], 1)
            last = torch.tensor(tokens)[:, None]
            logits = self._run(last, cache, attention_mask=mask, position_ids=positions)
        return [
            self._reply(encoded, ids, stop)
            for encoded, ids, stop in zip(batch, made, ended, strict=True)
        ]

    def _reply(self, encoded: Encoded, made: list[int], ended: bool) -> ChatReply:
        most = encoded.request.max_tokens
        ids = made[:most]
        said = parted(encoded.begun + self.tokenizer.decode(ids))
        text = self.tokenizer.decode(ids, skip_special_tokens=True)
        if said.thoughts or said.unfinished:  # their marks may be special tokens
            text = said.answer
            for token in self.tokenizer.all_special_tokens:
                text = text.replace(token, "")
        return ChatReply(
            text=text,
            finish_reason="stop" if ended else "length",
            model_version=self.version,
            tokens=Tokens(len(encoded.ids), min(len(made) + ended, most)),
            thoughts=said.thoughts,
        )


def _common(first: list[int], second: list[int]) -> int:
    """Return how many tokens two prompts share from the beginning."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _generator(request: ChatRequest) -> torch.Generator:
    """Return the row's own source of randomness: the same request samples the same text."""
    import torch

    key = repr((request.messages, request.seed, request.repeat, request.temperature))
    digest = hashlib.sha256(key.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:6], "big"))


def _pick(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> int:
    import torch

    if temperature <= 0:
        return int(logits.argmax())
    chances = torch.softmax(logits.cpu() / temperature, -1)
    return int(torch.multinomial(chances, 1, generator=generator))
