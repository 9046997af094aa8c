"""docs/plugins.md lists every source that comes with the harness."""

from __future__ import annotations

import re
from pathlib import Path

from harness.registry import registry


def test_every_source_is_listed_with_its_kind(repo_root: Path) -> None:
    text = (repo_root / "docs" / "plugins.md").read_text(encoding="utf-8")
    table = text.partition("## Sources that come with the harness")[2].partition("\n## ")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| (\w+)", table, re.M))
    found = registry()
    ours = {
        name: factory.kind
        for name, factory in found.sources.items()
        if found.origins[name].distribution == "feedback-harness"
    }
    assert listed == ours
