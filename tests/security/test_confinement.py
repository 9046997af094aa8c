"""Every call that confines the guest, looked at by itself.

Layers overlap, so an attack that one of them misses is stopped by the next, and a layer that is
gone would not be noticed. Here each is seen from inside, from /proc, or with the others taken off.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import site
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.nouns.errors import SandboxError
from harness.sandbox import RunLimits, slot
from harness.sandbox.claims import exchange
from harness.sandbox.slot import Slot

LEVELS = ("namespaces", "landlock", "seccomp", "rlimits")
LIMITS = RunLimits(cpu_s=2.3, wall_s=20.0, memory_bytes=300 << 20)
IS_ROOT = os.geteuid() == 0
NOBODY = 65534
Offers = Callable[..., bool]
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


def start(level: str, *patch: str) -> Slot:
    """A zygote; with a patch, some lines run in its process before it confines itself."""
    original = slot.launch

    def launch(module: str, options: dict[str, Any], descriptor: int) -> Any:
        before = "\n".join(["os import path", *patch])
        return original(f"{before}\nfrom {module}", options, descriptor)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(slot, "launch", launch)
        return Slot(level, (), ())


@pytest.fixture(scope="module", params=LEVELS)
def zygote(request: pytest.FixtureRequest, offers: Offers) -> Iterator[Slot]:
    if not offers(request.param):
        pytest.skip(f"this host does not offer {request.param}")
    slot = start(request.param)
    yield slot
    slot.close()


@pytest.fixture(scope="module")
def in_namespaces(offers: Offers) -> Iterator[Slot]:
    if not offers("namespaces"):
        pytest.skip("this host does not offer namespaces")
    slot = start("namespaces")
    yield slot
    slot.close()


def inside(zygote: Slot, expression: str, imports: str = "os") -> Any:
    """What a program in a child finds out."""
    source = f"import {imports}\ndef f():\n    return {expression}\n"
    return run(zygote, source)


def run(zygote: Slot, source: str) -> Any:
    job = {"mode": "functions", "source": source, "entry": "f", "calls": [[[], {}]]}
    (frame,) = exchange(zygote, job, LIMITS).frames
    assert "v" in frame, frame
    return frame["v"]


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def confined(zygote: Slot) -> int:
    """Process id of the process that forks the children."""
    return (children(zygote.pid) or [zygote.pid])[0] if zygote.level == "namespaces" else zygote.pid


def status(pid: int | str) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


# -- limits and descriptors ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("RLIMIT_AS", 300 << 20),
        ("RLIMIT_CPU", 4),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_NOFILE", 64),
        ("RLIMIT_MEMLOCK", 0),
        ("RLIMIT_MSGQUEUE", 0),
    ],
)
def test_limits_of_a_child(zygote: Slot, name: str, limit: int) -> None:
    assert inside(zygote, f"list(resource.getrlimit(resource.{name}))", "resource") == [limit] * 2


def test_the_stack_is_limited_so_that_threads_fit() -> None:
    before, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if 0 < hard <= 8 << 20:
        pytest.skip("this host allows no larger stack")
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
    try:
        zygote = start("rlimits")
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, (before, hard))
    assert inside(zygote, "resource.getrlimit(resource.RLIMIT_STACK)[0]", "resource") == 8 << 20
    zygote.close()


def test_a_child_has_its_own_channel_and_nothing_else_open(zygote: Slot) -> None:
    source = (
        "import os\ndef f():\n    found = []\n    for d in range(1024):\n        try:\n"
        "            os.fstat(d)\n            found.append(d)\n        except OSError:\n"
        "            pass\n    return found\n"
    )
    assert run(zygote, source) == [0, 1, 2, 3]


def test_a_child_has_no_secrets_in_its_environment(
    zygote: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    allowed = {"PYTHONHASHSEED", "LC_ALL", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
    with_key = start(zygote.level)
    try:
        assert set(inside(with_key, "sorted(os.environ)")) <= allowed
    finally:
        with_key.close()


# -- rights, from outside ------------------------------------------------------------------------


def test_privileges_are_given_up(zygote: Slot) -> None:
    found = status(confined(zygote))
    assert found["NoNewPrivs"] == "1"
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(found[name], 16) == 0, name
    if IS_ROOT and zygote.level != "namespaces":
        assert int(found["CapBnd"], 16) == 0
    assert int(status("self")["CapPrm"], 16) > 0 or not IS_ROOT  # there was something to give up


def test_filters_are_installed_on_the_zygote_and_once_more_on_each_child(zygote: Slot) -> None:
    outer = int(status("self")["Seccomp_filters"])
    filters = 0 if zygote.level == "rlimits" else 1
    parent = confined(zygote)
    assert int(status(parent)["Seccomp_filters"]) == outer + filters
    source = "import time\ndef f(): time.sleep(60)"
    job = {"mode": "functions", "source": source, "entry": "f", "calls": [[[], {}]]}
    with zygote.start(job, LIMITS):
        found = until(lambda: [int(status(c)["Seccomp_filters"]) for c in children(parent)])
        wanted = outer + 2 * filters
        until(lambda: [int(status(c)["Seccomp_filters"]) for c in children(parent)] == [wanted])
        zygote.kill_child()
        zygote.finish(LIMITS)
    assert len(found) == 1


def until(look: Any) -> Any:
    for _ in range(1000):
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come")


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user is that user inside too")
def test_root_is_nobody_inside(in_namespaces: Slot) -> None:
    found = status(confined(in_namespaces))
    assert found["Uid"].split() == found["Gid"].split() == [str(NOBODY)] * 4
    assert inside(in_namespaces, "[*os.getresuid(), *os.getresgid()]") == [NOBODY] * 6


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user cannot give up groups")
def test_groups_of_root_are_given_up(in_namespaces: Slot) -> None:
    other = start("namespaces", "import os", "os.setgroups([7])")
    try:
        assert status(confined(other))["Groups"] == ""
    finally:
        other.close()


# -- namespaces ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def root(offers: Offers) -> dict[str, Any]:
    """What there is after the new root has been entered, and before anything else holds."""
    stdlib = sysconfig.get_path("stdlib")
    patch = f"""
