"""Judging against a stub server: speed beside named peers, faults, limits, kills, cache, budget.

    python benchmarks/judging.py [--quick] [--only speed,faults,...] [--no-peers]

Every contender runs in a process of its own; the figures are medians of three runs. Peers get
virtual environments of their own in the user's cache folder, made on first use (PyPI is needed
then). The server is ../shared/tools/stub_server.py; without it there is nothing to measure against.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT.parent / "shared" / "tools"
PEERS = {"inspect-ai": ["inspect-ai==0.3.285", "openai"], "autorubric": ["autorubric==1.6.1"]}
PROMPT = (
    "Which response is better?\n\n<prompt>\nQuestion {n}\n</prompt>\n\n<response A>\nIt is {n}."
    "\n</response A>\n\n<response B>\nNo idea.\n</response B>\n\nEnd with Verdict: A or Verdict: B."
)


# Contenders: each makes `calls` distinct calls, at most `flying` at once. ------------------------


async def gather_limited(one: Any, calls: int, flying: int) -> None:
    """Run ``one(n)`` for all n by as many workers as may be in flight."""
    numbers = iter(range(calls))

    async def worker() -> None:
        for n in numbers:
            await one(n)

    await asyncio.gather(*(worker() for _ in range(flying)))


async def run_aiohttp(url: str, calls: int, flying: int) -> None:
    """Bare aiohttp."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=flying)) as session:

        async def one(n: int) -> None:
            body = {"model": "m", "messages": [{"role": "user", "content": PROMPT.format(n=n)}]}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                assert (await response.json())["choices"][0]["message"]["content"]

        await gather_limited(one, calls, flying)


async def run_litellm(url: str, calls: int, flying: int) -> None:
    """``litellm.acompletion`` with its defaults."""
    import litellm

    async def one(n: int) -> None:
        await litellm.acompletion(
            model="openai/m",
            api_base=url,
            api_key="k",
            messages=[{"role": "user", "content": PROMPT.format(n=n)}],
        )

    await gather_limited(one, calls, flying)


async def run_harness(url: str, calls: int, flying: int, transport: Any) -> None:
    """Run the harness's client with a journal on disk."""
    from harness.chat import Client
    from harness.nouns.chat_messages import ChatRequest
    from harness.records.journal import Journal

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j.sqlite") as journal:
        async with Client(journal, concurrency=flying, transport=transport) as client:
            extra = {"api_base": url, "api_key": "k"}

            async def one(n: int) -> None:
                message = {"role": "user", "content": PROMPT.format(n=n)}
                await client.complete(ChatRequest("hosted_vllm/m", (message,), extra=extra))

            await gather_limited(one, calls, flying)


async def run_inspect(url: str, calls: int, flying: int) -> None:
    """inspect-ai: ``Model.generate``."""
    from inspect_ai.model import GenerateConfig, get_model

    config = GenerateConfig(max_connections=flying, max_retries=0)
    model = get_model("openai/m", base_url=url, api_key="k", config=config, responses_api=False)

    async def one(n: int) -> None:
        await model.generate(PROMPT.format(n=n))

    await gather_limited(one, calls, flying)


async def run_autorubric(url: str, calls: int, flying: int) -> None:
    """autorubric: its LLM client."""
    from autorubric import LLMClient, LLMConfig

    client = LLMClient(
        LLMConfig(model="openai/m", api_base=url, api_key="k", max_parallel_requests=flying)
    )

    async def one(n: int) -> None:
        await client.generate("You are a judge.", PROMPT.format(n=n))

    await gather_limited(one, calls, flying)


WORKERS = {
    "aiohttp": run_aiohttp,
    "litellm.acompletion": run_litellm,
    "harness, fast": lambda *a: run_harness(*a, "auto"),
    "harness, litellm": lambda *a: run_harness(*a, "litellm"),
    "inspect-ai": run_inspect,
    "autorubric": run_autorubric,
}


