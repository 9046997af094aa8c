"""Judgments files as ``harness judge`` writes them: who was asked what, and what they said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.feedback.requests import OVERALL
from harness.labels.ratings import Reading
from harness.nouns.errors import DataError, InputError
from harness.nouns.nearest import did_you_mean
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, UNIT, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo
from harness.records.judgments import RecordedJudgment, is_judgments, read_judgments
from harness.records.rows import read_items, read_responses
from harness.registry import registry


@dataclass(frozen=True)
class Answers:
    """The items and the responses that were judged.

    Args:
        items: Read from a file.
        responses: Likewise.
    """

    items: Sequence[Item]
    responses: Sequence[Response]

    @staticmethod
    def read(items: Path, responses: Path | None = None) -> Answers:
        """Read both files; without the second there are no responses.

        Raises:
            DataError: One of them is wrong.
        """
        found = read_items(items)
        return Answers(found, read_responses(responses, found) if responses else ())


@dataclass(frozen=True)
class Recorded:
    """What judgments files hold.

    Args:
        requests: What was asked, in the order of the files.
        judgments: What came back, failures included.
        infos: Name of each source -> who it is.
    """

    requests: Sequence[JudgmentRequest]
    judgments: Sequence[Judgment]
    infos: Mapping[str, SourceInfo]

    @property
    def has_pairs(self) -> bool:
        """Whether anything was judged in pairs."""
        return any(request.way == "pairwise" for request in self.requests)


def files_of(given: str | Path | Sequence[Path]) -> tuple[list[Path], bool]:
    """Return the files that are to be read, and whether they are of judgments; else there is one.

    Raises:
        InputError: Of several not all are of judgments.
    """
    paths = [Path(given)] if isinstance(given, str | Path) else list(given)
    judged = all(is_judgments(path) for path in paths)
    if not judged and len(paths) != 1:
        raise InputError("several files must all be judgments of harness judge")
    return paths, judged


def read_recorded(
    paths: Sequence[Path],
    reading: Reading,
    answers: Answers | None = None,
    *,
    for_rewards: bool = False,
) -> Recorded:
    """Read judgments files.

    Args:
        paths: The files; together they are one panel.
        reading: ``humans`` names the sources that are people, ``simulated`` those that a program
            made up; ``categories`` the labels of scores in their order, or the lowest and highest
            number. Without them scores are true and false, numbers from 0 to 1, or numbered labels.
        answers: Items and responses, where their texts and clusters are needed.
        for_rewards: Whether scores must lie between 0 and 1, as where they are compared with those
            of other responses; otherwise their scale is of ``reading``'s level.

    Raises:
        InputError: A source is named from which there is no judgment.
        DataError: A row is no judgment, is about unknown answers, or its scores have no scale.
    """
    rows = [row for path in paths for row in read_judgments(path)]
    sources = dict.fromkeys(row.judgment.source for row in rows)
    unknown = [name for name in (*reading.humans, *reading.judges) if name not in sources]
    if unknown:
        raise InputError(
            f"no judgment is from {unknown[0]}{did_you_mean(unknown[0], sources, ' (', ')')}",
            hint=f"sources in {paths[0].name}: {', '.join(sources)}",
        )
    items = {item.id: item for item in answers.items} if answers else None
    known = {r.id: r for r in answers.responses} if answers and answers.responses else None
    compared = for_rewards or any(len(row.response_ids) > 1 for row in rows)
    criteria = _criteria(rows, reading, compared)
    requests: dict[str, JudgmentRequest] = {}
    for row in rows:
        request_id = row.judgment.request_id
        if request_id in requests:
            continue
        lost = items is not None and row.item_id not in items
        if lost or (known is not None and any(name not in known for name in row.response_ids)):
            raise DataError(
                f"a judgment is about item {row.item_id} and responses"
                f" {', '.join(row.response_ids)}, which are not in the files",
                where=row.where,
            )
        requests[request_id] = JudgmentRequest(
            request_id,
            Item(row.item_id, "") if items is None else items[row.item_id],
            tuple(
                Response(name, row.item_id, "", "") if known is None else known[name]
                for name in row.response_ids
            ),
            criteria[row.judgment.source] if len(row.response_ids) == 1 else OVERALL,
        )
    judgments = [row.judgment for row in rows]
    infos: dict[str, SourceInfo] = {}
    for judgment in judgments:
        name = judgment.source
        factory = registry().sources.get(name)
        kind = "human" if name in reading.humans else factory.kind if factory else "judge"
        infos.setdefault(
            name,
            SourceInfo(
                name, judgment.source_version, kind, simulated=name in reading.simulated
            ),
        )  # fmt: skip
    return Recorded(list(requests.values()), judgments, infos)


def _criteria(
    rows: Sequence[RecordedJudgment], reading: Reading, compared: bool
) -> dict[str, Criterion]:
    """Return source -> what it scored, on the scale that its values show.

    Where scores are not compared, all are on one scale.
    """
    values: dict[str, list[object]] = {}
    for row in rows:
        if len(row.response_ids) == 1:
            said = values.setdefault(row.judgment.source, [])
            said += [] if row.judgment.verdict.value is None else [row.judgment.verdict.value]
    every = [value for said in values.values() for value in said]
    return {
        source: Criterion(
            OVERALL.id,
            OVERALL.text,
            _unit_scale(source, said, reading.categories) if compared else _scale(every, reading),
        )
        for source, said in values.items()
    }


def _scale(values: Sequence[object], reading: Reading) -> Scale:
    """Return a scale of the level that the scores are to be measured on."""
    if all(isinstance(value, bool) for value in values):
        return BINARY
    if reading.level in ("interval", "ratio"):
        return Scale(reading.level, low=0 if reading.level == "ratio" else None)
    numbers = [value for value in values if isinstance(value, int | float)]
    found = sorted(set(numbers)) if len(numbers) == len(values) else sorted(set(map(str, values)))
    return Scale(reading.level, reading.categories or tuple(map(str, found)))


def _unit_scale(source: str, values: Sequence[object], categories: Sequence[str]) -> Scale:
    if all(isinstance(value, bool) for value in values):
        return BINARY
    if all(isinstance(value, str) for value in values):
        labels = categories or sorted({str(value) for value in values}, key=_numbered)
        if categories or all(_numbered(label)[0] == 0 for label in labels):
            return Scale("ordinal", tuple(labels))
        raise DataError(
            f"the order of the labels of {source} is not known: {', '.join(labels[:6])}",
            hint="give it: --categories low,middle,high",
        )
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    if categories:
        return Scale("interval", low=float(categories[0]), high=float(categories[-1]))
    if len(numbers) == len(values) and min(numbers) >= 0 and max(numbers) <= 1:
        return UNIT
    raise DataError(
        f"the scores of {source} do not lie between 0 and 1",
        hint="give the lowest and the highest: --categories 1,10",
    )


def _numbered(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label
