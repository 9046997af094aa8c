"""Cascade: confident verdicts of a judge stand, the rest goes to a better one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.agreement.cascade import Split, split_by_confidence
from harness.experiment.stages.recorded import Answers, check_known, check_version
from harness.labels.judged_pairs import read_pair_truth
from harness.records.judgments import RecordedJudgment
from harness.records.rows import to_dict
from harness.records.writes import make_folder, write_jsonl


def cascade(
    judgments: Sequence[RecordedJudgment],
    labels: Path,
    answers: Answers,
    risk: float = 0.1,
    chance: float = 0.1,
) -> tuple[Split, tuple[str, ...]]:
    """Accept the confident verdicts of a judge on pairs, with a guarantee from labelled items.

    With a chance of ``1 - chance`` at most a share ``risk`` of the accepted ones is wrong. The
    labels are a table as ``read_pair_truth`` takes it.

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
    found = split_by_confidence((row.judgment for row in judgments), truth.labels, risk, chance)
    return found, truth.notes


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
