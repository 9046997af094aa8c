"""A policy behind a server, as an engine of a training."""

from __future__ import annotations

from pathlib import Path

from harness.policy.server_engine import ServerEngine
from harness.testing import PolicyServer
from harness.train.engines import make_engine
from harness.train.ppo_settings import PpoSettings

PROMPTS = ["What is 3+4?", "What is 12+5? Now.", "Hi"]


def engine_of(server: PolicyServer, folder: Path) -> ServerEngine:
    settings = PpoSettings(engine="server", server_url=server.url + "/v1/")
    engine = make_engine(settings, folder)
    assert isinstance(engine, ServerEngine)
    return engine
