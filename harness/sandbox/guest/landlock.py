"""Landlock: which files a process may open; nested domains shield parents from children.

Landlock does not cover stat, chmod, chown or utime; the system-call filter does.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every machine
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_MAKE_SPECIAL = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11  # character devices, sockets, pipes, blocks
_LIBC = ctypes.CDLL(None, use_errno=True)
# Number of file-system rights that each version of the interface knows.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}


def version() -> int:
    """Return the version of the kernel's Landlock interface, 0 when there is none."""
    return max(0, _syscall(_CREATE, None, 0, 1))


def ruleset(readable: Iterable[str], writable: str = "") -> int:
    """Return the descriptor of a rule set: read below ``readable``, make files in ``writable``.

    No other file may be written, no TCP port bound or connected, no abstract socket or process
    outside the domain reached, as far as the kernel's version covers each.

    Raises:
        OSError: The kernel has no Landlock.
    """
    abi = version()
    if not abi:
        raise OSError("no Landlock")
    files = (1 << _RIGHTS.get(abi, 16)) - 1
    attributes = struct.pack("<Q", files)
    if abi >= 4:
        attributes += struct.pack("<Q", 3)  # bind and connect TCP
    if abi >= 6:
        attributes += struct.pack("<Q", 3)  # abstract unix sockets and signals
    descriptor = _syscall(_CREATE, attributes, len(attributes), 0)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    special = {writable: files & ~(_EXECUTE | _MAKE_SPECIAL), "/dev/null": _READ_FILE | _WRITE_FILE}
    for path in (*readable, *special) if writable else readable:
        try:
            below = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # not there: nothing to allow
        plain = _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0)
        rights = special.get(path, plain) if writable else plain
        done = _syscall(_ADD, descriptor, 1, struct.pack("<Qi", rights, below), 0)
        os.close(below)
        if done < 0:
            raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")
    return descriptor


def restrict(descriptor: int) -> None:
    """Put this process into the domain of a rule set, for good; needs no_new_privs.

    Raises:
        OSError: The kernel refused.
    """
    if _syscall(_RESTRICT, descriptor, 0) < 0:
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")


def _syscall(*arguments: object) -> int:
    return int(_LIBC.syscall(*arguments))
