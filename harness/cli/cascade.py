"""``harness cascade``: which verdicts of a judge may stand, and what is left for a better one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.nouns.errors import DataError


def command(
    judgments: Annotated[Path, typer.Argument(help="Judgments of pairs, by harness judge.")],
    labels: Annotated[
        Path, typer.Option(help="CSV with the columns item_id and label (A, B or TIE).")
    ],
    items: Annotated[Path, typer.Option(help="JSONL file of the items.")],
    responses: Annotated[Path, typer.Option(help="JSONL file of the responses.")],
    out: Annotated[Path, typer.Option(help="Folder to write accepted.jsonl and the rest to.")],
    risk: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Largest share of wrong verdicts accepted.")
    ] = 0.1,
    chance: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Chance that the promise fails.")
    ] = 0.1,
) -> None:
    """Accept confident verdicts with a guarantee; write out what is left for a better judge.

    The threshold is calibrated on the labelled items (Jung et al. 2024). The rest comes out as
    items.jsonl and responses.jsonl, which harness judge (with a stronger judge) and harness label
    take; run the command again on the stronger judge's judgments, and so on.
    """
    import csv

    import numpy as np

    from harness.agreement.cascade import selective_threshold
    from harness.cli.screen import console
    from harness.nouns.schema import Judgment
    from harness.ratings.both_orders import Vote, combine_orders
    from harness.records.rows import judgment_from, read_items, read_responses, read_rows, to_dict
    from harness.records.writes import write_jsonl

    all_items = read_items(items)
    all_responses = read_responses(responses, all_items)
    rows: list[Judgment] = []
    item_of: dict[str, str] = {}
    pair_of: dict[str, list[str]] = {}
    for where, row in read_rows(judgments):
        try:
            item_id, pair = str(row.pop("item_id")), list(row.pop("response_ids"))
            judgment = judgment_from(row)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"not a judgment of harness judge: {error!r}", where=where) from error
        if len(pair) != 2:
            raise DataError("a cascade takes judgments of pairs", where=where)
        rows.append(judgment)
        item_of[judgment.request_id], pair_of[judgment.request_id] = item_id, pair
    if not labels.is_file():
        raise DataError("no such file", where=str(labels))
    with labels.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if not {"item_id", "label"} <= set(reader.fieldnames or ()):
            raise DataError("needs the columns item_id and label", where=str(labels))
        truth = {}
        for number, line in enumerate(reader, 2):
            if line["label"] not in ("A", "B", "TIE"):
                raise DataError(
                    f"label {line['label']!r} is not A, B or TIE", where=f"{labels}:{number}"
                )
            truth[line["item_id"]] = line["label"]

    # Several members or samples: their mean probability is the stated one.
    pooled: dict[str, list[Vote]] = {}
    for vote in combine_orders(rows):
        pooled.setdefault(vote.request_id, []).append(vote)
    stated: dict[str, tuple[str, float]] = {}
    for request, votes in pooled.items():
        known = [v.probability for v in votes if v.probability is not None]
        if not known or len(known) < len(votes):
            continue  # a failure is nothing that could be accepted
        mean = sum(known) / len(known)
        if mean != 0.5:
            stated[request] = ("A" if mean > 0.5 else "B", max(mean, 1 - mean))
    labelled = [r for r in stated if item_of[r] in truth]
    confidence = np.array([stated[r][1] for r in labelled])
    right = np.array([float(stated[r][0] == truth[item_of[r]]) for r in labelled])
    found = selective_threshold(confidence, right, risk, chance)
    threshold = found.confidence
    accepted = [r for r, (_, c) in stated.items() if threshold is not None and c >= threshold]
    kept = set(accepted)
    left = [r for r in pooled if r not in kept]
    out.mkdir(parents=True, exist_ok=True)
    write_jsonl(
        out / "accepted.jsonl",
        (
            {
                "item_id": item_of[r],
                "response_ids": pair_of[r],
                "value": stated[r][0],
                "probability": stated[r][1],
                "source": pooled[r][0].source,
            }
            for r in accepted
        ),
    )
    ids = {item_of[r] for r in left}
    texts = {name for r in left for name in pair_of[r]}
    write_jsonl(out / "items.jsonl", (to_dict(i) for i in all_items if i.id in ids))
    write_jsonl(out / "responses.jsonl", (to_dict(r) for r in all_responses if r.id in texts))
    screen = console()
    if threshold is None:
        screen.print(
            f"no threshold keeps the share of wrong verdicts at {risk:g} on {len(labelled)}"
            f" labelled verdicts: all {len(left)} pairs are left"
        )
    else:
        screen.print(
            f"verdicts with confidence >= {threshold:.3f} stand: {len(accepted)} of {len(pooled)}"
            f" ({found.wrong} of {found.accepted} labelled ones wrong; at most {risk:g} with"
            f" probability {1 - chance:g}); {len(left)} pairs are left in {out}"
        )
