"""What is noticed in a training while it runs: each alarm where it belongs, and no false one."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from harness.train.alarms import Alarms, alarms_of, noticed
from harness.train.log import read_log
from harness.train.monitor import standard_error
from harness.train.result import TrainingFolder

Rows = list[dict[str, Any]]


def steps(n: int, **columns: Any) -> Rows:
    """Rows 0 to n; a column is a function of the step, and absent where it returns None."""
    rows: Rows = []
    for step in range(n + 1):
        values = {key.replace("__", "/"): rule(step) for key, rule in columns.items()}
        rows.append({"step": step, **{key: v for key, v in values.items() if v is not None}})
    return rows


def every(n: int, rule: Any) -> Any:
    return lambda step: rule(step) if step % n == 0 else None


PROMPTS = [f"p{n}" for n in range(64)]


def gold(share: float, samples: int = 4, seed: int = 0) -> dict[str, float]:
    """Means of prompts that are right with this chance."""
    dice = random.Random(f"{share} {samples} {seed}")
    return {p: sum(dice.random() < share for _ in range(samples)) / samples for p in PROMPTS}


def hacked(fall: float, rise: float = 1.0, key: str = "reward", samples: int = 4) -> Rows:
    return steps(
        40,
        **{
            key: lambda s: rise * s / 40 + 0.01 * (s % 3) if s else None,
            "held_out__samples": every(10, lambda s: samples),
            "held_out__gold_by_prompt__people": every(
                10, lambda s: gold(0.6 - fall * s / 40, samples, s)
            ),
        },
    )


CASES: dict[str, tuple[Rows, set[str]]] = {
    "proxy up, gold down": (hacked(0.4), {"reward_hacking"}),
    "the margin of DPO is a proxy, too": (hacked(0.4, key="reward_margin"), {"reward_hacking"}),
    "a trainer without any reward": (hacked(0.4, key="loss"), {"reward_hacking"}),
    "gold down by less than its noise": (hacked(0.08), set()),
    "gold up": (hacked(-0.4), set()),
    "gold down while the reward falls, too": (hacked(0.4, rise=-1.0), {"reward_hacking"}),
    "a gold reward that rose first": (
        hacked(-0.3) + [row | {"step": row["step"] + 40} for row in hacked(0.5)][1:],
        {"reward_hacking"},
    ),
    "a gold reward that was not defined": (
        [row | {"held_out/gold_by_prompt/people": {"p1": None}} for row in hacked(0.4)],
        set(),
    ),
    "a log of an earlier version": (
        steps(40, held_out__gold__people=every(10, lambda s: 0.9 - s / 50)),
        set(),
    ),
    "one text for all": (
        steps(30, held_out__unique=every(10, lambda s: 0.95 if s < 20 else 1 / 64)),
        {"mode_collapse"},
    ),
    "few words left": (
        steps(30, held_out__distinct_2=every(10, lambda s: 0.5 if s < 20 else 0.1)),
        {"mode_collapse"},
    ),
    "one look with few words": (
        steps(40, held_out__distinct_2=every(10, lambda s: 0.1 if s == 20 else 0.5)),
        set(),
    ),
    "small batches that are alike by luck": (
        steps(40, unique=lambda s: 0.125 if s % 5 in (1, 2) else 1.0),
        set(),
    ),
    "small batches that are far by luck": (
        steps(
            40,
            kl_sequence=lambda s: 40.0 if s % 5 in (1, 2) else 2.0,
            kl_token=lambda s: 2.0 if s % 5 in (1, 2) else 0.1,
        ),
        set(),
    ),
    "collapse of what is sampled in training": (
        steps(20, unique=lambda s: 1.0 if s < 9 else 0.02),
        {"mode_collapse"},
    ),
    "as diverse as the demo's least diverse training": (
        steps(20, held_out__distinct_2=every(10, lambda s: 0.537 if s < 20 else 0.296)),
        set(),
    ),
    "texts of one word have no pairs of them": (
        steps(20, held_out__distinct_2=lambda s: 0.0, held_out__unique=lambda s: 0.06),
        set(),
    ),
    "far from the reference": (
        steps(20, kl_sequence=lambda s: 4.0 * s, kl_token=lambda s: 0.2 * s),
        {"kl_runaway"},
    ),
    "far at a look": (
        steps(20, held_out__kl_sequence=lambda s: 30.0, held_out__kl_token=lambda s: 1.0),
        {"kl_runaway"},
    ),
    "GRPO says the KL of a token only": (
        steps(20, kl_token=lambda s: 0.1 * s, length=lambda s: 40.0),
        {"kl_runaway"},
    ),
    "long answers are far by many small steps": (
        steps(20, kl_sequence=lambda s: 60.0, kl_token=lambda s: 0.06),
        set(),
    ),
    "short answers are far by one": (
        steps(20, kl_sequence=lambda s: 4.6, kl_token=lambda s: 2.3),
        set(),
    ),
    "a critic that explains nothing": (
        steps(40, explained_variance=lambda s: -0.1 if s else None),
        {"critic_useless"},
    ),
    "a critic that does not learn": (
        steps(40, explained_variance=lambda s: 2e-6),
        {"critic_useless"},
    ),
    "a critic that needs its time": (
        steps(40, explained_variance=lambda s: (s - 15) / 40 if s else None),
        set(),
    ),
    "a critic that had no time": (
        steps(19, explained_variance=lambda s: -0.1 if s else None),
        set(),
    ),
    "a quarter of a long training": (
        [row | {"total_steps": 200} for row in steps(49, explained_variance=lambda s: -0.1)],
        set(),
    ),
    "some bad steps": (
        steps(40, explained_variance=lambda s: -1.0 if s % 3 == 0 else 0.3),
        set(),
    ),
    "an empty log": ([], set()),
    "what is no number": (
        [
            {
                "step": 30,
                "kl_token": "far",
                "kl_sequence": [],
                "unique": {},
                "reward": True,
                "explained_variance": math.nan,
                "held_out/gold/g": "x",
                "held_out/gold_by_prompt/g": {"p": "x"},
                "held_out/gold_by_prompt/h": 3,
            },
            {"explained_variance": "none"},
        ],
        set(),
    ),
    "nulls": ([{"step": 3, "kl_token": None, "unique": None, "explained_variance": None}], set()),
}


@pytest.mark.parametrize("name", CASES)
def test_each_alarm_where_it_belongs(name: str) -> None:
    rows, kinds = CASES[name]
    assert set(alarms_of(rows)) == kinds


def test_a_kind_is_said_once_at_the_first_row_that_shows_it() -> None:
    alarms = Alarms()
    said = [(row["step"], set(found)) for row in hacked(0.6) if (found := alarms.see(row))]
    assert said == [(20, {"reward_hacking"})]


def test_sentences_have_the_numbers_and_a_way_out() -> None:
    rows = [row for name in ("proxy up, gold down", "one text for all") for row in CASES[name][0]]
    lines = alarms_of(rows)
    assert lines["reward_hacking"].startswith(
        "look: the held-out gold reward people fell from its peak in step 0 (0.59 to 0.48), while"
        " the reward rose (0.09 to 0.21): a sign of reward hacking, which the final evaluation"
    )
    assert "share of different texts 0.016, 0.950 at the start" in lines["mode_collapse"]


def test_a_gold_reward_that_only_wobbles_is_no_hacking() -> None:
    """200 trainings with a rising reward and 20 looks at 64 x 4 answers, right half the time.

    At most 1% are to be called hacked; 7 of 200 have a chance of 1 in 200 at that rate.
    """
    dice = random.Random(0)
    false = 0
    for _ in range(200):
        alarms = Alarms()
        for step in range(0, 201, 10):
            looked = {p: dice.getrandbits(4).bit_count() / 4 for p in PROMPTS}
            row = {"held_out/gold_by_prompt/g": looked, "held_out/samples": 4}
            false += bool(alarms.see({"step": step, "reward": step + dice.random(), **row}))
    assert false <= 6


def test_the_standard_error_goes_by_prompts() -> None:
    """Means of prompts 1, 0, .5, 1: as of four numbers; with None, by the sums of what is known."""
    by_hand = math.sqrt((0.375**2 * 2 + 0.625**2 + 0.125**2) / 3 / 4)
    assert standard_error([1, 1, 0, 0, 1, 0, 1, 1], 2) == pytest.approx(by_hand)
    assert standard_error([1, 0, 0.5, 1], 1) == pytest.approx(by_hand)
    assert standard_error([1, None, 0, None, 0.5, None, 1, None], 2) == pytest.approx(by_hand)
    for unknown in ([], [None, None], [1.0], [1.0, 0.0]):
        assert math.isnan(standard_error(unknown, 2))


def test_the_log_has_the_alarms_also_after_a_kill(tmp_path: Path) -> None:
    rows, seen = hacked(0.6), list[dict[str, Any]]()
    for first, last in ((0, 15), (15, 40)):
        folder = TrainingFolder(tmp_path / "t", {}, seen.append)
        folder.rewind(first)
        folder.total_steps = 40
        for row in rows[first + bool(first) : last + 1]:
            folder.log(row)
    log = read_log(tmp_path / "t" / "log.jsonl")
    assert [row["step"] for row in log if "alarms" in row] == [20]
    assert log[20]["alarms"] == alarms_of(rows) and log[20]["total_steps"] == 40
    assert json.loads(json.dumps(seen)) == log
    (line,) = noticed(log)
    assert line == f"warning: in step 20 {log[20]['alarms']['reward_hacking']}"


def test_no_false_alarm_in_the_trainings_of_the_example_report(repo_root: Path) -> None:
    """Eight real trainings: PPO, DPO and GRPO; whatever their rewards, none went wrong."""
    report = json.loads((repo_root / "reports" / "example-arithmetic" / "report.json").read_text())
    logs = {(arm, seed): log for arm, by in report["curves"].items() for seed, log in by.items()}
    assert len(logs) == 8
    assert all("held_out/gold_se/correctness" in log[0] for log in logs.values())
    assert {key: found for key, log in logs.items() if (found := alarms_of(log))} == {}
