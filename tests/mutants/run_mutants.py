"""Mutation testing: which wrong lines would no test notice?

mutmut makes the mutations, finds the tests that reach each function and runs them. This script only
chooses: which modules and tests (modules.toml), which mutants of each module (a random sample by
seed), and which survivors are known to change nothing (equivalent/*.toml, each with its reason).

Mutations of prose are left out: a string with a blank in it, upside down, is another wording and no
wrong reward, price or number.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KILLED = {"killed", "timeout", "segfault"}
STRING = re.compile(r"""[rbuRBU]{0,2}("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
GOAL, GOAL_OF_EACH = 0.90, 0.80


@dataclass(slots=True)
class Mutant:
    """One wrong line: what it takes out, what it puts in, and what became of it."""

    name: str
    module: str
    was: str
    now: str
    outcome: str = "not run"
    why_equivalent: str = ""

    @property
    def function(self) -> str:
        """The function's name, after its class where it has one.

        mutmut calls them x_function and xǁClassǁmethod.
        """
        return self.name.rpartition(".")[2].partition("__mutmut_")[0][2:].replace("\u01c1", ".")

    @property
    def is_killed(self) -> bool:
        """Whether a test noticed it."""
        return self.outcome in KILLED

    @property
    def is_prose(self) -> bool:
        """Whether only the wording of a text differs."""
        if STRING.sub('""', self.was) != STRING.sub('""', self.now):
            return False
        pairs = zip(STRING.findall(self.was), STRING.findall(self.now), strict=True)
        return all(" " in was for was, now in pairs if was != now)


@dataclass(slots=True)
class Group:
    """Modules that the same tests reach."""

    name: str
    modules: list[str]
    tests: list[str]
    mutants: list[Mutant] = field(default_factory=list)


def copy_tree(work: Path, group: Group, slow: bool) -> None:
    """Copy the working tree and tell mutmut what to mutate and which tests to run."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    shutil.rmtree(work, ignore_errors=True)
    top = set()
    for name in listed:
        source = ROOT / name
        if source.is_file():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, work / name)
            top.add(Path(name).parts[0])
    if (ROOT.parent / "shared").is_dir():
        (work / "shared").symlink_to(ROOT.parent / "shared")
    settings = {
        "source_paths": ["harness"],
        "only_mutate": group.modules,
        "also_copy": sorted(top - {"harness"}),
        "pytest_add_cli_args_test_selection": group.tests,
        "pytest_add_cli_args": [
            *("-p", "no:cacheprovider"),
            *([] if slow else ["-m", "not slow"]),
        ],
        "process_isolation": "forkserver",
        "use_setproctitle": False,
        "track_dependencies": False,
        "use_git_change_detection": False,
        "timeout_multiplier": 4.0,
        "timeout_constant": 8.0,
    }
    with (work / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n[tool.mutmut]\n")
        for key, value in settings.items():
            file.write(f"{key} = {json.dumps(value)}\n")


def read_mutants(work: Path, modules: list[str]) -> list[Mutant]:
    """Return every mutant that mutmut makes of some files."""
    os.chdir(work)
    import libcst
    from mutmut.mutation.diff_apply import read_mutant_function, read_original_function
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.utils.format_utils import get_mutant_name

    found = []
    for module in modules:
        made = mutate_file_contents(module, (work / module).read_text(encoding="utf-8"))
        tree = libcst.parse_module(made.code)
        empty = libcst.Module([])
        for name in made.mutant_names:
            before = empty.code_for_node(read_original_function(tree, name)).splitlines()
            after = empty.code_for_node(read_mutant_function(tree, name)).splitlines()
            was, now = _difference(before, after)
            found.append(Mutant(get_mutant_name(Path(module), name), module, was, now))
    return found


def _difference(before: list[str], after: list[str]) -> tuple[str, str]:
    """Return the lines that differ, without their indentation."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return tuple(
        " ".join(line.strip() for line in lines[start : len(lines) - end])
        for lines in (before, after)
    )


