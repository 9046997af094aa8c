"""What a zygote gives up before it forks its first child, level by level."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import sys
import sysconfig

from harness.sandbox.guest import landlock, namespaces, seccomp

LEVELS = ("rlimits", "seccomp", "landlock", "namespaces")
"""Isolation levels from weakest to strongest; each includes the ones before it."""

NOBODY = 65534
MAX_DESCRIPTORS = 64
_LARGEST_FILE = 64 << 20
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP = 4, 38, 24
_CAPABILITY_VERSION = 0x20080522
_LIBC = ctypes.CDLL(None, use_errno=True)


def standard_library() -> list[str]:
    """Return the paths that a program needs to import the standard library, and no more.

    Installed packages stay out: some of them are data sets with the answers to the tests.
    """
    directories = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    paths = []
    for directory in directories:
        paths += [
            entry.path
            for entry in os.scandir(directory)
            if entry.name not in ("site-packages", "dist-packages")
        ]
    triplet = str(getattr(sys.implementation, "_multiarch", "x86_64-linux-gnu"))
    paths += [f"/lib/{triplet}", f"/usr/lib/{triplet}"]
    paths += ["/lib64", "/usr/lib64"] if not os.path.isdir(f"/lib/{triplet}") else []
    paths += [entry.path for entry in os.scandir(f"{sys.base_prefix}/lib") if ".so" in entry.name]
    paths += ["/usr/share/zoneinfo", "/etc/ld.so.cache"]
    return paths


def no_new_privileges() -> None:
    """Give up gaining privileges by exec, core dumps, and being traced or read by others."""
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def drop_capabilities() -> None:
    """Empty every capability set; what the bounding set refuses matters not, exec is barred."""
    for capability in range(64):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)()
    if _LIBC.capset(ctypes.byref(header), ctypes.byref(data)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def fixed_limits() -> None:
    """Set the limits that are the same for every child: no files, few descriptors, no core."""
    for name, limit in (("CORE", 0), ("NOFILE", MAX_DESCRIPTORS), ("MEMLOCK", 0), ("MSGQUEUE", 0)):
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is not None:
            resource.setrlimit(kind, (limit, limit))
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (min(8 << 20, hard) if hard > 0 else 8 << 20, hard))


class Confinement:
    """The layers of one level: those of the process, then the thin ones of each child."""

    def __init__(self, level: str, extra_paths: list[str], writable: str = "") -> None:
        """Look at what will be allowed, before anything is given up.

        Args:
            level: One of ``LEVELS``.
            extra_paths: What may be read besides the standard library.
            writable: A folder to write to, for tests that make files; not with namespaces.

        Raises:
            OSError: The host does not have what the level needs.
        """
        self.rank = LEVELS.index(level)
        self.paths = [*standard_library(), *extra_paths]
        self.writable = writable
        self._landlock = -1
        self._child_filter: tuple[ctypes.Array[ctypes.c_char], int] | None = None
        if self.rank >= 1 and not seccomp.available():
            raise OSError(f"no system-call table for {platform.system()} {platform.machine()}")
        if self.rank >= 2 and not landlock.version():
            raise OSError("the kernel has no Landlock")

    def enter_namespaces(self) -> None:
        """Make the new root; call it in the process that has the new user namespace's rights."""
        hidden = [
            os.path.join(path, name)
            for path in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
            for name in ("site-packages", "dist-packages")
            if os.path.join(path, name) not in self.paths
        ]
        stdlib = sysconfig.get_path("stdlib")
        others = [path for path in self.paths if os.path.dirname(path) != stdlib]
        namespaces.enter_root([stdlib, *others, "/dev/null"], hidden)

    def give_up(self) -> None:
        """Confine this process for good.

        Raises:
            OSError: A layer of the level was refused.
        """
        fixed_limits()
        if self.writable:
            resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
        if sys.platform != "linux":
            return
        no_new_privileges()
        drop_capabilities()
        if self.rank >= 2:
            own = landlock.ruleset(self.paths, self.writable)
            self._landlock = landlock.ruleset(self.paths, self.writable)
            landlock.restrict(own)
            os.close(own)
        if self.rank >= 1:
            self._child_filter = seccomp.prepare(seccomp.child_filter())
            seccomp.install(*seccomp.prepare(seccomp.zygote_filter(bool(self.writable))))

    def enter_child_domain(self) -> None:
        """Nest a Landlock domain, so that a child cannot reach its parent.

        Raises:
            OSError: The layer was refused; the child must not go on.
        """
        if self._landlock >= 0:
            landlock.restrict(self._landlock)

    def filter_child(self) -> None:
        """Add the child's own system-call filter, last of all.

        Raises:
            OSError: The layer was refused; the child must not go on.
        """
        if self._child_filter is not None:
            seccomp.install(*self._child_filter)
