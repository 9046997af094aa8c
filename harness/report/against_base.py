"""Arms against base as a judge of pairs sees them: win rates, and what order and length did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.nouns.counted import counted
from harness.report.differences import ends_of, said
from harness.report.finding import Finding, Weight
from harness.report.tables import Cell, Kind, Table, Value, low_high
from harness.report.wording import Names, count, dollars, number, percent

Data = Mapping[str, Any]

TURNED = 0.2
"""Share of pairs on which a judge turned with the order, from which on a finding tells it."""

COMPARES = "wins against base"
"""What stands beside the name of an evaluator whose scores are win rates."""


def compares(evaluator: Data) -> bool:
    """Tell whether an evaluator compares responses with base's; its scores are win rates then."""
    return bool(evaluator.get("way", "pointwise") != "pointwise")


def against_base_table(evaluation: Data, title: Callable[[str], str]) -> Table | None:
    """Return one row for each evaluator of pairs and arm; None where there is no such evaluator.

    Args:
        evaluation: The evaluation.
        title: What an evaluator is called.
    """
    rows = evaluation.get("against_base", ())
    if not rows:
        return None
    paid: list[tuple[str, Kind, Callable[[Data], Cell | Value]]] = [
        ("cost", "text", lambda row: dollars(row["cost_usd"]))
    ]
    style: list[tuple[str, Kind, Callable[[Data], Cell | Value]]] = [
        ("in equal style", "score", lambda row: _even(row.get("style_controlled")))
    ]
    return Table.of(
        "Each response against base's to the same prompt, in both orders: share of pairs that the"
        " arm wins, ties half",
        rows,
        [
            ("arm", "text", lambda row: Cell(row["policy"], title(row["evaluator"]), "strong")),
            ("wins against base", "score", _won),
            ("at equal length", "score", lambda row: _even(row["length_controlled"])),
            *(style if any(row.get("style_controlled") for row in rows) else []),
            ("orders disagree", "text", _turned),
            ("longer preferred", "text", _longer),
            ("without verdict", "text", _lost),
            *(paid if any(row["cost_usd"] for row in rows) else []),
        ],
        [
            "Wins/ties/losses are of pairs. A pair on which the two orders disagree is a tie; a"
            " pair of equal texts is one that nobody was asked about. Longer preferred: of the"
            " decided pairs of unequal length."
        ],
    )


def _won(row: Data) -> Cell:
    told = f"{row['wins']}/{row['ties']}/{row['losses']}"
    if row["alike"]:
        told += f" · {count(row['alike'])} of equal texts"
    return Cell(row["value"], told, ends=low_high(ends_of(row)))


def _even(found: Data | None) -> Cell:
    if found is None:
        return Cell(None, "no markdown", "muted")
    if found["value"] is None:
        return Cell(None, found.get("reason") or "", "muted")
    return Cell(found["value"], ends=low_high(found))


def _turned(row: Data) -> Cell:
    turned = row["turned"]
    if turned["value"] is None:
        return Cell(None, tone="muted")
    of = f"{count(row['inconsistent'])} of {counted(turned['n'], 'pair')} a tie for it"
    return Cell(percent(turned["value"]), of, "warn" if turned["value"] >= TURNED else "")


def _longer(row: Data) -> Cell:
    longer = row["longer"]
    if longer["value"] is None:
        return Cell(None, tone="muted")
    return Cell(percent(longer["value"]), f"of {count(longer['n'])}")


def _lost(row: Data) -> Cell:
    lost = row["pairs"] - row["n"]
    if not lost:
        return Cell("0", f"of {count(row['pairs'])}", "muted")
    told = [f"{n} {status}" for status, n in row["failures"].items()]
    told += [f"{row['unanswered']} without a response"] if row["unanswered"] else []
    return Cell(count(lost), f"of {count(row['pairs'])}: {', '.join(told)}", "warn")


def against_base_findings(data: Data, names: Names) -> list[Finding]:
    """Return where the order decided, and where a win rate does not hold at equal length."""
    evaluation = data.get("evaluation") or {}
    found = []
    for row in evaluation.get("against_base", ()):
        title, turned = names.source(row["evaluator"]), row["turned"]
        if turned["value"] is not None and turned["value"] >= TURNED:
            text = (
                f"{title} said something else of {percent(turned['value'])} of"
                f" {counted(turned['n'], 'pair')} of {row['policy']} and base when their order was"
                f" turned: {count(row['inconsistent'])} are ties for that."
            )
            found.append(Finding(Weight.TRUST, text))
        found += _of_length(evaluation, row, title)
    return found


def _of_length(evaluation: Data, row: Data, title: str) -> list[Finding]:
    """Return a finding where a difference that was shown is none, or not known, at equal length."""
    score = next(
        one
        for one in evaluation["scores"]
        if (one["evaluator"], one["policy"]) == (row["evaluator"], row["policy"])
    )
    verdict, even, longer = said(score["difference"]), row["length_controlled"], row["longer"]
    if verdict not in ("raised", "lowered") or longer["value"] is None:
        return []
    if even["value"] is not None and even["low"] is not None:
        ends = ends_of(even) if "trainings" in even else even
        if ends["low"] > 0.5 or ends["high"] < 0.5:
            return []
        told = f"at equal length {row['policy']} wins {number(even['value'])}, which may be none"
    else:
        told = f"what it would say at equal length is not known ({even['reason']})"
    return [
        Finding(
            Weight.TRUST,
            f"{title} preferred the longer response in {percent(longer['value'])} of"
            f" {counted(longer['n'], 'decided pair')} of {row['policy']} and base: {told}.",
        )
    ]
