"""Tables beside the curves: what was logged, look by look, and whether gold fell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from harness.report.blocks import Block, Details
from harness.report.differences import ends_of, printed
from harness.report.tables import Cell, Column, Kind, Table, low_high
from harness.report.wording import Names

Data = Mapping[str, Any]

GOLD = "held_out/gold/"

MOST_LOOKS = 12
"""Rows of a training in its table, at the most, evenly among its looks; first and last always."""

LOGGED: Sequence[tuple[str, str, Kind]] = (
    ("reward", "reward", "score"),
    ("reward_margin", "margin", "score"),
    ("gold", "gold", "score"),
    ("gold_se", "its standard error", "rate"),
    ("held_out/kl_sequence", "KL, nats per response", "score"),
    ("held_out/entropy", "entropy, nats per token", "rate"),
    ("held_out/length", "length, tokens", "mean"),
    ("held_out/unique", "different texts", "percent"),
)
"""What the table of a training has of a row of its log, the column's heading and kind."""

SAID = {
    "fell": "fell",
    "unconfirmed": "not confirmed",
    "no fall": "no clear fall",
    "unknown": "not known",
}


def gold_name(data: Data) -> str:
    """Return the evaluator that was watched as the gold reward; empty where nobody says."""
    said = [row["gold"] for row in data.get("gold_falls", ())]
    rows = [
        r for seeds in (data.get("curves") or {}).values() for one in seeds.values() for r in one
    ]
    said += [key.removeprefix(GOLD) for row in rows for key in row if key.startswith(GOLD)]
    return said[0] if said else ""


def is_lower(row: Data) -> bool:
    """Tell whether lower scores of the evaluator that was watched are the better ones."""
    return row.get("direction") == "lower"


def looks_of(rows: Sequence[Data]) -> list[Data]:
    """Return the rows of a log that are looks of the monitor; of a log without any, all rows."""
    seen = [row for row in rows if row.get("held_out/kl_sequence") is not None or _has_gold(row)]
    return seen or list(rows)


def _has_gold(row: Data) -> bool:
    return row.get("gold") is not None


def curve_tables(data: Data) -> list[Block]:
    """Return what was logged at the looks of each training, folded away: the numbers of curves."""
    tables: list[Block] = []
    for arm, seeds in (data.get("curves") or {}).items():
        rows = [(str(seed), row) for seed, log in seeds.items() for row in _some(looks_of(log))]
        kept = [one for one in LOGGED if any(row.get(one[0]) is not None for _, row in rows)]
        if rows and kept:
            heads = [Column("seed"), Column("step", "count")]
            heads += [Column(heading, kind) for _, heading, kind in kept]
            body = [[seed, row["step"], *(row.get(key) for key, *_ in kept)] for seed, row in rows]
            tables.append(Table(f"{arm}: what was logged at the monitor's looks", heads, body))
    return [Details("The curves as tables", tables)] if tables else []


def _some(rows: Sequence[Data]) -> list[Data]:
    """Return a dozen of rows at the most, the first and the last among them."""
    if len(rows) <= MOST_LOOKS:
        return list(rows)
    gap = (len(rows) - 1) / (MOST_LOOKS - 1)
    return [rows[round(index * gap)] for index in range(MOST_LOOKS)]


def measured_twice(data: Data, names: Names) -> list[Block]:
    """Return the last look beside the evaluation: one thing that was measured twice."""
    evaluation, gold = data.get("evaluation") or {}, gold_name(data)
    scores = {
        row["policy"]: row for row in evaluation.get("scores", ()) if row["evaluator"] == gold
    }
    kls = {row["name"]: row.get("kl") for row in evaluation.get("policies", ())}
    rows = []
    for arm, seeds in (data.get("curves") or {}).items():
        if arm in kls:
            ends = [looks_of(log)[-1] for log in seeds.values() if log]
            last = {key: _mean(ends, key) for key in ("gold", "held_out/kl_sequence")}
            rows.append((arm, last, scores.get(arm), kls[arm]))
    if not any(value is not None for _, last, *_ in rows for value in last.values()):
        return []
    called = names.source(gold) if gold else "gold"
    return [
        Table.of(
            "The end of each curve and the evaluation",
            rows,
            [
                ("arm", "text", lambda row: Cell(row[0], tone="strong")),
                (f"{called}, last look", "score", lambda row: row[1]["gold"]),
                (f"{called}, evaluation", "score", lambda row: _with_interval(row[2])),
                ("KL, last look", "score", lambda row: row[1]["held_out/kl_sequence"]),
                ("KL, evaluation", "score", lambda row: _with_interval(row[3])),
            ],
            [
                "Two measurements of one policy: the last look of the monitor, a mean over seeds,"
                " on its own prompts; and new answers to all held-out prompts, which every other"
                " table and the findings go by."
            ],
        )
    ]


def _mean(rows: Sequence[Data], key: str) -> float | None:
    known = [row[key] for row in rows if row.get(key) is not None]
    return fmean(known) if known else None


def _with_interval(row: Data | None) -> Cell:
    return Cell(row["value"], ends=low_high(ends_of(row))) if row else Cell(None)


