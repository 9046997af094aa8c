"""Where an answer says one of the choices, and how likely each of them was there.

Tokens are aligned with the text, white space apart. A choice may share its token with markup, be
written in several tokens, or begin as another one does; what cannot be told apart is said so.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from harness.nouns.chat_messages import ChoicePlace

ROUNDING = 0.01
"""By how much a log-probability may be above 0."""

PLACES = 64
"""Places of an answer that are looked at, the last ones."""

UNCLEAR = 0.05
"""Share of the choices' probability of which it may be unknown whose it is."""

_SPACE = re.compile(rb"(?:[ \t\n\r\f\v]|\xc4[\xa0\x8a]|\xe2\x96\x81)++")
"""White space, also as tokenizers write it."""
_MARKUP = b" *_`\"'([{<:=>#|~$\\"
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_DECIMALS = re.compile(rb"[.,][0-9]")
_AFTER = 8
"""Tokens that may follow those of the text: the end of the turn, what a stop sequence cut."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A token: its bytes, how likely it was, and what else could have stood there."""

    said: bytes
    logprob: float | None
    """None where the server says null."""
    others: list[tuple[bytes, Any]]


def choice_places(
    logprobs: Any, text: str, choices: Sequence[str]
) -> tuple[ChoicePlace, ...] | None:
    """Return the places of a text where a choice stands, in order.

    Args:
        logprobs: ``choices[0].logprobs`` of a completion.
        text: What the completion says; thoughts may have been taken from its beginning.
        choices: The answers that were asked for.

    Returns:
        None where no log-probabilities came; no places where they are not those of the text.

    Raises:
        ValueError: A number is no log-probability.
        TypeError: They are not as OpenAI's format has them; AttributeError and KeyError, too.
    """
    if not choices or not isinstance(logprobs, Mapping) or not logprobs.get("content"):
        return None
    steps = [_step(entry) for entry in logprobs["content"]]
    starts = _starts(steps, text)
    if starts is None:
        for step in steps:
            _logprob(step.logprob)
        return ()
    known = _Choices(choices)
    found = []
    for match in list(known.pattern.finditer(text))[-PLACES:]:
        before = len(_SPACE.sub(b"", _encoded(text[: match.start()])))
        first = bisect_right(starts, before) - 1
        lead = before - starts[first]
        chances, problem = _chances(steps[first:], lead, known, match[0])
        found.append(ChoicePlace(match.start(), match[0], chances, problem))
    return tuple(found)


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _step(entry: Any) -> _Step:
    others = [(_bytes(other), other["logprob"]) for other in entry.get("top_logprobs") or []]
    own = entry["logprob"]
    return _Step(_bytes(entry), None if own is None else _logprob(own), others)


def _bytes(entry: Any) -> bytes:
    told, token = entry.get("bytes"), entry.get("token")
    if isinstance(told, list) and told and all(type(b) is int and 0 <= b < 256 for b in told):
        return bytes(told)
    if not isinstance(token, str):
        raise TypeError(f"a token is a {type(token).__name__}")
    byte = _BYTE.fullmatch(token)
    return bytes([int(byte[1], 16)]) if byte else _encoded(token)


