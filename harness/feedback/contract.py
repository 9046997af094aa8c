"""The one contract of all feedback sources, and what a run hands to them."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from harness.feedback.named_files import by_content, named_files
from harness.feedback.option_problems import option_problem, unknown_options
from harness.nouns.chat_messages import ChatReply, ChatRequest
from harness.nouns.errors import PluginError
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import WorkOutcome
from harness.nouns.redaction import keep_secrets_of, shown
from harness.nouns.schema import Judgment, JudgmentRequest, Order, SourceInfo, SourceKind
from harness.nouns.thoughts import has_mark

if TYPE_CHECKING:
    from pydantic import BaseModel

    from harness.sandbox import Sandbox


class ChatClient(Protocol):
    """Talks to language models; tests pass a fake."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the reply to one request.

        Raises:
            ChatError: The call failed for good; its status says how.
            BudgetExceededError: The call could pass the run's budget.
        """
        ...

    def check(self, model: str, extra: Mapping[str, Any] | None = None) -> None:
        """Raise ConfigError when calls to this model cannot work, such as for a missing key.

        Both are as in ``ChatRequest``; of ``extra`` the ``api_base`` matters here.
        """
        ...


@runtime_checkable
class Prefetches(Protocol):
    """A chat client that can fetch many replies beforehand, cheaper than one by one."""

    async def prefetch(self, requests: Iterable[ChatRequest]) -> None:
        """Fetch replies, so that ``complete`` finds them.

        Raises:
            ChatError: They could not be fetched.
            BudgetExceededError: They could pass the run's budget.
            ConfigError: The provider offers no batches.
        """
        ...


class Workers(Protocol):
    """Runs trusted but possibly hanging functions in processes of their own."""

    async def run(
        self,
        function: str,
        batch: Sequence[tuple[Any, ...]],
        timeout_s: float,
        *,
        cpu_s: float | None = None,
        preload: str = "",
    ) -> list[WorkOutcome]:
        """Call ``function`` ("module:name") once for each tuple of arguments, in order.

        A payload that takes longer than ``timeout_s`` on the clock, or more than ``cpu_s`` of
        processor time, becomes TIMEOUT, one that raises becomes ERROR, and the others are not
        affected. ``preload`` is a function that each worker calls once before, outside the limits.
        """
        ...


TIMEOUT_S = 60.0
"""Seconds for one verification, unless the verifier or the user says otherwise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a source may use.

    Args:
        concurrency: Requests in flight at once for each source.
        timeout_s: Seconds for one verification or one call.
    """

    concurrency: int = 32
    timeout_s: float = TIMEOUT_S


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a run hands to its sources, so that tests can pass fakes."""

    chat: ChatClient
    workers: Workers
    sandbox: Sandbox
    seed: int = 0
    limits: Limits = Limits()


Shown = frozenset[tuple[str, Order, int]]
"""Presentations: (request id, order, repeat)."""


class FeedbackSource(Protocol):
    """Anything that yields judgments."""

    @property
    def info(self) -> SourceInfo:
        """Who the source is."""
        ...

    def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        """Yield zero or more judgments for each request, in any order.

        Failures are judgments too, with their own status; a request without any judgment is
        recorded as MISSING.
        """
        ...

    def check(self, ctx: RunContext) -> None:
        """Raise InputError when the source cannot work, before any work is paid for."""
        ...


@runtime_checkable
class Presents(FeedbackSource, Protocol):
    """A source that shows a request several times, such as a pair in both orders."""

    def presentations(self, request: JudgmentRequest, seed: int) -> Sequence[tuple[Order, int]]:
        """Return the (order, repeat) pairs in which it shows a request, the same for a seed."""
        ...

    def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext, skip: Shown = frozenset()
    ) -> AsyncIterator[Judgment]:
        """Yield a judgment for each presentation of each request, in any order.

        What is recorded already is in ``skip``: a resumed run asks for the others only.
        """
        ...


