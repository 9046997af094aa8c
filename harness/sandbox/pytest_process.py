"""The test process for pytest files: pytest and the file are trusted, the program is elsewhere.

It talks to the controller and to the program like the confined test process of guest/tester.py.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

from harness.sandbox.guest import codec
from harness.sandbox.guest.program import die_with_parent
from harness.sandbox.guest.proxies import Program
from harness.sandbox.guest.tester import answer_of, names_in, serve
from harness.sandbox.launch import launch_trusted

_OPTIONS = "-p no:cacheprovider -p no:terminal --import-mode=importlib -c /dev/null".split()


def launch_pytest(descriptor: int) -> subprocess.Popen[bytes]:
    """Execute the process with the packages of this one."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return launch_trusted(__name__, descriptor, environment=environment)


def main(descriptor: int) -> None:
    """Serve requests until the controller closes its end."""
    sys.dont_write_bytecode = True
    control = socket.socket(fileno=descriptor)
    die_with_parent()
    try:
        import pytest  # noqa: F401 (so that the first request does not pay for it)
    except ImportError as error:
        control.sendall(codec.frame({"failed": f"{error}; pip install pytest"}))
        return
    control.sendall(codec.frame({"ready": True}))
    serve(control, run)


def run(request: dict[str, Any], program: Program) -> dict[str, Any]:
    """Run one file; each test counts as one."""
    import pytest

    loaded = program.receive()
    if "e" in loaded:
        return answer_of(0, 1, "fail", ": ".join(loaded["e"][:2]), program)
    name = request["module"]
    counts = _Counts()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "test_solution.py"
        file.write_text(request["tests"], encoding="utf-8")
        try:
            code = compile(request["tests"], str(file), "exec", dont_inherit=True)
            module = types.ModuleType(name)
            module.__dict__.update(program.names(names_in(code) - set(dir(module))))
            sys.modules[name] = module
            pytest.main([*_OPTIONS, "--rootdir", folder, str(file)], plugins=[counts])
        except BaseException as error:
            counts.failures.append(f"{type(error).__name__}: {error}")
        finally:
            sys.modules.pop(name, None)
            sys.modules.pop("test_solution", None)
    total = counts.passed + len(counts.failures)
    outcome = "pass" if counts.passed and not counts.failures else "fail"
    detail = counts.failures[0] if counts.failures else "" if total else "there are no tests"
    return answer_of(counts.passed, max(total, 1), outcome, detail[:300], program)


class _Counts:
    """A pytest plugin that counts what passed and keeps why others did not."""

    def __init__(self) -> None:
        self.passed = 0
        self.failures: list[str] = []

    def pytest_collectreport(self, report: Any) -> None:
        """Note a file that cannot be imported."""
        if report.failed:
            self.failures.append(str(report.longrepr).strip().split("\n")[-1])

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count one test."""
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.failures.append(str(crash.message if crash else report.longrepr).split("\n")[0])
        elif report.when == "call" and report.passed:
            self.passed += 1
