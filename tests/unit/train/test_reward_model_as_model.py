"""Reward models and other classifiers as the model of a training: gone on from, or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from trainings import preference_pairs, trained_by

from harness.nouns.errors import InputError
from harness.policy.classifiers import check_speaks, goes_on
from harness.policy.models import load_tokenizer
from harness.policy.respond import _open
from harness.train.quiet import quiet
from harness.train.reward_model_training import RewardModel, RewardModelSettings
from harness.train.table import TRAINERS
from harness.train.trainers import trainer_class
from harness.train.training import TrainOptions

PAIRS = preference_pairs(4)
POLICIES = [name for name in TRAINERS if trainer_class(name).makes_policy]


def folder_of(folder: Path, policy: Path, given: Mapping[str, Any]) -> Path:
    """Write what a folder of some kind says of itself, with a policy's configuration."""
    config = json.loads((policy / "config.json").read_text())
    files: dict[str, dict[str, Any]] = {}
    if "task" in given:
        base = str(given.get("base", policy))
        adapter = {"peft_type": "LORA", "task_type": given["task"]}
        files["adapter_config.json"] = adapter | {"base_model_name_or_path": base}
    elif "members" in given:
        files = {f"member-0{n}/config.json": config for n in range(given["members"])}
        files["reward_model.json"] = {}
    else:
        labels = {str(n): f"LABEL_{n}" for n in range(given.get("labels", 1))}
        names = {"architectures": [given["name"]], "id2label": labels}
        files["config.json"] = config | names | {"label2id": {v: int(k) for k, v in labels.items()}}
    for name, value in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(value))
    return folder


SCORING = {"name": "LlamaForSequenceClassification"}
REFUSED_AS_POLICY: dict[str, dict[str, Any]] = {
    "a reward model": SCORING,
    "three labels": SCORING | {"labels": 3},
    "tokens": {"name": "LlamaForTokenClassification"},
    "answers": {"name": "LlamaForQuestionAnswering"},
    "a process": {"name": "Qwen2ForProcessRewardModel"},
    "an adapter": {"task": "SEQ_CLS"},
    "an adapter of tokens": {"task": "TOKEN_CLS"},
    "an ensemble": {"members": 2},
}


@pytest.mark.parametrize("kind", REFUSED_AS_POLICY)
def test_what_has_no_head_that_speaks(kind: str, policy_path: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", policy_path, REFUSED_AS_POLICY[kind])
    with pytest.raises(InputError, match=r"and no policy|ensemble of reward models") as caught:
        check_speaks(folder)
    assert str(folder) in str(caught.value) and caught.value.hint
    with pytest.raises(InputError):  # also below an adapter of a policy
        check_speaks(folder_of(tmp_path / "on", policy_path, {"task": "CAUSAL_LM", "base": folder}))


@pytest.mark.parametrize(
    "given",
    [
        {"name": "LlamaForCausalLM"},
        {"name": "GPT2LMHeadModel"},
        {"name": "Gemma3ForConditionalGeneration"},
        {"name": "LlamaModel"},
        {"task": "CAUSAL_LM"},
        {"task": None},
    ],
)
def test_what_speaks(given: dict[str, Any], policy_path: Path, tmp_path: Path) -> None:
    check_speaks(folder_of(tmp_path, policy_path, given))
    check_speaks(policy_path)


@pytest.mark.parametrize("trainer", POLICIES)
def test_a_classifier_is_no_policy(trainer: str, policy_path: Path, tmp_path: Path) -> None:
    model = folder_of(tmp_path / "model", policy_path, SCORING)
    needs = trainer_class(trainer).needs
    row = {**PAIRS[0], "completion": "7", "label": True}
    rewards = {"r": lambda prompts, **_: [0.0] * len(prompts)} if needs == "rewards" else None
    with pytest.raises(InputError, match="and no policy"):
        trained_by(trainer, model, [row], {}, tmp_path / "out", rewards)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"name": "LlamaForCausalLM"}, False),
        (SCORING, True),
        ({"task": "SEQ_CLS"}, True),
        (SCORING | {"labels": 2}, "a classifier with 2 labels"),
        (SCORING | {"labels": 5}, "a classifier with 5 labels"),
        ({"name": "LlamaForTokenClassification"}, "a head for TokenClassification"),
        ({"task": "TOKEN_CLS"}, "a head for TokenClassification"),
        ({"task": "CAUSAL_LM"}, "a policy's adapter"),
        ({"members": 3}, "an ensemble of reward models"),
    ],
)
def test_what_a_reward_model_goes_on_from(
    given: dict[str, Any], wanted: Any, policy_path: Path, tmp_path: Path
) -> None:
    model = folder_of(tmp_path / "model", policy_path, given)
    if isinstance(wanted, bool):
        assert goes_on(model) is wanted
        return
    with pytest.raises(InputError, match=wanted):
        trained_by("reward_model", model, PAIRS, {}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("lora", [False, True])
def test_a_training_goes_on_from_the_head(lora: bool, policy_path: Path, tmp_path: Path) -> None:
    """Also from that of an adapter, of which all is trained, and without its dropout."""
    import torch
    from peft import LoraConfig, get_peft_model

    first = RewardModel(policy_path, PAIRS, RewardModelSettings(), tmp_path / "a", TrainOptions())
    with quiet():
        made = first.classifier(3)
    assert not made.score.weight.any()
    if lora:
        wanted = LoraConfig(r=2, target_modules=["q_proj"], task_type="SEQ_CLS")
        with quiet():
            made = get_peft_model(made, wanted)
    for name, weights in made.named_parameters():
        if "score" in name:
            torch.nn.init.constant_(weights, 0.5)
    made.save_pretrained(tmp_path / "model")
    load_tokenizer(policy_path).save_pretrained(tmp_path / "model")
    second = RewardModel(
        tmp_path / "model", PAIRS, RewardModelSettings(), tmp_path / "b", TrainOptions()
    )
    with quiet():
        again = second.classifier(3)
    head = again.base_model.model.score.modules_to_save["default"] if lora else again.score
    assert head.weight.requires_grad and torch.equal(head.weight, torch.full((1, 96), 0.5))
    trained = {name for name, one in again.named_parameters() if one.requires_grad}
    assert any("lora_A" in name for name in trained) is lora


def test_a_classifier_gives_no_responses(policy_path: Path, tmp_path: Path) -> None:
    model = folder_of(tmp_path / "model", policy_path, SCORING)
    load_tokenizer(policy_path).save_pretrained(model)
    with pytest.raises(InputError, match="and no policy"):
        _open(model)
