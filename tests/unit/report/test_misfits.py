"""A report.json with values of a wrong kind is refused in a sentence, never by a traceback."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.experiment.stages.report import export, report
from harness.nouns.errors import DataError
from harness.report.misfits import misfits

EXAMPLES = Path(__file__).parents[3] / "reports"
DATA = json.loads((EXAMPLES / "example-arithmetic" / "report.json").read_text())
SCORE = ("evaluation", "scores", 1)
HUGE = 10**400

WRONG: list[tuple[tuple[Any, ...], Any, str]] = [
    ((*SCORE, "value"), "0.9", "evaluation.scores.1.value is '0.9', no number"),
    ((*SCORE, "value"), True, "evaluation.scores.1.value is True, no number"),
    ((*SCORE, "difference", "low"), "x", "evaluation.scores.1.difference.low is 'x', no number"),
    ((*SCORE, "difference"), "x", "evaluation.scores.1.difference is 'x', no object"),
    ((*SCORE, "difference", "verdict"), 3, "difference.verdict is 3, no text"),
    (("evaluation", "items"), HUGE, f"evaluation.items is 1{'0' * 39}…, no number"),
    (("evaluation", "wins", 0), None, "evaluation.wins is [None, {"),
    (("evaluation", "policies", 1, "kl"), "x", "evaluation.policies.1.kl is 'x', no object"),
    (("run", "cost_usd"), "x", "run.cost_usd is 'x', no number"),
    (("prices", "label_usd"), "1", "prices.label_usd is '1', no number"),
    (("arms", 0), 7, "arms.0 is 7, no object"),
    (("gates",), {}, "gates is {}, no list"),
    (("warnings",), [3], "warnings.0 is 3, no text"),
    (("transport",), 7, "transport is 7, no object"),
]


def edited(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    data = copy.deepcopy(DATA)
    at = data
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return data


@pytest.mark.parametrize(("place", "value", "said"), WRONG, ids=lambda one: str(one)[:40])
def test_the_key_and_its_value_are_named(place: tuple[Any, ...], value: Any, said: str) -> None:
    (line,) = misfits(edited(place, value))
    assert said in line and len(line) < 150


@pytest.mark.parametrize("name", ["arithmetic", "overoptimisation"])
def test_reports_as_they_are_fit(name: str) -> None:
    assert misfits(json.loads((EXAMPLES / f"example-{name}" / "report.json").read_text())) == []


def test_names_of_people_are_no_keys_of_ours() -> None:
    """A source, an arm and an annotator may be called like a key."""
    data = edited(("evaluation", "reasons"), {"value": {"low": "not a number"}})
    data["arms"][0]["weights"] = {"name": 1.0, "value": None}
    data["run"]["packages"] = {"k": "1.0", "name": None}
    data["samples"][0]["responses"][0]["scores"] = {"value": True}
    assert misfits(data) == []


def test_harness_report_says_which_file_key_and_value_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(edited((*SCORE, "value"), "0.9")))
    register()
    told = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert isinstance(told.exception, DataError) and told.exception.exit_code == 2
    lines = str(told.exception).splitlines()
    assert lines[0] == f"{file}: 1 value is not of the kind that a report holds"
    assert lines[1] == "  - evaluation.scores.1.value is '0.9', no number"
    assert lines[2].startswith("  hint: harness verify-run names what was edited")
    assert not (tmp_path / "report.html").exists()
    many = edited(("evaluation", "wins"), [{"value": "x"} for _ in range(9)])
    file.write_text(json.dumps(many))
    with pytest.raises(DataError) as error:
        report(tmp_path)
    assert error.value.details[-1] == "and 4 more" and len(error.value.details) == 6


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((*SCORE, "seeds"), "abc"),
        (("run", "seeds"), 5),
        (("arms", 0, "sources"), None),
        (("curves",), {"rlhf": {"0": "x"}}),
        (("samples", 0, "responses"), 7),
        (("evaluation", "contrasts", 0, "a"), 7),
    ],
)
def test_what_no_rule_foresees_is_an_error_of_the_file_too(
    place: tuple[Any, ...], value: Any, tmp_path: Path
) -> None:
    (tmp_path / "report.json").write_text(json.dumps(edited(place, value)))
    for build in (lambda: report(tmp_path), lambda: export(tmp_path, "csv", tmp_path / "csv")):
        with pytest.raises(DataError, match=r"cannot be shown as it is: [A-Z]") as error:
            build()
        assert error.value.where == str(tmp_path / "report.json") and error.value.hint
