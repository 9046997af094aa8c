"""``harness aggregate``: many labels of each item to one, with probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.nouns.errors import InputError
from harness.nouns.nearest import did_you_mean

if TYPE_CHECKING:
    from harness.aggregate import Ranking, Votes
    from harness.ratings.posterior import Posterior
    from harness.ratings.table import RatingTable
    from harness.statistics.estimate import Estimate

LABEL_METHODS = (
    "majority",
    "soft",
    "mean",
    "agreement_weighted",
    "dawid_skene",
    "one_coin",
    "mace",
    "glad",
    "stacking",
)
RANKINGS = ("bradley_terry", "davidson")
EXCESS = 0.05
"""Agreement beyond what a model expects from which annotators are called correlated."""


def command(
    labels: Annotated[Path, typer.Argument(help="Table of labels, or an export of a tool.")],
    method: Annotated[
        str,
        typer.Option(
            help=f"One of {', '.join(LABEL_METHODS)}; of comparisons: {', '.join(RANKINGS)}."
        ),
    ] = "dawid_skene",
    annotators: Annotated[
        str,
        typer.Option(help="Annotators, as a,b,c: columns of a wide table or names of a long one."),
    ] = "",
    item_column: Annotated[str, typer.Option(help="Column with the name of the item.")] = "",
    annotator_column: Annotated[
        str, typer.Option(help="Long tables: column with the annotator.")
    ] = "",
    label_column: Annotated[
        str, typer.Option(help="Long tables: the label. Comparisons: the winner.")
    ] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="OPTION=VALUE",
            help="Any other table, or what an export's columns mean, in the options of human_csv,"
            " e.g. --set response_a=model_a; may be repeated.",
        ),
    ] = None,
    cluster_column: Annotated[
        str, typer.Option(help="Column with the group (prompt) of items that belong together.")
    ] = "",
    gold: Annotated[
        Path | None,
        typer.Option(help="Table with true labels: columns as --item-column and 'label'."),
    ] = None,
    gold_column: Annotated[str, typer.Option(help="Column with true labels.")] = "",
    categories: Annotated[str, typer.Option(help="Labels in their order.")] = "",
    failure_values: Annotated[
        str, typer.Option(help="Labels that stand for a failed verdict.")
    ] = "",
    first_column: Annotated[
        str, typer.Option(help="Comparisons: system whose answer stood first.")
    ] = "",
    second_column: Annotated[
        str, typer.Option(help="Comparisons: system whose answer stood second.")
    ] = "",
    length_column: Annotated[
        str, typer.Option(help="Comparisons: length of the first minus the second answer.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed of the folds of stacking.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write the labels with probabilities to this CSV.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything to this JSON file.")
    ] = None,
) -> None:
    """Aggregate labels on a plain table.

        harness aggregate LABELS.csv --method dawid_skene --annotators a1,a2,a3 --gold GOLD.csv

    Comparisons of systems become strengths with intervals:

        harness aggregate ARENA.csv --method davidson --first-column model_a
        --second-column model_b --label-column winner
    """
    if method not in LABEL_METHODS + RANKINGS:
        raise InputError(
            f"unknown method {method!r}",
            hint=did_you_mean(method, LABEL_METHODS + RANKINGS, after=" ")
            + f"known: {', '.join(LABEL_METHODS + RANKINGS)}",
        )
    if method in RANKINGS:
        _rank(labels, method, first_column, second_column, label_column, cluster_column,
              length_column, json_file)  # fmt: skip
        return
    from harness.cli.options import split_pairs
    from harness.labels.mapping import read_said
    from harness.labels.ratings import Reading, read_ratings

    table, _ = read_ratings(
        labels,
        Reading(
            judges=_names(annotators),
            item_column=item_column,
            annotator_column=annotator_column,
            label_column=label_column,
            columns=read_said(split_pairs(set_ or (), "--set")),
            cluster_column=cluster_column,
            gold_column=gold_column,
            categories=_names(categories),
            failure_values=_names(failure_values),
        ),
    )
    if gold is not None:
        table = _with_gold(table, gold, item_column)
    _labels(table, method, seed, out, json_file, labels)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _with_gold(table: RatingTable, path: Path, item_column: str) -> RatingTable:
    """Attach the true labels of another file by the names of the items."""
    from dataclasses import replace

    import numpy as np

    from harness.labels.exports import read_label_table
    from harness.labels.problems import Problems
    from harness.labels.values import label_text

    if not item_column:
        raise InputError("--gold needs --item-column to match the items of both tables")
    file = read_label_table(path)
    file.need({item_column: "--item-column", "label": "--gold"})
    known = {name: i for i, name in enumerate(table.items)}
    codes = np.full(len(table.items), -1, dtype=np.int64)
    problems = Problems(path, "leave unknown gold labels empty")
    seen: dict[str, str] = {}
    for row, item in zip(file.rows, file.texts(item_column), strict=True):
        place, label = row.place, label_text(row.cells["label"])
        if item not in known:
            problems.add(place, f"item {item!r} is not in the table of labels")
        elif item in seen:
            problems.add(place, f"item {item!r} stands already in {seen[item]}")
        elif label and label not in table.categories:
            problems.add(place, f"{label!r} is none of {', '.join(table.categories)}")
        elif label:
            codes[known[item]] = table.categories.index(label)
        seen.setdefault(item, place)
    problems.refuse("gold labels do not fit")
    return replace(table, gold=codes)


def _labels(
    table: RatingTable, method: str, seed: int, out: Path | None, json_file: Path | None,
    path: Path,
) -> None:  # fmt: skip
    import numpy as np

    from harness.aggregate.methods import votes_of
    from harness.agreement.accuracy import accuracy

    votes = votes_of(table)
    fit, notes = _fit(votes, method, table, seed)
    top = fit.probabilities.max(1)
    best = fit.probabilities >= top[:, None] - 1e-9
    # A tie stays a tie: no label, and its probabilities say between what.
    label = np.where(best.sum(1) == 1, fit.probabilities.argmax(1), -1)
    voted = (table.codes >= 0).any(1)
    label = np.where(voted, label, -1)
    scores: list[Estimate] = []
    if table.gold is not None:
        scores.append(accuracy(label, table.gold, table.clusters, method))
        scores += [
            accuracy(table.codes[:, k], table.gold, table.clusters, name)
            for k, name in enumerate(table.annotators)
        ]
    notes += _warnings(table, votes, fit, method)
    if out is not None:
        _write(out, table, fit, label, voted)
    if json_file is not None:
        from harness.records.writes import write_json

        write_json(json_file, _document(path, table, fit, label, method, scores, notes))
    _show(table, fit, label, voted, method, scores, notes, out)


def _fit(votes: Votes, method: str, table: RatingTable, seed: int) -> tuple[Posterior, list[str]]:
    from dataclasses import replace

    from harness.aggregate.models import described
    from harness.experiment.arms import aggregator

    found = aggregator(method, seed)(table, {})
    if not found.confusion.size:
        other = described(votes, found.probabilities)
        found = replace(found, confusion=other.confusion, prior=other.prior)
    return found, list(found.notes)


def _warnings(table: RatingTable, votes: Votes, fit: Posterior, method: str) -> list[str]:
    """Say where annotators err together, so that the probabilities are too sure."""
    import numpy as np

    from harness.aggregate import excess_agreement
    from harness.agreement.panel import error_correlation

    notes = []
    k = len(table.annotators)
    if table.gold is not None and 2 <= k <= 50:
        row = error_correlation(table, range(k), table.gold)[-1]
        if row.value is not None and row.value < k / 2:
            notes.append(f"warning: {row.reason}")
    elif 2 <= k <= 200 and method not in ("majority", "soft", "stacking"):
        excess = excess_agreement(votes, fit)
        if np.isfinite(excess).any() and np.nanmax(excess) > EXCESS:
            i, j = np.unravel_index(np.nanargmax(excess), excess.shape)
            notes.append(
                f"warning: {table.annotators[i]} and {table.annotators[j]} agree"
                f" {np.nanmax(excess):.0%} more often than the model explains: some annotators err"
                " together (these two, or the others whom the model follows), so the probabilities"
                " are too sure; check with gold labels (--gold, --method stacking)"
            )
    if method not in ("majority", "soft", "stacking") and table.gold is None:
        notes.append(
            "probabilities take errors as independent; without gold labels that cannot be checked"
            " fully"
        )
    return notes


def _write(out: Path, table: RatingTable, fit: Posterior, label: Any, voted: Any) -> None:
    from harness.labels.writing import write_csv

    shares = [f"p:{category}" for category in table.categories]
    rows = []
    for i, item in enumerate(table.items):
        row = {"item": item, "label": "" if label[i] < 0 else table.categories[label[i]]}
        if voted[i]:
            posterior = [f"{value:.6f}" for value in fit.probabilities[i]]
            row["probability"] = f"{fit.probabilities[i].max():.6f}"
            row |= dict(zip(shares, posterior, strict=True))
        rows.append(row)
    write_csv(out, ["item", "label", "probability", *shares], rows)


def _document(
    path: Path, table: RatingTable, fit: Posterior, label: Any, method: str,
    scores: list[Estimate], notes: list[str],
) -> dict[str, Any]:  # fmt: skip
    return {
        "file": path.name,
        "method": method,
        "categories": list(table.categories),
        "notes": notes,
        "log_likelihood": fit.log_likelihood if fit.log_likelihood == fit.log_likelihood else None,
        "prior": fit.prior.tolist(),
        "annotators": [
            {
                "name": name,
                "labels": int((table.codes[:, k] >= 0).sum()),
                "confusion": fit.confusion[k].tolist(),
            }
            for k, name in enumerate(table.annotators)
        ],
        "accuracy": [row.as_row() for row in scores],
        "items": [
            {
                "item": item,
                "label": None if label[i] < 0 else table.categories[label[i]],
                "probabilities": fit.probabilities[i].tolist(),
            }
            for i, item in enumerate(table.items)
        ],
    }


def _show(
    table: RatingTable, fit: Posterior, label: Any, voted: Any, method: str, scores: list[Estimate],
    notes: list[str], out: Path | None,
) -> None:  # fmt: skip
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    from harness.cli.screen import console

    screen = console()
    ties = int((voted & (label < 0)).sum())
    counted = np.bincount(label[label >= 0], minlength=table.n_categories)
    shares = ", ".join(
        f"{name} {n}" for name, n in list(zip(table.categories, counted, strict=True))[:12]
    )
    screen.print(
        Text.assemble(
            (method, "bold"),
            f": {len(table.items)} items, {len(table.annotators)} annotators,"
            f" {int((table.codes >= 0).sum())} labels -> {shares}; {ties} ties,"
            f" {int((~voted).sum())} without a label",
        )
    )
    for note in notes:
        screen.print(note, style="yellow" if note.startswith("warning") else "dim", markup=False)
    page = Table(title="\nAnnotators", title_justify="left", title_style="bold", box=None,
                 pad_edge=False, header_style="dim")  # fmt: skip
    for column in ("annotator", "labels", "says the truth", "confusion: true -> said"):
        page.add_column(column, justify="right" if column in ("labels",) else "left",
                        overflow="fold")  # fmt: skip
    for k, name in enumerate(table.annotators[:30]):
        own = fit.confusion[k]
        right = float(fit.prior @ np.diagonal(own))
        rows = "; ".join(
            f"{true} -> " + " ".join(f"{p:.2f}" for p in own[t])
            for t, true in enumerate(table.categories)
        )
        page.add_row(
            Text(name), str(int((table.codes[:, k] >= 0).sum())), f"{right:.1%}",
            Text(rows if table.n_categories <= 4 else "(see --json)"),
        )  # fmt: skip
    screen.print(page)
    if len(table.annotators) > 30:
        screen.print(f"{len(table.annotators) - 30} more annotators: see --json", style="dim")
    if scores:
        _show_scores(screen, scores)
    if out is not None:
        screen.print(f"\nlabels with probabilities: {out}", soft_wrap=True, markup=False)


def _show_scores(screen: Any, scores: list[Estimate]) -> None:
    from rich.table import Table
    from rich.text import Text

    page = Table(title="\nAccuracy against gold", title_justify="left", title_style="bold",
                 box=None, pad_edge=False, header_style="dim")  # fmt: skip
    for column in ("who", "accuracy", "95% interval", "n"):
        page.add_column(column, justify="right" if column in ("accuracy", "n") else "left")
    for row in scores[:31]:
        if row.value is None or row.low is None or row.high is None:
            page.add_row(Text(row.annotators), row.status, row.reason, str(row.n))
            continue
        page.add_row(Text(row.annotators), f"{row.value:.2%}",
                     f"{row.low:.2%} .. {row.high:.2%}", str(row.n))  # fmt: skip
    screen.print(page)


def _rank(
    path: Path, method: str, first: str, second: str, winner: str, cluster: str, length: str,
    json_file: Path | None,
) -> None:  # fmt: skip
    from harness.aggregate import rank_systems
    from harness.labels.comparisons import read_comparisons

    if not (first and second and winner):
        raise InputError(
            f"{method} needs --first-column, --second-column and --label-column (the winner)"
        )
    found = read_comparisons(path, first, second, winner, cluster, length)
    ranking = rank_systems(
        found.first,
        found.second,
        found.outcomes,
        found.systems,
        found.clusters,
        length_gap=found.length_gap,
        ties_half=method == "bradley_terry",
    )
    if json_file is not None:
        from dataclasses import asdict

        from harness.records.writes import write_json

        write_json(json_file, {"file": path.name, "method": method, **asdict(ranking)})
    _show_ranking(ranking, method)


def _show_ranking(ranking: Ranking, method: str) -> None:
    from rich.table import Table
    from rich.text import Text

    from harness.cli.screen import console

    screen = console()
    screen.print(
        f"[bold]{method}[/bold]: {ranking.n} comparisons in {ranking.clusters} clusters;"
        " strengths in log-odds against the mean system"
    )
    page = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("system", "strength", "95% interval", "Elo", "comparisons"):
        page.add_column(column, justify="left" if column in ("system", "95% interval") else "right")
    for s in ranking.strengths:
        page.add_row(Text(s.system), f"{s.value:+.3f}", f"{s.low:+.3f} .. {s.high:+.3f}",
                     f"{s.elo:.0f}", str(s.n))  # fmt: skip
    screen.print(page)
    for name, (value, low, high) in ranking.effects.items():
        what = {"position": "standing first", "length": "being longer"}[name]
        screen.print(f"{what}: {value:+.3f} log-odds ({low:+.3f} .. {high:+.3f})")
