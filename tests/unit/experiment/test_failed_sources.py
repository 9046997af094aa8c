"""A source that failed in everything is told at the end of its run, or in the error of its arm."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.experiment.failures import failures_of
from harness.judging.stated import CUT
from harness.judging.verdicts import read_pair
from harness.nouns.errors import DataError, HarnessError
from tests.unit.experiment.conftest import World

LONG = "Both responses answer the question, and each has its own"


def cut_replies(world: World, source: str) -> None:
    """Let every judgment of a source be a reply that was cut, no two of them alike."""
    path = world.folder / f"{source}.json"
    says = json.loads(path.read_text())
    for annotator, script in says.items():
        for number, key in enumerate(script):
            reason = read_pair(f"{LONG} {annotator} {number}", cut=True).rationale
            script[key] = f"!unparseable {reason}"
    path.write_text(json.dumps(says))


def test_an_arm_whose_only_judge_failed_says_why_and_what_to_do(whole: World) -> None:
    cut_replies(whole, "critic")
    with pytest.raises(HarnessError) as empty:
        whole.run(arms={"nothing": whole.experiment["arms"]["nothing"]}, agreement=None)
    text = str(empty.value)
    assert "arm nothing was not trained: it has no preferences to train on" in text
    assert "3 pairs: no verdict: unparseable" in text
    assert "source critic: all 3 judgments failed: 3 unparseable" in text
    assert f"3 times: {CUT}" in text
    assert f"hint: 3 replies were {CUT}" in text
    assert "max_tokens" in text and "chain_of_thought: true" in text


def test_an_arm_of_ties_says_so_and_blames_no_source(whole: World) -> None:
    says = {"critic": {f"t{n}a|t{n}b": "TIE" for n in range(5)}}
    (whole.folder / "critic.json").write_text(json.dumps(says))
    with pytest.raises(HarnessError) as empty:
        whole.run(arms={"nothing": whole.experiment["arms"]["nothing"]}, agreement=None)
    assert str(empty.value).split("\n") == [
        "arm nothing was not trained: it has no preferences to train on",
        "  - 3 pairs: tie",
        "  - 2 pairs: no verdict",  # it has a limit of 3
        f"  report: {whole.out / 'report.html'}",
    ]


def test_a_run_says_at_its_end_which_source_failed_in_everything(
    whole: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """People are left to train on, so that the run ends well, but not without a word."""
    cut_replies(whole, "jury")
    arm = {"sources": ["people", "jury"], "trainer": "dpo", "aggregation": "counted"}
    whole.run(arms={"both": arm}, agreement=None, seeds=[0])
    told = capsys.readouterr().err
    assert "source jury: all " in told and f"times: {CUT}" in told and "max_tokens" in told
    assert "source people" not in told
    whole.run(arms={"both": arm}, agreement=None, seeds=[0])
    assert "source jury: all " in capsys.readouterr().err  # also where nothing is asked again


def test_a_run_whose_sources_work_says_nothing(
    whole: World, capsys: pytest.CaptureFixture[str]
) -> None:
    whole.run(arms={"rlhf": whole.experiment["arms"]["rlhf"]}, agreement=None, seeds=[0])
    assert capsys.readouterr().err == ""


def test_an_arm_that_its_gate_left_nothing_of_since_its_judge_failed_is_an_error_with_a_report(
    whole: World,
) -> None:
    cut_replies(whole, "critic")
    arms: dict[str, Any] = {
        "rlhf": whole.experiment["arms"]["rlhf"],
        "nothing": whole.experiment["arms"]["nothing"],
    }
    with pytest.raises(HarnessError) as failed:
        whole.run(arms=arms, seeds=[0])
    assert not isinstance(failed.value, DataError)
    text = str(failed.value)
    assert text.startswith("arm nothing was not trained: its gates left nothing")
    assert "source critic: all " in text and "report.html" in text
    assert (whole.out / "report.html").is_file()
    assert [row[2] for row in whole.happened("train")] == ["rlhf-seed0"]


def test_a_failed_evaluator_is_told_too(whole: World, capsys: pytest.CaptureFixture[str]) -> None:
    path = whole.folder / "exam.json"
    says = json.loads(path.read_text())
    says["exam"] = dict.fromkeys(says["exam"], "!timeout slow")
    path.write_text(json.dumps(says))
    whole.run(arms={"rlhf": whole.experiment["arms"]["rlhf"]}, agreement=None, seeds=[0])
    told = capsys.readouterr().err
    assert "source exam: all 16 judgments of the policies failed: 16 timeout" in told
    assert "16 times: slow" in told


@pytest.mark.parametrize(
    ("outcomes", "told", "reasons", "hint"),
    [
        ([("ok", ""), ("abstained", "no key")], "0 of 2 x failed: ", (), ""),
        ([], "0 of 0 x failed: ", (), ""),
        (
            [("ok", ""), *[("unparseable", f"{CUT} (...): ...{n}") for n in range(3)],
             ("error", "503")],
            "4 of 5 x failed: 3 unparseable, 1 error",
            ((f"{CUT} (...): ...0", 3), ("503", 1)),
            "3 replies were",
        ),
        (
            [("error", "503")] * 3 + [("unparseable", f"accuracy: {CUT} (...): ...{n}")
                                      for n in range(2)],
            "all 5 x failed: 3 error, 2 unparseable",
            (("503", 3), (f"accuracy: {CUT} (...): ...0", 2)),
            "",
        ),
        ([("missing", "")], "all 1 x failed: 1 missing", (), ""),
    ],
)  # fmt: skip
def test_failures_are_counted_by_kind_and_the_commonest_decides_the_hint(
    outcomes: list[tuple[str, str]], told: str, reasons: Any, hint: str
) -> None:
    found = failures_of(outcomes)
    assert found.told("x") == told
    assert found.reasons == reasons
    assert found.hint.startswith(hint) and bool(found.hint) == bool(hint)


def test_the_reason_of_a_reply_that_was_cut_names_the_way_out() -> None:
    reason = read_pair(LONG, cut=True).rationale
    assert reason.startswith(CUT) and reason.endswith(LONG)
    assert "max_tokens" in reason and "chain_of_thought: true" in reason
