"""``harness agree`` reads what ``harness judge`` writes, and says what a run says of the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.agreement import Settings, agreement_report
from harness.experiment.stages.agree import agree
from harness.experiment.stages.recorded import Answers
from harness.feedback.requests import build_requests
from harness.labels.ratings import Reading
from harness.nouns.errors import InputError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo, Verdict
from harness.ratings.judgments import tables_from_judgments
from harness.records.judgments import write_judgments
from harness.records.writes import write_jsonl

FAST = Settings(replicates=100)
ITEMS = [Item(f"i{n}", f"{n}?", metadata={"cluster": f"c{n // 2}"}) for n in range(12)]
RESPONSES = [Response(f"{i.id}/{s}", i.id, s, f"{s} {i.id}") for i in ITEMS for s in ("x", "y")]
INFOS = {
    "people": SourceInfo("people", "1", "human", simulated=True),
    "judge": SourceInfo("judge", "1", "judge"),
    "verifier": SourceInfo("verifier", "1", "verifier", BINARY),
}


def pairs() -> tuple[list[JudgmentRequest], list[Judgment]]:
    """Return pairs that two people and a judge in both orders have seen; it fails on one."""
    requests = build_requests(ITEMS, RESPONSES, "pairwise")
    judgments = []
    for n, request in enumerate(requests):
        for who in ("ann", "bob"):
            value = "AB"[(n + (who == "bob" and n == 5)) % 2]
            judgments.append(Judgment(request.id, "people", "1", who, Verdict(Status.OK, value)))
        for order in ("AB", "BA"):
            verdict = Verdict(Status.OK, "A" if n % 3 else "B", 0.9)
            if n == 7:
                verdict = Verdict(Status.TIMEOUT)
            judgments.append(Judgment(request.id, "judge", "1", "judge", verdict, order=order))
    return requests, judgments


def test_pairs_with_their_items_are_measured_as_in_a_run(tmp_path: Path) -> None:
    requests, judgments = pairs()
    write_judgments(tmp_path / "judgments.jsonl", requests, judgments, INFOS)
    write_jsonl(tmp_path / "items.jsonl", ITEMS)
    answers = Answers.read(tmp_path / "items.jsonl")
    found = agree(tmp_path / "judgments.jsonl", None, FAST, answers=answers)
    (table,) = tables_from_judgments(requests, judgments, INFOS)
    settings = replace(FAST, reference="people")
    wanted = agreement_report(table.table, settings=settings, evidence=table.evidence)
    assert found.as_dict() == wanted.as_dict()
    assert found.audit.n_clusters == 6
    judge = found.audit.coverage[2]
    assert (judge.annotator, judge.kind, judge.failures) == ("judge", "judge", {"timeout": 1})
    assert found.find("cohen_kappa", "people/ann - people/bob") is not None
    without = agree(tmp_path / "judgments.jsonl", None, FAST)
    assert without.audit.n_clusters == 12


def test_scores_are_measured_on_their_own_scale(tmp_path: Path) -> None:
    criterion = Criterion("overall", "How good?", Scale("ordinal", ("1", "2", "3", "4", "5")))
    requests = build_requests(ITEMS, RESPONSES, "pointwise", criterion)
    judgments = [
        Judgment(
            r.id, source, "1", source, Verdict(Status.OK, str(1 + (n + (source == "judge")) % 5))
        )
        for n, r in enumerate(requests)
        for source in ("people", "judge")
    ]
    write_judgments(tmp_path / "judgments.jsonl", requests, judgments, INFOS)
    found = agree(tmp_path / "judgments.jsonl", None, FAST)
    assert found.table.categories == ("1", "2", "3", "4", "5")
    assert found.find("krippendorff_alpha_ordinal", "all annotators") is not None


def test_an_unknown_source_is_named(tmp_path: Path) -> None:
    write_judgments(tmp_path / "judgments.jsonl", *pairs(), INFOS)
    with pytest.raises(InputError, match=r"no judgment is from poeple \(did you mean people\?\)"):
        agree(tmp_path / "judgments.jsonl", Reading(humans=("poeple",)), FAST)


def test_scores_beside_pairs_are_compared(tmp_path: Path) -> None:
    requests, judgments = pairs()
    scored = build_requests(ITEMS, RESPONSES, "pointwise")
    judgments += [
        Judgment(r.id, "verifier", "1", "verifier", Verdict(Status.OK, n % 2 == 0))
        for n, r in enumerate(scored)
    ]
    write_judgments(tmp_path / "judgments.jsonl", [*requests, *scored], judgments, INFOS)
    found = agree(tmp_path / "judgments.jsonl", None, FAST)
    assert "verifier" in found.table.annotators
    column = found.table.codes[:, found.table.column("verifier")]
    assert {found.table.categories[code] for code in column} == {"A"}
