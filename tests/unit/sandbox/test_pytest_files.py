"""Pytest files: what they may use, and what their process may not do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from isolated import QUICK, pytest_file

from harness.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, limits=QUICK) as sandbox:
        yield sandbox


def test_pytest_works_as_people_use_it(sandbox: Sandbox) -> None:
    tests = """
import tempfile, unittest
import pytest
from solution import add

@pytest.fixture
def three(): return 3

def test_fixture(three): assert add(three, 1) == 4

@pytest.mark.parametrize("a", [1, 2])
def test_cases(a): assert add(a, a) == 2 * a

def test_files(tmp_path):
    (tmp_path / "folder").mkdir()
    file = tmp_path / "file.txt"
    file.write_text("x")
    assert file.rename(tmp_path / "folder" / "y").read_text() == "x"
    with tempfile.TemporaryDirectory(), tempfile.NamedTemporaryFile() as other:
        other.write(b"1")

class TestOld(unittest.TestCase):
    def test_sum(self): self.assertEqual(add(1, 1), 2)

def test_refusal():
    with pytest.raises(TypeError): add(1, "a")

def test_near(): assert add(0.1, 0.2) == pytest.approx(0.3)

def test_installed():
    import numpy as np
    assert np.allclose([add(1, 2)], [3])
"""
    result = pytest_file(sandbox, "def add(a, b): return a + b", tests)
    assert (result.outcome, result.passed, result.total) == ("pass", 8, 8), result


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd')",
        "open('/tmp/harness-was-here', 'w')",
        "open(__import__('pathlib').Path(__file__).parents[1] / 'x', 'w')",
        "subprocess.run(['id'])",
        "socket.socket()",
        "os.chmod('.', 0o777)",
        "os.kill(os.getppid(), 9)",
        "os.fork()",
        "os.mkfifo('x')",
        "os.listdir(os.path.expanduser('~root'))",
    ],
)
def test_a_pytest_file_is_confined(sandbox: Sandbox, attempt: str) -> None:
    tests = f"""
import os, pytest, socket, subprocess
from solution import f
def test_it():
    with pytest.raises(OSError): {attempt}
    assert f() == 1 and not [k for k in os.environ if "KEY" in k or k == "PATH"]
"""
    result = pytest_file(sandbox, "def f(): return 1", tests)
    assert result.outcome == "pass", result


def test_files_of_one_job_are_not_there_in_the_next(sandbox: Sandbox) -> None:
    tests = "from solution import f\nimport os\ndef test_it():\n    assert f() is None\n"
    write = "    os.makedirs('a/b'); open('conftest.py', 'w').close(); open('a/b/c', 'w').close()\n"
    look = "    assert sorted(os.listdir()) == ['pytest.ini', 'test_solution.py']\n"
    assert pytest_file(sandbox, "def f(): 1", tests + write).outcome == "pass"
    assert pytest_file(sandbox, "def f(): 1", tests + look).outcome == "pass"


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        ("import os; os._exit(0)", "fail"),
        ("import sys; sys.exit(0)", "fail"),
        ("while True: pass", "timeout"),
        ("import os; os.write(3, b'xxxxxxxxx')", "output"),
        ("import os; os.write(3, b'\\0\\0\\0\\0')", "fail"),
        ("import ctypes; ctypes.string_at(0)", "crash"),
        ("def f(): import os; os._exit(0)", "fail"),
        ("def f(): return range(10 ** 12)", "memory"),
    ],
)
def test_a_dying_program_has_failed(sandbox: Sandbox, program: str, outcome: str) -> None:
    for swallow in ("BaseException", "ZeroDivisionError"):
        tests = f"""
from solution import f
def test_it():
    try:
        assert set(f()) == {{1, 2}}
    except {swallow}:
        pass
"""
        result = pytest_file(sandbox, program, tests)
        if outcome != "memory" or swallow == "ZeroDivisionError":
            assert result.outcome == outcome, result


@pytest.mark.parametrize("seam", ["capsys", "monkeypatch"])
def test_tests_that_look_into_the_programs_process_say_nothing(sandbox: Sandbox, seam: str) -> None:
    tests = f"from solution import f\ndef test_it({seam}):\n    f()\n    assert 0\n"
    result = pytest_file(sandbox, "def f(): print(1)", tests)
    assert result.outcome == "unsupported" and seam in result.detail


def test_a_pytest_file_that_does_not_compile_is_no_failure(sandbox: Sandbox) -> None:
    result = pytest_file(sandbox, "def f(): 1", "def test_it(:\n")
    assert result.outcome == "error" and "do not compile" in result.detail
