"""A rubric may say how it is to be judged by: templates, temperature, margin of ties."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

import harness
from harness.nouns.errors import ConfigError, RubricError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Judging, Rubric, load_rubric, rubric_content
from harness.nouns.schema import Item, Judgment, Response, Verdict
from harness.ratings.both_orders import at_temperature, combine_orders
from harness.testing import StubServer

TEXT = """
id: kind
kind: rubric
version: 1
criteria:
  - {id: kind, text: It is kind.}
  - {id: short, weight: 2, text: It is short., scale: {level: interval, low: 0, high: 10}}
examples:
  - prompt: Hello
    responses: [Hi, "No"]
    verdict: A
    rationale: A greets.
    by_criterion: {kind: A, short: TIE}
judging: {templates: [question], probability_temperature: 2.0, tie_margin: 0.1}
"""


def rubric_in(path: Path, text: str = TEXT) -> Rubric:
    """Write a rubric and read it."""
    path.write_text(text)
    found = load_rubric(path)
    assert isinstance(found, Rubric)
    return found


def test_a_rubric_is_written_as_it_was_read(tmp_path: Path) -> None:
    found = rubric_in(tmp_path / "a.yaml")
    assert found.judging == Judging(("question",), 2.0, 0.1)
    again = rubric_in(tmp_path / "b.yaml", yaml.safe_dump(rubric_content(found)))
    assert (again.criteria, again.examples, again.judging) == (
        found.criteria, found.examples, found.judging,
    )  # fmt: skip
    plain = rubric_in(tmp_path / "c.yaml", TEXT.split("examples")[0])
    assert plain.judging == Judging()
    assert not {"judging", "examples"} & rubric_content(plain).keys()


@pytest.mark.parametrize(
    ("judging", "told"),
    [
        ("{templates: question}", "templates of judging must be a list of names"),
        ("{probability_temperature: 0}", "probability_temperature of judging must be above 0"),
        ("{tie_margin: 0.5}", "tie_margin of judging must be at least 0 and below 0.5"),
        ("{tie_margin: wide}", "tie_margin of judging must be at least 0 and below 0.5"),
        ("{margin: 0.1}", "unknown key margin in judging"),
    ],
)
def test_a_wrong_way_of_judging_is_named(tmp_path: Path, judging: str, told: str) -> None:
    with pytest.raises(RubricError, match=told):
        rubric_in(tmp_path / "a.yaml", TEXT.split("judging:")[0] + f"judging: {judging}\n")


def test_a_judge_follows_what_its_rubric_says(tmp_path: Path) -> None:
    rubric_in(tmp_path / "a.yaml")
    items = [Item("i", "Hello?")]
    responses = [Response("x", "i", "s", "Hi."), Response("y", "i", "s", "No.")]
    options = {"model": "hosted_vllm/m", "rubric": str(tmp_path / "a.yaml"), "soft": True,
               "both_orders": False}  # fmt: skip

    def judged(**more: object) -> Judgment:
        asked = harness.JudgeSettings({**options, "api_base": server.base_url, **more})
        (found,) = harness.judge("llm_judge", items, responses, asked).judgments
        return found

    with StubServer("Verdict: A") as server:
        found = judged()
        assert "You grade answers strictly" in server.bodies[0]["messages"][0]["content"]
        judged(templates=["standard"])
        assert "You are an impartial judge" in server.bodies[1]["messages"][0]["content"]
        rubric_in(tmp_path / "a.yaml", TEXT.split("judging:")[0])
        plain = judged()
    assert plain.verdict.probability is not None
    assert found.verdict.probability is not None
    assert abs(plain.verdict.probability - 0.5) > 0.2
    odds = [math.log(p / (1 - p)) for p in (plain.verdict.probability, found.verdict.probability)]
    assert odds[1] == pytest.approx(odds[0] / 2)
    assert found.metadata["tie_margin"] == 0.1
    assert "tie_margin" not in plain.metadata
    assert found.source_version != plain.source_version


def test_a_template_that_is_none_is_told(tmp_path: Path) -> None:
    rubric_in(tmp_path / "a.yaml", TEXT.replace("[question]", "[questoin]"))
    settings = harness.JudgeSettings({"model": "m", "rubric": str(tmp_path / "a.yaml")})
    with pytest.raises(ConfigError, match="rubric kind is judged by the template 'questoin'"):
        harness.judge("llm_judge", [Item("i", "?")], [Response("x", "i", "s", "")], settings)


def votes(margin: float, *chances: float) -> list[object]:
    """Return the verdict on one pair by P(A) of each order."""
    said = [
        Judgment(
            "r", "j", "1", "j", Verdict(Status.OK, "A" if p > 0.5 else "B", p), order=order,
            metadata={"tie_margin": margin} if margin else {},
        )
        for p, order in zip(chances, ("AB", "BA"), strict=False)
    ]  # fmt: skip
    return [(vote.choice, vote.probability) for vote in combine_orders(said)]


def test_nearer_to_one_half_than_the_margin_is_a_tie_over_both_orders() -> None:
    assert votes(0.0, 0.9, 0.2) == [("A", pytest.approx(0.55))]
    assert votes(0.1, 0.9, 0.2) == [("TIE", pytest.approx(0.55))]
    assert votes(0.1, 0.9, 0.4) == [("A", pytest.approx(0.65))]
    assert votes(0.1, 0.2, 0.5) == [("B", pytest.approx(0.35))]
    assert votes(0.1, 0.55) == [("TIE", 0.55)]
    assert votes(0.0, 0.55) == [("A", 0.55)]


def test_a_temperature_divides_the_log_odds() -> None:
    assert at_temperature(0.9, 2.0) == pytest.approx(0.75)
    assert at_temperature(0.1, 2.0) == pytest.approx(0.25)
    assert at_temperature(0.9, 0.5) == pytest.approx(81 / 82)
    assert [at_temperature(p, 3.0) for p in (0.0, 0.5, 1.0)] == [0.0, 0.5, 1.0]
    assert at_temperature(1e-9, 1e-3) == 0.0
