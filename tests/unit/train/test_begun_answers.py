"""Chat templates that begin the answer, or write words before it: nothing is taught twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_tokenizers import CHATML, checkpoint_of, tokenizer_of, tokens, training_of

from harness.policy.answers import Answers
from harness.policy.begun import going_on
from harness.policy.prompts import Continued, Ended, prompt_ids
from harness.policy.templates import tell_template, written

CHAT = [{"role": "user", "content": "q"}]
MULTI = [
    {"role": "user", "content": "p"},
    {"role": "assistant", "content": "<think>\nz\n</think>\n\ny"},
    *CHAT,
]
THOUGHT, TIGHT, HALF = "<think>\nr\n</think>\n\nab", "<think>r</think>ab", "r\n</think>\n\nab"

R1 = (
    "{% for m in messages %}<{{ m.role[0] }}>{{ m.content.split('</think>')[-1] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<a><think>\n{% endif %}"
)
"""Opens a thought, and writes those of messages no more: DeepSeek-R1."""

QWEN = (
    "{% set ns = namespace(last=0) %}{% for m in messages %}{% if m.role == 'user' %}"
    "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
    "{% for m in messages %}<{{ m.role[0] }}>{% set r = '' %}{% set c = m.content %}"
    "{% if '</think>' in c %}{% set r = c.split('</think>')[0].split('<think>')[-1].strip('\n') %}"
    "{% set c = c.split('</think>')[-1].lstrip('\n') %}{% endif %}"
    "{% if m.role == 'assistant' and loop.index0 > ns.last %}<think>\n{{ r }}\n</think>\n\n"
    "{% endif %}{{ c }}<end>\n{% endfor %}"
    "{% if add_generation_prompt %}<a>{% if enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n{% elif open %}<think>\n{% endif %}{% endif %}"
)
"""Writes a thought into the last answer, also where there is none: Qwen3."""

QWEN_OPEN = QWEN.replace("elif open", "elif true")
"""Opens it when it asks: Qwen3 in its kinds that only think."""

CHANNELS = (
    "{% for m in messages %}<|start|>{{ m.role }}{% if m.role == 'assistant' %}{% if m.thinking %}"
    "<|channel|>analysis<|message|>{{ m.thinking }}<|end|><|start|>assistant{% endif %}"
    "<|channel|>final{% endif %}<|message|>{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
"""Channels that the model is to write: gpt-oss."""

ANSWER = (
    "{% for m in messages %}<{{ m.role[0] }}>{{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<a>Answer:{% endif %}"
)
"""Words that it asks with, and does not write into a chat."""

FINAL = "<|channel|>final<|message|>"
NO_THOUGHT = "<think>\n\n</think>\n\n"

# template, answer, what is taught
CASES = [
    (R1, THOUGHT, HALF),
    (R1, TIGHT, "r</think>ab"),
    (R1, HALF, HALF),  # as it was sampled
    (R1, "ab", "\n</think>\n\nab"),
    (QWEN_OPEN, THOUGHT, HALF),
    (QWEN_OPEN, TIGHT, HALF),
    (QWEN_OPEN, HALF, HALF),
    (QWEN_OPEN, "ab", "\n</think>\n\nab"),
    (QWEN, THOUGHT, THOUGHT),
    (QWEN, TIGHT, THOUGHT),
    (QWEN, "ab", f"{NO_THOUGHT}ab"),
    (CHANNELS, "ab", f"{FINAL}ab"),
    (CHANNELS, THOUGHT,
     f"<|channel|>analysis<|message|>r<|end|><|start|>assistant{FINAL}ab"),
    (ANSWER, "Answer: ab", "ab"),
    (ANSWER, "ab", "ab"),
    (ANSWER, "answer: ab", "answer: ab"),
    (CHATML, THOUGHT, THOUGHT),
    (CHATML, " ab ", " ab "),
    (CHATML.replace("<a>", "<a><think>\n"), THOUGHT, HALF),
    (CHATML.replace("<a>", "<a><|channel>thought\n"), "<|channel>thought\nr<channel|>ab",
     "r<channel|>ab"),
    (CHATML.replace("<a>", "<a>[THINK]"), "ab", "\n[/THINK]\n\nab"),
]  # fmt: skip


@pytest.mark.parametrize("chat", [CHAT, MULTI, Ended(MULTI)])
@pytest.mark.parametrize("number", range(len(CASES)))
def test_what_is_taught_is_what_the_template_writes(number: int, chat: Any) -> None:
    template, answer, taught = CASES[number]
    tokenizer = tokenizer_of(template=template)
    found = going_on(tokenizer, chat, answer)
    assert (found if answer == found else found.strip(" ")) == taught
    ends = Answers(tokenizer, [2, 4])
    ids, more = ends.taught(chat, answer)
    assert tokenizer.decode(ids[:-1]) == found and not more
    assert ends.read(chat, answer) == ids
    if template in (QWEN, QWEN_OPEN, CHANNELS):
        whole = written(tokenizer, [*chat, {"role": "assistant", "content": answer}], asks=False)
        asked = tokenizer.decode(prompt_ids(tokenizer, chat))
        if template != CHANNELS or answer == "ab":
            assert whole == asked + found + "<end>" + "\n" * (template != CHANNELS)


def test_a_text_that_the_template_does_not_take_stays_as_it_is() -> None:
    """Where it refuses the chat, or writes other words than the answer's."""
    broken = "{{ raise_exception('no') if messages[-1].role == 'assistant' else 'q' }}"
    shouting = CHATML.replace("m.content", "m.content | upper")
    for template in (broken, shouting):
        assert going_on(tokenizer_of(template=template), CHAT, " ab ") == " ab "


