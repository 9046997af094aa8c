"""One hash of what is in a file or a folder."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, or of all files of a folder with their names in it.

    Where a folder stands and what it is called does not count. What is not there is empty. A file
    that did not change since it was last hashed by this process is not read again.
    """
    if not path.is_dir():
        return _of_files(path.parent, (_state(path),)) if path.is_file() else _EMPTY
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return _of_files(path, tuple(_state(file) for file in files), named=True)


_EMPTY = hashlib.sha256().hexdigest()


def _state(file: Path) -> tuple[Path, int, int, int]:
    found = file.stat()
    return file, found.st_size, found.st_mtime_ns, found.st_ino


@lru_cache(maxsize=256)
def _of_files(
    folder: Path, files: tuple[tuple[Path, int, int, int], ...], named: bool = False
) -> str:
    digest = hashlib.sha256()
    for file, *_ in files:
        if named:
            digest.update(file.relative_to(folder).as_posix().encode())
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
