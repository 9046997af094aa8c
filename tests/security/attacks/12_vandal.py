# ruff: noqa
"""Deletes, truncates, renames, links and re-modes files."""

import os
import shutil


def solve(n):
    canary = "@ARENA@/canary.txt"
    for attempt in (
        lambda: os.unlink(canary),
        lambda: open(canary, "w").close(),
        lambda: os.truncate(canary, 0),
        lambda: os.rename(canary, canary + "x"),
        lambda: os.chmod(canary, 0o777),
        lambda: os.utime(canary, (1, 1)),
        lambda: os.link(canary, "@ARENA@/loot/link"),
        lambda: os.symlink(canary, "@ARENA@/loot/symlink"),
        lambda: os.mkdir("@ARENA@/loot/folder"),
        lambda: os.mkfifo("@ARENA@/loot/fifo"),
        lambda: shutil.rmtree("@ARENA@/home"),
    ):
        try:
            attempt()
        except OSError:
            pass
    return n
