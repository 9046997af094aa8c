"""Verify-run: is everything in a run directory as the run left it, and do its tables follow?

Two questions, each asked of every row. Is it the row that was sealed? And are the tables, the
report and its pages what the stored rows give, by the functions that made them? So an edited row is
found by its seal, and an edited number, also in a table whose rows were edited to fit, by either.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.experiment.recorded import Recorded
from harness.experiment.stages.people_seal import PEOPLE_SEAL, sealed_people
from harness.experiment.stored import Compared, changed_row, compare_with_seal, compared_rows
from harness.nouns.counted import counted
from harness.nouns.errors import DataError, HarnessError
from harness.records.code import code
from harness.records.differences import ABSENT, ALIKE, aligned, differing
from harness.records.rows import read_json, read_rows
from harness.records.run_directory import MANIFEST, RunDirectory
from harness.records.seal import SEALED, read_sealed, seal_of
from harness.records.verified import Changed, Verified
from harness.registry import registry

PAGES = ("report.md", "report.html")


def verify_run(run: str | Path, seal: str = "") -> Verified:
    """Check a finished run: every row against its seal, every table against the rows.

    Nobody is asked, nothing is sampled, no model is loaded and nothing is written.

    Args:
        run: Directory of a run.
        seal: The hash that was published when the run ended, where it is known.

    Returns:
        What was changed, with what stands there and what should; what could not be checked; and,
        where another version made the run, apart from that where this one computes otherwise.

    Raises:
        DataError: It is no directory of a run, or its manifest cannot be read.
        HarnessError: The run is not finished, or an earlier version made it: it has no seal.
    """
    directory = RunDirectory(Path(run))
    if not (directory.path / MANIFEST).is_file():
        raise DataError(
            "this is no folder of a run",
            where=str(run),
            hint="name the folder of a run, such as reports/<name>",
        )
    manifest = directory.manifest()
    said = manifest.get("seal")
    if not isinstance(said, Mapping) or not isinstance(said.get("tables"), Mapping):
        raise HarnessError(
            f"{run} has no seal, so nothing tells whether it was changed\n"
            "  hint: the run has not come to its end, or an earlier version made it:"
            " harness run EXPERIMENT goes on, and seals it"
        )
    found = Compared()
    tables = _sealed(directory.path, said, found)
    root = str(said.get("sha256"))
    people = _people(directory.path, root, found)
    if seal and seal not in (root, people):
        found.changed.append(
            Changed(MANIFEST, "seal", "sha256", root, seal, "not the hash that was published")
        )
    if tables is not None:
        try:
            compare_with_seal(directory, manifest, tables, found)
            _recompute(directory, tables, found)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            if not found.changed:
                raise
            found.unchecked.append(f"the rest: edited rows cannot be read any more: {error!r}")
    return Verified(
        str(run), root, tuple(found.changed), tuple(found.unchecked), tuple(found.checked),
        found.other, tuple(found.otherwise),
    )  # fmt: skip


def _people(run: Path, root: str, found: Compared) -> str:
    """Hold the key and the labels of people against their own seal; return its hash."""
    try:
        tables, sealed, wrong = sealed_people(run, root)
    except DataError as error:
        found.changed.append(Changed(PEOPLE_SEAL, "", "", ABSENT, ABSENT, str(error)))
        return ""
    found.changed += [Changed(PEOPLE_SEAL, "", "", ABSENT, ABSENT, why) for why in wrong]
    for name, before in tables.items():
        try:
            found.changed += compared_rows(name, before, read_json(run / name))
        except DataError as error:
            found.changed.append(Changed(name, "", "", ABSENT, ABSENT, error.what))
    if sealed:
        found.checked.append(f"the key and the labels of people; with them the seal is {sealed}")
    return sealed


def _sealed(run: Path, said: Mapping[str, Any], found: Compared) -> Any:
    """Return the copy of the rows, None where it tells nothing; note where it was changed."""
    try:
        tables = read_sealed(run / SEALED)
    except DataError as error:
        found.changed.append(Changed(SEALED, "", "", ABSENT, said["sha256"], error.what))
        found.unchecked.append("anything else: without this file nothing tells what stood where")
        return None
    now = seal_of(tables)
    if now["sha256"] != said.get("sha256") or now["tables"] != said["tables"]:
        wrong = [
            name
            for name in dict.fromkeys([*said["tables"], *tables])
            if said["tables"].get(name) != now["tables"].get(name)
        ]
        for name in wrong:
            before, after = said["tables"].get(name, ABSENT), now["tables"].get(name, ABSENT)
            why = "the copy of these rows is not the one that the manifest's hash is of"
            found.changed.append(Changed(SEALED, name, "", after, before, why))
        if not wrong:
            why = "the hashes of the tables do not give the seal"
            row = (MANIFEST, "seal", "sha256", said.get("sha256"), now["sha256"], why)
            found.changed.append(Changed(*row))
    if not isinstance(tables.get(MANIFEST), Mapping):
        why = "it holds no copy of the manifest"
        found.changed.append(Changed(SEALED, MANIFEST, "", ABSENT, ABSENT, why))
        found.unchecked.append("anything else: without this copy nothing tells what stood where")
        return None
    return tables


def _recompute(directory: RunDirectory, tables: Mapping[str, Any], found: Compared) -> None:
    """Compute every table from the stored rows, and compare it with its file."""
    found.other = _other_version(tables[MANIFEST])
    differs = found.otherwise if found.other else found.changed
    by = "this version computes" if found.other else "the stored rows give"
    if found.other:
        found.unchecked.append(
            "whether the tables, the report and its pages are as the run left them: only the"
            " version that made them computes them alike"
        )
    try:
        made = Recorded(directory, tables, found.stored)
    except HarnessError as error:
        differs.append(_impossible("the tables", error))
        return
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("judgments/", made.judged),
        ("agreement.json", made.agreement),
        ("preferences/, rewards/", made.arms),
        ("evaluation.json", made.evaluation),
        ("transport.json", made.transported),
        ("report.json", made.data),
    ]
    done: dict[str, Any] = {}
    for name, step in steps:
        try:
            done[name] = step()
        except (HarnessError, KeyError, ValueError, TypeError, IndexError, OSError) as error:
            differs.append(_impossible(name, error))
            later = [other for other, _ in steps[[n for n, _ in steps].index(name) + 1 :]]
            if later:
                found.unchecked.append(f"{', '.join(later)}: they are computed from {name}")
            break
    edited = {one.file for one in found.changed}
    for name, content in made.made.items():
        # Verdicts are copied, not computed: no version explains that a copy says something else.
        copied = name.startswith("judgments/") and name in edited
        into, why = (found.changed, "as recorded") if copied else (differs, by)
        into += _compared_file(directory.path / name, name, content, why)
    found.checked.append(f"{counted(len(made.made), 'table')} computed again from the stored rows")
    if "report.json" in done:
        differs += _pages(directory.path, done["report.json"], by)
        found.checked.append("report.json, report.md and report.html built again")


def _other_version(manifest: Mapping[str, Any]) -> str:
    """Return that another version of the harness made a run; nothing where this one did.

    Args:
        manifest: As it was sealed, whatever stands there now.
    """
    made, now = manifest["code"]["sha256"], code()["sha256"]
    if made == now:
        return ""
    version, commit = manifest["packages"].get("feedback-harness"), manifest["code"].get("commit")
    at = f", commit {commit[:12]}" if isinstance(commit, str) else ""
    return (
        f"another version of the harness made this run ({version or 'of no known number'}{at}, code"
        f" {str(made)[:12]}; this is code {now[:12]})"
    )


def _impossible(name: str, error: Exception) -> Changed:
    what = error.what if isinstance(error, DataError) else f"{error}" or repr(error)
    if isinstance(error, KeyError):
        what = f"there is no {error}"
    return Changed(name, "", "", ABSENT, ABSENT, f"cannot be computed from the stored rows: {what}")


def _compared_file(path: Path, name: str, content: Any, by: str) -> Iterator[Changed]:
    """Yield where a file differs from what the rows give."""
    try:
        if isinstance(content, list):
            now: Any = [row for _, row in read_rows(path)]
        else:
            now = read_json(path)
    except DataError as error:
        yield Changed(name, "", "", ABSENT, ABSENT, error.what)
        return
    if name == MANIFEST:
        now = {key: now.get(key, ABSENT) for key in content}
    if not isinstance(content, list):
        for one in differing(content, now, alike=ALIKE):
            yield Changed(name, "", one.place, one.now, one.before, by)
        return
    for number, was, there in aligned(content, now):
        yield from changed_row(name, f"line {number}", was, there, by)


def _pages(run: Path, data: Mapping[str, Any], by: str) -> Iterator[Changed]:
    """Build the report again, and yield where its files differ."""
    from harness.report import build

    with tempfile.TemporaryDirectory() as folder:
        build(data, Path(folder), registry().sections)
        again = Path(folder)
        content = read_json(again / "report.json")
        yield from _compared_file(run / "report.json", "report.json", content, by)
        for name in PAGES:
            wanted = (again / name).read_text(encoding="utf-8").splitlines()
            try:
                now = (run / name).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                yield Changed(name, "", "", ABSENT, ABSENT, f"{error}")
                continue
            yield from _lines(name, now, wanted, by)


def _lines(name: str, now: list[str], wanted: list[str], by: str) -> Iterator[Changed]:
    for number, was, there in aligned(wanted, now):
        start = next((at for at, (a, b) in enumerate(zip(was, there, strict=False)) if a != b), 0)
        begin = max(0, start - 30)
        should, shown = (text[begin : start + 50] for text in (was, there))
        yield Changed(name, f"line {number}", "", shown, should, by)
