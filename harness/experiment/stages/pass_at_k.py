"""pass@k from files: verdicts on each sample, of a verifier's judgments or of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.evaluate.pass_at_k import Sample
from harness.experiment.stages.recorded import Answers, check_known, check_version, files_of
from harness.labels.columns import LabelColumns
from harness.labels.exports import read_label_table
from harness.labels.failures import FAILURE_WORDS, NO_LABEL, status_of
from harness.labels.problems import Problems
from harness.labels.spellings import Vocabulary
from harness.labels.totals import settle_totals
from harness.labels.values import said_text
from harness.nouns.errors import DataError, InputError
from harness.nouns.outcomes import Status
from harness.nouns.plain_text import need_file
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
    answers: Answers | None = None,
    encoding: str = "",
    sheet: str = "",
) -> list[Sample]:
    """Read samples from judgments of a verifier, or from a table with a sample in each row.

    Args:
        files: Judgments as ``harness judge`` writes them, or a table.
        columns: Of a table.
        answers: Of judgments: what was judged; the responses say which system wrote which.
        encoding: Of a text file.
        sheet: Of an Excel file; by default its only one.

    Raises:
        DataError: A verdict is neither pass nor fail, or a judgment is about several responses, or
            about another version of the answers.
        InputError: Columns of a table are not named.
    """
    paths, judged = files_of(files)
    if judged:
        return list(_judged(paths, answers))
    need_file(paths[0])
    columns = columns or Columns()
    if not (columns.item and columns.label):
        raise InputError(
            "a table needs --item-column and --label-column (whether it passed); it is no file of"
            " judgments",
            where=str(paths[0]),
        )
    return _from_table(paths[0], columns, encoding, sheet)


def _judged(paths: Sequence[Path], answers: Answers | None) -> Iterable[Sample]:
    rows = [row for path in paths for row in read_judgments(path)]
    system_of = {r.id: r.system for r in answers.responses} if answers else {}
    if answers and answers.responses:
        items = {item.id for item in answers.items}
        for row in rows:
            check_known(row, items, system_of)
        check_version(rows, answers)
    seen: set[tuple[str, str]] = set()
    for row in rows:
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


def _from_table(path: Path, columns: Columns, encoding: str, sheet: str) -> list[Sample]:
    named = {columns.item: "--item-column", columns.label: "--label-column"}
    more = {columns.system: "--system-column", columns.cluster: "--cluster-column"}
    named |= {column: option for column, option in more.items() if column}
    table = read_label_table(path, encoding=encoding, sheet=sheet, named=tuple(named))
    table.need(named)
    labels = LabelColumns(
        task="labels", item=columns.item, label=columns.label, annotator_name="samples"
    )
    settle_totals(table, labels)
    problems = Problems(
        path,
        "which labels are a pass? --pass-values passed,ok names them, and every other one is none;"
        " leave the cell of a sample without a verdict empty",
    )
    said = {said_text(row.cells.get(columns.label)) for row in table.rows}
    vocabulary = Vocabulary.of([*said, *columns.passed])
    keys = set(map(vocabulary.key, columns.passed))
    samples = []
    for row in table.rows:
        text, item = said_text(row.cells.get(columns.label)), row.text(columns.item)
        if not item:
            problems.add(row.place, f"no item in {columns.item!r}")
        try:
            passes = vocabulary.key(text) in keys if columns.passed else None
            if not passes and text.casefold() in map(str.casefold, columns.passed):
                raise ValueError(f"{text!r:.60} is a pass value in another case, or another label")
            passed, failure = _outcome(text, passes)
        except ValueError as error:
            problems.add(row.place, str(error))
            continue
        system = row.text(columns.system) if columns.system else ""
        cluster = row.text(columns.cluster) if columns.cluster else item
        samples.append(Sample(system, item, passed, cluster, failure))
    problems.refuse("samples are not understood")
    return samples


def _outcome(text: str, passes: bool | None) -> tuple[bool | None, str]:
    """Return whether a label stands for a pass, and why it has no verdict where it has none.

    Args:
        text: Of the cell.
        passes: Whether it is one of the declared pass values; None where none are declared.

    Raises:
        ValueError: It is neither pass nor fail.
    """
    word = text.casefold()
    if not passes and (not word or word in NO_LABEL):
        return None, Status.MISSING.value
    if passes is not None:
        return passes, ""
    if word in FAILURE_WORDS:
        status = status_of(word)
        if status in (Status.TIMEOUT, Status.ERROR):
            raise ValueError(f"{text!r:.60} may be of the program, which then did not pass")
        return None, status.value
    if word not in (*PASSED, *FAILED):
        raise ValueError(f"{text!r:.60} is neither pass nor fail")
    return word in PASSED, ""
