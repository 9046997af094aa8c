"""Files that the options of a source name: what counts is what stands in them, not where they lie.

A file is named by an option's value, by a member of a list, or by a word of either, as in a command
line (``--rules=/home/me/rules.yaml``). A bare word is a name, such as a rubric's, even where a file
happens to be called so; in an option called ``file`` (or ``..._file``) it is a file.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.nouns.errors import InputError
from harness.nouns.schema import SourceInfo

_WORD = re.compile(r"[^\s=;|&<>\"']+")


def named_files(options: Any) -> dict[str, str]:
    """Return the SHA-256 of the content of each file that is named, by the name as it stands."""
    words = dict.fromkeys(_words(options))
    return {word: found for word in words if (found := _sha256(word)) is not None}


def by_content(options: Any, files: Mapping[str, str]) -> Any:
    """Return options, plain JSON, with each file's content in place of its name."""
    if isinstance(options, Mapping):
        return {key: by_content(value, files) for key, value in options.items()}
    if isinstance(options, list):
        return [by_content(value, files) for value in options]
    if isinstance(options, str):
        return files.get(options) or _WORD.sub(lambda found: files.get(found[0], found[0]), options)
    return options


def watch(info: SourceInfo) -> Callable[[], None]:
    """Return what raises when a file that the source's options name was written since.

    Raises:
        InputError: A file is not as it was when the source was built.
    """
    before = {path: _stamp(path) for path, _ in info.files}

    def unchanged() -> None:
        for path, stamp in before.items():
            if _stamp(path) != stamp:
                raise _changed(info, path)

    for path, content in info.files:
        if _sha256(path) != content:
            raise _changed(info, path)
    return unchanged


def _changed(info: SourceInfo, path: str) -> InputError:
    return InputError(
        f"source {info.name} changed during the run: its options name this file, which was written",
        where=path,
        hint="run again: what was judged before stays where the file is the same as at the start",
    )


def _words(value: Any, key: str = "") -> Iterator[str]:
    """Yield what may name a file."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _words(part, str(name))
    elif isinstance(value, list):
        for part in value:
            yield from _words(part)
    elif isinstance(value, str):
        words = [value, *_WORD.findall(value)]
        yield from (word for word in words if key.endswith("file") or set("./") & set(word))


def _sha256(path: str) -> str | None:
    """Return the hash of a file's content, None where there is no file that can be read."""
    if not (os.path.isfile(path) and os.access(path, os.R_OK)):
        return None
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(path: str) -> tuple[int, ...] | None:
    """Return what moves when a file is written or replaced, None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
