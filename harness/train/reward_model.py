"""Trained reward models: what their checkpoints hold, and their scores as rewards."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.nouns.errors import InputError
from harness.nouns.plain_text import parsed_json
from harness.policy.answers import Answers, answers_of, reads_tokens
from harness.policy.embedded import beyond, check_embedded
from harness.policy.models import base_of, fitting, is_adapter, load_tokenizer
from harness.policy.padding import padded
from harness.policy.prompts import prompt_ids
from harness.policy.weights import weights_hash
from harness.train.quiet import new_head, quiet
from harness.train.reward_combined import Combine, combined, members_of, standardized
from harness.train.rows import completion_text

STATISTICS = "reward_model.json"
"""File in the checkpoint: spread of the scores in training, quality on held-out pairs."""

CUT_LETTER = "\N{REPLACEMENT CHARACTER}"
"""What stands in a text for bytes that are no letter."""


class RewardModelReward:
    """A trained reward model as a reward function.

    The sampled token ids are scored as they are, never decoded and encoded again, unless they are
    of a policy with other tokens (`reads_of`). The score is read at the end token of its training;
    a truncated completion gets one for that purpose.

    Args:
        path: Checkpoint of a `RewardModel` training; of an ensemble the one score is given.
        standardize: Whether scores are centred and divided by their deviation on the training
            preferences, so that reward models of different arms have one scale.
        clip: Standardized scores are clipped to plus or minus this; 0 does not clip.
        batch_size: Sequences at once.
        combine: How the members of an ensemble make one score; by default as it was trained.

    Raises:
        InputError: The folder holds no reward model.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        standardize: bool = True,
        clip: float = 0.0,
        batch_size: int = 256,
        combine: Combine | None = None,
    ) -> None:
        import torch

        self.path, self.statistics = path, read_statistics(path)
        self.tokenizer = load_tokenizer(path)
        folders = members_of(path)
        self.answers = answers_of(folders[0], self.tokenizer)
        self._stops, self._through_text = frozenset[int](), False
        self._narrow = self._is_narrow(self.tokenizer)
        self.models = [load_reward_model(folder) for folder in folders]
        for model in self.models:
            model.to("cuda" if torch.cuda.is_available() else "cpu")
        self.model = self.models[0]
        self.members = [read_statistics(folder) for folder in folders]
        self.combine: Combine = combine or self.statistics.get("combine", "mean")
        self.standardize, self.clip, self.batch_size = standardize, clip, batch_size
        self.__name__ = "reward_model"
        self.identity = {
            "weights": "+".join(map(weights_hash, folders)),
            "standardize": standardize,
            "clip": clip,
        }
        if len(folders) > 1:
            self.identity["combine"] = self.combine

    @property
    def held_bytes(self) -> int:
        """Bytes of its weights."""
        weights = (weight for model in self.models for weight in model.parameters())
        return sum(weight.numel() * weight.element_size() for weight in weights)

    def reads_of(self, policy: Answers, prompts: Sequence[Any]) -> None:
        """Learn whose completions come: those of other tokens are read through their text.

        Raises:
            InputError: It cannot read one of the prompts.
        """
        self._stops = frozenset(policy.stops)
        self._through_text = not reads_tokens(self.tokenizer, policy.tokenizer)
        self._narrow |= self._is_narrow(policy.tokenizer, policy.embedded or 0)
        asked = []
        for prompt in prompts if self._through_text or self._narrow else ():
            try:
                asked.append(prompt_ids(self.tokenizer, prompt))
            except InputError as error:
                raise InputError(
                    f"the reward model cannot read the policy's prompts: {error.what}",
                    where=str(self.path),
                    hint="train one on a model with a chat template, best on the policy itself",
                ) from error
        rows = ((f"prompt {n}", ids) for n, ids in enumerate(asked, 1))
        what, size = "the reward model", self.answers.embedded
        check_embedded(self.tokenizer, self.path, rows, size, what)

    def _is_narrow(self, tokenizer: Any, size: int = 0) -> bool:
        """Return whether tokens may come for which it has no embedding."""
        own = self.answers.embedded
        return own is not None and own < max(size, len(tokenizer), *tokenizer.get_vocab().values())

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]],
        **columns: Any,
    ) -> list[float | None]:
        """Return one score for each completion.

        None for one of other tokens that were cut within a letter, which has no exact text, and for
        one with a token for which it has no embedding.
        """
        found: list[float | None] = [None] * len(prompts)
        rows: dict[int, list[int]] = {}
        for number, (prompt, ids) in enumerate(zip(prompts, completion_ids, strict=True)):
            if self._through_text:
                text = completion_text(completions[number])
                answer = None if CUT_LETTER in text else self.answers.read(prompt, text)
            else:
                answer = self._sampled(prompt, ids)
            if answer is None:
                continue
            ids = prompt_ids(self.tokenizer, prompt) + answer
            if not self._narrow or beyond(ids, self.answers.embedded) is None:
                rows[number] = ids
        scored = self._scored(list(rows.values()), columns.get("log_metric")) if rows else []
        for number, score in zip(rows, scored, strict=True):
            found[number] = score
        return found

    def _sampled(self, prompt: Any, ids: Sequence[int]) -> list[int]:
        """Return sampled tokens with the end of those in training."""
        size = len(ids)
        while size and ids[size - 1] in self._stops:
            size -= 1
        return self.answers.ended(prompt, ids[:size])

    def _scored(self, ids: Sequence[Sequence[int]], log_metric: Any) -> list[float]:
        scores, scale = self._scores(ids, log_metric)
        if self.standardize:
            scores = standardized(scores, scale)
        if self.clip:
            scores = [min(max(score, -self.clip), self.clip) for score in scores]
        return scores

    def _scores(
        self, ids: Sequence[Sequence[int]], log_metric: Any
    ) -> tuple[list[float], Mapping[str, Any]]:
        """Return one score for each sequence, and their scale.

        Equal sequences are scored once: in another batch they would differ by rounding.
        """
        places = {one: place for place, one in enumerate(dict.fromkeys(map(tuple, ids)))}
        found = [score_ids(one, self.tokenizer, [*places], self.batch_size) for one in self.models]
        each = [[scores[places[tuple(one)]] for one in ids] for scores in found]
        if len(each) == 1:
            return each[0], self.statistics
        each = [standardized(*one) for one in zip(each, self.members, strict=True)]
        if log_metric is not None:
            spread = [statistics.pstdev(one) for one in zip(*each, strict=True)]
            log_metric("reward_model_spread", statistics.fmean(spread))
        return combined(each, self.combine), self.statistics["scales"][self.combine]


