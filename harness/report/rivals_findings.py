"""What arms against each other, joint rates and slices say in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.report.differences import printed, said, those
from harness.report.finding import Finding, Weight
from harness.report.pairs import WORDS
from harness.report.wording import Names, join, number
from harness.statistics.seeds import FEWEST_SEEDS

Data = Mapping[str, Any]

SURE = 0.95
"""Share of draws on the front from which on a policy is said to be on it."""


def rivals_findings(data: Data, names: Names) -> list[Finding]:
    """Return which arm is ahead of which, what passes everything, and where slices differ."""
    evaluation = data.get("evaluation") or {}
    return [
        *_planned(
            evaluation, names, ((data.get("plan") or {}).get("content") or {}).get("contrasts", ())
        ),
        *_ahead(evaluation, names),
        *_passing(evaluation, names),
        *_trade_offs(evaluation, names),
        *_slices(evaluation, names),
    ]


def _planned(evaluation: Data, names: Names, pairs: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """Yield what came of the pairs that were to be compared: asked before, so answered always.

    What an arm raised or lowered of base is a finding anyhow.
    """
    lower = {e["name"] for e in evaluation.get("evaluators", ()) if e.get("direction") == "lower"}
    with_base = [
        {**row["difference"], "evaluator": row["evaluator"], "a": row["policy"],
         "b": evaluation["base"], "planned": row.get("planned")}
        for row in evaluation.get("scores", ())
        if row["difference"] and said(row["difference"]) not in ("raised", "lowered")
    ]  # fmt: skip
    for row in (*evaluation.get("contrasts", ()), *with_base):
        if not row.get("planned") or row["value"] is None:
            continue
        word, title = said(row), names.source(row["evaluator"])
        a, b, sign = row["a"], row["b"], 1
        if [b, a] in pairs and [a, b] not in pairs:
            a, b, sign = b, a, -1  # as it was asked
        where = f", {those(row)}" if those(row) else ""
        if word in ("raised", "lowered"):
            gained = (word == "raised") == (sign > 0)
            how = "better" if gained != (row["evaluator"] in lower) else "worse"
            found = f"{how} by {title}, by {number(abs(row['value']))}"
        else:
            found = f"by {title} {WORDS[word]} ({number(sign * row['value'], sign=True)})"
        text = f"As planned, {a} was held against {b}: {found}{where}."
        yield Finding(Weight.CHOICE, text)


def _ahead(evaluation: Data, names: Names) -> Iterator[Finding]:
    """Yield, for each evaluator that decides, who is better than whom, or that nobody is."""
    by: dict[str, list[Data]] = {}
    for row in evaluation.get("contrasts", ()):
        by.setdefault(row["evaluator"], []).append(row)
    every = sum(p["name"] != evaluation["base"] for p in evaluation.get("policies", ()))
    for evaluator in evaluation.get("evaluators", ()):
        rows = [
            row
            for row in by.get(evaluator["name"], ())
            if row["held_out"] is not False and not row.get("planned")
        ]
        if not rows or evaluator.get("same_rule_as"):
            continue
        way = -1 if evaluator.get("direction") == "lower" else 1
        title, beaten = names.source(evaluator["name"]), dict[str, dict[str, float]]()
        for row in rows:
            sign = way * {"raised": 1, "lowered": -1}.get(said(row), 0)
            if sign:
                best, other = (row["a"], row["b"]) if sign > 0 else (row["b"], row["a"])
                beaten.setdefault(best, {})[other] = abs(row["value"])
        arms = dict.fromkeys(name for row in rows for name in (row["a"], row["b"]))
        alike: dict[tuple[str, ...], list[str]] = {}  # who beats whom: those who beat the same
        for best, others in sorted(beaten.items(), key=lambda one: -len(one[1])):
            alike.setdefault(tuple(others), []).append(best)
        for losers, winners in alike.items():
            whom = "every other arm" if len(losers) == every - 1 > 1 else join(list(losers))
            gaps = [gap for best in winners for gap in beaten[best].values()]
            how = f"by {number(min(gaps))}{' or more' * (len(gaps) > 1)}"
            are = "is" if len(winners) == 1 else "are each"
            text = f"{join(winners)} {are} better than {whom} by {title}, {how}."
            yield Finding(Weight.CHOICE, _begun(those(rows[0]), text))
        if not beaten:
            text = f"By {title}, none of {join(list(arms))} is clearly better than another."
            yield Finding(Weight.NONE, text)


def _begun(where: str, text: str) -> str:
    return f"{where[0].upper()}{where[1:]}, {text}" if where else text


def _passing(evaluation: Data, names: Names) -> Iterator[Finding]:
    found = evaluation.get("joint") or {}
    for row in found.get("contrasts", ()):
        if row["b"] == evaluation["base"] and said(row) in ("raised", "lowered"):
            criteria = join([names.source(name) for name in found["criteria"]])
            start, end, change = printed(row)
            text = f"{row['a']} {said(row)} the share that passes all of {criteria}"
            text += f" from {start} to {end} ({change})."
            yield Finding(Weight.EFFECT, _begun(those(row), text))


def _trade_offs(evaluation: Data, names: Names) -> Iterator[Finding]:
    """Yield the choices: two arms or more that are surely on the front of two criteria.

    Fewer than three trainings say nothing of the next one, and so nothing is said.
    """
    if not evaluation.get("pareto"):
        return
    base = evaluation["base"]
    trained = [p for p in evaluation["policies"] if p["name"] != base]
    if min((len(policy["seeds"]) for policy in trained), default=0) < FEWEST_SEEDS:
        return
    for row in evaluation.get("pareto", ()):
        arms = [
            one["policy"]
            for one in row["policies"]
            if one["policy"] != base and (one["share"] or 0.0) >= SURE
        ]
        if len(arms) > 1:
            x, y = (names.source(name) for name in row["criteria"])
            text = f"Between {join(arms)} it is a choice: none is beaten at {x} and {y} at once."
            yield Finding(Weight.CHOICE, text)


def _slices(evaluation: Data, names: Names) -> Iterator[Finding]:
    for row in (evaluation.get("slices") or {}).get("rows", ()):
        if not row["interaction"]["shown"]:
            continue
        told = [
            (one["difference"]["value"], one["slice"] or "no slice")
            for one in row["slices"]
            if one["difference"]["value"] is not None
        ]
        (low, worst), (high, best) = min(told), max(told)
        title = names.source(row["evaluator"])
        yield Finding(
            Weight.CHOICE,
            f"What {row['policy']} changed of {title} differs between slices: most in {best}"
            f" ({number(high, sign=True)}), least in {worst} ({number(low, sign=True)}).",
        )
