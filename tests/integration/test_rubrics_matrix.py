"""Every rubric in every way of asking: a judge that obeys, a server that keeps its limit."""

from __future__ import annotations

import asyncio
import itertools
import math

import pytest
from obedient_judge import Obedient, ObedientLocal, ObedientServer

from harness.chat import Client
from harness.feedback.annotate import annotate
from harness.nouns.errors import ConfigError, HarnessError, PluginError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, JudgmentRequest, Response
from harness.registry import find_rubric, registry
from harness.testing import fake_context
from harness.testing.samples import QUALITY

SHIPPED = ("helpfulness", "harmlessness", "honesty", "code_quality", "friendliness")
MIXED = """
id: mixed
kind: rubric
version: 1
criteria:
  - {id: accuracy, weight: 3, text: What it states is true.}
  - id: tone
    text: It is polite.
    scale: {level: ordinal, labels: ["1", "2", "3"]}
  - id: safe
    text: Nobody is hurt by it.
    scale: {level: nominal, labels: ["false", "true"]}
  - id: style
    weight: 2
    text: It is well written.
    scale: {level: ordinal, labels: [very poor, poor, fair, good, very good]}
"""
NUMBERS = """
  - id: share
    text: The share of its claims that have a source.
    scale: {level: interval, low: 0, high: 1}
  - id: percent
    text: How much of the question it answers.
    scale: {level: ratio, low: 0, high: 100}
"""
RUBRICS = (*SHIPPED, "mixed", "numbers")
WAYS = {"pointwise": 1, "pairwise": 2, "listwise": 4}
TEXTS = ("The first one.", "Another text.", "A third of them.", "What is last.")
CRITERIA = ("together", "one_by_one")
TEMPLATES = ("standard", "question", "brief")
THOUGHTS = (False, True, "steps")
MODEL = "hosted_vllm/obedient"


