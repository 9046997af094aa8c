# ruff: noqa
"""Reads the secret, the environment and other processes' memory."""

import os


def solve(n):
    found = str(dict(os.environ))
    places = ["@ARENA@/secret.txt", "/proc/self/environ", "/proc/1/environ", "/proc/self/mem"]
    for place in places + [f"/proc/{os.getppid()}/environ", "/proc/self/root@ARENA@/secret.txt"]:
        try:
            with open(place, "rb") as file:
                found += file.read(4096).decode("latin-1")
        except (OSError, ValueError):
            pass
    start = max(found.find("sk-canary"), found.find("secret-"))
    raise ValueError(found[start:][:60] if start >= 0 else "nothing")
