"""Fixtures that every test may use."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file without slow tests where these alone are wanted: importing all takes long."""
    if config.option.markexpr != "slow" or collection_path.suffix != ".py":
        return None
    return "mark.slow" not in collection_path.read_text(encoding="utf-8") or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """See that no file has slow tests without the words that are looked for."""
    for path in {item.path for item in items if item.get_closest_marker("slow")}:
        assert "mark.slow" in path.read_text(encoding="utf-8"), path


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data(repo_root: Path) -> Path:
    """Real data beside the checkout; not part of it, so tests skip without it."""
    folder = repo_root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data with the real data is absent")
    return folder


def pytest_collection_finish() -> None:
    """Keep the tests themselves out of every collection of garbage, of which each is to be quick.

    A process of some twenty thousand tests holds millions of objects that stay to its end.
    """
    gc.collect()
    gc.freeze()
