"""What README and docs show is run: files, commands, plugins, hooks, links and help pages."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

import harness.testing
from harness import hookspecs
from harness.experiment.config import ItemsConfig, RunConfig
from harness.experiment.gate_config import GateConfig
from harness.plugin import Item, Response, Verdict
from harness.registry import load

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for folder, pattern in ((ROOT, "*.md"), (ROOT / "docs", "**/*.md"), (ROOT / "plugins", "*.md"),
                            (ROOT / "reports", "README.md"))
    for path in folder.glob(pattern)
)  # fmt: skip
BLOCK = re.compile(r"<!-- test: (?P<what>[^>]+?) -->\n```\w*\n(?P<body>.*?)^```", re.M | re.S)
ALONE = """
import sys
here = vars(sys.modules["__main__"])  # where worker processes look for functions
texts, kept = {}, set()
kept.update(here)
while texts:
    exec(compile(texts.pop(0), "<page>", "exec"), here)
    for name in set(here) - kept:
        del here[name]
"""
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"`harness (?P<words>[a-z][^`]*)`")


@dataclass(frozen=True)
class Snippet:
    """A tested block of a page."""

    page: Path
    what: str
    body: str


def snippets(page: Path) -> list[Snippet]:
    text = page.read_text(encoding="utf-8")
    return [Snippet(page, m["what"].strip(), m["body"]) for m in BLOCK.finditer(text)]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [p for p in PAGES if snippets(p)], ids=name_of)
def test_what_a_page_shows_runs(page: Path, tmp_path: Path) -> None:
    """Files are written, commands run and plugins loaded in the order of the page."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        "COLUMNS": "100",
    }
    (tmp_path / "reports").symlink_to(ROOT / "reports")  # as in a clone
    ran = 0
    for snippet in _joined(snippets(page)):
        kind, _, argument = snippet.what.partition(" ")
        if kind == "file":
            path = tmp_path / argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(snippet.body, encoding="utf-8")
            continue
        ran += 1
        if kind == "install":
            _install(tmp_path)
            continue
        if kind == "run":
            script = f"set -euo pipefail\n{snippet.body}"
            command = ["bash", "-c", script]
        elif kind == "python":
            command = [sys.executable, "-c", snippet.body]
        elif kind == "plugin":
            module = f"snippet_{ran}"
            (tmp_path / f"{module}.py").write_text(snippet.body, encoding="utf-8")
            check = (
                f"import {module}, pluggy; from harness import hookspecs;"
                "m = pluggy.PluginManager('harness'); m.add_hookspecs(hookspecs);"
                f"m.register({module}); m.check_pending();"
                "[f.build() for fs in m.hook.harness_feedback_sources() for f in fs]"
            )
            command = [sys.executable, "-c", check]
        else:
            pytest.fail(f"{name_of(page)}: unknown kind of test {snippet.what!r}")
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{snippet.body}\n{done.stdout}\n{done.stderr}"
    assert ran, "a page with files and nothing that uses them"


def _joined(shown: list[Snippet]) -> list[Snippet]:
    """Let Python that follows Python run in the same process, where only new files stand between.

    Each piece has names of its own, as if it were alone.
    """
    joined: list[Snippet] = []
    pieces: list[Snippet] = []

    def flush() -> None:
        if pieces:
            bodies = [piece.body for piece in pieces]
            joined.append(Snippet(pieces[0].page, "python", ALONE.format(bodies)))
            pieces.clear()

    for snippet in shown:
        if snippet.what == "python":
            pieces.append(snippet)
            continue
        if not snippet.what.startswith("file ") or snippet.what in {one.what for one in joined}:
            flush()
        joined.append(snippet)
    flush()
    return joined


def _install(folder: Path) -> None:
    """Do what ``pip install -e .`` does for the entry points of a folder that is on the path."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in names.items())
            for group, names in project["entry-points"].items()
        )
    )


def _section(page: str, title: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_key_of_an_experiment_file_is_documented() -> None:
    shown = _section("plain-files.md", "The experiment file")
    missing = []
    for key, value in RunConfig.model_fields.items():
        parts = [part for part in (value.annotation, *get_args(value.annotation))]
        models = [p for p in parts if isinstance(p, type) and issubclass(p, BaseModel)]
        place = f"{key}.NAME" if key in ("sources", "arms") else key
        names = [f"{place}.{name}" for model in models for name in model.model_fields]
        missing += [name for name in names or [key] if f"`{name}`" not in shown]
    inner = (*ItemsConfig.model_fields, *GateConfig.model_fields)
    assert missing + [name for name in inner if f"`{name}`" not in shown] == []


@pytest.mark.parametrize(
    ("row", "shape"), [("items", Item), ("responses", Response), ("judgments", Verdict)]
)
def test_the_keys_of_items_responses_and_verdicts_are_documented(row: str, shape: type) -> None:
    line = next(
        line
        for line in _section("plain-files.md", "The forms of the files").splitlines()
        if line.startswith(f"| {row} |")
    )
    assert [field.name for field in fields(shape) if f"`{field.name}`" not in line] == []


def test_the_names_of_harness_testing_are_documented() -> None:
    shown = _section("plugins.md", "Testing one")
    unnamed = [name for name in harness.testing.__all__ if not re.search(rf"`{name}[`(]", shown)]
    assert unnamed == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [m["target"] for m in LINK.finditer(page.read_text(encoding="utf-8"))]
    local = [t for t in targets if not re.match(r"[a-z]+:", t)]
    missing = [t for t in local if not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_exist(page: Path) -> None:
    from harness.cli.main import app, register

    if not app.registered_commands:
        register()
    known = {command.name for command in app.registered_commands}
    text = page.read_text(encoding="utf-8")
    named = {m["words"].split()[0] for m in COMMAND.finditer(text)}
    named |= set(re.findall(r"^harness ([a-z][\w-]*)", text, re.M))
    assert named <= known


def test_hooks_are_documented_with_their_signatures() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    for name, hook in inspect.getmembers(hookspecs, inspect.isfunction):
        if name.startswith("harness_"):
            signature = str(inspect.signature(hook)).replace("'", "")
            assert f"`{name}{signature}`" in text
            assert inspect.getdoc(hook)


def test_every_source_is_documented() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    undocumented = [name for name in load().sources if f"`{name}`" not in text]
    assert undocumented == []


def test_the_readme_shows_the_plugin_that_is_tested() -> None:
    shown = next(s.body for s in snippets(ROOT / "README.md") if s.what == "plugin")
    assert shown == (ROOT / "tests" / "thirdparty_plugin" / "word_limit.py").read_text()


@pytest.mark.parametrize("name", ["commands", "trainers"])
def test_pages_that_are_made_from_the_code_are_as_it_is(name: str) -> None:
    """Made by ``python docs/make_commands.py`` and ``python docs/make_trainers.py``."""
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs" / f"make_{name}.py"), "--print"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == made


def test_make_targets_of_the_pages_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    named = {
        (name_of(page), target)
        for page in PAGES
        for target in re.findall(r"(?:^|`)make (\w+)(?:`|  |$)", page.read_text("utf-8"), re.M)
    }
    assert {target for _, target in named} >= {"demo", "test", "lint", "bench", "mutants"}
    assert [entry for entry in sorted(named) if entry[1] not in targets] == []
