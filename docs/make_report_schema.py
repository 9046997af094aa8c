"""Write docs/report.schema.json from harness/report/schema.py."""

from __future__ import annotations

import json
from pathlib import Path

from harness.report.schema import schema

if __name__ == "__main__":
    path = Path(__file__).parent / "report.schema.json"
    path.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
