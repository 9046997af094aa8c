"""Verifier: a command of the user's own, such as a test suite, succeeds on the response.

The command runs as the user, outside the sandbox. What the response may do to the machine is the
command's business; name a container in it where responses are not trusted.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from harness.plugin import (
    UNIT,
    ConfigError,
    Item,
    Response,
    RunContext,
    SourceFactory,
    Status,
    Verdict,
    die_with_parent,
    hookimpl,
    marked_blocks,
    verifier,
)

_TAIL = 300
_LONGEST_S = 86400.0
_LOOK_S = 0.02
_READS = 256
"""Of at most 64 KiB, at once; a pipe holds sixteen at most."""
_ROUNDS = 5
_KEPT = 1 << 24
"""Bytes of the output, from its end, in which a score is looked for."""


class CommandOptions(BaseModel):
    """Options of ``command``.

    Args:
        command: Program and arguments; ``{file}`` and ``{folder}`` become the response's file and
            the folder it is in, which is the working directory.
        unsandboxed: Must be true: it says that you know that responses are not isolated.
        file: Name of the response's file.
        code: Whether to write its last fenced block, rather than the whole response.
        files: Further files of the folder, name to text; an item whose reference is
            {"files": {...}} adds its own, which win.
        score: Regular expression with one group, the score between 0 and 1, or two, passed and
            total; its last match in the output counts. Without it the exit code decides.
        environment: Names of environment variables to pass on; PATH is always.
        timeout_s: Seconds after which the command is stopped, and the response has failed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = Field(min_length=1)
    unsandboxed: Literal[True]
    file: str = "response.txt"
    code: bool = False
    files: Mapping[str, str] = Field(default_factory=dict)
    score: str | None = None
    environment: tuple[str, ...] = ()
    timeout_s: float = Field(default=60.0, gt=0, le=_LONGEST_S, allow_inf_nan=False)

    @field_validator("score")
    @classmethod
    def one_or_two_groups(cls, score: str | None) -> str | None:
        """Refuse a pattern that yields no score."""
        try:
            groups = 1 if score is None else re.compile(score).groups
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if groups not in (1, 2):
            raise ValueError("needs one group (a score) or two (passed, total)")
        return score

    @field_validator("file", "files")
    @classmethod
    def within_the_folder(cls, named: Any) -> Any:
        """Refuse files that would be written elsewhere."""
        for name in [named] if isinstance(named, str) else named:
            if not name or _leaves(name):
                raise ValueError(f"{name!r} is no file within the folder")
        return named


def _leaves(name: str) -> bool:
    place = PurePosixPath(name)
    return place.is_absolute() or ".." in place.parts


def _check(ctx: RunContext, options: CommandOptions) -> None:
    """Refuse a program that is not there, before any response."""
    program = options.command[0]
    # What is named by a relative path, or within the folder, may come with the item.
    named = "{" not in program and ("/" not in program or os.path.isabs(program))
    if named and shutil.which(program) is None:
        raise ConfigError(
            f"there is no program {program!r} that can be run",
            where="command",
            hint="give its path, or install it; PATH is searched",
        )


@verifier(
    name="command",
    version="2",
    options=CommandOptions,
    scale=UNIT,
    timeout_s=2 * _LONGEST_S,  # it has an option of its own
    check=_check,
)
def command(item: Item, response: Response, options: CommandOptions) -> Verdict:
    """Write the response to a folder of its own and run the command there."""
    blocks = marked_blocks(response.text) if options.code else []
    files = dict(options.files)
    if isinstance(item.reference, Mapping):
        files |= item.reference.get("files", {})
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {
            **files,
            options.file: blocks[-1].code if blocks else response.text,
        }.items():
            if _leaves(name):
                return Verdict(Status.ERROR, rationale=f"file name leaves the folder: {name}")
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        values = {"file": os.path.join(folder, options.file), "folder": folder}
        arguments = [_filled(argument, values) for argument in options.command]
        passed_on = {name: os.environ[name] for name in options.environment if name in os.environ}
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": folder, **passed_on}
        try:
            code, output = _run(arguments, folder, environment, options.timeout_s)
        except OSError as error:
            return Verdict(Status.ERROR, rationale=f"cannot run {arguments[0]}: {error.strerror}")
    tail = " ".join(output[-_TAIL:].split())
    if code is None:
        reason = f"took longer than {options.timeout_s:g} s (timeout_s): {tail}"
        return Verdict(Status.OK, 0.0, rationale=reason)
    if options.score is None:
        return Verdict(Status.OK, float(code == 0), rationale=tail)
    matches = re.findall(options.score, output)
    if not matches:
        return Verdict(Status.ERROR, rationale=f"no score in the output: {tail}")
    return _scored(matches[-1], tail)


def _run(
    arguments: Sequence[str], folder: str, environment: Mapping[str, str], timeout_s: float
) -> tuple[int | None, str]:
    """Run a command to its end, and end what it has left running.

    Returns:
        Its exit code, None where it took too long, and the end of what it wrote.

    Raises:
        OSError: It cannot be started.
    """
    process = subprocess.Popen(
        arguments,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
        preexec_fn=die_with_parent,
    )
    assert process.stdout is not None
    written, deadline = bytearray(), time.monotonic() + timeout_s
    with process.stdout as stream:
        os.set_blocking(stream.fileno(), False)
        try:
            while process.poll() is None and time.monotonic() < deadline:
                # It may end without its output ending: what it started in the background holds it.
                select.select([stream], [], [], _LOOK_S)
                if not _take(stream, written):
                    process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        finally:
            code = process.poll()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _end_the_rest(folder)
        _take(stream, written)
    return code, written.decode("utf-8", "replace")


def _end_the_rest(folder: str) -> None:
    """Kill what left the command's group (``setsid``): its home or its working folder tells it."""
    home = f"HOME={folder}".encode()
    for _ in range(_ROUNDS):  # one may start another meanwhile
        found = False
        for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
            try:
                with open(f"/proc/{name}/environ", "rb") as stream:
                    theirs = home in stream.read().split(b"\0")
                place = os.readlink(f"/proc/{name}/cwd")
                if theirs or place == folder or place.startswith(f"{folder}/"):
                    os.kill(int(name), signal.SIGKILL)
                    found = True
            except OSError:  # it has ended, or is another user's
                continue
        if not found:
            return


def _take(stream: IO[bytes], written: bytearray) -> bool:
    """Add what can be read at once, keep the end, and tell whether there may be more."""
    for _ in range(_READS):
        try:
            part = os.read(stream.fileno(), 1 << 16)
        except BlockingIOError:
            return True
        written += part
        del written[:-_KEPT]
        if not part:
            return False
    return True


def _filled(argument: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        argument = argument.replace("{" + name + "}", value)
    return argument


def _scored(match: str | tuple[str, str], tail: str) -> Verdict:
    try:
        if isinstance(match, tuple):
            score = float(match[0]) / float(match[1])
        else:
            score = float(match)
    except (ValueError, ZeroDivisionError) as error:
        return Verdict(Status.ERROR, rationale=f"no score: {error}: {tail}")
    if not 0.0 <= score <= 1.0:
        return Verdict(Status.ERROR, rationale=f"score {score} is not between 0 and 1: {tail}")
    return Verdict(Status.OK, score, rationale=tail)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [command]
