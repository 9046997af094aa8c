"""pass@k from files: verdicts on each sample, of a verifier's judgments or of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.evaluate.pass_at_k import Sample
from harness.experiment.stages.recorded import files_of
from harness.labels.exports import read_label_table
from harness.labels.failures import FAILURE_WORDS, NO_LABEL, status_of
from harness.labels.problems import Problems
from harness.nouns.errors import DataError, InputError
from harness.nouns.outcomes import Status
from harness.nouns.plain_text import need_file
from harness.nouns.schema import Response
from harness.records.judgments import read_judgments

PASSED = ("true", "1", "1.0", "yes", "pass", "passed", "correct")
FAILED = ("false", "0", "0.0", "no", "fail", "failed", "incorrect", "wrong")


@dataclass(frozen=True)
class Columns:
    """Columns of a table with a sample in each row.

    Args:
        item: The item.
        label: Whether the sample passed.
        system: Who wrote it; empty for one system.
        cluster: Items that belong together; empty for none.
        passed: Labels that stand for a pass, all others for none; the usual words where there are
            none.
    """

    item: str = ""
    label: str = ""
    system: str = ""
    cluster: str = ""
    passed: tuple[str, ...] = ()


def read_samples(
    files: str | Path | Sequence[Path],
    columns: Columns | None = None,
    responses: Sequence[Response] = (),
    encoding: str = "",
) -> list[Sample]:
    """Read samples from judgments of a verifier, or from a table with a sample in each row.

    Args:
        files: Judgments as ``harness judge`` writes them, or a table.
        columns: Of a table.
        responses: Of judgments: says which system wrote which response.
        encoding: Of a text file.

    Raises:
        DataError: A verdict is neither pass nor fail, or a judgment is about several responses.
        InputError: Columns of a table are not named.
    """
    paths, judged = files_of(files)
    if judged:
        return list(_judged(paths, responses))
    need_file(paths[0])
    columns = columns or Columns()
    if not (columns.item and columns.label):
        raise InputError(
            "a table needs --item-column and --label-column (whether it passed); it is no file of"
            " judgments",
            where=str(paths[0]),
        )
    return _from_table(paths[0], columns, encoding)


def _judged(paths: Sequence[Path], responses: Sequence[Response]) -> Iterable[Sample]:
    system_of = {response.id: response.system for response in responses}
    seen: set[tuple[str, str]] = set()
    for row in (row for path in paths for row in read_judgments(path)):
        if len(row.response_ids) != 1:
            raise DataError("pass@k takes verdicts on single responses", where=row.where)
        (response,) = row.response_ids
        source = row.judgment.source
        if (source, response) in seen:
            raise DataError(
                f"{source} judged response {response!r} twice",
                where=row.where,
                hint="one verdict for each sample: leave out --repeats, or choose one source",
            )
        seen.add((source, response))
        if responses and response not in system_of:
            raise DataError(f"no such response: {response!r}", where=row.where)
        verdict = row.judgment.verdict
        passed = None
        if verdict.status is Status.OK:
            if verdict.value not in (0, 1):
                raise DataError(
                    f"the verdict {verdict.value!r} is neither pass nor fail", where=row.where
                )
            passed = bool(verdict.value)
        system = " by ".join(part for part in (system_of.get(response, ""), source) if part)
        yield Sample(system, row.item_id, passed, row.item_id, verdict.status.value)


def _from_table(path: Path, columns: Columns, encoding: str) -> list[Sample]:
    named = {columns.item: "--item-column", columns.label: "--label-column"}
    more = {columns.system: "--system-column", columns.cluster: "--cluster-column"}
    named |= {column: option for column, option in more.items() if column}
    table = read_label_table(path, encoding=encoding, named=tuple(named))
    table.need(named)
    problems = Problems(path, "which labels are a pass? --pass-values names them")
    samples = []
    for row in table.rows:
        text, item = row.text(columns.label).strip(), row.text(columns.item)
        word = text.casefold()
        passed: bool | None = None
        failure = ""
        if not item:
            problems.add(row.place, f"no item in {columns.item!r}")
        if columns.passed and text in columns.passed:
            passed = True
        elif not word or word in NO_LABEL or word in FAILURE_WORDS:
            failure = status_of(word).value if word else "missing"
        elif columns.passed or word in FAILED:
            passed = False
        elif word in PASSED:
            passed = True
        else:
            problems.add(row.place, f"{text!r:.60} is neither pass nor fail")
        system = row.text(columns.system) if columns.system else ""
        cluster = row.text(columns.cluster) if columns.cluster else item
        samples.append(Sample(system, item, passed, cluster, failure))
    problems.refuse("samples are not understood")
    return samples
