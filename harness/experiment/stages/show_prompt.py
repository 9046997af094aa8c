"""Show the prompts of a judge: what it is sent for some requests, without sending anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.experiment.context import Asking
from harness.experiment.sources import NamedSource, source_by_name
from harness.experiment.stages.judge import requests_of
from harness.feedback.contract import Plans
from harness.nouns.chat_messages import ChatRequest
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.schema import Item, JudgmentRequest, Response, Way
from harness.records.rows import ItemsOrFile, ResponsesOrFile, items_of, responses_of
from harness.scale_out.loop_thread import run_to_end

ITEM = Item("example", "(the prompt of an item)", "(its reference)")
RESPONSES = tuple(
    Response(f"example.{n}", ITEM.id, "example", f"(the {name} response)")
    for n, name in enumerate(("first", "second", "third"))
)


def show_prompt(
    source: str,
    items: ItemsOrFile | None = None,
    responses: ResponsesOrFile | None = None,
    options: Mapping[str, Any] | None = None,
    way: Way | None = None,
) -> list[ChatRequest]:
    """Return the calls that judging begins with; nothing is asked, and no key is needed.

    Args:
        source: Name of the plugin's source.
        items: What was asked; by default one that says where its parts stand.
        responses: What is judged, given together with the items.
        options: Of the source.
        way: pointwise, pairwise or listwise; by default what the source can do, pairs first.

    Raises:
        PluginError: There is no such source, or its options are wrong.
        ConfigError: It is no judge whose prompts are known before it is asked, or items are given
            without responses.
        DataError: A table cannot be read, or there is nothing to judge.
    """
    named = source_by_name(source, options, way)
    if (items is None) != (responses is None):
        raise ConfigError("items and responses are given together, or neither")
    asked = [ITEM] if items is None else items_of(items)
    given = list(RESPONSES) if responses is None else responses_of(responses, asked)
    requests = requests_of(named, asked, given)
    if not requests:
        raise DataError(
            f"there is nothing to judge {named.way} in these responses",
            hint="pairs are two different responses to an item, lists three or more",
        )
    return planned(named, requests)


def planned(named: NamedSource, requests: list[JudgmentRequest]) -> list[ChatRequest]:
    """Return the calls that a source begins with.

    Raises:
        ConfigError: It does not know them before.
    """
    source = named.source
    if not isinstance(source, Plans):
        raise ConfigError(
            f"source {named.name} is a {named.info.kind} whose own code asks, so nobody knows its"
            " prompts before",
            hint="llm_judge, a jury of it and judges by a rubric or constitution have prompts",
        )

    async def calls() -> list[ChatRequest]:
        async with Asking(None, processes=1).open() as ctx:
            return list(source.planned(requests, ctx))

    return run_to_end(calls())
