"""A source is named once, however often the run looked at it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.experiment.stages import look
from harness.nouns.errors import HarnessError


@pytest.mark.parametrize(
    ("names", "line"), [(["n", "n"], "n"), (["n", "m", "n"], "n, m"), (["n"], "n")]
)
def test_a_silent_source_is_named_once(
    monkeypatch: pytest.MonkeyPatch, names: list[str], line: str
) -> None:
    monkeypatch.setattr(look, "told", lambda one: [])
    silent: Any = [SimpleNamespace(source=SimpleNamespace(name=name)) for name in names]
    with pytest.raises(HarnessError, match=f"no verdict came from: {line}\n"):
        look.refuse_silent(silent)
