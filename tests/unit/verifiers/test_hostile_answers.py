"""An answer that cannot be checked is wrong, soon; what is wrong with an item is an error."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from harness_plugins import math_formulas, math_size, math_verdicts
from harness_plugins.json_schema import json_schema
from harness_plugins.math_verify import math_verify

from harness.feedback.contract import Limits, RunContext
from harness.nouns.errors import ConfigError
from harness.nouns.outcomes import Status, WorkOutcome
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, UNIT
from harness.nouns.schema import Item, JudgmentRequest, Response, Verdict
from harness.plugin import verifier
from harness.sandbox import WorkerPool
from harness.testing import fake_context

OK, ERROR = Status.OK, Status.ERROR


@pytest.fixture(scope="module")
def ctx() -> Iterator[RunContext]:
    with WorkerPool(1) as workers:
        yield RunContext(None, workers, None, limits=Limits(timeout_s=100.0))  # type: ignore[arg-type]


def judge(
    ctx: RunContext, factory: Any, reference: Any, *texts: str, **options: Any
) -> list[tuple[Status, Any, str]]:
    """The verdicts on some responses to one item, in one batch."""
    item = Item("i", "", reference)
    requests = [
        JudgmentRequest(
            str(n), item, (Response(str(n), "i", "s", text),), Criterion("correct", "c", BINARY)
        )
        for n, text in enumerate(texts)
    ]

    async def run() -> list[tuple[Status, Any, str]]:
        source = factory.build(options)
        verdicts = [judgment.verdict async for judgment in source.annotate(requests, ctx)]
        return [(v.status, v.value, v.rationale) for v in verdicts]

    return asyncio.run(run())


TOO_LARGE = [
    "9**9**9**9",
    "10**10**10",
    "$9^{9^{9^{9}}}$",
    r"\boxed{9^{9^{9^9}}}",
    r"\boxed{10^{10^{10}}}",
    r"\boxed{(10^{9})!}",
    r"\boxed{((5!)!)!}",
    r"\boxed{10!!!}",
    r"\boxed{10000000000000000000!}",
    r"\boxed{\binom{10^9}{10^8}}",
    r"\boxed{2^{10^{12}}}",
    r"\boxed{2^{2^{2^{2^{2^{2}}}}}}",
    r"\boxed{\sqrt[1000000000]{10^{10^9}}}",
    r"\boxed{\Gamma(10^{10})}",
    r"\boxed{\sin(10^{10^{10}})}",
    r"\boxed{10^{-10^{10}}}",
    r"\boxed{\frac{1}{9^{9^9}}}",
    r"\boxed{\frac{10^{9}!}{(10^{9}-1)!}}",
    r"\boxed{123456789^{987654321}}",
    r"\boxed{\lfloor 9^{9^9}/7 \rfloor}",
    r"\boxed{x = 9^{9^{9^9}}}",
    r"\boxed{[0, 9^{9^9}]}",
    r"\boxed{(x+1)^{10^6}}",
    r"\boxed{7^{1000000}}",
]


def test_an_answer_too_large_to_evaluate_is_wrong_before_it_is_evaluated(
    ctx: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text, (status, value, reason) in zip(
        TOO_LARGE, judge(ctx, math_verify, "12", *TOO_LARGE), strict=True
    ):
        assert (status, value) == (OK, False), text
        assert reason.startswith("answer: too large to evaluate: "), (text, reason)
    evaluated: list[Any] = []
    monkeypatch.setattr(math_verdicts, "equal", lambda *a: evaluated.append(a))
    inline = fake_context()
    assert judge(inline, math_verify, "12", "9**9**9**9")[0][1] is False
    assert evaluated == []


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("12", "12"),
        ("1", r"\boxed{1^{1000}}"),
        ("1024", r"\boxed{2^{10}}"),
        ("$2^{1000}$", r"\boxed{2^{1000}}"),
        ("120", r"\boxed{5!}"),
        ("10", r"\boxed{\binom{5}{2}}"),
        (r"\frac{1}{1024}", r"\boxed{2^{-10}}"),
        ("2", r"\boxed{\sqrt[3]{8}}"),
        ("1000000", r"\boxed{10^6}"),
        ("$x^{1000000}$", r"\boxed{x^{1000000}}"),
        ("0", r"\boxed{0^{1000000}}"),
        ("1", r"\boxed{1^{10^{10}}}"),
        ("$(x+1)^{5}$", r"\boxed{(1+x)^5}"),
        ("9**9**9**9", "9**9**9**9"),  # as it is written
        ("$10^{10^{10}}$", r"\boxed{10^{10^{10}}}"),
    ],
)
def test_ordinary_and_equally_large_answers_stay_right(
    ctx: RunContext, reference: str, answer: str
) -> None:
    assert judge(ctx, math_verify, reference, answer)[0][:2] == (OK, True)


SLOW = [
    r"\boxed{\sum_{k=1}^{10^9} \frac{1}{k^2+1}}",
    r"\boxed{\prod_{k=1}^{10^9} k}",
    r"\boxed{\int_0^{10^9} e^{x^2}\sin(x^x) dx}",
    r"\boxed{" + "(" * 3000 + "1" + ")" * 3000 + "}",
    r"\boxed{" + r"\frac{1}{1+" * 400 + "1" + "}" * 400 + "}",
    r"\boxed{(a+b+c+d+e)^{200}}",
    r"\boxed{\{" + ",".join(map(str, range(20000))) + r"\}}",
    r"\boxed{" + "+".join(f"x_{i}^2" for i in range(2000)) + "}",
    r"\boxed{" + "-" * 5000 + "1}",
    r"\boxed{" + "2^" * 500 + "2}",
]


@pytest.mark.parametrize("answers", [pytest.param(SLOW, marks=pytest.mark.slow), SLOW[:1]])
def test_an_answer_that_takes_too_long_is_wrong_and_the_next_is_judged(
    ctx: RunContext, answers: list[str]
) -> None:
    *verdicts, last = judge(ctx, math_verify, "12", *answers, "12")
    assert last[:2] == (OK, True)
    for status, value, reason in verdicts:
        assert (status, value) == (OK, False)
        assert reason.startswith(("cannot be verified: ", "format: no one answer can be read: "))


def test_a_reference_that_takes_too_long_is_an_error(ctx: RunContext) -> None:
    ((status, value, reason),) = judge(ctx, math_verify, "9**9**9**9", "12")
    assert (status, value) == (ERROR, None)
    assert reason == "the item cannot be verified: used more than 2 s of processor time"


WARM = """
import sys
from harness_plugins import math_verify as m
from harness.nouns.schema import Item, Response
m.warm_up()
before = set(sys.modules)
for reference, text in [
    ("$F_n = \\\\sum_{k=0}^{n-1} F_k F_{n-k-1}$", "$F_n = \\\\sum_{k=0}^{n-1} F_{n-k-1} F_k$"),
    ("$\\\\int_0^1 x^3 dx$", "$1/4$"),
    ("$\\\\sin^2 x + y$", "$y + 1 - \\\\cos^2 x$"),
    ("$\\\\sqrt{2}+\\\\sqrt{3}$", "$\\\\sqrt{5+2\\\\sqrt{6}}$"),
]:
    one = Item("i", "", reference), Response("r", "i", "s", text)
    assert m.math_verify.function(*one, m.MathOptions()).value, text
