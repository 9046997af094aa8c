"""The report tells what the run paid, also where no kept judgment shows it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from harness.report import build


def test_the_total_is_what_was_paid_not_what_the_kept_judgments_cost(
    made_up: dict[str, Any], tmp_path: Path
) -> None:
    data = copy.deepcopy(made_up)
    data["run"]["cost_usd"] = 3.52  # failures that were asked again, judges asked in training
    page = build(data, tmp_path).with_suffix(".md").read_text().replace("\\", "")
    assert "Feedback cost $3.52 in all." in page
    assert "calls to models cost $3.52" in page
