"""What it costs to judge a run again: microseconds a row, and what they go into.

    python benchmarks/rescoring.py [--rows 20000]

Judgments of a judge and their replies are put into a journal and read again as ``harness rescore
--readers`` does, with a reader that takes no time, which leaves the work of rescoring itself; then
with the readers of the house, in which the rest goes. Processor time. Exits 1 where the paired
table takes more than 50 microseconds a row.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.agreement.rescoring import rescored
from harness.experiment.context import Asking
from harness.experiment.sources import source_by_name
from harness.experiment.stages.rescore import Again, RescoreSettings
from harness.feedback.requests import build_requests
from harness.judging import verdicts
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, Verdict
from harness.records.journal import JOURNAL, Journal

LIMIT_US = 50.0


def timed(rows: int, call: Callable[[], object]) -> tuple[float, object]:
    """Return microseconds of processor time a row, and what the call returned."""
    began = time.process_time()
    found = call()
    return (time.process_time() - began) / rows * 1e6, found


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    items = [Item(f"i{n}", f"What is {n} + 2?", str(n + 2)) for n in range(rows // 2)]
    said = [Response(f"{i.id}{k}", i.id, "base", f"It is {k}.") for i in items for k in "ab"]
    requests = build_requests(items, said, "pairwise")
    options = {"model": "openai/m", "rubric": "helpfulness"}
    judge = source_by_name("llm_judge", options, "pairwise", "judge")
    replies = ("The first is shorter.\n\nVerdict: A", "B is more helpful.\n\nVerdict: B")
    old = [
        Judgment(
            request.id, "judge", judge.info.version, "openai/m", Verdict(Status.OK, "A"), order,
            raw=replies[number % 2],
        )
        for number, request in enumerate(requests)
        for order in ("AB", "BA")
    ]  # fmt: skip
    clusters = {request.id: request.item.id for request in requests}
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / JOURNAL) as journal:
        for one in old:
            journal.put_judgment(one, f"train/{judge.scope}")
        journal.flush()
        scope = f"train/{judge.scope}"
        loading, kept = timed(rows, lambda: journal.judgments(scope, "judge"))
        assert isinstance(kept, list)
        places = {(one.request_id, one.order, one.repeat): one for one in kept}
        settings = RescoreSettings(readers=True)
        again = Again(judge, requests, places, Asking(journal), settings)
        whole, found = timed(rows, lambda: again.compared("train"))
        assert found.rows == rows and not found.open  # type: ignore[attr-defined]
        reader = verdicts.read_pair
        verdicts.read_pair = lambda *_, **__: Verdict(Status.OK, "A")  # type: ignore[assignment]
        quick, _ = timed(rows, lambda: again.compared("train"))
        verdicts.read_pair = reader
    pairs = [(one, one) for one in old]
    table, _ = timed(rows, lambda: rescored(("judge", "train"), "2", pairs, clusters))
    print(f"{rows} judgments, microseconds of processor time a row:")
    print(f"  the journal's rows are read         {loading:7.1f}")
    print(f"  the paired table with its interval  {table:7.1f}  (limit {LIMIT_US:g})")
    print(f"  prompts are made and looked up      {quick - table:7.1f}")
    print(f"  the reader of the house reads       {whole - quick:7.1f}")
    return 0 if table <= LIMIT_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
