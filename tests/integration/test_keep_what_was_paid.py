"""judge and respond --chat: what was paid for is kept beside --out and never paid for twice."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from harness.cli.main import main
from harness.testing import StubServer


def invoke(*words: object) -> int:
    """Run the command line in this process; return its exit code."""
    with patch.object(sys, "argv", ["harness", *map(str, words)]):
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
    return 0


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Three items with one response each."""
    items = tmp_path / "items.jsonl"
    responses = tmp_path / "responses.jsonl"
    rows = [{"id": f"i{n}", "prompt": f"What is {n}+4?"} for n in range(3)]
    items.write_text("".join(json.dumps(row) + "\n" for row in rows))
    rows = [{"id": f"r{n}", "item_id": f"i{n}", "system": "s", "text": f"{n}"} for n in range(3)]
    responses.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return items, responses


def judge(files: tuple[Path, Path], out: Path, url: str, *more: str) -> int:
    options = [
        "rubric=helpfulness", "model=openai/m", f"api_base={url}",
        "input_cost_per_token=0.001", "output_cost_per_token=0.001",
    ]  # fmt: skip
    return invoke(
        "judge", "--source", "llm_judge", "--items", files[0], "--responses", files[1],
        "--out", out, "--way", "pointwise", "--quiet",
        *(word for option in options for word in ("--option", option)), *more,
    )  # fmt: skip


def test_the_same_judge_command_pays_once(files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "judgments.jsonl"
    with StubServer("task: 4\naccuracy: 4\nclarity: 4") as server:
        assert judge(files, out, server.base_url) == 0
        first, paid = out.read_text(), len(server.bodies)
        assert paid == 3
        assert judge(files, out, server.base_url) == 0
        assert len(server.bodies) == paid
    assert out.read_text() == first
    assert sum(json.loads(line)["cost_usd"] for line in first.splitlines()) > 0


def test_judge_refuses_before_it_pays(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with StubServer("task: 4\naccuracy: 4\nclarity: 4") as server:
        assert judge(files, tmp_path, server.base_url) == 2
        assert "is a folder" in capsys.readouterr().err
        files[1].write_text("")
        assert judge(files, tmp_path / "j.jsonl", server.base_url) == 2
        assert "nothing to judge" in capsys.readouterr().err
        assert server.bodies == []


def respond(files: tuple[Path, Path], out: Path, *more: object) -> int:
    return invoke(
        "respond", "--chat", "--model", "openai/m", "--items", files[0], "--out", out,
        "--per-item", 2, "--quiet", *more,
    )  # fmt: skip


def test_respond_sends_the_seed_and_keeps_the_budget(
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with StubServer("four") as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.base_url)
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        assert respond(files, tmp_path / "plain.jsonl") == 0
        assert all("seed" not in body for body in server.bodies)
        server.bodies.clear()
        out = tmp_path / "seeded.jsonl"
        assert respond(files, out, "--seed", 7) == 0
        seeds = {body["seed"] for body in server.bodies}
        assert len(seeds) == 2  # one for each response of an item
        assert respond(files, out, "--seed", 7) == 0
        assert len(server.bodies) == 6  # the second call found them in the journal
        assert respond(files, out, "--seed", 8) == 0
        assert len({body["seed"] for body in server.bodies} - seeds) == 2
        server.bodies.clear()
        capsys.readouterr()
        assert respond(files, tmp_path / "x.jsonl", "--budget", 0) != 0
        assert server.bodies == []
        assert "price is known" in capsys.readouterr().err