def choose(mutants: list[Mutant], per_module: int, seed: int) -> list[Mutant]:
    """Sample mutants of each module, without prose and without what reads the same."""
    chosen = []
    for module in dict.fromkeys(m.module for m in mutants):
        mine = [m for m in mutants if m.module == module and not m.is_prose and m.was != m.now]
        mine.sort(key=lambda m: m.name)
        random.Random(f"{seed}:{module}").shuffle(mine)
        chosen += mine[:per_module] if per_module else mine
    return chosen


def run(work: Path, group: Group, children: int) -> None:
    """Let mutmut run the tests on a group's mutants and note what became of each."""
    from mutmut.stats import status_by_exit_code

    environment = os.environ | {
        "PYTHONPATH": str(work / "mutants"),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNDEFAULTENCODING": "1",
        "COLUMNS": "80",
    }
    # Python forgets a folder of PYTHONPATH that is not there when it starts.
    (work / "mutants").mkdir()
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
    command += [m.name for m in group.mutants]
    log, began = work / "mutmut.log", time.monotonic()
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(command, cwd=work, env=environment, stdout=out, stderr=out)
        while process.poll() is None:
            time.sleep(1)
            show_progress(log, group, began)
    text = read_log(log)
    if process.returncode:
        if "failed to collect stats" in text or "Failed to run clean test" in text:
            explain_failing_tests(work, group, environment)
        sys.exit(f"mutmut failed, see {log}:\n{text[-3000:]}")
    codes = {}
    for meta in (work / "mutants").rglob("*.meta"):
        codes |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    for mutant in group.mutants:
        code = codes[mutant.name]
        # 255: pytest could not run the tests that mutmut asked for, which mutmut takes for a kill.
        mutant.outcome = "tests not run" if code == 255 else status_by_exit_code[code]
    killed = sum(m.is_killed for m in group.mutants)
    print(f"  {killed} of {len(group.mutants)} killed in {clock(time.monotonic() - began)}")


def read_log(log: Path) -> str:
    """Return what mutmut printed, without its spinner."""
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
    return "\n".join(line for line in lines if not "\u2800" < line[:1] < "\u28ff")


def show_progress(log: Path, group: Group, began: float) -> None:
    """Show on a terminal how many mutants are done and how long the others will take."""
    if not sys.stderr.isatty():
        return
    shown = re.findall(r"(\d+)/\d+ ", log.read_text(encoding="utf-8", errors="replace"))
    done, total = int(shown[-1]) if shown else 0, len(group.mutants)
    spent = time.monotonic() - began
    left = f", {clock(spent / done * (total - done))} left" if done else ""
    doing = f"{done} of {total} mutants" if done else "running the tests once, unchanged"
    sys.stderr.write("\r\x1b[K" if done == total else f"\r  {doing}, {clock(spent)}{left}\x1b[K")


def explain_failing_tests(work: Path, group: Group, environment: dict[str, str]) -> None:
    """Exit with what pytest says of tests that fail before anything is changed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *group.tests],
        cwd=work,
        env=environment | {"PYTHONPATH": str(work)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"a test fails before anything is changed:\n{done.stdout[-3000:]}")


def clock(seconds: float) -> str:
    """Return minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def mark_equivalents(mutants: list[Mutant]) -> list[str]:
    """Give known equivalents their reason; return those that match no mutant, with their file."""
    unused = []
    for file in sorted((HERE / "equivalent").glob("*.toml")):
        for entry in tomllib.loads(file.read_text(encoding="utf-8"))["mutant"]:
            mine = [m for m in mutants if m.module == entry["module"]]
            hits = [m for m in mine if (m.was, m.now) == (entry["was"], entry["now"])]
            for mutant in hits:
                mutant.why_equivalent = entry["why"]
            if mine and not hits:
                unused.append(f"{file.name}: {entry['module']}: {entry['was']} -> {entry['now']}")
    return unused


