"""``harness evaluate``: compare policies on plain files, with no experiment file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.options import (
    Asking,
    Seed,
    Verifying,
    checked_way,
    files_of,
    one_object,
    options_of_sources,
)
from harness.nouns.errors import ConfigError

if TYPE_CHECKING:
    from harness.nouns.schema import Way
    from harness.report.tables import Table


@dataclass(frozen=True, kw_only=True)
class Options(Asking, Verifying):
    """What ``harness evaluate`` is given.

    Args:
        items: JSONL file of held-out items.
        responses: POLICY=FILE.jsonl, or POLICY@SEED=FILE.jsonl; the first is the base.
        evaluator: A source that scores responses or compares them, or NAME=SOURCE; repeatable.
        option: Option of an evaluator, NAME.key=value; repeatable.
        trained_on: Judgments that a policy was trained on, POLICY=JUDGMENTS.jsonl, which say for
            whom an evaluator is held out; repeatable, for all policies but the base.
        lower_is_better: An evaluator of which a lower score is the better one; repeatable.
        way: How an evaluator is asked, EVALUATOR=WAY: pairwise compares each response with the
            base's in both orders, listwise ranks those of all policies; by default pointwise
            where it can; repeatable.
        margin: A change of an evaluator's mean within this counts as none, EVALUATOR=NUMBER;
            repeatable.
        seed: Seed of the evaluators.
        out: JSON file to write everything to.
    """

    items: Path
    responses: list[str]
    evaluator: list[str]
    option: list[str] | None = None
    trained_on: list[str] | None = None
    lower_is_better: list[str] | None = None
    way: list[str] | None = None
    margin: list[str] | None = None
    seed: Seed = 0
    out: Path | None = None


@one_object
def command(options: Options) -> None:
    """Score policies with evaluators: means, differences and win rates, with intervals.

    What judges say is kept in OUT.journal.sqlite, which --budget counts as spent, so that the same
    command pays only for what is missing.
    """
    from harness.cli.nothing import tell_failures
    from harness.cli.screen import bars, console
    from harness.cli.win_rate import against_base
    from harness.experiment.stages.evaluate_files import EvaluateSettings, evaluated
    from harness.records.writes import write_json
    from harness.report.against_base import against_base_table
    from harness.report.corrected import corrected_table
    from harness.report.terminal import show

    uses: dict[str, str] = {}
    for name, _, use in (entry.partition("=") for entry in options.evaluator):
        if name in uses:
            raise ConfigError(f"--evaluator names a source twice: {', '.join(options.evaluator)}")
        uses[name] = use or name
    answered = policies(options.responses)
    limits = options.seed, options.concurrency, options.budget, journal_of(options.out, uses)
    trained_on = files_of(options.trained_on, "--trained-on")
    lower, margins = read_as(options, uses)
    ways = asked_as(options, uses)
    settings = EvaluateSettings(uses, trained_on, *limits, options.timeout, lower, margins, ways)
    evaluators = options_of_sources(options.option, uses)
    with bars(options.quiet) as bar:
        found = evaluated(options.items, answered, evaluators, settings, bar)
    result = dict(found.table)
    if options.out is not None:
        write_json(options.out, result)
    screen = console()
    show(screen, scores(result))
    if (by_pairs := against_base_table(result, str)) is not None:
        screen.print()
        show(screen, by_pairs)
    if (by_people := corrected_table(result)) is not None:
        screen.print()
        show(screen, by_people)
    if result["wins"]:
        screen.print()
        show(screen, against_base(result))
    if any(row["difference"] and row["held_out"] is None for row in result["scores"]):
        screen.print("Whether an evaluator is held out is not known, unless --trained-on tells it.")
    tell_failures(screen, {f"judgments of {name}": one for name, one in found.judged.items()})


WORDS = {"undecidable": "not decidable", "unknown": ""}


def read_as(options: Options, uses: Mapping[str, str]) -> tuple[frozenset[str], dict[str, float]]:
    """Return of which evaluators lower is better, and their margins.

    Raises:
        ConfigError: There is no such evaluator, or a margin is no number between 0 and 1.
    """
    lower, margins = frozenset(options.lower_is_better or ()), dict[str, float]()
    for entry in options.margin or ():
        name, _, given = entry.partition("=")
        try:
            margins[name] = float(given)
        except ValueError:
            margins[name] = math.nan
        if not 0 < margins[name] < 1:
            raise ConfigError(
                f"--margin {entry!r} is not EVALUATOR=NUMBER with a number between 0 and 1"
            )
    for name in (*lower, *margins):
        if name not in uses:
            raise ConfigError(f"no evaluator is named {name}", hint=f"there are {', '.join(uses)}")
    return lower, margins


def asked_as(options: Options, uses: Mapping[str, str]) -> dict[str, Way]:
    """Return the ways in which evaluators are asked.

    Raises:
        ConfigError: There is no such evaluator, or no such way.
    """
    ways: dict[str, Way] = {}
    for entry in options.way or ():
        name, _, given = entry.partition("=")
        if name not in uses:
            raise ConfigError(f"no evaluator is named {name}", hint=f"there are {', '.join(uses)}")
        ways[name] = checked_way(given, lists=True)
    return ways


def journal_of(out: Path | None, uses: Mapping[str, str]) -> Path | None:
    """Return the journal beside what is written, None where no evaluator is a judge.

    Raises:
        PluginError: There is no such source.
        InputError: OUT was written and its journal is gone, so that all would be paid for anew.
    """
    from harness.records.journal import journal_beside
    from harness.registry import registry

    kinds = [registry().source(use).kind for use in uses.values()]
    if all(kind in ("verifier", "human") for kind in kinds):
        return None
    if out is None:
        raise ConfigError(
            "what a judge says is kept beside --out, so that it is not paid for twice",
            hint="name a file: --out evaluation.json",
        )
    return journal_beside(out)


def policies(entries: list[str]) -> dict[str | tuple[str, int], str]:
    """Return the file of each policy's responses.

    Raises:
        ConfigError: An entry is not POLICY=FILE or POLICY@SEED=FILE, or a policy is given twice.
    """
    files: dict[str | tuple[str, int], str] = {}
    for entry in entries:
        label, separator, file = entry.partition("=")
        name, _, seed = label.partition("@")
        if not separator or not name or not re.fullmatch(r"[0-9]{0,10}", seed):
            raise ConfigError(f"--responses {entry!r} is not POLICY=FILE or POLICY@SEED=FILE")
        key = (name, int(seed)) if seed else name
        if key in files:
            raise ConfigError(f"--responses {label} is given twice")
        files[key] = file
    return files


def scores(result: dict[str, Any]) -> Table:
    """Return scores with intervals and coverage, the difference to the base, and what it says."""
    from harness.evaluate.cautions import lost_alike
    from harness.report.criteria import titled
    from harness.report.differences import said
    from harness.report.results import change_cell
    from harness.report.tables import Cell, Column, Table
    from harness.report.wording import Names, number

    columns: list[Column | str] = [
        "evaluator", "policy", *Column.each("rate", "mean", "95% interval"), "scored",
        Column("difference", "change"), "verdict",
    ]  # fmt: skip
    compared = [row["difference"]["items"] for row in result["scores"] if row["difference"]]
    if partly := any(common < result["items"] for common in compared):
        columns.append(Column("common items", "count"))
    columns.append(Column("", "note"))
    names = Names.of_run({"evaluation": result})
    lower = {e["name"] for e in result["evaluators"] if e["direction"] == "lower"}
    rows = []
    for row in result["scores"]:
        difference = row["difference"] or {}
        who = titled(row["evaluator"], {"evaluation": result}, names), row["policy"]
        what = (
            row["value"],
            (row["low"], row["high"]),
            f"{row['n']}/{asked}" if (asked := row["responses"] + row["unanswered"]) else None,
        )
        cell = change_cell(difference, "lower" if row["evaluator"] in lower else "higher")
        word = WORDS.get(said(difference), said(difference)) if difference else ""
        change = difference.get("value"), Cell(word, tone=cell.tone)
        common = [difference.get("items")] if partly else []
        rows.append(
            (
                *who,
                *what,
                *change,
                *common,
                f"difference: {cell.small('change')}" * bool(difference),
            )
        )
    notes = [
        f"{row['evaluator']}, {row['policy']}: not decidable: responses without a score could have"
        " made the difference, or undone it"
        for row in result["scores"]
        if row["difference"] and row["difference"]["verdict"] == "undecidable"
    ]
    notes += [
        f"{one['name']}: a change within {number(one['margin'])} counts as none"
        for one in result["evaluators"]
        if one["margin"] is not None
    ]
    notes += lost_alike(result["scores"], result["base"])
    notes += [f"warning: {warning}" for warning in result["warnings"]]
    return Table("", columns, rows, notes)
