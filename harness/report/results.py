"""The sections on what was compared and how it came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.evaluate.cautions import lost_alike
from harness.nouns.counted import counted
from harness.report.against_base import against_base_table, compares
from harness.report.blocks import Block, Bullets, Details, Figure, Text
from harness.report.corrected import corrected_table
from harness.report.criteria import in_order, titled, why_not_held_out
from harness.report.differences import (
    ONE_MORE,
    could_see,
    ends_of,
    is_of_few,
    p_words,
    printed,
    those,
)
from harness.report.differences import said as verdict
from harness.report.figures import Dot, Point, Scale, dot_plot, plane
from harness.report.gates import gates_of
from harness.report.tables import Cell, Column, Table, Value, interval, low_high, shown
from harness.report.training import colours
from harness.report.wording import (
    NONE,
    Names,
    apart,
    count,
    join,
    number,
    percent,
    prompts,
    without_response,
)

Data = Mapping[str, Any]

TONES = {"raised": "good", "lowered": "bad"}


def compared(data: Data, names: Names) -> list[Block]:
    """Return the table of arms: which feedback, which trainer."""
    items = data["run"].get("items") or {}
    lead = "Every arm starts from the same base model and is trained on the same"
    lead += f" {prompts(items.get('train'))}{without_response(items)}; all are judged on"
    lead += f" {prompts(items.get('eval'), 'other prompt')}."
    return [
        Text(lead),
        Table.of(
            "Arms: where the feedback came from and what was trained on it",
            data.get("arms", ()),
            [
                ("arm", "text", lambda arm: Cell(arm["name"], arm.get("title") or "", "strong")),
                ("feedback", "text", lambda arm: _feedback(arm, names)),
                ("trainer", "text", lambda arm: arm["trainer"]),
                ("aggregation", "text", lambda arm: arm.get("aggregation") or NONE),
                ("preferences", "count", lambda arm: Cell(arm.get("n_preferences"), _unused(arm))),
                ("rewards", "count", lambda arm: arm.get("n_rewards")),
                ("seeds", "text", _seeds),
            ],
        ),
    ]


def _feedback(arm: Data, names: Names) -> Cell:
    weights = {source: (arm.get("weights") or {}).get(source, 1) for source in arm["sources"]}
    used = [
        names.source(source) + (f" \N{MULTIPLICATION SIGN} {number(w)}" if w != 1 else "")
        for source, w in weights.items()
    ]
    dropped = [names.source(source) for source in arm.get("dropped", ())]
    return Cell(", ".join(used), note=f"dropped: {join(dropped)}" if dropped else "")


def _seeds(arm: Data) -> str:
    trained = [str(seed["seed"]) for seed in arm["seeds"] if not seed.get("why")]
    return ", ".join(trained) or "not trained"


def _unused(arm: Data) -> str:
    """Return why pairs gave no preference."""
    return ", ".join(f"{n:,} {reason}" for reason, n in (arm.get("unused_pairs") or {}).items())


def results(data: Data, names: Names) -> list[Block]:
    """Return scores, differences, the plane of two evaluators and win rates."""
    evaluation = data["evaluation"]
    if not evaluation["evaluators"] or not evaluation["policies"]:
        return [Text("Nothing was evaluated.")]
    shown = _Results(data, evaluation, names, colours(data))
    by_pairs = against_base_table(evaluation, names.source)
    caption = "Score of each policy. Line: 95% interval; small circles: single seeds; dashed: base."
    panels = [shown.panel(index, name) for index, name in enumerate(shown.evaluators)]
    if len(shown.scoring) >= 2:
        caption += " In a plane of two scores, arrows lead from base to each arm."
        if evaluation.get("pareto"):
            caption += " On the front: in what share of draws nobody beats a policy at both."
        panels += shown.plane(*shown.scoring[:2])
    return [
        Text(
            "Scores are means over responses on a scale from 0 to 1"
            + ("; of an evaluator that compares, win rates against base" * bool(by_pairs))
            + f". Intervals are 95%, {_covered(evaluation)}; responses to one prompt count as one"
            " cluster."
        ),
        *_untrusted(data, names),
        shown.scores(),
        *filter(None, [by_pairs, corrected_table(evaluation, names.source, names.prose)]),
        Figure(caption, panels),
        *shown.wins(),
        Details("Scores by seed", [_seed_table(evaluation, names)]),
    ]


def _covered(evaluation: Data) -> str:
    """Return what the intervals of scores are over: trainings count only where they are enough."""
    by: dict[str, list[str]] = {}
    for row in evaluation["scores"]:
        over = "prompts" if is_of_few(row) else row["interval_over"]
        if over is not None and row["policy"] not in by.setdefault(over, []):
            by[over].append(row["policy"])
    if not by:
        return "over nothing"
    if len(by) == 1:
        over, few = (
            next(iter(by)),
            next((those(r) for r in evaluation["scores"] if is_of_few(r)), ""),
        )
        return f"over {over}" + (f" {few}; report.json has those over seeds, too" if few else "")
    return f"over seeds and prompts, those of {join(by['prompts'])} over prompts"


def _clusters(evaluation: Data) -> list[str]:
    """Return a note on independent prompts, where they are fewer than the prompts."""
    most = max((row["clusters"] for row in evaluation["scores"]), default=0)
    items = evaluation["items"]
    if not 0 < most < items:
        return []
    return [
        f"{count(items)} prompts in {counted(most, 'cluster')}: prompts of one cluster are not"
        " independent, and count as one."
    ]


WITH_PEOPLE = "Each source with the people"
"""The section of agreement that gates read: kappa of each source with people, and of people."""


def _untrusted(data: Data, names: Names) -> list[Block]:
    """Return a line on each evaluator that agrees too little with people to be taken at its word.

    That is one that did not pass its gate, or whose agreement is surely below that of people with
    each other: its interval does not reach it.
    """
    tables = (data.get("agreement") or {}).get("tables", ())
    rows = [row for table in tables for row in table["rows"] if row.get("section") == WITH_PEOPLE]
    ceiling = min(
        (r["value"] for r in rows if r["name"] == "mean_cohen_kappa" and r["value"] is not None),
        default=None,
    )
    measured = {row["annotators"]: row for row in rows if row["name"] == "cohen_kappa"}
    failed = {
        gate["source"]: gate
        for gate in gates_of(data)
        if gate["statistic"] == "cohen_kappa" and not gate["passed"]
    }
    people, lines = names.people, []
    for name in (one["name"] for one in data["evaluation"]["evaluators"]):
        said = ""
        if name in failed:
            said = f"its agreement with {people} {_not_passed(failed[name])}"
        elif ceiling is not None and name in measured and _is_below(measured[name], ceiling):
            said = (
                f"it agrees with {people} less than they do with each other:"
                f" {_kappa(measured[name], ceiling)}, and {number(ceiling)}"
            )
        if said:
            lines.append(f"{names.source(name)} scores policies here, and {said}.")
    return [Bullets(lines, "strong")] if lines else []


def _not_passed(gate: Data) -> str:
    minimum = gate["limit"]
    if gate.get("value") is None:
        return f"is unknown: kappa could not be computed, and the minimum is {number(minimum)}"
    by_bounds = gate.get("lower") is not None
    if gate["outcome"] == "fail" if by_bounds else _is_below(gate, minimum):
        return f"is low: {_kappa(gate, minimum)}, below the minimum of {number(minimum)}"
    if by_bounds:
        return f"is not decided: {_kappa(gate, minimum)}, and the minimum is {number(minimum)}"
    return (
        f"did not pass its gate: {_kappa(gate, minimum)}, below the minimum of {number(minimum)},"
        " which the interval holds"
    )


def _is_below(found: Data, limit: float) -> bool:
    """Return whether all of an estimate is below a limit: its interval, or its value without."""
    end = found.get("value") if found.get("high") is None else found["high"]
    return end is not None and bool(end < limit)


def _kappa(found: Data, limit: float) -> str:
    ends = f" ({interval(found)})" if interval(found) else ""
    return f"kappa {apart(found['value'], limit)}{ends}"


@dataclass(frozen=True)
class _Results:
    """One evaluation with the names and the colours that it is shown in."""

    data: Data
    evaluation: Data
    names: Names
    series: Mapping[str, int]

    @cached_property
    def rows(self) -> dict[tuple[str, str], Data]:
        """Scores by evaluator and policy."""
        return {(row["evaluator"], row["policy"]): row for row in self.evaluation["scores"]}

    @cached_property
    def evaluators(self) -> list[str]:
        return [evaluator["name"] for evaluator in in_order(self.data)]

    @cached_property
    def scoring(self) -> list[str]:
        """The evaluators that score single responses."""
        return [evaluator["name"] for evaluator in in_order(self.data) if not compares(evaluator)]

    @cached_property
    def directions(self) -> dict[str, str]:
        """Which values of each evaluator are the better ones."""
        named = self.evaluation["evaluators"]
        return {one["name"]: one.get("direction", "higher") for one in named}

    @cached_property
    def policies(self) -> list[str]:
        return [policy["name"] for policy in self.evaluation["policies"]]

    @property
    def base(self) -> str:
        return str(self.evaluation["base"])

    def title(self, evaluator: str) -> str:
        """An evaluator's name, with whether it decides and which way is better."""
        return titled(evaluator, self.data, self.names)

    def scores(self) -> Table:
        columns = [Column("policy")]
        for evaluator in self.evaluators:
            title = self.title(evaluator)
            columns += [Column(title, "score"), Column("change from base", "change")]
        columns += [Column("KL from base", "score"), Column("characters", "mean")]
        columns += [Column("distinct-2", "rate")]
        rows: list[list[Cell | Value]] = []
        for policy in self.evaluation["policies"]:
            row: list[Cell | Value] = [Cell(policy["name"], tone="strong")]
            for evaluator in self.evaluators:
                score = self.rows[evaluator, policy["name"]]
                row.append(
                    Cell(score["value"], why_not_held_out(score), ends=low_high(ends_of(score)))
                )
                row.append(change_cell(score["difference"], self.directions.get(evaluator, "")))
            kl = policy.get("kl")
            row.append(Cell(kl["value"], ends=low_high(ends_of(kl))) if kl else None)
            row.append(policy["characters"]["value"])
            row.append(policy.get("distinct_2"))
            rows.append(row)
        return Table(
            "Scores of every policy on held-out prompts. p: paired by prompt, adjusted by Holm"
            f"{self._planned()}. KL"
            " in nats per response. distinct-2: share of distinct word pairs among equally many",
            columns,
            rows,
            [
                *_clusters(self.evaluation),
                *map(self.names.sentence, lost_alike(self.evaluation["scores"], self.base)),
            ],
            stack=True,
        )

    def _planned(self) -> str:
        rows = (row["difference"] for row in self.evaluation["scores"])
        said = any(row and row.get("p_planned") is not None for row in rows)
        return ", and of what was planned among that alone" if said else ""

    def panel(self, index: int, evaluator: str) -> str:
        dots = []
        for policy in self.policies:
            row = self.rows[evaluator, policy]
            held = ends_of(row)
            ends = (row["value"], held["low"], held["high"])
            seeds = [s["value"] for s in row["seeds"] if s["value"] is not None]
            small = seeds if len(row["seeds"]) > 1 else ()
            dots.append(Dot(policy, *ends, self.series[policy], small, "no score"))
        base = self.rows.get((evaluator, self.base), {}).get("value")
        reference = None if base is None else (base, "base")
        title = self.title(evaluator)
        scale = Scale(title, (0.0, 1.0), reference)
        return dot_plot(f"score-{index}", f"{title} by policy", dots, scale)

    def plane(self, *pair: str) -> list[str]:
        points = []
        for policy in self.policies:
            rows = (self.rows[e, policy] for e in pair)
            across, up = ((row["value"], ends_of(row)["low"], ends_of(row)["high"]) for row in rows)
            if across[0] is not None and up[0] is not None:
                points.append(Point(policy, across, up, self.series[policy]))
        if len(points) < 2:
            return []
        first, second = (self.names.source(e) for e in pair)
        title = f"{first} against {second}"
        below = self._on_front(pair)
        return [plane("plane", title, points, first, second, self.base, below)]

    def _on_front(self, pair: tuple[str, ...]) -> str:
        """Return in what share of draws each policy is on the front of two criteria, in words."""
        rows = self.evaluation.get("pareto", ())
        found = next((row["policies"] for row in rows if row["criteria"] == list(pair)), ())
        told = [f"{one['policy']} {percent(one['share'])}" for one in found if one["share"]]
        return f"On the front: {', '.join(told)}" if told else ""

    def wins(self) -> list[Block]:
        by_key = {(row["criterion"], row["a"], row["b"]): row for row in self.evaluation["wins"]}
        criteria = list(dict.fromkeys(row["criterion"] for row in self.evaluation["wins"]))

        def matrix(criterion: str, caption: str) -> Table:
            rows: list[list[Cell | Value]] = []
            for a in self.policies:
                cells: list[Cell | Value] = [Cell(a, tone="strong")]
                for b in self.policies:
                    row = by_key.get((criterion, a, b))
                    if row is None or row["value"] is None:
                        cells.append(Cell(None, tone="muted"))
                        continue
                    small = f"{row['wins']}/{row['ties']}/{row['losses']}"
                    even = (row.get("length_controlled") or {}).get("value")
                    small += f" · {number(even)}" if even is not None else ""
                    in_style = (row.get("style_controlled") or {}).get("value")
                    small += f" · style {number(in_style)}" if in_style is not None else ""
                    cells.append(
                        Cell(row["value"], small, heat=row["value"], ends=low_high(ends_of(row)))
                    )
                rows.append(cells)
            heads = [Column("row against column"), *Column.each("score", *self.policies)]
            return Table(caption, heads, rows, _clusters(self.evaluation), matrix=True)

        blocks: list[Block] = []
        folded: list[Block] = []
        for criterion in criteria:
            if criterion == "combined":
                shown = join([self.names.source(e) for e in self.scoring])
                caption = f"Win rate by {shown} together: better on one and worse on none"
                blocks.append(matrix(criterion, f"{caption}, ties half"))
            else:
                caption = f"Win rate by {self.names.source(criterion)}, ties half"
                (folded if len(self.scoring) > 1 else blocks).append(matrix(criterion, caption))
        even, in_style = (
            any(row.get(key) for row in by_key.values())
            for key in ("length_controlled", "style_controlled")
        )
        lead = Text(
            "Each response of the row's policy meets each response of the column's policy to the"
            " same prompt. Small: 95% interval, then wins/ties/losses"
            + ", then the win rate if both had written equally many characters" * even
            + ", then (style) if with equally many headings, bold words and list items, too"
            * in_style
            + ".",
            "muted",
        )
        if folded:
            blocks.append(Details("Win rate by each evaluator alone", folded))
        return [lead, *blocks] if blocks else []


