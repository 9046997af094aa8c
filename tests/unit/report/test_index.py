"""The index over runs: listed, searched, drawn; what is broken is named and left out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.experiment.stages.report import index
from harness.nouns.errors import InputError
from harness.report.index import MOST_IN_TREND, Listed, listed, trends
from harness.report.svg import in_words

REPORTS = Path(__file__).parents[3] / "reports"
EVIL = "<script>window.pwned=1<"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("runs") / "reports"
    shutil.copytree(REPORTS / "example-arithmetic", made / "example-arithmetic")
    later = made / EVIL
    later.mkdir()
    data = json.loads((made / "example-arithmetic" / "report.json").read_text(encoding="utf-8"))
    data["run"] |= {"created": "2027-01-02T03:04:05Z", "name": EVIL}
    data["plan"] = None
    (later / "report.json").write_text(json.dumps(data), encoding="utf-8")
    for name, text in {"broken": '{"format": 1', "other": '{"format": 99}', "half": "{}"}.items():
        (made / name).mkdir()
        (made / name / "report.json").write_text(text, encoding="utf-8")
    (made / "half" / "report.json").write_text('{"format": 1, "run": {}}', encoding="utf-8")
    (made / "foreign").mkdir()
    (made / "README.md").write_text("no run", encoding="utf-8")
    index(made)
    return made


def test_runs_are_listed_by_date_and_the_others_are_named_with_the_reason(folder: Path) -> None:
    runs, skipped = listed(folder)
    assert [run.folder for run in runs] == [EVIL, "example-arithmetic"]
    old = runs[1]
    first = json.loads((folder / "example-arithmetic" / "report.json").read_text(encoding="utf-8"))
    assert old.answer == first["answer"]["lines"][0] and old.primary.startswith("near (primary")
    assert "none was said before" in runs[0].primary
    assert [arm for arm, _ in old.verdicts] == ["rlhf", "rlaif", "rlvr", "hybrid"]
    assert dict(old.verdicts)["rlvr"] == "better at near"
    assert [line.partition(":")[0] for line in skipped] == ["broken", "foreign", "half", "other"]
    assert "no report.json" in skipped[1] and "99" in skipped[3]
    assert not [line for line in skipped if str(folder) in line]


def test_page_and_markdown_hold_the_same_and_nothing_becomes_markup(folder: Path) -> None:
    page = (folder / "index.html").read_text(encoding="utf-8")
    text = (folder / "index.md").read_text(encoding="utf-8")
    for run in listed(folder)[0]:
        for said in (run.answer, run.date, *(verdict for _, verdict in run.verdicts)):
            assert said in page and said.replace("_", "\\_") in text
    assert "2 runs; 4 folders left out" in page and "2 runs; 4 folders left out" in text
    assert EVIL not in page and EVIL not in text and "javascript:" not in page
    assert 'href="example-arithmetic/report.html"' in page
    assert 'href="%3Cscript%3Ewindow.pwned%3D1%3C/report.json"' in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def test_the_only_script_is_the_one_that_the_page_allows(folder: Path) -> None:
    page = (folder / "index.html").read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page and "default-src 'none'" in page
    assert '<p class="search" hidden>' in page, "without scripts there is no box that does nothing"


def run(name: str, day: int, score: float, evaluator: str = "exam") -> Listed:
    scores = [("arm", score, score - 0.1, score + 0.1)]
    made = f"2026-01-{day:02}T00:00:00Z"
    return Listed(name, "report.html", name, made, "", evaluator, [], scores, evaluator)


def test_a_trend_goes_from_early_to_late_by_one_evaluator_and_is_bounded() -> None:
    (panel,) = trends([run("c", 9, 0.7), run("b", 5, 0.6, "other"), run("a", 1, 0.5)])
    title, words = in_words(panel)
    assert title == "arm by exam, run by run"
    assert words == "2026-01-01 a 0.50 (0.40 to 0.60); 2026-01-09 c 0.70 (0.60 to 0.80)"
    many = [run(f"r{day}", day, 0.5) for day in range(28, 0, -1)]
    (_, words) = in_words(trends(many)[0])
    assert words.count(";") == MOST_IN_TREND - 1 and words.endswith("r28 0.50 (0.40 to 0.60)")
    assert trends([run("a", 1, 0.5)]) == []


def test_the_command_counts_and_refuses(folder: Path, tmp_path: Path) -> None:
    register()
    done = CliRunner().invoke(app, ["report", str(folder), "--index"])
    assert done.exit_code == 0 and "(2 runs, 4 folders left out)" in done.output
    assert "left out: broken: " in done.output
    with pytest.raises(InputError, match="no such folder"):
        index(tmp_path / "none")
    _, runs, skipped = index(tmp_path)
    assert (runs, skipped) == (0, [])
    assert "There is no run" in (tmp_path / "index.html").read_text(encoding="utf-8")
