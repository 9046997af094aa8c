"""A program in the sandbox does what ``python solution.py < input`` does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox import RunLimits, Sandbox, SandboxResult, printed_output
from harness.sandbox.claims import exchange
from tests.support.right_programs import FAILING, FAST, STREAMS

LEVELS = ("namespaces", "landlock")


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(1, max_isolation=request.param, limits=RunLimits(cpu_s=5.0)) as sandbox:
        yield sandbox


def stdio(sandbox: Sandbox, source: str, *tests: tuple[str, str]) -> SandboxResult:
    cases = [{"input": given, "output": expected} for given, expected in tests]
    return asyncio.run(sandbox.run_stdio(source, cases))


def python(folder: Path, source: str, given: str) -> tuple[int, str]:
    """What the interpreter itself does; paths are as the sandbox shows them."""
    (folder / "solution.py").write_text(source)
    (folder / "input").write_bytes(given.encode())
    with (folder / "input").open() as file:
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "solution.py"],
            cwd=folder,
            stdin=file,
            capture_output=True,
            timeout=60,
        )
    return done.returncode, done.stdout.decode(errors="replace").replace(f"{folder}/", "")


@pytest.mark.parametrize("name", [*FAST, *STREAMS])
def test_right_programs_pass_twice_as_they_do_by_themselves(
    sandbox: Sandbox, name: str, tmp_path: Path
) -> None:
    source, given = (FAST | STREAMS)[name]
    code, printed = python(tmp_path, source, given)
    assert code == 0
    result = stdio(sandbox, source, (given, printed), (given, printed))
    assert (result.outcome, result.passed, result.detail) == ("pass", 2, "")
    wrong = stdio(sandbox, source, (given, printed + "more"))
    assert (wrong.outcome, wrong.passed) == ("fail", 0)
    assert wrong.detail == "printed another text" or name.startswith("hidden-")


@pytest.mark.parametrize("name", FAILING)
def test_programs_that_python_ends_with_a_failure_fail(
    sandbox: Sandbox, name: str, tmp_path: Path
) -> None:
    source, given = FAILING[name]
    code, printed = python(tmp_path, source, given)
    assert code != 0
    result = stdio(sandbox, source, (given, printed))
    assert (result.outcome, result.passed) == ("fail", 0)


def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which ways are taken from here on."""
    taken: list[str] = []

    def noted(slot: Any, job: dict[str, Any], *others: Any) -> Any:
        taken.append(job["mode"])
        return exchange(slot, job, *others)

    monkeypatch.setattr(printed_output, "exchange", noted)
    return taken


