"""Checkpoints that score texts, where a policy is wanted, or a reward model to go on from."""

from __future__ import annotations

from pathlib import Path

from harness.nouns.errors import InputError
from harness.policy.models import base_of, configuration, is_adapter
from harness.records.rows import read_json

SCORES = "SequenceClassification"
KINDS = (SCORES, "TokenClassification", "QuestionAnswering", "MultipleChoice", "RewardModel")
"""Parts of the names of transformers' models with a head that speaks no words."""

TASKS = {
    "SEQ_CLS": SCORES,
    "TOKEN_CLS": "TokenClassification",
    "QUESTION_ANS": "QuestionAnswering",
}
"""The same of peft's adapters."""


def head_of(path: str | Path) -> str:
    """Return which of ``KINDS`` a checkpoint is, "" for a language model.

    Raises:
        InputError: There is no checkpoint, or it is an ensemble of reward models.
    """
    members = sorted(Path(path).glob("member-*/*config.json"))
    if members and not (Path(path) / "config.json").is_file():
        raise InputError(
            "this is an ensemble of reward models, which is no model to train or to sample from",
            where=str(path),
            hint=f"name the model that they were trained on; reward_model also goes on from one of"
            f" them, as {members[0].parent.name}",
        )
    if is_adapter(path):
        task = read_json(Path(path) / "adapter_config.json").get("task_type")
        return TASKS.get(str(task)) or head_of(base_of(path))
    names = getattr(configuration(path), "architectures", None) or []
    return next((kind for kind in KINDS for name in names if kind in name), "")


def check_speaks(path: str | Path) -> None:
    """Refuse a classifier where a policy is wanted: its head of words would be drawn at random.

    Raises:
        InputError: It is one, or there is no checkpoint.
    """
    if kind := head_of(path):
        raise InputError(
            f"this is a reward model or another classifier ({kind}), and no policy: it has no head"
            " that speaks",
            where=str(path),
            hint="name the model that it was trained on; as a reward or critic_from it can be used",
        )


def goes_on(path: str | Path) -> bool:
    """Return whether a checkpoint has the head of a reward model; a policy has none.

    Raises:
        InputError: It has another head than one of a single score, it is a policy's adapter, or
            there is no checkpoint.
    """
    kind = head_of(path)
    if not kind and is_adapter(path):
        raise InputError(
            "this is a policy's adapter, which has no head that a reward model could learn",
            where=str(path),
            hint="name its base, or merge it into that (peft's merge_and_unload)",
        )
    if not kind:
        return False
    whole = not is_adapter(path)
    labels = configuration(path).num_labels if whole else 1
    if kind != SCORES or labels != 1:
        what = f"{labels} labels" if kind == SCORES else f"a head for {kind}"
        raise InputError(
            f"this is a classifier with {what}, and a reward model gives one score",
            where=str(path),
            hint="name a reward model to go on from it, or a policy for a new head",
        )
    return True
