"""Choose among judges of one table by half of its prompts, so that the other half can certify."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.agreement.aligning import choose
from harness.agreement.halves import SHARE, chooses
from harness.agreement.report import truth_of
from harness.experiment.stages.align_labels import FEWEST
from harness.experiment.stages.spent import Named
from harness.nouns.counted import counted
from harness.nouns.errors import DataError, InputError
from harness.nouns.nearest import did_you_mean
from harness.ratings.table import RatingTable
from harness.records.label_uses import LabelUse, add_use

SILENT = 0.1
"""Share of missing verdicts that is told of a candidate."""


def _prompts(table: RatingTable) -> list[str]:
    """Return the name of each row's prompt: its first item, whatever the order of the file."""
    first: dict[int, str] = {}
    groups = table.clusters.tolist()
    for group, item in zip(groups, table.items, strict=True):
        first[group] = min(item, first.get(group, item))
    return [first[group] for group in groups]


def choose_judge(
    table: RatingTable, rows: Named, names: Sequence[str], uses: Sequence[Path], seed: int = 0
) -> str:
    """Choose the judge that says what is right most often, and record by which labels.

    Half of the prompts choose, as of ``harness align-judge``; gates on the chosen judge read the
    others, since the file of uses names these labels as spent.

    Args:
        table: The ratings.
        rows: Names of its rows.
        names: The judges to choose among; the first is kept unless another one is better.
        uses: Where it is recorded, before anything is told.
        seed: Of the halves.

    Returns:
        How each of them did on the labels that choose.

    Raises:
        InputError: There are no two such judges, or nothing says what is right.
        DataError: A half has too few prompts.
    """
    names = list(dict.fromkeys(name for name in names if name))
    if len(names) < 2:
        raise InputError(f"--choose takes two judges at least, got {', '.join(names) or 'none'}")
    judges = [table.source_names[k] for k in table.judges]
    for name in names:
        if judges.count(name) != 1:
            near = did_you_mean(name, judges, " (", ")")
            what = "has several voices" if name in judges else f"is no judge here{near}"
            raise InputError(f"--choose: {name!r:.60} {what}", hint=f"judges: {', '.join(judges)}")
    found = truth_of(table)
    if found is None:
        raise InputError("--choose needs labels of people, or a gold column, of a nominal scale")
    truth = found[0]
    prompts = np.array(_prompts(table))
    half, known = chooses(prompts.tolist(), seed, SHARE), truth >= 0
    for mask, what in ((half & known, "choose"), (~half & known, "would certify")):
        many = np.unique(prompts[mask]).size
        if many < FEWEST:
            raise DataError(
                f"{counted(int(mask.sum()), 'label')} of {counted(many, 'prompt')} {what}, needs"
                f" {FEWEST} prompts",
                hint="label more: half of the prompts choose, the others certify",
            )
    columns = [table.source_names.index(name) for name in names]
    said = {name: table.codes[:, column] for name, column in zip(names, columns, strict=True)}
    best, shares = choose(said, truth, half)
    keys = (key for k in np.flatnonzero(half & known).tolist() for key in rows.keys[k])
    people = tuple(table.annotators[k] for k in table.humans)
    of = tuple(dict.fromkeys(keys))
    use = LabelUse("chose", "judge", best, rows.tags[best], of, people, "harness agree --choose")
    for path in uses:
        add_use(path, use)
    told = ", ".join(f"{one.name} {one.share:.1%}" for one in shares)
    most = max(one.share for one in shares)
    equal = [one.name for one in shares if one.share == most]
    tie = f"; {', '.join(equal)} are equally right, and the first is kept" if equal[1:] else ""
    silent = [
        f"{name} {np.mean(codes[half & known] < 0):.0%}"
        for name, codes in said.items()
        if np.mean(codes[half & known] < 0) > SILENT
    ]
    none = f"; no verdict counts as wrong: of {', '.join(silent)} of them there is none"
    return (
        f"chosen of {counted(len(names), 'judge')}: {best}, which says what is right most often on"
        f" {counted(int((half & known).sum()), 'label')} of the half that chooses ({told})"
        f"{tie}{none if silent else ''}"
    )
