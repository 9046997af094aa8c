"""What failed of what was asked: counted, with reasons and the way out; arms without a verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.experiment.failures import failures_of
from harness.feedback.requests import build_requests, left_out
from harness.judging.stated import CUT
from harness.judging.verdicts import read_pair
from harness.nouns.errors import HarnessError
from harness.nouns.schema import Item, Response
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


LEFT_OUT = (
    "8 of 18 responses are in no pair: 6 without a partner, since their items have an odd number of"
    " responses and 2 that say the same as their partner; policy.responses_per_item is 3: 4 would"
    " use them all"
)


def test_a_run_whose_sources_work_says_only_which_responses_nobody_compares(
    whole: World, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = whole.experiment["arms"]
    report = whole.run(arms={"rlhf": arms["rlhf"]}, agreement=None, seeds=[0])
    assert capsys.readouterr().err == f"{LEFT_OUT}\n"
    assert report["warnings"] == [LEFT_OUT]
    assert "8 of 18 responses are in no pair" in (whole.out / "report.md").read_text()
    whole.run(arms={"rlvr": arms["rlvr"]}, agreement=None, seeds=[0])  # nothing is compared
    assert LEFT_OUT not in capsys.readouterr().err
    two = {**whole.experiment["policy"], "responses_per_item": 2}
    report = whole.run(arms={"rlhf": arms["rlhf"]}, agreement=None, seeds=[0], policy=two)
    (line,) = report["warnings"]
    assert line == "2 of 12 responses are in no pair: 2 that say the same as their partner"


def test_a_source_that_failed_in_everything_is_told_at_the_end(
    whole: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.experiment.run import Run

    monkeypatch.setattr(Run, "failed", lambda self: ["source jury: all \x1b[1m of them"])
    whole.run(arms={"rlhf": whole.experiment["arms"]["rlhf"]}, agreement=None, seeds=[0])
    assert "source jury: all \\x1b[1m of them\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["ab"], ""),
        ([""], ""),
        (["abc"], "1 of 3 responses are in no pair: 1 without a partner"),
        (["a", "b"], "2 of 2 responses are in no pair: 2 without a partner"),
        (["aa", "ab"], "2 of 4 responses are in no pair: 2 that say the same"),
        (["aabbc", "ab"], "5 of 7 responses are in no pair: 1 without a partner"),
    ],
)
def test_every_response_that_is_in_no_pair_is_counted(texts: list[str], line: str) -> None:
    items = [Item(f"i{n}", "Q") for n in range(len(texts))]
    responses = [
        Response(f"r{n}.{k}", f"i{n}", "s", text)
        for n, each in enumerate(texts)
        for k, text in enumerate(each)
    ]
    found = left_out(items, [*responses, Response("x", "of another item", "s", "")])
    assert found.startswith(line) and bool(found) == bool(line)
    paired = {one.id for r in build_requests(items, responses, "pairwise") for one in r.responses}
    assert len(responses) - len(paired) == int(line.partition(" ")[0] or 0)


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