print(len([name for name in set(sys.modules) - before if name.startswith("sympy")]))
"""


def test_no_answer_pays_for_what_sympy_loads_late() -> None:
    """Its second and a half, once for each process, made a right answer an error now and then."""
    said = subprocess.run([sys.executable, "-c", WARM], capture_output=True, text=True, check=True)
    assert int(said.stdout) <= 2


# -- JSON ---------------------------------------------------------------------------------------

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REMOTE: list[dict[str, Any]] = [
    {"$ref": "http://127.0.0.1:9/x"},
    {"$ref": "https://127.0.0.1/x.json"},
    {"$ref": "file:///etc/passwd"},
    {"$ref": "ftp://127.0.0.1/x"},
    {"$ref": "other.json"},
    {"$ref": "//127.0.0.1/x"},
    {"$ref": "data:application/json,{}"},
    {"$ref": "urn:uuid:1"},
    {"$ref": "http://[bad"},
    {"$id": "http://127.0.0.1/root", "$ref": "child.json"},
    {"$dynamicRef": "http://127.0.0.1/x#a"},
    {"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveRef": "http://[::1]"},
    {"$schema": "http://127.0.0.1/meta", "type": "object"},
    {"$schema": "file:///etc/passwd"},
    {"$schema": 5},
    {"properties": {"a": {"items": {"anyOf": [{"$ref": "http://127.0.0.1"}]}}}},
    {"$defs": {"unused": {"$ref": "http://127.0.0.1"}}},
    {"dependentSchemas": {"a": {"$ref": "http://127.0.0.1"}}},
    {"$ref": "#/$defs/none"},
    {"$ref": "#nowhere"},
]
ALONE: list[dict[str, Any]] = [
    {"const": {"$ref": "http://127.0.0.1"}},
    {"$ref": DRAFT},
    {"$ref": "http://json-schema.org/draft-07/schema#"},
    {"$schema": DRAFT, "$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
    {"$id": "http://me.example/r", "$defs": {"a": {"$id": "a.json"}}, "$ref": "a.json"},
    {"$anchor": "x", "properties": {"a": {"$ref": "#x"}}},
    {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"},
    {"$dynamicAnchor": "n", "properties": {"a": {"$dynamicRef": "#n"}}},
]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    tried: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        tried.append(arguments)
        raise OSError("there is no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield
    assert tried == []


@pytest.mark.usefixtures("no_network")
def test_a_schema_that_refers_to_anything_else_is_an_error_and_fetches_nothing() -> None:
    inline = fake_context()
    for schema in REMOTE:
        ((status, value, reason),) = judge(inline, json_schema, schema, '{"a": 1}')
        assert (status, value) == (ERROR, None), schema
        assert reason.startswith("the schema "), reason
        with pytest.raises(ConfigError, match=r"the schema .*\n.*under \$defs"):
            json_schema.build({"json_schema": schema}).check(inline)
    hidden = {"$ref": "#/components/x", "components": {"x": {"$ref": "http://127.0.0.1"}}}
    assert judge(inline, json_schema, hidden, "1")[0][0] is ERROR


@pytest.mark.usefixtures("no_network")
def test_a_schema_that_stands_alone_is_taken() -> None:
    inline = fake_context()
    for schema in ALONE:
        ((status, value, reason),) = judge(inline, json_schema, schema, '{"a": {}}')
        assert (status, value) == (OK, "const" not in schema), (schema, reason)
        json_schema.build({"json_schema": schema}).check(inline)


def test_a_document_that_takes_too_long_is_wrong(ctx: RunContext) -> None:
    slow = '"' + "a" * 40 + '!"'
    deep = "[" * 900 + "]" * 900
    found = judge(ctx, json_schema, {"pattern": "^(a+)+$", "items": {"$ref": "#"}}, slow, deep, "1")
    assert [verdict[:2] for verdict in found] == [(OK, False), (OK, False), (OK, True)]
    ((status, _, reason),) = judge(ctx, json_schema, {"$ref": "#"}, "1")
    assert status is ERROR
    assert reason.startswith("the item cannot be verified: RecursionError")


# -- the rule -----------------------------------------------------------------------------------


class Answers:
    """Workers that say what they are told to for each text."""

    def __init__(self, **by_text: WorkOutcome) -> None:
        self.by_text = by_text
        self.asked: list[str] = []
        self.bounds: dict[str, Any] = {}

    async def run(
        self, function: str, batch: Any, timeout_s: float, **bounds: Any
    ) -> list[WorkOutcome]:
        self.bounds = bounds
        texts = [response.text for _, response, *_ in batch]
        self.asked += texts
        return [self.by_text["zero" if text == "0" else text] for text in texts]


def prepare() -> None:
    """Nothing."""


@verifier(name="bounded", version="1", cpu_s=2.0, preload=prepare)
def bounded(item: Item, response: Response) -> bool:
    return True


@verifier(name="bounded_share", version="1", cpu_s=2.0, scale=UNIT)
def bounded_share(item: Item, response: Response) -> float:
    return 1.0


@verifier(name="plain", version="1")
def plain(item: Item, response: Response) -> bool:
    return True


SPENT = WorkOutcome(Status.TIMEOUT, reason="slow", spent=True)
LATE = WorkOutcome(Status.TIMEOUT, reason="late")
RIGHT = WorkOutcome(OK, True)


@pytest.mark.parametrize(
    ("zero", "verdict"),
    [
        (RIGHT, (OK, False, "cannot be verified: slow")),
        (WorkOutcome(OK, False), (OK, False, "cannot be verified: slow")),
        (WorkOutcome(OK, None), (ERROR, None, "the item cannot be verified: cannot be checked")),
        (
            WorkOutcome(OK, Verdict(ERROR, rationale="bad item")),
            (ERROR, None, "the item cannot be verified: bad item"),
        ),
        (SPENT, (ERROR, None, "the item cannot be verified: slow")),
        (LATE, (ERROR, None, "the item cannot be verified: late")),
    ],
)
def test_who_is_to_blame_is_asked_of_another_response(zero: WorkOutcome, verdict: Any) -> None:
    workers = Answers(good=RIGHT, bomb=SPENT, late=LATE, zero=zero)
    ctx = fake_context(workers=workers)
    found = judge(ctx, bounded, None, "good", "bomb", "late")
    assert found == [(OK, True, ""), verdict, (Status.TIMEOUT, None, "late")]
    assert workers.asked == ["good", "bomb", "late", "0"]
    assert workers.bounds == {"cpu_s": 2.0, "preload": f"{__name__}:prepare"}


def test_the_value_of_what_cannot_be_verified_is_one_of_its_scale() -> None:
    ctx = fake_context(workers=Answers(bomb=SPENT, zero=WorkOutcome(OK, 0.5)))
    ((_, value, _),) = judge(ctx, bounded_share, None, "bomb")
    assert (value, type(value)) == (0.0, float)


def test_a_verifier_without_a_limit_of_its_own_blames_nobody() -> None:
    workers = Answers(bomb=SPENT)
    ctx = fake_context(workers=workers)
    assert judge(ctx, plain, None, "bomb") == [(Status.TIMEOUT, None, "slow")]
    assert (workers.asked, workers.bounds) == (["bomb"], {})


def test_a_look_at_an_answer_is_bounded_itself() -> None:
    began = time.process_time()
    for text in ("9**" * 200 + "9", r"\boxed{" + "9^{" * 60 + "9" + "}" * 60 + "}", "9" * 4000):
        value = math_formulas.formula(text)
        if value is not None:
            math_size.too_large(value)
    assert time.process_time() - began < 20
