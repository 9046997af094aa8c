"""The seal of the key and the labels of people: they come after the run, and so after its seal.

``people-sealed.jsonl.gz`` holds a copy of both, ``people-seal.json`` their hashes and one hash of
these and of the run's own seal: the one to publish once people have labelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.experiment.stages.people_key import KEY
from harness.experiment.stages.people_labels import LABELS
from harness.nouns.hashing import content_hash
from harness.records.rows import read_json
from harness.records.run_directory import RunDirectory
from harness.records.seal import SealedTable, plain, read_sealed, seal_of, write_sealed
from harness.records.writes import write_json

PEOPLE_SEAL, PEOPLE_SEALED = "people-seal.json", "people-sealed.jsonl.gz"

TABLES = (KEY, LABELS)


def seal_people(directory: RunDirectory) -> str:
    """Seal the key and the labels that lie in a run; the caller holds its lock.

    Returns:
        The hash; empty where the run has no seal yet, whose end seals them, or has no key.
    """
    said, run = directory.manifest().get("seal"), directory.path
    tables = {name: plain(read_json(run / name)) for name in TABLES if (run / name).is_file()}
    if not tables or not isinstance(said, Mapping):
        return ""
    found = _seal(str(said.get("sha256")), tables)
    write_sealed(run / PEOPLE_SEALED, tables)
    write_json(run / PEOPLE_SEAL, found)
    return str(found["sha256"])


def _seal(root: str, tables: Mapping[str, SealedTable]) -> dict[str, Any]:
    hashes = seal_of(tables)["tables"]
    return {"sha256": content_hash([root, hashes]), "run": root, "tables": hashes}


def sealed_people(run: Path, root: str) -> tuple[dict[str, SealedTable], str, list[str]]:
    """Return what was sealed of the key and the labels, the hash, and what is wrong with the seal.

    Args:
        run: Directory of the run.
        root: Hash of the run's own seal.

    Raises:
        DataError: The seal or its copy cannot be read.
    """
    if not (run / PEOPLE_SEAL).is_file():
        return {}, "", []
    said, tables = read_json(run / PEOPLE_SEAL), read_sealed(run / PEOPLE_SEALED)
    wrong = []
    if said.get("run") != root:
        wrong.append("it is of another seal of the run")
    if _seal(str(said.get("run")), tables) != said:
        wrong.append("the copy of the key and the labels is not the one that its hash is of")
    return tables, str(said.get("sha256")), wrong
