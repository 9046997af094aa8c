"""Words of a source's own in ``harness plugins``, and lines about models said once in a run."""

from __future__ import annotations

import asyncio
import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from harness.cli import plugins
from harness.experiment.context import Asking
from harness.nouns.chat_messages import ChatRequest
from harness.registry import load
from harness.testing import StubServer

MODULE = '''"""Verifier: a haiku has three lines."""
from harness.plugin import hookimpl, verifier

@verifier(name="haiku", version="1")
def haiku(item, response): {first}

@verifier(name="hang", version="1")
def hang(item, response): {second}

@hookimpl
def harness_feedback_sources(): return [{offered}]
'''
DOC, BARE = "'''Its own words.'''", "return True"
MODULES = "Verifier: a haiku has three lines."


@pytest.mark.parametrize(
    ("first", "second", "offered", "summaries"),
    [
        (BARE, BARE, "haiku", {"haiku": MODULES}),
        (DOC, BARE, "haiku", {"haiku": "Its own words."}),
        (BARE, BARE, "haiku, hang", {"haiku": "", "hang": ""}),
        (DOC, BARE, "haiku, hang", {"haiku": "Its own words.", "hang": ""}),
        (BARE, DOC, "haiku, hang", {"haiku": "", "hang": "Its own words."}),
        (DOC, DOC, "haiku, hang", {"haiku": "Its own words.", "hang": "Its own words."}),
    ],
)
def test_of_several_sources_none_has_the_words_of_the_module(
    first: str, second: str, offered: str, summaries: dict[str, str],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    text = MODULE.format(first=first, second=second, offered=offered)
    name = f"own_words_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = load([EntryPoint("mine", name, "harness")])
    monkeypatch.setattr("harness.registry.registry", lambda: found)
    plugins.command(None, True)
    listed = {row["name"]: row["summary"] for row in json.loads(capsys.readouterr().out)["sources"]}
    assert listed == summaries
    plugins.command(None, False)
    shown = capsys.readouterr().out
    assert shown.count("no description") == list(summaries.values()).count("")
    for one, summary in summaries.items():
        plugins.command(one, False)
        assert (summary or "no description") in capsys.readouterr().out


def test_what_a_plugin_prints_does_not_stand_in_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = MODULE.format(first=DOC, second=DOC, offered="print('in the hook') or haiku")
    (tmp_path / "prints_much.py").write_text(text + "print('at import')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = load([EntryPoint("mine", "prints_much", "harness")])
    monkeypatch.setattr("harness.registry.registry", lambda: found)
    plugins.command(None, True)
    said = capsys.readouterr()
    assert [row["name"] for row in json.loads(said.out)["sources"]] == ["haiku"]
    assert "at import" in said.err and "in the hook" in said.err


def thinks(body: dict) -> object:  # type: ignore[type-arg]
    if body["max_tokens"] < 100:
        return {"finish_reason": "length", "message": {"content": "", "reasoning": "hm"}}
    return {"message": {"content": "Verdict: A", "reasoning": "hm"}}


def test_what_is_learnt_of_a_model_is_said_once_in_all_steps_of_a_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def steps(asking: Asking, server: StubServer, *texts: str) -> int:
        async def step(text: str) -> None:
            async with asking.open() as ctx:
                message = {"role": "user", "content": text}
                extra = {"api_base": server.base_url}
                await ctx.chat.complete(
                    ChatRequest("hosted_vllm/m", (message,), max_tokens=16, extra=extra)
                )

        for text in texts:
            asyncio.run(step(text))
        return capsys.readouterr().err.count("it thinks")

    with StubServer(thinks) as server:
        asking = Asking(None, processes=1)
        assert steps(asking, server, "one", "two") == 1
        assert steps(asking, server, "three") == 0
        assert steps(Asking(None, processes=1), server, "four") == 1  # another run says it anew
