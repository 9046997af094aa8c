"""Runs a pytest file against a program in another process, like tester.py.

The file lies in a folder of its own, the only place that can be written to. No conftest.py, no
configuration and no plugin of the host is read. The job:

    {"module", "tests", "folder", "limit", "mirror"}
"""

from __future__ import annotations

import builtins
import importlib
import os
import pkgutil
import sys
import types
from pathlib import Path
from typing import Any

from harness.sandbox.guest import child
from harness.sandbox.guest.proxies import Gone, Program, Unproxyable
from harness.sandbox.guest.test_checks import REACHED, Checks
from harness.sandbox.guest.test_faults import Faults
from harness.sandbox.guest.test_names import Taken, taken
from harness.sandbox.guest.tester import FILE, answer_of, line, loading_failed, serve, taken_over

_OPTIONS = (
    "-p no:cacheprovider -p no:terminal -p no:faulthandler --noconftest --capture=sys"
    " --import-mode=importlib"
).split()


def warm_up(modules: list[str]) -> None:
    """Import all of pytest before any fork.

    Raises:
        ImportError: It is not installed.
    """
    child.warm_up(["asyncio", "unittest.mock", "pytest", *modules])
    package = importlib.import_module("_pytest")
    for found in pkgutil.walk_packages(package.__path__, "_pytest."):
        importlib.import_module(found.name)
    taken(["f(1)\ng(2)"])


def run_job(descriptor: int) -> None:
    """Read the job, run it, and answer; the caller ends the process."""
    serve(descriptor, _run)


def _run(job: dict[str, Any], program: Program) -> dict[str, Any]:
    """Run one file; each test counts as one."""
    import pytest

    counts = _Counts(program)
    uses = Taken()
    folder = job["folder"]
    os.environ |= {"HOME": folder, "TMPDIR": folder, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    os.chdir(folder)
    file = Path(folder, FILE)
    settings = Path(folder, "pytest.ini")
    settings.write_text("[pytest]\n", encoding="utf-8")
    try:
        loaded = program.receive()
        if "e" in loaded:
            return answer_of(0, 1, "fail", loading_failed(loaded), program, uses)
        uses = taken([job["tests"]], module=job["module"])
        program.shows_dropped = not uses.computes
        names = {name for name in uses.names if not hasattr(builtins, name)}
        alike = program.names(set(uses.alike)).keys() if uses.alike else set()
        checks = Checks([job["tests"]], names | alike, job["module"])
        (marked,) = checks.marked()
        file.write_text(marked, encoding="utf-8")
        program.faults = Faults({str(file): marked}, checks, names, module=job["module"])
        vars(builtins)[REACHED] = program.reach
        sys.modules[job["module"]] = Solution(job["module"], program, uses)
        options = [*_OPTIONS, "-c", str(settings), "--rootdir", folder, "--basetemp", f"{folder}/t"]
        pytest.main([*options, str(file)], plugins=[counts])
    except (Gone, Unproxyable):
        pass  # the program remembers
    except BaseException as error:
        counts.failures.append(line(error))
    passed = len(counts.passed - counts.failed)
    total = passed + len(counts.failed) or len(counts.failures)
    outcome = "pass" if passed and not counts.failures else "fail"
    detail = counts.failures[0] if counts.failures else ""
    if not total:
        outcome, detail = "undecided", "no test was run that may not be skipped or fail"
    return answer_of(passed, max(total, 1), outcome, detail, program, uses)


class Solution(types.ModuleType):
    """The module under which the tests import the program.

    Args:
        name: Of the module.
        program: The program.
        uses: What the tests use; ``import *`` brings no other names.
    """

    def __init__(self, name: str, program: Program, uses: Taken) -> None:
        super().__init__(name)
        self.__dict__["_program"] = program
        self.__dict__["_uses"] = uses

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return sorted(taken_over(self._uses, self._program))
        found = (
            {} if name.startswith("__") and name != "__version__" else self._program.names({name})
        )
        if name not in found:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return found[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("__"):
            self._program.refuse(f"replace {name} in the program")
        super().__setattr__(name, value)


class _Counts:
    """A pytest plugin that counts what passed and keeps why others did not."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.passed: set[str] = set()
        self.failed: set[str] = set()
        self.failures: list[str] = []

    def pytest_exception_interact(self, call: Any) -> None:
        """Look at what a test raised."""
        if call.excinfo is not None:
            self.program.note(call.excinfo.value)

    def pytest_collectreport(self, report: Any) -> None:
        """Note a file that cannot be imported."""
        if report.failed:
            self.failures.append(str(report.longrepr).strip().split("\n")[-1])

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count one test; parts of it (subTest) have its name."""
        if report.failed:
            self.failed.add(report.nodeid)
            crash = getattr(report.longrepr, "reprcrash", None)
            self.failures.append(str(crash.message if crash else report.longrepr).split("\n")[0])
        elif report.when == "call" and report.passed and not hasattr(report, "wasxfail"):
            self.passed.add(report.nodeid)
