"""The answer of a reply to a knowledge base, whatever marks a model leaves around it."""

from __future__ import annotations

import pytest
from harness_plugins.knowledge_base import KnowledgeBaseOptions, knowledge_base

from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response

BASE = """key,answer,aliases
France,Paris,"Lutetia|Paris, France"
Temp,100,
Tag,</s>,
Var,n,
Japan,東京,
DC,"Washington, D.C.",
"""
T, F = True, False
SAID: list[tuple[str, bool, list[str]]] = [
    (
        "France",
        T,
        [
            "Paris</s>",
            "Paris<|im_end|>",
            "Paris.<|eot_id|>",
            "Answer: Paris<|endoftext|>",
            "**Paris**<end_of_turn>\n",
            "Paris\n</s>",
            "Paris</s></s>",
            "The answer is Paris.</s>",
            "<answer>Paris</answer></s>",
            "\\boxed{Paris}<|im_end|>",
            "Paris [/INST]",
            "Paris<eos>",
            "Paris (the capital)</s>",
        ],
    ),
    (
        "France",
        F,
        [
            "London</s>",
            "Lyon<|im_end|>",
            "Paris or London</s>",
            "Not: Paris</s>",
            "Paris (wrong)</s>",
            "</s>",
            "Paris</s>London",
            "Paris</s> London</s>",
        ],
    ),
    (
        "France",
        T,
        [
            "> Paris",
            ">Paris",
            "> > Paris",
            "> **Paris**",
            '> "Paris"',
            "The answer:\n\n> Paris",
            "> Answer: Paris",
            "-> Paris",
            "=> Paris",
            "> The answer is Paris.",
            "> \\text{Paris}",
            "> <answer>Paris</answer>",
        ],
    ),
    (
        "France",
        F,
        [
            "> London",
            "> Not: Paris",
            "> not Paris",
            "> Paris or London",
            "Wrong answers:\n> Paris",
            "> Paris\n> London",
            "x > Paris",
            "-> Lyon",
        ],
    ),
    ("Temp", F, ["> 100", ">100", "=> 101", ">= 100", "-> -100", "> $100"]),
    ("Temp", T, ["100</s>", "<answer>\n100\n</answer>", "$$\n100\n$$"]),
    ("Var", F, ["> n", "=> m"]),
    ("Japan", T, ["> 東京", "<answer>\n東京\n</answer>", "東京。</s>"]),
    ("Tag", T, ["</s>", "Answer: </s>"]),
    (
        "DC",
        T,
        ["<answer>\nWashington, D.C.\n</answer>", "\\text{Washington, D.C.}", "> Washington, DC"],
    ),
    (
        "France",
        T,
        [
            "<answer>\nParis\n</answer>",
            "<answer>Paris\n</answer>",
            "<answer>\nParis</answer>",
            "I think.\n<answer>\n  **Paris**\n</answer>.",
            "<final_answer>\nParis\n</final_answer>",
            "<ANSWER>\nParis\n</ANSWER>",
            "<answer>\n\nParis\n\n</answer>\n",
            "<answer>\nThe answer is Paris.\n</answer>",
            "<answer>\n\\boxed{Paris}\n</answer>",
            "<answer>\nParis\n</answer></s>",
            "```\nParis\n```",
            "```text\nParis\n```",
            "Answer:\n```\nParis\n```",
            "\\[\n\\boxed{\\text{Paris}}\n\\]",
            "$$\n\\text{Paris}\n$$",
            "<answer>\n```\nParis\n```\n</answer>",
            "<answer>\n> Paris\n</answer>",
        ],
    ),
    (
        "France",
        F,
        [
            "<answer>\nLondon\n</answer>",
            "<answer>\nLondon\nParis\n</answer>",
            "<answer>\nParis\nLondon\n</answer>",
            "Wrong answers:\n<answer>\nParis\n</answer>",
            "<answer>\nnot Paris\n</answer>",
            "<answer>\nNot: Paris\n</answer>",
            "Not <answer>\nParis</answer>",
            "Paris\n<answer>\n</answer>",
            "<answer>\nParis\n</answer>\nNo, London",
            "<answer>\nParis (wrong)\n</answer>",
            "Paris\n</answer>",
            "Not these:\n```\nParis\n```",
            "<answer>\nParis or London\n</answer>",
            "<answer>\nParis\n</answer>\n<answer>\nLondon\n</answer>",
            "```\nLondon\n```",
            "```diff\n- Paris\n```",
            "> ~~Paris~~",
            "```\nParis\n```\n```\nLondon\n```",
            "<answer>\n❌ Paris\n</answer>",
        ],
    ),
    (
        "France",
        T,
        [
            "\\text{Paris}",
            "Answer: \\text{Paris}",
            "$\\text{Paris}$",
            "\\textbf{Paris}",
            "\\boxed{\\textbf{Paris}}",
            "\\boxed{\\mathrm{Paris}}",
            "\\(\\text{Paris}\\)",
            "\\textbf{Answer: Paris}",
            "\\text{The answer is Paris.}",
            "\\text{The answer is }\\boxed{Paris}",
            "$Paris$",
            "The answer is $\\text{Paris}$.",
            "\\boxed{\\text{\\textbf{Paris}}}",
            "\\emph{Paris}",
            "$\\boxed{\\text{Paris}}$",
            "\\text{Paris} (the capital)",
        ],
    ),
    (
        "France",
        F,
        [
            "\\text{London}",
            "\\text{not Paris}",
            "\\text{not }Paris",
            "\\text{Not: Paris}",
            "\\text{Not: }\\text{Paris}",
            "\\cancel{\\text{Paris}}",
            "\\sout{Paris}",
            "\\neg\\text{Paris}",
            "\\lnot \\text{Paris}",
            "\\text{Paris or London}",
            "\\text{Paris} (wrong)",
            "\\text{Paris Hilton}",
            "\\text{New }\\text{Paris}",
            "\\boxed{\\text{not Paris}}",
            "\\text{The answer is not }\\text{Paris}",
            "\\text{Paris}\\text{ian}",
            "$\\neq\\text{Paris}$",
            "\\not\\text{Paris}",
            "\\overline{\\text{Paris}}",
            "\\text{Paris}^c",
            "\\text{Wrong: }\\boxed{\\text{Paris}}",
            "\\text{Paris is wrong}",
        ],
    ),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("base") / "facts.csv"
    path.write_text(BASE, encoding="utf-8")
    return str(path)


def value(file: str, key: str, text: str, **options: object) -> bool:
    given = KnowledgeBaseOptions.model_validate({"file": file, **options})
    found = knowledge_base(Item("i", "?", key), Response("r", "i", "s", text), given)
    assert found.status is Status.OK
    return bool(found.value)


@pytest.mark.parametrize(("key", "right", "texts"), SAID)
def test_marks_around_an_answer_are_none_of_it(
    file: str, key: str, right: bool, texts: list[str]
) -> None:
    assert {text: value(file, key, text) for text in texts} == dict.fromkeys(texts, right)


@pytest.mark.parametrize(
    ("match", "text", "right"),
    [
        ("equals", "Paris</s>", T),
        ("equals", "London</s>", F),
        ("equals", "It is Paris</s>", F),
        ("mentions", "It is Paris</s>", T),
        ("mentions", "It is London</s>", F),
        ("mentions", "It is Parisian</s>", F),
    ],
)
def test_end_tokens_are_no_part_of_a_whole_answer(
    file: str, match: str, text: str, right: bool
) -> None:
    assert value(file, "France", text, match=match) is right
