"""docs/plugins.md lists every source that comes with the harness."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.chat import Client
from harness.feedback.annotate import annotate
from harness.feedback.requests import criterion_for
from harness.nouns.schema import Judgment
from harness.plugin import read_pair, read_ranking, read_score
from harness.registry import registry
from harness.testing import FakeChat, StubServer, check_source, fake_context, sample_requests


def test_every_source_is_listed_with_its_kind(repo_root: Path) -> None:
    text = (repo_root / "docs" / "plugins.md").read_text(encoding="utf-8")
    table = text.partition("## Sources that come with the harness")[2].partition("\n## ")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| (\w+)", table, re.M))
    found = registry()
    ours = {
        name: factory.kind
        for name, factory in found.sources.items()
        if found.origins[name].distribution == "feedback-harness"
    }
    assert listed == ours


def test_the_rating_judge_of_the_page_keeps_the_contract_and_rates(
    repo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (repo_root / "docs" / "plugins.md").read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", text, re.S) if "rating" in b]
    (tmp_path / "rating_of_the_page.py").write_text(block, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    rating = importlib.import_module("rating_of_the_page").rating
    check_source(rating, ctx=fake_context(FakeChat("Rating: 4")))
    with StubServer("It is short. Rating: 4") as server:
        source = rating.build({"api_base": server.base_url})
        requests = [
            replace(request, criterion=criterion_for(source.info))
            for request in sample_requests("pointwise")
        ]

        async def go() -> list[Judgment]:
            async with Client(None) as chat:
                source.check(fake_context(chat))
                return await annotate(source, requests, fake_context(chat))

        rows = asyncio.run(go())
        assert {row.verdict.value for row in rows} == {"4"} and len(server.bodies) == len(rows)


def test_the_readers_have_the_arguments_that_the_page_names(repo_root: Path) -> None:
    text = (repo_root / "docs" / "judges.md").read_text(encoding="utf-8")
    for reader in (read_pair, read_score, read_ranking):
        arguments = [
            str(one.replace(annotation=one.empty)).replace("''", '""').replace(" = ", "=")
            for one in inspect.signature(reader).parameters.values()
        ]
        assert f"`{reader.__name__}({', '.join(arguments)})`" in text
