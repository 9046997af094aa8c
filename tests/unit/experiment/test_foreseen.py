"""A dry run tells what is certain to fail or to be lost: labels, pairs and keys are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.experiment.experiment import Experiment
from harness.experiment.stages.plan import Plan, plan

ITEMS = [{"id": f"i{n}", "prompt": f"What is {n}+2?", "reference": str(n + 2)} for n in range(3)]
HELD = [{"id": "e0", "prompt": "What is 7+2?", "reference": "9"}]
HEAD = "item,response_a,response_b,annotator,label\n"


def answers(per_item: int, same: bool = False) -> list[dict[str, str]]:
    return [
        {"id": f"{item['id']}/{k}", "item_id": item["id"], "system": k, "text": "x" if same else k}
        for item in ITEMS
        for k in "abc"[:per_item]
    ]


def labels(*said: str, item: str = "i{n}") -> str:
    """Return a table with a label of each item."""
    rows = ((item.format(n=n), value) for n, value in enumerate(said))
    return HEAD + "".join(f"{name},{name}/a,{name}/b,ann,{value}\n" for name, value in rows)


def planned(
    folder: Path, root: Path, table: str, responses: Any = None, **changes: Any
) -> tuple[Path, Plan]:
    for name, rows in (("items", ITEMS), ("held", HELD), ("responses", responses or [])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (folder / "labels.csv").write_text(table)
    data: dict[str, Any] = {"train": {"file": "items.jsonl"}, "evaluation": {"file": "held.jsonl"}}
    data["labels"] = {"people": "labels.csv"}
    if responses is not None:
        data["responses"] = "responses.jsonl"
    content = {
        "name": "foreseen",
        "data": data,
        "policy": {"model": str(root / "examples" / "arithmetic_policy"), "max_new_tokens": 4},
        "sources": {"verifier": {"use": "last_number"}},
        "arms": {"one": {"sources": ["people"], "trainer": "dpo"}},
        "evaluation": {"evaluators": ["verifier"]},
        **changes,
    }
    file = folder / "experiment.yaml"
    file.write_text(yaml.safe_dump(content))
    return file, plan(Experiment.read(file))


NO_PREFERENCE = "arm one cannot be trained: it has no preferences to train on"
NO_PAIR = "arm one cannot be trained: no two responses can be compared"
UNKNOWN = "labels of items that are not in data.train"
UNASKED = "labels of responses, or of pairs of them, that are not asked about"
FOUR = labels("A", "B", "A", "B")  # i3 is no item

CASES: list[tuple[str, str, Any, dict[str, Any], int, list[str], list[str]]] = [
    # name, labels, responses, changes, requests with a label, notes, failures
    ("all is there", labels("A", "B", "TIE"), answers(2), {}, 3,
     ["people: 3 labels on 3 of 3 pairs"], []),
    ("some labels", labels("A"), answers(2), {}, 1, ["people: 1 label on 1 of 3 pairs"], []),
    ("two people", labels("A", "B") + "i0,i0/a,i0/b,ben,B\n", answers(2), {}, 2,
     ["people: 3 labels on 2 of 3 pairs"], []),
    ("turned round", HEAD + "i0,i0/b,i0/a,ann,A\n", answers(2), {}, 1,
     ["people: 1 label on 1 of 3 pairs"], []),
    ("some skipped", labels("A", "SKIP", "A"), answers(2), {}, 3,
     ["people: 3 labels on 3 of 3 pairs, 1 of them no verdict"], []),
    ("all skipped", labels("SKIP", "SKIP", "SKIP"), answers(2), {}, 3,
     ["people: 3 labels on 3 of 3 pairs, 3 of them no verdict"],
     ["source people gives no verdict on 3 pairs: 3 abstained",
      "  - for example skipped (row 2)"]),
    ("an unknown item", FOUR, answers(2), {}, 3,
     [f"people: 3 labels on 3 of 3 pairs; 1 {UNKNOWN.replace('labels', 'label', 1)} is not used"],
     []),
    ("unknown items alone", labels("A", "B", item="q{n}"), answers(2), {}, 0,
     [f"people: 0 labels on 0 of 3 pairs; 2 {UNKNOWN} are not used"],
     ["source people gives no verdict on 3 pairs: 3 missing"]),
    ("unknown responses", labels("A", "B").replace("/a", "/c"), answers(2), {}, 0,
     [f"people: 0 labels on 0 of 3 pairs; 2 {UNASKED} are not used"],
     ["source people gives no verdict on 3 pairs: 3 missing"]),
    ("one response each", labels("A", "B", "A"), answers(1), {}, 0,
     [f"people: 0 labels on 0 of 0 pairs; 3 {UNASKED} are not used",
      "3 of 3 responses are in no pair: 3 without a partner, since their items have an odd number"
      " of responses"],
     [NO_PAIR]),
    ("the same text", labels("A", "B", "A"), answers(2, same=True), {}, 0,
     [f"people: 0 labels on 0 of 0 pairs; 3 {UNASKED} are not used",
      "6 of 6 responses are in no pair: 6 that say the same as their partner"],
     [NO_PAIR]),
    ("ties alone", labels("TIE", "TIE", "TIE"), answers(2), {}, 3,
     ["people: 3 labels on 3 of 3 pairs"],
     [NO_PREFERENCE, "  - 3 pairs: tie"]),
    ("ties alone, imitated", labels("TIE", "TIE", "TIE"), answers(2),
     {"arms": {"one": {"sources": ["people"], "trainer": "sft"}}}, 3,
     ["people: 3 labels on 3 of 3 pairs"], [NO_PREFERENCE, "  - 3 pairs: tie"]),
    ("nobody is sure", labels("A") + "i0,i0/a,i0/b,ben,B\ni0,i0/a,i0/b,cy,A\n", answers(2),
     {"arms": {"one": {"sources": ["people"], "trainer": "dpo",
      "settings": {"minimum_probability": 0.9}}}}, 1, ["people: 3 labels on 1 of 3 pairs"],
     ["arm one cannot be trained: none of 1 preferences can be learnt from: 1 less certain than"
      " minimum_probability"]),
    ("a verifier learns from scores", labels("A"), answers(2),
     {"arms": {"one": {"sources": ["verifier"], "trainer": "grpo"}}}, -1, [], []),
    ("scores cannot be compared either", labels("A"), answers(1),
     {"arms": {"one": {"sources": ["verifier"], "trainer": "dpo"}}}, -1,
     ["3 of 3 responses are in no pair: 3 without a partner, since their items have an odd number"
      " of responses"], [NO_PAIR]),
    ("sampled, labelled before", HEAD + "i0,base.0.i0.0,base.0.i0.1,ann,A\n", None, {}, 1,
     ["people: 1 label on 1 of 3 pairs"], []),
    ("sampled, other ids", labels("A", "B"), None, {}, 0,
     [f"people: 0 labels on 0 of 3 pairs; 2 {UNASKED} are not used"],
     ["source people gives no verdict on 3 pairs: 3 missing"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "table", "responses", "changes", "requests", "notes", "failing"), CASES,
    ids=[case[0] for case in CASES],
)  # fmt: skip
def test_what_is_known_before_is_told_before(
    name: str, table: str, responses: Any, changes: dict[str, Any], requests: int,
    notes: list[str], failing: list[str], repo_root: Path, tmp_path: Path,
) -> None:  # fmt: skip
    _, found = planned(tmp_path, repo_root, table, responses, **changes)
    assert (list(found.notes), list(found.failing)) == (notes, failing)
    said = [one.requests for one in found.sources if one.name == "people"]
    assert said == ([] if requests < 0 else [requests])


def test_a_limit_of_items_is_named(repo_root: Path, tmp_path: Path) -> None:
    data = {"train": {"file": "items.jsonl", "limit": 2}, "evaluation": {"file": "held.jsonl"},
            "responses": "responses.jsonl", "labels": {"people": "labels.csv"}}  # fmt: skip
    table = labels("A", "B", "A")
    _, found = planned(tmp_path, repo_root, table, answers(2), data=data)
    assert found.notes == [
        "people: 2 labels on 2 of 2 pairs; 1 label of items that are not in data.train (limit 2) is"
        " not used"
    ]


def test_the_command_ends_as_the_run_would(
    repo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not app.registered_commands:
        register()
    out = tmp_path / "run"
    for table, code in ((labels("A", "B"), 0), (labels("SKIP", "SKIP"), 1)):
        file, _ = planned(tmp_path, repo_root, table, answers(2))
        done = CliRunner().invoke(app, ["run", str(file), "--dry-run", "--out", str(out)])
        told = done.output + str(done.exception or "")
        assert (done.exit_code, "would end with an error" in told) == (code, bool(code))
        assert "What is asked, at most" in told and "labels on 2 of 3 pairs" in told
        assert not out.exists()
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    judge = {"use": "llm_judge", "options": {"model": "openai/m", "rubric": "helpfulness"}}
    arms = {"one": {"sources": ["critic"], "trainer": "dpo"}}
    sources = {"critic": judge, "verifier": {"use": "last_number"}}
    _, found = planned(tmp_path, repo_root, labels("A"), answers(2), sources=sources, arms=arms)
    assert found.failing[0].startswith("source critic: ") and "OPENAI_API_KEY" in found.failing[0]


def test_an_evaluator_with_words_for_two_is_told(
    repo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    judge = {"use": "llm_judge", "options": {"model": "openai/m", "rubric": "friendliness"}}
    changes = {"sources": {"kind": judge}, "evaluation": {"evaluators": ["kind"]}}
    _, found = planned(tmp_path, repo_root, labels("A", "B", "A"), answers(2), **changes)
    assert found.failing == []
    assert [line for line in found.notes if line.startswith("warning: ")] == [
        "warning: kind scores single responses by a criterion for two: friendliness: Which response"
        " is friendlier and more polite?; say what one response must be"
    ]
