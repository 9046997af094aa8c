"""What tests of plugins use: fakes, a conformance kit, samples, a stub server."""

from harness.testing.conformance import ConformanceError, check_source
from harness.testing.fakes import FakeChat, InlineWorkers, failing_chat, fake_context
from harness.testing.policy_server import PolicyServer
from harness.testing.samples import sample_requests
from harness.testing.stub import StubServer

__all__ = [
    "ConformanceError",
    "FakeChat",
    "InlineWorkers",
    "PolicyServer",
    "StubServer",
    "check_source",
    "failing_chat",
    "fake_context",
    "sample_requests",
]
