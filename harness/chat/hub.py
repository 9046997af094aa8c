"""The hub of models: whether it answers, and what it has under a name."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import threading
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

LONGEST_S = 5.0
"""Seconds in which a hub that can be reached lets itself be heard."""


def revision(hub_id: str) -> str | None:
    """Return the commit of a hub id that would be loaded now, None where there is none.

    The newest one, or while the hub cannot be reached the one that was loaded last.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError

    for name in ("config.json", "adapter_config.json"):
        try:
            # A downloaded file lies in a folder that is called by the commit.
            kept = hf_hub_download(hub_id, name, local_files_only=not answers())
            return Path(kept).parent.name
        except (OSError, HFValidationError):  # no such model or no such file of it
            continue
    return None


def answers() -> bool:
    """Tell whether the hub can be reached: without a network its library tries for minutes."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return False
    from huggingface_hub import constants

    return not constants.HF_HUB_OFFLINE and _answers(str(constants.ENDPOINT))


@lru_cache(maxsize=8)
def _answers(address: str) -> bool:
    parts = urlsplit(address)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    place = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
    heard = threading.Event()

    def knock() -> None:
        with contextlib.suppress(OSError), socket.create_connection(place, LONGEST_S):
            heard.set()

    # A name server that is silent blocks beyond any limit of the socket's.
    knocking = threading.Thread(target=knock, daemon=True)
    knocking.start()
    knocking.join(LONGEST_S)
    return heard.is_set()