def test_a_prompt_that_begins_the_answer_itself() -> None:
    """A text or a message of the assistant that ends with the mark, and an answer with it."""
    tokenizer = tokenizer_of(template=R1)
    answers = Answers(tokenizer, [2])
    begun = [*CHAT, {"role": "assistant", "content": "<think>\n"}]
    for prompt in (Continued("q<think>\n"), begun):
        assert answers.said(prompt, THOUGHT) == HALF
        assert answers.said(prompt, HALF) == HALF
        assert answers.said(prompt, "r r") == "r r"
    assert answers.said([*CHAT, {"role": "assistant", "content": "so"}], TIGHT) == TIGHT
    assert answers.said("", TIGHT) == TIGHT


def test_a_template_that_is_told_not_to_think_is_answered_without_a_thought() -> None:
    tokenizer = tokenizer_of(template=QWEN)
    tell_template(tokenizer, {"enable_thinking": False})
    assert tokenizer.decode(prompt_ids(tokenizer, CHAT)).endswith("<a>" + NO_THOUGHT)
    assert Answers(tokenizer, [4]).said(CHAT, "ab") == "ab"


def test_all_trainers_are_taught_alike(tmp_path: Path) -> None:
    folder = checkpoint_of(tokenizer_of(template=R1), tmp_path / "model")
    pair = {"prompt": "q", "chosen": THOUGHT, "rejected": "cd"}
    asked, said = "< u > q </s> < a > < t h i n k > \n", "r \n < / t h i n k > \n \n a b </s>"
    sft = training_of(
        "sft", folder, [{"messages": [*CHAT, {"role": "assistant", "content": THOUGHT}]}]
    )
    (row,) = sft.examples()
    assert tokens(sft, row["input_ids"]) == f"{asked} {said}"
    dpo = training_of("dpo", folder, [pair])
    (row,) = dpo.examples()
    assert (tokens(dpo, row["prompt_ids"]), tokens(dpo, row["chosen_ids"])) == (asked, said)
    assert tokens(dpo, row["rejected_ids"]) == "\n < / t h i n k > \n \n c d </s>"
    kto = training_of("kto", folder, [pair])
    assert said in [tokens(kto, one["completion_ids"]) for one in kto.examples()]
    model = training_of("reward_model", folder, [pair], held_out_share=0.0)
    model.divide()
    assert tokens(model, model.parts[0][0]["chosen_ids"]) == f"{asked} {said}"


def test_the_templates_of_known_models_write_no_thought_twice() -> None:
    """Those that TRL has copies of."""
    import trl

    folder = Path(trl.__file__).parent / "chat_templates"
    paths = [path for path in sorted(folder.glob("*.jinja")) if "training" not in path.name]
    assert {"qwen3", "deepseek_r1_distill", "gptoss"} <= {path.stem for path in paths}
    for path in paths:
        tokenizer = tokenizer_of(template=path.read_text(encoding="utf-8"))
        for chat in (CHAT, MULTI):
            asked = written(tokenizer, chat, asks=True)
            asked = asked[asked.rindex("q") :]
            if "nothink" in path.name:  # it has ended the thought
                assert going_on(tokenizer, chat, "ab") == "ab"
                continue
            for answer in (THOUGHT, TIGHT, HALF, "ab"):
                whole = asked + going_on(tokenizer, chat, answer)
                assert whole.endswith("ab")
                assert whole.count("<think>") <= 1 and whole.count("</think>") <= 1
                assert whole.count("<think>") == whole.count("</think>") or answer == HALF
