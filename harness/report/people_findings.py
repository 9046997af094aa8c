"""What people's labels of the trained policies decide, by weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.finding import Finding, Weight
from harness.report.people import people_sentence
from harness.report.wording import Names

WEIGHTS = {"preferred": Weight.EFFECT, "rejected": Weight.HARM, "undecided": Weight.MISSING}


def people_findings(data: Mapping[str, Any], names: Names) -> list[Finding]:
    """Return a sentence for each arm that people were asked about."""
    return [
        Finding(WEIGHTS[row["verdict"]], people_sentence(row))
        for row in data.get("people", ())
        if row["drawn"]
    ]