@runtime_checkable
class Plans(Protocol):
    """A source that knows its calls beforehand, so that their cost can be told."""

    def planned(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> Iterable[ChatRequest]:
        """Return the calls that judging some requests begins with."""
        ...


READS = ("answer", "whole")
"""What a verifier judges of a response: its answer alone, or the whole text with the thoughts."""


@runtime_checkable
class Reads(Protocol):
    """A source that judges the answers of responses, and can be told to judge whole texts."""

    def reading_whole(self) -> FeedbackSource:
        """Return the same source, judging whole texts."""
        ...


@dataclass(frozen=True)
class SourceFactory:
    """Builds a feedback source from the options of an experiment.

    Args:
        name: What experiments write under ``use:``.
        version: Version of the source's behaviour.
        kind: judge, verifier, human or reward_model.
        builder: Receives (name inside the experiment, validated options or None).
        options: pydantic model of the options, None when there are none.
        summary: One line for ``harness plugins``.
        function: The author's function, when an adapter made the factory; calling the factory
            calls it, so that a plugin is testable as the plain function it was written as.
        reads: Whether its sources take ``reads: answer`` or ``reads: whole`` beside their own
            options; see ``Reads``.
    """

    name: str
    version: str
    kind: SourceKind
    builder: Callable[[str, Any], FeedbackSource]
    options: type[BaseModel] | None = None
    summary: str = ""
    function: Callable[..., Any] | None = field(default=None, compare=False)
    reads: bool = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the author's function."""
        if self.function is None:
            raise TypeError(f"source {self.name} was not made from a function")
        return self.function(*args, **kwargs)

    def build(
        self, options: Mapping[str, Any] | None = None, name: str | None = None
    ) -> FeedbackSource:
        """Validate the options and build the source.

        The source's ``info.identity`` is set here, from this factory's name, the options with
        their defaults spelled out, and the models, so that no author needs to think of it. Of a
        file that an option names, the content counts in place of the path, and the version moves
        with it.

        Args:
            options: Raw options, as in the experiment file.
            name: Name inside the experiment; the factory's own by default.

        Raises:
            PluginError: An option is unknown, missing or of the wrong type.
        """
        name = name or self.name
        given = dict(options or {})
        reads = self._reads(given, name)
        validated = self._validated(given, name)
        spelled_out = {} if validated is None else validated.model_dump(mode="json", fallback=str)
        files = named_files(spelled_out)  # before the builder reads them: a later edit is found
        source = self.builder(name, validated)
        if reads == "whole":
            assert isinstance(source, Reads)
            source = source.reading_whole()
            spelled_out = {**spelled_out, "reads": reads}
        info, told = source.info, by_content(spelled_out, files)
        info = replace(info, identity=content_hash([self.name, told, info.models])[:24])
        if files and info.kind != "human":
            version = f"{info.version}+{content_hash(list(files.values()))[:12]}"
            paths = tuple((os.path.abspath(name), content) for name, content in files.items())
            info = replace(info, version=version, files=paths)
        return _with_info(source, info)

    def _reads(self, given: dict[str, Any], name: str) -> str:
        """Take the option ``reads`` out of those that are given, and return it."""
        if not self.reads:
            return READS[0]
        reads = given.pop("reads", None)
        if reads in READS:
            return str(reads)
        hint = "reads: answer judges a response without its thoughts, reads: whole all of its text"
        where = f"sources.{name}.options"
        if reads is not None:
            told = f"reads of source {self.name} is {shown(reads, 'reads')}, not answer or whole"
            raise PluginError(told, where=where, hint=hint)
        for option, value in given.items():
            if has_mark(str(value)):
                told = f"{option} of source {self.name} looks for a thought, and reads is not given"
                raise PluginError(told, where=where, hint=hint)
        return READS[0]

    def _validated(self, options: Mapping[str, Any] | None, name: str) -> BaseModel | None:
        if self.options is None:
            if options:
                raise PluginError(
                    f"source {self.name} takes no options, got {', '.join(sorted(options))}",
                    where=f"sources.{name}.options",
                )
            return None
        from pydantic import ValidationError

        given = dict(options or {})
        keep_secrets_of(given)
        # Checked here, because a model that does not forbid extras would ignore a typo.
        problems = unknown_options(self.options, given)
        cause: ValidationError | None = None
        try:
            validated = self.options.model_validate(given)
        except ValidationError as error:
            cause = error
            problems += [
                option_problem(e)
                for e in error.errors()
                if e["type"] != "extra_forbidden" or len(e["loc"]) > 1
            ]
        if problems:
            raise PluginError(
                f"wrong options for source {self.name}",
                where=f"sources.{name}.options",
                details=problems,
                hint=f"options: {', '.join(self.options.model_fields)}{', reads' * self.reads}",
            ) from cause
        return validated


def summary_of(function: Callable[..., Any]) -> str:
    """Return the first line of the documentation of a function, or else of its module."""
    doc = inspect.getdoc(function) or inspect.getdoc(inspect.getmodule(function)) or ""
    return doc.split("\n")[0]


def _with_info(source: FeedbackSource, info: SourceInfo) -> FeedbackSource:
    """Return a source with another info, frozen or not; where it is a property, by a subclass."""
    try:
        object.__setattr__(source, "info", info)
    except AttributeError:
        kind = type(source)
        source.__class__ = type(kind.__name__, (kind,), {"__slots__": (), "info": info})
    return source
