"""What judges are asked to write: examples of the same kind, each scale, room for all of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from obedient_judge import pieces

from harness.judging.answer_form import (
    REASONS,
    Asking,
    describe_scale,
    most_tokens,
    response_format,
)
from harness.judging.templates import BRIEF, QUESTION, STANDARD, TEMPLATES, messages_for
from harness.nouns.errors import ConfigError, PluginError, RubricError
from harness.nouns.rubric import Criterion, Example, load_rubric
from harness.nouns.scale import BINARY, UNIT, Scale
from harness.nouns.schema import Item, JudgmentRequest, Response
from harness.registry import find_rubric, registry
from harness.testing import FakeChat, fake_context, sample_requests

FIVE = Scale("ordinal", ("1", "2", "3", "4", "5"))
MIXED = (
    Criterion("accuracy", "It is true.", FIVE),
    Criterion("tone", "It is polite.", Scale("ordinal", ("1", "2", "3"))),
    Criterion("safe", "Nobody is hurt.", BINARY),
    Criterion("style", "It reads well.", Scale("ordinal", ("very poor", "fair", "very good"))),
    Criterion("share", "Claims with a source.", UNIT),
    Criterion("percent", "What it covers.", Scale("ratio", low=0, high=100)),
)
ONE = Example(
    "p", ("x",), "", "why", {"accuracy": "4", "tone": "3", "safe": "true", "style": "fair",
                             "share": "0.5", "percent": "80"},
)  # fmt: skip
PAIR = Example("p", ("x", "y"), "B", "why", {c.id: "A" for c in MIXED})
LIST = Example("p", ("x", "y", "z"), "C > A > B", "why")
RUBRICS = ("helpfulness", "harmlessness", "honesty", "code_quality")


def request_of(count):
    responses = tuple(Response(str(n), "i", "s", f"text {n}") for n in range(count))
    return JudgmentRequest("r", Item("i", "p"), responses, MIXED[0])


def answers(template, count, **asked):
    asked.setdefault("examples", (ONE, PAIR, LIST))
    chat = messages_for(template, request_of(count), Asking(asked.pop("criteria", MIXED), **asked))
    return [message["content"] for message in chat if message["role"] == "assistant"]


LINES = "accuracy: 4\ntone: 3\nsafe: true\nstyle: fair\nshare: 0.5\npercent: 80"
OBJECT = {
    "accuracy": "4", "tone": "3", "safe": True, "style": "fair", "share": 0.5, "percent": 80,
}  # fmt: skip


@pytest.mark.parametrize("template", [STANDARD, QUESTION])
def test_an_example_has_the_form_that_is_asked_for(template):
    assert answers(template, 1) == [LINES]
    assert answers(template, 2) == ["Verdict: B"]
    assert answers(template, 3) == ["Ranking: C > A > B"]
    assert answers(template, 1, reasoning="brief") == [f"why\n\n{LINES}"]
    for reasoning in ("none", "steps"):
        why = {} if reasoning == "none" else {"reasoning": "why"}
        asked = {"structured": True, "reasoning": reasoning}
        found = [json.loads(answers(template, count, **asked)[0]) for count in (1, 2, 3)]
        assert found == [
            why | OBJECT,
            why | {"verdict": "B"},
            why | {"ranking": ["C", "A", "B"]},
        ]


def test_the_short_template_has_examples_of_its_own_form():
    assert answers(BRIEF, 1) == [LINES]
    assert answers(BRIEF, 2) == ["B"]
    assert answers(BRIEF, 3) == ["C > A > B"]
    assert [json.loads(said) for said in answers(BRIEF, 1, structured=True)] == [OBJECT]


@pytest.mark.parametrize(
    ("count", "asked"),
    [
        (1, {"examples": (PAIR, LIST)}),
        (2, {"examples": (ONE, LIST)}),
        (4, {"examples": (ONE, PAIR, LIST)}),
        (1, {"examples": (replace(ONE, by_criterion={}, verdict="4"),)}),  # one value for six
        (1, {"examples": (replace(ONE, rationale=""),), "reasoning": "brief"}),
    ],
)
def test_an_example_that_says_too_little_is_not_shown(count, asked):
    assert answers(STANDARD, count, **asked) == []


def shown_to(options, way):
    chat = FakeChat("nothing")
    source = registry().source("llm_judge").build({"model": "openai/m", **options})
    import asyncio

    from harness.feedback.annotate import annotate

    asyncio.run(annotate(source, sample_requests(way)[:1], fake_context(chat)))
    return [
        [m["content"] for m in request.messages if m["role"] == "assistant"]
        for request in chat.requests
    ]


@pytest.mark.parametrize("rubric", RUBRICS)
def test_shipped_rubrics_show_single_responses_examples_of_single_responses(rubric):
    criteria = find_rubric(rubric).criteria
    (together,) = shown_to({"rubric": rubric}, "pointwise")
    assert len(together) == 2
    for said in together:
        assert [line.split(":")[0] for line in said.splitlines()] == [c.id for c in criteria]
    examples = [e for e in find_rubric(rubric).examples if len(e.responses) == 1]
    # By itself, each criterion has its own value (the first call fails, and the rest is not made).
    (alone,) = shown_to({"rubric": rubric, "criteria": "one_by_one"}, "pointwise")
    assert alone == [f"Rating: {e.by_criterion[criteria[0].id]}" for e in examples]
    (last,) = shown_to({"rubric": rubric, "criterion": criteria[-1].id}, "pointwise")
    assert last == [f"Rating: {e.by_criterion[criteria[-1].id]}" for e in examples]


def test_a_verdict_on_the_whole_is_not_shown_as_one_on_a_criterion():
    pairs = [e for e in find_rubric("helpfulness").examples if len(e.responses) == 2]
    for shown in shown_to({"criterion": "clarity"}, "pairwise"):
        assert shown == [f"Verdict: {e.by_criterion['clarity']}" for e in pairs]
        assert shown != [f"Verdict: {e.verdict}" for e in pairs]
    assert replace(pairs[0], by_criterion={}).on("clarity") is None


def test_each_criterion_shows_its_own_scale():
    for template in TEMPLATES.values():
        chat = messages_for(template, request_of(1), Asking(MIXED))
        text = chat[-1]["content"]
        places = [(text.index(c.text), c) for c in MIXED]
        for (start, criterion), (end, _) in zip(
            places, [*places[1:], (len(text), None)], strict=False
        ):
            assert describe_scale(criterion.scale) in text[start:end]


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (Scale("interval"), "a number; higher is better"),
        (Scale("interval", low=0), "a number, 0 or more; higher is better"),
        (Scale("interval", high=5), "a number, 5 at most; higher is better"),
        (Scale("nominal", ("x", "y")), "one of x, y"),
    ],
)
def test_scales_without_bounds_or_order_have_words(scale, words):
    assert describe_scale(scale) == words


ASKED = [
    Asking(MIXED),
    Asking(MIXED[:1]),
    Asking(MIXED[3:4]),
    Asking(tuple(Criterion(f"a_rather_long_name_{n}", "x", FIVE) for n in range(12))),
    Asking((Criterion("c", "x", Scale("ordinal", ("zu nichts zu gebrauchen", "très bien"))),)),
    Asking(
        (
            Criterion(
                "c",
                "x",
                Scale("ordinal", ("不好", "很好很好很好很好很好")),
            ),
        )
    ),
]


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("asking", ASKED, ids=range(len(ASKED)))
def test_there_is_room_for_the_longest_verdict(asking, structured):
    asking = replace(asking, structured=structured)
    value = {c.id: max(c.scale.labels, key=len) if c.scale.labels else 33.333333
             for c in asking.criteria}  # fmt: skip
    said = {"pointwise": value, "pairwise": {"verdict": "TIE"}}
    said["listwise"] = {"ranking": list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
    lines = {"pointwise": "\n".join(f"**{name}:** {v}" for name, v in value.items())}
    lines |= {"pairwise": "**Verdict: TIE**"}
    lines["listwise"] = "**Ranking:** " + " > ".join(said["listwise"]["ranking"])
    for way, count in (("pointwise", 1), ("pairwise", 2), ("listwise", 26)):
        text = f"```json\n{json.dumps(said[way], indent=4)}\n```" if structured else lines[way]
        most = most_tokens(asking, way, count)
        assert len(pieces(text)) <= most <= 32 + len(json.dumps(said[way])) * 2
        reasoned = most_tokens(replace(asking, reasoning="brief"), way, count)
        assert reasoned >= most + REASONS


def test_the_shortest_answers_cost_what_they_did_and_an_option_overrides():
    for template, way in (("standard", "pairwise"), ("brief", "pointwise")):
        options = {"templates": [template], "rubric": "friendliness"}
        for given, most in ({}, 16), ({"max_tokens": 5}, 5):
            source = registry().source("llm_judge").build({"model": "openai/m", **options, **given})
            calls = list(source.planned(sample_requests(way), fake_context(FakeChat())))
            assert {call.max_tokens for call in calls} == {most}


def test_a_criterion_named_as_a_field_of_ours_has_its_own_field():
    criteria = (replace(MIXED[0], id="Reasoning"), replace(MIXED[1], id="rationale"))
    shape = response_format(Asking(criteria, reasoning="brief"), "pointwise", 1)
    fields = shape["json_schema"]["schema"]["properties"]
    assert list(fields) == ["explanation", "Reasoning", "rationale"]


RUBRIC = """
id: own
kind: rubric
version: 1
criteria:
  - {id: task, text: It is done.}
  - {id: share, text: Sources., scale: {level: interval, low: 0, high: 1}}
