"""What a chat template is told besides the chat: alike in training, sampling and evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_tokenizers import THINKS, checkpoint_of, tokenizer_of

from harness.experiment.config import PolicyConfig
from harness.experiment.stages.respond import BASE, RespondSettings, respond
from harness.nouns.errors import ConfigError
from harness.nouns.schema import Item
from harness.policy.models import load_tokenizer
from harness.policy.prompts import prompt_ids
from harness.policy.templates import tell_template
from harness.train.table import TRAINERS
from harness.train.trainers import settings_of, trainer_class
from harness.train.training import TrainOptions

PLAIN, THINKING = "<u>q</s>\n<a>[]", "<u>q</s>\n<a>"
TOLD = {"thinking": True}


def asked(tokenizer: Any) -> str:
    return str(tokenizer.decode(prompt_ids(tokenizer, "q")))


def test_a_tokenizer_keeps_what_its_template_is_told(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(template=THINKS)
    assert asked(tokenizer) == PLAIN
    tell_template(tokenizer, {})
    assert asked(tokenizer) == PLAIN
    tell_template(tokenizer, TOLD)
    assert asked(tokenizer) == THINKING
    tokenizer.save_pretrained(tmp_path)
    again = load_tokenizer(tmp_path)
    assert asked(again) == THINKING
    tell_template(again, {})
    assert asked(again) == THINKING
    tell_template(again, {"thinking": False})
    assert asked(again) == PLAIN


WRONG: list[tuple[str | None, dict[str, Any], str]] = [
    (None, TOLD, "the model has no chat template"),
    (THINKS, {"thinkin": True}, "reads no 'thinkin'"),
    (THINKS, {"thinking": True, "enable_thinking": False}, "reads no 'enable_thinking'"),
    (THINKS, {"messages": []}, "reads no 'messages'"),
    (THINKS, {"add_generation_prompt": False}, "reads no 'add_generation_prompt'"),
    (THINKS, {"tokenize": True}, "reads no 'tokenize'"),
    ("{{ messages[0].content }}{{ bos_token }}", {"bos_token": "x"}, "reads no 'bos_token'"),
    ("{{ messages", TOLD, "chat template is broken"),
]


@pytest.mark.parametrize(("template", "values", "why"), WRONG)
def test_what_a_template_does_not_read_is_refused(
    template: str | None, values: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        tell_template(tokenizer_of(template=template), values)


def test_transformers_own_marks_in_a_template_are_known() -> None:
    template = (
        "{% for m in messages %}{% if loop.index > 9 %}{% break %}{% endif %}"
        "{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}{{ mood }}"
    )
    tokenizer = tokenizer_of(template=template)
    tell_template(tokenizer, {"mood": "!"})
    assert asked(tokenizer) == "q!"


class LookedError(Exception):
    """The training asks."""


ANSWERS = {"completion": "yes", "chosen": "yes", "rejected": "no"}


@pytest.mark.parametrize("trainer", TRAINERS)
def test_every_trainer_tells_the_template(
    trainer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkpoint_of(tokenizer_of(template=THINKS), tmp_path / "model")
    kind = trainer_class(trainer)
    settings = settings_of(trainer, {"chat_template_kwargs.thinking": "yes"}, "")
    assert settings.chat_template_kwargs == {"thinking": "yes"}
    rewards: Any = None
    if kind.needs == "rewards":
        from harness.train.reward_function import WeightedRewards

        rewards = WeightedRewards({"none": lambda prompts, **_: [None] * len(prompts)})
    row = {"prompt": "q"} | (ANSWERS if kind.needs != "rewards" else {})
    training = kind(folder, [row], settings, tmp_path / "out", TrainOptions(rewards=rewards))
    assert training.inputs()["settings"]["chat_template_kwargs"] == {"thinking": "yes"}

    def look(self: Any) -> int:
        raise LookedError(asked(self.tokenizer))

    monkeypatch.setattr(kind, "work", look)
    with pytest.raises(LookedError) as seen:
        training.run()
    assert str(seen.value) == THINKING


def test_trl_has_no_other_way_to_say_it() -> None:
    with pytest.raises(ConfigError) as wrong:
        settings_of("grpo", {"trl.chat_template_kwargs": TOLD}, "")
    assert "write it as the setting chat_template_kwargs" in str(wrong.value)


def test_a_run_asks_its_base_as_its_arms_and_a_trained_policy_as_it_was_trained() -> None:
    policy = PolicyConfig(model="m", chat_template_kwargs=TOLD)
    assert RespondSettings.of(policy, 2, BASE, 0).chat_template_kwargs == TOLD
    assert RespondSettings.of(policy, 2, "rlvr", 0).chat_template_kwargs == {}
    assert policy.model_dump()["chat_template_kwargs"] == TOLD
    assert "chat_template_kwargs" not in PolicyConfig(model="m").model_dump()


def test_responses_and_log_ratios_are_of_the_prompts_that_were_asked(tmp_path: Path) -> None:
    """The base is asked with the words of the policy, whatever its own template would write."""
    import torch
    from transformers import AutoConfig, LlamaForCausalLM

    from harness.policy.respond import log_ratios, sample_policy
    from harness.policy.sampling import Sampling

    folders = {}
    for name, told in (("policy", TOLD), ("base", {})):
        tokenizer = tokenizer_of(template=THINKS)
        tell_template(tokenizer, told)
        folders[name] = checkpoint_of(tokenizer, tmp_path / name)
        torch.manual_seed(0)
        config = AutoConfig.from_pretrained(folders[name], initializer_range=0.5)
        LlamaForCausalLM(config).save_pretrained(folders[name])
    items, drawn = [Item("a", "q")], Sampling(1.0, 8, 0, 2)
    told = sample_policy(folders["policy"], items, drawn, system="x")
    assert told == sample_policy(folders["base"], items, drawn, system="x", template=TOLD)
    assert told != sample_policy(folders["base"], items, drawn, system="x")
    assert log_ratios(folders["policy"], folders["base"], items, told) == [0.0, 0.0]
    with pytest.raises(ConfigError, match="for a policy of your own"):
        respond("m", items, RespondSettings(chat=True, chat_template_kwargs=TOLD))
