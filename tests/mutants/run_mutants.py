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


def run(work: Path, mutants: list[Mutant], children: int, quiet: bool) -> None:
    """Let mutmut run the tests on mutants and note what became of each."""
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
    command += [m.name for m in mutants]
    log = work / "mutmut.log"
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(command, cwd=work, env=environment, stdout=out, stderr=out)
    shown = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
    text = "\n".join(line for line in shown if not "\u2800" < line[:1] < "\u28ff")  # its spinner
    if done.returncode:
        sys.exit(f"mutmut failed, see {log}:\n{text[-3000:]}")
    codes = {}
    for meta in (work / "mutants").rglob("*.meta"):
        codes |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    for mutant in mutants:
        code = codes[mutant.name]
        # 255: pytest could not run the tests that mutmut asked for, which mutmut takes for a kill.
        mutant.outcome = "tests not run" if code == 255 else status_by_exit_code[code]
    if not quiet:
        print(f"  {work.name}: {len(mutants)} mutants", flush=True)


def mark_equivalents(mutants: list[Mutant]) -> list[dict[str, str]]:
    """Give known equivalents their reason; return the entries that match no mutant at all."""
    known = [
        entry
        for file in sorted((HERE / "equivalent").glob("*.toml"))
        for entry in tomllib.loads(file.read_text(encoding="utf-8"))["mutant"]
    ]
    unused = []
    for entry in known:
        hits = [
            m
            for m in mutants
            if (m.module, m.was, m.now) == (entry["module"], entry["was"], entry["now"])
        ]
        for mutant in hits:
            mutant.why_equivalent = entry["why"]
        if not hits and any(m.module == entry["module"] for m in mutants):
            unused.append(entry)
    return unused


def report(mutants: list[Mutant]) -> bool:
    """Print shares and survivors; return whether the goals are met."""
    met = True
    print(f"\n{'module':44} {'run':>5} {'same':>5} {'killed':>7} {'share':>6}")
    rows = [(m, [x for x in mutants if x.module == m]) for m in sorted({x.module for x in mutants})]
    for module, mine in [*rows, ("all", mutants)]:
        alive = [m for m in mine if m.outcome not in KILLED]
        same = sum(bool(m.why_equivalent) for m in alive)
        changing = len(mine) - same
        killed = len(mine) - len(alive)
        share = killed / changing if changing else 1.0
        met &= share >= (GOAL if module == "all" else GOAL_OF_EACH)
        name = module.removeprefix("harness/")
        print(f"{name:44} {len(mine):5} {same:5} {killed:7} {share:6.0%}")
    survivors = [m for m in mutants if m.outcome not in KILLED and not m.why_equivalent]
    print(f"\n{len(survivors)} survive:")
    for mutant in survivors:
        print(f"\n{mutant.name} ({mutant.outcome})\n  - {mutant.was}\n  + {mutant.now}")
    outcomes = Counter(m.outcome for m in mutants)
    print("\n" + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()))
    return met


def main() -> int:
    """Choose, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="groups or modules, such as aggregate or kappa")
    parser.add_argument("--sample", type=int, default=30, help="mutants of each module, 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--function", default="", help="only mutants whose name holds this text")
    parser.add_argument("--slow", action="store_true", help="run the tests marked slow as well")
    parser.add_argument("--work", type=Path, default=ROOT / ".mutants", help="folder of copies")
    parser.add_argument("--json", type=Path, help="write every mutant and its outcome there")
    options = parser.parse_args()
    groups = tomllib.loads((HERE / "modules.toml").read_text(encoding="utf-8"))
    started, everything, options_work = time.monotonic(), [], options.work.resolve()
    for name, table in groups.items():
        group = Group(name, table["modules"], table["tests"])
        if options.only and name not in options.only:
            group.modules = [m for m in group.modules if Path(m).stem in options.only]
        if not group.modules:
            continue
        work = options_work / name
        copy_tree(work, group, options.slow)
        found = [m for m in read_mutants(work, group.modules) if options.function in m.name]
        group.mutants = choose(found, options.sample, options.seed)
        unused = mark_equivalents(found)
        for entry in unused if not options.function else []:
            print(f"equivalent/: no such mutant of {entry['module']}: {entry['was']}")
        if group.mutants:
            run(work, group.mutants, options.children, quiet=False)
        everything += group.mutants
    met = report(everything)
    if options.json:
        rows = [{k: getattr(m, k) for k in Mutant.__slots__} for m in everything]
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"seed {options.seed}, {options.sample or 'all'} of each module, ", end="")
    print(f"{(time.monotonic() - started) / 60:.0f} minutes")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
