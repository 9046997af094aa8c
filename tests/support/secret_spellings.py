"""A key, all the ways in which servers, proxies and serializers spell it, and where it stands."""

import base64
import html
import json
from urllib.parse import quote

from harness.nouns import redaction

CANARY = "sk-Canary/7+Q'2z_é9x"
"""With what URLs, HTML, JSON and base64 write in other ways."""

HEADER = "sk-Canary+7/Q2z_49x"
"""What a header can hold."""


def forget(monkeypatch):
    """Forget all secrets, so that each test learns its own."""
    monkeypatch.setattr(redaction, "_values", {})
    monkeypatch.setattr(redaction, "_forms", [])
    monkeypatch.setattr(redaction, "_pattern", None)
    monkeypatch.setattr(redaction, "_is_odd", False)


def spellings(value):
    """Return the forms in which a value may stand somewhere, made without the code under test."""
    raw = value.encode()
    return {
        value, value.upper(), value.lower(), quote(value, safe=""), quote(value),
        json.dumps(value)[1:-1], html.escape(value), repr(value)[1:-1], raw.hex(),
        base64.b64encode(raw).decode()[:20], base64.urlsafe_b64encode(raw).decode()[:20],
        base64.b64encode(b"user:" + raw).decode()[8:26],
    }  # fmt: skip


def leaks(value, folder, *texts):
    """Return where a value stands: names of files, or the beginning of a text."""
    forms = [form.encode().lower() for form in spellings(value)]
    found = []
    for path in (p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes().lower()
        found += [f"{path.name}: {form!r}" for form in forms if form in content]
    for text in texts:
        found += [text[:200] for form in forms if form in text.encode().lower()]
    return found


def units(value):
    """Return the UTF-16 units of a text, as JSON writes them."""
    raw = value.encode("utf-16-be")
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]


ECHOES = {
    "as it is": str,
    "in capitals": str.upper,
    "as in an address": lambda value: quote(value, safe=""),
    "as base64": lambda value: base64.b64encode(value.encode()).decode(),
    "as base64 after a name": lambda value: base64.b64encode(b"user:" + value.encode()).decode(),
    "as HTML": html.escape,
    "as JSON": json.dumps,
    "as hex": lambda value: value.encode().hex(),
    "in words": lambda value: f"x{value}y" * 3,
    "each letter for an address": lambda value: "".join(f"%{b:02X}" for b in value.encode()),
    "each letter in small letters": lambda value: "".join(f"%{b:02x}" for b in value.encode()),
    "one letter for an address": lambda value: value.replace("C", "%43"),
    "twice for an address": lambda value: quote(quote(value, safe=""), safe=""),
    "thrice for an address": lambda value: quote(quote(quote(value, safe=""))),
    "each letter as JSON": lambda value: "".join(f"\\u{n:04x}" for n in units(value)),
    "one letter as JSON": lambda value: value.replace("C", "\\u0043").replace("/", "\\/"),
    "JSON in JSON": lambda value: json.dumps(
        json.dumps("".join(f"\\u{n:04X}" for n in units(value)))
    ),
    "a slash as JSON": lambda value: value.replace("/", "\\/"),
    "in braces": lambda value: "".join(f"\\u{{{ord(c):x}}}" for c in value),
    "as bytes": lambda value: "".join(f"\\x{b:02x}" for b in value.encode()),
    "as HTML by number": lambda value: "".join(f"&#{ord(c)};" for c in value),
    "as HTML in hex": lambda value: "".join(f"&#x{ord(c):X};" for c in value),
    "as HTML by long numbers": lambda value: "".join(f"&#{ord(c):07}" for c in value),
    "as HTML by name": lambda value: value.replace("+", "&plus;").replace("/", "&sol;"),
    "HTML of an address": lambda value: html.escape(quote(value, safe="")).replace("%", "&#37;"),
    "as hex with colons": lambda value: value.encode().hex(":"),
    "as hex with blanks": lambda value: value.encode().hex(" ").upper(),
    "as hex with hyphens": lambda value: value.encode().hex("-"),
    "as hex numbers": lambda value: ", ".join(f"0x{b:02x}" for b in value.encode()),
    "as numbers": lambda value: str(list(value.encode())),
    "as numbers without blanks": lambda value: json.dumps(
        {"type": "Buffer", "data": list(value.encode())}, separators=(",", ":")
    ),
    "as numbers on lines": lambda value: json.dumps(list(value.encode()), indent=4),
    "as UTF-16 for an address": lambda value: "".join(f"%u{n:04X}" for n in units(value)),
    "as Latin-1 for an address": lambda value: quote(value, safe="", encoding="latin-1"),
    "each letter of Latin-1": lambda value: "".join(f"%{b:02X}" for b in value.encode("latin-1")),
    "in octal": lambda value: "".join(f"\\{b:03o}" for b in value.encode()),
    "beyond ASCII in octal": lambda value: "".join(
        chr(b) if b < 128 else f"\\{b:o}" for b in value.encode()
    ),
    "as a list in Python": lambda value: repr([value.encode()]),
    "an address in HTML in JSON": lambda value: json.dumps(
        "".join(f"&#x{ord(c):x};" for c in quote(value, safe=""))
    ),
    "base64 in an address": lambda value: quote(
        base64.b64encode(value.encode()).decode(), safe=""
    ).replace("2", "%32"),
    "base64 as JSON": lambda value: json.dumps(
        base64.b64encode(b"user:" + value.encode()).decode()
    ).replace("s", "\\u0073"),
}
