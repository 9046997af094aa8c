"""``harness agree``: how well judges agree with people, and people with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.label_options import ReadingOptions, gates, names
from harness.cli.options import Seed, one_object
from harness.nouns.counted import counted
from harness.nouns.gate import Gate
from harness.records.judgments import is_judgments

if TYPE_CHECKING:
    from harness.agreement.gate import GateDecision
    from harness.agreement.report import AgreementReport
    from harness.experiment.stages.agree import Agreement


@dataclass(frozen=True, kw_only=True)
class Options(ReadingOptions):
    """What ``harness agree`` is given.

    Args:
        failures_as: Also score failures as this label, as some publications do, in rows of their
            own.
        epsilon: Alternative annotator test: what a judge's lower cost is worth (.2 expert, .15
            skilled, .1 crowd).
        risk: Largest share of wrong verdicts that may stand unseen.
        replicates: Bootstrap replicates.
        seed: Seed of the bootstrap.
        html_file: Write a page with plots to this file.
        gate: Judgments: smallest kappa of a source, and what is done where it was not shown to
            reach it (drop, down_weight, stop, warn), as judge=0.4:drop; or another limit and more
            keys of agreement.gates, as judge=maximum_flip_rate:0.2:warn,undecided=train; may be
            repeated.
        probes: What harness probe-judge found of a judge, for gates like
            judge=maximum_bias:0.1:drop,bias=length; may be repeated.
        choose: Tables: choose the best of these judges, as a,b,c, on one half of the prompts; gates
            on it read the other half.
        out: Judgments: write agreement.json, which harness aggregate reads.
        uses: File that says what the labels were used for: those that chose a judge do not certify
            it. Default: label-uses.jsonl beside the labels.
    """

    failures_as: str = ""
    epsilon: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.2
    risk: Annotated[float, typer.Option(min=0.001, max=0.5)] = 0.1
    replicates: Annotated[int, typer.Option(min=100)] = 2000
    seed: Seed = 0
    html_file: Annotated[Path | None, typer.Option("--html")] = None
    gate: list[str] | None = None
    probes: list[Path] | None = None
    choose: str = ""
    out: Path | None = None
    uses: Path | None = None


@one_object
def command(options: Options) -> None:
    """Measure agreement: accuracy, kappa, alpha, AC1, the human ceiling, biases and coverage.

    A wide table has one column for each annotator:

        harness agree LABELS.csv --human-columns a1,a2,a3 --judge-columns gpt,panda

    A long one has one row for each label:

        harness agree LABELS.csv --item-column item --annotator-column who --label-column label
        --people ann,bob --judges gpt

    Judgments as harness judge writes them say who judged; scores are compared where there are
    pairs:

        harness agree JUDGE.jsonl --also PEOPLE.jsonl --items items.jsonl --responses
        responses.jsonl --gate judge=0.4:down_weight --out agreement.json
    """
    from harness.agreement import Settings
    from harness.cli.screen import busy, console
    from harness.experiment.stages.agree import agree, gated
    from harness.experiment.stages.gate_checks import check_gates
    from harness.records.writes import write_json, write_text
    from harness.report import agreement_page, agreement_terminal, html
    from harness.report.terminal import show

    asked = gates(options.gate)
    chosen = names(options.choose) or (("",) if options.choose else ())  # "," names none
    settings = Settings(
        replicates=options.replicates,
        seed=options.seed,
        failures_as=options.failures_as or None,
        epsilon=options.epsilon,
        risk=options.risk,
    )
    name = options.labels.name
    check_gates(asked, options.files, options.reading())
    with busy(f"measuring the agreement of {name}"):
        report = agree(
            options.files, options.reading(), settings, options.encoding, options.answers(),
            options.uses, options.probes or (), chosen, asked,
        )  # fmt: skip
    if options.json_file is not None:
        how = {"confidence": 0.95, "replicates": settings.replicates, "seed": settings.seed}
        write_json(options.json_file, {"file": name, **how, **report.as_dict()})
    screen, told, then = console(), list[dict[str, Any]](), _next(options, asked)
    try:
        if options.out is not None or options.gate:
            decisions = gated(report, asked)
            told = decisions.as_row()["gates"]
            then = _without_a_judge(report, decisions) or then
            _note(options, report, decisions.gates)
            if options.out is not None:
                decisions.write(options.out)
    finally:  # what was measured is shown, whatever is wrong with a gate
        if options.html_file is not None:
            page = agreement_page.page(report, name, told, then)
            write_text(options.html_file, html.render(page))
        show(screen, *agreement_terminal.terminal_blocks(report, name, told, screen.width))
    if options.html_file is not None:
        screen.print(f"\npage with plots: {options.html_file}", soft_wrap=True, markup=False)
    screen.print(f"\nnext: {then}", soft_wrap=True, markup=False)


def _note(options: Options, report: AgreementReport, decided: Sequence[GateDecision]) -> None:
    """Record by which labels the gates decided; labels may lie where nobody can write."""
    from harness.experiment.stages.spent import note_certified, tell_certified
    from harness.records.label_uses import uses_beside

    if options.uses:
        return note_certified([options.uses], report, decided)
    hint = "name another file with --uses"
    tell_certified(uses_beside(*options.files), report, decided, "harness agree", hint)


def _next(options: Options, asked: Sequence[Gate]) -> str:
    """Return the command that goes on from here."""
    files = " --also ".join(quote(str(path)) for path in options.files)
    if options.out is not None and not is_judgments(options.labels):
        return _next_of_a_table(options)
    if options.out is not None:
        return (
            f"harness aggregate {files} --agreement {options.out} --preferences preferences.jsonl"
        )
    if asked:
        return "the same command with --out agreement.json, which harness aggregate reads"
    if is_judgments(options.labels):
        return "the same command with --gate SOURCE=0.4:drop: may the source give rewards?"
    return "harness plan-labels --half-width 0.05: how many labels a narrower interval needs"


def _without_a_judge(report: AgreementReport, decided: Agreement) -> str:
    """Return what to do where the gates leave no judge; empty where one is left."""
    table = report.table
    judges = {table.source_names[k] for k in table.judges}
    if not judges or any(decided.weights.get(name, 1.0) > 0 for name in judges):
        return ""
    more = max((gate.more_labels or 0 for gate in decided.gates), default=0)
    if more:
        return (
            f"the gates leave no judge: label about {counted(more, 'item')} more, and give this"
            " command again"
        )
    return "the gates leave no judge: harness align-judge improves one from people's labels"


AS_READ = ("item_column", "annotator_column", "label_column", "categories", "failure_values")
"""Options that harness aggregate reads a table by, as harness agree does."""


def _next_of_a_table(options: Options) -> str:
    """Return the command that makes one label of the judges', as far as their gates leave them."""
    if not options.judge_columns:
        return f"{options.out} says what the gates leave of each judge"
    said = {"annotators": options.judge_columns}
    said |= {name: getattr(options, name) for name in AS_READ}
    said |= {"scale": options.scale if options.scale != "nominal" else ""}
    more = [(name, value) for name, value in said.items() if value]
    more += [("where", value) for value in options.where or ()]
    more += [("set", value) for value in options.set_ or ()]
    told = " ".join(f"--{name.replace('_', '-')} {quote(value)}" for name, value in more)
    return (
        f"harness aggregate {quote(str(options.labels))} {told} --agreement"
        f" {quote(str(options.out))} --method agreement_weighted --out aggregated.csv"
    )
