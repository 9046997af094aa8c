"""The wheel has the right top-level names, and a stranger's plugin installs beside it and runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

PLUGIN_LINES = 15


def build_wheel(source: Path, out: Path, copy: Path) -> Path:
    """Build from a copy, so that the checkout gets no build folder."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."],
        cwd=source,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for name in files:
        if (source / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((source / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, copy],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Path:
    """A clean environment outside the checkout with both wheels; returns its interpreter.

    The dependencies come from the running environment through a path file, so that nothing is
    downloaded; its own editable install of the harness is not among them.
    """
    base = tmp_path_factory.mktemp("packaging")
    wheels = [
        build_wheel(repo_root, base / "dist-harness", base / "copy-harness"),
        build_wheel(
            repo_root / "tests" / "thirdparty_plugin", base / "dist-plugin", base / "copy-plugin"
        ),
    ]
    venv.create(base / "env", with_pip=False)
    site = next((base / "env" / "lib").glob("python*")) / "site-packages"
    outer = Path(sysconfig.get_path("purelib"))
    for entry in outer.iterdir():
        if "feedback_harness" not in entry.name and entry.suffix != ".pth":
            (site / entry.name).symlink_to(entry)
    for wheel in wheels:
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", base / "env" / "bin" / "python",
             "install", "--no-deps", "--no-index", "--quiet", wheel],
            check=True,
            capture_output=True,
        )  # fmt: skip
    return base / "env" / "bin" / "python"


def run(python: Path, *arguments: str, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_wheel_has_three_top_level_names(repo_root: Path, tmp_path: Path) -> None:
    wheel = build_wheel(repo_root, tmp_path / "dist", tmp_path / "copy")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {"harness", "harness_plugins", "harness_rubrics"}
    for needed in ("harness/examples/arithmetic.yaml", "harness_rubrics/helpfulness.yaml"):
        assert needed in names


@pytest.mark.slow
def test_everything_needed_is_in_the_installed_wheel(
    installed: Path, tmp_path: Path, repo_root: Path
) -> None:
    listed = json.loads(run(installed, "-m", "harness", "plugins", "--json", cwd=tmp_path))
    assert listed["broken"] == []
    names = {row["name"] for row in listed["sources"]}
    assert {"exact_match", "math_verify", "python_code", "llm_judge", "human_csv"} <= names
    code = "import harness, harness_rubrics as r; print(harness.__file__, r.__file__)"
    for place in run(installed, "-c", code, cwd=tmp_path).split():
        assert not Path(place).is_relative_to(repo_root)


@pytest.mark.slow
def test_a_strangers_plugin_is_listed_and_judges(installed: Path, tmp_path: Path) -> None:
    listed = json.loads(run(installed, "-m", "harness", "plugins", "--json", cwd=tmp_path))
    row = next(row for row in listed["sources"] if row["name"] == "word_limit")
    assert row["distribution"] == "word-limit-verifier 0.3.0"
    items = [
        {"id": "short", "prompt": "Say it in two words.", "metadata": {"max_words": 2}},
        {"id": "free", "prompt": "Say it."},
    ]
    responses = [
        {"id": "a", "item_id": "short", "text": "two words"},
        {"id": "b", "item_id": "short", "text": "more than two words"},
        {"id": "c", "item_id": "free", "text": "anything"},
    ]
    for name, rows in (("items", items), ("responses", responses)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    run(
        installed, "-m", "harness", "judge", "--source", "word_limit", "--items", "items.jsonl",
        "--responses", "responses.jsonl", "--out", "judgments.jsonl", cwd=tmp_path,
    )  # fmt: skip
    rows = [json.loads(line) for line in (tmp_path / "judgments.jsonl").read_text().splitlines()]
    verdicts = {row["response_ids"][0]: row["verdict"] for row in rows}
    assert (verdicts["a"]["status"], verdicts["a"]["value"]) == ("ok", True)
    assert (verdicts["b"]["status"], verdicts["b"]["value"]) == ("ok", False)
    assert (verdicts["c"]["status"], verdicts["c"]["value"]) == ("abstained", None)


@pytest.mark.slow
def test_a_strangers_aggregation_and_statistic_are_listed_and_used(
    installed: Path, tmp_path: Path
) -> None:
    listed = json.loads(run(installed, "-m", "harness", "plugins", "--json", cwd=tmp_path))
    assert listed["broken"] == []
    assert listed["aggregations"] == {"unanimous": "Certain only where nobody contradicts"}
    assert listed["statistics"] == {"Unanimity": "Share of rows on which all labels are the same"}
    (tmp_path / "labels.csv").write_text("item,ann,bob,judge\ni,a,a,a\nj,a,b,b\nk,b,b,b\nl,a,,\n")
    run(
        installed, "-m", "harness", "agree", "labels.csv", "--human-columns", "ann,bob",
        "--judge-columns", "judge", "--json", "agreement.json", cwd=tmp_path,
    )  # fmt: skip
    rows = json.loads((tmp_path / "agreement.json").read_text())["rows"]
    (row,) = [row for row in rows if row["name"] == "unanimity"]
    assert (row["section"], row["n"], round(row["value"], 6)) == ("Unanimity", 3, 0.666667)


def test_the_strangers_plugin_has_at_most_15_lines(repo_root: Path) -> None:
    source = (repo_root / "tests" / "thirdparty_plugin" / "word_limit.py").read_text()
    assert len(source.splitlines()) <= PLUGIN_LINES


def test_every_package_is_listed(repo_root: Path) -> None:
    listed = tomllib.loads((repo_root / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {
        ".".join(path.parent.relative_to(repo_root).parts)
        for path in (repo_root / "harness").rglob("__init__.py")
    }
    others = {"harness.examples", "harness_plugins", "harness_rubrics"}
    assert set(listed["packages"]) == folders | others