@pytest.fixture(scope="module")
def rubrics(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rubrics")
    (folder / "mixed.yaml").write_text(MIXED)
    (folder / "numbers.yaml").write_text(MIXED.replace("mixed", "numbers").rstrip() + NUMBERS)
    own = {name: str(folder / f"{name}.yaml") for name in ("mixed", "numbers")}
    return {name: own.get(name, name) for name in RUBRICS}


def worth_of(rubric):
    """Every criterion likes the responses in their order, some of them less than others."""
    worth = {
        c.text: {text: (1.0 - i % 2 * 0.25) - j * 0.25 for j, text in enumerate(TEXTS)}
        for i, c in enumerate(rubric.criteria)
    }
    for example in rubric.examples:
        for c in rubric.criteria:
            worth[c.text] |= dict.fromkeys(example.responses, 0.5)
    return worth


def requests_of(way):
    item = Item("i", "What is to be said about it?")
    count = WAYS[way]
    groups = [TEXTS[:count]] if count > 1 else [(text,) for text in TEXTS[:2]]
    return [
        JudgmentRequest(
            f"r{n}",
            item,
            tuple(Response(text, "i", "s", text) for text in texts),
            QUALITY,
        )
        for n, texts in enumerate(groups)
    ]


def right(rubric, way, text):
    """What is to be read of a request: of a pair the first, of a list its order."""
    if way != "pointwise":
        return "A" if way == "pairwise" else TEXTS
    worth, values = worth_of(rubric), []
    for c in rubric.criteria:
        u = worth[c.text][text]
        values.append(
            (u >= 0.5)
            if c.scale.is_binary
            else c.scale.labels[round(u * (len(c.scale.labels) - 1))]
            if c.scale.labels
            else c.scale.low + u * (c.scale.high - c.scale.low)
        )
    if len(values) == 1:
        return values[0]
    units = [c.weight * c.scale.to_unit(v) for c, v in zip(rubric.criteria, values, strict=True)]
    return pytest.approx(math.fsum(units) / sum(c.weight for c in rubric.criteria))


def refused(options, rubric, way):
    """The words of the error beforehand, where there is to be one."""
    if options["templates"] == ["brief"] and options["chain_of_thought"]:
        return "brief"
    if options["soft"] and options["structured"]:
        return "soft"
    if options["soft"] and way == "pointwise" and rubric.id == "numbers":
        return "soft"
    return None


def asked(rubric):
    for criteria, template, thought, structured, soft in itertools.product(
        CRITERIA, TEMPLATES, THOUGHTS, (False, True), (None, True)
    ):
        yield {
            "rubric": rubric,
            "criteria": criteria,
            "templates": [template],
            "chain_of_thought": thought,
            "structured": structured,
            "soft": soft,
        }


async def judged(options, way, chat):
    """Return the rows, or the error beforehand."""
    try:
        source = registry().source("llm_judge").build(options, "judge")
        return await annotate(source, requests_of(way), fake_context(chat))
    except HarnessError as error:
        return error


def wrong(found, options, rubric, way):
    """Return what is wrong with what was found, None where it is right."""
    words = refused(options, rubric, way)
    if isinstance(found, HarnessError) or words:
        fits = isinstance(found, ConfigError | PluginError) and words is not None
        return None if fits and words in str(found) and found.hint else repr(found)
    by_id = {request.id: request.responses[0].text for request in requests_of(way)}
    for row in found:
        verdict = row.verdict
        if verdict.status is not Status.OK:
            return f"{verdict.status}: {verdict.rationale}"
        if verdict.value != right(rubric, way, by_id[row.request_id]):
            return f"{verdict.value!r} for {right(rubric, way, by_id[row.request_id])!r}"
        single = way == "pairwise" or len(rubric.criteria) == 1
        if options["soft"] and way != "listwise" and single and verdict.probability is None:
            return "no probability"
    return None if len(found) == (1 if way == "listwise" else 2) else f"{len(found)} rows"


async def sweep(rubric, path, way, chat, model=None):
    wanted = list(asked(path))
    found = [await judged({**model, **options}, way, chat) for options in wanted]
    return [
        (told, {k: v for k, v in options.items() if v})
        for options, rows in zip(wanted, found, strict=True)
        if (told := wrong(rows, options, rubric, way))
    ]


SLOW = pytest.mark.slow
KEPT = ("helpfulness", "mixed", "numbers")
FIRST = [name if name in KEPT else pytest.param(name, marks=SLOW) for name in RUBRICS]


ASKED = [
    pytest.param(pretty, name, way, marks=() if name in KEPT and pretty else SLOW)
    for pretty in (True, False)
    for n, name in enumerate(RUBRICS)
    for m, way in enumerate(WAYS)
    if name in KEPT or pretty is ((n + m) % 2 == 0)
]
"""Those that are kept in both layouts, the others in one or the other by turns."""


@pytest.mark.parametrize(("pretty", "name", "way"), ASKED)
def test_every_rubric_is_read_in_every_way_of_asking(name, way, pretty, rubrics):
    rubric = find_rubric(rubrics[name])
    judge = Obedient(worth_of(rubric), pretty)

    async def go(server):
        async with Client(None) as chat:
            model = {"model": MODEL, "api_base": server.base_url}
            return await sweep(rubric, rubrics[name], way, chat, model)

    with ObedientServer(judge) as server:
        assert not asyncio.run(go(server))
    assert not judge.complaints


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FIRST)
def test_every_rubric_is_read_in_every_way_of_asking_the_model_in_this_process(name, way, rubrics):
    rubric = find_rubric(rubrics[name])
    judge = Obedient(worth_of(rubric))
    wrongs = asyncio.run(
        sweep(rubric, rubrics[name], way, ObedientLocal(judge), {"model": "local/obedient"})
    )
    assert not wrongs
    assert not judge.complaints


@pytest.mark.parametrize(
    "way", ["pointwise", *(pytest.param(way, marks=SLOW) for way in ("pairwise", "listwise"))]
)
def test_every_way_of_asking_is_read_through_litellm(way, rubrics):
    rubric = find_rubric(rubrics["mixed"])
    judge = Obedient(worth_of(rubric))

    async def go(server):
        async with Client(None, transport="litellm") as chat:
            model = {"model": MODEL, "api_base": server.base_url}
            return await sweep(rubric, rubrics["mixed"], way, chat, model)

    with ObedientServer(judge) as server:
        assert not asyncio.run(go(server))
    assert not judge.complaints


@pytest.mark.parametrize("local", [False, True])
def test_a_constitution_is_read_in_every_way_of_asking(local):
    better = {text: 1.0 - n * 0.25 for n, text in enumerate(TEXTS)}
    judge = Obedient({"Which response is better by this?": better})
    rows = []

    async def go(server, chat):
        name = {"model": "local/obedient" if local else MODEL, "api_base": server.base_url}
        for options in asked("house"):
            given = {k: v for k, v in options.items() if k not in ("rubric", "criteria")}
            if options["criteria"] == "one_by_one":  # it has one
                continue
            try:
                source = registry().source("constitution").build({**name, **given}, "judge")
            except PluginError:
                assert refused(options, find_rubric("friendliness"), "pairwise")
                continue
            rows.extend(await annotate(source, requests_of("pairwise"), fake_context(chat)))

    async def connected(server):
        async with Client(None) as chat:
            await go(server, ObedientLocal(judge) if local else chat)

    with ObedientServer(judge) as server:
        asyncio.run(connected(server))
    assert len(rows) == 2 * 21 and {row.verdict.value for row in rows} == {"A"}
    assert not judge.complaints
