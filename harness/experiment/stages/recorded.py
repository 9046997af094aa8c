"""Judgments files as ``harness judge`` writes them: who was asked what, and what they said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.feedback.requests import OVERALL, build_requests, request_id
from harness.labels.ratings import Reading
from harness.nouns.counted import counted
from harness.nouns.errors import DataError, InputError
from harness.nouns.hashing import content_hash
from harness.nouns.nearest import did_you_mean
from harness.nouns.plain_text import need_file
from harness.nouns.rubric import Criterion
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
        if others[0].suffix == ".jsonl" and next(read_rows(others[0]), None) is None:
            raise DataError("the file is empty: it holds no judgment", where=str(others[0]))
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
        DataError: A row is no judgment or about unknown answers, or made of another version of
            them, or one source has two scales.
    """
    rows = [row for path in paths for row in read_judgments(path)]
    infos = _infos(rows, paths, reading or Reading())
    items = {item.id: item for item in answers.items} if answers else None
    known = {r.id: r for r in answers.responses} if answers and answers.responses else None
    requests: dict[str, JudgmentRequest] = {}
    for row in rows:
        name = row.judgment.request_id
        if name in requests:
            _check_same(requests[name], row)
            continue
        check_known(row, items, known)
        scale = row.info.scale
        requests[name] = JudgmentRequest(
            name,
            Item(row.item_id, "") if items is None else items[row.item_id],
            tuple(
                Response(one, row.item_id, "", "") if known is None else known[one]
                for one in row.response_ids
            ),
            OVERALL if scale is None else replace(OVERALL, scale=scale),
        )
    asked = list(requests.values())
    if answers and answers.responses:
        check_version(rows, answers)
        asked += _other_pairs(asked, answers)
    return Recorded(asked, [row.judgment for row in rows], infos)


def judgments_of(source: str, folder: Path) -> Path | None:
    """Return the file of a source's judgments in a folder, of several the first by name."""
    for path in sorted(folder.glob("*.jsonl")):
        if is_judgments(path) and next(read_rows(path))[1].get("source") == source:
            return path
    return None


def infos_of(paths: Sequence[Path], reading: Reading | None = None) -> dict[str, SourceInfo]:
    """Return who judged in some files, by name, as ``read_recorded`` does."""
    rows = [row for path in paths for row in read_judgments(path)]
    return _infos(rows, paths, reading or Reading())


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


HASH, OF_HASH = 24, frozenset("0123456789abcdef")
"""Length and letters of the ids that the harness makes."""

GROUPING: tuple[Set[str], ...] = (frozenset(), {"cluster"}, {"slice"}, {"cluster", "slice"})
"""Metadata that say which items belong together, so that they may be added to a judged item."""


def check_version(rows: Iterable[RecordedJudgment], answers: Answers) -> None:
    """Refuse judgments that were made of another version of the items or responses.

    The id of a request tells: it is made of all that was asked. Ids of another form are of another
    program, and tell nothing.

    Raises:
        DataError: Some were, with their number and the first of them.
    """
    items = {item.id: item for item in answers.items}
    texts = {response.id: response for response in answers.responses}
    same: dict[str, bool] = {}
    others = []
    for row in rows:
        name = row.judgment.request_id
        if name not in same and len(name) == HASH and OF_HASH.issuperset(name):
            responses = [texts[response] for response in row.response_ids]
            criterion = (
                OVERALL if row.info.scale is None else replace(OVERALL, scale=row.info.scale)
            )
            same[name] = name in _ids(items[row.item_id], responses, criterion)
        if not same.get(name, True):
            others.append(row)
    if others:
        first = others[0]
        changed = sum(not is_same for is_same in same.values())
        raise DataError(
            f"{counted(len(others), 'judgment')} ({changed} of {counted(len(same), 'request')})"
            f" {'is' if len(others) == 1 else 'are'} of another version of"
            f" the items or responses than the files have, such as that of item {first.item_id} and"
            f" responses {', '.join(first.response_ids)}",
            where=first.where,
            hint="give the files that were judged; or judge these by the same harness judge, which"
            " asks only about what has changed",
        )


def asked_keys(request: JudgmentRequest) -> list[str]:
    """Return keys of what was asked, by its texts: of all answers together, and of each alone.

    They are the same in another file, with other ids, another order of the answers, more of an
    item's metadata, other white space, or a prompt that is a chat of one turn of the user. Behind
    them stands the id of the request, also without what says of its item's group: all that there is
    where nobody gives the items.
    """
    if not request.item.prompt:  # nobody gave the items
        return [request.id]
    criterion = [request.criterion.id, request.criterion.text]
    prompt, texts = (
        plain_prompt(request.item.prompt),
        sorted(plain_prompt(r.text) for r in request.responses),
    )
    groups = dict.fromkeys([tuple(texts), *((text,) for text in texts)])
    texts_only = [content_hash([prompt, criterion, group])[:24] for group in groups]
    found = _ids(request.item, request.responses, request.criterion)
    return list(dict.fromkeys([*texts_only, request.id, *found]))


def plain_prompt(prompt: str | Sequence[Mapping[str, Any]]) -> str:
    """Return a prompt, or another text, as one line: a chat of one turn of the user is its text."""
    if not isinstance(prompt, str):
        turns = [(turn["role"], turn["content"]) for turn in prompt]
        single = len(turns) == 1 and turns[0][0] == "user"
        prompt = str(turns[0][1]) if single else repr(turns)
    return " ".join(prompt.split())


def _ids(item: Item, responses: Sequence[Response], criterion: Criterion) -> Iterator[str]:
    """Yield the ids that the request may have, with and without what says of its item's group."""
    for added in GROUPING:
        kept = {key: value for key, value in item.metadata.items() if key not in added}
        if not added or len(kept) == len(item.metadata) - len(added):
            yield request_id(replace(item, metadata=kept), responses, criterion)


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
