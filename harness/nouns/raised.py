"""What an exception of somebody else's code says, and where in that code it was raised."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

_HOUSE = str(Path(__file__).resolve().parents[1]) + os.sep
_LIBRARY = os.path.realpath(sysconfig.get_paths()["stdlib"]) + os.sep
_PACKAGES = ("site-packages", "dist-packages")


def raised(error: BaseException, most: int | None = None) -> str:
    """Return kind, words and place of an exception: "KeyError: 'gold' (calm.py:8)".

    The place is the innermost line of the code that the harness called: of the first file, or
    another one of its folder, that is neither the harness's nor the standard library's. Without
    one there is no place.

    Args:
        error: As it was caught, with its traceback.
        most: Characters of the words.
    """
    try:
        words = str(error)
    except Exception:  # a plugin's exception may do anything
        words = ""
    if most is not None and len(words) > most:
        words = f"{words[:most]}..."
    kind, place = type(error).__name__, _place(error)
    return (f"{kind}: {words}" if words else kind) + (f" ({place})" if place else "")


def _place(error: BaseException) -> str:
    found = [(at.f_code.co_filename, line) for at, line in traceback.walk_tb(error.__traceback__)]
    theirs = [(file, line) for file, line in found if not _is_known(file)]
    if not theirs:
        return ""
    first = theirs[0][0]
    file, line = next((f, n) for f, n in reversed(theirs) if f == first or _beside(f, first))
    return f"{os.path.basename(file)}:{line}"


def _beside(file: str, first: str) -> bool:
    """Tell whether a file is of the same plugin: of its folder, and not of another package."""
    folder = os.path.dirname(first)
    if not folder or os.path.basename(folder) in _PACKAGES or not file.startswith(folder + os.sep):
        return False
    return not any(f"{os.sep}{name}{os.sep}" in file[len(folder) :] for name in _PACKAGES)


def _is_known(file: str) -> bool:
    """Tell whether a file is the harness's own, or of the standard library."""
    if file.startswith("<"):
        return file.startswith("<frozen")
    whole = os.path.realpath(file)
    installed = any(f"{os.sep}{name}{os.sep}" in whole for name in _PACKAGES)
    return whole.startswith(_HOUSE) or (whole.startswith(_LIBRARY) and not installed)
