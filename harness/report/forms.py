"""The other forms of a report, each written into a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.report.blocks import Page
from harness.report.cards import write_cards
from harness.report.every_eval_ever import write_every_eval_ever
from harness.report.exports import write_tables_csv, write_tables_latex

Data = Mapping[str, Any]

FORMS: Mapping[str, Callable[[Data, Page, Path], list[Path]]] = {
    "csv": lambda _, page, folder: write_tables_csv(page, folder),
    "latex": lambda _, page, folder: write_tables_latex(page, folder),
    "cards": lambda data, _, folder: write_cards(data, folder),
    "every_eval_ever": lambda data, _, folder: write_every_eval_ever(data, folder),
}
"""Name -> what writes it and returns its files."""
