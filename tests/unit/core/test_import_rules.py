"""The rules of imports cover every module, new ones too: each breach is tried in a copy."""

from __future__ import annotations

import os
import pkgutil
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

import harness

Breach = tuple[str, str]
"""(file, text): the text is put at the end of the file, which is made if it is absent."""

FLOORS = "A floor imports only the floors below it"

BREACHES: dict[str, tuple[str, Breach]] = {
    "a file in no floor": (FLOORS, ("harness/new_room.py", '"""New."""\n')),
    "a folder in no floor": (FLOORS, ("harness/new_room/__init__.py", '"""New."""\n')),
    "a floor imports one above": (
        FLOORS,
        ("harness/nouns/scale.py", "\n\ndef _late() -> None:\n    import harness.report.build\n"),
    ),
    "for types only": (
        FLOORS,
        (
            "harness/ratings/table.py",
            "\nfrom typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from harness.experiment import config\n",
        ),
    ),
    "a circle of two files": (
        "No circle between rooms or between files",
        ("harness/nouns/outcomes.py", "\nimport harness.nouns.errors\n"),
    ),
    "a circle for types only": (
        "No circle between rooms or between files",
        (
            "harness/nouns/chat_messages.py",
            "\nfrom typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    import harness.nouns.schema\n",
        ),
    ),
    "the harness imports its plugins": (
        "The harness never imports its own plugins",
        ("harness/judging/soft.py", "\nimport harness_plugins.exact_match\n"),
    ),
    "a plugin imports more than harness.plugin": (
        "A plugin imports harness.plugin and nothing else",
        ("harness_plugins/keywords.py", "\nimport harness.nouns.scale\n"),
    ),
    "agreement reads the clock": (
        "Statistics, ratings, agreement and aggregation are pure",
        ("harness/agreement/kappa.py", "\nimport time\n"),
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [tool, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def copy(repo_root: Path, tmp_path: Path) -> Path:
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repo_root / "harness", tmp_path / "harness", ignore=leave)
    plugins = repo_root / "plugins" / "harness_plugins"
    shutil.copytree(plugins, tmp_path / "harness_plugins", ignore=leave)
    shutil.copy(repo_root / ".importlinter", tmp_path)
    return tmp_path


def test_the_house_as_it_is_keeps_the_rules(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_fails_and_is_named(copy: Path, breach: str) -> None:
    said, (file, text) = BREACHES[breach]
    path = copy / file
    path.parent.mkdir(exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(before + text, encoding="utf-8")
    done = lint(copy)
    assert done.returncode != 0
    broken = [line for line in done.stdout.splitlines() if line.endswith("BROKEN")]
    assert any(line.startswith(said) for line in broken), done.stdout
    named = path.parent.name if path.stem == "__init__" else path.stem
    assert named in done.stdout


def test_plugins_are_forbidden_every_module_but_the_one_for_them(repo_root: Path) -> None:
    rules = ConfigParser()
    rules.read(repo_root / ".importlinter")
    forbidden = rules["importlinter:contract:plugin-imports"]["forbidden_modules"].split()
    modules = {f"harness.{module.name}" for module in pkgutil.iter_modules(harness.__path__)}
    assert set(forbidden) == modules - {"harness.plugin"}
