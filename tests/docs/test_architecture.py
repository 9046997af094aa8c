"""docs/architecture.md: its picture is the code's, and it sends a reader to places that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FILE = re.compile(r"`((?:harness/)?[a-z_]+/[a-z_/.]+\.(?:py|css)|\.importlinter)`")
ANSWER = re.compile(r"^\| (?P<what>[^|]+) \| (?P<where>[^|]+) \|$", re.M)


def test_the_picture_is_made_from_the_code() -> None:
    script = [sys.executable, ROOT / "docs" / "make_architecture.py", "--print"]
    made = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    stands = (ROOT / "docs" / "images" / "floors.svg").read_text(encoding="utf-8")
    assert stands == made, "run python docs/make_architecture.py"


def test_the_picture_has_every_floor_and_no_import_upwards() -> None:
    picture = (ROOT / "docs" / "images" / "floors.svg").read_text(encoding="utf-8")
    rules = (ROOT / ".importlinter").read_text(encoding="utf-8")
    layers = rules.split("layers =")[1].split("[importlinter")[0].split()
    order = {name: place for place, name in enumerate(layers)}
    pairs = re.findall(r"<title>(\w+) imports (\w+)</title>", picture)
    assert len(pairs) > 60
    assert all(order[who] < order[whom] for who, whom in pairs)
    assert all(f">{name}</text>" in picture for name in layers)


@pytest.mark.parametrize("name", sorted(set(FILE.findall(PAGE))))
def test_every_file_that_the_page_names_is_there(name: str) -> None:
    assert (ROOT / name).is_file() or (ROOT / "harness" / name).is_file()


def test_every_answer_names_something_that_stands_in_the_file() -> None:
    """The words in code after a file of an answer are found in that file."""
    asked = 0
    for match in ANSWER.finditer(PAGE):
        file, *words = re.findall(r"`([^`]+)`", match["where"])[:3] or [""]
        if not (ROOT / file).is_file():
            continue
        text = (ROOT / file).read_text(encoding="utf-8")
        for word in (w for w in words if "/" not in w):
            asked += 1
            assert re.search(rf"(?<![\w-]){re.escape(word)}\b", text), (match["what"], word)
    assert asked >= 9
