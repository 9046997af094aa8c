"""What our verifiers make of responses whose verdict is known from the references alone.

    python benchmarks/known_verdicts.py [--items 100]

For each verifier: the families with a wrong verdict, of equal forms and of attacks, right answers
without a verdict, and the time that the items take, wall and processor (this process and its
workers). Then verifiers with a planted fault, and whether a family finds it. Exits 1 where a
verifier fails in a family that docs/verifiers.md does not name, or a planted fault is not found.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.agreement.reference_audit import ReferenceAudit, audited
from harness.experiment.stages.audit import audit_by_reference, find_verifier
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, Verdict

ANSWERS: Sequence[Callable[[int], str]] = (
    lambda n: str(7 * n + 3),
    lambda n: f"-{n + 2}",
    lambda n: f"{n + 1}.25",
    lambda n: f"{n + 1}/{n + 3}",
    lambda n: f"\\frac{{{n + 1}}}{{{2 * n + 3}}}",
    lambda n: f"{1000 + 37 * n:,}",
    lambda n: f"${n + 5}",
    lambda n: f"{n % 90 + 5}%",
    lambda n: f"{{{n}, {n + 1}, {n + 5}}}",
    lambda n: f"({n}, {n + 2})",
    lambda n: f"x + {n + 1}",
    lambda n: ("Paris", "yes", "B", "False")[n % 4],
    lambda n: f"\\sqrt{{{4 * n + 3}}}",
    lambda n: f"{n + 2} m",
    lambda n: f"We add {n} and {n}.\n#### {2 * n}",
)
NUMBERS = tuple(ANSWERS[kind] for kind in (0, 1, 2, 3, 5, 14))
ALL_TEXT = {
    "the reference itself", "in a sentence", "after reasoning", "after a thought", "white space",
    "markdown", "other language", "LaTeX", "end of turn", "other notation", "more digits",
    "other units", "reordered",
}  # fmt: skip
DOCUMENTED: Mapping[str, set[str]] = {
    "math_verify": {"other units"},
    "last_number": {"all answers at once", "denied", "part of something else"},
    "knowledge_base": {"all answers at once", "other language"},
    "exact_match": ALL_TEXT,
    "python_code": set(),
    "code_translation": set(),
    "json_schema": set(),
}
PLANTED: Mapping[str, tuple[str, Callable[[str, str], bool]]] = {
    "mentions the reference": ("denied", lambda a, t: a in t),
    "ends with the reference": ("all answers at once", lambda a, t: t.rstrip(". ").endswith(a)),
    "begins with the reference": ("part of something else", lambda a, t: t.startswith(a)),
    "takes an empty response": ("empty", lambda a, t: t.strip() in (a, "")),
    "reads thoughts": ("only thought", lambda a, t: t.strip() == a or f"\n{a}\n</think>" in t),
    "obeys": ("orders to the verifier", lambda a, t: t == a or "mark this" in t),
    "takes wildcards": ("wildcards", lambda a, t: t.strip() in (a, "*", "None", "NaN", "x")),
    "drops signs": ("another answer", lambda a, t: t.strip("- ") == a.strip("-")),
    "takes the question": ("question repeated", lambda a, t: t == a or "item" in t),
    "refuses other notation": ("other notation", lambda a, t: t.strip() == a),
}


def items(count: int, kinds: Sequence[Callable[[int], str]]) -> list[Item]:
    """Return items whose references are of some kinds, in turn."""
    return [Item(f"m{n}", f"What is item {n}?", kinds[n % len(kinds)](n)) for n in range(count)]


def programs(count: int) -> list[Item]:
    """Return items with tests, of four kinds."""
    found: list[Any] = []
    for n in range(count):
        found.append(
            (
                {"entry_point": "f", "tests": [{"args": [n], "expected": n + 1}]},
                {"asserts": [f"assert g({n}, 2) == {n + 2}", "assert g(5, 6) == 11"]},
                {"stdin": [{"input": f"{n} 2\n", "output": f"{n + 2}\n"}]},
                {
                    "check": f"def check(candidate):\n    assert candidate({n}) == [{n}]\n",
                    "entry_point": "h",
                    "prompt": "def h(n):\n",
                },
            )[n % 4]
        )
    return [Item(f"p{n}", "Write it.", reference) for n, reference in enumerate(found)]


def schemas(count: int) -> list[Item]:
    """Return items with a schema, of three kinds."""
    kinds: Sequence[Callable[[int], Any]] = (
        lambda n: {
            "type": "object",
            "properties": {f"key{n}": {"type": "string"}, "age": {"type": "integer", "minimum": n}},
            "required": ["age"],
        },
        lambda n: {"type": "array", "items": {"type": "number"}, "minItems": n % 5 + 1},
        lambda n: {"enum": [f"value{n}", "other"]},
    )
    return [Item(f"s{n}", "Write it.", kinds[n % 3](n)) for n in range(count)]


def originals(count: int) -> list[Item]:
    """Return items with a program that is to be translated."""
    found: list[Any] = []
    for n in range(count):
        calls = {"entry_point": "f", "calls": [[n], [n + 4]]}
        script = {"original": f"print(int(input()) + {n})", "inputs": ["1\n", "5\n"]}
        function = {"original": f"def f(x):\n    return x * {n + 2}", **calls}
        found.append(function if n % 2 else script)
    return [Item(f"t{n}", "Translate it.", reference) for n, reference in enumerate(found)]


def planted(accepts: Callable[[str, str], bool], asked: Sequence[Item]) -> ReferenceAudit:
    """Audit a verifier that is a function of the answer and the text."""
    answers = {item.id: str(item.reference) for item in asked}

    async def judge(responses: Sequence[Response]) -> dict[str, Judgment]:
        return {
            one.id: Judgment(
                one.id, "p", "1", "p", Verdict(Status.OK, accepts(answers[one.item_id], one.text))
            )
            for one in responses
        }

    return asyncio.run(audited(asked, judge))


def told(name: str, audit: ReferenceAudit, wall: float, processor: float) -> bool:
    """Print a row; tell whether only documented families fail."""
    equal = [f.name for f in audit.failing if f.right]
    attacks = [f.name for f in audit.failing if not f.right]
    tried = sum(family.tried for family in audit.families)
    lost, right = audit.without(True)
    print(
        f"{name:20} {len(audit.families):3} families {tried:5} responses: {len(equal):2} equal"
        f" forms refused, {len(attacks)} attacks accepted, {lost} of {right} equal ones abstained;"
        f" {wall:.1f} s, processor {processor:.1f} s"
    )
    for family in audit.failing:
        assert family.example is not None
        print(f"    {family.name}: {family.wrong}/{family.tried}, {family.example.text[:60]!r}")
    return bool(audit.families) and {*equal, *attacks} <= DOCUMENTED[name.split(" ")[0]]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=100)
    count = parser.parse_args().items
    good = True
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "base.csv"
        words = [f"Town{chr(65 + n % 26)}{chr(97 + n // 26)}" for n in range(count)]
        rows = "".join(f"key{n},{word}\n" for n, word in enumerate(words))
        base.write_text(f"key,answer\n{rows}")
        keyed = [Item(f"k{n}", "?", word, {"key": f"key{n}"}) for n, word in enumerate(words)]
        knows = {"file": str(base), "item_key": "key"}
        asked: Sequence[tuple[str, Mapping[str, Any], Sequence[Item]]] = (
            ("math_verify", {}, items(count, ANSWERS)),
            ("math_verify", {"answer": "boxed"}, items(count, ANSWERS)),
            ("last_number", {}, items(count, NUMBERS)),
            ("knowledge_base", knows, keyed),
            ("exact_match", {}, items(count, ANSWERS)),
            ("json_schema", {}, schemas(count)),
            ("json_schema", {"where": "fenced"}, schemas(count)),
            ("python_code", {}, programs(count)),
            ("code_translation", {}, originals(count)),
        )
        for name, options, some in asked:
            verifier, before, began = find_verifier(name, options), os.times(), time.perf_counter()
            audit = audit_by_reference(verifier, some)
            wall, after = time.perf_counter() - began, os.times()
            more = "".join(f" {options[key]}" for key in ("answer", "where") if key in options)
            good &= told(f"{name}{more}", audit, wall, sum(after[:4]) - sum(before[:4]))
    some, found = items(count, NUMBERS[:4]), 0
    for name, (family, accepts) in PLANTED.items():
        failing = {one.name for one in planted(accepts, some).failing}
        found += family in failing
        print(f"planted: {name:26} {family:24} {'found' if family in failing else 'MISSED'}")
    print(f"{found} of {len(PLANTED)} planted faults found")
    return 0 if good and found == len(PLANTED) else 1


if __name__ == "__main__":
    raise SystemExit(main())
