"""Fakes for tests of plugins: a chat client that answers from a script, workers in this process."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.feedback.contract import Limits, RunContext
from harness.nouns.chat_messages import ChatReply, ChatRequest, Tokens
from harness.nouns.errors import ChatError, ConfigError
from harness.nouns.outcomes import Status, WorkOutcome
from harness.nouns.raised import raised
from harness.nouns.thoughts import parted

Answer = str | ChatReply | Exception
"""What a fake says: a text, a whole reply, or an exception to raise."""


@dataclass(slots=True)
class FakeChat:
    """A ``ChatClient`` without a model.

    Args:
        answer: What it says: one answer for all, a sequence that is gone through round and round,
            or a function of the request.
        missing: Models that ``check`` refuses.
        requests: What it was asked, in order.
    """

    answer: Answer | Sequence[Answer] | Callable[[ChatRequest], Answer] = "Verdict: A"
    missing: tuple[str, ...] = ()
    requests: list[ChatRequest] = field(default_factory=list)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer a request."""
        turn = len(self.requests)
        self.requests.append(request)
        answer: Any = self.answer
        if callable(answer):
            answer = answer(request)
        elif not isinstance(answer, str | ChatReply | Exception):
            answer = answer[turn % len(answer)]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, ChatReply):
            return answer
        said = parted(str(answer))
        if said.unfinished:
            raise ChatError(Status.UNPARSEABLE, "the fake ends inside its thought")
        reply = ChatReply(said.answer, model_version="fake", tokens=Tokens(10, 5))
        return replace(reply, thoughts=said.thoughts)

    def check(self, model: str, extra: Mapping[str, Any] | None = None) -> None:
        """Refuse the models that are to be missing."""
        if model in self.missing:
            raise ConfigError(f"{model} is missing, as the test asked")


def failing_chat(status: Status = Status.TIMEOUT) -> FakeChat:
    """Return a chat client whose every call fails."""
    return FakeChat(ChatError(status, "the fake fails every call"))


class InlineWorkers:
    """Calls functions in this process, without time limits: for tests only."""

    async def run(
        self,
        function: str,
        batch: Sequence[tuple[Any, ...]],
        timeout_s: float,
        *,
        cpu_s: float | None = None,
        preload: str = "",
    ) -> list[WorkOutcome]:
        """Call a function once for each tuple of arguments; an exception becomes ERROR."""
        module, _, name = function.partition(":")
        call = getattr(importlib.import_module(module), name)
        call = getattr(call, "function", None) or call
        outcomes = []
        for arguments in batch:
            try:
                outcomes.append(WorkOutcome(Status.OK, call(*arguments)))
            except Exception as error:  # the function may raise anything
                outcomes.append(WorkOutcome(Status.ERROR, reason=raised(error)))
        return outcomes


class DefaultWorkers(InlineWorkers):
    """Those of a context for which nobody chose any; ``check_source`` takes processes instead."""


def fake_context(
    chat: Any = None, *, workers: Any = None, sandbox: Any = None, seed: int = 0
) -> RunContext:
    """Return a context for tests.

    Args:
        chat: By default a ``FakeChat`` that always prefers A.
        workers: By default ``InlineWorkers``, in whose place ``check_source`` has processes with
            hard limits, as a run has.
        sandbox: None unless a source under test runs untrusted code.
        seed: Of the run.
    """
    return RunContext(
        chat=chat if chat is not None else FakeChat(),
        workers=workers if workers is not None else DefaultWorkers(),
        sandbox=sandbox,
        seed=seed,
        limits=Limits(concurrency=8, timeout_s=30.0),
    )
