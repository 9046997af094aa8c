"""Reads the scores of several criteria that stand in one line: "5 for task, 4 for accuracy"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from harness.judging.score_lines import Statement
from harness.judging.score_names import words

_N = r"(?P<n>\d{1,3}(?:\.\d{1,2})?(?:\s?/\s?\d{1,3})?)"
_JOINT = re.compile(r"\s*+(?:[,;](?:\s++and)?|and)\s++", re.IGNORECASE)
_GIVES = re.compile(
    r"\s*+(?:[-*]\s++)?(?:I(?:'d|\s++would|\s++will)?\s++(?:give|rate|score)"
    r"(?:\s++(?:(?:this|the)\s++(?:response|answer)|it|this))?\s++)?",
    re.IGNORECASE,
)
_EACH = re.compile(
    rf"\s*+[:=]\s*+{_N}\s++(?:each|for\s++each|for\s++all)\s*+\.?\s*+\Z", re.IGNORECASE
)
_END = re.compile(r"\s*+\.?\s*+\Z")


@lru_cache(maxsize=64)
def name_pattern(names: tuple[tuple[str, ...], ...]) -> str:
    """Return the pattern of any of some names, as judges spell them."""
    either = ("[ _-]{0,2}".join(map(re.escape, name)) for name in sorted(names, reverse=True))
    return f"(?:{'|'.join(either)})"


@lru_cache(maxsize=64)
def _pieces(names: tuple[tuple[str, ...], ...]) -> tuple[re.Pattern[str], ...]:
    name = f"(?P<name>{name_pattern(names)})"
    return tuple(
        re.compile(pattern, re.IGNORECASE)
        for pattern in (
            rf"(?:an?\s++)?{_N}\s++(?:for|in|on)\s++(?:the\s++)?{name}(?![\w-])",
            rf"{name}\s?\(\s*+{_N}\s*+\)",
            rf"{name}(?![\w-])",
        )
    )


def in_a_line(text: str, names: Sequence[tuple[str, ...]]) -> Iterator[Statement]:
    """Yield the scores of the lines that have nothing but scores of criteria."""
    of, bracketed, alone = _pieces(tuple(names))
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if len(line) <= 400:
            begin = _GIVES.match(line)
            at = begin.end() if begin else 0
            for pattern in (of, bracketed):
                found, stop = _chain(line, at, pattern)
                if len(found) > 1 and _END.match(line, stop):
                    for one in found:
                        yield Statement(start, end, words(one["name"]), one["n"], "line")
            found, stop = _chain(line, at, alone)
            if len(found) > 1 and (each := _EACH.match(line, stop)):
                for one in found:
                    yield Statement(start, end, words(one["name"]), each["n"], "line")
        start = end + 1


def _chain(line: str, at: int, pattern: re.Pattern[str]) -> tuple[list[re.Match[str]], int]:
    """Return what stands one after the other in a line, and where it ends."""
    found: list[re.Match[str]] = []
    while one := pattern.match(line, at):
        found.append(one)
        at = one.end()
        joint = _JOINT.match(line, at)
        if not joint or not pattern.match(line, joint.end()):
            break
        at = joint.end()
    return found, at
