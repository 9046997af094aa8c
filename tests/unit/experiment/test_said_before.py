"""What is said before the first training is hashed; a late edit shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.experiment.verify_run import verify_run
from harness.nouns.errors import ConfigError
from harness.nouns.hashing import content_hash
from harness.statistics.intervals import holm

if TYPE_CHECKING:
    from conftest import World


@pytest.fixture
def small(whole: World) -> World:
    """Two arms that are quickly trained."""
    arms = whole.experiment["arms"]
    whole.experiment["arms"] = {name: arms[name] for name in ("rlhf", "hybrid")}
    whole.experiment |= {"seeds": [0], "agreement": None}
    return whole


def planned(world: World, **changes: Any) -> dict[str, Any]:
    return {"evaluation": {**world.experiment["evaluation"], "primary": "exam", **changes}}


def test_a_plan_is_written_before_the_first_training_and_a_late_edit_shows(small: World) -> None:
    seen = []

    def look() -> None:
        seen.append(json.loads((small.out / "manifest.json").read_text())["plan"])

    small.before_training = look
    report = small.run(**planned(small, contrasts=[["hybrid", "rlhf"], ["rlhf", "base"]]))
    plan = report["plan"]
    assert seen[0] == plan and plan["sha256"] == content_hash(plan["content"])
    assert (plan["trainings"], plan["edits"]) == (0, [])
    assert plan["content"]["primary"] == "exam"
    rows = [row for row in report["evaluation"]["scores"] if row["difference"]]
    assert [(r["evaluator"], r["policy"]) for r in rows if r["planned"]] == [("exam", "rlhf")]
    pairs = [row for row in report["evaluation"]["contrasts"] if row["planned"]]
    assert [{row["a"], row["b"]} for row in pairs] == [{"rlhf", "hybrid"}]
    mine = [*(r["difference"] for r in rows if r["planned"]), *pairs]
    assert [one["p_planned"] for one in mine] == holm([one["p"] for one in mine])
    page = (small.out / "report.md").read_text()
    assert "Everything else in this report is exploratory." in page and plan["sha256"] in page
    # What decides is changed once the policies are there: it shows, whatever it is changed to.
    late = small.run(**planned(small, primary="twin"))
    (edit,) = late["plan"]["edits"]
    assert late["plan"]["sha256"] == plan["sha256"] and edit["trainings"] == 2
    assert {"key": "primary", "before": "exam", "now": "twin"} in edit["changed"]
    assert [one["key"] for one in edit["changed"]] == ["primary", "contrasts"]
    told = "What was said before was edited after 2 trainings had begun: the evaluator that decides"
    assert late["findings"][0].startswith(told)
    page = (small.out / "report.md").read_text()
    assert "(primary) from exam to twin" in page
    of_pairs = "(contrasts) from hybrid with rlhf and rlhf with base to rlhf with base and hybrid"
    assert of_pairs in page
    assert verify_run(small.out).changed == ()


def test_without_a_plan_everything_is_exploratory(small: World) -> None:
    report = small.run()
    assert report["plan"]["content"]["primary"] is None
    assert any("every comparison is exploratory" in line for line in report["findings"])
    assert not any("planned" in row for row in report["evaluation"]["scores"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"primary": "exams"}, "'exams' is no evaluator, did you mean exam"),
        ({"contrasts": [["rlhf", "hybird"]]}, "no arm is named 'hybird'"),
        ({"contrasts": [["rlhf", "rlhf"]]}, "rlhf is compared with itself"),
        ({"primary": None, "contrasts": [["rlhf", "base"]]}, "name evaluation.primary"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(small: World, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        small.run(**planned(small, **changes))
    assert told in str(error.value).replace("(", "").replace("?", "")
