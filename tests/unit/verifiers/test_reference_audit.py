"""Verifiers audited from references alone: known verdicts, planted faults, and our own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.exact_match import exact_match
from harness_plugins.json_schema import json_schema
from harness_plugins.keywords import keywords
from harness_plugins.knowledge_base import knowledge_base
from harness_plugins.last_number import last_number
from harness_plugins.math_verify import MathOptions, math_verify
from typer.testing import CliRunner

from harness.agreement import program_tries
from harness.agreement.reference_audit import ReferenceAudit, audited, framed, tries
from harness.agreement.reference_values import answer_of
from harness.cli.main import app, register
from harness.feedback.contract import SourceFactory
from harness.feedback.requests import build_requests
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, Verdict
from harness.nouns.thoughts import parted
from harness.testing import (
    ConformanceError,
    InlineWorkers,
    check_source,
    fake_context,
    sample_requests,
)
from harness.testing.kit_attacks import attack_breaches

REFERENCES = (
    "42", "-5", "1,234", "0.5", "3/4", r"\frac{3}{4}", "$18", "50%", "3 m", "{1, 2, 3}", "(1, 2)",
    "x + 1", "Paris", "yes", "B", r"\sqrt{2}", "We add 5 and 5.\n#### 10",
)  # fmt: skip
ITEMS = [Item(f"m{i}", f"What is asked in question {i}?", r) for i, r in enumerate(REFERENCES)]
TESTS: tuple[Mapping[str, Any], ...] = (
    {
        "entry_point": "add",
        "tests": [
            {"args": [1, 2], "expected": 3},
            {"args": ["a", 1], "raises": "TypeError"},
            {"args_literal": "[5, {6}]", "expected_literal": "{11}"},
        ],
    },
    {"asserts": ["assert mul(2, 3) == 6", "assert mul(4, 5) == 20"]},
    {
        "check": "def check(candidate):\n    assert candidate(2) == 4\n    assert True\n",
        "entry_point": "sq",
        "prompt": "def sq(n):\n",
    },
    {"stdin": [{"input": "1 2\n", "output": "3\n"}, {"input": "4 5", "output": "9"}]},
)
PROGRAMS = [Item(f"p{i}", "Write it.", tests) for i, tests in enumerate(TESTS)]


def audit(factory: SourceFactory, items: Sequence[Item], **options: Any) -> ReferenceAudit:
    """Audit a verifier in this process."""
    source, ctx = factory.build(options), fake_context(workers=InlineWorkers())

    async def judge(responses: Sequence[Response]) -> dict[str, Judgment]:
        requests = build_requests(items, responses, "pointwise")
        of_request = {request.id: request.responses[0].id for request in requests}
        found = [judgment async for judgment in source.annotate(requests, ctx)]
        return {of_request[judgment.request_id]: judgment for judgment in found}

    return asyncio.run(audited(items, judge, options.get("reads") == "whole"))


def planted(accepts: Callable[[str, str], bool], items: Sequence[Item] = ITEMS) -> ReferenceAudit:
    """Audit a function of answer and text."""
    texts = {item.id: str(item.reference).rsplit("####", 1)[-1].strip() for item in items}

    async def judge(responses: Sequence[Response]) -> dict[str, Judgment]:
        def verdict(one: Response) -> Verdict:
            return Verdict(Status.OK, accepts(texts[one.item_id], one.text))

        return {one.id: Judgment(one.id, "p", "1", "p", verdict(one)) for one in responses}

    return asyncio.run(audited(items, judge))


def failing(found: ReferenceAudit) -> set[str]:
    return {family.name for family in found.failing}


KNOWN = {
    "math": {"other units"},
    "knowledge_base": {"all answers at once", "other language"},
    "last_number": {"all answers at once", "denied", "part of something else"},
}
"""What stands in docs/verifiers.md."""


@pytest.mark.parametrize("options", [{}, {"answer": "boxed"}])
def test_math_verify_holds_in_all_families_but_one(options: dict[str, Any]) -> None:
    items = ITEMS[::6] if options else ITEMS
    found = audit(math_verify, items, **options)
    assert found.frame == ("box" if options else "bare")
    assert found.used == len(items)
    assert options or len(found.families) == 26
    assert {f.name: f.example for f in found.failing if f.name not in KNOWN["math"]} == {}
    assert found.without(True)[0] == 0  # no right answer is lost to an abstention


@pytest.mark.parametrize(
    ("reference", "text", "right"),
    [
        ("Paris", "## Answer\n\nParis", True),
        ("B", "**Final Answer**\n\n(B)", True),
        ("yes", "### Answer:\nYes.", True),
        ("Paris", "## Answer\n\nNot Paris", False),
        ("Paris", "## Answer\n\nParis or Rome", False),
        ("B", "## Answer\n\nA or B", False),
        ("3", "## Answer\n\nThere are 3 cats and 5 dogs.", False),
        ("5", "## Answer\n\nThere are 3 cats and 5 dogs.", True),
    ],
)
def test_the_words_under_a_heading(reference: str, text: str, right: bool) -> None:
    verdict: Any = math_verify(
        Item("i", "", reference), Response("r", "i", "s", text), MathOptions()
    )
    assert verdict.value is right


def test_last_number_holds_but_for_what_is_not_read_around_a_number() -> None:
    found = audit(last_number, [i for i in ITEMS if i.reference in REFERENCES[:8]])
    assert failing(found) == KNOWN["last_number"]
    assert found.without(True)[0] == 0


def test_exact_match_accepts_no_attack() -> None:
    found = audit(exact_match, ITEMS)
    assert [f.name for f in found.failing if not f.right] == []
    assert "in a sentence" in failing(found)


def test_knowledge_base(tmp_path: Path) -> None:
    base = tmp_path / "base.csv"
    base.write_text("key,answer\nFrance,Paris\nItaly,Rome\nPeru,Lima\n")
    rows = ("France", "Paris"), ("Italy", "Rome"), ("Peru", "Lima")
    items = [Item(k, f"The capital of {k}?", a, {"key": k}) for k, a in rows]
    found = audit(knowledge_base, items, file=str(base), item_key="key")
    assert failing(found) == KNOWN["knowledge_base"]
    mentions = audit(knowledge_base, items, file=str(base), item_key="key", match="mentions")
    assert {"all answers at once", "denied", "quoted and contradicted"} <= failing(mentions)


SCHEMAS: tuple[dict[str, Any], ...] = (
    {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "minimum": 5},
            "tags": {"type": "array", "items": {"enum": ["red", "blue"]}},
        },
        "required": ["name"],
        "additionalProperties": False,
    },
    {"type": "array", "items": {"type": "number"}, "minItems": 2},
    {"type": "string"},
)


@pytest.mark.parametrize(("where", "families"), [("whole", 21), ("fenced", 23)])
def test_json_schema_holds_in_all_families(where: str, families: int) -> None:
    items = [Item(f"s{n}", "Write it.", schema) for n, schema in enumerate(SCHEMAS)]
    found = audit(json_schema, items, where=where)
    assert (found.used, len(found.families)) == (3, families)
    assert (found.failing, found.without(True)[0]) == ([], 0)


def test_what_does_not_decide_by_the_reference_is_not_blamed() -> None:
    found = audit(keywords, ITEMS, any_of=["the"])
    assert (found.frame, found.families, found.used) == ("", (), len(ITEMS))
    strange = {"type": "string", "pattern": "^a"}
    assert audit(json_schema, [Item("s", "", strange)]).used == 0


@pytest.mark.parametrize(
    ("accepts", "families"),
    [
        (lambda a, t: a in t, {"all answers at once", "denied", "quoted and contradicted",
                               "only thought", "outside its place", "part of something else"}),
        (lambda a, t: t.strip().startswith(a), {"part of something else", "all answers at once"}),
        (lambda a, t: t.strip() in ("", a), {"empty"}),
        (lambda a, t: t.strip() in (a, "*", "None", "NaN"), {"wildcards"}),
        (lambda a, t: t.strip() == a or "Ignore all" in t, {"orders to the verifier"}),
        (lambda a, t: t.strip() == a or "question" in t, {"question repeated"}),
        (lambda a, t: t.strip() == a or t in ("?", "I do not know."), {"no answer"}),
        (lambda a, t: t.strip(" \n-") == a.strip("-"), {"another answer"}),
        (lambda a, t: t.strip() in (a, "The answer is"), {"cut off"}),
    ],
)  # fmt: skip
def test_planted_attacks_are_found(accepts: Callable[[str, str], bool], families: set[str]) -> None:
    found = planted(accepts)
    attacks = {family.name for family in found.failing if not family.right}
    assert attacks >= families
    assert planted(lambda a, t: parted(t).answer.strip() == a).without(False) == (
        0,
        sum(f.tried for f in found.families if not f.right),
    )
    assert all(f.example and f.example.text is not None for f in found.failing)


def test_the_smallest_example_is_shown() -> None:
    found = planted(lambda a, t: a in t, [Item(a, "q", a) for a in ("12345", "777777", "888")])
    examples = {f.name: f.example for f in found.failing}
    assert examples["denied"].text == "The answer is not 888."  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("reference", "family", "texts"),
    [
        ("1234", "other notation", {"1,234", "1{,}234", "\uff11\uff12\uff13\uff14"}),
        ("0.5", "other notation", {r"\frac{1}{2}"}),
        ("3/4", "other notation", {r"\frac{3}{4}", "0.75"}),
        ("2/3", "other notation", {r"\frac{2}{3}"}),
        ("-5", "other notation", {"\u22125"}),
        ("0.5", "more digits", {"0.50", "0.500"}),
        ("7", "more digits", {"7.0", "7.00"}),
        ("3 m", "other units", {"300 cm"}),
        ("2.5 kg", "other units", {"2500 g"}),
        ("$18", "other units", {"18 dollars", "18 USD"}),
        ("50%", "other units", {"50 percent", r"50\%"}),
        ("{1, 2, 3}", "reordered", {"{3, 2, 1}", "{2, 3, 1}"}),
        ("x + 1", "reordered", {"1 + x"}),
    ],
)
def test_equal_forms(reference: str, family: str, texts: set[str]) -> None:
    found = answer_of(reference)
    assert found is not None and set(found.same[family]) == texts


@pytest.mark.parametrize(
    ("reference", "wrong"),
    [
        ("42", {"43", "44", "52", "-42"}),
        ("0", {"1", "2", "10"}),
        ("0.5", {"0.6", "0.7", "1.5", "-0.5"}),
        ("-5", {"-4", "-3", "5"}),
        ("(1, 2)", {"(1, 3)", "(1, 4)", "(2, 1)"}),
        ("B", {"A", "C", "D"}),
        ("yes", {"no", "unknown"}),
        ("False", {"True", "unknown"}),
    ],
)
def test_other_answers(reference: str, wrong: set[str]) -> None:
    found = answer_of(reference)
    assert found is not None and set(found.wrong) >= wrong and reference not in found.wrong


@pytest.mark.parametrize(
    "reference", [None, True, "", "a\nb", "x" * 401, {"tests": []}, [1], "####"]
)
def test_references_of_which_nothing_is_made(reference: Any) -> None:
    assert framed([Item("i", "", reference)]) == {}


def test_many_items_share_the_texts_of_a_family_and_few_see_them_all() -> None:
    one = tries(ITEMS[:1], "bare")
    assert len({(t.family, t.response.text) for t in one}) == len(one) > 60
    many = tries([Item(str(n), "q", str(n + 10)) for n in range(100)], "bare")
    per_item = [sum(t.response.item_id == str(n) for t in many) for n in range(100)]
    assert min(per_item) == max(per_item) <= 26
    texts = [t.response.text for t in many if t.family == "other language"]
    assert len({"".join(c for c in text if not c.isdigit()) for text in texts}) == 6


def test_programs_of_every_simple_kind_of_tests() -> None:
    for item in PROGRAMS:
        program = program_tries.program_of(item.reference)
        assert program is not None
        compile(program.right, "right", "exec")
        assert program.right != program.wrong
    space: dict[str, Any] = {}
    exec(program_tries.program_of(TESTS[0]).right, space)  # type: ignore[union-attr]
    assert space["add"](1, 2) == 3 and space["add"](5, {6}) == {11}
    with pytest.raises(TypeError):
        space["add"]("a", 1)
    echo = {"original": "print(input())", "inputs": ["1"]}
    found = program_tries.program_of(echo)
    assert found is not None and found.right == "print(input())\n"
    strange = {"asserts": ["assert f(1) > 2"]}, {"pytest": "..."}, {"tests": [], "entry_point": "f"}
    assert [program_tries.program_of(one) for one in strange] == [None, None, None]
    assert len(tries(PROGRAMS, "fence")) > 60


def test_the_kit_names_an_attack_that_is_accepted() -> None:
    def breaches(accepts: Callable[[str, str], bool], known: Sequence[str] = ()) -> list[str]:
        async def ask(asked: list[Any]) -> list[Judgment]:
            return [
                Judgment(r.id, "k", "1", "k", Verdict(
                    Status.OK, accepts(str(r.item.reference), r.responses[0].text)))
                for r in asked
            ]  # fmt: skip

        info = exact_match.build({}).info
        return asyncio.run(attack_breaches(info, sample_requests(), ask, known, False))

    assert breaches(lambda a, t: a == t) == []
    assert breaches(lambda a, t: True) == []  # it does not decide by the reference
    (told,) = breaches(lambda a, t: t in (a, ""))
    assert "an attack is accepted, empty: ''" in told and "known_failures=['empty']" in told
    assert breaches(lambda a, t: t in (a, ""), ["empty"]) == []
    assert breaches(lambda a, t: a == t, ["empty"]) == [
        "known_failures names 'empty', which is not accepted"
    ]


def test_the_kit_tries_a_plugin() -> None:
    context = fake_context(workers=InlineWorkers())
    with pytest.raises(ConformanceError, match="an attack is accepted, denied"):
        check_source(last_number, ctx=context)
    check_source(last_number, ctx=context, known_failures=sorted(KNOWN["last_number"]))


@pytest.fixture(scope="module", autouse=True)
def commands() -> None:
    if not app.registered_commands:
        register()


def test_the_command_needs_no_labels(tmp_path: Path) -> None:
    items, out = tmp_path / "items.jsonl", tmp_path / "audit.json"
    rows = [{"id": "a", "prompt": "6 x 7?", "reference": "42"}]
    items.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["audit-verifier", "--source", "last_number", "--items", str(items), "--quiet"]
    run = CliRunner().invoke(app, [*asked, "--out", str(out)])
    assert run.exit_code == 0, run.output
    assert "3 of 24 families" in run.output
    assert "denied: accepted, item a: 'The answer is not 42.'" in run.output
    known = json.loads(out.read_text())["by_reference"]
    assert known["frame"] == "bare"
    assert {f["name"] for f in known["families"] if f["wrong"]} == KNOWN["last_number"]
