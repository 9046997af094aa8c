# ruff: noqa
"""Forks, spawns and executes."""

import os
import subprocess


def solve(n):
    for attempt in (
        os.fork,
        lambda: os.posix_spawn("/bin/sleep", ["sleep", "30"], {}),
        lambda: subprocess.Popen(["touch", "@ARENA@/loot/spawned"]),
        lambda: os.execv("/bin/sleep", ["sleep", "30"]),
    ):
        try:
            attempt()
        except Exception:
            pass
    return n
