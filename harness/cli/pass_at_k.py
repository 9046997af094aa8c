"""``harness pass-at-k``: how often at least one of k samples passes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import one_object
from harness.nouns.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``harness pass-at-k`` is given.

    Args:
        samples: Judgments of single responses by harness judge, or a table with a sample in each
            row.
        also: More files of judgments; may be repeated.
        k: Samples allowed, as 1,5,10.
        item_column: Table: column with the item.
        label_column: Table: column that says whether the sample passed.
        system_column: Table: column with who wrote it.
        cluster_column: Table: column with the group of items that belong together.
        pass_values: Table: labels that stand for a pass, all others for none, as P,ok; by default
            true, 1, yes, pass, passed and correct.
        items: Judgments: JSONL file of the items.
        responses: Judgments: JSONL file of the responses, which says who wrote them.
        encoding: Encoding of a text file.
        sheet: Sheet of an Excel file; by default its only one.
        json_file: Write everything to this JSON file.
    """

    samples: Annotated[Path, typer.Argument()]
    also: list[Path] | None = None
    k: Annotated[str, typer.Option("--k")] = "1"
    item_column: str = ""
    label_column: str = ""
    system_column: str = ""
    cluster_column: str = ""
    pass_values: str = ""
    items: Path | None = None
    responses: Path | None = None
    encoding: str = ""
    sheet: str = ""
    json_file: Annotated[Path | None, typer.Option("--json")] = None


@one_object
def command(options: Options) -> None:
    """Say how often at least one of k samples of an item passes (pass@k; Chen et al. 2021).

    Of judgments, or of a table with a row for each sample:

        harness pass-at-k JUDGMENTS.jsonl --k 1,10 --items ITEMS.jsonl --responses RESPONSES.jsonl

        harness pass-at-k SAMPLES.csv --k 1,10 --item-column task --label-column passed

    The mean over items of 1 - C(n - c, k) / C(n, k), with a clustered interval. Samples without a
    verdict, and items with fewer than k samples, are left out and counted.
    """
    from harness.cli.label_options import names
    from harness.cli.screen import console
    from harness.evaluate.pass_at_k import pass_at_k_of
    from harness.experiment.stages.pass_at_k import Columns, read_samples
    from harness.experiment.stages.recorded import Answers
    from harness.records.writes import write_json
    from harness.report.pass_at_k import blocks
    from harness.report.terminal import show

    try:
        ks = [int(text) for text in names(options.k)]
    except ValueError:
        raise InputError(f"--k must be whole numbers as 1,5,10, got {options.k!r}") from None
    if options.responses is not None and options.items is None:
        raise InputError("--responses needs --items")
    answers = Answers.read(options.items, options.responses) if options.items else None
    columns = Columns(
        options.item_column, options.label_column, options.system_column, options.cluster_column,
        names(options.pass_values),
    )  # fmt: skip
    files = [options.samples, *(options.also or ())]
    found = pass_at_k_of(read_samples(files, columns, answers, options.encoding, options.sheet), ks)
    if options.json_file is not None:
        write_json(options.json_file, {"file": options.samples.name, **found.as_dict()})
    show(console(), *blocks(found, options.samples.name))
