"""What the report says of how an arm's judgments became one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.wording import Names


def aggregation_warnings(data: Mapping[str, Any], names: Names) -> list[str]:
    """Return a sentence on each arm whose aggregation warned, such as of one label for all.

    The methods speak to the command line; an experiment has ``aggregation:`` for ``--method``.
    """
    told: dict[str, list[str]] = {}
    for arm in data.get("arms", ()):
        for warning in arm.get("warnings") or ():
            said = warning.removeprefix("warning: ").replace("--method ", "aggregation: ")
            told.setdefault(names.sentence(said).rstrip("."), []).append(arm["name"])
    return [f"Aggregation of {', '.join(arms)}: {said}." for said, arms in told.items()]
