"""Sentences follow from the numbers, whichever way these come out."""

from __future__ import annotations

import copy
import json
import random
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.report.corrected import corrected_table
from harness.report.differences import printed, said
from harness.report.findings import findings, limitations
from harness.report.gates import gate_sentence
from harness.report.svg import Axis, round_ticks, spread
from harness.report.wording import Names, number, p_value, percent, plain, seconds
from tests.support.told import told_difference

Data = dict[str, Any]


@pytest.mark.parametrize(
    ("start", "end", "digits"),
    [(0.5, 0.58, 2), (0.504, 0.516, 3), (0.5049, 0.5151, 3), (0.1, 0.1, 2), (0.7, 0.62, 2)],
)
def test_from_to_and_change_agree_as_printed(start: float, end: float, digits: int) -> None:
    row = {"from": start, "to": end, "value": end - start}
    texts = printed(row)
    assert texts[0] == f"{start:.{digits}f}" and texts[1] == f"{end:.{digits}f}"
    numbers = [float(text.replace("\N{MINUS SIGN}", "-")) for text in texts]
    assert numbers[1] - numbers[0] == pytest.approx(numbers[2], abs=1e-9)


def test_any_three_numbers_agree_as_printed() -> None:
    dice = random.Random(1)
    for _ in range(2000):
        start, end = dice.random(), dice.random()
        texts = printed({"from": start, "to": end, "value": end - start})
        numbers = [float(text.replace("\N{MINUS SIGN}", "-")) for text in texts]
        assert numbers[1] - numbers[0] == pytest.approx(numbers[2], abs=1e-9)
        assert numbers == pytest.approx([start, end, end - start], abs=0.0051)


def test_an_arm_that_got_worse_is_said_to(made_up: Data) -> None:
    data = copy.deepcopy(made_up)
    for row in data["evaluation"]["scores"]:
        if row["policy"] == "hybrid":
            row["value"] = 0.1
            row["difference"] = told_difference(-0.4, -0.45, -0.35, 0.0001)
    lines = [line for line in findings(data) if line.startswith("hybrid ")]
    assert [line.split(" from ")[0] for line in lines[:2]] == [
        "hybrid lowered correctness", "hybrid lowered style (simulated)",
    ]  # fmt: skip
    assert "to 0.10 (\N{MINUS SIGN}0.40), which is worse." in lines[0]


def test_training_on_the_evaluator_is_said(made_up: Data) -> None:
    lines = [line for line in findings(made_up) if "trained on it" in line]
    assert [line.split(" from ")[0] for line in lines] == [
        "In these two trainings, rlvr raised correctness"
    ]


def test_best_arm_follows_the_win_rates(made_up: Data) -> None:
    data = copy.deepcopy(made_up)
    (said,) = [line for line in findings(data) if "highest win rate" in line]
    wins = [row for row in data["evaluation"]["wins"] if row["criterion"] == "combined"]
    # correctness trained rlvr, which so has no win rate by both.
    assert {row["a"] for row in wins} == {"base", "rlhf", "rlaif", "hybrid"}
    assert {tuple(row["evaluators"]) for row in wins} == {("correctness", "style")}
    best = max((row for row in wins if row["b"] == "base"), key=lambda row: row["value"])
    assert best["a"] == "hybrid" and best["trainings"]["low"] > 0.5
    start = "In these two trainings, hybrid has the highest win rate against base by correctness"
    assert said.startswith(start)
    ahead = {row["b"]: row["trainings"]["low"] > 0.5 for row in wins if row["a"] == "hybrid"}
    assert ahead == {"base": True, "rlhf": True, "rlaif": True}
    assert said.endswith("; it also beats every other arm.")
    for row in data["evaluation"]["wins"]:
        if row["criterion"] == "combined":
            row |= {"value": 0.5, "trainings": {"low": 0.45, "high": 0.55}}
    assert "By all held-out evaluators together, no arm beats base clearly." in findings(data)


