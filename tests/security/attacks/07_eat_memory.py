# ruff: noqa
"""Allocates without end."""


def solve(n):
    held = []
    while True:
        held.append(bytes(64 << 20))
