"""What people said of pairs, from a table, a store of the label page, or judgments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.experiment.config import LABELS
from harness.experiment.context import Asking, no_bar
from harness.experiment.sources import source_by_name
from harness.experiment.stages.judge import ask
from harness.feedback.human import HumanTable
from harness.feedback.judge import unswap
from harness.nouns.counted import counted
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest, SourceInfo
from harness.records.judgments import RecordedJudgment, is_judgments, read_judgments


@dataclass(frozen=True, slots=True)
class Said:
    """What people said of pairs.

    Args:
        info: Who they are.
        judgments: What they said.
        notes: What else to know of their labels.
    """

    info: SourceInfo
    judgments: Sequence[Judgment]
    notes: tuple[str, ...] = ()

    @property
    def says_anything(self) -> bool:
        """Whether there is a label."""
        return any(one.verdict.status is Status.OK for one in self.judgments)


def said_of(
    files: Sequence[Path],
    name: str,
    pairs: Sequence[JudgmentRequest],
    items: Sequence[Item],
    asking: Asking,
    whose: str = "the queue",
    known: tuple[Path, Path] | None = None,
) -> Said:
    """Return what people said of some pairs, whichever way round they saw them.

    Args:
        files: Their labels.
        name: What they are called together.
        pairs: What counts.
        items: The items of the pairs.
        asking: For readers of tables.
        whose: Pairs, in the note on labels of other ones.
        known: Files of items and responses beyond which no label may be.

    Raises:
        DataError: A file is wrong, or has labels of something else than what is known.
    """
    found, simulated, notes = list[Judgment](), False, []
    about = {frozenset(one.id for one in pair.responses): pair for pair in pairs}
    for file in files:
        if is_judgments(file):
            rows = [row for row in read_judgments(file) if row.info.kind == "human"]
            fits = [(row, about.get(frozenset(row.response_ids))) for row in rows]
            if known is not None:
                _refuse_others(file, [row for row, pair in fits if pair is None], len(rows))
            mine = [_of_row(row, pair, name) for row, pair in fits if pair is not None]
            other = len(rows) - len(mine)
            simulated = simulated or any(row.info.simulated for row in rows)
        else:
            options = {"file": str(file)}
            if known is not None:
                options |= {"items": str(known[0]), "responses": str(known[1])}
            source = source_by_name(LABELS, options, "pairwise", name)
            mine = ask(source, pairs, replace(asking, journal=None), no_bar)
            human = source.source
            ids = {item.id for item in items}
            other = sum(human.unheard(ids, pairs)) if isinstance(human, HumanTable) else 0
        found += mine
        if other:
            notes.append(f"{counted(other, 'label')} of {file.name} are of no pair of {whose}")
    info = SourceInfo(name, "labels", "human", takes=("pairwise",), simulated=simulated)
    return Said(info, found, tuple(notes))


def _refuse_others(file: Path, rows: Sequence[RecordedJudgment], among: int) -> None:
    if rows:
        pairs = dict.fromkeys(f"{row.item_id}: {', '.join(row.response_ids)}" for row in rows)
        raise DataError(
            f"{len(rows)} of {among} judgments of people are of none of the pairs",
            where=str(file),
            details=list(pairs)[:5],
        )


def _of_row(row: RecordedJudgment, pair: JudgmentRequest, name: str) -> Judgment:
    turned = row.response_ids != tuple(one.id for one in pair.responses)
    verdict = unswap(row.judgment.verdict) if turned else row.judgment.verdict
    return replace(row.judgment, request_id=pair.id, source=name, verdict=verdict)
