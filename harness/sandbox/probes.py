"""What a confined child really cannot do: tried, not assumed."""

from __future__ import annotations

# Each body sets ``got``: true when the attempt succeeded. A child that is killed was blocked.
PROBES: dict[str, str] = {
    "read files": "got = open({file!r}, 'rb').read(1) is not None",
    "list directories": "got = len(os.listdir({folder!r})) >= 0",
    "write files": "open({scratch!r}, 'w').close(); got = True",
    "change files": "os.utime({file!r}); got = True",
    "open sockets": "socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(); got = True",
    "start processes": (
        "pid = os.fork()\nif pid == 0: os._exit(0)\ngot = os.waitpid(pid, 0)[0] == pid"
    ),
    "execute programs": "os.posix_spawn({python!r}, [{python!r}, '-c', ''], {{}}); got = True",
    "signal the parent": "os.kill(os.getppid(), 0); got = True",
    "read the parent's memory": "open('/proc/%d/mem' % os.getppid(), 'rb').close(); got = True",
    "trace the parent": (
        "import ctypes\ngot = ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0"
    ),
    "raise its limits": (
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1)); got = True"
    ),
    "make namespaces": "import ctypes\ngot = ctypes.CDLL(None).unshare(0x10000000) == 0",
}

_READING = {"read files", "list directories", "read the parent's memory"}
REQUIRED: dict[str, frozenset[str]] = {
    "rlimits": frozenset({"raise its limits"}),
    "seccomp": frozenset(PROBES) - _READING,
    "landlock": frozenset(PROBES),
    "namespaces": frozenset(PROBES),
}
"""What must be blocked before a level may call itself by its name."""


def program(body: str, **values: str) -> str:
    """Return the source of one probe; its function ``attempt`` tells whether it succeeded."""
    lines = body.format(**values).split("\n")
    indented = "\n".join(f"        {line}" for line in lines)
    return (
        "import os, socket\ndef attempt():\n    got = False\n    try:\n"
        f"{indented}\n    except Exception:\n        return False\n    return bool(got)\n"
    )