def test_a_normal_program_takes_the_fast_way(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = ways(monkeypatch)
    for name, (source, given) in FAST.items():
        stdio(sandbox, source, (given, "?"), (given, "?"))
        assert taken == ["programs"], name
        taken.clear()
    stdio(sandbox, "print(input())", ("a", "a"), ("b", "c"), ("c", "c"))
    assert taken == ["programs"]


def test_a_program_that_fails_the_fast_way_is_tried_once_more_on_one_input(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = ways(monkeypatch)
    tests = [("1", "1"), ("2", "2"), ("0", "0")]
    result = stdio(sandbox, "print(input())", *tests, ("3", "4"))
    assert (result.passed, taken) == (3, ["programs"])
    taken.clear()
    result = stdio(sandbox, "n = int(input())\n1 // n\nprint(n)", *tests)
    assert (result.outcome, result.passed, taken) == ("fail", 2, ["programs", "raw"])
    assert result.detail.startswith("ZeroDivisionError")
    taken.clear()
    source, given = STREAMS["hidden-descriptor"]
    assert stdio(sandbox, source, (given, "0"), (given, "0")).outcome == "pass"
    assert taken == ["programs", "raw", "raw", "raw"]


def test_hidden_forged_results_are_not_tried_again(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = ways(monkeypatch)
    for data in ("b'x'", "b'\\x02\\0\\0\\0{}' * 3"):
        source = f"os = __import__('os')\nos.write(3, {data})\nprint(1)"
        result = stdio(sandbox, source, ("", "1"), ("", "1"))
        assert (result.outcome, result.passed) == ("fail", 0)
        assert result.detail == "wrote to the channel of its results"
    assert taken == ["programs", "programs"]


def test_time_limits_are_over_all_inputs_also_one_by_one(sandbox: Sandbox) -> None:
    """Or twenty inputs would hold a core for twenty times the limit."""
    spin = "import os, time\nn = float(input())\nwhile time.process_time() < n: pass\nprint(1)"
    limits = RunLimits(cpu_s=0.5, wall_s=20.0)
    cases = [{"input": str(seconds), "output": "1"} for seconds in (0.2, 9, 0, 0)]
    result = asyncio.run(sandbox.run_stdio(spin, cases, limits=limits))
    assert (result.outcome, result.passed, result.total) == ("timeout", 1, 4)
    assert result.cpu_s < 1
    nap = "import os, time\ntime.sleep(float(input()))\nprint(1)"
    limits = RunLimits(cpu_s=0.5, wall_s=1.0)
    cases = [{"input": "0.6", "output": "1"}] * 3
    result = asyncio.run(sandbox.run_stdio(nap, cases, limits=limits))
    assert (result.outcome, result.passed, result.total) == ("timeout", 1, 3)


def test_the_input_of_a_program_cannot_be_written_to(sandbox: Sandbox) -> None:
    """A file on a disk could be made as large as the disk."""
    source = (
        "import os\nfor change in (lambda: os.write(0, b'x' * 4096), lambda: os.ftruncate(0, 9)):\n"
        "    try:\n        change()\n        print('changed')\n"
        "    except OSError:\n        print('kept')\nprint(os.read(0, 9))"
    )
    assert stdio(sandbox, source, ("ab", "kept\nkept\nb'ab'")).outcome == "pass"


def test_a_program_that_dies_before_it_has_answered_fails(sandbox: Sandbox) -> None:
    for source in (
        "import os\nos._exit(0)",
        "import os\nprint('1')\nos._exit(0)",  # Python's own buffer is lost too
        "getattr(__import__('os'), '_exit')(0)",
        "import os\nos.close(3)\nos._exit(0)",
    ):
        result = stdio(sandbox, source, ("", "1"), ("", "1"))
        assert (result.outcome, result.passed) == ("fail", 0), source


def test_nothing_of_the_host_can_be_seen(sandbox: Sandbox) -> None:
    source = (
        "import sys\nprint(sys.argv, sys.orig_argv, repr(sys.executable), __file__,"
        " [p for p in sys.path if 'harness' in p or 'site-packages' in p])"
    )
    shown = "['solution.py'] ['python', 'solution.py'] '' solution.py []"
    for head in ("", "import os\n"):
        result = stdio(sandbox, head + source, ("", shown))
        assert result.outcome == "pass", result
    source = "import sys, traceback\ntraceback.print_stack(file=sys.stdout)"
    (printed,) = asyncio.run(sandbox.observe(source, inputs=[""]))[1]
    assert 'File "guest", line ' in printed
    assert not [line for line in printed.splitlines() if "/" in line]


def test_an_input_that_no_file_could_hold_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match="is not text"):
        stdio(sandbox, "print(1)", ("\ud800", "1"))


@pytest.mark.parametrize("name", ["thread-not-joined", "at-exit", "open-dev-stdin", "main-guard"])
def test_an_original_to_translate_may_be_any_of_them(sandbox: Sandbox, name: str) -> None:
    source, given = (FAST | STREAMS)[name]
    run, values = asyncio.run(sandbox.observe(source, inputs=[given, given]))
    assert run.outcome == "pass"
    assert stdio(sandbox, source, (given, values[1])).outcome == "pass"


def test_a_look_at_a_program_is_linear() -> None:
    for part in ("import ", "from ", ", ", "import\t", ",  ", "open ", "from import, os ", " " * 9):
        text = part * 200_000
        began = time.process_time()
        printed_output._EXACT.search(text)
        assert time.process_time() - began < 5
