"""What judging will cost is shown before the first call; what is recorded is free."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from harness.testing import StubServer


def test_the_cost_is_shown_before_the_run_and_the_second_run_is_free(tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"id": "i", "prompt": "q"}\n')
    (tmp_path / "responses.jsonl").write_text(
        '{"id": "a", "item_id": "i", "text": "one"}\n{"id": "b", "item_id": "i", "text": "two"}\n'
    )
    with StubServer("Verdict: A") as server:
        command = (
            f"{sys.executable} -m harness judge --source llm_judge --items items.jsonl"
            " --responses responses.jsonl --out out.jsonl --option model=hosted_vllm/m"
            f" --option api_base={server.base_url} --option input_cost_per_token=0.001"
            " --option output_cost_per_token=0.002"
        ).split()
        first, second = (
            subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
            for _ in range(2)
        )
        assert first.returncode == second.returncode == 0, first.stderr + second.stderr
        assert len(server.bodies) == 2
        expected = at_most = 0.0
        for body in server.bodies:
            sizes = [len(message["content"].encode()) for message in body["messages"]]
            answer = 0.002 * body["max_tokens"]
            expected += 0.001 * sum(size / 4 + 4 for size in sizes) + answer
            at_most += 0.001 * sum(size + 16 for size in sizes) + answer
        assert f"about ${expected:.2f}, at most ${at_most:.2f} for 2 calls" in first.stderr
        # The stub counts 100 tokens of a prompt and 10 of an answer.
        assert re.findall(r"\$(\d+\.\d+), in", first.stdout) == ["0.2400"]
        assert re.findall(r"\$(\d+\.\d+), in", second.stdout) == ["0.2400"]  # kept, not paid again
        assert "about $" not in second.stderr
