"""A book of two sheets is read by every command that reads a table, and says how."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.main import app, register

WON = ("A", "A", "B", "tie")
VOTES = [["x", "y", "won"], *[["gpt", "llama", won] for won in WON]]
SAMPLES = [["task", "passed"], ["t1", "yes"], ["t1", "no"], ["t2", "yes"], ["t2", "yes"]]
LABELS = [["item", "ann", "ben"], ["i1", "yes", "yes"], ["i2", "no", "yes"], ["i3", "no", "no"]]

COMMANDS = [
    # the sheet, the command, the option that names the sheet
    (VOTES, "win-rate {} --first-column x --second-column y --label-column won", "--sheet=Data"),
    (VOTES, "aggregate {} --method davidson --first-column x --second-column y --label-column won"
     " --no-place", "--set=sheet=Data"),
    (VOTES, "aggregate {} --method bradley_terry --first-column x --second-column y"
     " --label-column won --no-place", "--set=sheet=Data"),
    (SAMPLES, "pass-at-k {} --item-column task --label-column passed", "--sheet=Data"),
    (LABELS, "aggregate {} --annotators ann,ben --item-column item --method majority",
     "--set=sheet=Data"),
    (LABELS, "agree {} --human-columns ann,ben --item-column item", "--set=sheet=Data"),
]  # fmt: skip


def book(path: Path, rows: list[list[str]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    made = openpyxl.Workbook()
    made.active.title = "Notes"
    made.active.append(["of another kind"])
    sheet = made.create_sheet("Data")
    for row in rows:
        sheet.append(row)
    made.save(path)
    return path


def run(words: str, *more: str) -> tuple[int, str]:
    if not app.registered_commands:
        register()
    done = CliRunner().invoke(app, [*words.split(), *more])
    return done.exit_code, f"{done.output}{done.exception or ''}"


@pytest.mark.parametrize(("rows", "command", "option"), COMMANDS)
def test_every_command_reads_the_sheet_that_is_named(
    rows: list[list[str]], command: str, option: str, tmp_path: Path
) -> None:
    path = book(tmp_path / "book.xlsx", rows)
    code, told = run(command.format(path))
    assert code and "it has 2 sheets: Notes, Data" in told
    flag, _, value = option.partition("=")
    assert f"{flag} {value}" in told and command.split()[0] in told
    code, told = run(command.format(path), option)
    assert code == 0, told
    code, told = run(command.format(path), option.replace("Data", "Date"))
    assert code and "no sheet 'Date'" in told
    table = tmp_path / "table.csv"
    table.write_text("".join(",".join(row) + "\n" for row in rows))
    assert (
        run(command.format(path), option)[1].replace("book.xlsx", "table.csv")
        == run(command.format(table))[1]
    )