def work(name: str, url: str, calls: int, flying: int) -> None:
    """Run one contender and print seconds and CPU seconds; a warm-up loads everything first."""
    import warnings

    warnings.simplefilter("ignore")
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

    async def go() -> tuple[float, float]:
        await WORKERS[name](url, min(calls, 2 * flying), flying)
        began, cpu = time.perf_counter(), time.process_time()
        await WORKERS[name](url, calls, flying)
        return time.perf_counter() - began, time.process_time() - cpu

    seconds, cpu = asyncio.run(go())
    print("RESULT " + json.dumps([seconds, cpu]))


# The server --------------------------------------------------------------------------------------


@contextmanager
def server(**options: Any) -> Any:
    """Start the stub server in a process of its own."""
    sys.path.insert(0, str(TOOLS))
    from stub_server import StubServer

    with StubServer(**options) as started:
        yield started


def have_server() -> bool:
    """Tell whether the full stub server is present."""
    return (TOOLS / "stub_server.py").is_file()


def peer_python(name: str) -> Path | None:
    """Return the interpreter of a peer's environment, made on first use; None when it cannot be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "feedback-harness" / "bench" / name
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.is_file():
        print(f"installing {name} in {folder}", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", folder])
        command = [python, "-m", "pip", "install", "-q", *PEERS[name]]
        if made.returncode or subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
            return None
        done.touch()
    return python


# What is measured --------------------------------------------------------------------------------


def speed(quick: bool, peers: bool) -> None:
    """Calls per second and CPU per call of every contender."""
    for flying, latency in ((32, 0), (256, 50)):
        rates: dict[str, float] = {}
        print(f"\n{flying} at once, {latency} ms: calls/s, CPU ms per call, ratio to aiohttp")
        with server(latency_ms=latency) as stub:
            for name in WORKERS:
                python: Path | None = Path(sys.executable)
                if name in PEERS:
                    python = peer_python(name) if peers else None
                    if python is None:
                        print(f"  {name:<20} not available")
                        continue
                slow = name in PEERS or "litellm" in name
                calls = (600 if slow else 6000) // (4 if quick else 1)
                runs = []
                for _ in range(1 if quick else 3):
                    command = [python, __file__, "--worker", name, stub.base_url, calls, flying]
                    done = subprocess.run(
                        list(map(str, command)), capture_output=True, text=True, timeout=600
                    )
                    lines = [r for r in done.stdout.splitlines() if r.startswith("RESULT ")]
                    if not lines:
                        print(f"  {name:<20} failed: {done.stderr.strip()[-200:]}")
                        break
                    runs.append(json.loads(lines[-1][7:]))
                if not runs:
                    continue
                seconds, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
                rates[name] = calls / seconds
                ratio = rates[name] / rates["aiohttp"]
                print(
                    f"  {name:<20} {rates[name]:>8.0f} {1000 * cpu / calls:>8.2f} {ratio:>8.3f}",
                    flush=True,
                )
        fast, slow_path = rates["harness, fast"], rates["harness, litellm"]
        rivals = {n: r for n, r in rates.items() if n in (*PEERS, "litellm.acompletion")}
        best = max(rivals, key=lambda n: rivals[n])
        goal = 0.5 if latency else 0.35
        print(
            f"  goal 1: fast path {fast / rates['aiohttp']:.2f} of aiohttp (goal {goal}),"
            f" {fast / rivals[best]:.1f} times {best} (goal 5)"
        )
        print(
            f"  goal 2: litellm path {slow_path / rates['litellm.acompletion']:.2f} times bare"
            " litellm.acompletion (goal 1.3)"
        )


def judge_files(folder: Path, count: int) -> tuple[Path, Path]:
    """Write items and a pair of responses for each."""
    items, responses = folder / "items.jsonl", folder / "responses.jsonl"
    with items.open("w") as one, responses.open("w") as two:
        for n in range(count):
            one.write(json.dumps({"id": f"i{n}", "prompt": f"Question {n}"}) + "\n")
            for k, text in enumerate((f"It is {n}.", "No idea.")):
                row = {"id": f"i{n}.{k}", "item_id": f"i{n}", "text": text}
                two.write(json.dumps(row) + "\n")
    return items, responses


async def judge(url: str, count: int, concurrency: int, timeout_s: float, **options: Any) -> Any:
    """Judge pairs in one order each; return the rows and the client."""
    from harness.chat import Client
    from harness.feedback.annotate import annotate
    from harness.feedback.contract import Limits, RunContext
    from harness.feedback.requests import build_requests
    from harness.records.rows import read_items, read_responses
    from harness.registry import registry

    with tempfile.TemporaryDirectory() as folder:
        items, responses = judge_files(Path(folder), count)
        requests = build_requests(read_items(items), read_responses(responses), "pairwise")
    settings = {"model": "hosted_vllm/m", "api_base": url, "both_orders": False, **options}
    source = registry().source("llm_judge").build(settings)
    async with Client(None, concurrency=concurrency, timeout_s=timeout_s) as chat:
        ctx = RunContext(chat, None, None, 0, Limits(concurrency, timeout_s))  # type: ignore[arg-type]
        return await annotate(source, requests, ctx), chat


def faults(quick: bool, peers: bool) -> None:
    """Goal 3: every pair gets a typed outcome under a mix of faults."""
    from collections import Counter

    mix = "429=0.05,500=0.02,drop=0.01,badjson=0.01,empty=0.01,refusal=0.01"
    print(f"\nfault mix {mix}")
    for seed in range(1 if quick else 3):
        with server(latency_ms=20, fault=mix, retry_after=0.2, seed=seed) as stub:
            rows, _ = asyncio.run(judge(stub.base_url, 300, 32, 10.0))
            sent = stub.stats()["requests"]
        outcomes = Counter(row.verdict.status.value for row in rows)
        reasons = sum(bool(row.verdict.rationale) for row in rows)
        print(
            f"  goal 3: {len(rows)} outcomes of 300, all with a reason: {reasons == len(rows)};"
            f" {sent / 300:.3f} requests per verdict (goal 1.15); {dict(outcomes)}"
        )


def limit(quick: bool, peers: bool) -> None:
    """Goal 4: a server that takes 200 calls a second."""
    calls = 1500 if quick else 5000
    print("\na server that takes 200 calls a second (burst 50), 64 at once")
    with server(latency_ms=30, rps_limit=200, burst=50) as stub:
        asyncio.run(judge(stub.base_url, 10, 8, 10.0))  # loads litellm
        time.sleep(1.0)
        stub.reset()
        began = time.perf_counter()
        rows, _ = asyncio.run(judge(stub.base_url, calls, 64, 30.0, rubric="honesty"))
        seconds = time.perf_counter() - began
        stats = stub.stats()
    refused = stats["outcomes"].get("429limit", 0)
    good = sum(row.verdict.status.value == "ok" for row in rows)
    print(
        f"  goal 4: {(good - 50) / seconds / 200:.1%} of the limit (goal 90%),"
        f" {refused / stats['requests']:.1%} answers of 429 (goal 5%), {good} of {calls} ok"
    )


def kill(quick: bool, peers: bool) -> None:
    """Goal 5: kill -9 at random moments of a run of 2,000 judgments."""
    kills, count, flying = (3, 250, 16) if quick else (20, 1000, 16)
    rng = random.Random(0)
    print(f"\nkill -9 at {kills} random moments of {2 * count} judgments, {flying} in flight")
    with tempfile.TemporaryDirectory() as folder, server(latency_ms=20) as stub:
        items, responses = judge_files(Path(folder), count)
        out = Path(folder) / "out.jsonl"
        options = {"model": "hosted_vllm/m", "api_base": stub.base_url}
        command = [sys.executable, "-m", "harness", "judge", "--source", "llm_judge", "--quiet"]
        command += ["--items", str(items), "--responses", str(responses), "--out", str(out)]
        command += ["--concurrency", str(flying)]
        for name, value in options.items():
            command += ["--option", f"{name}={value}"]
        goals = sorted(rng.sample(range(10, 2 * count - 10), kills))
        for goal in goals:
            run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while stub.stats()["requests"] < goal and run.poll() is None:
                time.sleep(0.01)
            run.send_signal(signal.SIGKILL)
            run.wait()
        done = subprocess.run(command, capture_output=True, text=True)
        rows = out.read_text().splitlines() if out.is_file() else []
        answered = stub.stats()["requests"]
        print(
            f"  goal 5: {len(rows)} rows of {2 * count} (exit {done.returncode}); the server"
            f" answered {answered}, {answered - 2 * count} more than needed"
            f" ({kills * flying} may have been in flight)"
        )


def cache(quick: bool, peers: bool) -> None:
    """Goal 6: identical calls at once, and hits per second."""
    from harness.chat import Client
    from harness.nouns.chat_messages import ChatRequest
    from harness.records.journal import Journal

    async def go(url: str, journal: Any) -> tuple[int, float]:
        extra = {"api_base": url}

        def request(n: int) -> ChatRequest:
            message = {"role": "user", "content": PROMPT.format(n=n)}
            return ChatRequest("hosted_vllm/m", (message,), extra=extra)

        async with Client(journal, concurrency=64) as client:
            await asyncio.gather(*(client.complete(request(-1)) for _ in range(50)))
            sent = client.usage["hosted_vllm/m"].requests
            count = 2000
            await asyncio.gather(*(client.complete(request(n)) for n in range(count)))
        journal.flush()
        async with Client(journal) as client:  # nothing in memory: from the file
            requests = [request(n) for n in range(count)]
            rates = []
            for _ in range(5):
                client.ledger._recent.clear()
                began = time.perf_counter()
                for each in requests:
                    await client.complete(each)
                rates.append(count / (time.perf_counter() - began))
        return sent, statistics.median(rates)

    print("\ncache")
    with tempfile.TemporaryDirectory() as folder, server() as stub:
        with Journal(Path(folder) / "j.sqlite") as journal:
            sent, rate = asyncio.run(go(stub.base_url, journal))
    print(
        f"  goal 6: 50 identical calls at once made {sent} request; {rate:.0f} hits a second"
        " (goal 20,000)"
    )


def budget(quick: bool, peers: bool) -> None:
    """A cap of one dollar, and a second run from the cache."""
    from harness.chat import Client
    from harness.nouns.chat_messages import ChatRequest
    from harness.nouns.errors import BudgetExceededError
    from harness.records.journal import Journal

    prices = {"input_cost_per_token": 1e-5, "output_cost_per_token": 3e-4}

    async def go(url: str, journal: Any) -> tuple[float, int, int]:
        async with Client(journal, budget_usd=1.0, concurrency=64) as client:
            extra = {"api_base": url, **prices}

            def request(n: int) -> ChatRequest:
                message = {"role": "user", "content": PROMPT.format(n=n)}
                return ChatRequest("hosted_vllm/m", (message,), max_tokens=16, extra=extra)

            found = await asyncio.gather(
                *(client.complete(request(n)) for n in range(1000)), return_exceptions=True
            )
            stopped = sum(isinstance(f, BudgetExceededError) for f in found)
            return client.budget.spent_usd, stopped, client.usage["hosted_vllm/m"].requests

    print("\nbudget of $1")
    with tempfile.TemporaryDirectory() as folder, server(latency_ms=5) as stub:
        with Journal(Path(folder) / "j.sqlite") as journal:
            spent, stopped, sent = asyncio.run(go(stub.base_url, journal))
            print(f"  first run: ${spent:.4f} spent, {sent} requests, {stopped} calls stopped")
            again, _, more = asyncio.run(go(stub.base_url, journal))
            print(f"  second run: ${again - spent:.4f} more, {more} requests sent")


PARTS = {part.__name__: part for part in (speed, faults, limit, kill, cache, budget)}


def main() -> None:
    """Run the parts that are asked for."""
    if sys.argv[1:2] == ["--worker"]:
        name, url, calls, flying = sys.argv[2:6]
        work(name, url, int(calls), int(flying))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer calls, one run each")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, comma-separated")
    parser.add_argument("--no-peers", action="store_true", help="leave other harnesses out")
    options = parser.parse_args()
    if not have_server():
        print("../shared/tools/stub_server.py is absent: nothing to measure against")
        return
    for name in options.only.split(","):
        PARTS[name](options.quick, not options.no_peers)


if __name__ == "__main__":
    main()
