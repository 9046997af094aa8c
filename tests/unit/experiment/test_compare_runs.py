"""Two runs are compared on the same held-out items, paired, and others are refused."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

import harness
from harness.cli.main import app, register
from harness.nouns.errors import ConfigError, DataError

if TYPE_CHECKING:
    from conftest import World


def test_policies_of_two_runs_are_compared_and_others_refused(whole: World) -> None:
    arms = whole.experiment["arms"]
    whole.experiment |= {"agreement": None, "seeds": [0]}
    whole.experiment["evaluation"]["evaluators"] = ["exam", "twin"]
    whole.experiment["arms"] = {name: arms[name] for name in ("rlhf", "plugin")}
    first = whole.run()
    a = whole.folder / "a"
    shutil.move(whole.out, a)
    file = whole.folder / "evaluation.jsonl"
    kept = file.read_text()
    whole.run()
    found = harness.compare(a, whole.out)
    assert not any("same run" in note for note in found.notes)
    assert found.items == 4 and {(r["a"], r["b"]) for r in found.rows} == {
        ("base", "base"), ("rlhf", "rlhf"), ("plugin", "plugin"),
    }  # fmt: skip
    assert {row["value"] for row in found.rows} == {0.0}
    # Arm against arm: what one run alone says of rlhf against base.
    (row,) = (
        r for r in harness.compare(a, whole.out, {"base": "rlhf"}).rows if r["evaluator"] == "exam"
    )
    (same,) = (
        r["difference"] for r in first["evaluation"]["scores"]
        if (r["evaluator"], r["policy"]) == ("exam", "rlhf")
    )  # fmt: skip
    assert [row[k] for k in ("value", "low", "high", "p", "from", "to", "items")] == [
        same[k] for k in ("value", "low", "high", "p", "from", "to", "items")
    ]
    register()
    told = CliRunner().invoke(
        app, ["compare", str(a), str(whole.out), "--arm", "base:rlhf"], env={"COLUMNS": "80"}
    )
    assert told.exit_code == 0 and "base : rlhf" in told.output, told.output
    assert max(map(len, told.output.splitlines())) <= 80
    with pytest.raises(ConfigError, match="has no policy 'rlfh'"):
        harness.compare(a, whole.out, {"rlhf": "rlfh"})
    # Another evaluator under the same name.
    says = whole.folder / "twin.json"
    says.write_text(json.dumps(json.loads(says.read_text()) | {"more": {}}))
    whole.run()
    with pytest.raises(DataError, match="evaluators of the two runs differ") as error:
        harness.compare(a, whole.out)
    assert "twin: version" in str(error.value)
    # Another item.
    file.write_text(kept.replace("Q e1", "Q e9"))
    whole.run()
    with pytest.raises(DataError, match="held-out items of the two runs are not the same") as error:
        harness.compare(a, whole.out)
    assert f"1 item of {a} only: e1" in str(error.value)


def test_copies_and_one_prompt_under_two_ids_count_once(whole: World) -> None:
    whole.experiment |= {"agreement": None, "seeds": [0, 1]}
    whole.experiment["evaluation"]["evaluators"] = ["exam"]
    whole.experiment["arms"] = {"rlhf": whole.experiment["arms"]["rlhf"]}
    file = whole.folder / "evaluation.jsonl"
    file.write_text(file.read_text().replace("Q e2", "Q  e1"))
    whole.run()
    a = whole.folder / "a"
    shutil.copytree(whole.out, a)
    (row,) = (r for r in harness.compare(a, whole.out).rows if r["a"] == "rlhf")
    assert (row["seeds"], row["items"], row["clusters"]) == (2, 4, 2)  # e2 is e1, and in a cluster
    texts = whole.out / "responses"
    shutil.copy(texts / "evaluation-rlhf-seed0.jsonl", texts / "evaluation-rlhf-seed1.jsonl")
    found = harness.compare(a, whole.out)
    (row,) = (r for r in found.rows if r["a"] == "rlhf")
    assert (row["seeds"], row["verdict"]) == (1, "unclear")
    same, edited, copies, prompts = found.notes
    assert same.startswith("both folders are of one and the same run (seal ")
    assert same.endswith("every policy is compared with itself")
    assert "was changed after its end" in edited
    assert copies.startswith(f"{whole.out}: rlhf answers every item with seed 1 as with seed 0")
    again = harness.compare(whole.out, whole.out, {"rlhf": "base"}).notes
    assert again[0].endswith("these are arms of it") and len(again) == 5  # the edit is told once
    assert prompts.startswith("1 prompt stands under several ids (e1, e2)")
