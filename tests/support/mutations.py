"""Inputs made worse: bytes flipped, spans cut and doubled, tokens, values and cells swapped."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

NASTY = (
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b'"\\udc00"',
    b"\r", b"\n", b"\r\n", b"\t", b",", b";", b"|", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b":",
    b"9" * 400, b"1" * 5000, b"0x" + b"f" * 5000, b"1:" * 3000 + b"1", b"-1", b"0", b"1e999",
    b"-1e999", b"NaN", b"-Infinity", b".inf", b".nan", b"null", b"~", b"true", b"yes", b"[]",
    b"{}", b"[[[]]]", b"[" * 3000, b'{"a":' * 2000, b"- " * 500, b"? " * 300, b"a: " * 300,
    b"&a [*a, *a]", b"<<: *a", b"*a", b"!!int x", b"!!binary aGk=", b"!!timestamp 2024-99-99",
    b"!!python/name:os.system ", b"!!set {a, b}", b"!!omap [a: 1]", b"=1+1", b"@x",
    b" " * 3000, b"*" * 3000, b"a" * 20000, "\u200b\u2060".encode(), "\u2028".encode(),
    "\u200c ".encode() * 1500, "\u0130\u01c5".encode(), "a\u0301".encode() * 800,
    "\U0001f600".encode(), b"%s%n", b"{0}", b"a > b = c", b'["a", ["b"]]', b"2024-01-01", b"1_000",
    b"tie", b"skip", b"SKIP", b"A", b"TIE", b"model_a", b"empty", b"error", b"\x1b[31m", b"\x1a",
)  # fmt: skip
"""What broke readers before, and what is near it."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**18, 10**400, 10**4299, 1e308, -0.0, float("nan"), float("inf"),
    "", " ", "\x00", "\ud800", "x" * 5000, "A", "TIE", "skip", "1", "0", [], {}, [[]], [None],
    {"": None}, {"id": 1}, [1, "a", None], "\u202e", "NaN", {"a": {"b": {"c": []}}}, ["a", "a"],
)  # fmt: skip
"""What a JSON value is replaced by."""

_TOKEN = re.compile(rb"\w+|[^\w\s]|\s+")


def mutated(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return data made worse in one to four ways; ``others`` lend spans."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        data = rng.choice(_WAYS)(rng, data, others)
    return data[:500_000]


def _span(rng: Random, data: bytes, most: int = 200) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.randrange(1, most))


def _flip(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8)) if data else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _insert(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(NASTY) + data[at:]


def _replace(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    start, end = _span(rng, data, 20)
    return data[:start] + rng.choice(NASTY) + data[end:]


def _cut(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    start, end = _span(rng, data)
    return data[:start] if rng.random() < 0.3 else data[:start] + data[end:]


def _double(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    start, end = _span(rng, data)
    return data[:end] + data[start:end] * rng.choice((1, 2, 50)) + data[end:]


def _splice(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others)
    start, end = _span(rng, other, 1000)
    at = rng.randrange(len(data) + 1)
    return data[:at] + other[start:end] + data[at:]


def _swap(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    tokens = _TOKEN.findall(data[:20_000])
    if len(tokens) < 2:
        return data
    one, two = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    tokens[one] = rng.choice(NASTY) if rng.random() < 0.4 else tokens[two]
    return b"".join(tokens) + data[20_000:]


def _lines(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    if rng.random() < 0.5:
        lines[one], lines[two] = lines[two], lines[one]
    else:
        lines.insert(one, lines[two])
    return b"".join(lines)


def _structure(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Swap one value of a JSON document, or of one line of many."""
    lines = [data] if data.lstrip()[:1] == b"[" else data.splitlines() or [b""]
    at = rng.randrange(len(lines))
    try:
        content = json.loads(lines[at])
    except (ValueError, RecursionError):
        return _cell(rng, data, others)
    lines[at] = json.dumps(_worse(rng, content)).encode()
    return b"\n".join(lines)


def _worse(rng: Random, content: Any, deep: int = 0) -> Any:
    if deep > 6 or not content or not isinstance(content, dict | list) or rng.random() < 0.15:
        return rng.choice(VALUES)
    if isinstance(content, list):
        at = rng.randrange(len(content))
        return [*content[:at], _worse(rng, content[at], deep + 1), *content[at + 1 :]]
    key = rng.choice(list(content))
    if rng.random() < 0.15:
        return {name: value for name, value in content.items() if name != key}
    if rng.random() < 0.1:
        return {**content, rng.choice(("", "id", "x", "\ud800", "data.id")): rng.choice(VALUES)}
    return {**content, key: _worse(rng, content[key], deep + 1)}


def _cell(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    cells = re.split(rb"([,:\t])", lines[at])
    cells[rng.randrange(len(cells))] = rng.choice(NASTY)
    lines[at] = b"".join(cells)
    return b"\n".join(lines)


_WAYS = (
    _flip, _insert, _insert, _replace, _replace, _cut, _double, _splice, _swap, _lines, _structure,
    _structure, _structure, _structure, _cell, _cell,
)  # fmt: skip
