"""One hash of content, whatever its layout."""

from __future__ import annotations

import hashlib
import json


def content_hash(content: object) -> str:
    """Return the SHA-256 of content as canonical JSON, so that layout and comments do not count."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
