"""Write docs/commands.md: the help page of every command, as the code has it."""

from __future__ import annotations

import sys
from pathlib import Path

HEAD = """# Commands

Made from the code by `python docs/make_commands.py`. Exit codes: 0 done, 1 failed, 2 the input was
wrong, 130 interrupted.
"""


def page() -> str:
    """Return the whole page."""
    import typer

    from harness.cli.main import app, register

    register()
    root = typer.main.get_command(app)
    parts = [HEAD]
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        rows = []
        for parameter in command.params:
            if parameter.name == "help":
                continue
            names = ", ".join([*parameter.opts, *parameter.secondary_opts])
            if parameter.param_type_name == "argument":
                names = parameter.name.upper()
            note = " ".join((getattr(parameter, "help", "") or "").split())
            required = " Required." if parameter.required else ""
            default = parameter.default
            has_default = default not in (None, "", False, ()) and not callable(default)
            shown = f" Default: {default}." if has_default and not required else ""
            rows.append(f"| `{names}` | {note}{required}{shown} |".replace("  ", " "))
        text = " ".join((command.help or "").split("\n\n")[0].split())
        table = "\n".join(["| option | meaning |", "|---|---|", *rows]) if rows else ""
        parts.append(f"## harness {name}\n\n{text}\n\n{table}\n")
    return "\n".join(parts)


def main() -> None:
    """Print the page, or write it beside this file."""
    if "--print" in sys.argv:
        sys.stdout.write(page())
    else:
        Path(__file__).with_name("commands.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
