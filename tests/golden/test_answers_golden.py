"""Every answer of the golden tables gets the verdict that it must get."""

from __future__ import annotations

import importlib.util
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "answers"


@pytest.fixture(scope="module")
def benchmark_of_answers(repo_root: Path) -> Any:
    path = repo_root / "benchmarks" / "answers.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_answers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_equal_answers_are_accepted_and_near_ones_are_not(benchmark_of_answers: Any) -> None:
    wrong, unsure, near = [], 0, Counter[str]()
    for form, reference, way, reply, right in benchmark_of_answers.tries():
        found = benchmark_of_answers.verdict(reference, reply)
        if found is not right:
            unsure += found is None and not right
            wrong += [(form, way, reply, found)] if found is not None or right else []
        near[form] += not right
    assert wrong == []
    assert unsure <= 5
    assert (len(near), min(near.values())) >= (60, 10)


REPLIES = [
    (entry["reference"], reply, wanted)
    for entry in tomllib.loads((HERE / "replies.toml").read_text(encoding="utf-8"))["reply"]
    for wanted, key in ((True, "right"), (False, "wrong"), (None, "unsure"))
    for reply in entry.get(key, [])
]


@pytest.mark.parametrize(("reference", "reply", "wanted"), REPLIES)
def test_the_answer_of_a_reply_is_all_that_it_states(
    benchmark_of_answers: Any, reference: str, reply: str, wanted: bool | None
) -> None:
    lines = [text.replace("\\n", "\n") for text in (reference, reply)]
    assert benchmark_of_answers.verdict(*lines) is wanted


IDENTICAL = [
    "x \\equiv 3 \\pmod{7}", "\\begin{cases} x & x > 0 \\\\ -x & x \\le 0 \\end{cases}",
    "\\text{7}", "\\mathrm{7}", "\\operatorname{arctan}(2)", "\\text{1A}_{16}", "\\textbf{(C) } 12",
    "C)", "Answer: 7", "5^{\\text{th}}", "30^\\circ 15'", "\\{x\\in\\mathbb{R}: x>2\\}", "]0,1[",
    "A\\cup B", "A^{\\top}", "f''(x)=6x", "\\begin{pmatrix}a&b\\\\c&d\\end{pmatrix}",
    "3\\text{ out of }8", "\\approx 3.14", "0.333\\ldots", "p \\to q", "1, 2, \\ldots, 10",
    "(1\\ 2\\ 3)",
    "\\angle ABC", "A^T B", "7 \\text{ R } 3", "5'10''", "\\text{CO}_2", "\\vec{AB}", "2:3:5",
    "n!!",
    "3 hours 20 minutes", "y'' + y = 0", "BAC", "0xFF", "\\bar z", "\\frac{d}{dx}(x^2)",
    "A \\subset B",
]  # fmt: skip


@pytest.mark.parametrize(
    "reference",
    [
        "0.333\\ldots",
        "p \\to q",
        "3 hours 20 minutes",
        "1, 2, \\ldots, 10",
        "4^\\circ 30'",
        "f(x)=ax+b, where b is an integer",
        "2 3",
        "3 +",
        "(((1",
        "10 and",
        "see the figure for n = 3",
    ],
)
def test_a_reference_that_is_not_read_whole_is_an_abstention_that_names_it(
    benchmark_of_answers: Any, reference: str
) -> None:
    for reply in ("3", "42", "10", "It is 7.", "\\boxed{5}"):
        assert benchmark_of_answers.verdict(reference, reply) is None


@pytest.mark.parametrize("reference", IDENTICAL)
def test_an_answer_identical_to_the_reference_is_right(
    benchmark_of_answers: Any, reference: str
) -> None:
    assert benchmark_of_answers.verdict(reference, reference) is True
    assert benchmark_of_answers.verdict(reference, f"So $\\boxed{{{reference}}}$.") is True


CLAIMS = [
    (entry["reference"], reply, wanted, entry.get("options", {}))
    for name in ("claims", "around", "equations", "beside", "parts", "written")
    for entry in tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))["claim"]
    for wanted, key in ((True, "right"), (False, "wrong"))
    for reply in entry.get(key, [])
]


@pytest.mark.parametrize(("reference", "reply", "right", "options"), CLAIMS)
def test_what_is_not_the_reference_is_never_rewarded(
    benchmark_of_answers: Any, reference: str, reply: str, right: bool, options: dict[str, str]
) -> None:
    assert (benchmark_of_answers.verdict(reference, reply, **options) is True) is right


NEIGHBOURS = [
    (entry["reference"], answer, wanted)
    for entry in tomllib.loads((HERE / "neighbours.toml").read_text(encoding="utf-8"))["neighbours"]
    for wanted, key in ((True, "right"), (False, "wrong"), (None, "unsure"))
    for answer in entry.get(key, [])
]


@pytest.mark.parametrize(("reference", "answer", "wanted"), NEIGHBOURS)
def test_what_stands_beside_a_reference_is_told_from_it(
    benchmark_of_answers: Any, reference: str, answer: str, wanted: bool | None
) -> None:
    assert benchmark_of_answers.verdict(reference, f"So it is $\\boxed{{{answer}}}$.") is wanted
