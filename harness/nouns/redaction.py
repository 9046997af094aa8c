"""Secrets are never written: one list of their values, and what takes them out of texts.

Values are learned where they come in: options of sources, addresses, the environment. They are
taken out, by value, where something leaves: the journal, every file that is written all or nothing,
failures of calls, and the terminal. A value shorter than ``SHORTEST`` is hidden only where its name
tells, for elsewhere it would be part of words.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from harness.nouns.spellings import views

HIDDEN = "[secret]"
SHORTEST = 8

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    "secret secrets password passwd passphrase pwd authorization auth bearer cookie credential"
    " credentials signature apikey apikeys".split()
)
_KEYS_OF = frozenset("api access secret private subscription auth signing account".split())
_NO_TOKENS = frozenset("bos eos pad stop unk sep cls mask special per think image".split())
_ALSO_SECRET = frozenset("key token code sig".split())
"""Last words that tell a secret in headers and in the query of an address."""

_NAMED = re.compile(
    r"(?:authorization|api[_-]?key|secret\w*|password|passwd|access[_-]?token|bearer)[\"']?\s*+"
    r"(?:[:=]\s*+)?[\"']?(?:(?:bearer|basic)\s++)?(?P<value>[^\s\"',;{}]+)",
    re.IGNORECASE,
)

_values: dict[str, None] = {}
_forms: list[str] = []
_pattern: re.Pattern[str] | None = None
_is_odd = False
"""A secret has letters that JSON escapes anyway, so that no mark tells whether one is spelled."""
_lock = threading.Lock()


def is_secret_name(name: str, carrier: bool = False) -> bool:
    """Tell whether a name says that its value is a secret.

    Args:
        name: Of an option, a variable, a header or a parameter of an address.
        carrier: It is one of the last two, where "key" alone tells.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if _SECRET_WORDS & set(words):
        return True
    for at, word in enumerate(words):
        if word in ("key", "keys") and at and words[at - 1] in _KEYS_OF:
            return True
    last = words[-1] if words else ""
    if last == "token" and (len(words) == 1 or words[-2] not in _NO_TOKENS):
        return True
    return carrier and last in _ALSO_SECRET


def keep_secret(value: str) -> None:
    """Add a value to those that are never written, and the parts of it that are secrets."""
    for part in _parts(value):
        if len(part) >= SHORTEST and part not in _values:
            with _lock:
                _values[part] = None
                _learn()