def change_cell(difference: Data | None, direction: str = "higher") -> Cell:
    """Return a change from base, coloured by its verdict, with its interval, p and power below."""
    if not difference or difference.get("value") is None:
        return Cell(None, tone="muted")
    word = verdict(difference)
    if direction == "lower":
        word = {"raised": "lowered", "lowered": "raised"}.get(word, word)
    tone: Any = TONES.get(word, "")
    start, end, change = printed(difference)
    notes = [p_words(difference)]
    if len(change) > len(shown(difference["value"], "change")):
        notes.insert(0, f"from {start} to {end}")
    if word == "undecidable":
        notes.append("not decidable")
    elif word == "unclear" and (least := could_see(difference)) is not None:
        notes.append(f"could have seen {number(least)}")
    held = ends_of(difference)
    if held.get("one_more"):
        notes.append(ONE_MORE)
    if words := those(difference):
        notes.append(words)
    ends = low_high(held)
    return Cell(change, " · ".join(notes), tone, stored=difference["value"], ends=ends)


def _seed_table(evaluation: Data, names: Names) -> Table:
    return Table.of(
        "Scores by seed; intervals clustered by prompt",
        [
            {**row, **seed, "sd": row["seed_sd"] if index == 0 else ""}
            for row in evaluation["scores"]
            for index, seed in enumerate(row["seeds"])
        ],
        [
            ("policy", "text", lambda row: row["policy"]),
            ("evaluator", "text", lambda row: names.source(row["evaluator"])),
            ("seed", "count", lambda row: str(row["seed"])),
            ("score", "rate", lambda row: row["value"]),
            ("95% interval", "rate", lambda row: (row["low"], row["high"])),
            ("scored", "count", lambda row: f"{count(row['n'])} of {count(row['responses'])}"),
            ("sd of seeds", "rate", lambda row: row["sd"]),
        ],
    )
