"""Which method: RLHF, RLAIF, RLVR or a hybrid, for what, by rules on what was measured.

Every sentence comes of one rule, whose name stands by it. Nothing is recommended that was not
shown: an arm is out as soon as one rule of ``AGAINST`` holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.report.criteria import in_order
from harness.report.method_arms import Arm, arms_of, where
from harness.report.method_rules import AGAINST, CHOICE, SCOPE, Question, Rule
from harness.report.verdict import is_headline
from harness.report.wording import Names, join

Data = Mapping[str, Any]

RULES: tuple[Rule, ...] = (*AGAINST, *CHOICE, *SCOPE)
"""All of them; docs/reports.md has each with its condition."""


def method(data: Data) -> dict[str, Any]:
    """Return which method is recommended for what, and why the others are not.

    Args:
        data: Of a report, with its ``costs``.

    Returns:
        JSON values; docs/reports.md says what each key holds.
    """
    names, evaluation = Names.of_run(data), data.get("evaluation") or {}
    arms = arms_of(data, names)
    questions = [
        Question(names.source(name), name, piece, tuple(arms), data, names)
        for name in _criteria(data)
        for piece in (None, *_slices(evaluation, name, arms))
    ]
    choices, against, notes = [], dict[tuple[str, ...], Data](), list[Data]()
    for question in questions:
        fit = []
        for arm in arms:
            rule = next((rule for rule in AGAINST if rule.holds(question.of(arm))), None)
            if rule is None:
                fit.append(arm)
            elif question.slice is None:
                row = _said(rule, question.of(arm)) | {
                    "arm": arm.name,
                    "criterion": question.name if rule.of_criterion else None,
                }
                against.setdefault((arm.name, str(row["criterion"]), rule.name), row)
        asked = question.among(fit)
        rule = next(rule for rule in CHOICE if rule.holds(asked))
        chosen = rule.picks(asked)
        choices.append(
            _said(rule, asked)
            | {
                "criterion": question.name,
                "slice": question.slice,
                "arm": chosen.name if chosen else None,
                "method": chosen.method if chosen else None,
            }
        )
        if chosen is not None:
            notes += [_said(one, asked.of(chosen)) for one in SCOPE if one.holds(asked.of(chosen))]
    return {
        "answer": _answer(choices, questions, arms),
        "choices": choices,
        "against": list(against.values()),
        "notes": list({note["text"]: note for note in notes}.values()),
        "methods": {arm.name: arm.method for arm in arms},
    }


def _said(rule: Rule, question: Question) -> dict[str, Any]:
    return {"rule": rule.name, "text": rule.says(question)}


def _criteria(data: Data) -> list[str]:
    """Return the evaluators that decide, the primary one first."""
    return [e["name"] for e in in_order(data) if is_headline(e)]


def _slices(evaluation: Data, evaluator: str, arms: Sequence[Arm]) -> Iterator[str]:
    """Yield the slices of items, where an arm's effect is shown to differ between them."""
    rows = (evaluation.get("slices") or {}).get("rows", ())
    known = {arm.name for arm in arms}
    shown = [
        row
        for row in rows
        if row["evaluator"] == evaluator
        and row["policy"] in known
        and (row["interaction"].get("trainings") or row["interaction"]).get("shown")
    ]
    yield from dict.fromkeys(one["slice"] for row in shown for one in row["slices"])


def _answer(
    choices: Sequence[Data], questions: Sequence[Question], arms: Sequence[Arm]
) -> str | None:
    """Return the recommendation in one sentence; None where there is none."""
    whole = [
        (question.title, choice)
        for question, choice in zip(questions, choices, strict=True)
        if choice["slice"] is None
    ]
    for_what: dict[str, list[str]] = {}
    for title, choice in whole:
        if choice["arm"]:
            name, method = choice["arm"], choice["method"]
            called = method if name.casefold() == method.casefold() else f"{method} ({name})"
            for_what.setdefault(called, []).append(title)
    if not for_what:
        return None
    told = [f"Use {join([f'{who} for {join(what)}' for who, what in for_what.items()])}"]
    if rest := [title for title, choice in whole if not choice["arm"]]:
        told.append(f"none yet for {join(rest)}")
    few = [arm.seeds for arm in arms for choice in choices if choice["arm"] == arm.name]
    return f"{'; '.join(told)}{where(min(few))}."
