"""Judgments files as ``harness judge`` writes them: who was asked what, and what they said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.feedback.requests import OVERALL, build_requests
from harness.labels.ratings import Reading
from harness.nouns.errors import DataError, InputError
from harness.nouns.nearest import did_you_mean
from harness.nouns.plain_text import need_file
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo
from harness.records.judgments import RecordedJudgment, is_judgments, read_judgments
from harness.records.rows import read_items, read_responses, read_rows, to_dict


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

    def with_texts(self, records: Iterable[Any]) -> list[dict[str, Any]]:
        """Return preferences with prompt, chosen and rejected, rewards with prompt and completion.

        These are the columns that ``harness train`` reads.
        """
        prompts = {item.id: item.prompt for item in self.items}
        texts = {response.id: response.text for response in self.responses}
        names = {"chosen_id": "chosen", "rejected_id": "rejected", "response_id": "completion"}
        return [
            {**row, "prompt": prompts[row["item_id"]]}
            | {name: texts[row[key]] for key, name in names.items() if key in row}
            for row in map(to_dict, records)
        ]


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
        """Whether there is anything to compare."""
        return any(request.way == "pairwise" for request in self.requests)

    @property
    def people(self) -> list[str]:
        """The sources of people."""
        return [name for name, info in self.infos.items() if info.kind == "human"]

    def only(self, names: Iterable[str]) -> Recorded:
        """Return what some of the sources said; all pairs stay."""
        kept = set(names)
        judgments = [judgment for judgment in self.judgments if judgment.source in kept]
        about = {judgment.request_id for judgment in judgments}
        requests = [r for r in self.requests if r.way == "pairwise" or r.id in about]
        infos = {name: info for name, info in self.infos.items() if name in kept}
        return Recorded(requests, judgments, infos)


def files_of(given: str | Path | Sequence[Path]) -> tuple[list[Path], bool]:
    """Return the files that are to be read, and whether they are of judgments; else there is one.

    Raises:
        InputError: No path is given, or of several not all are of judgments.
        DataError: One of several is damaged or missing.
    """
    paths = [given] if isinstance(given, str | Path) else given
    if not isinstance(paths, Sequence) or not paths or isinstance(paths, bytes):
        raise InputError(
            f"labels are the path of a file, or of several of judgments, got {given!r:.60}",
            hint="write a table that is in memory to a file first, such as CSV",
        )
    if wrong := [path for path in paths if not isinstance(path, str | Path)]:
        raise InputError(f"labels must be paths of files, got {wrong[0]!r:.60}")
    paths = list(map(Path, paths))
    others = [path for path in paths if not is_judgments(path)]
    if others and len(paths) != 1:
        need_file(others[0])
        if others[0].suffix == ".jsonl":
            next(read_rows(others[0]), None)  # which says what is damaged
        raise InputError(
            "several files must all be judgments of harness judge",
            where=str(others[0]),
            hint=f"harness judge --source human_csv --name people --option file={others[0]}"
            " --items ITEMS.jsonl --responses RESPONSES.jsonl --out PEOPLE.jsonl makes judgments of"
            " labels of people",
        )
    return paths, not others


def read_recorded(
    paths: Sequence[Path], reading: Reading | None = None, answers: Answers | None = None
) -> Recorded:
    """Read judgments files.

    Args:
        paths: The files; together they are one panel.
        reading: ``humans`` names sources that are people, ``simulated`` those that a program made
            up, besides what the files say themselves.
        answers: Items and responses, where their texts and clusters are needed. With responses all
            their pairs are compared, as in a run, not only those that a source was asked about.

    Raises:
        InputError: A source is named from which there is no judgment.
        DataError: A row is no judgment or about unknown answers, or one source has two scales.
    """
    rows = [row for path in paths for row in read_judgments(path)]
    infos = _infos(rows, paths, reading or Reading())
    items = {item.id: item for item in answers.items} if answers else None
    known = {r.id: r for r in answers.responses} if answers and answers.responses else None
    requests: dict[str, JudgmentRequest] = {}
    for row in rows:
        request_id = row.judgment.request_id
        if request_id in requests:
            _check_same(requests[request_id], row)
            continue
        check_known(row, items, known)
        scale = row.info.scale
        requests[request_id] = JudgmentRequest(
            request_id,
            Item(row.item_id, "") if items is None else items[row.item_id],
            tuple(
                Response(name, row.item_id, "", "") if known is None else known[name]
                for name in row.response_ids
            ),
            OVERALL if scale is None else replace(OVERALL, scale=scale),
        )
    asked = list(requests.values())
    if answers and answers.responses:
        asked += _other_pairs(asked, answers)
    return Recorded(asked, [row.judgment for row in rows], infos)


def check_known(
    row: RecordedJudgment, items: Collection[str] | None, responses: Collection[str] | None
) -> None:
    """Refuse a judgment about an item or responses that are not there; None is not looked at.

    Raises:
        DataError: It is.
    """
    lost = items is not None and row.item_id not in items
    if lost or (responses is not None and any(x not in responses for x in row.response_ids)):
        raise DataError(
            f"a judgment is about item {row.item_id} and responses"
            f" {', '.join(row.response_ids)}, which are not in the files",
            where=row.where,
        )


def _check_same(asked: JudgmentRequest, row: RecordedJudgment) -> None:
    """Refuse judgments of one request that are about different things.

    Raises:
        DataError: They are.
    """
    about = asked.item.id, *(response.id for response in asked.responses)
    if about != (row.item_id, *row.response_ids):
        raise DataError(
            f"request {row.judgment.request_id!r:.60} is about {', '.join(row.response_ids):.100}"
            f" of {row.item_id:.60} here, and about {', '.join(about[1:]):.100} of {about[0]:.60}"
            " before",
            where=row.where,
            hint="the line was edited, or its file belongs to other responses",
        )


def _infos(
    rows: Sequence[RecordedJudgment], paths: Sequence[Path], reading: Reading
) -> dict[str, SourceInfo]:
    infos: dict[str, SourceInfo] = {}
    for row in rows:
        info, name = row.info, row.info.name
        known = infos.setdefault(name, info)
        if known.scale is None:  # its pairs have none
            infos[name] = info
        elif info.scale not in (None, known.scale):
            raise DataError(f"{name} has judged on another scale before", where=row.where)
    unknown = [name for name in (*reading.humans, *reading.judges) if name not in infos]
    if unknown:
        raise InputError(
            f"no judgment is from {unknown[0]}{did_you_mean(unknown[0], infos, ' (', ')')}",
            hint=f"sources in {paths[0].name}: {', '.join(infos)}",
        )
    for name in reading.humans:
        infos[name] = replace(infos[name], kind="human")
    for name in reading.simulated:
        if name in infos:
            infos[name] = replace(infos[name], simulated=True)
    return infos


def _other_pairs(asked: Sequence[JudgmentRequest], answers: Answers) -> list[JudgmentRequest]:
    """Return the pairs that ``harness judge`` would ask about and that no file holds."""
    about = {(r.item.id, *sorted(one.id for one in r.responses)) for r in asked}
    pairs = build_requests(answers.items, answers.responses, "pairwise")
    return [
        pair
        for pair in pairs
        if (pair.item.id, *sorted(one.id for one in pair.responses)) not in about
    ]