def falls(data: Data, names: Names) -> list[Block]:
    """Return the table of gold from its peak to the end; nothing where nothing was watched."""
    rows = [row for row in data.get("gold_falls", ()) if row["looks"]]
    if not rows:
        return []
    gold, lower = names.source(rows[0]["gold"]), is_lower(rows[0])
    fell, side, best = ("rose", "above", "lowest") if lower else ("fell", "below", "highest")
    notes = [
        "Paired by prompt. The interval of the change allows for the choice of that look among"
        f" all, and for all trainings of this table. Gold {fell} where that interval lies {side} 0"
        " and new answers, those of the evaluation, show it, too."
    ]
    notes += [
        f"{row['arm']}, seed {row['seed']}: {row['reason']}." for row in rows if row["reason"]
    ]
    table = Table.of(
        f"Held-out gold reward {gold}{', of which lower is better,' if lower else ''} from its"
        f" {best} earlier look to the end of each training, on the monitor's prompts",
        rows,
        [
            ("arm", "text", lambda row: Cell(row["arm"], tone="strong")),
            ("seed", "count", lambda row: str(row["seed"])),
            (f"{best} earlier look, step", "count", lambda row: row["peak"]),
            ("there", "score", lambda row: _moved(row)[0]),
            ("at the end", "score", lambda row: _moved(row)[1]),
            ("change", "change", lambda row: _moved(row)[2]),
            ("in the evaluation", "change", _evaluated),
            ("prompts", "count", lambda row: row["clusters"] or None),
            ("gold", "text", _said),
        ],
        notes,
    )
    return [table]


FITS = {
    "rl": "d (\N{GREEK SMALL LETTER ALPHA} \N{MINUS SIGN} \N{GREEK SMALL LETTER BETA} ln d)",
    "best_of_n": "d (\N{GREEK SMALL LETTER ALPHA} \N{MINUS SIGN} \N{GREEK SMALL LETTER BETA} d)",
    "either": "not determined",
    "neither": "neither",
    "": "not fitted",
}
"""Which form fits, in words."""


def forms(data: Data) -> list[Block]:
    """Return the table of Gao et al.'s forms; nothing where no arm was looked at."""
    rows = [row for row in data.get("overoptimisation", ()) if row["looks"]]
    if not rows:
        return []
    lower = any(is_lower(row) for row in data.get("gold_falls", ()))
    gain = "What gold lost, which is its gain," if lower else "The gain of gold"

    def coefficient(form: str, name: str) -> Any:
        def cell(row: Data) -> Cell:
            found = row["forms"].get(form)
            return Cell(found[name]["value"], ends=low_high(found[name])) if found else Cell(None)

        return cell

    named = [(form, name) for form in ("rl", "best_of_n") for name in ("alpha", "beta")]
    notes = [
        f"{gain} since the first look, over d, the square root of KL (Gao et al. 2023):"
        f" {FITS['rl']} is the form of reinforcement learning, {FITS['best_of_n']} that of"
        " best-of-n. A peak is told where its whole interval was looked at. Intervals are 95%,"
        " clustered by prompt."
    ]
    notes += [f"{row['arm']}: {row['reason']}." for row in rows if row["reason"]]
    return [
        Table.of(
            "Over-optimisation: two forms fitted to the looks of each arm",
            rows,
            [
                ("arm", "text", lambda row: Cell(row["arm"], tone="strong")),
                ("looks", "count", lambda row: row["looks"]),
                *((_heading(*one), "score", coefficient(*one)) for one in named),
                ("fits", "text", lambda row: FITS[row["fits"]]),
                (f"gold is {'lowest' if lower else 'highest'} at d", "text", _peak),
            ],
            notes,
        )
    ]


def _heading(form: str, name: str) -> str:
    letter = "\N{GREEK SMALL LETTER ALPHA}" if name == "alpha" else "\N{GREEK SMALL LETTER BETA}"
    return f"{letter}, {'learning' if form == 'rl' else 'best-of-n'}"


def _peak(row: Data) -> Cell:
    if row["peak"] is None:
        return Cell("not determined", tone="muted")
    return Cell(row["peak"]["value"], kind="score", ends=low_high(row["peak"]))


def _evaluated(row: Data) -> Cell:
    return Cell(row["evaluated"]["value"], ends=low_high(row["evaluated"]))


def _moved(row: Data) -> tuple[Cell, Cell, Cell]:
    """Return a score at its highest earlier look, at the end, and the change: c = b - a in print.

    Plain numbers where one of them is not known.
    """
    known = {"from": row["before"], "to": row["after"], "value": row["value"]}
    if None in known.values():
        return Cell(row["before"]), Cell(row["after"]), Cell(row["value"], ends=low_high(row))
    start, end, change = printed(known)
    return (
        Cell(start, stored=row["before"]),
        Cell(end, stored=row["after"]),
        Cell(change, stored=row["value"], ends=low_high(row)),
    )


def _said(row: Data) -> Cell:
    lower, change = is_lower(row), row["value"] or 0
    if row["verdict"] == "no fall" and (change <= 0 if lower else change >= 0):
        return Cell(f"{'lowest' if lower else 'highest'} at the end", tone="muted")
    said = SAID[row["verdict"]]
    if lower:
        said = said.replace("fell", "rose").replace("fall", "rise")
    return Cell(said, tone="bad" if row["verdict"] == "fell" else "muted")
