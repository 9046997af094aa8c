"""A source is known by what it is, not by its name: plugin, options with defaults, and models."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
from pydantic import BaseModel

from harness.plugin import (
    ChatRequest,
    Item,
    Judgment,
    JudgmentRequest,
    Response,
    RunContext,
    SourceFactory,
    SourceInfo,
    Status,
    Verdict,
    judge,
    verifier,
)
from harness.registry import registry


class Options(BaseModel):
    """Options with a default, which counts as much as one that is written out."""

    limit: int = 100
    words: list[str] = []


@verifier(name="short", version="1", options=Options)
def short(item: Item, response: Response, options: Options) -> bool:
    """Look at the length."""
    return len(response.text) < options.limit


@verifier(name="other", version="1", options=Options)
def other(item: Item, response: Response, options: Options) -> bool:
    """Look at the length too, as another plugin."""
    return len(response.text) < options.limit


class PlainSource:
    """A hand-written source with an ordinary attribute."""

    def __init__(self, name: str) -> None:
        self.info = SourceInfo(name, "1", "verifier")

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        """Judge nothing."""
        return
        yield

    def check(self, ctx: RunContext) -> None:
        """Nothing to check."""


@dataclass(frozen=True, slots=True)
class FrozenSource:
    """A hand-written source that refuses to be changed."""

    info: SourceInfo

    annotate = PlainSource.annotate  # type: ignore[assignment]

    def check(self, ctx: RunContext) -> None:
        """Nothing to check."""


class PropertySource(PlainSource):
    """A hand-written source whose info is computed."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def info(self) -> SourceInfo:  # type: ignore[override]
        """Who it is."""
        return SourceInfo(self._name, "1", "verifier")


class SlottedPropertySource:
    """The same with slots."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    info = PropertySource.info
    annotate = PlainSource.annotate  # type: ignore[assignment]
    check = PlainSource.check  # type: ignore[assignment]


def identity(factory: SourceFactory, name: str, **options: object) -> str:
    return factory.build(options, name).info.identity


def test_another_name_is_the_same_source_and_other_options_are_another() -> None:
    assert identity(short, "a") == identity(short, "b/with-slash") != ""
    assert identity(short, "a") == identity(short, "b", limit=100, words=[])
    assert identity(short, "a") == identity(short, "b", limit="100")
    assert identity(short, "a") != identity(short, "a", limit=99)
    assert identity(short, "a") != identity(other, "a")


@pytest.mark.parametrize(
    "build",
    [
        lambda name, options: PlainSource(name),
        lambda name, options: FrozenSource(SourceInfo(name, "1", "verifier")),
        lambda name, options: PropertySource(name),
        lambda name, options: SlottedPropertySource(name),
    ],
    ids=["attribute", "frozen", "property", "slots"],
)
def test_a_source_written_by_hand_has_an_identity_without_doing_anything(build: object) -> None:
    factory = SourceFactory("by_hand", "1", "verifier", build, Options)  # type: ignore[arg-type]
    first, second = factory.build({}, "x"), factory.build({}, "y")
    assert (first.info.name, second.info.name) == ("x", "y")
    assert first.info.identity == second.info.identity != ""
    assert factory.build({"limit": 1}).info.identity != first.info.identity
    assert type(first).__name__ == type(build("x", None)).__name__  # type: ignore[operator]


class Asks(BaseModel):
    """Options of a judge."""

    asks: str = "m/small"


@judge(name="asking", version="1", options=Asks, models=lambda options: [options.asks])
async def asking(request: JudgmentRequest, ctx: RunContext, options: Asks) -> Verdict:
    """Ask."""
    await ctx.chat.complete(ChatRequest(options.asks, ()))
    return Verdict(Status.OK, "A")


@judge(name="fixed", version="1", models=("m/small", "m/large"))
async def fixed(request: JudgmentRequest, ctx: RunContext) -> Verdict:
    """Ask always the same."""
    return Verdict(Status.OK, "A")


def test_a_judge_says_which_models_it_asks_as_fields() -> None:
    assert asking.build().info.models == ("m/small",)
    assert asking.build({"asks": "m/a/b"}, "named/otherwise").info.models == ("m/a/b",)
    assert fixed.build().info.models == ("m/small", "m/large")
    assert short.build().info.models == ()
    for name in ("llm_judge", "constitution"):
        factory = registry().source(name)
        one = factory.build({"model": "local/smollm2-135m-instruct"}, "any name")
        jury = factory.build({"model": ["m/a", "m/b"]}, "other/name")
        assert one.info.models == ("local/smollm2-135m-instruct",)
        assert jury.info.models == ("m/a", "m/b")
        assert one.info.identity != jury.info.identity != ""
