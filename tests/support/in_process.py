"""The command line, run in this process."""

import contextlib
import io
import os
import subprocess
import sys
from unittest import mock

from harness.cli.main import app, main


def harness(*arguments, cwd=None):
    """Run the command line in this process: what it does, without the start of an interpreter."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd or "."),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(app, "registered_commands", []),  # main adds them anew
        mock.patch.object(sys, "argv", ["harness", *map(str, arguments)]),
        mock.patch.dict(os.environ, {"COLUMNS": "110"}),
    ):
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
