"""The human adapter: a table of labels that people gave becomes a feedback source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.contract import FeedbackSource, RunContext, SourceFactory
from harness.schema import Judgment, JudgmentRequest, SourceInfo, Status, Value, Verdict

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class HumanLabel:
    """One label that one person gave.

    Args:
        item_id: The item.
        responses: Id (or system) of the response; for a pair of A, then B.
        annotator: Who.
        value: On the scale; for a pair "A", "B" or "TIE"; None where the person skipped.
        criterion: Id of the criterion; empty fits any.
        where: File and row, for messages.
    """

    item_id: str
    responses: tuple[str, ...]
    annotator: str
    value: Value
    criterion: str = ""
    where: str = ""


ReadLabels = Callable[[Any], Sequence[HumanLabel]]


def human_labels(
    *, name: str, version: str, options: type[BaseModel], simulated: bool = False
) -> Callable[[ReadLabels], SourceFactory]:
    """Make a human source of a function ``(options) -> labels``.

    The function reads and validates the whole table and raises one DataError for everything that
    is wrong with it. It is called when the source is built, before any work is paid for.

    Args:
        name: What experiments write under ``use:``.
        version: Move it whenever the same table may give other labels.
        options: pydantic model of the options, such as the mapping of columns.
        simulated: Whether the people are made up by a program.
    """

    def decorate(function: ReadLabels) -> SourceFactory:
        def build(label: str, validated: BaseModel | None) -> FeedbackSource:
            info = SourceInfo(
                label, version, "human", takes=("pointwise", "pairwise"), simulated=simulated
            )
            return HumanTable(info, function(validated))

        summary = (function.__doc__ or "").strip().split("\n")[0]
        return SourceFactory(name, version, "human", build, options, summary, function)

    return decorate


@dataclass(slots=True)
class HumanTable:
    """Looks up the labels of people for each request, whichever way round a pair was labelled."""

    info: SourceInfo
    labels: Sequence[HumanLabel]
    _index: dict[tuple[str, frozenset[str]], list[HumanLabel]] = field(init=False)

    def __post_init__(self) -> None:
        """Index the labels by item and responses."""
        self._index = {}
        for label in self.labels:
            key = (label.item_id, frozenset(label.responses))
            self._index.setdefault(key, []).append(label)

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        """Yield one judgment for each label of each request."""
        for request in requests:
            for label, flipped in self._find(request):
                yield self._judgment(request, label, flipped)

    def _find(self, request: JudgmentRequest) -> list[tuple[HumanLabel, bool]]:
        by_id = tuple(response.id for response in request.responses)
        by_system = tuple(response.system for response in request.responses)
        found = []
        for names in (by_id, by_system):
            for label in self._index.get((request.item.id, frozenset(names)), ()):
                if label.criterion in ("", request.criterion.id):
                    found.append((label, label.responses != names))
            if found:
                break
        return found

    def _judgment(self, request: JudgmentRequest, label: HumanLabel, flipped: bool) -> Judgment:
        if label.value is None:
            verdict = Verdict(Status.ABSTAINED, rationale=f"skipped ({label.where})")
        elif flipped:
            swapped = {"A": "B", "B": "A"}
            verdict = Verdict(Status.OK, swapped.get(str(label.value), label.value))
        else:
            verdict = Verdict(Status.OK, label.value)
        judgment = Judgment(
            request_id=request.id,
            source=self.info.name,
            source_version=self.info.version,
            annotator=label.annotator,
            verdict=verdict,
        )
        return replace(judgment, metadata={"simulated": True}) if self.info.simulated else judgment

    def check(self, ctx: RunContext) -> None:
        """The table was read and validated when the source was built."""