examples:
  - {prompt: p, responses: [x, y], verdict: A}
  - EXAMPLE
"""


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ("responses: [x], verdict: B", "examples.1. is 'B'.*a value by each criterion"),
        ("responses: [x], verdict: 4", "a value by each criterion"),
        ('responses: [x], by_criterion: {task: B, share: 0}', "by_criterion.task .*is 'B'.*scale"),
        ('responses: [x], by_criterion: {task: 6, share: 0}', "is '6', but .*1/2/3/4/5"),
        ('responses: [x], by_criterion: {task: 5, share: 2}', "share of examples.1. is '2'"),
        ('responses: [x], by_criterion: {task: 5, share: much}', "is 'much'"),
        ('responses: [x], by_criterion: {task: 5, share: .nan}', "is 'nan'"),
        ('responses: [x], by_criterion: {task: 5}', "by_criterion of examples.1. misses share"),
        ('responses: [x], by_criterion: {task: 5, shape: 1}', "unknown key shape in by_criterion"),
        ('responses: [x], by_criterion: [5, 1]', "by_criterion of examples.1. must be a mapping"),
        ('responses: [x], by_criterion: {task: yes, share: 1}', "must be text, got True"),
        ("responses: [x]", "examples.1. misses verdict"),
        ("responses: [x, y], verdict: C", "is 'C', but two responses get A, B or TIE"),
        ("responses: [x, y], verdict: tie", "is 'tie'"),
        ("responses: [x, y], verdict: 4", "is '4'"),
        ("responses: [x, y], verdict: A, by_criterion: {task: 5, share: A}", "task .*is '5'"),
        ("responses: [x, y, z], verdict: A", "all letters, best first, such as A > B > C"),
        ("responses: [x, y, z], verdict: A > B", "is 'A > B'"),
        ("responses: [x, y, z], verdict: A > B > B", "is 'A > B > B'"),
        ("responses: [x, y, z], verdict: A > B > C > D", "is 'A > B > C > D'"),
    ],
)  # fmt: skip
def test_an_example_that_no_judge_may_answer_so_is_an_error_with_its_place(
    tmp_path, example, words
):
    path = tmp_path / "own.yaml"
    path.write_text(RUBRIC.replace("EXAMPLE", f"{{prompt: p, {example}}}"))
    with pytest.raises(RubricError, match=words) as caught:
        load_rubric(path)
    assert "own.yaml" in str(caught.value)


@pytest.mark.parametrize(
    "example",
    [
        'responses: [x], by_criterion: {task: "5", share: 0.25}',
        "responses: [x, y], verdict: TIE, by_criterion: {task: A, share: B}",
        "responses: [x, y, z], verdict: C > A > B",
        "responses: [x, y], by_criterion: {task: A, share: B}",
    ],
)
def test_a_rubric_may_hold_examples_of_each_kind(tmp_path, example):
    path = tmp_path / "own.yaml"
    path.write_text(RUBRIC.replace("EXAMPLE", f"{{prompt: p, {example}}}"))
    assert len(load_rubric(path).examples) == 2


NOMINAL = RUBRIC.replace("- EXAMPLE", "").replace(
    "level: interval, low: 0, high: 1", "level: nominal, labels: [prose, verse]"
)


@pytest.mark.parametrize(
    ("rubric", "options", "words"),
    [
        (RUBRIC.replace("- EXAMPLE", ""), {"soft": True}, "soft: the scale of 'share'"),
        (NOMINAL, {}, "'share' cannot be weighed with others"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_the_first_call(tmp_path, rubric, options, words):
    import asyncio

    from harness.feedback.annotate import annotate

    (tmp_path / "own.yaml").write_text(rubric)
    chat = FakeChat("task: 4\nshare: 1")
    options = {"model": "openai/m", "rubric": str(tmp_path / "own.yaml"), **options}
    source = registry().source("llm_judge").build(options)
    for call in (
        lambda: asyncio.run(annotate(source, sample_requests("pointwise"), fake_context(chat))),
        lambda: list(source.planned(sample_requests("pointwise"), fake_context(chat))),
    ):
        with pytest.raises(ConfigError, match=words) as caught:
            call()
        assert caught.value.hint
    assert not chat.requests
    asyncio.run(annotate(source, sample_requests("pairwise"), fake_context(chat)))
    assert chat.requests


@pytest.mark.parametrize("thought", [True, "steps"])
def test_reasons_are_not_asked_for_where_only_the_verdict_is(thought):
    with pytest.raises(PluginError, match="needs another one, such as standard"):
        registry().source("llm_judge").build(
            {"model": "m", "templates": ["brief"], "chain_of_thought": thought}
        )


def test_the_rubric_of_the_page_is_one_and_its_figures_are_right(repo_root, tmp_path):
    text = (repo_root / "docs" / "judges.md").read_text(encoding="utf-8")
    path = tmp_path / "page.yaml"
    path.write_text(text.split("```text\n")[1].split("```")[0])
    rubric = load_rubric(path)
    assert [len(example.responses) for example in rubric.examples] == [1, 2]
    asking = Asking(find_rubric("harmlessness").criteria)
    assert f"{most_tokens(asking, 'pointwise', 1)} for the lines of\n`harmlessness`" in text
