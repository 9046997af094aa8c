"""Break each promise of promises.toml in a copy, and see that its test fails.

A guard that nothing calls, or that no test misses, is a defect. Each entry names the line that
keeps a promise, what stands there when somebody takes it out, and the test that fails then.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILE = HERE / "promises.toml"
sys.path.insert(0, str(HERE))

from run_mutants import ROOT, Group, copy_tree  # noqa: E402


def run_test(copy: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests on the copy's own packages."""
    paths = os.pathsep.join([str(copy), str(copy / "plugins")])
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


def load(words: list[str]) -> list[dict[str, str]]:
    """Return the promises with some words in them, all if none.

    Raises:
        SystemExit: None has them, or a line that is to be taken out is not there just once.
    """
    promises: list[dict[str, str]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["promise"]
    chosen = [p for p in promises if not words or any(word in p["promise"] for word in words)]
    if not chosen:
        sys.exit("\n  ".join(["no promise has these words; there are:", *map(_name, promises)]))
    wrong = [p for p in chosen if (ROOT / p["file"]).read_text("utf-8").count(p["was"]) != 1]
    if wrong:
        lines = [f"{_name(p)}: {p['file']} does not hold once: {p['was']!r}" for p in wrong]
        sys.exit("\n".join(lines))
    return chosen


def _name(promise: dict[str, str]) -> str:
    return promise["promise"]


def unsound(path: Path) -> str:
    """Return why a broken file is no Python that could run, such as a name that does not exist.

    A style sheet or a template is none, and any line of it may go.
    """
    if path.suffix != ".py":
        return ""
    ruff = ["ruff", "check", "--isolated", "--select", "E9,F821,F823", "--output-format=concise"]
    done = subprocess.run(
        [*ruff, path],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )
    return done.stdout if done.returncode else ""


def main() -> int:
    """Return 1 when a promise can be broken without a test that fails."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("only", nargs="*", help="words of the promises to break, all if none")
    parser.add_argument("--work", type=Path, default=ROOT / ".mutants", help="folder of the copy")
    options = parser.parse_args()
    promises = load(options.only)
    copy = options.work.resolve() / "promises"
    copy_tree(copy, Group("promises", [], []), slow=True)
    tests = sorted({p["test"] for p in promises})
    print(f"{len(tests)} tests, unbroken ...", flush=True)
    unbroken = run_test(copy, tests)
    if unbroken.returncode:
        sys.exit(f"a test fails before anything is broken:\n{unbroken.stdout[-3000:]}")
    unnoticed = 0
    for promise in promises:
        path = copy / promise["file"]
        whole = path.read_text(encoding="utf-8")
        path.write_text(whole.replace(promise["was"], promise["now"]), encoding="utf-8")
        reason = unsound(path)
        done = run_test(copy, [promise["test"]]) if not reason else None
        path.write_text(whole, encoding="utf-8")
        if done is not None and done.returncode == 1:  # a test failed; 2 to 5 is no verdict
            print(f"{'held':10}{_name(promise)}", flush=True)
            continue
        unnoticed += 1
        print(f"{'NOT HELD':10}{_name(promise)}")
        print(reason or f"{promise['test']} passes without it\n{done.stdout[-1500:]}", flush=True)
    print(f"{len(promises) - unnoticed} of {len(promises)} promises are held by their test")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
