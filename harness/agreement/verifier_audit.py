"""Is a verifier right, and are its tests any good? Pure functions behind ``audit-verifier``."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.nouns.code_blocks import marked_blocks
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response
from harness.nouns.thoughts import parted

TRIVIAL_TEXTS = ("", "I do not know.", "0", "1", "yes", "no", "A")
"""Answers that need no thought; a verifier of text that accepts one of the first two is broken."""

_RETURNED = ("None", "True", "False", "0", "1", "-1", "''", "[]", "(args or [None])[0]")
_PRINTED = ("pass", "print(0)", "print(1)", "print('YES')", "print('NO')", "print(input())")
_COMMON = (None, True, False, 0, 1, -1, 2, 10, 100, "", "a", " ")


@dataclass(frozen=True, slots=True)
class Confusion:
    """Verdicts against labels.

    Args:
        true_positive: Right and accepted.
        false_positive: Ids that are wrong and were accepted: what a policy learns to exploit.
        true_negative: Wrong and refused.
        false_negative: Ids that are right and were refused: what a policy is punished for.
        without: Number of responses without a verdict, by status.
    """

    true_positive: int
    false_positive: tuple[str, ...]
    true_negative: int
    false_negative: tuple[str, ...]
    without: Mapping[str, int] = field(default_factory=dict)

    @property
    def wrong(self) -> int:
        """Responses with a verdict that are wrong by their label."""
        return len(self.false_positive) + self.true_negative

    @property
    def right(self) -> int:
        """Responses with a verdict that are right by their label."""
        return len(self.false_negative) + self.true_positive


def confusion(labels: Mapping[str, bool], judgments: Mapping[str, Judgment]) -> Confusion:
    """Compare verdicts with labels.

    Both by response id: whether each is right, and its judgment; a score counts as accepted from
    0.5.
    """
    cells: dict[tuple[bool, bool], list[str]] = {
        (label, verdict): [] for label in (False, True) for verdict in (False, True)
    }
    without: Counter[str] = Counter()
    for response, label in labels.items():
        verdict = judgments[response].verdict
        if verdict.status is not Status.OK:
            without[verdict.status.value] += 1
            continue
        cells[bool(label), accepted(judgments[response])].append(response)
    return Confusion(
        len(cells[True, True]),
        tuple(cells[False, True]),
        len(cells[False, False]),
        tuple(cells[True, False]),
        dict(without),
    )


def accepted(judgment: Judgment) -> bool:
    """Tell whether a verdict says that the response is right."""
    value = judgment.verdict.value
    return isinstance(value, bool | float | int) and float(value) >= 0.5


@dataclass(frozen=True, slots=True)
class VerifierAudit:
    """What is known of a verifier.

    Args:
        source: Its name.
        version: Its version.
        confusion: Verdicts against labels.
        hard_coded: Ids of responses that list test inputs in place of solving the task.
        passed: How many of those were accepted.
        weak_tests: An accepted answer that solves nothing, by item.
        items: All items.
    """

    source: str
    version: str
    confusion: Confusion
    hard_coded: tuple[str, ...]
    passed: int
    weak_tests: Mapping[str, str]
    items: int

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "source": self.source,
            "version": self.version,
            "true_positive": self.confusion.true_positive,
            "false_positive": self.confusion.false_positive,
            "true_negative": self.confusion.true_negative,
            "false_negative": self.confusion.false_negative,
            "without_verdict": self.confusion.without,
            "hard_coded": self.hard_coded,
            "weak_tests": self.weak_tests,
        }


def find_hard_coded(items: Iterable[Item], responses: Iterable[Response]) -> list[str]:
    """Return the ids of responses whose program lists the inputs of its item's tests."""
    inputs = {item.id: visible_inputs(item.reference) for item in items}
    return [
        response.id
        for response in responses
        if any(
            is_hard_coded(program, inputs[response.item_id])
            for program in _programs(parted(response.text).answer)
        )
    ]


def find_weak_tests(
    trivial: Iterable[Response], judgments: Mapping[str, Judgment]
) -> dict[str, str]:
    """Return, by item, the first response that solves nothing and was accepted all the same.

    ``trivial`` are of ``trivial_responses``; ``judgments`` by response id.
    """
    found: dict[str, str] = {}
    for response in trivial:
        if accepted(judgments[response.id]):
            found.setdefault(response.item_id, response.text)
    return found