def test_an_untrained_arm_is_named(made_up: Data) -> None:
    data = copy.deepcopy(made_up)
    data["arms"].append(data["arms"][1] | {"name": "ghost", "dropped": ["small_judge"]})
    assert "ghost was not trained: the gates dropped small_judge." in findings(data)


def test_lost_diversity_is_named(made_up: Data) -> None:
    data = copy.deepcopy(made_up)
    assert not any("diversity" in line for line in findings(data))
    next(p for p in data["evaluation"]["policies"] if p["name"] == "rlaif")["distinct_2"] = 0.01
    (line,) = [line for line in findings(data) if "diversity" in line]
    assert line.startswith("rlaif lost")


def test_failures_are_named(made_up: Data) -> None:
    (line,) = [line for line in findings(made_up) if "gave a verdict in" in line]
    assert line.startswith("small_judge gave a verdict in 90% of 600 judgments (48 unparseable")


def test_a_gate_names_simulated_people(made_up: Data) -> None:
    unknown = made_up["gates"][0] | {"value": None, "reason": "dropped: people gave one label"}
    said = gate_sentence(unknown, Names.of_run(made_up))
    assert said == "small_judge: dropped: people (simulated) gave one label."
    assert [line for line in findings(made_up) if "Cohen's kappa" in line] == [
        "small_judge agrees with people (simulated) at Cohen's kappa 0.03"
        " (\N{MINUS SIGN}0.05 to 0.11), below the minimum of 0.10: its weight was set to 0.03;"
        " the interval holds the minimum, so with other labels it could have gone the other way."
    ]


def test_limitations_name_what_is_made_up(made_up: Data) -> None:
    lines = limitations(made_up)
    assert any("people (simulated) and style (simulated): a program made" in x for x in lines)
    assert any("share its preference data" in line for line in lines)
    assert any("8 differences to base" in line for line in lines)


def test_real_people_are_not_called_simulated(made_up: Data) -> None:
    data = copy.deepcopy(made_up)
    for source in [*data["sources"], *data["evaluation"]["evaluators"]]:
        source["simulated"] = False
    for row in data["agreement"]["tables"][0]["audit"]["coverage"]:
        row["simulated"] = False
    assert not any("simulated" in line for line in [*findings(data), *limitations(data)])


def test_names(made_up: Data) -> None:
    names = Names.of_run(made_up)
    assert names.source("style") == "style (simulated)"
    assert names.source("simulated-0") == "simulated-0"
    assert names.source("correctness") == "correctness"
    assert (
        names.mentions("style - small_judge, my-style")
        == "style (simulated) - small_judge, my-style"
    )
    assert names.sentence("people/simulated-1") == "people/simulated-1"
    assert names.short("people/simulated-1 - people/simulated-2") == "simulated-1 - simulated-2"
    assert names.prose("people and simulated people") == "people (simulated) and simulated people"


def test_numbers_in_words() -> None:
    assert number(-0.004) == "0.00"
    assert number(-0.5, sign=True) == "\N{MINUS SIGN}0.50"
    assert number(None) == "\N{EN DASH}"
    assert [percent(x) for x in (0.0, 0.0001, 0.004, 0.5, 0.998, 0.9999, 1.0)] == [
        "0%", "<0.1%", "0.4%", "50%", "99.8%", ">99.9%", "100%",
    ]  # fmt: skip
    assert (p_value(0.0), p_value(0.0412)) == ("<0.001", "0.041")
    assert [seconds(x) for x in (3.14, 59.7, 61, 3725)] == [
        "3.1 s", "1 min 00 s", "1 min 01 s", "1 h 02 min",
    ]  # fmt: skip
    assert plain("x" * 5000).endswith("… (1,000 more characters)")
    assert plain("a\x1b[31mb\nc\td") == "a\ufffd[31mb\nc\td"


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 1, [0, 0.25, 0.5, 0.75, 1]), (0, 61, [0, 20, 40, 60]), (-0.3, 1, [0, 0.5, 1])],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert round_ticks(low, high, 4) == pytest.approx(ticks)
    axis = Axis(low, high, 0, 100)
    places = [100 * (tick - low) / (high - low) for tick in ticks]
    assert [axis(tick) for tick in axis.ticks] == pytest.approx(places)


