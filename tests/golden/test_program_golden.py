"""Golden replies with programs: each has the verdict that its program deserves."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.python_code import python_code

from harness.feedback.contract import RunContext
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response
from harness.sandbox import Sandbox

FOLDER = Path(__file__).parent / "programs"
TABLE, OPEN = (
    tomllib.loads((FOLDER / name).read_text("utf-8")) for name in ("replies.toml", "open_code.toml")
)
ROWS = TABLE["reply"] + OPEN["reply"]
REPLIES = {row["name"]: row for row in ROWS}


def text_of(row: dict[str, Any]) -> str:
    text = row["text"].replace("\n", "\r\n") if row.get("crlf") else row["text"]
    return "\ufeff" + text if row.get("bom") else text


@pytest.fixture(scope="module")
def judged() -> dict[str, Judgment]:
    """Every reply, judged in one run."""
    criterion = Criterion("correct", "is correct", BINARY)
    requests = [
        JudgmentRequest(
            name,
            Item(name, "", TABLE["items"][row["tests"]]),
            (Response(name, name, "s", text_of(row)),),
            criterion,
        )
        for name, row in REPLIES.items()
    ]

    async def run() -> list[Judgment]:
        with Sandbox(1) as sandbox:
            ctx = RunContext(None, None, sandbox)  # type: ignore[arg-type]
            return [j async for j in python_code.build().annotate(requests, ctx)]

    return {judgment.request_id: judgment for judgment in asyncio.run(run())}


def test_no_name_stands_for_two_replies() -> None:
    assert len(REPLIES) == len(ROWS) >= 100


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_has_the_verdict_of_its_program(name: str, judged: dict[str, Judgment]) -> None:
    verdict = judged[name].verdict
    found = (verdict.status, verdict.value)
    assert found == (Status.OK, REPLIES[name].get("value", True)), verdict.rationale