def _parts(value: str) -> Iterator[str]:
    """Yield a value; of ``Bearer ...`` what follows, of ``Basic ...`` the password in it."""
    value = value.strip()
    scheme, _, rest = value.partition(" ")
    if not (rest and scheme.isalpha()):
        yield value
        return
    rest = rest.strip()
    yield rest
    if scheme.lower() == "basic":
        try:
            yield base64.b64decode(rest, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return


def _learn() -> None:
    global _forms, _pattern, _is_odd
    found: dict[str, None] = {}
    for value in _values:
        for form in _spellings(value):
            found[form] = None
    longest_first = sorted(found, key=len, reverse=True)
    _pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
    _forms = [form.lower() for form in longest_first]
    _is_odd = not all(value.isascii() and not {'"', "\\"} & set(value) for value in _values)


def _spellings(value: str) -> Iterator[str]:
    """Yield the forms in which a value may come back from a server or stand in a file."""
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield html.escape(value)
    yield json.dumps(value)[1:-1]
    yield repr(value)[1:-1]
    yield value.encode().hex()
    raw = value.encode()
    for shift in range(3):
        # What stands before it moves the letters of base64; the ones at both ends mix with it.
        text = base64.b64encode(b"\0" * shift + raw)
        whole = text[(0, 2, 3)[shift] : len(text) - (0, 3, 2)[(len(raw) + shift) % 3]].decode()
        if len(whole) >= SHORTEST:
            yield whole
            yield whole.translate(str.maketrans("+/", "-_"))


def redact(text: str) -> str:
    """Return a text without the values of secrets, in whatever form they stand in it."""
    pattern = _pattern
    if pattern is None:
        return text
    if _has_form(text):
        text = pattern.sub(HIDDEN, text)
    hidden: list[tuple[int, int]] = []
    for path in views(text, _is_odd):
        read = path[-1].text
        for found in pattern.finditer(read) if _has_form(read) else ():
            place = found.span()
            for view in reversed(path):
                place = view.source(*place)
            hidden.append(place)
    return _without(text, hidden) if hidden else text


def _has_form(text: str) -> bool:
    low = text.lower()
    return any(form in low for form in _forms)


def _without(text: str, places: list[tuple[int, int]]) -> str:
    """Return a text with places hidden, which may overlap."""
    pieces, done = [], 0
    for start, end in sorted(places):
        if start >= done:
            pieces += [text[done:start], HIDDEN]
        done = max(done, end)
    return "".join([*pieces, text[done:]])


def redacted_json(content: Any, **style: Any) -> str:
    """Return content as JSON without secrets, which stays JSON where a number is one.

    Args:
        content: Plain values.
        style: Options of ``json.dumps``.
    """
    written = json.dumps(content, **style)
    told = redact(written)
    if told == written:
        return told
    try:
        json.loads(told)
    except ValueError:
        return json.dumps(redact_deep(content), **style)
    return told


def redact_deep(content: Any, names: bool = False) -> Any:
    """Return JSON content without secrets.

    Args:
        content: Mappings, lists and plain values; others are left as they are.
        names: Hide also what stands under the name of a secret, or in an address, however short.
    """
    if isinstance(content, str):
        return redact(_bare_address(content) if names else content)
    if isinstance(content, Mapping):
        return {
            redact_deep(key): _by_name(str(key), value) if names else redact_deep(value)
            for key, value in content.items()
        }
    if isinstance(content, list | tuple):
        if content and all(isinstance(value, int) for value in content):
            written = str(list(content))  # may be the letters of one
            return list(content) if redact(written) == written else HIDDEN
        return [redact_deep(value, names) for value in content]
    if isinstance(content, int | float) and redact(str(content)) != str(content):
        return HIDDEN
    return content


def _by_name(name: str, value: Any) -> Any:
    if value and not isinstance(value, bool) and is_secret_name(name):
        return HIDDEN
    if _is_headers(name) and isinstance(value, Mapping):
        return {
            key: HIDDEN if is_secret_name(str(key), True) else redact_deep(inner, True)
            for key, inner in value.items()
        }
    return redact_deep(value, True)


def shown(value: Any, name: str = "", most: int | None = None) -> str:
    """Return a value as a message about it shows it: without secrets, by value and by name.

    Args:
        value: Whatever was given.
        name: Under which it was given.
        most: Letters.
    """
    keep_secrets_of(value, name)
    hidden = HIDDEN if is_secret_name(name) else redact(repr(redact_deep(value, True)))
    return hidden[:most]


def keep_secrets_in_text(text: str) -> None:
    """Learn what stands after the name of a secret in a text, such as a broken YAML file."""
    for found in _NAMED.finditer(text):
        keep_secret(found.group("value"))


def keep_secrets_of(content: Any, name: str = "", carrier: bool = False) -> None:
    """Learn the secrets in options: values under telling names, headers, addresses.

    Args:
        content: Mappings, lists and plain values.
        name: Under which it stands.
        carrier: It stands among headers.
    """
    if isinstance(content, int | float) and not isinstance(content, bool):
        if is_secret_name(name, carrier):
            keep_secret(str(content))
    elif isinstance(content, str):
        if is_secret_name(name, carrier):
            keep_secret(content)
        elif "{" in content:  # a mapping that was not read as one
            keep_secrets_in_text(content)
        for value in _secrets_of_address(content):
            keep_secret(value)
    elif isinstance(content, Mapping):
        inside = is_secret_name(name, carrier)
        for key, value in content.items():
            keep_secrets_of(value, name if inside else str(key), carrier or _is_headers(name))
    elif isinstance(content, list | tuple):
        for value in content:
            keep_secrets_of(value, name, carrier)


def _is_headers(name: str) -> bool:
    return name.lower().endswith("headers")


def keep_environment() -> None:
    """Learn the secrets of the environment by the names of its variables; paths are none."""
    for name, value in os.environ.items():
        if is_secret_name(name) and value not in _values and not _is_file(value):
            keep_secret(value)
        elif "://" in value and len(value) < 2000:
            keep_secrets_of(value)


def _is_file(value: str) -> bool:
    try:
        return os.sep in value and Path(value).exists()
    except (OSError, ValueError):
        return False


def _secrets_of_address(text: str) -> Iterator[str]:
    """Yield the password in an address, or the user name that stands for it, and keys."""
    if "://" not in text:
        return
    try:
        parts = urlsplit(text)
        user, password = parts.username, parts.password
    except ValueError:
        return
    if password or user:
        yield password or user or ""
        yield unquote(password or user or "")
    for key, value in parse_qsl(parts.query):
        if is_secret_name(key, True):
            yield value


def _bare_address(text: str) -> str:
    """Return a text; of an address, with what is secret in it hidden."""
    for value in _secrets_of_address(text):
        if value in text:
            text = text.replace(value, HIDDEN)
    return text


class RedactedStream:
    """A text stream that secrets do not get through.

    Args:
        stream: Where the rest goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text without secrets."""
        self._stream.write(redact(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write lines without secrets."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Return what the stream itself has."""
        return getattr(self._stream, name)
