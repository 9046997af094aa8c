"""What the files that options name say is part of a source; where they lie is not."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness.evaluate.held_out import shares
from harness.feedback.annotate import annotate
from harness.feedback.contract import FeedbackSource
from harness.feedback.requests import build_requests
from harness.nouns.errors import InputError
from harness.plugin import (
    BINARY,
    Item,
    Judgment,
    JudgmentRequest,
    Response,
    RunContext,
    SourceFactory,
    SourceInfo,
    Status,
    Verdict,
)
from harness.records.journal import Journal
from harness.registry import registry
from harness.testing import check_source, fake_context
from harness.train.reward_function import SourceReward

ITEM = Item("i", "capital?", reference="France")
FIRST, SECOND = (
    build_requests([ITEM], [Response(f"r{n}", "i", "s", "Paris")], "pointwise")[0] for n in (1, 2)
)
PARIS, LYON = "key,answer,aliases\nFrance,Paris,\n", "key,answer,aliases\nFrance,Lyon,\n"


def knows(file: Any, name: str = "knowledge_base") -> FeedbackSource:
    return registry().source("knowledge_base").build({"file": str(file)}, name)


def runs(*command: Any) -> FeedbackSource:
    options = {"command": list(map(str, command)), "unsandboxed": True}
    return registry().source("command").build(options)


@pytest.fixture
def facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "facts.csv"
    path.write_text(PARIS)
    return path


def test_a_copy_a_link_and_another_spelling_are_the_same_file(facts: Path) -> None:
    (facts.parent / "sub").mkdir()
    shutil.copy(facts, "sub/copy.csv")
    os.symlink(facts, "link.csv")
    shutil.copy(facts, "bare")
    one = knows("facts.csv").info
    for same in ("./facts.csv", facts, "sub/../facts.csv", "sub/copy.csv", "link.csv", "bare"):
        assert shares(knows(same, "other").info, one), same
        assert knows(same).info.version == one.version, same
    (facts.parent / "sub" / "copy.csv").write_text(LYON)
    assert not shares(knows("sub/copy.csv", "other").info, one)


@pytest.mark.parametrize(
    "command",
    [
        lambda script: (script,),
        lambda script: ("sh", script, "{file}"),
        lambda script: ("sh", "-c", f"exec '{script}' {{file}}"),
        lambda script: ("check", f"--rules={script}"),
    ],
)
def test_the_content_of_a_script_moves_identity_version_and_reward(
    tmp_path: Path, command: Any
) -> None:
    script, copy = tmp_path / "check.sh", tmp_path / "copy.sh"
    script.write_text("exit 0")
    shutil.copy(script, copy)
    before = runs(*command(script))
    assert runs(*command(copy)).info.identity == before.info.identity
    assert runs(*command(copy)).info.version == before.info.version
    script.write_text("exit 1")
    after = runs(*command(script))
    assert after.info.identity != before.info.identity
    assert after.info.version != before.info.version
    one, other = (SourceReward(source, fake_context()).identity for source in (before, after))
    assert one != other


def test_a_bare_word_is_a_name(facts: Path) -> None:
    judge = registry().source("llm_judge")
    before = judge.build({"model": "openai/m"}).info
    Path("helpfulness").write_text("x")
    Path("openai").mkdir()
    assert judge.build({"model": "openai/m"}).info == before
    assert before.files == ()


def ask(source: FeedbackSource, journal: Journal, *requests: Any) -> Sequence[Judgment]:
    return asyncio.run(annotate(source, requests, fake_context(), journal))


def test_a_file_that_is_edited_during_a_run_stops_it_and_leaves_no_verdict(facts: Path) -> None:
    with Journal(facts.parent / "journal.sqlite") as journal:
        source = knows(facts)
        assert ask(source, journal, FIRST)[0].verdict.value is True
        facts.write_text(LYON)
        with pytest.raises(InputError, match="source knowledge_base changed during the run") as e:
            ask(source, journal, FIRST, SECOND)
        assert e.value.where == str(facts)
        facts.write_text(PARIS)
        again = [judgment.verdict.value for judgment in ask(knows(facts), journal, FIRST, SECOND)]
        assert again == [True, True]
        facts.write_text(LYON)
        again = [judgment.verdict.value for judgment in ask(knows(facts), journal, FIRST, SECOND)]
        assert again == [False, False]


@pytest.mark.parametrize("restored", [False, True])
def test_an_edit_between_two_verdicts_is_found(facts: Path, restored: bool) -> None:
    judged: list[Judgment] = []

    def edit(judgment: Judgment, is_new: bool) -> None:
        judged.append(judgment)
        facts.write_text(LYON + "\n")
        if restored:
            facts.unlink()
            os.utime(shutil.copy(facts.parent / "other.csv", facts), ns=(1, 1))

    shutil.copy(facts, facts.parent / "other.csv")
    with Journal(facts.parent / "journal.sqlite") as journal:
        source, ctx = knows(facts), fake_context()
        with pytest.raises(InputError, match="which was written"):
            asyncio.run(annotate(source, [FIRST, SECOND], ctx, journal, on_judgment=edit))
        assert len(judged) == len(journal.judgments("", "knowledge_base")) == 1


class Looks(BaseModel):
    """Options of a source written by hand."""

    file: str


class Plain:
    """A source written by hand that knows its own version only."""

    def __init__(self, name: str, options: Looks) -> None:
        self.info, self.asked = SourceInfo(name, "1", "verifier", BINARY), 0

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        """Say yes."""
        for request in requests:
            self.asked += 1
            yield Judgment(request.id, self.info.name, "1", "me", Verdict(Status.OK, True))

    def check(self, ctx: RunContext) -> None:
        """Nothing to check."""


def test_a_source_that_writes_its_own_version_is_not_asked_twice(facts: Path) -> None:
    factory = SourceFactory("plain", "1", "verifier", Plain, Looks, "Says yes")
    check_source(factory, {"file": str(facts)})
    with Journal(facts.parent / "journal.sqlite") as journal:
        for text, asked in ((PARIS, 1), (PARIS, 0), (LYON, 1)):
            facts.write_text(text)
            source: Any = factory.build({"file": str(facts)})
            (judgment,) = ask(source, journal, FIRST)
            assert judgment.source_version == source.info.version != "1"
            assert source.asked == asked


def test_labels_of_people_may_grow_while_they_are_read(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("item,response,annotator,label\ni,r1,ann,1\n")
    human = registry().source("human_csv")
    options = {
        "file": str(table), "item": "item", "response": "response", "annotator": "annotator",
        "label": "label",
    }  # fmt: skip
    source = human.build(options)
    assert source.info.files == ()
    table.write_text(table.read_text() + "i,r2,ann,1\n")
    asyncio.run(annotate(source, [FIRST], fake_context()))
