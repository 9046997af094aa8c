# ruff: noqa
"""Connects by every family of sockets."""

import socket


def solve(n):
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", 18999)),
        (socket.AF_UNIX, "\0zarena"),
        (socket.AF_NETLINK, (0, 0)),
    ):
        try:
            with socket.socket(family) as client:
                client.connect(address)
        except OSError:
            pass
    return n