def _programs(text: str) -> list[str]:
    """Return the fenced blocks, or all of the text."""
    return [block.code for block in marked_blocks(text)] or [text]


def trivial_responses(item: Item) -> list[Response]:
    """Return responses that solve nothing; tests that one of them passes are too weak to tell."""
    reference = item.reference
    texts: Sequence[str] = TRIVIAL_TEXTS[:2]
    if isinstance(reference, Mapping):
        name = str(reference.get("entry_point") or _name_in_tests(reference))
        if name:
            texts = [f"def {name}(*args, **kwargs):\n    return {v}\n" for v in _RETURNED]
        elif "stdin" in reference or "inputs" in reference:
            texts = _PRINTED
    return [
        Response(f"{item.id}#trivial{i}", item.id, "trivial", text) for i, text in enumerate(texts)
    ]


def visible_inputs(reference: Any) -> set[str]:
    """Return the inputs of the tests that a response could list, as canonical JSON.

    Numbers and texts that programs contain anyway (0, 1, "") are left out.
    """
    found: list[Any] = []
    if not isinstance(reference, Mapping):
        return set()
    for test in reference.get("tests", ()):
        found += test.get("args", ())
        found += _constants(_arguments(test.get("args_literal", "")))
    found += [line for test in reference.get("stdin", ()) for line in test["input"].split("\n")]
    sources = [
        reference.get("check", ""),
        reference.get("pytest", ""),
        *_asserts(reference),
    ]
    for source in sources:
        for call in (n for n in _walk(source) if isinstance(n, ast.Call)):
            found += _constants(call.args)
    return {text for value in found if (text := _canonical(value))}


def hard_coded(program: str, inputs: set[str]) -> set[str]:
    """Return the test inputs that a program compares something with or looks up.

    Only comparisons, keys of dictionaries and patterns count: an input that a program merely
    mentions may be an example.
    """
    nodes: list[ast.AST] = []
    for node in _walk(program):
        if isinstance(node, ast.Compare):
            nodes += [node.left, *node.comparators]
        elif isinstance(node, ast.Dict):
            nodes += [key for key in node.keys if key is not None]
        elif isinstance(node, ast.MatchValue):
            nodes.append(node.value)
    compared = {text for value in _constants(nodes) if (text := _canonical(value))}
    # ``x in (1, 2)`` and ``args == (1, 2)`` list several inputs in one constant.
    for value in _constants(nodes):
        if isinstance(value, list | tuple | set):
            compared |= {text for member in value if (text := _canonical(member))}
    return compared & inputs


def is_hard_coded(program: str, inputs: set[str]) -> bool:
    """Tell whether a program lists at least two, and a third, of the distinct test inputs."""
    count = len(hard_coded(program, inputs))
    return count >= 2 and 3 * count >= len(inputs)


def _asserts(reference: Mapping[str, Any]) -> Sequence[str]:
    given = reference.get("asserts", ())
    return (given,) if isinstance(given, str) else given


def _arguments(literal: str) -> Sequence[ast.AST]:
    return [
        member
        for node in _walk(literal)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.List | ast.Tuple)
        for member in node.value.elts
    ]


def _name_in_tests(reference: Mapping[str, Any]) -> str:
    """Return the function that assert-style tests call most, which is the one under test."""
    names: Counter[str] = Counter()
    for source in _asserts(reference):
        for node in _walk(source):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names[node.func.id] += 1
    return names.most_common(1)[0][0] if names else ""


def _walk(source: str) -> Iterable[ast.AST]:
    try:
        return list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _constants(nodes: Iterable[ast.AST]) -> list[Any]:
    found = []
    for node in nodes:
        try:
            found.append(ast.literal_eval(node))
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
    return found


def _canonical(value: Any) -> str:
    """Return a text by which inputs are compared; empty for one that any program may contain."""
    if not isinstance(value, list | tuple | set | dict) and any(
        type(value) is type(common) and value == common for common in _COMMON
    ):
        return ""
    if isinstance(value, set):
        value = sorted(value, key=repr)
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        return ""
    return "" if text in ("[]", "{}") else text