def score_texts(path: str | Path, prompts: Sequence[Any], texts: Sequence[str]) -> list[float]:
    """Return the score of each response to its prompt, by the reward model of a checkpoint.

    Raises:
        DataError: A text has tokens for which the reward model has no embedding.
    """
    if not texts:
        return []
    reward = RewardModelReward(path)
    ids = [reward.answers.read(*one) for one in zip(prompts, texts, strict=True)]
    whole = [
        prompt_ids(reward.tokenizer, prompt) + some
        for prompt, some in zip(prompts, ids, strict=True)
    ]
    rows = ((f"response {n}", some) for n, some in enumerate(whole, 1))
    check_embedded(reward.tokenizer, path, rows, reward.answers.embedded, "the reward model")
    return [score for score in reward(prompts, texts, ids) if score is not None]


def read_statistics(path: str | Path) -> dict[str, Any]:
    """Return what a reward model's checkpoint says of its scores in training.

    Raises:
        InputError: The folder holds no reward model.
    """
    folder = Path(path)
    try:
        found: dict[str, Any] = parsed_json((folder / STATISTICS).read_bytes())
        if math.isfinite(found["score_mean"]) and 0 < found["score_deviation"] < math.inf:
            return found
        reason = "mean or deviation of its scores is no number"
    except OSError:
        reason = "there is none" if folder.is_dir() else "there is no such folder"
    except (ValueError, TypeError, KeyError, OverflowError):
        reason = "it is damaged"
    below = folder / "final"
    raise InputError(
        f"this is no reward model: {STATISTICS}: {reason}",
        where=str(path),
        hint=f"it lies in {below}"
        if (below / STATISTICS).is_file()
        else "name what harness train --trainer reward_model left: OUT/final",
    )


def load_reward_model(path: str | Path, *, trainable: bool = False) -> Any:
    """Return the sequence classification model of a reward model's checkpoint."""
    from transformers import AutoModelForSequenceClassification

    with quiet(), fitting(path):
        if not is_adapter(path):
            model: Any = AutoModelForSequenceClassification.from_pretrained(
                str(path), dtype="float32"
            )
        else:
            from peft import PeftModel

            # peft's own way would draw embeddings for all that the tokenizer knows, at random.
            with new_head():  # the adapter has it
                base: Any = AutoModelForSequenceClassification.from_pretrained(
                    base_of(path), num_labels=1, dtype="float32"
                )
            adapted = PeftModel.from_pretrained(base, str(path))
            # Merged, it is a model like any other; its base knows nothing of the pad in training.
            model = adapted.merge_and_unload()
    return model.requires_grad_(trainable).eval()


def score_ids(
    model: Any, tokenizer: Any, ids: Sequence[Sequence[int]], batch_size: int = 256
) -> list[float]:
    """Return the score of each sequence of token ids, which must end in EOS.

    It is read at the last token of the sequence, whatever the pad of tokenizer or model is.
    """
    import torch

    device = next(model.parameters()).device
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    scores: list[float] = []
    for start in range(0, len(ids), batch_size):
        part = ids[start : start + batch_size]
        batch, mask = (t.to(device) for t in padded(part, tokenizer.pad_token_id, "right"))
        with torch.no_grad():
            states = inner.base_model(input_ids=batch, attention_mask=mask).last_hidden_state
            last = states[torch.arange(len(part), device=device), mask.sum(1) - 1]
            scores += inner.score(last).squeeze(-1).float().tolist()
    return scores
