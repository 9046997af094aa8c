"""Commands of judges, run in this process on small files."""

import contextlib
import io
import json
import sys
from pathlib import Path
from unittest.mock import patch

from harness.cli.main import main


def write(folder: Path, count: int) -> tuple[Path, Path]:
    items = [{"id": f"i{n}", "prompt": f"What is {n}+4?"} for n in range(count)]
    responses = [
        {"id": f"i{n}.{k}", "item_id": f"i{n}", "system": "s", "text": text}
        for n in range(count)
        for k, text in enumerate((f"It is {n + 4}. Happy to help!", f"{n + 4}, duh."))
    ]
    paths = folder / "items.jsonl", folder / "responses.jsonl"
    for path, rows in zip(paths, (items, responses), strict=True):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return paths


class Result:
    """What a command left behind."""

    def __init__(self, exit_code, output):
        self.exit_code = exit_code
        self.output = output


def invoke(*words):
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["harness", *map(str, words)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            return Result(stop.code or 0, out.getvalue() + err.getvalue())
    return Result(0, out.getvalue() + err.getvalue())
