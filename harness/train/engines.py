"""Which engine samples for a training: its settings, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import model_validator

from harness.nouns.errors import ConfigError, EngineError
from harness.nouns.hashing import content_hash
from harness.policy.engines import InProcess, RolloutEngine, copied_draws, foreign_draws
from harness.train.ranks import of_all, ranks
from harness.train.settings import NotNegative, Positive, SamplingSettings

if TYPE_CHECKING:
    from torch import Tensor

    from harness.policy.sampling import Rollout


class EngineSettings(SamplingSettings):
    """What samples.

    Attributes:
        engine: "in_process", the policy itself; "continuous_batching", transformers' engine on the
            same weights, in one process; or "server", one that speaks OpenAI's completions with
            token ids and log-probabilities, as vLLM does, and loads the weights of each step.
        server_url: Address of the server, such as http://localhost:8000.
        server_timeout: Seconds that it has for one answer.
        weights_folder: Where weights are written for the server, which must see it under the same
            path; by default the folder ``weights`` beside the log. One in memory saves time.
    """

    elsewhere: ClassVar[frozenset[str]] = SamplingSettings.elsewhere | {
        "server_url",
        "server_timeout",
        "weights_folder",
    }

    engine: Literal["in_process", "continuous_batching", "server"] = "in_process"
    server_url: str = ""
    server_timeout: Positive = 600.0
    weights_folder: str = ""

    @model_validator(mode="after")
    def _with_its_server(self) -> EngineSettings:
        if self.engine == "server" and not self.server_url:
            raise ValueError("server_url: engine: server needs the address of one")
        if self.server_url and not _is_address(self.server_url):
            raise ValueError(
                f"server_url: {self.server_url!r} is no address such as http://localhost:8000"
            )
        if self.engine != "server" and (self.server_url or self.weights_folder):
            raise ValueError(f"server_url and weights_folder: engine: {self.engine} has no server")
        if self.engine != "server" and self.server_timeout != 600:
            raise ValueError(f"server_timeout: engine: {self.engine} has no server")
        return self


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


class CorrectedSettings(EngineSettings):
    """What samples for updates.

    Attributes:
        importance_sampling_clip_max: With another engine than the policy itself, the loss of a
            token is weighted by how much likelier the policy in training makes it than the engine
            did, and at most by this (truncated importance sampling); 0 weights nothing.
    """

    importance_sampling_clip_max: NotNegative = 3.0

    @model_validator(mode="after")
    def _with_another_engine(self) -> CorrectedSettings:
        if self.engine == "in_process" and self.importance_sampling_clip_max != 3:
            raise ValueError(
                "importance_sampling_clip_max: would do nothing: the policy itself samples with"
                " engine: in_process"
            )
        return self


def make_engine(
    settings: EngineSettings,
    out: Path,
    main: bool = True,
    wait: Callable[[], None] = lambda: None,
) -> RolloutEngine:
    """Return the engine that the settings name.

    Args:
        settings: Of the training.
        out: Its folder.
        main: Whether this process gives a server the weights.
        wait: Returns when all ranks have called it.

    Raises:
        ConfigError: The engine is for one process, and there are several.
    """
    if settings.engine == "server":
        from harness.policy.completions_api import CompletionsServer
        from harness.policy.server_engine import ServerEngine

        server = CompletionsServer(settings.server_url, settings.server_timeout)
        folder = out / "weights"
        if settings.weights_folder:  # which other trainings may share
            folder = Path(settings.weights_folder) / content_hash(str(out.absolute()))[:16]
        return ServerEngine(server, folder, main, wait)
    if settings.engine == "continuous_batching":
        from harness.policy.continuous import ContinuousBatching

        if ranks() > 1:
            raise ConfigError(
                "engine: continuous_batching is for one process",
                hint="in_process and server are for several",
            )
        return ContinuousBatching()
    return InProcess()


def check_drawn(
    settings: EngineSettings, rollout: Rollout | None, logprobs: Tensor | None, each: int = 1
) -> None:
    """See that another engine drew all of a rollout from the policy; all ranks call this together.

    Args:
        settings: Of the training.
        rollout: What the engine drew for this rank; None where it asked for nothing.
        logprobs: (n, C) that the policy gives the tokens at the temperature, in nats.
        each: Completions of a prompt, which stand next to each other.

    Raises:
        EngineError: On some rank it did not, or it copied completions.
    """
    told = copied = ""
    if rollout is not None and logprobs is not None:
        told = foreign_draws(rollout, logprobs, settings.temperature)
        copied = copied_draws(rollout, logprobs, each) if settings.temperature else ""
    if told := next(filter(None, of_all(told)), ""):
        raise EngineError(
            f"{told}: it serves another model or other weights, or bends what it draws from",
            where=settings.server_url or f"engine: {settings.engine}",
            hint="serve the model that is trained (an adapter's base, if it is one), its newest"
            " weights on every replica behind the address",
        )
    if copied := next(filter(None, of_all(copied)), ""):
        raise EngineError(
            f"{copied}: it answers with copies, so that a group has nothing to compare",
            where=settings.server_url or f"engine: {settings.engine}",
            hint="let it draw each of the n choices of a request by itself, and at the temperature"
            " that it is sent",
        )