def _logprob(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a log-probability is a {type(value).__name__}")
    if not -math.inf < value <= ROUNDING:
        raise ValueError(f"a log-probability is {value!r}")
    return float(value)


def _starts(steps: Sequence[_Step], text: str) -> list[int] | None:
    """Return where each token begins in a text without white space; None if it is not theirs.

    The text is the end of what was generated: thoughts stand before it, little after it.
    """
    wanted = _SPACE.sub(b"", _encoded(text))
    parts = [_SPACE.sub(b"", step.said) for step in steps]
    whole = b"".join(parts)
    lengths = [len(part) for part in parts]
    end = len(whole)
    for length in [0, *lengths[: -_AFTER - 1 : -1]]:
        end -= length
        if wanted and whole.endswith(wanted, 0, end):
            shift = end - len(wanted)
            return [before - shift for before in accumulate(lengths[:-1], initial=0)]
    return None


class _Choices:
    """What can be answered, as it can be written.

    A choice of one letter is written as it is, a longer one in any case.
    """

    def __init__(self, choices: Iterable[str]) -> None:
        names = sorted(choices, key=len, reverse=True)
        alike = len({name.lower() for name in names}) < len(names)
        self._exact = {name for name in names if alike or len(name) == 1}
        self._forms = {name: self._form(name, _encoded(name)) for name in names}
        either = "|".join(
            re.escape(name) if name in self._exact else f"(?i:{re.escape(name)})" for name in names
        )
        self.pattern = re.compile(f"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])")

    def _form(self, name: str, said: bytes) -> bytes:
        said = _SPACE.sub(b" ", said)
        return said if name in self._exact else said.lower()

    def begun(self, said: bytes) -> frozenset[str]:
        """Return the choices that some words begin or are; of those that they go beyond, one."""
        opened, closed = set(), ""
        for name, form in self._forms.items():
            own = self._form(name, said)
            if own and form.startswith(own):
                opened.add(name)
            elif own.startswith(form) and not _goes_on(form, own[len(form) :]):
                closed = max(closed, name, key=len)
        return frozenset(opened or ({closed} if closed else ()))

    def is_whole(self, said: bytes, name: str) -> bool:
        """Tell whether some words are a choice and nothing else."""
        return self._form(name, said) == self._forms[name]

    def missing(self, found: Iterable[str]) -> set[str]:
        """Return the choices that were not found."""
        return set(self._forms) - set(found)


def _goes_on(form: bytes, rest: bytes) -> bool:
    """Tell whether what follows a choice makes another word or number of it."""
    last, after = form.decode(errors="ignore")[-1:], rest.decode(errors="ignore")[:1]
    if last.isdigit() and _DECIMALS.match(rest):
        return True
    return last.isalnum() and after.isalnum() and last.isascii() == after.isascii()


def _chances(
    steps: Sequence[_Step], lead: int, known: _Choices, said: str
) -> tuple[dict[str, float], str]:
    """Return the log-probabilities of the choices where one is said, and what hinders.

    Args:
        steps: The tokens from the one in which it begins.
        lead: Bytes of that token before it, white space apart.
        known: The choices.
        said: The one that is said.
    """
    found: dict[str, float] = {}
    unclear, reach, begun = -math.inf, 0.0, b""
    for number, step in enumerate(steps):
        if step.logprob is None or any(value is None for _, value in step.others):
            return {}, "a log-probability of its tokens is null"
        entries: list[tuple[bytes, Any]] = [(step.said, step.logprob)]
        entries += [(token, value) for token, value in step.others if token != step.said]
        head = _head(step.said, lead) if number == 0 else b""
        words = [
            begun + _SPACE.sub(b" ", token) if number else _first(token, head, known)
            for token, _ in entries
        ]
        told = [known.begun(text) for text in words]
        whole = {n for text, names in zip(words, told, strict=True) for n in names
                 if known.is_whole(text, n)}  # fmt: skip
        told = [_narrowed(*pair, whole, known) for pair in zip(words, told, strict=True)]
        for names, (_, value) in zip(told[1:], entries[1:], strict=True):
            if not names:
                continue
            logprob = reach + _logprob(value)
            if len(names) == 1:
                (name,) = names
                found[name] = _log_sum(found.get(name, -math.inf), logprob)
            else:
                unclear = _log_sum(unclear, logprob)
        if number == 0:
            absent = known.missing(name for names in told for name in names)
            if absent:
                unclear = _log_sum(unclear, _unseen(entries))
        reach += step.logprob
        if len(told[0]) == 1:
            (name,) = told[0]
            found[name] = _log_sum(found.get(name, -math.inf), reach)
            break
        if not told[0]:
            return {}, f"the tokens in which {said!r} is written say something else"
        begun = words[0]
    else:
        alike = ", ".join(sorted(map(repr, known.begun(begun))))
        return {}, f"{alike} begin alike, and the tokens end there"
    total = _log_sum(unclear, _log_sum(*found.values(), -math.inf))
    if unclear - total > math.log(UNCLEAR):
        share = math.exp(unclear - total)
        return {}, f"of {share:.0%} of the probability it is unknown which answer's it is"
    return found, ""


def _head(token: bytes, lead: int) -> bytes:
    """Return the beginning of a token with so many bytes besides white space."""
    spaced = _SPACE.sub(b" ", token)
    end = 0
    while lead > 0:
        lead -= spaced[end : end + 1] != b" "
        end += 1
    return spaced[:end]


def _first(token: bytes, head: bytes, known: _Choices) -> bytes:
    """Return the beginning of a choice that a token may be, without what stands before it."""
    spaced = _SPACE.sub(b" ", token)
    forms = [spaced[len(head) :]] if head and spaced.startswith(head) else []
    forms = [form.lstrip(b" ") for form in [*forms, spaced]] + [spaced.lstrip(_MARKUP)]
    return next((form for form in forms if known.begun(form)), b"")


def _narrowed(
    said: bytes, names: frozenset[str], whole: set[str], known: _Choices
) -> frozenset[str]:
    """Return what some words can be, when those that go on have a token of their own here."""
    own = {name for name in names if known.is_whole(said, name)}
    return frozenset(own) if len(names) > 1 and own and names - own <= whole else names


def _unseen(entries: Sequence[tuple[bytes, Any]]) -> float:
    """Return the log-probability that a token that is not reported can have at most."""
    reported = [v for _, v in entries if isinstance(v, int | float) and -math.inf < v <= ROUNDING]
    rest = 1.0 - math.fsum(map(math.exp, reported))
    return min(*reported, math.log(rest)) if rest > 0 else -math.inf


def _log_sum(*values: float) -> float:
    high = max(values)
    if high == -math.inf:
        return high
    return high + math.log(math.fsum(math.exp(value - high) for value in values))
