"""What is mutated exists, and the choice of mutants is what CONTRIBUTING says."""

from __future__ import annotations

import ast
import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where its dataclasses look for their names
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def mutants() -> Iterator[Any]:
    yield load("run_mutants")
    del sys.modules["run_mutants"]


def groups() -> dict[str, Any]:
    return tomllib.loads((HERE / "modules.toml").read_text())


@pytest.mark.parametrize("group", groups())
def test_modules_and_tests_exist(group: str, repo_root: Path) -> None:
    table = groups()[group]
    gone = [p for p in table["modules"] + table["tests"] if not (repo_root / p).exists()]
    assert gone == []
    assert all(p.startswith("harness/") and p.endswith(".py") for p in table["modules"])


def test_equivalents_have_a_reason_and_a_line_that_is_there(repo_root: Path) -> None:
    mutated = {module for table in groups().values() for module in table["modules"]}
    for file in (HERE / "equivalent").glob("*.toml"):
        for entry in tomllib.loads(file.read_text())["mutant"]:
            assert set(entry) == {"module", "was", "now", "why"}, file.name
            assert entry["module"] in mutated, entry
            assert len(entry["why"].split()) >= 3, entry
            assert entry["was"] != entry["now"], entry
            lines = (repo_root / entry["module"]).read_text().splitlines()
            code = " ".join(line.strip() for line in lines)
            assert entry["was"] in code, entry


def test_promises_name_a_line_and_a_test_that_are_there(repo_root: Path) -> None:
    promises = tomllib.loads((HERE / "promises.toml").read_text())["promise"]
    for entry in promises:
        assert set(entry) == {"promise", "file", "was", "now", "test"}, entry
        assert (repo_root / entry["file"]).read_text().count(entry["was"]) == 1, entry
        file, _, name = entry["test"].partition("::")
        assert f"def {name}(" in (repo_root / file).read_text(), entry
    kinds = {entry["promise"].partition(":")[0] for entry in promises}
    assert {
        "kill -9", "resume", "budget", "held out", "gates", "isolation", "atomic", "people",
    } <= kinds  # fmt: skip


@pytest.mark.parametrize(
    ("was", "now", "prose"),
    [
        ('x = f("no such file")', 'x = f("XXno such fileXX")', True),
        ('x = f("no such file")', 'x = f("NO SUCH FILE")', True),
        ('x = f("no such file")', "x = f(None)", False),
        ('x = f("no such file")', "x = f()", False),
        ('return "A"', 'return "XXAXX"', False),
        ('f("no such file", "A")', 'f("no such file", "B")', False),
        ("if a and b:", "if a or b:", False),
    ],
)
def test_only_another_wording_is_prose(mutants: Any, was: str, now: str, prose: bool) -> None:
    assert mutants.Mutant("n", "m", was, now).is_prose is prose


def test_the_same_seed_chooses_the_same_mutants(mutants: Any) -> None:
    made = [
        mutants.Mutant(f"{module}{n}", module, f"x = {n}", f"x = {n + 1}")
        for module in ("a", "b")
        for n in range(20)
    ]
    first = mutants.choose(made, 5, 1)
    assert [m.module for m in first] == ["a"] * 5 + ["b"] * 5
    assert [m.name for m in mutants.choose(made[::-1], 5, 1) if m.module == "a"] == [
        m.name for m in first[:5]
    ]
    assert {m.name for m in mutants.choose(made, 5, 2)} != {m.name for m in first}
    assert len(mutants.choose(made, 0, 1)) == 40
    prose = mutants.Mutant("p", "c", '"a b"', '"A B"')
    assert mutants.choose([prose], 0, 1) == []


