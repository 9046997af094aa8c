"""GRPO in environments asks with the house's tokens, which are TRL's wherever TRL is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="the extra train is not installed")

from odd_tokenizers import checkpoint_of, tokenizer_of, tokens_of, training_of
from trl import GRPOTrainer
from trl.chat_template_utils import (
    get_training_chat_template,
    is_chat_template_prefix_preserving,
    supports_tool_calling,
)

from harness.nouns.errors import ConfigError
from harness.policy.prompts import prompt_ids
from harness.train.own_tokens import EnvironmentsGrpoTrainer, check_environments

CHAT = [{"role": "user", "content": "q"}]
MULTI = [{"role": "user", "content": "p"}, {"role": "assistant", "content": "y"}, *CHAT]
TOOLS = (
    "{% for t in tools or [] %}{{ t.function.name }};{% endfor %}"
    "{% for m in messages %}<{{ m.role[0] }}>{{ m.content or '' }}"
    "{% for c in m.tool_calls or [] %}[{{ c.function.name }}{{ c.function.arguments | tojson }}]"
    "{% endfor %}</s>{% endfor %}{% if add_generation_prompt %}<a>{% endif %}"
)


def look(what: str) -> str:
    """Look at something.

    Args:
        what: It.
    """
    return what


def trainer_of(template: str) -> Any:
    """A trainer of TRL in as far as it makes tokens, with one environment of one tool."""
    made = object.__new__(EnvironmentsGrpoTrainer)
    tokenizer = tokenizer_of(template=template)
    made.processing_class = made._tokenizer = tokenizer
    made._is_vlm, made.chat_template_kwargs, made.tools = False, {}, [look]
    made.environment_factories, made._env_tools = {None: look}, {None: [look]}
    whole = is_chat_template_prefix_preserving(tokenizer)
    made.chat_template = None if whole else get_training_chat_template(tokenizer)
    made._batch_environments = [None, None]
    return made


def test_known_templates_write_what_trl_writes() -> None:
    """But for Qwen3's earlier turns, where TRL has a template that nobody is asked with later."""
    import trl

    seen = set()
    for path in sorted((Path(trl.__file__).parent / "chat_templates").glob("*.jinja")):
        text = path.read_text(encoding="utf-8")
        if "training" in path.name or not supports_tool_calling(tokenizer_of(template=text)):
            continue
        made = trainer_of(text)
        ours = made._tokenize_prompts([CHAT, MULTI])[0]
        theirs = GRPOTrainer._tokenize_prompts(made, [CHAT, MULTI])[0]
        assert ours[0] == theirs[0]
        assert (ours[1] == theirs[1]) is (made.chat_template is None)
        if path.stem == "deepseekv3":  # it cannot write a call
            with pytest.raises(ConfigError, match=r"what look returns .* concatenate"):
                check_environments(made, {None: CHAT})
            continue
        assert ours[0] != prompt_ids(made.processing_class, CHAT)  # it tells of the tools
        check_environments(made, {None: MULTI})
        seen.add(path.stem)
    assert {"qwen3", "llama3_1", "gptoss", "glm4moe"} <= seen


def test_prompts_are_those_of_the_house() -> None:
    """An answer that is begun goes on, and a template that reads parts gets parts."""
    made = trainer_of(TOOLS)
    begun = [*CHAT, {"role": "assistant", "content": "y"}]
    ours = made._tokenize_prompts([begun, CHAT])[0]
    assert tokens_of(made.processing_class, ours[0]) == "l o o k ; < u > q </s> < a > y"
    assert tokens_of(made.processing_class, ours[1]) == "l o o k ; < u > q </s> < a >"
    parts = TOOLS.replace("m.content or ''", "m.content[0].text if m.content else ''")
    made = trainer_of(TOOLS)
    made.processing_class = tokenizer_of(template=parts)
    assert made._tokenize_prompts([CHAT, CHAT])[0] == [ours[1]] * 2
    shown = [{"role": "user", "content": [{"type": "text", "text": "q"}]}]
    assert made._tokenize_prompts([shown, shown])[0] == [ours[1]] * 2


@pytest.mark.parametrize(
    "template",
    [
        TOOLS.replace("</s>", "{{ loop.length }}</s>"),  # other words in a longer chat
        TOOLS.replace("<{{ m.role[0] }}>", "{% if m.role != 'tool' %}<{{ m.role[0] }}>{% endif %}")
        .replace("m.content or ''", "m.content or '' if m.role != 'tool' else '' "),
    ],
)  # fmt: skip
def test_what_a_tool_returns_stands_where_the_template_writes_it(template: str) -> None:
    check_environments(trainer_of(TOOLS), {None: MULTI})
    with pytest.raises(ConfigError, match="what look returns would not stand") as wrong:
        made = trainer_of(TOOLS)
        made.processing_class = made._tokenizer = tokenizer_of(template=template)
        check_environments(made, {None: MULTI})
    assert "chat template" in wrong.value.hint


def test_what_trl_refuses_of_environments_is_one_error(tmp_path: Path) -> None:
    folder = checkpoint_of(tokenizer_of(template=TOOLS), tmp_path / "model")
    training = training_of("grpo", folder, [{"prompt": CHAT}], batch_size=8)
    training.environment_factory = object
    with (
        pytest.raises(ConfigError, match="TRL refuses them: no tools"),
        training._in_environments(),
    ):
        raise ValueError("no tools")
    training.environment_factory = None
    with pytest.raises(ValueError, match="other"), training._in_environments():
        raise ValueError("other")
