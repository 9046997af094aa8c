"""Cascade: confident verdicts of a judge stand, the rest goes to a better one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.agreement.cascade import Split, split_by_confidence
from harness.experiment.stages.recorded import Answers, check_known, check_version
from harness.experiment.stages.spent import named_requests
from harness.feedback.requests import OVERALL
from harness.labels.judged_pairs import read_pair_truth
from harness.nouns.counted import counted
from harness.nouns.schema import JudgmentRequest
from harness.records.judgments import RecordedJudgment
from harness.records.label_uses import LabelUse, read_uses, uses_beside
from harness.records.rows import to_dict
from harness.records.writes import make_folder, write_jsonl


def cascade(
    judgments: Sequence[RecordedJudgment],
    labels: Path,
    answers: Answers,
    risk: float = 0.1,
    chance: float = 0.1,
    uses: Path | None = None,
) -> tuple[Split, tuple[str, ...]]:
    """Accept the confident verdicts of a judge on pairs, with a guarantee from labelled items.

    With a chance of ``1 - chance`` at most a share ``risk`` of the accepted ones is wrong. The
    labels are a table as ``read_pair_truth`` takes it. Labels that chose the judge by ``uses``, or
    by label-uses.jsonl beside them, are left out: it does well on them.

    Returns:
        What stands and what is left, and what became of labels that did not count.

    Raises:
        DataError: A judgment is not of a pair or not of the answers as they are, the labels cannot
            be read, or none of them is of a judged item.
    """
    items = {item.id for item in answers.items}
    responses = {response.id for response in answers.responses}
    for row in judgments:
        check_known(row, items, responses)
    check_version(judgments, answers)
    truth = read_pair_truth(labels, judgments, answers.responses)
    used = read_uses([uses] if uses else uses_beside(labels))
    spent = _spent(judgments, answers, used) if used else set()
    known = {name: label for name, label in truth.labels.items() if name not in spent}
    notes = truth.notes
    if left_out := len(truth.labels) - len(known):
        notes += (
            f"{counted(left_out, 'label')} chose this judge, so the threshold is calibrated on the"
            f" {len(known):,} others",
        )
    found = split_by_confidence((row.judgment for row in judgments), known, risk, chance)
    return found, notes


def _spent(
    judgments: Sequence[RecordedJudgment], answers: Answers, uses: Sequence[LabelUse]
) -> set[str]:
    """Return the judged pairs whose labels chose one of the judges."""
    items = {item.id: item for item in answers.items}
    texts = {response.id: response for response in answers.responses}
    about = {row.judgment.request_id: row for row in judgments}
    requests = [
        JudgmentRequest(
            name, items[row.item_id], tuple(texts[one] for one in row.response_ids), OVERALL
        )
        for name, row in about.items()
    ]
    infos = {row.info.name: row.info for row in judgments}
    named = named_requests(requests, (row.judgment for row in judgments), infos)
    masks = [named.spent(uses, source) for source in infos]
    return {name for mask in masks for name, one in zip(about, mask, strict=True) if one}


WRITTEN = ("accepted.jsonl", "items.jsonl", "responses.jsonl")


def write_cascade(
    out: Path,
    split: Split,
    judgments: Sequence[RecordedJudgment],
    answers: Answers,
) -> None:
    """Write accepted.jsonl, and what is left as items.jsonl and responses.jsonl, into a folder."""
    accepted, rest, texts_of_rest = (out / name for name in WRITTEN)
    about = {row.judgment.request_id: row for row in judgments}
    make_folder(out)
    write_jsonl(
        accepted,
        (
            {
                "item_id": about[request].item_id,
                "response_ids": list(about[request].response_ids),
                **to_dict(verdict),
            }
            for request, verdict in split.accepted.items()
        ),
    )
    ids = {about[request].item_id for request in split.left}
    texts = {name for request in split.left for name in about[request].response_ids}
    write_jsonl(rest, (to_dict(i) for i in answers.items if i.id in ids))
    write_jsonl(texts_of_rest, (to_dict(r) for r in answers.responses if r.id in texts))