def report(mutants: list[Mutant]) -> list[str]:
    """Print shares and survivors; return which goals are missed."""
    missed = []
    print(f"\n{'module':40} {'mutants':>8} {'equivalent':>11} {'killed':>7} {'share':>6}")
    rows = [(m, [x for x in mutants if x.module == m]) for m in sorted({x.module for x in mutants})]
    for module, mine in [*rows, ("all", mutants)]:
        same = sum(bool(m.why_equivalent) and not m.is_killed for m in mine)
        killed = sum(m.is_killed for m in mine)
        share = killed / (len(mine) - same) if len(mine) > same else 1.0
        goal = GOAL if module == "all" else GOAL_OF_EACH
        name = module.removeprefix("harness/")
        if share < goal:
            missed.append(f"{name}: {share:.0%} of those that change anything, below {goal:.0%}")
        print(f"{name:40} {len(mine):8} {same:11} {killed:7} {share:6.0%}")
    survivors = [m for m in mutants if not m.is_killed and not m.why_equivalent]
    for mutant in survivors:
        print(f"\n# {mutant.outcome}: {mutant.name}\n[[mutant]]")
        for key in ("module", "was", "now"):
            print(f"{key} = {quoted(getattr(mutant, key))}")
        print('why = ""')
    if survivors:
        print("\nClose these by a test on values, or say in tests/mutants/equivalent/ why nobody")
        print("can see a difference: copy the lines from [[mutant]] on and fill in why.")
    outcomes = Counter(
        "equivalent" if m.why_equivalent and not m.is_killed else m.outcome for m in mutants
    )
    print("\n" + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()))
    return missed


def quoted(text: str) -> str:
    """Return a text as a string of TOML."""
    return f"'{text}'" if "'" not in text else json.dumps(text, ensure_ascii=False)


def groups_of(words: list[str]) -> list[Group]:
    """Return the groups that some words name: a group, a module's name or its path; all if none.

    Raises:
        SystemExit: A word names nothing, or a module of modules.toml does not exist.
    """
    file = HERE / "modules.toml"
    groups = [
        Group(name, table["modules"], table["tests"])
        for name, table in tomllib.loads(file.read_text(encoding="utf-8")).items()
    ]
    gone = [p for g in groups for p in [*g.modules, *g.tests] if not (ROOT / p).exists()]
    if gone:
        sys.exit(f"{file}: there is no {', '.join(gone)}")
    if not words:
        return groups
    named = {w: [m for g in groups for m in g.modules if _names(w, g.name, m)] for w in words}
    unknown = [word for word, found in named.items() if not found]
    if unknown:
        lines = [f"no group or module is called {', '.join(unknown)}; known:"]
        lines += [f"{g.name}: {', '.join(Path(m).stem for m in g.modules)}" for g in groups]
        sys.exit("\n  ".join(lines))
    wanted = {module for found in named.values() for module in found}
    for group in groups:
        group.modules = [module for module in group.modules if module in wanted]
    return [group for group in groups if group.modules]


def _names(word: str, group: str, module: str) -> bool:
    return word in (group, module, Path(module).stem, Path(module).name)


def main() -> int:
    """Choose, run, report."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("only", nargs="*", help="groups or modules, such as aggregate or kappa")
    parser.add_argument("--sample", type=int, default=30, help="mutants of each module, 0 for all")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="tests at once")
    parser.add_argument("--function", default="", help="only functions with this in their name")
    parser.add_argument("--slow", action="store_true", help="run the tests marked slow as well")
    parser.add_argument("--work", type=Path, default=ROOT / ".mutants", help="folder of copies")
    parser.add_argument("--json", type=Path, help="write every mutant and its outcome there")
    options = parser.parse_args()
    began, work, everything = time.monotonic(), options.work.resolve(), []
    for group in groups_of(options.only):
        copy_tree(work / group.name, group, options.slow)
        found = read_mutants(work / group.name, group.modules)
        unused = mark_equivalents(found)
        found = [m for m in found if options.function in m.function]
        group.mutants = choose(found, options.sample, options.seed)
        if group.mutants:
            modules = len({m.module for m in group.mutants})
            print(f"{group.name}: {len(group.mutants)} mutants of {modules} modules", flush=True)
            run(work / group.name, group, options.children)
        for entry in unused:
            print(f"  no mutant is like this any more: {entry}")
        everything += group.mutants
    if not everything:
        sys.exit(f"there is no mutant of a function with {options.function!r} in its name")
    missed = report(everything)
    if options.json:
        rows = [{k: getattr(m, k) for k in Mutant.__slots__} for m in everything]
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"seed {options.seed}, {options.sample or 'all'} of each module, ", end="")
    print(f"{clock(time.monotonic() - began)} minutes")
    for goal in missed:
        print(goal)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
