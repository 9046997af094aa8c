"""A judge of pairs evaluates the arms of a run: its report, its check, and what a kill costs."""

from __future__ import annotations

import json
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

import harness
from harness.experiment.experiment import Experiment
from harness.experiment.stages.plan import plan
from harness.nouns.errors import ConfigError

if TYPE_CHECKING:
    from conftest import World

ARMS, SEEDS = ("rlhf", "hybrid"), (0, 1)
WINS = {"rlhf": "11110110", "hybrid": "1010fx00"}
"""What taste prefers of each arm's eight responses of a seed: 1 the arm's, 0 base's, f what stands
first, x nothing, as it fails."""


@pytest.fixture
def compared(whole: World) -> World:
    """The whole experiment with two arms, and a judge of pairs that decides."""
    said = {"1": ["A", "A"], "0": ["B", "B"], "f": ["A", "B"], "x": ["!refused no"] * 2}
    says = {}
    for arm, wins in WINS.items():
        for seed in SEEDS:
            for n, won in enumerate(wins):
                place = f"{seed}e{n // 2}{'ab'[n % 2]}"
                says[f"{arm}{place}|base{place}"] = said[won]
    for n in range(4):  # of base alone, before anything is trained
        says[f"base0e{n}a|base0e{n}b"] = ["A", "A"]
    (whole.folder / "taste.json").write_text(json.dumps({"taste": says}))
    arms, sources = whole.experiment["arms"], whole.experiment["sources"]
    taste = {"use": "scripted", "options": {"says": "./taste.json", "cost": 0.01, "model": "m/t"}}
    jury = whole.folder / "jury.json"  # a timeout is asked again by each try
    jury.write_text(jury.read_text().replace("!timeout", "!refused"))
    whole.experiment |= {
        "arms": {name: arms[name] for name in ARMS},
        "sources": {**sources, "taste": taste},
        "evaluation": {
            "evaluators": {"taste": {"margin": 0.1}, "exam": {}},
            "responses_per_item": 2,
            "primary": "taste",
        },
    }
    return whole


def test_a_judge_of_pairs_decides_an_experiment(compared: World) -> None:
    report = compared.run()
    evaluation = report["evaluation"]
    rows = {row["policy"]: row for row in evaluation["against_base"]}
    assert [rows["rlhf"][key] for key in ("wins", "ties", "losses", "value")] == [12, 0, 4, 0.75]
    hybrid = rows["hybrid"]
    assert [hybrid[key] for key in ("wins", "ties", "losses", "inconsistent", "n", "pairs")] == [
        4, 2, 8, 2, 14, 16,
    ]  # fmt: skip
    assert (hybrid["failures"], hybrid["value"]) == ({"refused": 2}, pytest.approx(5 / 14))
    assert (rows["rlhf"]["cost_usd"], rows["rlhf"]["judgments"]) == (pytest.approx(0.32), 32)
    scores = {(row["evaluator"], row["policy"]): row for row in evaluation["scores"]}
    difference = scores["taste", "rlhf"]["difference"]
    assert difference["value"] == pytest.approx(0.25) and difference["p_planned"] is not None
    assert scores["taste", "rlhf"]["planned"] and not scores["exam", "rlhf"]["planned"]
    ways = {row["name"]: row.get("way") for row in evaluation["evaluators"]}
    assert ways == {"taste": "pairwise", "exam": None}
    assert {row["criterion"] for row in evaluation["wins"]} == {"exam"}
    taste = next(row for row in report["sources"] if row["name"] == "taste")
    assert taste["position"] == {"pairs": 30, "turned": 2, "first": 2, "soft": False}
    assert taste["cost_usd"] == pytest.approx(0.64) and taste["failures"] == {"refused": 4}
    page = (compared.out / "report.html").read_text()
    assert "taste (primary, wins against base)" in page
    assert "Each response against base" in (compared.out / "report.md").read_text()
    assert ["taste evaluates", 32, 32] in compared.bars


