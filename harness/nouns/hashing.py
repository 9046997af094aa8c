"""One hash of content, whatever its layout; and seeds that are hashes."""

from __future__ import annotations

import hashlib
import json

MAX_SEED = 2**32 - 1
"""The largest seed that every library takes; the smallest is 0."""


def content_hash(content: object) -> str:
    """Return the SHA-256 of content as canonical JSON, so that layout and comments do not count."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(_bytes(text)).hexdigest()


def seed_of(text: str, bits: int) -> int:
    """Return a seed of so many bits (64 at most), the same for the same text everywhere."""
    return int.from_bytes(hashlib.sha256(_bytes(text)).digest()[:8], "big") >> (64 - bits)


def _bytes(text: str) -> bytes:
    # A program may hand over half of a surrogate pair, which has no UTF-8.
    return text.encode("utf-8", "surrogatepass")
