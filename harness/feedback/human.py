"""The human adapter: a table of labels that people gave becomes a feedback source."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import astuple, dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from harness.feedback.contract import FeedbackSource, RunContext, SourceFactory, summary_of
from harness.labels.failures import SKIP
from harness.labels.human_label import HumanLabel, Thing
from harness.labels.spellings import name_key
from harness.labels.values import on_scale
from harness.nouns.errors import DataError
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import Status
from harness.nouns.scale import Scale
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo, Value, Verdict, Way

if TYPE_CHECKING:
    from pydantic import BaseModel


ReadLabels = Callable[[Any], Sequence[HumanLabel]]


def human_labels(
    *,
    name: str,
    version: str,
    options: type[BaseModel],
    simulated: bool = False,
    scale: Callable[[Any], Scale | None] | None = None,
) -> Callable[[ReadLabels], SourceFactory]:
    """Make a human source of a function ``(options) -> labels``.

    The function reads and validates the whole table and raises one DataError for everything that
    is wrong with it. It is called when the source is built, before any work is paid for. The
    source's version ends in a hash of the labels, because other labels are other verdicts.

    Args:
        name: What experiments write under ``use:``.
        version: Move it whenever the same table may give other labels.
        options: pydantic model of the options, such as the mapping of columns.
        simulated: Whether the people are made up by a program.
        scale: Called with the options, returns the scale of pointwise labels; without it a label
            must fit the scale of the criterion that is asked for.
    """

    def decorate(function: ReadLabels) -> SourceFactory:
        def build(label: str, validated: BaseModel | None) -> FeedbackSource:
            labels = function(validated)
            if any(not label.responses for label in labels):
                raise DataError(
                    "a label of an item itself is no label of a response, so it answers nothing",
                    hint="say what was labelled: response, response_a and response_b, or systems",
                )
            info = SourceInfo(
                label,
                f"{version}+{_hash(labels)}",
                "human",
                scale=scale(validated) if scale else None,
                takes=_takes(labels),
                simulated=simulated,
            )
            return HumanTable(info, labels)

        summary = summary_of(function)
        return SourceFactory(name, version, "human", build, options, summary, function)

    return decorate


def _hash(labels: Sequence[HumanLabel]) -> str:
    """Return a hash of what was said, whatever the layout of the file."""
    said = [astuple(replace(label, where="", failure="")) for label in labels]
    failures = [label.failure for label in labels if label.failure]
    return content_hash([*([*row[:-1], type(row[3]).__name__] for row in said), *failures])[:12]


def _takes(labels: Sequence[HumanLabel]) -> tuple[Way, ...]:
    sizes = {len(label.responses) for label in labels}
    ways: tuple[tuple[int, Way], ...] = ((2, "pairwise"), (1, "pointwise"))
    return tuple(way for size, way in ways if size in sizes)


@dataclass(slots=True)
class HumanTable:
    """Looks up the labels of people for each request, whichever way round a pair was labelled."""

    info: SourceInfo
    labels: Sequence[HumanLabel]
    _index: dict[tuple[str, frozenset[str]], list[HumanLabel]] = field(init=False)
    _alike: dict[str, str] = field(init=False)
    _only: str = field(init=False, default="")

    def __post_init__(self) -> None:
        """Index the labels by item and responses."""
        self._index = {}
        criteria = {label.criterion for label in self.labels}
        self._only = next(iter(criteria)) if len(criteria) == 1 else ""
        for label in self.labels:
            self._index.setdefault(label.thing[:2], []).append(label)
        items = Counter(name_key(item) for item in {label.item_id for label in self.labels})
        self._alike = {
            name_key(label.item_id): label.item_id
            for label in self.labels
            if items[name_key(label.item_id)] == 1
        }

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        """Yield one judgment for each label of each request.

        A label whose names fit different texts is of one of them, and nobody knows of which: an
        error in each.
        """
        found = [self._find(request) for request in requests]
        texts: dict[Thing, set[tuple[str, ...]]] = {}
        for request, labels in zip(requests, found, strict=True):
            said = tuple(sorted(response.text for response in request.responses))
            for label in labels:
                texts.setdefault(label.thing, set()).add(said)
        for request, labels in zip(requests, found, strict=True):
            for label in labels:
                unsure = len(texts[label.thing]) > 1
                yield Judgment(
                    request_id=request.id,
                    source=self.info.name,
                    source_version=self.info.version,
                    annotator=label.annotator,
                    verdict=self._unsure(label) if unsure else self._verdict(request, label),
                    order=label.shown,
                    repeat=label.repeat,
                    metadata={"simulated": True} if self.info.simulated else {},
                )

    def _find(self, request: JudgmentRequest) -> list[HumanLabel]:
        """Return the labels of a request, with A and B as in the request."""
        # A table on one criterion answers a request on no criterion in particular.
        only = self._only if request.criterion.id == "overall" else ""
        fits = ("", request.criterion.id, only)
        by_id = tuple(response.id for response in request.responses)
        by_system = tuple(response.system for response in request.responses)
        # A spreadsheet writes the item 7 as 7.0.
        items = dict.fromkeys((request.item.id, self._alike.get(name_key(request.item.id), "")))
        for item, names in product(items, (by_id, by_system)):
            if len(set(names)) != len(names):
                continue  # two samples of one system: its name does not say which is meant
            labels = self._index.get((item, frozenset(names)), ())
            if mine := [label.named(names) for label in labels if label.criterion in fits]:
                return mine
        return []

    def unheard(
        self, items: Collection[str], requests: Sequence[JudgmentRequest]
    ) -> tuple[int, int]:
        """Return how many labels are of none of the items, and how many others of no request."""
        known = {*items, *(self._alike.get(name_key(item), item) for item in items)}
        mine = [label for label in self.labels if label.item_id in known]
        heard = {
            (request.item.id, label.where, label.annotator, label.criterion)
            for request in requests
            for label in self._find(request)
        }
        return len(self.labels) - len(mine), max(0, len(mine) - len(heard))

    @staticmethod
    def _unsure(label: HumanLabel) -> Verdict:
        names = " and ".join(map(repr, label.responses))
        reason = f"several texts of item {label.item_id!r} are called {names}: which was labelled?"
        return Verdict(Status.ERROR, rationale=f"{reason} ({label.where})")

    def _verdict(self, request: JudgmentRequest, label: HumanLabel) -> Verdict:
        if label.value is None:
            said = "skipped" if label.reason == SKIP.lower() else label.reason
            return Verdict(label.status, rationale=label.comment or f"{said} ({label.where})")
        value: Value = label.value
        if len(label.responses) != 2:
            scale = self.info.scale or request.criterion.scale
            value = on_scale(value, scale)
            if value is None:
                reason = f"label {label.value!r} is not on the scale {scale.describe()}"
                return Verdict(Status.ERROR, rationale=f"{reason} ({label.where})")
        return Verdict(Status.OK, value, rationale=label.comment)

    def check(self, ctx: RunContext) -> None:
        """The table was read and validated when the source was built."""
