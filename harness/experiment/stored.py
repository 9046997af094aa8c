"""The rows of a run as they lie in its directory now, held against those that were sealed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.chat.local_weights import located
from harness.experiment.sealed import UNSEALED, lines_of_file, place_of, table_files
from harness.experiment.stages.people_labels import LABELS
from harness.experiment.stages.people_seal import PEOPLE_SEAL, PEOPLE_SEALED
from harness.experiment.stages.people_seal import TABLES as PEOPLE
from harness.nouns.counted import counted
from harness.nouns.errors import DataError, HarnessError
from harness.nouns.redaction import keep_secrets_in_text
from harness.policy.weights import weights_hash
from harness.records.differences import ABSENT, ALIKE, aligned, differing
from harness.records.earlier import EARLIER
from harness.records.file_hash import file_hash
from harness.records.journal import JOURNAL
from harness.records.recorded_journal import recorded_replies, recorded_rows
from harness.records.rows import read_json, read_rows
from harness.records.run_directory import MANIFEST, RunDirectory
from harness.records.seal import FIRST, SEALED, SealedTable, by_number, folder_hashes
from harness.records.verified import Changed

WAS = "as sealed"
REDACTED = "[redacted]"


@dataclass(slots=True)
class Compared:
    """What was found so far.

    Attributes:
        changed: What is not as it should be.
        unchecked: What could not be looked at.
        checked: What was.
        other: That another version made the run, and which.
        otherwise: Where this version comes to other numbers.
        stored: The rows that lie there now, by the names of the sealed tables.
    """

    changed: list[Changed] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    other: str = ""
    otherwise: list[Changed] = field(default_factory=list)
    stored: dict[str, SealedTable] = field(default_factory=dict)


def compare_with_seal(
    directory: RunDirectory,
    manifest: Mapping[str, Any],
    sealed: Mapping[str, SealedTable],
    found: Compared,
) -> None:
    """Hold everything that lies in a run directory against its seal."""
    run, rows = directory.path, 0
    for name, before in sealed.items():
        if name.startswith("input/") or name == "files":
            continue
        try:
            now = _stored(run, manifest, name, before)
        except DataError as error:
            found.stored[name] = {}
            found.changed.append(Changed(_file(name), "", "", ABSENT, ABSENT, error.what))
            continue
        found.stored[name] = now
        rows += len(before)
        found.changed += compared_rows(_file(name), before, now)
        if name.startswith("responses/") and [*before] != [*now] and {*before} == {*now}:
            why = f"its rows stand in another order ({WAS})"
            found.changed.append(Changed(name, "", "", ABSENT, ABSENT, why))
    found.checked.append(f"{rows:,} rows in {counted(len(sealed), 'table')} against the seal")
    _files(run, sealed, found)
    _inputs(run, manifest, sealed, found)
    if (run / EARLIER).is_dir():
        found.unchecked.append(f"{EARLIER}/: what other versions of the experiment made")
    if beside := _beside(run, sealed):
        more = f" and {len(beside) - NAMED} more" if len(beside) > NAMED else ""
        found.unchecked.append(
            f"{counted(len(beside), 'file')} of which the seal says nothing:"
            f" {', '.join(beside[:NAMED])}{more}"
        )
    unscored = [name for name in sealed.get("files", {}) if name.startswith("reward_models/")]
    if unscored:
        found.unchecked.append(
            f"the scores of reward models ({', '.join(unscored)}): they would have to be loaded;"
            " the files are those that were sealed"
        )


NAMED = 5
"""So many files of which nothing is known are named."""

KNOWN = frozenset((MANIFEST, SEALED, JOURNAL, "report.json", "report.md", "report.html"))
"""Files that are checked otherwise than by the seal, or are the seal."""


def _beside(run: Path, sealed: Mapping[str, SealedTable]) -> list[str]:
    """Return files of a run directory of which neither seal nor tables say anything."""
    rows = {*KNOWN, *sealed, *sealed.get("files", {})}
    if (run / PEOPLE_SEAL).is_file():
        rows |= {PEOPLE_SEAL, PEOPLE_SEALED, *PEOPLE}
    if (run / LABELS).is_file():
        rows.add("people.json")  # computed again from the labels
    folders = tuple(f"{name}/" for name in sealed if name.startswith("policies/"))
    found = (path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    left = (
        name
        for name in found
        if name not in rows and not name.startswith((*folders, f"{EARLIER}/", f"{JOURNAL}-", "."))
    )
    return sorted(left, key=lambda name: (name.count("/"), name))


def _file(table: str) -> str:
    """Return the file in which a table lies, for people."""
    if not table.startswith("journal/"):
        return table
    return f"{JOURNAL} ({table.removeprefix('journal/')})"


def _stored(run: Path, manifest: Mapping[str, Any], name: str, before: SealedTable) -> SealedTable:
    """Return the rows of a table as they are now.

    Raises:
        DataError: They cannot be read.
    """
    path = run / name
    if name == MANIFEST:
        return {key: value for key, value in manifest.items() if key not in UNSEALED}
    if name == "journal/replies":
        now = recorded_replies(run / JOURNAL)
        return {key: now[key] for key in before if key in now}  # later commands add their own
    if name.startswith("journal/"):
        return _judgments(run / JOURNAL, name.removeprefix("journal/"), before)
    if name.startswith("responses/"):
        return _by_id(row for _, row in read_rows(path))
    if name.endswith("log.jsonl"):
        return by_number(row for _, row in read_rows(path))
    if name.endswith("arm.json"):
        return read_json(path)
    if name.startswith("policies/"):
        return folder_hashes(path)
    return dict(before)  # in the sealed copy alone


def _by_id(rows: Iterable[Mapping[str, Any]]) -> SealedTable:
    found: SealedTable = {}
    for number, row in enumerate(rows, 1):
        key = str(row.get("id"))
        found[key if key not in found else f"{key} (again, row {number})"] = row
    return found


def _judgments(journal: Path, scope: str, before: SealedTable) -> SealedTable:
    """Return the judgments of a part of the journal that the run would read, as they are now."""
    names = {place_of(row): key for key, row in before.items()}
    asked = {row["request_id"] for row in before.values()}
    versions = {row["source_version"] for row in before.values()}
    now: SealedTable = {}
    for row in recorded_rows(journal, scope):
        place = row.request_id, row.annotator, row.order, row.repeat
        key = names.get(place)
        if key is None:
            if row.request_id not in asked or row.source_version not in versions:
                continue  # of another version of the experiment
            key = f"request {row.request_id}, by {row.annotator}"
            key += f" in order {row.order}" if row.order else ""
            key += f", repeat {row.repeat}" if row.repeat else ""
        elif row.source_version not in versions:
            continue
        now[key] = row.body
    return {**{key: now[key] for key in before if key in now}, **now}


def compared_rows(file: str, before: SealedTable, now: SealedTable) -> list[Changed]:
    """Return where rows differ from those that were sealed."""
    if next(iter(before), "") == FIRST:  # known by their numbers alone
        found: list[Changed] = []
        for number, was, there in aligned([*before.values()], [*now.values()]):
            found += changed_row(file, f"line {number}", was, there, WAS)
        return found
    keys = [*before, *(key for key in now if key not in before)]
    rows = ((key, before.get(key, ABSENT), now.get(key, ABSENT)) for key in keys)
    return [one for key, was, there in rows for one in changed_row(file, key, was, there, WAS)]


def changed_row(file: str, key: str, was: Any, there: Any, why: str) -> Iterator[Changed]:
    """Yield where a row differs from what it should be, or that it was added or deleted."""
    if there == ABSENT:
        yield Changed(file, key, "", ABSENT, was, f"the row was deleted ({why})")
    elif was == ABSENT:
        yield Changed(file, key, "", there, ABSENT, f"the row was added ({why})")
    else:
        for one in differing(was, there, alike=ALIKE):
            yield Changed(file, key, one.place, one.now, one.before, why)


def _files(run: Path, sealed: Mapping[str, SealedTable], found: Compared) -> None:
    """Hold the files of tables against those that were there."""
    before = sealed.get("files", {})
    told = {one.file for one in found.changed}
    for name, sha256 in before.items():
        if name in sealed or name in told:
            continue
        if not (run / name).is_file():
            found.changed.append(Changed(name, "", "", ABSENT, ABSENT, "the file was deleted"))
        elif (now := file_hash(run / name)) != sha256:
            found.changed.append(Changed(name, "", "sha256", now, sha256, WAS))
    for name in table_files(run):
        if name not in before:
            found.changed.append(Changed(name, "", "", ABSENT, ABSENT, "the file was added"))


def _inputs(
    run: Path, manifest: Mapping[str, Any], sealed: Mapping[str, SealedTable], found: Compared
) -> None:
    """Hold the files that the experiment read against what they were."""
    for one in sealed["manifest.json"].get("inputs", ()):
        role, name, sha256 = one["role"], one["path"], one["sha256"]
        path = run / name
        before = sealed.get(f"input/{name}")
        if before is None:
            _model(role, name, path, sha256, found)
        elif not path.is_file():
            found.unchecked.append(f"{role}: the input {name} is gone")
        elif (now := file_hash(path)) != sha256:
            changed = _changed_lines(f"{role}: {name}", path, before, now)
            row = Changed(f"{role}: {name}", "", "sha256", now, sha256, WAS)
            found.changed += changed or [row]


def _changed_lines(file: str, path: Path, before: SealedTable, sha256: str) -> list[Changed]:
    keep_secrets_in_text(path.read_text(encoding="utf-8", errors="replace"))
    now = lines_of_file(path, sha256)
    if len(before) == 1:  # no text
        return []
    one, other = ({k: v for k, v in part.items() if k != "sha256"} for part in (before, now))
    return [each for each in compared_rows(file, one, other) if REDACTED not in str(each.should)]


def _model(role: str, name: str, path: Path, sha256: str, found: Compared) -> None:
    """Hold the weights of a model that was there before the run against what they were."""
    try:
        now = weights_hash(path if path.is_dir() else located(name))
    except HarnessError:
        found.unchecked.append(f"{role}: the model {name} is gone, or cannot be looked up")
        return
    if now != sha256:
        found.changed.append(Changed(f"{role}: {name}", "", "weights", now, sha256, WAS))
