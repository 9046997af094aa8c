"""Verifiers judge the answer of a response, not what was thought before it; by option the whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.arithmetic_steps import arithmetic_steps
from harness_plugins.exact_match import exact_match
from harness_plugins.json_schema import json_schema
from harness_plugins.knowledge_base import knowledge_base
from harness_plugins.last_number import last_number
from harness_plugins.math_verify import math_verify
from harness_plugins.python_code import python_code
from harness_plugins.regex_format import regex_format
from harness_plugins.simulated_people import SIMULATED_PEOPLE
from pydantic import BaseModel

from harness.feedback.contract import Limits, RunContext, SourceFactory
from harness.feedback.requests import criterion_for
from harness.judging.revision import Revising, revise, sft_rows
from harness.nouns.errors import PluginError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Constitution, Criterion, Principle
from harness.nouns.scale import PREFERENCE
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response
from harness.plugin import verifier
from harness.policy.respond import ask_model
from harness.policy.sampling import Sampling
from harness.sandbox import Sandbox, WorkerPool
from harness.testing import FakeChat, check_source
from harness.testing.conformance import ConformanceError

OK, ABSTAINED = Status.OK, Status.ABSTAINED
SCHEMA = {"type": "object", "required": ["a"]}
TESTS = {"entry_point": "add", "tests": [{"args": [1, 2], "expected": 3}]}
RIGHT_CODE = "```python\ndef add(a, b):\n    return a + b\n```"
WRONG_CODE = "```python\ndef add(a, b):\n    return a - b\n```"


@pytest.fixture(scope="module")
def ctx() -> Iterator[RunContext]:
    with WorkerPool(1) as workers, Sandbox(1) as sandbox:
        yield RunContext(None, workers, sandbox, limits=Limits(timeout_s=20.0))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def capitals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kb") / "capitals.csv"
    path.write_text("key,answer\nFrance,Paris\n")
    return path


def judged(
    ctx: RunContext, factory: SourceFactory, reference: Any, text: str, **options: Any
) -> Judgment:
    source = factory.build(options)
    request = JudgmentRequest(
        "r", Item("i", "", reference), (Response("r", "i", "s", text),), criterion_for(source.info)
    )

    async def run() -> list[Judgment]:
        return [j async for j in source.annotate([request], ctx)]

    (judgment,) = asyncio.run(run())
    return judgment


# Each: the verifier, the reference, a right answer, a wrong one, options.
CASES: dict[str, tuple[SourceFactory, Any, str, str, dict[str, Any]]] = {
    "exact_match": (exact_match, "42", "42", "41", {}),
    "last_number": (last_number, "42", "It is 42", "It is 41", {}),
    "math_verify": (math_verify, "42", "The answer is \\boxed{42}.", "\\boxed{41}", {}),
    "python_code": (python_code, TESTS, RIGHT_CODE, WRONG_CODE, {}),
    "json_schema": (json_schema, SCHEMA, '{"a": 1}', '{"b": 1}', {}),
    "json_schema, fenced": (
        json_schema, SCHEMA, '```json\n{"a": 1}\n```', '```json\n{"b": 1}\n```',
        {"where": "fenced"},
    ),
    "regex_format": (
        regex_format, None, "<answer>1</answer>", "1", {"pattern": "<answer>.*</answer>"},
    ),
    "arithmetic_steps": (arithmetic_steps, None, "1 + 1 = 2", "1 + 1 = 3", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize(
    "form", ["<think>\n{}\n</think>\n\n", "{}\n</think>\n", "[THINK]{}[/THINK]"]
)
def test_the_answer_decides_and_not_the_thought(ctx: RunContext, case: Any, form: str) -> None:
    factory, reference, right, wrong, options = case
    for thought, answer, value in ((wrong, right, True), (right, wrong, False)):
        judgment = judged(ctx, factory, reference, form.format(thought) + answer, **options)
        assert (judgment.verdict.status, judgment.verdict.value) == (OK, value), judgment.verdict
        assert "unfinished" not in judgment.metadata


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_response_that_ends_inside_its_thought_is_wrong(ctx: RunContext, case: Any) -> None:
    factory, reference, right, _, options = case
    verdict = judged(ctx, factory, reference, f"<think>\n{right}", **options).verdict
    if factory is arithmetic_steps:  # without a step there is nothing to score
        assert verdict.status is ABSTAINED
        return
    assert (verdict.status, verdict.value) == (OK, False)
    assert "inside its thought" in verdict.rationale


def test_an_answer_that_must_not_hold_something_is_none_without_an_answer(ctx: RunContext) -> None:
    """An empty answer holds no forbidden word; a policy that only thinks earns nothing by it."""
    forbidding = {"pattern": "as an AI", "match": "anywhere", "forbidden": True}
    for text, value in (
        ("<think>as an AI I must not say it</think>Hello", True),
        ("<think>hm</think>as an AI", False),
        ("<think>hm", False),
    ):
        assert judged(ctx, regex_format, None, text, **forbidding).verdict.value is value
    unfinished = judged(ctx, regex_format, None, "<think>hm", **forbidding)
    assert unfinished.metadata["unfinished"] is True


def test_what_cannot_be_checked_stays_an_abstention(ctx: RunContext) -> None:
    for text in ("<think>42</think>42", "<think>42"):
        assert judged(ctx, exact_match, None, text).verdict.status is ABSTAINED
        assert judged(ctx, math_verify, None, text).verdict.status is not OK


def test_the_whole_text_is_judged_where_it_is_asked_for(ctx: RunContext) -> None:
    text = "<think>a</think><answer>1</answer>"
    pattern = {"pattern": "<think>.*</think><answer>.*</answer>"}
    assert judged(ctx, regex_format, None, text, **pattern, reads="whole").verdict.value is True
    assert judged(ctx, regex_format, None, text, **pattern, reads="answer").verdict.value is False
    assert judged(ctx, last_number, "1", "<think>1", reads="whole").verdict.value is True


def test_a_text_that_only_names_the_mark_loses_nothing(ctx: RunContext) -> None:
    program = "```python\ndef add(a, b):\n    return a + b if '<think>' else '</think>'\n```"
    assert judged(ctx, python_code, TESTS, program).verdict.value is True
    assert judged(ctx, exact_match, "Use `<think>`.", "Use `<think>`.").verdict.value is True


def test_reads_is_part_of_who_the_source_is() -> None:
    plain, whole = exact_match.build(), exact_match.build({"reads": "whole"})
    assert exact_match.build({"reads": "answer"}).info == plain.info
    assert plain.info.identity != whole.info.identity
    assert whole.info.version == f"{plain.info.version}+whole"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reads": "all"}, "reads of source regex_format is 'all'"),
        ({"reads": True}, "reads of source regex_format is True"),
        ({"reads": ["answer"]}, "not answer or whole"),
        ({"pattern": "<think>.*"}, "pattern of source regex_format looks for a thought"),
        ({"pattern": ".*</reasoning>"}, "looks for a thought"),
        ({"read": "whole"}, "read: unknown option"),
    ],
)
def test_an_unclear_choice_is_refused_and_the_hint_says_what_there_is(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(PluginError) as caught:
        regex_format.build({"pattern": "x", **options})
    assert words in str(caught.value) and "reads" in str(caught.value)


class Own(BaseModel):
    """Options that take the name away."""

    reads: str = ""


def test_no_verifier_has_an_option_of_the_same_name() -> None:
    with pytest.raises(PluginError, match="reads"):
        verifier(name="x", version="1", options=Own)


def test_a_fact_is_looked_up_for_the_answer(ctx: RunContext, capitals: Path) -> None:
    options = {"file": str(capitals), "aliases": ""}
    for text, value in (
        ("<think>Answer: Rome</think>Answer: Paris", True),
        ("<think>Answer: Paris</think>Answer: Rome", False),
        ("<think>Answer: Paris", False),
    ):
        assert judged(ctx, knowledge_base, "France", text, **options).verdict.value is value


@verifier(name="third_party", version="1")
async def third_party(item: Item, response: Response) -> bool:
    """Says whether it sees a thought."""
    return "think" not in response.text


@verifier(name="third_party_labels", version="1", scale=PREFERENCE)
async def broken(item: Item, response: Response) -> None:
    """Abstains."""


def test_a_verifier_of_third_parties_sees_the_answer_alone(ctx: RunContext) -> None:
    assert judged(ctx, third_party, "1", "<think>1</think>1").verdict.value is True
    assert judged(ctx, third_party, "1", "<think>1</think>1", reads="whole").verdict.value is False
    unfinished = judged(ctx, third_party, "1", "<think>1").verdict
    assert (unfinished.status, unfinished.value) == (OK, False)
    assert judged(ctx, broken, "1", "<think>1").verdict.status is ABSTAINED


def test_the_kit_finds_a_verifier_that_judges_thoughts() -> None:
    check_source(third_party)
    honest = exact_match.build()

    def build(name: str, options: Any) -> Any:
        return exact_match.build({"reads": "whole"}, name)

    assert honest
    by_hand = SourceFactory("by_hand", "1", "verifier", build, summary="x")
    with pytest.raises(ConformanceError, match="thinks before its answer"):
        check_source(by_hand)


def test_simulated_people_read_the_answer() -> None:
    source = SIMULATED_PEOPLE.build({"skip": 0.0, "correctness": 100.0})
    texts = "<think>41</think>It is 42", "<think>42</think>It is 41"
    request = JudgmentRequest(
        "r",
        Item("i", "", "42"),
        tuple(Response(f"r{n}", "i", "s", text) for n, text in enumerate(texts)),
        Criterion("better", "is better", PREFERENCE),
    )

    async def run(asked: JudgmentRequest) -> list[Any]:
        return [j.verdict.value async for j in source.annotate([asked], None)]  # type: ignore[arg-type]

    assert asyncio.run(run(request)) == ["A"] * 3
    cut = replace(request.responses[0], text="<think>It is 42")
    plain = replace(request.responses[1], text="It is 41")
    assert asyncio.run(run(replace(request, responses=(cut, plain)))) == ["TIE"] * 3


KIND = Principle("p", "is kind", critique="Criticise.", revision="Revise.")
RULES = Constitution("c", "1", (KIND,), "")


def revised(answer: Any, text: str) -> Any:
    item, response = Item("i", "q"), Response("r", "i", "s", text)
    chat = FakeChat(answer)
    (chain,) = asyncio.run(revise(chat, [item], [response], Revising(RULES, "m")))
    return chain, chat.requests


def test_a_revision_holds_no_thought() -> None:
    answers = ["<think>hm</think>\n\nIt is rude.", "<think>so</think>\n\nPlease wait."]
    chain, requests = revised(answers, "<think>secret</think>Wait!")
    assert chain.text == "Please wait." and chain.steps[0].critique == "It is rude."
    assert sft_rows([chain]) == [{"prompt": "q", "completion": "Please wait."}]
    told = " ".join(m["content"] for request in requests for m in request.messages)
    assert "secret" not in told and "hm" not in told.split()


def test_a_revision_that_repeats_the_answer_is_none() -> None:
    chain, _ = revised(["Fine.", "Wait!"], "<think>secret</think>Wait!")
    assert not chain.changed and chain.status is OK


@pytest.mark.parametrize(
    ("answers", "text"), [(["x", "y"], "<think>cut"), (["It is rude.", "<think>cut"], "Wait!")]
)
def test_a_chain_with_a_cut_thought_is_a_failure(answers: list[str], text: str) -> None:
    chain, _ = revised(answers, text)
    assert chain.status is Status.UNPARSEABLE and "inside its thought" in chain.reason
    assert sft_rows([chain]) == []


def test_a_chat_model_answers_without_its_thoughts_which_are_kept_beside() -> None:
    sampling = Sampling(1.0, 16, 0, 1)
    for said, text, thoughts in (("<think>a</think>b", "b", "a"), ("b", "b", None)):
        (response,) = asyncio.run(ask_model(FakeChat(said), "m", [Item("i", "q")], sampling))
        assert response.text == text and response.metadata.get("thoughts") == thoughts
    (response,) = asyncio.run(ask_model(FakeChat("<think>a"), "m", [Item("i", "q")], sampling))
    assert response.text == "" and response.metadata["status"] == "unparseable"
