"""What people are asked: the tasks of a page, and what judges said about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.experiment.stages.recorded import Answers, check_version
from harness.feedback.judge import unswap
from harness.feedback.requests import OVERALL, build_requests
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.rubric import Criterion, Rubric
from harness.nouns.scale import Scale
from harness.nouns.schema import Judgment, JudgmentRequest, Way
from harness.records.judgments import read_judgments
from harness.records.rows import read_items, read_responses
from harness.registry import find_rubric


@dataclass(frozen=True, slots=True)
class Questions:
    """What people are asked about each response or pair.

    Args:
        way: pairwise (A, B or tie) or pointwise (rate each response).
        rubric: Id or YAML file of a rubric whose criteria are asked one by one; "" for none.
        question: What is asked in place of a rubric; "" for the usual question.
        scale: Labels of a rating in their order, with commas; used without a rubric.

    Raises:
        ConfigError: There are both a rubric and a question.
    """

    way: Way = "pairwise"
    rubric: str = ""
    question: str = ""
    scale: str = "1,2,3,4,5"

    def __post_init__(self) -> None:
        """Check that one thing decides what is asked."""
        if self.rubric and self.question:
            raise ConfigError("--rubric has its own questions; give it or --question")

    def criteria(self) -> Sequence[Criterion]:
        """Return what is asked, one by one.

        Raises:
            ConfigError: The rubric is a constitution.
            RubricError: There is no such rubric.
        """
        if self.rubric:
            found = find_rubric(self.rubric, "rubric")
            if not isinstance(found, Rubric):
                raise ConfigError(f"{self.rubric} is a constitution; people need a rubric")
            return found.criteria
        if self.way == "pairwise":
            return [Criterion(OVERALL.id, self.question or OVERALL.text, OVERALL.scale)]
        labels = tuple(label.strip() for label in self.scale.split(",") if label.strip())
        text = self.question or "How good is this response?"
        return [Criterion("overall", text, Scale("ordinal", labels))]


def read_tasks(items: Path, responses: Path, questions: Questions) -> list[JudgmentRequest]:
    """Return every task of two JSONL files: each criterion for each response or pair.

    Raises:
        DataError: A file is wrong, or there is nothing to label.
    """
    asked = read_items(items)
    answers = read_responses(responses, asked)
    found = [
        request
        for criterion in questions.criteria()
        for request in build_requests(asked, answers, questions.way, criterion)
    ]
    if not found:
        pairs = questions.way == "pairwise"
        need = "two different responses of an item" if pairs else "responses"
        raise DataError(f"nothing to label: a task needs {need}", where=str(responses))
    return found


def judgments_on(requests: Sequence[JudgmentRequest], files: Sequence[Path]) -> list[Judgment]:
    """Read judgments, and name them after the tasks that show the same responses.

    Raises:
        DataError: A row is no judgment, no judgment of a file is about a task, or one is of another
            version of its item or responses.
    """
    by_responses: dict[tuple[str, frozenset[str]], list[JudgmentRequest]] = {}
    for request in requests:
        key = (request.item.id, frozenset(response.id for response in request.responses))
        by_responses.setdefault(key, []).append(request)
    answers = Answers(
        list({r.item.id: r.item for r in requests}.values()),
        list({one.id: one for r in requests for one in r.responses}.values()),
    )
    found: list[Judgment] = []
    for file in files:
        before = len(found)
        rows = [(row, (row.item_id, frozenset(row.response_ids))) for row in read_judgments(file)]
        check_version((row for row, about in rows if about in by_responses), answers)
        for row, about in rows:
            for request in by_responses.get(about, ()):
                verdict = row.judgment.verdict
                if row.response_ids != tuple(response.id for response in request.responses):
                    verdict = unswap(verdict)
                found.append(replace(row.judgment, request_id=request.id, verdict=verdict))
        if len(found) == before:
            raise DataError("none of its judgments is about a task of this page", where=str(file))
    return found
