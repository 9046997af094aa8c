"""Chat templates are given what they read; a message that they leave out is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_tokenizers import CHATML, checkpoint_of, tokenizer_of

from harness.nouns.errors import DataError, InputError
from harness.policy.answers import answers_of
from harness.policy.prompts import prompt_ids
from harness.policy.templates import written
from harness.train.trainers import trainer_class

SAYS = "{% for m in messages %}{{ m.role }}:"
SMOL = (
    SAYS + "{% if m.content[0]['type'] == 'image' %}!{% endif %}"
    "{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}"
    "</s>;{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)
"""SmolVLM's, but for its spaces."""

FIRST = SAYS + "{{ m.content[0].text + ';' }}{% endfor %}"
EITHER = (
    SAYS + "{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for part in m.content %}({{ part.text }}){% endfor %}{% endif %};{% endfor %}"
)
MIXED = SAYS + (
    "{% if m.role == 'user' %}{{ m.content[0].text }}{% else %}{{ m.content }}{% endif %};"
    "{% endfor %}"
)
LAST = "{{ messages[-1].content }};"
SOME = "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}"
SHORT = SAYS + "{{ m.content[:4] }};{% endfor %}"
NONE = "system:user:a"
USERS = "{% for m in messages if m.role == 'user' %}{{ m.content }};{% endfor %}"
THINKS = SAYS + "{{ m.content.split('</think>')[-1] }};{% endfor %}"
REFUSES = "{% for m in messages %}{{ raise_exception('no chats') }}{% endfor %}"


def shown_by(filters: str) -> str:
    """Return a template that writes each text in another form."""
    return SAYS + "{{ m.content | " + filters + " }};{% endfor %}"


ASKED = {"role": "user", "content": "Use r"}
CHAT = [{"role": "system", "content": 'a\n"B" & <c>'}, ASKED]
PLAIN = 'system:a\n"B" & <c>;user:Use r;'
NO_SYSTEM = "leaves out the system message"


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        (SMOL, 'system:a\n"B" & <c></s>;user:Use r</s>;assistant:'),
        *((one, PLAIN) for one in (FIRST, EITHER, MIXED, shown_by("trim"))),
        (shown_by("tojson"), 'system:"a\\n\\"B\\" & <c>";user:"Use r";'),
        (shown_by("e"), "system:a\n&#34;B&#34; &amp; &lt;c&gt;;user:Use r;"),
        (shown_by("replace('\\n', ' ')"), 'system:a "B" & <c>;user:Use r;'),
        (shown_by("upper"), 'system:A\n"B" & <C>;user:USE R;'),
        *((one, NO_SYSTEM) for one in (LAST, SOME, SHORT, NONE)),
    ],
)
def test_a_template_gets_texts_in_the_form_that_it_reads(template: str, wanted: str) -> None:
    tokenizer = tokenizer_of(template=template)
    if wanted == NO_SYSTEM:
        with pytest.raises(InputError, match=wanted):
            prompt_ids(tokenizer, CHAT)
    else:
        assert written(tokenizer, CHAT, asks=True) == wanted
        assert tokenizer.decode(prompt_ids(tokenizer, CHAT)) == wanted


HELD = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "er"}]
CALLS = {"role": "assistant", "content": "I look", "tool_calls": [{"name": "f"}]}
TOOL = {"role": "tool", "content": "7"}


@pytest.mark.parametrize(
    ("template", "chat", "lost"),
    [
        (NONE, "a", "leaves out the user message 'a'"),
        (SMOL, "a", ""),
        (LAST, "r", ""),
        (LAST, [*HELD, ASKED], "leaves out the user message 'one'"),
        (USERS, [*HELD, ASKED], "leaves out the assistant message 'er'"),
        (USERS, [HELD[0], CALLS, TOOL, ASKED], ""),
        (SMOL, [HELD[0], CALLS, TOOL, ASKED], ""),
        (THINKS, [HELD[0], {**HELD[1], "content": "<think>hm</think>er"}, ASKED], ""),
        (SMOL, [{**HELD[0], "content": ""}, ASKED], ""),
        (REFUSES, "a", "refuses the chat: no chats"),
    ],
)
def test_no_message_is_lost_without_a_word(template: str, chat: Any, lost: str) -> None:
    tokenizer = tokenizer_of(template=template)
    if lost:
        with pytest.raises(InputError, match=lost):
            prompt_ids(tokenizer, chat)
    else:
        assert (chat if isinstance(chat, str) else "Use r") in tokenizer.decode(
            prompt_ids(tokenizer, chat)
        )


def test_the_form_is_that_of_the_template_of_now() -> None:
    tokenizer = tokenizer_of(template=SMOL)
    assert written(tokenizer, [ASKED], asks=False) == "user:Use r</s>;"
    tokenizer.chat_template = SAYS + "{{ m.content }}|{% endfor %}"
    assert written(tokenizer, [ASKED], asks=False) == "user:Use r|"


def test_answers_of_a_template_of_parts_end_as_its_turns_do(tmp_path: Path) -> None:
    template = SMOL.replace("</s>", "<end>")
    folder = checkpoint_of(tokenizer_of(template=template), tmp_path / "model", [2, 4])
    assert answers_of(folder, tokenizer_of(template=template)).end([ASKED]) == 4


HALF = "q\ud800"
HALVES: list[tuple[str, dict[str, Any], str]] = [
    ("sft", {"prompt": HALF, "completion": "x"}, "'prompt' is no UTF-8: it has .ud800, half"),
    ("sft", {"prompt": "q", "completion": "\udfff"}, "'completion' is no UTF-8: it has .udfff"),
    ("sft", {"prompt": [{**ASKED, "content": "\ud83d\ude00"}], "completion": "x"}, "'prompt'"),
    ("sft", {"text": HALF}, "'completion'"),
    ("sft", {"messages": [ASKED, {"role": "assistant", "content": HALF}]}, "'completion'"),
    ("sft", {"system": HALF, "prompt": "q", "completion": "x"}, "'prompt'"),
    ("dpo", {"prompt": "q", "chosen": "a", "rejected": HALF}, "'rejected'"),
    ("kto", {"prompt": "q", "completion": HALF, "label": False}, "'completion'"),
    ("reward_model", {"prompt": "q", "chosen": HALF, "rejected": "a"}, "'chosen'"),
    ("grpo", {"prompt": HALF}, "'prompt'"),
    ("ppo", {"prompt": HALF}, "'prompt'"),
]


@pytest.mark.parametrize(("trainer", "row", "told"), HALVES)
def test_half_a_character_is_an_error_of_its_row(
    trainer: str, row: dict[str, Any], told: str
) -> None:
    """No tokenizer takes it; rows of a program may have it."""
    right = {key: "é" if isinstance(value, str) else value for key, value in row.items()}
    if "messages" in row or not isinstance(row.get("prompt", ""), str):
        right = {"prompt": "é", "completion": "é"}
    with pytest.raises(DataError, match=told) as wrong:
        trainer_class(trainer).plain_rows([right, row])
    assert "row 2" in str(wrong.value)


def test_plain_templates_are_as_they_were() -> None:
    tokenizer = tokenizer_of(template=CHATML, first="<s>")
    assert written(tokenizer, [ASKED], asks=True) == "<s><u>Use r<end>\n<a>"
