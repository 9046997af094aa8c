# ruff: noqa
"""Calls of another architecture's table (x32)."""

import ctypes


def solve(n):
    return ctypes.CDLL(None).syscall(0x40000000 + 39)
