"""harness evaluate says why an evaluator failed, as harness judge does, and ends alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.plugin import Status, Verdict, judge
from harness.registry import Origin, registry
from tests.support.judge_commands import invoke, write


@judge(name="moody", version="1", takes=("pointwise",))
async def moody(request: Any, ctx: Any) -> Any:
    """Fail on some items, as they are called."""
    return MOODS[request.item.id](request.responses[0])


def missing(response: Any) -> Any:
    return {}["colour"]


def silent(response: Any) -> Any:
    return Verdict(Status.ABSTAINED, rationale="nothing to go by")


def good(response: Any) -> Any:
    return Verdict(Status.OK, True)


MOODS: dict[str, Any] = {}
KEY_ERROR = "times: KeyError: 'colour' (test_evaluate_failures.py:"

CASES = {
    # what is done with three items of two responses; exit code; what is said
    "all raise": ((missing,) * 3, 1, f"all 6 judgments of moody failed: 6 error|6 {KEY_ERROR}"),
    "some raise": ((missing, good, good), 0, f"2 of 6 judgments of moody failed|2 {KEY_ERROR}"),
    "all abstain": ((silent,) * 3, 1, "nobody gave a verdict|6 times: nothing to go by"),
    "some abstain": ((silent, good, good), 0, ""),
    "raise or abstain": (
        (missing, silent, silent), 1, f"nobody gave a verdict|2 {KEY_ERROR}|4 times: nothing",
    ),
    "none fails": ((good,) * 3, 0, ""),
}  # fmt: skip


@pytest.mark.parametrize("command", ["evaluate", "judge"])
@pytest.mark.parametrize("case", CASES)
def test_why_it_failed_is_said(
    case: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry().sources, "moody", moody)  # type: ignore[arg-type]
    monkeypatch.setitem(registry().origins, "moody", Origin("m", "m", "d", "1"))  # type: ignore[arg-type]
    moods, code, told = CASES[case]
    monkeypatch.setattr(f"{__name__}.MOODS", {f"i{n}": mood for n, mood in enumerate(moods)})
    items, responses = write(tmp_path, 3)
    out = tmp_path / "out.json"
    words: tuple[object, ...] = ("--source", "moody", "--responses", responses)
    if command == "evaluate":
        words = ("--evaluator", "moody", "--responses", f"base={responses}")
    done = invoke(command, "--items", items, *words, "--out", out, "--quiet")
    assert done.exit_code == code
    said = " ".join(done.output.split())
    for part in filter(None, told.split("|")):
        assert part.replace(" of moody", "" if command == "judge" else " of moody") in said
    assert "Traceback" not in said and (bool(told) or "times:" not in said)
    if command == "evaluate":
        reasons = json.loads(out.read_text())["reasons"]
        assert ("moody" in reasons) is ("KeyError" in told)
