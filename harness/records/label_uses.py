"""What labels of people were used for: those that chose a judge are not those that certify it.

One line of JSON for each use, in ``label-uses.jsonl`` beside the labels, so that two commands on
the same labels find each other's uses. Pairs are named by what was asked, not by their file.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from harness.nouns.errors import DataError
from harness.nouns.hashing import content_hash
from harness.nouns.redaction import redacted_json
from harness.records.writes import keep_private, make_folder, writing

USES = "label-uses.jsonl"

Deed = Literal["chose", "certified"]


@dataclass(frozen=True, slots=True)
class LabelUse:
    """What some labels were used for.

    Args:
        deed: "chose" or "certified".
        what: A rubric, a judge, a threshold, weights, a gate, a gain.
        result: What was chosen or certified, in words.
        about: Tags of the sources that it is about (``tags_of``): labels are spent for these.
        items: Keys of the labelled pairs or responses.
        annotators: Whose labels they are.
        command: Who used them.
        at: When, in UTC.
    """

    deed: Deed
    what: str
    result: str
    about: tuple[str, ...]
    items: tuple[str, ...]
    annotators: tuple[str, ...]
    command: str
    at: str = ""

    @property
    def id(self) -> str:
        """The same for the same use, whenever it was: a command run again uses nothing twice."""
        said = asdict(self)
        del said["at"]
        return content_hash(said)[:24]

    def is_about(self, tags: Iterable[str]) -> bool:
        """Tell whether it is about a source with one of these tags."""
        return not set(self.about).isdisjoint(tags)


def tags_of(name: str, models: Iterable[str] = (), rubrics: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what makes labels that chose a source spent for another one: name, model, rubric.

    Args:
        name: Of the source; empty where only model and rubric tell.
        models: That answer.
        rubrics: Hashes of what it follows.
    """
    kinds = {"name": [name], "model": models, "rubric": rubrics}
    return tuple(sorted({f"{kind}:{one}" for kind, some in kinds.items() for one in some if one}))


def row_key(file: Path, item: str) -> str:
    """Return the key of an item of a table, whose names mean something inside its file only."""
    return content_hash([file.name, item])[:24]


def uses_beside(*labels: Path) -> list[Path]:
    """Return the files of uses beside some files of labels, one for each folder."""
    return list(dict.fromkeys(path.parent / USES for path in labels))


def read_uses(paths: Iterable[Path]) -> list[LabelUse]:
    """Return the uses that some files hold, each once, in their order; a missing file has none.

    A last line that a kill cut is no use: nothing was told of it yet.

    Raises:
        DataError: A file is damaged.
    """
    found: dict[str, LabelUse] = {}
    for path in paths:
        if path.is_file():
            for use in _read(path):
                found.setdefault(use.id, use)
    return list(found.values())


def add_use(path: Path, use: LabelUse) -> LabelUse:
    """Record a use on the disk, unless the same one is there; return it with its time.

    Raises:
        DataError: The file is damaged.
        InputError: It cannot be written.
    """
    make_folder(path.parent)
    with writing(path):
        keep_private(path)
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # let go where the file is closed
            for old in _read(path):
                if old.id == use.id:
                    return old
            now = datetime.now(UTC).isoformat(timespec="seconds")
            use = LabelUse(**{**asdict(use), "at": use.at or now})
            end = _whole(path)
            ended = path.read_bytes()[:end].endswith((b"\n", b"\r")) or not end
            file.seek(end)
            file.truncate()
            file.write(b"" if ended else b"\n")
            file.write(redacted_json(asdict(use)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    return use


def _whole(path: Path) -> int:
    """Return the bytes of the lines that are whole, of which a person's last may lack its end.

    A line that a kill cut is no JSON; what is JSON and no use is somebody's, and no cut.
    """
    content = path.read_bytes()
    end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    try:
        json.loads(content[end:])
    except ValueError:
        return end
    except RecursionError:
        pass
    return len(content)


def _read(path: Path) -> list[LabelUse]:
    found = []
    with writing(path):
        lines = path.read_bytes()[: _whole(path)].splitlines()
    for number, line in enumerate(lines, 1):
        try:
            found.append(_use(json.loads(line)))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DataError(
                f"not a use of labels: {error!r:.200}",
                where=f"{path}:{number}",
                hint="one of a newer version is read by that one; otherwise put the line back as"
                " it was, for without it the labels that it names count as unused",
            ) from error
    return found


def _use(row: dict[str, object]) -> LabelUse:
    if not isinstance(row, dict) or row.keys() != {field.name for field in fields(LabelUse)}:
        raise ValueError(f"keys are {', '.join(map(str, row))[:100]}")
    lists = ("about", "items", "annotators")
    if row["deed"] not in get_args(Deed):
        raise ValueError(f"deed is {row['deed']!r:.40}")
    for name, value in row.items():
        wanted = list if name in lists else str
        parts: Sequence[object] = value if isinstance(value, list) else ()
        if not isinstance(value, wanted) or not all(isinstance(one, str) for one in parts):
            raise ValueError(f"{name} is {value!r:.40}")
    return LabelUse(**{n: tuple(v) if isinstance(v, list) else v for n, v in row.items()})  # type: ignore[arg-type]
