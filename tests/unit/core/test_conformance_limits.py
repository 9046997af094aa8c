"""The conformance kit runs a source as a run does: what ends, hangs or says nothing is a breach."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.nouns.outcomes import Status
from harness.plugin import Item, JudgmentRequest, Response, RunContext, Verdict, judge, verifier
from harness.testing import (
    ConformanceError,
    FakeChat,
    InlineWorkers,
    check_source,
    fake_context,
    sample_requests,
)

SLOW = pytest.mark.slow  # those that start more processes, and say what others say

FUNCTIONS = '''
"""Verifiers with faults."""
import os, sys, time
from harness.plugin import verifier

def made(function):
    function.__doc__ = "Has a fault."
    limit = {"hangs": 0.2, "sleeps": 0.2}.get(function.__name__)
    return verifier(name=function.__name__, version="1", timeout_s=limit)(function)

@made
def ends(item, response): os._exit(3)
@made
def kills(item, response): os.kill(os.getpid(), 9)
@made
def leaves(item, response): sys.exit(4)
@made
def hangs(item, response):
    while True: pass
@made
def sleeps(item, response): time.sleep(1000)
@made
def raises(item, response): return response.txt
@made
def abstains(item, response): return None
@made
def prints(item, response):
    print("{}" * 10000)
    os.write(1, b"raw")
    return True
@made
def remembers(item, response):
    return "test_conformance_limits" not in sys.modules
'''


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("faults")
    (folder / "verifiers_with_faults.py").write_text(FUNCTIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        import verifiers_with_faults  # type: ignore[import-not-found]

        yield verifiers_with_faults


@pytest.mark.parametrize(
    ("name", "breach"),
    [
        ("ends", "every judgment is an error, 3 of 3 times: its worker process ended with exit"),
        pytest.param(
            "kills",
            "every judgment is an error, 3 of 3 times: its worker process ended by signal 9",
            marks=SLOW,
        ),
        pytest.param(
            "leaves", "every judgment is an error, 3 of 3 times: SystemExit: 4", marks=SLOW
        ),
        ("hangs", "every judgment is a timeout, 3 of 3 times: took longer than 0.2 s"),
        pytest.param(
            "sleeps",
            "every judgment is a timeout, 3 of 3 times: took longer than 0.2 s",
            marks=SLOW,
        ),
        pytest.param(
            "raises",
            "every judgment is an error, 3 of 3 times: AttributeError: 'Response' object",
            marks=SLOW,
        ),
        pytest.param(
            "abstains",
            "nothing was tested, for it gave no verdict: 3 abstained, cannot be checked",
            marks=SLOW,
        ),
        ("prints", ""),
        pytest.param("remembers", "", marks=SLOW),
    ],
)
def test_a_verifier_runs_in_a_process_with_a_limit(
    sources: Any, name: str, breach: str, capfd: pytest.CaptureFixture[str]
) -> None:
    factory = getattr(sources, name)
    if not breach:
        assert all(row.verdict.value is True for row in check_source(factory))
        assert capfd.readouterr().out == ""
        return
    with pytest.raises(ConformanceError) as found:
        check_source(factory)
    assert breach in found.value.breaches[0]


def test_workers_of_ones_own_choice_stay(sources: Any) -> None:
    (row, *_) = check_source(sources.prints, ctx=fake_context(workers=InlineWorkers()))
    assert row.verdict.value is True


SCRIPT = '''
import os
from harness.plugin import verifier
from harness.testing import ConformanceError, check_source, fake_context

@verifier(name="mine", version="1", timeout_s=0.2)
def mine(item, response):
    """Mine."""
    {body}

try:
    print([row.verdict.value for row in check_source(mine)])
except ConformanceError as error:
    print(error.breaches[0])
'''


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("print('x'); return True", "[True, True, True]", marks=SLOW),
        ("os._exit(3)", "3 of 3 times: its worker process ended with exit code 3"),
        pytest.param("while True: pass", "3 of 3 times: took longer than 0.2 s", marks=SLOW),
        pytest.param("raise KeyError('gold')", "3 of 3 times: KeyError: 'gold'", marks=SLOW),
        pytest.param("return None", "nothing was tested", marks=SLOW),
    ],
)
def test_a_verifier_of_a_script_runs_in_a_process_as_well(
    tmp_path: Path, body: str, said: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("{body}", body))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert said in done.stdout and done.stdout.count("\n") == 1, done.stdout + done.stderr
    assert done.returncode == 0


def test_what_blocks_the_loop_is_left_behind() -> None:
    import time

    @verifier(name="blocks", version="1")
    async def blocks(item: Item, response: Response) -> bool:
        """Block."""
        time.sleep(0.8)
        return True

    from harness.testing import kit_workers

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ConformanceError) as found:
        patch.setattr(kit_workers, "_GRACE_S", 0.05)
        patch.setattr(kit_workers, "_LOOK_S", 0.01)
        ctx = fake_context()
        few = {"pointwise": sample_requests()[:1]}
        check_source(blocks, ctx=replace(ctx, limits=replace(ctx.limits, timeout_s=0.1)),
                     requests=few)  # fmt: skip
    assert "it stands still: nothing came for 0.15 s" in found.value.breaches


@pytest.mark.parametrize(
    ("reply", "fails"),
    [("Verdict: A", False), ("I cannot say.", True), (FakeChat("Verdict: B").answer, False)],
)
def test_a_judge_without_any_verdict_was_not_tested(reply: Any, fails: bool) -> None:
    @judge(name="letter", version="1", takes=("pairwise",))
    async def letter(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        """Read a letter."""
        from harness.plugin import ChatRequest, read_pair

        said = await ctx.chat.complete(ChatRequest("m", ({"role": "user", "content": "?"},)))
        return read_pair(said.text)

    ctx = fake_context(FakeChat(reply))
    if fails:
        with pytest.raises(ConformanceError, match=r"nothing was tested.*6 "):
            check_source(letter, ctx=ctx)
    else:
        assert {row.verdict.status for row in check_source(letter, ctx=ctx)} == {Status.OK}


def test_requests_of_ones_own_are_the_way_out_of_an_abstention(sources: Any) -> None:
    @verifier(name="keyed", version="1")
    async def keyed(item: Item, response: Response) -> bool | None:
        """Judge what has a key."""
        return None if "key" not in item.metadata else True

    with pytest.raises(ConformanceError, match="pass requests:"):
        check_source(keyed)
    (first, *_) = sample_requests()
    own = replace(first, item=replace(first.item, metadata={"key": 1}))
    (row,) = check_source(keyed, requests={"pointwise": [own]})
    assert row.verdict.value is True