def test_tick_labels_have_the_decimals_of_their_step() -> None:
    assert [Axis(0, 1, 0, 1).label(t) for t in (0, 0.25)] == ["0.00", "0.25"]
    assert Axis(0, 4000, 0, 1).label(2000) == "2,000"
    assert Axis(-2, 2, 0, 1).label(-1) == "\N{MINUS SIGN}1"
    assert Axis(5, 5, 0, 100)(5) == 50  # a flat line has an axis too
    assert 5 in Axis(5, 5, 0, 100).ticks


def test_labels_do_not_overlap() -> None:
    places = spread([50, 50, 51, 90], 10, 0, 100)
    assert all(b - a >= 9.99 for a, b in pairwise(places))  # and so in their order
    assert all(0 <= place <= 100 for place in places)


MINUS = "\N{MINUS SIGN}"
STILL: list[tuple[tuple[float | None, float | None, float | None] | None, str]] = [
    # value, low, high; what is said of a policy that did not move
    ((0.0, 0.0, 0.0), "0.00 nats per response (95% interval 0.00 to 0.00)"),
    ((0.004, -0.002, 0.01), "0.00 nats per response (95% interval 0.00 to 0.01)"),
    ((0.004, 0.001, 0.008), "0.00 nats per response (95% interval 0.00 to 0.01)"),
    ((-0.004, None, None), "0.00 nats per response,"),
    ((0.006, 0.0, 0.01), "0.01 nats per response (95% interval 0.00 to 0.01)"),
    ((-0.02, -0.04, 0.01), f"{MINUS}0.02 nats per response (95% interval {MINUS}0.04 to 0.01)"),
    ((0.01, -0.01, 0.03), f"0.01 nats per response (95% interval {MINUS}0.01 to 0.03)"),
    ((0.02, 0.005, 0.03), ""),
    ((-0.03, -0.045, -0.01), ""),
    ((0.006, None, None), ""),
    ((0.02, -0.01, 0.05), ""),
    ((0.001, -0.3, 0.3), ""),
    ((None, None, None), ""),
    (None, ""),
]


@pytest.mark.parametrize(("kl", "still"), STILL)
def test_a_policy_that_did_not_move_raised_nothing(made_up: Data, kl: Any, still: str) -> None:
    data = copy.deepcopy(made_up)
    policy = next(p for p in data["evaluation"]["policies"] if p["name"] == "rlvr")
    policy["kl"] = kl and dict(zip(("value", "low", "high"), kl, strict=True))
    (line, *_) = (line for line in findings(data) if re.match(r"(In these .*, )?rlvr ", line))
    assert ("did not move measurably" in line) == bool(still)
    assert f"from base is {still}" in line or not still
    assert ("raised" in line or "change" in line) == (not still)


