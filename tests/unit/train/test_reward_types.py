"""Reward functions see the rows as they are, as in TRL: texts stay texts, also for a chat model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.policy.models import load_policy, load_tokenizer
from harness.train.monitor import Monitor

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<{{ m.content }}>{% endfor %}"
    "{% if add_generation_prompt %}:{% endif %}"
)
SETTINGS: dict[str, Any] = {"batch_size": 4, "max_new_tokens": 3, "learning_rate": 1e-4}
EACH = {
    "ppo": {"steps": 1, "rollout_size": 4},
    "grpo": {"steps": 1, "group_size": 2, "warmup_steps": 0},
    "best_of_n": {"n": 2, "warmup_steps": 0},
}


@pytest.fixture(scope="session")
def chat_path(policy_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy policy as a chat model."""
    folder = tmp_path_factory.mktemp("chat")
    tokenizer = load_tokenizer(policy_path)
    tokenizer.chat_template = TEMPLATE
    load_policy(policy_path).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("trainer", EACH)
@pytest.mark.parametrize("form", ["text", "messages"])
def test_prompts_and_completions_have_the_form_of_the_rows(
    trainer: str, form: str, chat_path: Path, tmp_path: Path
) -> None:
    prompts: list[Any] = [f"What is {a}+3?" for a in range(4)]
    if form == "messages":
        prompts = [[{"role": "user", "content": text}] for text in prompts]
    seen: list[tuple[Any, Any]] = []

    def reward(prompts: Any, completions: Any, **_: Any) -> list[float]:
        seen.extend(zip(prompts, completions, strict=True))
        return [float(i) for i in range(len(prompts))]

    trained_by(
        trainer, chat_path, [{"prompt": p} for p in prompts], SETTINGS | EACH[trainer],
        tmp_path / "out", {"r": reward}, monitor=Monitor([{"prompt": prompts[0]}], {"r": reward}),
    )  # fmt: skip
    assert len(seen) > 4
    assert all(prompt in prompts for prompt, _ in seen)
    for _, completion in seen:
        if form == "text":
            assert isinstance(completion, str)
        else:
            assert [message["role"] for message in completion] == ["assistant"]
            assert isinstance(completion[0]["content"], str)
