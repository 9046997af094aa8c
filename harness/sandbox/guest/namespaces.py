"""Namespaces: a root of its own with the standard library read-only and nothing else.

No /proc, no /sys, no device but /dev/null, no network interface that is up, process ids of its own.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

NEW_USER = 0x10000000
NEW_OTHERS = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000
_REC, _BIND, _PRIVATE, _DETACH = 0x4000, 0x1000, 1 << 18, 2
_NOSUID, _NODEV, _NOEXEC, _RDONLY = 2, 4, 8, 1
_MOUNT_SETATTR = 442
_AT_RECURSIVE = 0x8000
_LIBC = ctypes.CDLL(None, use_errno=True)
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}


def unshare(flags: int) -> None:
    """Leave the namespaces of the parent.

    Raises:
        OSError: The host forbids it.
    """
    _check("unshare", _LIBC.unshare(flags))


def enter_root(visible: Iterable[str], hidden: Iterable[str]) -> None:
    """Make a root directory in memory that holds only ``visible``, read-only, and move into it.

    Args:
        visible: Files and directories of the host to show at the same place.
        hidden: Directories below those to cover with an empty one.

    Raises:
        OSError: A step was refused.
    """
    shown = [path for path in visible if os.path.exists(path)]
    _check("private", _LIBC.mount(b"none", b"/", None, _REC | _PRIVATE, None))
    target = _free_directory(shown)
    _check(
        "tmpfs",
        _LIBC.mount(
            b"tmpfs", target.encode(), b"tmpfs", _NOSUID | _NODEV, b"size=1m,mode=755,nr_inodes=4k"
        ),
    )
    for path in shown:
        place = target + path
        if os.path.isdir(path):
            os.makedirs(place, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w"):
                pass
        source = os.path.realpath(path).encode()
        _check(f"bind {path}", _LIBC.mount(source, place.encode(), None, _BIND | _REC, None))
        flags = _RDONLY | _NOSUID | (0 if path.startswith("/dev/") else _NODEV)
        _set_attributes(place, flags)
    for path in hidden:
        cover = target + path
        if os.path.isdir(cover):
            options = b"size=4k,mode=555,nr_inodes=2"
            done = _LIBC.mount(b"tmpfs", cover.encode(), b"tmpfs", _RDONLY, options)
            _check(f"hide {path}", done)
    os.chdir(target)
    machine = os.uname().machine
    _check("pivot_root", _LIBC.syscall(_PIVOT_ROOT[machine], b".", b"."))
    _check("detach", _LIBC.umount2(b".", _DETACH))
    os.chdir("/")
    _set_attributes("/", _RDONLY | _NOSUID | _NODEV | _NOEXEC, recursive=False)


def _free_directory(shown: list[str]) -> str:
    """Return a directory to mount the new root on that hides none of what is to be shown."""
    for place in ("/proc", "/sys", "/mnt", "/tmp"):
        if os.path.isdir(place) and not any(
            os.path.realpath(path).startswith(place + "/") for path in shown
        ):
            return place
    raise OSError("no directory to mount a new root on")


def _set_attributes(path: str, flags: int, recursive: bool = True) -> None:
    """mount_setattr adds flags and keeps those that an outer namespace has locked."""
    attributes = struct.pack("<QQQQ", flags, 0, 0, 0)
    at = _AT_RECURSIVE if recursive else 0
    done = _LIBC.syscall(
        _MOUNT_SETATTR, -100, path.encode(), at, attributes, ctypes.c_size_t(len(attributes))
    )
    _check(f"mount_setattr {path}", done)


def _check(step: str, result: int) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{step}: {os.strerror(code)}")
