"""The answer: its sentence, its badges, the decision table and the plot, by hand-made numbers."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from harness.report.answer import badges, decision_table, lines_of
from harness.report.build import build
from harness.report.differences import p_words
from harness.report.verdict import outcome
from harness.report.wording import MINUS, NONE, Names
from tests.support.told import told_difference

Data = dict[str, Any]
UP = told_difference(0.2, 0.1, 0.3, 0.001)
DOWN = told_difference(-0.2, -0.3, -0.1, 0.001)
FLAT = told_difference(0.02, -0.2, 0.24, 1.0)


def run(moves: dict[str, tuple[Data | None, ...]], seeds: int = 5, **more: Any) -> Data:
    """Return the data of a run whose arms moved so, on the evaluators right, kind, ..."""
    names = ("right", "kind", "short")[: max(map(len, moves.values()), default=1)]
    evaluators = [{"name": name, "held_out_for": list(moves)} for name in names]
    policies = [
        {"name": name, "seeds": list(range(seeds)), "kl": None} for name in ("base", *moves)
    ]
    scores = [
        {
            "evaluator": name, "policy": policy, "value": 0.5 + (change or {}).get("value", 0),
            "low": 0.4, "high": 0.8, "held_out": True, "difference": change,
        }
        for policy, changes in {"base": (None,) * len(names), **moves}.items()
        for name, change in zip(names, changes, strict=True)
    ]  # fmt: skip
    arms = [
        {"name": name, "sources": ["people"], "feedback_cost_usd": 1.5,
         "seeds": [{"seed": 0, "seconds": 30.0}, {"seed": 1, "seconds": 50.0}]}
        for name in moves
    ]  # fmt: skip
    evaluation = {
        "base": "base", "items": 40, "evaluators": evaluators, "policies": policies,
        "scores": scores, "wins": [],
    }  # fmt: skip
    return {"run": {"duration_s": 61.0}, "arms": arms, "evaluation": evaluation, **more}


@pytest.mark.parametrize(
    ("moves", "seeds", "said"),
    [
        ({}, 5, "No arm was trained, so nothing can be compared."),
        ({"dpo": (UP,)}, 5, "dpo got better at right."),
        ({"dpo": (UP,)}, 2, "dpo got better at right, in these two trainings."),
        ({"dpo": (UP,)}, 1, "dpo got better at right, in this one training."),
        ({"dpo": (FLAT,)}, 5, "No arm is shown to be better than base."),
        (
            {"dpo": (UP, FLAT), "ppo": (UP, UP), "grpo": (FLAT, FLAT)},
            5,
            "ppo got better at right and kind, dpo at right only.",
        ),
        ({"dpo": (UP, DOWN)}, 5, "No arm is shown to be better than base; dpo got better at right"
         " and worse at kind."),
        ({"dpo": (DOWN, FLAT)}, 5, "No arm is shown to be better than base; dpo got worse at"
         " right."),
        ({"dpo": (UP, UP), "ppo": (UP, DOWN)}, 5, "dpo got better at right and kind; ppo got"
         " better at right and worse at kind."),
    ],
)  # fmt: skip
def test_the_answer(moves: dict[str, tuple[Data | None, ...]], seeds: int, said: str) -> None:
    assert lines_of(run(moves, seeds))[0] == said


def test_lower_is_better_where_the_evaluator_says_so() -> None:
    data = run({"dpo": (UP,), "ppo": (DOWN,)})
    data["evaluation"]["evaluators"][0] |= {"name": "right", "direction": "lower"}
    assert lines_of(data)[0] == "ppo got better at right; dpo got worse at right."
    gained = "ppo gained most at right: -20 points (-30 to -10; lower is better)."
    assert lines_of(data)[1] == gained.replace("-", MINUS)
    tones = [cells[2].tone for cells in decision_table(data, Names()).body]
    assert tones == ["", "bad", "good"]
    data["plan"] = {"content": {"primary": "right"}}
    table = decision_table(data, Names())
    assert table.heads[2].heading == "right (primary, lower is better)"
    assert "feedback and one training together" in table.title


def test_the_time_of_the_first_screen_is_of_feedback_and_one_training() -> None:
    data = run({"dpo": (UP,)})
    data["arms"][0]["feedback_seconds"] = 187.0
    assert decision_table(data, Names()).body[1][-1].note == "3 min 47 s"


def test_a_planned_p_is_said_to_be_so() -> None:
    assert p_words(UP) == "p 0.001"
    assert p_words(UP | {"p_planned": 0.03}) == "planned: p 0.030 · p 0.001 among all"


def test_an_evaluator_with_the_rule_of_a_training_does_not_decide() -> None:
    data = run({"dpo": (UP, FLAT)})
    data["evaluation"]["evaluators"][0]["same_rule_as"] = [{"source": "verifier", "kappa": 1.0}]
    assert lines_of(data)[0] == "No arm is shown to be better than base."
    assert [head.heading for head in decision_table(data, Names()).heads] == [
        "arm", "against base", "kind", "cost, time",
    ]  # fmt: skip
    assert badges(data, Names())[0].text == "right: same rule as training"
    data["evaluation"]["evaluators"][1]["held_out_for"] = []
    assert lines_of(data)[0] == "Nothing is decided: no evaluator is held out from all training."


@pytest.mark.parametrize(
    ("moves", "told"),
    [
        ((UP, UP), "better"),
        ((UP, FLAT), "better at right"),
        ((UP, DOWN), "trade-off: better at right, worse at kind"),
        ((FLAT, DOWN), "worse at kind"),
        ((FLAT, FLAT), "no clear change"),
        ((None, None), "no clear change"),
    ],
)
def test_the_verdict_of_an_arm(moves: tuple[Data | None, ...], told: str) -> None:
    assert outcome("dpo", run({"dpo": moves})["evaluation"], Names())[0] == told


def test_an_arm_trained_on_an_evaluator_is_not_judged_by_it() -> None:
    evaluation = run({"dpo": (UP, FLAT), "ppo": (FLAT, FLAT)})["evaluation"]
    evaluation["scores"][2]["held_out"] = False
    assert outcome("dpo", evaluation, Names())[0] == "no clear change"


def test_an_arm_that_did_not_move_is_said_to_be_still() -> None:
    evaluation = run({"dpo": (UP, UP)})["evaluation"]
    evaluation["policies"][1]["kl"] = {"value": 0.001, "low": -0.01, "high": 0.012}
    assert outcome("dpo", evaluation, Names()) == ("did not move", "muted")


def test_badges_name_what_limits_the_answer() -> None:
    turned = {"pairs": 10, "turned": 9, "first": 1, "soft": False}
    gate = {"source": "judge", "statistic": "cohen_kappa", "value": 0.1, "limit": 0.4,
            "outcome": "fail", "action": "warn", "passed": False}  # fmt: skip
    data = run({"dpo": (UP,)}, seeds=2, gates=[gate, gate | {"outcome": "undecided"}], old=True)
    data["arms"][0]["sources"] = ["judge", "people"]
    data["sources"] = [
        {
            "name": "judge",
            "judgments": 100,
            "ok": 90,
            "position": turned,
            "failures": {"timeout": 10},
        },
        {"name": "people", "judgments": 5, "ok": 5, "simulated": True, "roles": ["reward"]},
        {"name": "spare", "judgments": 5, "ok": 5, "simulated": True, "roles": []},
    ]
    assert [badge.text for badge in badges(data, Names())] == [
        "old report",
        "2 seeds",
        "simulated people",
        "judge picks the second answer",
        "judge failed its gate",
        "judge: 10% without a verdict",
    ]
    assert lines_of(data)[3].startswith("Limits: old report, 2 seeds, simulated people, judge")
    data["gates"] = [gate | {"action": "drop"}]  # it gave no reward
    assert "gate" not in " ".join(badge.text for badge in badges(data, Names()))


def test_who_is_ruled_out_stands_beside_who_gained() -> None:
    data = run({"dpo": (UP,), "ppo": (UP,), "grpo": (UP,)})
    row = {"rule": "gate-failed", "text": "", "arm": "dpo", "criterion": None}
    others = [{**row, "arm": "ppo"}, {**row, "criterion": "right", "arm": "grpo"}]
    data["method"] = {"answer": "Use X.", "against": [row, *others]}
    assert lines_of(data)[0] == "Use X."
    assert lines_of(data)[1].endswith("points (+10 to +30); ruled out: dpo and ppo (gate failed).")


def test_what_people_cost_is_not_known_and_never_nothing() -> None:
    data = run({"dpo": (UP,)})
    judge = {"name": "judge", "kind": "judge", "judgments": 0, "ok": 0}
    human = {"name": "people", "kind": "human", "judgments": 0, "ok": 0}
    data["sources"] = [judge, human]
    cost = decision_table(data, Names()).body[1][-1]
    assert (cost.text, cost.note) == ("not known", "40 s")
    data["arms"][0]["sources"] = ["judge"]
    assert decision_table(data, Names()).body[1][-1].text == "$1.50"
    data["sources"][0]["simulated"] = True
    assert decision_table(data, Names()).body[1][-1].text == "not known"


def test_an_arm_without_a_policy_stands_in_the_table() -> None:
    data = run({"dpo": (UP,)})
    data["arms"].append({"name": "ppo", "sources": [], "feedback_cost_usd": 0.0, "seeds": []})
    assert [cell.text for cell in decision_table(data, Names()).body[2]] == [
        "ppo", "not trained", NONE, "$0",
    ]  # fmt: skip


def test_three_forms_say_the_same_first(made_up: Data, tmp_path: Path) -> None:
    page = build(deepcopy(made_up), tmp_path)
    text, marked = page.read_text(), (tmp_path / "report.md").read_text()
    first = lines_of(made_up)[0]
    assert text.index(first) < text.index("<nav") and first in marked.split("\n")[2]
    assert text.index('class="badges"') < text.index('class="beside"') < text.index("<nav")
    assert "2 seeds" in marked.split("\n")[4]


def test_an_arm_with_a_hostile_name_stays_text(made_up: Data, tmp_path: Path) -> None:
    data = deepcopy(made_up)
    name = "<script>x</script>"
    for row in data["evaluation"]["scores"] + data["evaluation"]["policies"]:
        for key in ("policy", "name"):
            if row.get(key) == "rlvr":
                row[key] = name
    for row in data["evaluation"]["wins"]:
        row |= {key: name for key in ("a", "b") if row[key] == "rlvr"}
    data["arms"][2]["name"] = name
    assert "<script>x" not in build(data, tmp_path).read_text()


def test_a_gain_of_two_trainings_is_told_with_their_interval() -> None:
    few = {**UP, "low": -0.6, "high": 1.0, "seeds": 2, "verdict": "unclear",
           "trainings": {"low": 0.1, "high": 0.3, "verdict": "raised"}}  # fmt: skip
    data = run({"dpo": (few,)}, seeds=2)
    assert lines_of(data)[1] == "dpo gained most at right: +20 points (+10 to +30)."


def asked(arm: str, value: float | None, verdict: str, *, simulated: bool) -> Data:
    half = None if value is None else 0.1
    ends = {"low": value - half, "high": value + half} if value and half else {}
    return {
        "arm": arm, "simulated": simulated, "by": "right", "verdict": verdict, "pairs": 20,
        "corrected": {"value": value, "low": None, "high": None, **ends},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("simulated", "who"), [(False, "preferred by people"), (True, "preferred by simulated people")]
)
def test_the_table_has_whom_people_prefer_where_they_were_asked(simulated: bool, who: str) -> None:
    rows = [
        asked("dpo", 0.7, "preferred", simulated=simulated),
        asked("ppo", 0.3, "rejected", simulated=simulated),
        asked("grpo", None, "undecided", simulated=simulated),
    ]
    data = run({"dpo": (UP,), "ppo": (DOWN,), "grpo": (FLAT,), "sft": (FLAT,)}, people=rows)
    table = decision_table(data, Names())
    (place,) = [k for k, head in enumerate(table.heads) if head.heading == who]
    told = {row[0].text: row[place] for row in table.body}
    assert (told["dpo"].text, told["dpo"].note, told["dpo"].tone) == ("70%", "60 to 80", "good")
    assert (told["ppo"].text, told["ppo"].tone) == ("30%", "bad")
    assert told["grpo"].text == told["sft"].text == told["base"].text == NONE
    data.pop("people")
    assert not any("preferred" in head.heading for head in decision_table(data, Names()).heads)


def test_a_judge_that_goes_by_the_place_shows_no_interval() -> None:
    """All of its pairs are ties for that: 50% (43 to 57) would look like proof of equality."""
    row = {"evaluator": "right", "policy": "dpo", "turned": {"value": 1.0, "n": 40},
           "inconsistent": 39}  # fmt: skip
    data = run({"dpo": (FLAT, UP)})
    data["evaluation"]["against_base"] = [row]
    blind, other = next(r for r in decision_table(data, Names()).body if r[0].text == "dpo")[2:4]
    assert blind.note == "went by the place in 98%" and blind.tone == "muted"
    assert "to" in other.note
    row["inconsistent"] = 10
    seeing = next(r for r in decision_table(data, Names()).body if r[0].text == "dpo")[2]
    assert "to" in seeing.note and "place" not in seeing.note


def test_of_few_trainings_the_planned_test_stands_beside_the_gain() -> None:
    few = UP | {"seeds": 2, "p_planned": 0.38}
    few["trainings"] = {**UP, "verdict": "raised", "p_holm": 0.003}
    (line,) = [one for one in lines_of(run({"dpo": (few,)}, seeds=2)) if "gained most" in one]
    assert "not shown of the method (planned test: p 0.380)" in line
    sure = run({"dpo": (UP | {"p_planned": 0.001},)})
    assert not any("planned test" in line for line in lines_of(sure))


def test_where_no_method_is_named_the_answer_says_so() -> None:
    none = {
        "answer": None,
        "choices": [{"arm": None, "slice": None, "text": "None yet."}],
        "against": [],
    }
    data = run({"dpo": (UP,), "ppo": (FLAT,)}, method=none)
    assert lines_of(data)[0] == "No method yet: dpo got better at right."
