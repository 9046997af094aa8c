"""The ``harness`` command: registers the commands and turns errors into one clean message."""

from __future__ import annotations

import importlib
import inspect
import io
import os
import pkgutil
import re
import sys
import textwrap
import traceback
from types import TracebackType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from harness.cli.options import told_of
from harness.nouns.errors import HarnessError
from harness.nouns.plain_text import visible
from harness.nouns.redaction import RedactedStream, keep_environment, redact

ORDER = (
    "run demo respond judge agree aggregate label plan-labels train evaluate report plugins".split()
)
"""Commands in the order of the pipeline; the others follow by name."""

_WRONG_CALL: Any = typer.BadParameter.__bases__[0]  # typer has a click of its own


class _Commands(TyperGroup):
    """Commands; a word of a command line that is none of theirs is told without its secret."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the line names."""
        try:
            return super().invoke(ctx)
        except _WRONG_CALL as error:
            error.message = told_of(sys.argv, error.message)
            raise


app = typer.Typer(
    name="harness",
    cls=_Commands,
    help="Mix judges, verifiers and people; train on their agreement-checked rewards; compare.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from harness import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def register() -> None:
    """Add every module of ``harness.cli`` that has a ``command``, under its own name."""
    import harness.cli

    names = {
        module.name.replace("_", "-"): module.name
        for module in pkgutil.iter_modules(harness.cli.__path__)
    }
    ranked = sorted(names, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))
    for name in ranked:
        module = importlib.import_module(f"harness.cli.{names[name]}")
        if hasattr(module, "command"):
            told = _flowing(inspect.getdoc(module.command) or "")
            app.command(name, help=told)(module.command)


def _flowing(told: str) -> str:
    """A docstring for any width: paragraphs are one line, examples are cut at the shell's mark."""
    return "\n\n".join(
        "\n".join(_example(one) for one in re.split(r"\n(?= +harness )", part))
        if part.startswith(" ")
        else part.replace("\n", " ")
        for part in told.split("\n\n")
    )


def _example(line: str) -> str:
    cut = textwrap.wrap(" ".join(line.split()), 70, break_long_words=False, break_on_hyphens=False)
    return textwrap.indent(" \\\n  ".join(cut), "    ")


def main() -> None:
    """Run the command line.

    Exit codes: 0 done, 1 failed, 2 the input was wrong, 130 interrupted.
    """
    # The libraries' own bars and reports would tear ours apart.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    for stream in (sys.stdout, sys.stderr):  # a terminal may have no "…"; a path may be no text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    keep_environment()
    printed, told = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = RedactedStream(printed), RedactedStream(told)
    try:
        _run()
    finally:
        sys.stdout, sys.stderr = printed, told


def _run() -> None:
    sys.excepthook = _tell
    register()
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        _add_plugin_commands(sys.argv[1])
    try:
        app()
    except HarnessError as error:
        sys.stderr.write(f"error: {visible(str(error))}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            sys.exit(1)
        what = visible(f"{error.filename or 'a file'}: {error.strerror or error}")
        sys.stderr.write(f"error: {what}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; run the same command again to go on\n")
        sys.exit(130)


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what nobody caught, as Python does, without secrets."""
    sys.stderr.write(visible(redact("".join(traceback.format_exception(kind, error, trace)))))


def _add_plugin_commands(name: str) -> None:
    """Load plugins when the command is none of ours, so that ``harness --help`` stays fast."""
    if name in {command.name for command in app.registered_commands}:
        return
    from harness.registry import registry

    registry().manager.hook.harness_commands(app=app)


if __name__ == "__main__":
    main()