import json, os, sys
from harness.sandbox.guest.confine import Confinement
enter = Confinement.enter_namespaces
def flags(path):
    found = os.statvfs(path).f_flag
    return [bool(found & bit) for bit in (os.ST_RDONLY, os.ST_NOSUID, os.ST_NODEV, os.ST_NOEXEC)]
def look(self):
    found = {{"links": {{n: os.readlink("/proc/self/ns/" + n) for n in {NAMESPACES!r}}}}}
    found["pid"] = os.getpid()
    enter(self)
    found["top"] = sorted(os.listdir("/"))
    found["above"] = sorted(os.listdir("/.."))
    found["cwd"] = os.getcwd()
    found["flags"] = {{path: flags(path) for path in ("/", {stdlib!r})}}
    found["packages"] = {{p: os.listdir(p) for p in {site.getsitepackages()!r}
                         + [{stdlib!r} + "/site-packages"] if os.path.isdir(p)}}
    raise RuntimeError("@" + json.dumps(found) + "@")
Confinement.enter_namespaces = look"""
    if not offers("namespaces"):
        pytest.skip("this host does not offer namespaces")
    with pytest.raises(SandboxError) as caught:
        start("namespaces", patch)
    message = str(caught.value)
    assert message.count("@") == 2, message
    found: dict[str, Any] = json.loads(message.split("@")[1])
    return found


@pytest.mark.parametrize("name", NAMESPACES)
def test_each_namespace_is_a_new_one(root: dict[str, Any], name: str) -> None:
    assert root["links"][name].startswith(f"{name}:[")
    assert root["links"][name] != os.readlink(f"/proc/self/ns/{name}")


def test_the_zygote_is_the_first_of_its_processes(
    in_namespaces: Slot, root: dict[str, Any]
) -> None:
    assert root["pid"] == 1
    assert inside(in_namespaces, "os.getppid()") == 1


def test_the_new_root_holds_what_python_needs_and_nothing_of_the_old(root: dict[str, Any]) -> None:
    stdlib = sysconfig.get_path("stdlib").split("/")[1]
    assert set(root["top"]) <= {stdlib, "lib", "lib64", "usr", "etc", "dev"}
    assert stdlib in root["top"]
    assert root["above"] == root["top"]  # the old root is not stacked on it
    assert root["cwd"] == "/"


def test_installed_packages_are_covered(root: dict[str, Any]) -> None:
    stdlib = Path(sysconfig.get_path("stdlib"))
    names = [n for n in ("site-packages", "dist-packages") if any(stdlib.glob(f"{n}/*"))]
    assert all(found == [] for found in root["packages"].values())
    assert all(str(stdlib / name) in root["packages"] for name in names if name[0] == "s")


def test_the_new_root_is_read_only(root: dict[str, Any]) -> None:
    """Read-only, no set-user-id, no devices, no execution from what is in memory."""
    top, stdlib = root["flags"]["/"], root["flags"][sysconfig.get_path("stdlib")]
    assert top == [True, True, True, True]
    assert stdlib[:3] == [True, True, True]


def test_only_the_library_can_be_seen(in_namespaces: Slot) -> None:
    paths = ["/etc/passwd", "/proc/self", "/sys/kernel", "/tmp", "/var", __file__]
    assert inside(in_namespaces, f"[os.path.lexists(p) for p in {paths!r}]") == [False] * 6
    assert inside(in_namespaces, f"os.path.exists({os.__file__!r})") is True


def test_the_inner_process_ends_with_the_outer_one(in_namespaces: Slot) -> None:
    other = start("namespaces")
    try:
        inner = confined(other)
        assert inner != other.pid
        os.kill(other.pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{inner}").exists() or status(inner)["State"][0] in "ZX")
    finally:
        other.close()


# -- layers, each with the others taken off ------------------------------------------------------

NO_CHILD_FILTER = """
from harness.sandbox.guest import confine
confine.Confinement.filter_child = lambda self: None"""
NO_CHILD_DOMAIN = """
from harness.sandbox.guest import confine
confine.Confinement.enter_child_domain = lambda self: None"""
NO_FILTER = """
from harness.sandbox.guest import seccomp
seccomp.install = lambda *_: None"""
READ = (
    f"def f():\n    try: return open({__file__!r}, 'rb').read(1) != b''\n    except OSError: pass"
)
SIGNAL = (
    "import os\ndef f():\n    try: os.kill(os.getppid(), 0); return True\n    except OSError: pass"
)
SOCKET = (
    "import socket\ndef f():\n    try: socket.socket().close(); return True\n"
    "    except OSError: pass"
)
CONNECT = (
    "import socket\ndef f():\n    with socket.socket() as s: return s.connect_ex(('127.0.0.1', 1))"
)
DUMPABLE = "import ctypes\ndef f(): return ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)"
FORK = (
    "import os\ndef f():\n    try: pid = os.fork()\n    except OSError: return\n"
    "    if pid == 0: os._exit(0)\n    os.waitpid(pid, 0)\n    return True"
)


@pytest.mark.parametrize(
    ("level", "patch", "source", "found"),
    [
        pytest.param("seccomp", "", READ, True, id="reads are open without landlock"),
        pytest.param("landlock", NO_CHILD_DOMAIN, READ, None, id="the zygote's own domain"),
        pytest.param("rlimits", "", SOCKET, True, id="sockets are open without a filter"),
        pytest.param("landlock", NO_CHILD_FILTER, SOCKET, None, id="the zygote's own filter"),
        pytest.param(
            "landlock", NO_CHILD_FILTER + NO_CHILD_DOMAIN, SIGNAL, True, id="signals are open"
        ),
        pytest.param("landlock", NO_CHILD_FILTER, SIGNAL, None, id="the child's own domain"),
        pytest.param("landlock", NO_CHILD_DOMAIN, SIGNAL, None, id="the child's own filter"),
        pytest.param("landlock", NO_CHILD_FILTER, FORK, True, id="forks are open"),
        pytest.param("landlock", "", FORK, None, id="forks are closed"),
        pytest.param("rlimits", "", CONNECT, errno.ECONNREFUSED, id="TCP is open"),
        pytest.param("landlock", NO_FILTER, CONNECT, errno.EACCES, id="no TCP in a domain"),
        pytest.param("rlimits", "", DUMPABLE, 0, id="nobody may trace or dump"),
    ],
)
def test_each_layer_holds_by_itself(
    offers: Offers, level: str, patch: str, source: str, found: Any
) -> None:
    version = ctypes.CDLL(None).syscall(444, None, 0, 1)
    needed = {(SIGNAL, NO_CHILD_FILTER): 6, (CONNECT, NO_FILTER): 4}.get((source, patch), 0)
    if level == "landlock" and version < needed:
        pytest.skip(f"needs version {needed} of Landlock")
    if not offers(level):
        pytest.skip(f"this host does not offer {level}")
    zygote = start(level, patch)
    try:
        assert run(zygote, source) == found
    finally:
        zygote.close()
