"""The rules of imports cover every module, new ones too."""

from __future__ import annotations

import pkgutil
from configparser import ConfigParser
from pathlib import Path

import harness


def test_plugins_are_forbidden_every_module_but_the_one_for_them(repo_root: Path) -> None:
    rules = ConfigParser()
    rules.read(repo_root / ".importlinter")
    forbidden = rules["importlinter:contract:plugin-imports"]["forbidden_modules"].split()
    modules = {f"harness.{module.name}" for module in pkgutil.iter_modules(harness.__path__)}
    assert set(forbidden) == modules - {"harness.plugin"}
