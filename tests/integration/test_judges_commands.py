"""harness drift, batches, estimates, and a kill in the middle of judging."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from judge_commands import invoke, write

from harness.chat import Client
from harness.feedback.annotate import annotate
from harness.feedback.contract import Limits, RunContext
from harness.feedback.requests import build_requests
from harness.nouns.errors import BudgetExceededError
from harness.nouns.outcomes import Status
from harness.records.journal import Journal
from harness.records.rows import read_items, read_responses
from harness.registry import registry
from harness.testing import StubServer


@pytest.fixture
def files(tmp_path):
    """Items and two responses for each."""
    return write(tmp_path, 6)


def context(chat, seed=0):
    return RunContext(chat, None, None, seed, Limits(8, 30.0))


def test_drift_tells_noise_from_a_judge_that_moved(files, tmp_path):
    items, responses = files
    anchors = tmp_path / "anchors.json"
    with StubServer("Verdict: A") as server:
        options = ("--option", "model=hosted_vllm/m", "--option", f"api_base={server.base_url}")
        pinned = invoke(
            "drift",
            anchors,
            "--pin",
            *options,
            "--items",
            items,
            "--responses",
            responses,
            "--quiet",
        )
        assert pinned.exit_code == 0, pinned.output
        assert len(server.bodies) == 6 * 2 * 2, "the second pass must not come from a cache"
        same = invoke("drift", anchors, "--quiet")
        assert same.exit_code == 0 and "no drift" in same.output, same.output
        server.reply = "Verdict: B"
        moved = invoke("drift", anchors, "--quiet")
        assert moved.exit_code == 1 and "the judge has moved" in moved.output
        assert "A -> B: 6" in moved.output and "B -> A: 6" in moved.output
        policy = invoke("drift", anchors, "--policy", responses, "--quiet")
        assert "the policy" in policy.output
    text = anchors.read_text().replace("duh", "sir", 1)
    anchors.write_text(text)
    changed = invoke("drift", anchors, "--quiet")
    assert changed.exit_code == 2 and "was changed since it was pinned" in changed.output


def test_a_judge_that_refuses_everything_now_has_moved(files, tmp_path):
    items, responses = files
    anchors = tmp_path / "anchors.json"
    with StubServer("I will not judge this.") as server:
        options = ("--option", "model=hosted_vllm/m", "--option", f"api_base={server.base_url}")
        asked = ("--pin", *options, "--items", items, "--responses", responses, "--quiet")
        nothing = invoke("drift", anchors, *asked)
        said = " ".join(nothing.output.split())
        assert nothing.exit_code == 2 and "gave no verdict, so there is nothing to pin" in said
        assert "all 12 judgments failed: 12 refused" in said and not anchors.exists()
        server.reply = "Verdict: A"
        assert invoke("drift", anchors, *asked).exit_code == 0
        server.reply = "I will not judge this."
        for more in ((), ("--policy", responses)):
            moved = invoke("drift", anchors, "--quiet", *more)
            said = " ".join(moved.output.split())
            assert moved.exit_code == 1 and "the judge has moved" in said, moved.output
            assert "12 of 12 pinned verdicts have none now: 12 refused" in said
            assert "12 times: " in said and "no drift" not in said
        assert "judge and policy cannot be told apart: no verdict now" in said
        # However small the chance that is asked for: what cannot be compared is no "no drift".
        unsure = invoke("drift", anchors, "--quiet", "--alpha", "0")
        assert unsure.exit_code == 1 and "nothing can be compared" in " ".join(
            unsure.output.split()
        )


def test_an_estimate_counts_what_the_journal_has_as_free(files, tmp_path):
    items = read_items(files[0])
    requests = build_requests(items, read_responses(files[1]), "pairwise")
    with StubServer() as server, Journal(tmp_path / "j.sqlite") as journal:
        source = (
            registry()
            .source("llm_judge")
            .build(
                {
                    "model": "hosted_vllm/m",
                    "api_base": server.base_url,
                    "input_cost_per_token": 1e-3,
                    "output_cost_per_token": 1e-3,
                }
            )
        )

        async def go():
            async with Client(journal) as chat:
                ctx = context(chat)
                before = chat.estimate(source.planned(requests, ctx))
                rows = await annotate(source, requests, ctx)
                after = chat.estimate(source.planned(requests, ctx))
                return before, after, sum(r.cost_usd for r in rows)

        before, after, cost = asyncio.run(go())
    assert before.calls == 12 and 0 < before.expected_usd < before.at_most_usd
    assert cost <= before.at_most_usd
    assert (after.calls, after.cached, after.at_most_usd) == (0, 12, 0.0)


def test_a_changed_parser_reads_recorded_replies_without_a_call(files, tmp_path, monkeypatch):
    from harness.judging import verdicts

    requests = build_requests(read_items(files[0]), read_responses(files[1]), "pairwise")

    def rows(server, journal):
        source = (
            registry()
            .source("llm_judge")
            .build({"model": "hosted_vllm/m", "api_base": server.base_url})
        )

        async def go():
            async with Client(journal) as chat:
                return await annotate(source, requests, context(chat), journal)

        return asyncio.run(go())

    with StubServer("I vote for the first") as server, Journal(tmp_path / "j") as journal:
        first = rows(server, journal)
        assert {r.verdict.status for r in first} == {Status.UNPARSEABLE}
        asked = len(server.bodies)
        better = verdicts.read_pair
        monkeypatch.setattr(verdicts, "VERSION", "test")
        monkeypatch.setattr(
            verdicts,
            "read_pair",
            lambda text, *rest: better(text.replace("I vote for the first", "Verdict: A"), *rest),
        )
        second = rows(server, journal)
        assert {r.verdict.status for r in second} == {Status.OK}
        assert len(server.bodies) == asked and sum(r.cost_usd for r in second) == 0


@pytest.fixture
def batch_server():
    with StubServer("Verdict: A") as server:
        yield server


def test_a_batch_fills_the_journal_at_half_the_price(files, tmp_path, batch_server):
    requests = build_requests(read_items(files[0]), read_responses(files[1]), "pairwise")
    prices = {"input_cost_per_token": 0.0, "output_cost_per_token": 1e-2}  # 10 tokens each

    def run(mode):
        source = (
            registry()
            .source("llm_judge")
            .build({"model": "openai/m", "api_base": batch_server.base_url, "mode": mode, **prices})
        )

        async def go():
            with Journal(tmp_path / "j.sqlite") as journal:
                async with Client(journal, budget_usd=5.0) as chat:
                    rows = await annotate(source, requests, context(chat))
                    return rows, chat.budget.spent_usd

        return asyncio.run(go())

    rows, spent = run("batch")
    assert {r.verdict.status for r in rows} == {Status.OK} and len(rows) == 12
    assert spent == pytest.approx(12 * 10 * 1e-2 / 2)
    assert batch_server.outcomes == {"batch ok": 12}
    again, _ = run("live")
    assert len(again) == 12 and batch_server.outcomes == {"batch ok": 12}


def test_a_batch_that_could_pass_the_budget_is_not_sent(files, tmp_path, batch_server):
    requests = build_requests(read_items(files[0]), read_responses(files[1]), "pairwise")
    source = (
        registry()
        .source("llm_judge")
        .build(
            {
                "model": "openai/m",
                "api_base": batch_server.base_url,
                "mode": "batch",
                "output_cost_per_token": 1.0,
            }
        )
    )

    async def go():
        async with Client(None, budget_usd=1.0) as chat:
            await annotate(source, requests, context(chat))

    with pytest.raises(BudgetExceededError):
        asyncio.run(go())
    assert not batch_server.bodies


def test_lines_that_a_batch_did_not_answer_are_asked_live(files, batch_server):
    batch_server.faults = ["500", "ok", "refusal"]
    requests = build_requests(read_items(files[0]), read_responses(files[1]), "pairwise")
    source = (
        registry()
        .source("llm_judge")
        .build({"model": "openai/m", "api_base": batch_server.base_url, "mode": "batch"})
    )

    async def go():
        async with Client(None) as chat:
            return await annotate(source, requests, context(chat))

    rows = asyncio.run(go())
    statuses = sorted(row.verdict.status.value for row in rows)
    assert statuses == ["ok"] * 11 + ["refused"]
    assert batch_server.outcomes["ok"] == 1, "only the failed line is asked live"


@pytest.mark.slow
def test_kill_9_loses_nothing_and_pays_for_no_more_than_what_was_in_flight(tmp_path):
    items, responses = write(tmp_path, 150)
    out, concurrency, kills = tmp_path / "out.jsonl", 8, 3
    rng = random.Random(0)
    with StubServer("Verdict: A", latency_s=0.05) as server:
        command = [
            sys.executable,
            "-m",
            "harness",
            "judge",
            "--source",
            "llm_judge",
            "--items",
            items,
            "--responses",
            responses,
            "--out",
            out,
            "--quiet",
            "--option",
            "model=hosted_vllm/m",
            "--option",
            f"api_base={server.base_url}",
            "--concurrency",
            concurrency,
        ]
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        for turn in range(kills):
            run = subprocess.Popen(
                list(map(str, command)), env=environment, stdout=subprocess.DEVNULL
            )
            goal = int((turn + rng.uniform(0.3, 0.9)) * 300 / (kills + 1))
            deadline = time.monotonic() + 120
            while len(server.bodies) < goal and run.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            run.send_signal(signal.SIGKILL)
            run.wait()
        last = subprocess.run(
            list(map(str, command)), env=environment, capture_output=True, text=True
        )
        assert last.returncode == 0, last.stderr
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert len(rows) == 300
        assert {row["verdict"]["status"] for row in rows} == {"ok"}
        assert len(server.bodies) <= 300 + kills * concurrency
