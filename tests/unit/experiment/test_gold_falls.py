"""Gold that fell in a run's trainings: its looks by prompt, held to the evaluation's answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.experiment.stages.evaluate import Evaluation
from harness.experiment.stages.gold import gold_falls, overoptimisation
from harness.experiment.stages.judge import Judged
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.report.curves import falls
from harness.report.findings import findings
from harness.report.schema import unknown
from harness.report.wording import Names

ITEMS = [Item(f"i{n}", f"{n}?", metadata={"cluster": f"c{n // 2}"}) for n in range(40)]
MARKS = Scale("interval", low=0, high=10)


def evaluation(marks: dict[tuple[str, int], float | None]) -> Evaluation:
    """Each policy gets the same mark, of 10, for its two answers to each item."""
    criterion = Criterion("exam", "", MARKS)
    responses: dict[tuple[str, int], list[Response]] = {}
    requests, judgments = [], []
    for (policy, seed), mark in marks.items():
        for item in ITEMS:
            for sample in "ab":
                name = f"{policy}{seed}{item.id}{sample}"
                response = Response(name, item.id, policy, name)
                responses.setdefault((policy, seed), []).append(response)
                request = JudgmentRequest(f"r{name}", item, (response,), criterion)
                requests.append(request)
                verdict = Verdict(Status.TIMEOUT) if mark is None else Verdict(Status.OK, mark)
                judgments.append(Judgment(request.id, "exam", "1", "exam", verdict))
    source = SimpleNamespace(name="exam", info=SimpleNamespace(kind="verifier", scale=MARKS))
    return Evaluation(responses, {"exam": Judged(source, requests, judgments)}, {})  # type: ignore[arg-type]


def trained(arm: str, golds: list[float], key: str = "reward", watched: bool = True) -> Any:
    """A training with a look each tenth step; which of its items is worse differs a little."""
    rows: list[dict[str, Any]] = []
    for step in range(10 * len(golds) - 9):
        row: dict[str, Any] = {"step": step, key: step / 10}
        if step % 10 == 0:
            by_prompt = {one.id: golds[step // 10] + n % 3 / 50 for n, one in enumerate(ITEMS)}
            row |= {"held_out/gold_by_prompt/exam": by_prompt, "held_out/samples": 4}
        rows.append(row)
    return SimpleNamespace(arm=arm, seed=0, watched=watched, log=lambda: rows)


def experiment(monitor: str | None = "exam", direction: str = "higher") -> Any:
    read = {"exam": SimpleNamespace(direction=direction)}
    config = SimpleNamespace(evaluation=SimpleNamespace(monitor=monitor, evaluators=read))
    return SimpleNamespace(config=config, evaluation=ITEMS)


def test_each_training_is_held_to_what_the_evaluator_says_of_its_answers() -> None:
    trainings = [
        trained("ppo", [0.5, 0.9, 0.6]),
        trained("dpo", [0.5, 0.9, 0.6], "reward_margin"),
        trained("sft", [0.5, 0.4, 0.3], "loss"),
        trained("luck", [0.5, 0.9, 0.6]),
        trained("silent", [0.5, 0.9, 0.6]),
        trained("fine", [0.5, 0.6, 0.9]),
        trained("older", [0.5, 0.9, 0.6], watched=False),
    ]
    marks: dict[tuple[str, int], float | None] = {
        ("base", 0): 5, ("ppo", 0): 6, ("dpo", 0): 6, ("sft", 0): 3, ("luck", 0): 10,
        ("silent", 0): None, ("fine", 0): 9, ("older", 0): 6,
    }  # fmt: skip
    rows = {row["arm"]: row for row in gold_falls(experiment(), evaluation(marks), trainings)}
    assert {arm: row["verdict"] for arm, row in rows.items()} == {
        "ppo": "fell", "dpo": "fell", "sft": "fell", "luck": "unconfirmed",
        "silent": "unconfirmed", "fine": "no fall", "older": "unknown",
    }  # fmt: skip
    assert [rows[arm]["proxy"] is not None for arm in ("ppo", "dpo", "sft")] == [True, True, False]
    assert unknown({"gold_falls": list(rows.values())}) == []
    ppo = rows["ppo"]
    assert (ppo["gold"], ppo["peak"], ppo["last"], ppo["clusters"]) == ("exam", 10, 20, 20)
    assert ppo["after"] - ppo["before"] == pytest.approx(ppo["value"]) == pytest.approx(-0.3)
    # 10 marks are 1; the peak is .9 to .94, the answers 6 of 10.
    assert ppo["evaluated"]["value"] == pytest.approx(0.6 - 0.9 - 39 / 40 / 50, abs=1e-6)
    # Its peak is the first look, for which base's own answers stand.
    assert rows["sft"]["peak"] == 0
    assert rows["sft"]["evaluated"]["value"] == pytest.approx(-0.2)


def test_of_what_should_be_low_the_rise_from_its_lowest_is_the_fall() -> None:
    """Harm of .5, .1, .4 got worse; of .5, .4, .1 it got better all along."""
    trainings = [trained("hacked", [0.5, 0.1, 0.4]), trained("fine", [0.5, 0.4, 0.1])]
    marks: dict[tuple[str, int], float | None] = {
        ("base", 0): 5, ("hacked", 0): 4, ("fine", 0): 1,
    }  # fmt: skip
    found = gold_falls(experiment(direction="lower"), evaluation(marks), trainings)
    rows = {row["arm"]: row for row in found}
    assert {arm: row["verdict"] for arm, row in rows.items()} == {
        "hacked": "fell", "fine": "no fall",
    }  # fmt: skip
    hacked = rows["hacked"]
    assert (hacked["direction"], hacked["peak"], hacked["last"]) == ("lower", 10, 20)
    assert (
        hacked["after"] - hacked["before"] == pytest.approx(hacked["value"]) == pytest.approx(0.3)
    )
    assert 0 < hacked["low"] <= hacked["value"] <= hacked["high"] and hacked["evaluated"]["low"] > 0
    # Where higher is better both fell.
    other = gold_falls(experiment(), evaluation(marks), trainings)
    assert [row["verdict"] for row in other] == ["fell", "fell"]
    # What the page says of it.
    (line,) = findings({"gold_falls": found})
    assert line.startswith(
        "In hacked, the held-out gold reward exam rose from its lowest by 0.30 (95% interval 0.15"
        " to 0.31) while the reward that was optimised rose"
    )
    (table,) = falls({"gold_falls": found}, Names())
    assert "exam, of which lower is better, from its lowest earlier look to" in table.title
    assert [cells[-1].value for cells in table.body] == ["rose", "lowest at the end"]


def test_nothing_is_said_where_nothing_was_watched() -> None:
    seen = [trained("ppo", [0.5, 0.9, 0.6])]
    assert gold_falls(experiment(None), evaluation({("ppo", 0): 6}), seen) == []
    log = [{"step": 0, "held_out/gold/exam": 0.9}, {"step": 9, "held_out/gold/exam": 0.1}]
    older = SimpleNamespace(arm="ppo", seed=0, watched=True, log=lambda: log)
    (row,) = gold_falls(experiment(), evaluation({("ppo", 0): 6}), [older])  # type: ignore[list-item]
    assert (row["verdict"], row["looks"]) == ("unknown", 0)


def test_forms_are_fitted_to_the_looks_of_all_trainings_of_an_arm() -> None:
    """Gains of .4 d - .1 d d since the first look, in two trainings that began elsewhere."""

    def one(begin: float, watched: bool = True) -> Any:
        rows = [
            {
                "step": step,
                "held_out/kl_sequence": (step / 2) ** 2,
                "held_out/gold_by_prompt/exam": {
                    item.id: begin + 0.4 * step / 2 - 0.1 * (step / 2) ** 2 for item in ITEMS
                },
            }
            for step in range(4)
        ]
        return SimpleNamespace(arm="bon", seed=0, watched=watched, log=lambda: rows)

    (row,) = overoptimisation(experiment(), [one(0.1), one(0.2), one(0.9, watched=False)])
    assert (row["arm"], row["looks"], row["prompts"], row["furthest"]) == ("bon", 6, 20, 1.5)
    assert unknown({"overoptimisation": [row]}) == []
    found = row["forms"]["best_of_n"]
    assert found["alpha"]["value"] == pytest.approx(0.4)
    assert found["beta"]["value"] == pytest.approx(0.1)
    (row,) = overoptimisation(experiment(), [one(0.1)])
    assert (row["fits"], row["reason"]) == ("", "3 of the 5 looks that it takes")
    assert overoptimisation(experiment(None), [one(0.1)]) == []