@pytest.mark.parametrize(
    ("learnt", "model", "pairs", "unused", "right"),
    [
        (("preferences", 3, 3, {}), None, 3, {"tie": 37},
         "a was trained on 3 preferences of 40 pairs (37 tie): too few to learn much from."),
        (("preferences", 40, 3, {"too long": 37}), None, 40, {},
         "a was trained on 3 preferences of 40 pairs (37 too long): too few to learn much from."),
        (("completions", 4, 1, {"too long": 3}), None, 4, {"tie": 6},
         "a was trained on 1 preference of 10 pairs (6 tie, 3 too long): too few to learn much"
         " from."),
        (("preferences", 300, 100, {"too long": 200}), None, 300, {},
         "a was trained on 100 preferences of 300 pairs (200 too long)."),
        (("prompts", 50, 4, {"too long": 46}), None, 0, {},
         "a was trained on 4 prompts of 50 prompts (46 too long): too few to learn much from."),
        (("prompts", 50, 50, {}), {"n_train": 3}, 4, {"tie": 36},
         "The reward model of a was trained on 3 preferences of 40 pairs (36 tie): too few to learn"
         " much from."),
        (("prompts", 8, 8, {}), None, 0, {}, None),
        (("preferences", 300, 290, {"tied": 10}), None, 300, {"tie": 12}, None),
        (None, None, 3, {"tie": 37}, None),
    ],
)  # fmt: skip
def test_an_arm_that_learnt_from_little_says_so(
    learnt: Any, model: Any, pairs: int, unused: dict[str, int], right: str | None
) -> None:
    keys = ("what", "rows", "used", "left_out")
    seed = {"learnt": learnt and dict(zip(keys, learnt, strict=True)), "reward_model": model}
    arm = {"name": "a", "n_preferences": pairs, "unused_pairs": unused, "seeds": [seed]}
    lines = [line for line in findings({"arms": [arm]}) if "was trained on" in line]
    assert lines == ([right] if right else [])


def of_people(value: float | None, low: float | None, high: float | None, p: float | None) -> Data:
    """A difference corrected with labels, whose interval is over prompts."""
    found = told_difference(value, low, high, p, seeds=2)
    del found["from"], found["to"]
    return found | {"interval_over": "prompts", "reason": ""}


def test_where_people_correct_a_judge_the_sentence_is_theirs(made_up: Data) -> None:
    """A judge that favours one arm's style does not decide; its own difference is the table's."""
    made_up = copy.deepcopy(made_up)
    evaluation = made_up["evaluation"]
    judge, arm = evaluation["evaluators"][0]["name"], "rlvr"
    (mine,) = (
        row for row in evaluation["scores"] if (row["evaluator"], row["policy"]) == (judge, arm)
    )
    assert mine["difference"]["low"] > 0.2  # by the judge alone
    found = of_people(0.02, -0.03, 0.04, 0.5)
    row = {
        "evaluator": judge, "people": "people", "policy": arm, "labels": 80, "decides": "corrected",
        "judged": mine["difference"], "labelled": found, "corrected": found,
    }  # fmt: skip
    words = {
        "left": found,
        "raised": of_people(0.1, 0.05, 0.15, 0.001),
        "lowered": of_people(-0.1, -0.15, -0.05, 0.001),
        "showed no clear change of": of_people(0.02, -0.3, 0.04, 0.5),
    }
    for word, corrected in words.items():
        evaluation["corrected"] = [row | {"corrected": corrected}]
        (line,) = (one for one in findings(made_up) if f"{arm} {word} {judge}" in one)
        assert (
            line.startswith("In these two trainings, ")
            and "corrected with labels of people (simulated)" in line
        )
        assert "from 0.5" not in line
        assert any("which labels do not correct" in one for one in findings(made_up))
    table = corrected_table(evaluation, str, Names.of_run(made_up).prose)
    assert table is not None and table.heads[2].heading == "people (simulated)"
    assert "with people (simulated)'s labels" in table.title
    unknown = of_people(None, None, None, None)
    evaluation["corrected"] = [row | {"corrected": unknown, "decides": "judge"}]
    (line,) = (one for one in findings(made_up) if f"{arm} raised {judge} from" in one)
    assert "corrected" not in line


def test_no_arm_of_the_example_damages_what_it_is_not_paid_for(repo_root: Path) -> None:
    """Whoever makes the example anew sees here if an arm learns sums by heart again."""
    path = repo_root / "reports" / "example-arithmetic" / "report.json"
    rows = json.loads(path.read_text())["evaluation"]["scores"]
    found = {(row["policy"], row["evaluator"]): said(row["difference"]) for row in rows}
    assert len(found) == 15 and "lowered" not in found.values()
    for key in (("rlaif", "sentence"), ("rlhf", "sentence"), ("rlvr", "near"), ("hybrid", "near")):
        assert found[key] == "raised"
