"""The plugin section in docs/reports.md is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness.report import build

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reports.md"


def test_the_documented_section_works(made_up: dict[str, Any], tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    names: dict[str, Any] = {}
    exec(code, names)
    page = build(made_up, tmp_path, names["harness_report_sections"]())
    text = page.read_text(encoding="utf-8")
    assert "Length of the responses" in text
    assert re.search(r"<td>rlhf</td>\s*<td>24</td>", text)


def test_the_documented_keys_of_the_evaluation_exist(made_up: dict[str, Any]) -> None:
    text = DOCS.read_text(encoding="utf-8")
    part = text.partition("### `evaluation`")[2].partition("## A section")[0]
    for key, value in made_up["evaluation"].items():
        assert f"`{key}`" in part, key
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for inner in value[0]:
                assert f"`{inner}" in part or inner.startswith("distinct_"), (key, inner)
