"""Labels that chose a judge do not certify it: which labels are spent for which source."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.agreement.gate import GateDecision
from harness.agreement.halves import Mask, with_their_prompts
from harness.agreement.report import AgreementReport
from harness.experiment.sources import Sources
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.recorded import asked_keys
from harness.nouns.counted import counted
from harness.nouns.errors import InputError
from harness.nouns.gate import MEASURES
from harness.nouns.plain_text import visible
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo
from harness.ratings.evidence import Evidence
from harness.ratings.table import RatingTable
from harness.records.label_uses import LabelUse, add_use, row_key, tags_of, uses_beside

CHOICES = ("rubric", "judge")
"""What labels may choose of a source itself. A threshold or a weight changes none of its verdicts,
so a gate may still read the labels that chose it."""


@dataclass(frozen=True, slots=True)
class Named:
    """What is labelled, under the names by which its uses are known.

    Args:
        keys: The names of each row of a table; the first is written, any of them is found.
        prompts: The prompt of each.
        tags: Source -> what its labels are spent by.
    """

    keys: Sequence[Sequence[str]]
    prompts: Sequence[str]
    tags: Mapping[str, tuple[str, ...]]

    def spent(self, uses: Iterable[LabelUse], source: str) -> Mask:
        """Return (n,) what chose a source, with all of its prompts."""
        tags = self.tags.get(source, ())
        used = {
            key for use in uses
            if use.deed == "chose" and use.what in CHOICES and use.is_about(tags)
            for key in use.items
        }  # fmt: skip
        hit = np.array([not used.isdisjoint(keys) for keys in self.keys], dtype=bool)
        groups = np.unique(np.array(self.prompts, dtype=str), return_inverse=True)[1]
        return with_their_prompts(hit, groups)


def named_rows(table: RatingTable, file: Path) -> Named:
    """Return the names of the rows of a table of labels."""
    return Named(
        [(row_key(file, item),) for item in table.items],
        [str(cluster) for cluster in table.clusters],
        {name: tags_of(name) for name in table.annotators},
    )


def named_requests(
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    infos: Mapping[str, SourceInfo],
) -> Named:
    """Return the names of what was asked, and the tags of who judged."""
    rubrics: dict[str, set[str]] = {}
    for judgment in judgments:
        rubric = judgment.metadata.get("rubric_sha256")
        if isinstance(rubric, str):
            rubrics.setdefault(judgment.source, set()).add(rubric)
    return Named(
        [asked_keys(request) for request in requests],
        [str(r.item.metadata.get("cluster", r.item.id)) for r in requests],
        {n: tags_of(n, info.models, rubrics.get(n, ())) for n, info in infos.items()},
    )


def uses_of_people(judged: Iterable[Judged], sources: Sources) -> list[Path]:
    """Return the files that say what the labels of an experiment's people were used for."""
    people = [one.source.name for one in judged if one.source.info.kind == "human"]
    held = [sources.options(name).get(key) for name in people for key in ("file", "store")]
    return uses_beside(*(Path(path) for path in held if isinstance(path, str)))


def with_spent(
    table: RatingTable, evidence: Evidence, rows: Named, asked: Named, uses: Sequence[LabelUse]
) -> tuple[RatingTable, Evidence]:
    """Return the evidence with what is spent for each source, and the table with a note on it.

    Args:
        table: The ratings.
        evidence: What else is known of the judges.
        rows: Names of the rows of the table.
        asked: Names of everything that was labelled; of a table of labels the same.
        uses: What the labels were used for.
    """
    keys = tuple(names[0] for names in rows.keys)
    evidence = replace(evidence, keys=keys, tags=rows.tags)
    kinds = dict(zip(table.source_names, table.kinds, strict=True))
    masks: dict[str, Mask] = {}
    singles: dict[str, Mask] = {}
    notes: list[str] = []
    for source in (name for name, kind in kinds.items() if kind != "human"):
        of_all = asked.spent(uses, source)
        gone = {prompt for prompt, one in zip(asked.prompts, of_all, strict=True) if one}
        mask = np.array([prompt in gone for prompt in rows.prompts], dtype=bool)
        if not gone:
            continue
        masks[source] = mask
        if evidence.singles is not None:
            singles[source] = np.array([p in gone for p in evidence.singles.prompts], dtype=bool)
        notes.append(_told(table, mask, source, rows, uses))
    table = replace(table, notes=(*table.notes, *notes))
    return table, replace(evidence, spent=masks, spent_singles=singles)


def _told(
    table: RatingTable, mask: Mask, source: str, rows: Named, uses: Iterable[LabelUse]
) -> str:
    by = [
        use for use in uses
        if use.deed == "chose" and use.what in CHOICES and use.is_about(rows.tags[source])
    ]  # fmt: skip
    labelled = _labelled(table)
    spent, left = int((mask & labelled).sum()), int((~mask & labelled).sum())
    how = "; ".join(f"{use.what} {use.result} on {use.at[:10]} ({use.command})" for use in by[-3:])
    these = "this label" if spent == 1 else f"these {spent:,} labels"
    return (
        f"warning: {these} chose the {how}: they cannot certify {source}, whose numbers over all"
        f" labels are too good. {counted(left, 'label')} {'is' if left == 1 else 'are'} unspent;"
        " gates read those alone"
    )


def tell_certified(
    paths: Iterable[Path],
    report: AgreementReport,
    gates: Iterable[GateDecision],
    command: str,
    hint: str = "",
) -> None:
    """Do as ``note_certified``; labels may lie where nobody can write, which is told and no error.

    Args:
        paths: Files of uses.
        report: What the gates read.
        gates: What they decided.
        command: Who used the labels.
        hint: What to do where nothing can be written.
    """
    try:
        note_certified(paths, report, gates, command)
    except InputError as error:
        told = f"{visible(str(error))}{hint and f'; {hint}'}"
        sys.stderr.write(f"warning: nobody will know that these labels were used: {told}\n")


def note_certified(
    paths: Iterable[Path],
    report: AgreementReport,
    gates: Iterable[GateDecision],
    command: str = "harness agree",
) -> None:
    """Record by which labels gates decided.

    Args:
        paths: Files of uses.
        report: What the gates read.
        gates: What they decided.
        command: Who used the labels.

    Raises:
        InputError: A file of uses cannot be written.
    """
    table, evidence = report.table, report.evidence
    people, labelled, paths = (
        [table.annotators[k] for k in table.humans if (table.codes[:, k] >= 0).any()],
        _labelled(table),
        [*paths],
    )
    for gate in gates:
        read = labelled & ~evidence.spent.get(gate.source, np.zeros(labelled.size, dtype=bool))
        if gate.value is None or not MEASURES[gate.statistic].needs_people or not read.any():
            continue
        use = LabelUse(
            deed="certified",
            what="gate",
            result=f"{gate.source}: {gate.statistic} {gate.limit:g}: {gate.outcome}",
            about=evidence.tags.get(gate.source, ()),
            items=tuple(key for key, one in zip(evidence.keys, read, strict=True) if one),
            annotators=tuple(people),
            command=command,
        )
        for path in paths:
            add_use(path, use)


def _labelled(table: RatingTable) -> Mask:
    """Return (n,) whether people labelled a row, or it has a gold label."""
    found = (table.codes[:, list(table.humans)] >= 0).any(1)
    return np.asarray(found if table.gold is None else found | (table.gold >= 0))
