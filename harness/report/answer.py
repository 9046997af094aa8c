"""The first screen: the answer in lines, what limits it, a decision table and one plot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from harness.nouns.counted import counted
from harness.ratings.positions import MOST, Position
from harness.report.blocks import Badge, Badges, Beside, Block, Figure, Text
from harness.report.criteria import (
    SAME_RULE,
    in_order,
    is_lower_better,
    titled,
    why_not_held_out,
)
from harness.report.differences import ends_of, is_of_few, those
from harness.report.diversity import collapses
from harness.report.effect_findings import still
from harness.report.figures import Gain, gains
from harness.report.finding import Weight
from harness.report.findings import weighed
from harness.report.gates import gates_of
from harness.report.people import TONES
from harness.report.tables import Cell, Column, Table, Value, interval, low_high, shown
from harness.report.training import colours
from harness.report.verdict import better, is_headline, outcome
from harness.report.wording import Names, dollars, join, p_value, percent, seconds
from harness.statistics.seeds import FEWEST_SEEDS

Data = Mapping[str, Any]

MOST_CRITERIA = 4
"""Criteria of the decision table; the results below have all."""

SHOWN = 0.05
"""A p-value above this shows nothing."""

GOOD_COVERAGE = 0.95
"""Share of its requests to which a source gave a verdict, below which that is a limit."""


def lines_of(data: Data) -> list[str]:
    """Return the answer, what was gained, what is wrong, what limits it, and what it took."""
    names = Names.of_run(data)
    return [
        _answer(data, names),
        _gained(data, names),
        _wrong(data),
        _limited(data, names),
        _took(data),
    ]


def first_screen(data: Data) -> list[Block]:
    """Return the blocks of the first screen; the answer itself stands above them."""
    names = Names.of_run(data)
    shown = badges(data, names)
    blocks: list[Block] = [Badges(shown)] if shown else []
    if _criteria(data) and data.get("arms"):
        blocks.append(Beside([decision_table(data, names), *_plot(data, names)]))
    return blocks + [Text(line, "muted") for line in data["answer"]["lines"][1:3] if line]


def badges(data: Data, names: Names) -> list[Badge]:
    """Return what a reader must know of the answer before it is used, most limiting first."""
    found: list[Badge] = []
    if data.get("old"):
        found.append(Badge("old report", "findings"))
    evaluation = data.get("evaluation") or {}
    trained = [p for p in evaluation.get("policies", ()) if p["name"] != evaluation.get("base")]
    fewest = min((len(policy["seeds"]) for policy in trained), default=FEWEST_SEEDS)
    if fewest < FEWEST_SEEDS:
        found.append(Badge(counted(fewest, "seed"), "results"))
    if any(s.get("simulated") and s.get("roles") for s in data.get("sources", ())):
        found.append(Badge("simulated people", "sources"))
    for source in data.get("sources", ()):
        if source.get("position") and (position := Position(**source["position"])).is_biased:
            which = "first" if position.first * 2 >= position.turned else "second"
            found.append(
                Badge(f"{names.source(source['name'])} picks the {which} answer", "sources")
            )
    gates: dict[str, set[str]] = {}
    for gate in gates_of(data):
        used = any(gate["source"] in arm["sources"] for arm in data.get("arms", ()))
        if not gate["passed"] and used and gate["action"] != "drop":
            gates.setdefault(gate["source"], set()).add(str(gate.get("outcome")))
    for source, outcomes in gates.items():
        said = "failed" if "fail" in outcomes else "did not pass"
        found.append(Badge(f"{names.source(source)} {said} its gate", "agreement"))
    for evaluator in evaluation.get("evaluators", ()):
        title = names.source(evaluator["name"])
        if evaluator.get("same_rule_as"):
            found.append(Badge(f"{title}: {SAME_RULE}", "results"))
        elif evaluator["held_out_for"] == []:
            found.append(Badge(f"{title}: trained on", "results"))
    for source in data.get("sources", ()):
        if source["judgments"] and source["ok"] < GOOD_COVERAGE * source["judgments"]:
            lost = percent(1 - source["ok"] / source["judgments"])
            found.append(
                Badge(f"{names.source(source['name'])}: {lost} without a verdict", "sources")
            )
    return list(dict.fromkeys(found))


def _criteria(data: Data) -> list[str]:
    """Return the evaluators that decide, the primary one first.

    Those that say the same as a training source are left out.
    """
    return [e["name"] for e in in_order(data) if is_headline(e)]


def _row(evaluation: Data, evaluator: str, policy: str) -> Data | None:
    rows = evaluation.get("scores", ())
    return next((r for r in rows if (r["evaluator"], r["policy"]) == (evaluator, policy)), None)


def decision_table(data: Data, names: Names) -> Table:
    """Return one row for each policy: its verdict, each criterion in percent, what it cost."""
    evaluation = data["evaluation"]
    criteria = _criteria(data)[:MOST_CRITERIA]
    arms = {arm["name"]: arm for arm in data.get("arms", ())}
    trained = {policy["name"] for policy in evaluation["policies"]}
    columns = [Column("arm"), Column("against base")]
    columns += [Column(titled(name, data, names), "whole") for name in criteria]
    people = {row["arm"]: row for row in data.get("people", ())}
    if people:
        columns.append(Column(f"preferred by {_who(people.values())}", "whole"))
    columns += [Column("cost, time")]
    rows: list[list[Cell | Value]] = []
    order = [evaluation["base"], *arms, *sorted(trained - {evaluation["base"], *arms})]
    for policy in order:
        row: list[Cell | Value] = [Cell(policy, tone="strong")]
        if policy == evaluation["base"]:
            row.append(Cell("start", tone="muted"))
        elif policy not in trained:
            row.append(Cell("not trained", tone="muted"))
        else:
            said, tone = outcome(policy, evaluation, names)
            row.append(Cell(said, tone=tone))
        for evaluator in criteria:
            score = _row(evaluation, evaluator, policy)
            if score is None or score["value"] is None:
                row.append(Cell(None, tone="muted"))
                continue
            note, tone = why_not_held_out(score), _tone(score, evaluation, evaluator)
            if by_place := _by_place(evaluation, score):
                note = ", ".join(filter(None, [by_place, note]))
                row.append(Cell(score["value"], note, "muted"))
                continue
            row.append(Cell(score["value"], note, tone, ends=low_high(ends_of(score))))
        if people:
            row.append(_by_people(people.get(policy)))
        row.append(Cell("", tone="muted") if policy not in arms else _cost(arms[policy], data))
        rows.append(row)
    held = evaluation["items"]
    title = f"Scores in percent on {counted(held, 'held-out prompt')}, with 95% intervals"
    few = next((those(one) for row in evaluation["scores"] if (one := row["difference"])), "")
    title += f" {few}" if few else ""
    title += "; cost and time: feedback and one training together"
    return Table(title, columns, rows)


def _by_place(evaluation: Data, score: Data) -> str:
    """Return that a judge of pairs went by the place, whose interval would measure nothing."""
    for row in evaluation.get("against_base", ()):
        same = (row["evaluator"], row["policy"]) == (score["evaluator"], score["policy"])
        asked = row["turned"]["n"]
        if same and asked and row["inconsistent"] > MOST * asked:
            return f"went by the place in {percent(row['inconsistent'] / asked)}"
    return ""


def _who(people: Iterable[Data]) -> str:
    return "simulated people" if any(row["simulated"] for row in people) else "people"


def _by_people(row: Data | None) -> Cell:
    """Return the share of pairs in which people prefer an arm to base."""
    found = row["corrected"] if row else {"value": None}
    if row is None or found["value"] is None:
        return Cell(None, tone="muted")
    return Cell(found["value"], tone=TONES[row["verdict"]], ends=low_high(found))


def _tone(score: Data, evaluation: Data, evaluator: str) -> Any:
    way = better(evaluation, evaluator, score["difference"])
    return {1: "good", -1: "bad"}.get(way, "")


def _cost(arm: Data, data: Data) -> Cell:
    """Return the money, not known of people, and below it the time: both as the costs add them.

    The time is that of the feedback and of one training.
    """
    money = dollars(arm.get("feedback_cost_usd"))
    rows = (data.get("costs") or {}).get("rows", ())
    cost = next((row for row in rows if row["arm"] == arm["name"]), None)
    sources = [s for s in data.get("sources", ()) if s["name"] in arm["sources"]]
    unknown = any(s.get("kind") == "human" or s.get("simulated") for s in sources)
    if cost is not None:
        unknown, money = cost["usd"] is None, dollars(cost["usd"])
    if unknown:
        money = "not known"
    took = [seed["seconds"] for seed in arm["seeds"] if seed.get("seconds") is not None]
    both = [*([fmean(took)] if took else []), arm.get("feedback_seconds")]
    return Cell(money, seconds(math.fsum(filter(None, both))) if took else "")


def _plot(data: Data, names: Names) -> list[Block]:
    """Return the changes of all arms from base, criterion by criterion, in points."""
    evaluation, series = data["evaluation"], colours(data)
    groups = []
    for evaluator in _criteria(data)[:MOST_CRITERIA]:
        rows = [
            Gain(policy["name"], _own(row["difference"]), series[policy["name"]])
            for policy in evaluation["policies"]
            if policy["name"] != evaluation["base"]
            and (row := _row(evaluation, evaluator, policy["name"])) is not None
            and row["difference"] is not None
            and not _by_place(evaluation, row)
        ]
        if rows:
            groups.append((titled(evaluator, data, names), rows))
    if not groups:
        return []
    return [
        Figure(
            "Change from base, in points, with 95% intervals",
            [gains("gain", "Change from base", groups)],
        )
    ]


def _own(difference: Data) -> Data:
    """Return a difference with the ends that are shown of it."""
    ends = ends_of(difference)
    return {"value": difference["value"], "low": ends.get("low"), "high": ends.get("high")}


def _answer(data: Data, names: Names) -> str:
    """Return which arms got better, at what, in one sentence."""
    evaluation = data.get("evaluation") or {}
    trained = [p["name"] for p in evaluation.get("policies", ()) if p["name"] != evaluation["base"]]
    criteria = _criteria(data)
    if not trained:
        return "No arm was trained, so nothing can be compared."
    if not criteria:
        return "Nothing is decided: no evaluator is held out from all training."
    if told := (data.get("method") or {}).get("answer"):
        return str(told)
    gained: dict[tuple[str, ...], list[str]] = {}
    others = list[str]()
    for arm in trained:
        ways = _ways(arm, evaluation, criteria)
        up = tuple(names.source(name) for name, way in ways.items() if way > 0)
        down = [names.source(name) for name, way in ways.items() if way < 0]
        if up and down:
            others.append(f"{arm} got better at {join([*up])} and worse at {join(down)}")
        elif up:
            gained.setdefault(up, []).append(arm)
        elif down:
            others.append(f"{arm} got worse at {join(down)}")
    parts = [
        f"{join(arms)}{' got better' if place == 0 else ''} at {join([*what])}"
        f"{' only' if len(what) < len(criteria) and place else ''}"
        for place, (what, arms) in enumerate(sorted(gained.items(), key=lambda one: -len(one[0])))
    ]
    told = ["; ".join(filter(None, [", ".join(parts), *others]))]
    if not gained:
        told.insert(0, "No arm is shown to be better than base")
    elif (data.get("method") or {}).get("choices"):  # and none of them names an arm
        told = [f"No method yet: {told[0]}"]
    fewest = min(len(p["seeds"]) for p in evaluation["policies"] if p["name"] in trained)
    where = "" if fewest >= FEWEST_SEEDS or told == [""] else f", in {_these(fewest)}"
    return f"{'; '.join(filter(None, told))}{where}."


def _these(seeds: int) -> str:
    return "this one training" if seeds == 1 else "these two trainings"


def _ways(arm: str, evaluation: Data, criteria: Sequence[str]) -> dict[str, int]:
    if still(arm, evaluation):
        return {}
    rows = {name: _row(evaluation, name, arm) for name in criteria}
    return {n: better(evaluation, n, row["difference"]) for n, row in rows.items() if row}


def _gained(data: Data, names: Names) -> str:
    """Return the largest gain on the criterion that was said first."""
    evaluation = data.get("evaluation") or {}
    first = next(iter(_criteria(data)), None)
    if first is None:
        return ""
    rows = [
        row
        for row in evaluation.get("scores", ())
        if row["evaluator"] == first
        and row["difference"]
        and better(evaluation, first, row["difference"]) > 0
    ]
    if not rows:
        return f"No arm is shown to be better than base at {names.source(first)}."
    best = max(rows, key=lambda row: abs(row["difference"]["value"]))
    change = interval(ends_of(best["difference"]), "points")
    if any(one["name"] == first and is_lower_better(one) for one in evaluation["evaluators"]):
        change = "; ".join(filter(None, [change, "lower is better"]))
    return (
        f"{best['policy']} gained most at {names.source(first)}:"
        f" {shown(best['difference']['value'], 'points')} points ({change})"
        f"{_planned(best['difference'])}{_ruled_out(data)}."
    )


def _planned(difference: Data) -> str:
    """Return that the test said before does not show of the method what few trainings show."""
    p = difference.get("p_planned")
    if p is None or not is_of_few(difference) or p <= SHOWN:
        return ""
    return f", not shown of the method (planned test: p {p_value(p)})"


def _ruled_out(data: Data) -> str:
    """Return which arms no rule recommends, whatever they gained, and for what reason."""
    why: dict[str, list[str]] = {}
    for row in (data.get("method") or {}).get("against", ()):
        if row["criterion"] is None:
            why.setdefault(row["rule"].replace("-", " "), []).append(row["arm"])
    return "; ruled out: " * bool(why) + ", ".join(f"{join(a)} ({rule})" for rule, a in why.items())


def _wrong(data: Data) -> str:
    """Return the heaviest harm among the findings; they stand by weight."""
    heaviest = next(iter(sorted(weighed(data), key=lambda one: -one.weight)), None)
    if heaviest is not None and heaviest.weight is Weight.HARM:
        return heaviest.text
    less = [name for name, lines in collapses(data.get("evaluation") or {}).items() if lines]
    but = f"; {join(less)} got better and lost diversity" if less else ""
    return f"No reward hacking and no collapse was found{but}."


def _limited(data: Data, names: Names) -> str:
    said = [badge.text for badge in badges(data, names)]
    return f"Limits: {', '.join(said)}." if said else ""


def _took(data: Data) -> str:
    run = data.get("run", {})
    if run.get("duration_s") is None:
        return ""
    cost = run.get("cost_usd", sum(s.get("cost_usd") or 0 for s in data.get("sources", ())))
    return f"Took {seconds(run['duration_s'])}; calls cost {dollars(cost)}."