def test_a_run_with_a_judge_of_pairs_is_checked_like_any_other(compared: World) -> None:
    compared.run()
    found = harness.verify_run(compared.out)
    assert (found.changed, found.ok) == ((), True)
    with sqlite3.connect(compared.out / "journal.sqlite") as journal:
        scope = "evaluation/taste/%"
        (before,) = journal.execute(
            "SELECT body FROM judgments WHERE scope LIKE ? AND body LIKE '%\"A\"%'"
            " ORDER BY rowid DESC LIMIT 1",
            [scope],
        ).fetchone()
        after = before.replace('"value":"A"', '"value":"B"').replace('"value": "A"', '"value": "B"')
        assert after != before
        journal.execute("UPDATE judgments SET body = ? WHERE body = ?", [after, before])
    edited = harness.verify_run(compared.out)
    assert any("verdict.value" in row.place for row in edited.changed)
    assert any("against_base" in row.place for row in edited.changed)


def test_what_is_planned_of_pairs_is_what_is_done(compared: World) -> None:
    found = plan(Experiment.read(compared.write()))
    asked = {(one.name, one.part): one.requests for one in found.sources}
    assert asked["taste", "evaluation"] == 2 * 2 * 4 * 2


def of_arms(rows: list[list[str]]) -> list[list[str]]:
    """Return what was asked of arms, not of base alone before anything was trained."""
    return [row for row in rows if not row[3].startswith("base")]


@pytest.mark.slow
def test_kill_9_among_pairs_asks_only_what_is_not_recorded(compared: World) -> None:
    unkilled = compared.tables(compared.run())
    everything = len(of_arms(compared.happened("ask", "taste")))
    assert everything == 2 * 2 * 2 * 8
    shutil.rmtree(compared.out)
    (compared.folder / "happened").unlink()
    recorded = 0
    for after in (30, 40):
        compared.run_killed("judge taste", after)
        before = len(of_arms(compared.happened("ask", "taste")))
        with sqlite3.connect(compared.out / "journal.sqlite") as journal:
            (now,) = journal.execute(
                "SELECT count(*) FROM judgments WHERE scope LIKE 'evaluation/taste/%'"
            ).fetchone()
        recorded = now - 2 * 4  # pairs of base alone
    assert 0 < recorded < everything
    assert compared.tables(compared.run()) == unkilled
    assert len(of_arms(compared.happened("ask", "taste"))) - before == everything - recorded


def test_the_second_run_asks_nobody(compared: World) -> None:
    first = compared.tables(compared.run())
    asked = len(compared.happened("ask", "taste"))
    assert compared.tables(compared.run()) == first
    assert len(compared.happened("ask", "taste")) == asked


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"monitor": "taste"}, "cannot be watched"),
        ({"contrasts": [["rlhf", "hybrid"]]}, "compares arms with base"),
        ({"evaluators": {"taste": {"way": "pointwise"}}}, "cannot judge pointwise"),
        ({"evaluators": {"taste": {"way": "pairs"}}}, "evaluation.evaluators.taste.way"),
        ({"evaluators": {"people": {}, "taste": {}}}, "people are not asked each pair twice"),
    ],
)
def test_what_a_judge_of_pairs_cannot_do_is_refused(
    compared: World, changes: dict[str, Any], says: str
) -> None:
    evaluation = {**compared.experiment["evaluation"], **changes}
    with pytest.raises(ConfigError) as error:
        Experiment.read(compared.write(evaluation=evaluation))
    assert says in str(error.value)


def test_a_source_that_gives_rewards_is_not_held_out_as_a_judge_of_pairs(compared: World) -> None:
    """The jury that trained rlhf compares its responses, too: its word does not decide."""
    says = json.loads((compared.folder / "jury.json").read_text())
    taste = json.loads((compared.folder / "taste.json").read_text())["taste"]
    says["j1"] |= taste
    (compared.folder / "jury.json").write_text(json.dumps(says))
    evaluation = {"evaluators": {"jury": {}, "exam": {}}, "responses_per_item": 2}
    report = compared.run(evaluation=evaluation)
    rows = {
        row["policy"]: row for row in report["evaluation"]["scores"] if row["evaluator"] == "jury"
    }
    assert (rows["rlhf"]["held_out"], rows["hybrid"]["held_out"]) == (False, True)
    assert rows["rlhf"]["value"] == 0.75
