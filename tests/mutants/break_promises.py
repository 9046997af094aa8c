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


def main() -> int:
    """Return 1 when a promise can be broken without a test that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="words of the promises to break; all if none")
    parser.add_argument("--work", type=Path, default=ROOT / ".mutants", help="folder of the copy")
    options = parser.parse_args()
    promises = tomllib.loads((HERE / "promises.toml").read_text(encoding="utf-8"))["promise"]
    if options.only:
        promises = [p for p in promises if any(word in p["promise"] for word in options.only)]
    copy = options.work.resolve() / "promises"
    copy_tree(copy, Group("promises", [], []), slow=True)
    unbroken = run_test(copy, sorted({p["test"] for p in promises}))
    if unbroken.returncode:
        sys.stderr.write(unbroken.stdout[-3000:] + unbroken.stderr[-1000:])
        return 1
    unnoticed = []
    for promise in promises:
        path = copy / promise["file"]
        whole = path.read_text(encoding="utf-8")
        if whole.count(promise["was"]) != 1:
            sys.exit(f"{promise['file']} does not hold once: {promise['was']!r}")
        path.write_text(whole.replace(promise["was"], promise["now"]), encoding="utf-8")
        # A broken promise fails a test (1); anything else is a broken break.
        done = run_test(copy, [promise["test"]])
        path.write_text(whole, encoding="utf-8")
        print(
            f"{'held' if done.returncode == 1 else 'UNNOTICED':10}{promise['promise']}", flush=True
        )
        if done.returncode != 1:
            unnoticed.append(promise)
            print(done.stdout[-1500:] + done.stderr[-500:])
    print(f"{len(promises) - len(unnoticed)} of {len(promises)} promises are held by their test")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
