"""A program as ``python solution.py`` runs it: its streams, its main module and its end."""

from __future__ import annotations

import atexit
import builtins
import gc
import io
import linecache
import os
import resource
import sys
import threading
from typing import Any, BinaryIO

from harness.sandbox.guest.program import SOURCE_NAME, failure, new_module

_BENEATH = 8  # calls beneath a program, which the interpreter by itself has not
_DEVICES = {f"/dev/{name}": number for number, name in enumerate(("stdin", "stdout", "stderr"))}
_DEVICES |= {f"{folder}/{n}": n for folder in ("/dev/fd", "/proc/self/fd") for n in range(3)}


def use_streams(given: BinaryIO, taken: BinaryIO, write_through: bool = False) -> None:
    """Make these the standard input and output, with the interpreter's own settings."""
    settings: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape", "newline": "\n"}
    read: Any = io.TextIOWrapper(given, **settings)
    write: Any = io.TextIOWrapper(taken, **settings, write_through=write_through)
    read.mode, write.mode = "r", "w"
    vars(sys).update(stdin=read, __stdin__=read, stdout=write, __stdout__=write)


def open_devices() -> None:
    """Let programs open the standard streams by the names of their devices, which are not there."""
    opened, low_level = open, os.open

    def by_name(file: Any, *arguments: Any, **options: Any) -> Any:
        return opened(_copy_of(file), *arguments, **options)

    def by_name_low_level(path: Any, *arguments: Any, **options: Any) -> int:
        copy = _copy_of(path)
        return copy if copy is not path else low_level(path, *arguments, **options)

    builtins.open = io.open = by_name
    os.open = by_name_low_level


def _copy_of(file: Any) -> Any:
    """Return a descriptor for the name of a standard stream; anything else as it is."""
    name = os.fspath(file) if isinstance(file, os.PathLike) else file
    number = _DEVICES.get(name) if isinstance(name, str) else None
    if number is None:
        return file
    copy = os.dup(number)
    if number == 0:
        os.lseek(copy, 0, os.SEEK_SET)  # as a file that is opened again begins at its start
    return copy


class Script:
    """A program that can be run as ``__main__``, any number of times.

    Args:
        source: Its text.
    """

    def __init__(self, source: str) -> None:
        self.names: dict[str, Any] = {}
        self._waiting = atexit._ncallbacks()
        self._broken: dict[str, Any] = {}
        try:
            self._code = compile(source, SOURCE_NAME, "exec", dont_inherit=True)
        except BaseException as error:
            self._broken = failure(error, "load")
        lines = source.splitlines(keepends=True)
        linecache.cache[SOURCE_NAME] = len(source), None, lines, SOURCE_NAME  # for tracebacks
        set_limit, stack = resource.setrlimit, resource.RLIMIT_STACK

        def setrlimit(kind: int, limits: tuple[int, int]) -> None:
            # A filter keeps the stack as it is, and Python's own calls need none of it.
            if kind != stack:
                set_limit(kind, limits)

        resource.setrlimit = setrlimit

    def run(self) -> dict[str, Any]:
        """Run it in a new ``__main__``; return the claim that it failed, or nothing."""
        if self._broken:
            return dict(self._broken)
        module = new_module("__main__")
        module.__file__ = SOURCE_NAME
        self.names = module.__dict__
        sys.setrecursionlimit(1000 + _BENEATH)
        try:
            exec(self._code, self.names)
        except SystemExit as error:
            code = error.code
            if code is not None and not (isinstance(code, int) and code & 0xFF == 0):
                return failure(error, "call")
        except BaseException as error:
            return failure(error, "call")
        return {}

    def left_running(self) -> bool:
        """Tell whether threads run, or functions wait for the end of the process."""
        return threading.active_count() > 1 or atexit._ncallbacks() > self._waiting


def finish(names: dict[str, Any], whole: bool = False) -> dict[str, Any]:
    """End a program as the interpreter does; return the claim that this failed, or nothing.

    Args:
        names: Of its main module.
        whole: Whether the process ends with it: threads are waited for and the functions are called
            that were left for the end.
    """
    try:
        if whole:
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
        _flush(sys.stdout)
        for private in (True, False):
            for name in [n for n in names if n != "__builtins__"]:
                if (name[:1] == "_" and name[1:2] != "_") is private:
                    names[name] = None
        if whole:
            gc.collect()
        _flush(sys.__stdout__)
    except BaseException as error:
        return failure(error, "call")
    return {}


def _flush(stream: Any) -> None:
    if stream is not None and not stream.closed:
        stream.flush()
