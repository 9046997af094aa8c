"""A trained model on the Hub, with a card that says how it was made."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.nouns.errors import ConfigError, HarnessError, InputError
from harness.policy.models import base_of, is_adapter
from harness.train.log import read_log
from harness.train.result import TrainResult

PACKAGES = ("feedback-harness", "torch", "transformers", "trl", "peft", "datasets")
SHOWN = ("step", "seconds")
"""Keys of a log's row that are no measurement."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a model card says of a training beside its result.

    Args:
        trainer: Its name.
        model: Folder or hub id that was trained; a folder is not named, since it is a path of one
            machine.
        data: Hub id of the data set; "" where the rows were of another place.
        settings: Those of the trainer that are no defaults.
        rewards: Weight of each reward by the name that the log has.
        seed: Of the training.
    """

    trainer: str
    model: str
    data: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    rewards: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def base(self) -> str:
        """Return the hub id of the base model, "" where it is a folder."""
        found = base_of(self.model) if is_adapter(self.model) else str(self.model)
        return "" if Path(found).is_dir() else found

    def text(self, name: str, result: TrainResult) -> str:
        """Return the card: metadata that the Hub reads, and what was done."""
        adapter = is_adapter(result.checkpoint)
        kind = "text-classification" if self.trainer == "reward_model" else "text-generation"
        base = self.base()
        about: dict[str, Any] = {
            "library_name": "peft" if adapter else "transformers",
            "pipeline_tag": kind,
            "tags": ["feedback-harness", self.trainer],
            **({"base_model": base} if base else {}),
            **({"datasets": [self.data]} if self.data else {}),
        }
        learnt = f"{result.used:,} of {result.rows:,} rows" if result.rows else "rows"
        what = f"`{base}`" if base else "a checkpoint that is not on the Hub"
        of = f" of `{self.data}`" if self.data else ""
        head = ["---", *(f"{key}: {json.dumps(value)}" for key, value in about.items()), "---"]
        parts = [
            "\n".join(head),
            f"# {name.rpartition('/')[2]}",
            f"Trained from {what} by `{self.trainer}` of feedback-harness, on {learnt}{of}:"
            f" {result.steps:,} steps in {result.seconds:,.0f} s, seed {self.seed}.",
        ]
        if left := dict(result.left_out):
            parts.append(f"Rows left out: {', '.join(f'{n:,} {why}' for why, n in left.items())}.")
        tables = {
            "Settings": self.settings,
            "Rewards": self.rewards,
            "Last step": _last(read_log(result.log_path)),
            "Versions": _versions(),
        }
        for title, values in tables.items():
            rows = [f"| `{key}` | {_cell(value)} |" for key, value in values.items()]
            if rows:
                parts += [f"## {title}", "\n".join(["| | |", "|---|---|", *rows])]
        return "\n\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class Push:
    """Where a trained model goes.

    Args:
        repo_id: owner/name on the Hub; made if it is not there.
        private: Whether one that is made is private.
    """

    repo_id: str
    private: bool = False

    def check(self, card: Card, new_adapter: bool) -> None:
        """Refuse what could not be pushed, before anything is trained.

        Raises:
            ConfigError: The name is none, the Hub does not know the user, or it would get an
                adapter whose base it does not have.
            InputError: The Hub cannot be reached.
        """
        from httpx import HTTPError
        from huggingface_hub import HfApi
        from huggingface_hub.errors import (
            HfHubHTTPError,
            HFValidationError,
            LocalTokenNotFoundError,
        )
        from huggingface_hub.utils._validators import validate_repo_id

        try:
            validate_repo_id(self.repo_id)
        except HFValidationError as error:
            raise ConfigError(
                f"push_to_hub is {self.repo_id!r:.80}, and no name of a model",
                hint="give owner/name",
            ) from error
        if (new_adapter or is_adapter(card.model)) and not card.base():
            raise ConfigError(
                "push_to_hub: the adapter's base is a folder of this machine, and nobody else's",
                hint="push the base and train on its hub id, or train all weights",
            )
        try:
            HfApi().whoami()
        except LocalTokenNotFoundError as error:
            raise _unknown() from error
        except HfHubHTTPError as error:
            if error.response.status_code in (401, 403):
                raise _unknown() from error
            raise InputError(f"push_to_hub: the Hub does not answer: {error!s:.200}") from error
        except (OSError, HTTPError) as error:
            raise InputError(f"push_to_hub: the Hub cannot be reached: {error!s:.200}") from error

    def push(self, card: Card, result: TrainResult) -> str:
        """Push the final checkpoint with its card in one commit; return the address.

        Raises:
            HarnessError: The Hub did not take it; the training stays where it is.
        """
        from httpx import HTTPError
        from huggingface_hub import CommitOperationAdd, HfApi

        api = HfApi()
        files = sorted(path for path in result.checkpoint.rglob("*") if path.is_file())
        adds = [
            CommitOperationAdd(path.relative_to(result.checkpoint).as_posix(), path)
            for path in files
            if path.name != "README.md"
        ]
        adds.append(CommitOperationAdd("README.md", card.text(self.repo_id, result).encode()))
        try:
            place = api.create_repo(self.repo_id, private=self.private or None, exist_ok=True)
            api.create_commit(
                place.repo_id, adds, commit_message=f"Trained by {card.trainer} of feedback-harness"
            )
        except (OSError, ValueError, HTTPError) as error:
            reason = " ".join(str(error).split())
            raise HarnessError(
                f"the Hub did not take the model: {reason:.300}\n"
                f"  hint: it is in {result.checkpoint}; the same call pushes it again"
            ) from error
        return str(place)


def _unknown() -> ConfigError:
    return ConfigError(
        "push_to_hub: the Hub does not know who you are",
        hint="log in with hf auth login, or set HF_TOKEN to a token that may write",
    )


def _last(log: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the newest value of each number in a log."""
    found = {k: v for row in log for k, v in row.items() if isinstance(v, int | float)}
    return {key: value for key, value in found.items() if key not in SHOWN}


def _cell(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    if "/" in text and os.path.exists(text):  # where a machine keeps it is nobody's business
        text = Path(text).name
    return text.replace("|", "\\|").replace("\n", " ")


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
