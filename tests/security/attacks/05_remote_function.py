# ruff: noqa
"""Answers with builtin functions and types in place of values."""


def solve(n):
    return [eval, type, int][n % 3]
