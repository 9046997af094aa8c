"""``harness agree``: how well judges agree with people, and people with each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.nouns.errors import InputError

if TYPE_CHECKING:
    from harness.agreement import AgreementReport
    from harness.statistics.estimate import Estimate


def command(
    labels: Annotated[Path, typer.Argument(help="Table of labels: .csv, .tsv or .jsonl.")],
    human_columns: Annotated[
        str,
        typer.Option(
            "--human-columns",
            "--people",
            help="People, as a,b,c: columns of a wide table, annotators of a long one.",
        ),
    ] = "",
    judge_columns: Annotated[
        str, typer.Option("--judge-columns", "--judges", help="Judges and verifiers, likewise.")
    ] = "",
    simulated: Annotated[
        str, typer.Option(help="Which of them a program made up; marked wherever they are shown.")
    ] = "",
    item_column: Annotated[str, typer.Option(help="Column with the name of the item.")] = "",
    annotator_column: Annotated[
        str, typer.Option(help="Long tables: column with the annotator.")
    ] = "",
    label_column: Annotated[str, typer.Option(help="Long tables: column with the label.")] = "",
    cluster_column: Annotated[
        str, typer.Option(help="Column with the group (prompt) of items that belong together.")
    ] = "",
    gold_column: Annotated[str, typer.Option(help="Column with the gold label.")] = "",
    orders: Annotated[
        list[str] | None,
        typer.Option(
            help="Verdicts in both orders, as judge=column_ab:column_ba, both already"
            " mapped to the original order; may be repeated."
        ),
    ] = None,
    scale: Annotated[
        str, typer.Option(help="Level of measurement: nominal, ordinal, interval or ratio.")
    ] = "nominal",
    categories: Annotated[
        str, typer.Option(help="Labels in their order, as low,middle,high.")
    ] = "",
    tie_label: Annotated[
        str, typer.Option(help='Label that means "no preference"; "tie" is recognised.')
    ] = "",
    failure_values: Annotated[
        str,
        typer.Option(
            help='Labels of judges that stand for a failed verdict; "empty" is an empty'
            " cell. Default: abstained,refused,unparseable,timeout,error,garbage."
        ),
    ] = "",
    failures_as: Annotated[
        str,
        typer.Option(
            help="Also score failures as this label, as some publications do, in rows of their own."
        ),
    ] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(help="Read only rows with this value, as column=value; may be repeated."),
    ] = None,
    stated: Annotated[
        list[str] | None,
        typer.Option(
            help="Stated probability that a judge's own label is right, as judge=column; may be"
            " repeated."
        ),
    ] = None,
    retest: Annotated[
        list[str] | None,
        typer.Option(help="The same annotator asked again, as name=column; may be repeated."),
    ] = None,
    length_column: Annotated[
        str, typer.Option(help="Pairs: column with the length of A minus the length of B.")
    ] = "",
    own_family: Annotated[
        list[str] | None,
        typer.Option(
            help="Pairs: column with 1 where A is of the judge's family, -1 where B is, else 0, as"
            " judge=column; may be repeated."
        ),
    ] = None,
    drift: Annotated[
        list[str] | None,
        typer.Option(help="Two versions of one judge, as old:new; may be repeated."),
    ] = None,
    epsilon: Annotated[
        float,
        typer.Option(
            help="Alternative annotator test: what a judge's lower cost is worth (.2 expert, .15"
            " skilled, .1 crowd).",
            min=0.0,
            max=1.0,
        ),
    ] = 0.2,
    risk: Annotated[
        float,
        typer.Option(
            help="Largest share of wrong verdicts that may stand unseen.", min=0.001, max=0.5
        ),
    ] = 0.1,
    replicates: Annotated[int, typer.Option(help="Bootstrap replicates.", min=100)] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    encoding: Annotated[str, typer.Option(help="Encoding of a text file.")] = "",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all rows to this JSON file.")
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write a page with plots to this file.")
    ] = None,
) -> None:
    """Measure agreement: accuracy, kappa, alpha, AC1, the human ceiling, biases and coverage.

    A wide table has one column for each annotator:

        harness agree LABELS.csv --human-columns a1,a2,a3 --judge-columns gpt,panda

    A long one has one row for each label:

        harness agree LABELS.csv --item-column item --annotator-column who --label-column label
        --people ann,bob --judges gpt
    """
    from harness.agreement import Settings, agreement_report
    from harness.labels.ratings import read_ratings
    from harness.labels.tables import FAILURES, Reading
    from harness.registry import registry

    reading = Reading(
        humans=_names(human_columns),
        judges=_names(judge_columns),
        simulated=_names(simulated),
        item_column=item_column,
        annotator_column=annotator_column,
        label_column=label_column,
        cluster_column=cluster_column,
        gold_column=gold_column,
        orders={
            judge: _two(columns, f"--orders {judge}")
            for judge, columns in _assigned(orders, "--orders").items()
        },
        stated=_assigned(stated, "--stated"),
        retests=_assigned(retest, "--retest"),
        length_column=length_column,
        own_family=_assigned(own_family, "--own-family"),
        drifts=tuple(_two(text, "--drift") for text in drift or ()),
        level=_level(scale),
        categories=_names(categories),
        failure_values=_names(failure_values) or FAILURES,
        where=_assigned(where, "--where"),
        tie=tie_label,
    )
    if not (reading.is_long or reading.humans or reading.judges or reading.orders):
        raise InputError(
            "nobody to compare",
            hint="name people with --human-columns and judges with"
            " --judge-columns (or a long table with --annotator-column)",
        )
    table, evidence = read_ratings(labels, reading, encoding)
    report = agreement_report(
        table,
        settings=Settings(
            replicates=replicates,
            seed=seed,
            failures_as=failures_as or None,
            epsilon=epsilon,
            risk=risk,
        ),
        extra={name: s.compute for name, s in registry().statistics.items()},
        evidence=evidence,
    )
    if json_file is not None:
        from harness.records.writes import write_json

        write_json(json_file, _document(labels, report, seed, replicates))
    if html_file is not None:
        from harness.agreement.drawings import drawings
        from harness.report.agreement_page import build_agreement_page

        data = {"file": labels.name, **report.as_dict(), **drawings(report)}
        build_agreement_page(data, html_file)
    _show(report, labels)
    if html_file is not None:
        from harness.cli.screen import console

        console().print(f"\npage with plots: {html_file}", soft_wrap=True, markup=False)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _assigned(texts: list[str] | None, option: str) -> dict[str, str]:
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (equals and name.strip()):
            raise InputError(f"{option} must be name=value, got {text!r}")
        found[name.strip()] = value.strip()
    return found


def _two(text: str, option: str) -> tuple[str, str]:
    first, _, second = text.partition(":")
    if not (first.strip() and second.strip()):
        raise InputError(f"{option} needs two names as first:second, got {text!r}")
    return first.strip(), second.strip()


def _level(text: str) -> Any:
    levels = ("nominal", "ordinal", "interval", "ratio")
    if text not in levels:
        raise InputError(f"--scale must be one of {', '.join(levels)}, got {text!r}")
    return text


def _document(path: Path, report: AgreementReport, seed: int, replicates: int) -> dict[str, Any]:
    return {
        "file": path.name,
        "confidence": 0.95,
        "replicates": replicates,
        "seed": seed,
        **report.as_dict(),
    }


def _show(report: AgreementReport, path: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    from harness.cli.screen import console

    out = console()
    audit = report.audit
    shares = ", ".join(f"{label} {share:.1%}" for label, share in audit.prevalence.items())
    if len(audit.prevalence) > 12:
        shares = f"{len(audit.prevalence)} different"
    out.print(
        Text.assemble(
            (path.name, "bold"),
            f": {audit.n_items} items, {audit.n_clusters} clusters; labels: {shares}",
        )
    )
    simulated = [entry.annotator for entry in audit.coverage if entry.simulated]
    if simulated:
        out.print(Text(f"Simulated by a program, not people: {', '.join(simulated)}", "yellow"))
    if audit.majority_ties:
        out.print(f"{audit.majority_ties} items have no majority of people: a tie stays a tie.")
    coverage = _table(
        "Coverage",
        "annotator",
        "kind",
        "labels",
        "failed",
        "missing",
        "coverage",
        "failures by reason",
    )
    for entry in audit.coverage:
        reasons = ", ".join(f"{reason} {n}" for reason, n in entry.failures.items())
        kind = f"{entry.kind} (simulated)" if entry.simulated else entry.kind
        asked = entry.labels + entry.failed
        share = "" if entry.share is None else f"{entry.labels}/{asked} {entry.share:.1%}"
        coverage.add_row(
            Text(entry.annotator),
            kind,
            str(entry.labels),
            str(entry.failed),
            str(entry.missing),
            share,
            Text(reasons),
        )
    out.print(coverage)
    for section in report.sections:
        page: Table = _table(
            section.title, "statistic", "annotators", "value", "95% interval", "n", "clusters"
        )
        for row in section.statistics:
            page.add_row(
                row.name,
                Text(row.annotators),
                _value(row),
                _interval(row),
                str(row.n),
                str(row.clusters or ""),
            )
            if row.reason:
                page.add_row(
                    "",
                    Text(
                        f"{row.status}: {row.reason}" if row.status != "ok" else row.reason,
                        style="yellow",
                    ),
                )
        out.print(page)
        for note in section.notes:
            out.print(f"  {note}", style="dim", markup=False)


def _table(title: str, *columns: str) -> Any:
    from rich.table import Table

    table = Table(
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for column in columns:
        right = column in ("value", "n", "clusters", "labels", "failed", "missing")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    return table


SHARES = (
    "accuracy",
    "macro_",
    "percent_",
    "swap_",
    "first_pick",
    "positional_",
    "person_",
    "judge_against",
    "human_ceiling",
    "vote_",
)


def _value(row: Estimate) -> str:
    if row.value is None:
        return row.status.replace("_", " ")
    return _number(row.name, row.value)


def _number(name: str, value: float) -> str:
    return f"{100 * value:.2f}%" if name.startswith(SHARES) else f"{value:.4f}"


def _interval(row: Estimate) -> str:
    if row.low is None or row.high is None:
        return ""
    return f"{_number(row.name, row.low)} .. {_number(row.name, row.high)}"
