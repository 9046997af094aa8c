"""``harness show-prompt`` prints what a judge is sent, and sends nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.experiment.context import Asking
from harness.experiment.sources import source_by_name
from harness.experiment.stages.judge import requests_of
from harness.experiment.stages.show_prompt import ITEM, RESPONSES, planned, show_prompt
from harness.feedback.annotate import annotate
from harness.nouns.errors import ConfigError, DataError, InputError
from harness.nouns.schema import Item, Response
from harness.testing import StubServer

MODEL = {"model": "openai/m", "rubric": "helpfulness"}


@pytest.mark.parametrize(("way", "shown"), [("pointwise", 1), ("pairwise", 2), ("listwise", 3)])
def test_an_example_says_where_its_parts_stand(way: str, shown: int) -> None:
    (call, *_) = show_prompt("llm_judge", options=MODEL, way=way)  # type: ignore[arg-type]
    text = "\n".join(message["content"] for message in call.messages)
    assert ITEM.prompt in text
    assert sum(one.text in text for one in RESPONSES) == shown


def test_what_is_shown_is_what_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    items = [Item("i", "What is 2+2?")]
    responses = [Response(f"r{n}", "i", "s", text) for n, text in enumerate(("four", "five"))]
    with StubServer("Verdict: A") as server:
        options = {**MODEL, "api_base": server.base_url}
        named = source_by_name("llm_judge", options)
        requests = requests_of(named, items, responses)
        calls = planned(named, requests)
        assert server.bodies == []

        async def ask() -> None:
            async with Asking(None).open() as ctx:
                await annotate(named.source, requests, ctx)

        asyncio.run(ask())
        sent = [body["messages"] for body in server.bodies]
    assert sorted(map(json.dumps, sent)) == sorted(
        json.dumps([dict(message) for message in call.messages]) for call in calls
    )


def test_what_has_no_prompt_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="last_number is a verifier whose own code asks"):
        show_prompt("last_number")
    with pytest.raises(ConfigError, match="given together, or neither"):
        show_prompt("llm_judge", [Item("i", "Q")], options=MODEL)
    with pytest.raises(DataError, match="nothing to judge pairwise"):
        show_prompt("llm_judge", [Item("i", "Q")], [Response("r", "i", "s", "x")], MODEL)
    with pytest.raises(InputError):
        show_prompt("llm_jugde")


def test_the_command_prints_every_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)  # no key is needed
    if not app.registered_commands:
        register()
    said = ["show-prompt", "--source", "llm_judge"]
    said += [part for key, value in MODEL.items() for part in ("--option", f"{key}={value}")]
    done = CliRunner().invoke(app, said)
    assert done.exit_code == 0, done.exception
    assert "to openai/m: temperature 0" in done.output
    assert "(the prompt of an item)" in done.output
    assert done.output.splitlines()[-1] == "--- 1 of 2 calls; nothing was sent"