def test_the_report_counts_what_changes_anything(
    mutants: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = ["killed"] * 7 + ["timeout"] + ["survived"] * 2
    found = [
        mutants.Mutant(f"m{n}", "harness/a.py", "x = 1", f"x = {n}", outcome)
        for n, outcome in enumerate(outcomes)
    ]
    assert mutants.report(found) == ["all: 80% of those that change anything, below 90%"]
    found[-1].why_equivalent = "nothing reads it"
    assert mutants.report(found) == ["all: 89% of those that change anything, below 90%"]
    capsys.readouterr()
    found[-2].why_equivalent = "nothing reads it"
    found[0].why_equivalent = "said so, but a test noticed it"
    assert mutants.report(found) == []
    out = capsys.readouterr().out
    (row,) = (line for line in out.splitlines() if line.startswith("a.py"))
    assert row.split() == ["a.py", "10", "2", "8", "100%"]
    assert out.endswith("7 killed, 2 equivalent, 1 timeout\n")
    assert "[[mutant]]" not in out
    found[-2].why_equivalent = ""
    found += [mutants.Mutant("z", "harness/b.py", "x = 1", "x = 2", "killed")] * 20
    found.append(mutants.Mutant("s", "harness/c.py", "x = 'a'", 'x = "b"', "no tests"))
    assert mutants.report(found) == ["c.py: 0% of those that change anything, below 80%"]
    shown = capsys.readouterr().out
    start = shown.index("# no tests: s\n") + len("# no tests: s\n")
    block = shown[start : shown.index('why = ""', start) + len('why = ""')]
    (entry,) = tomllib.loads(block)["mutant"]
    assert entry == {"module": "harness/c.py", "was": "x = 'a'", "now": 'x = "b"', "why": ""}


def test_groups_modules_and_paths_are_names(mutants: Any) -> None:
    def chosen(*words: str) -> dict[str, list[str]]:
        return {g.name: [Path(m).stem for m in g.modules] for g in mutants.groups_of(list(words))}

    assert list(chosen()) == list(groups())
    assert chosen("kappa", "gate.py") == {"aggregate": ["gate"], "agreement": ["kappa"]}
    assert chosen("harness/feedback/annotate.py") == {"people": ["annotate"]}
    assert chosen("report", "findings") == {"pipeline": ["report"], "report": ["findings", "gates"]}
    with pytest.raises(SystemExit, match=r"called nosuch; known:\n  sandbox: compare, claims"):
        chosen("kappa", "nosuch")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("harness.agreement.gate.x_gate__mutmut_1", "gate"),
        ("harness.chat.budget.x\u01c1Budget\u01c1__init____mutmut_12", "Budget.__init__"),
        ("harness.a.x__max__mutmut_3", "_max"),
    ],
)
def test_a_function_is_named_without_its_module(mutants: Any, name: str, function: str) -> None:
    assert mutants.Mutant(name, "m", "", "").function == function


def test_a_promise_is_chosen_by_its_words_and_a_break_has_to_run(
    mutants: Any, tmp_path: Path
) -> None:
    promises = load("break_promises")
    assert {p["promise"].partition(":")[0] for p in promises.load(["budget:"])} == {"budget"}
    with pytest.raises(SystemExit, match="no promise has these words"):
        promises.load(["nosuch"])
    broken = tmp_path / "broken.py"
    for code, reason in (("x = 1\n", ""), ("writerr()\n", "F821"), ("x = (\n", "invalid-syntax")):
        broken.write_text(code)
        found = promises.unsound(broken)
        assert (reason in found) and bool(found) is bool(reason), found
    style = tmp_path / "page.css"
    style.write_text("p { color: red; }")
    assert promises.unsound(style) == "", "a style sheet is no Python"


def test_no_assert_has_a_comparison_for_its_message(repo_root: Path) -> None:
    # "assert a, b == c" passes for every a that is not empty, and looks like a test.
    places = [
        f"{path.relative_to(repo_root)}:{node.lineno}"
        for path in (repo_root / "tests").rglob("*.py")
        if "node_modules" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert) and isinstance(node.msg, ast.Compare | ast.BoolOp)
    ]
    assert places == []
