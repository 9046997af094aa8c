"""Addresses and headers that no request can be sent with are refused before the first one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from harness.nouns.errors import ConfigError
from harness.nouns.redaction import shown

_ADDRESSES = ("api_base", "base_url")
_HEADERS = ("extra_headers", "headers")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_settings(model: str, extra: Mapping[str, Any]) -> None:
    """Refuse what no request to a model can be sent with.

    Raises:
        ConfigError: An address that is none, or a header that HTTP cannot carry.
    """
    provider = model.partition("/")[0].upper()
    for name in _ADDRESSES:
        if extra.get(name) is not None:
            _check_address(extra[name], name)
    for name in (f"{provider}_API_BASE", f"{provider}_BASE_URL"):
        if os.environ.get(name):
            _check_address(os.environ[name], name)
    for name in _HEADERS:
        headers = extra.get(name)
        if headers is None:
            continue
        if not isinstance(headers, Mapping):
            raise ConfigError(f"{name} must map names to texts", hint="such as {X-Team: blue}")
        for header, value in headers.items():
            _check_header(header, value, name)
    keys = {"api_key": extra.get("api_key"), f"{provider}_API_KEY": None}
    for name, given in keys.items():
        key = os.environ.get(name) if given is None else given
        if key is not None and not (isinstance(key, str) and _is_clean(key)):
            raise ConfigError(
                f"{name} cannot be sent: {_fault(key)}",
                hint="a key is one line of text; a file that it was read from may end in a newline",
            )


def _check_address(address: Any, name: str) -> None:
    told = shown(address, name, 200)
    hint = "an address looks like http://host:8000/v1"
    if not isinstance(address, str) or not _is_clean(address) or " " in address.strip():
        raise ConfigError(f"{name} is no address: {told}", hint=hint)
    try:
        parts = urlsplit(address.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        # Its message may quote a part of the address.
        reason = "its port is none" if "ort" in str(error) else "its host is none"
        raise ConfigError(f"{name} is no address: {told}: {reason}", hint=hint) from None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"{name} is no address of a web server: {told}", hint=hint)


def _check_header(header: Any, value: Any, name: str) -> None:
    if not isinstance(header, str) or not _NAME.fullmatch(header):
        raise ConfigError(
            f"{name} has a name that no header can have: {shown(header, most=80)}",
            hint="names of headers are letters, digits and -",
        )
    if not isinstance(value, str) or not _is_clean(value):
        raise ConfigError(
            f"the header {header} in {name} cannot be sent: {_fault(value)}",
            hint="write its value as text on one line, in quotes",
        )


def _is_clean(text: str) -> bool:
    """Tell whether a text has no control characters and no halves of characters."""
    return not any((c < " " and c != "\t") or "\x7f" <= c < "\xa0" for c in text) and _is_utf8(text)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fault(value: Any) -> str:
    """Return why a value cannot be sent, without the value, which may be a secret."""
    if not isinstance(value, str):
        return f"its value is no text but a {type(value).__name__}"
    return "its value has control characters, such as the end of a line"
