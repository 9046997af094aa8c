"""Samples: failures, regressions and disagreements first, each with its reason; few, and inert."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from harness.report import build
from harness.report.blocks import Details, Sample
from harness.report.samples import chosen, reasons, samples
from harness.report.wording import Names

EVALUATION: dict[str, Any] = {
    "base": "base",
    "evaluators": [
        {"name": "exam", "direction": "higher"},
        {"name": "rude", "direction": "lower"},
        {"name": "stars", "direction": "higher"},
    ],
}


def sample(item: str, **scores: dict[str, Any]) -> dict[str, Any]:
    return {
        "item_id": item,
        "prompt": "q",
        "responses": [
            {"policy": policy, "seed": 0, "text": f"{item} {policy}", "scores": own}
            for policy, own in scores.items()
        ],
    }


GOOD, BAD = {"exam": True, "rude": False}, {"exam": False, "rude": True}
FINE = sample("fine", base=BAD, arm=GOOD)
WORSE = sample("worse", base=GOOD, arm=BAD)
SPLIT = sample("split", base=BAD, arm={"exam": True, "rude": True})
LOST = sample("lost", base=GOOD, arm={"exam": None, "rude": False})


def told(row: dict[str, Any]) -> list[str]:
    return [f"{one.kind}: {one.text}" for one in reasons(row, EVALUATION)]


def test_each_reason_by_hand() -> None:
    assert told(FINE) == []
    assert told(WORSE) == ["regression: arm is worse than base by exam and rude"]
    assert told(SPLIT) == ["disagreement: arm is right by exam, wrong by rude"]
    assert told(LOST) == ["failure: no verdict on arm by exam"]
    # A fall of half the scale counts, a smaller one and another scale do not, nor what base lost.
    graded = [sample("g", base={"exam": 0.9}, arm={"exam": x}) for x in (0.41, 0.4)]
    assert [len(told(row)) for row in graded] == [0, 1]
    assert told(sample("g", base={"stars": 5}, arm={"stars": 1})) == []
    assert told(sample("g", base={"exam": None}, arm={"exam": 0.0})) == [
        "failure: no verdict on base by exam"
    ]
    assert told(sample("g", base={"stars": "A"}, arm={"stars": "B"})) == []


def test_of_every_order_all_that_went_wrong_is_kept_and_few_in_all() -> None:
    fine = [sample(f"fine-{n:02}", base=BAD, arm=GOOD) for n in range(9)]
    for order in itertools.permutations([WORSE, SPLIT, LOST]):
        kept = chosen([*fine[:5], *order, *fine[5:]], EVALUATION, 5)
        assert [one["item_id"] for one in kept[:3]] == ["lost", "worse", "split"]
        assert len(kept) == 5
    many = [sample(f"worse-{n}", base=GOOD, arm=BAD) for n in range(20)]
    kept = chosen([*many, *fine, SPLIT], EVALUATION, 6)
    kinds = [one["item_id"].partition("-")[0] for one in kept]
    assert kinds == ["worse", "split", "fine", "worse", "fine", "worse"], "each kind in turn"


def test_the_page_groups_by_kind_and_says_why(tmp_path: Path, made_up: dict[str, Any]) -> None:
    rows = [FINE, *[{**one, "item_id": f"{one['item_id']}-{n}"} for n in (1, 2)
                    for one in (SPLIT, WORSE, LOST)]]  # fmt: skip
    blocks = samples({"samples": rows, "evaluation": EVALUATION}, Names())
    shown = [block for block in blocks if isinstance(block, Sample)]
    assert [one.item_id for one in shown] == ["lost-1", "worse-1", "split-1"]
    assert [one.why.partition(":")[0] for one in shown] == [
        "failure", "regression", "disagreement",
    ]  # fmt: skip
    folded = {block.summary: block.blocks for block in blocks if isinstance(block, Details)}
    assert [name.partition(",")[2].partition(":")[0].strip() for name in folded] == [
        "failure", "regression", "disagreement", "nothing of the kind",
    ]  # fmt: skip
    assert all(len(own) == 1 for own in folded.values())
    data = {**made_up, "samples": [sample("<b>x</b>", base=GOOD, arm1=BAD)]}
    data["samples"][0]["responses"][1]["policy"] = "<script>1</script>"
    page = build(data, tmp_path).read_text(encoding="utf-8")
    assert "regression: &lt;script&gt;" in page and "<script>" not in page
    assert "regression: \\<script\\>" in (tmp_path / "report.md").read_text(encoding="utf-8")
