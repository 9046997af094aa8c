# ruff: noqa
"""Writes without end to all descriptors."""

import os


def solve(n):
    block = b"x" * (1 << 20)
    for _ in range(1000):
        for descriptor in (1, 2, 3):
            os.write(descriptor, block)
