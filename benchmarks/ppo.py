"""Our PPO beside TRL 1.12.0's ``trl.experimental.ppo``, the last it had: samples per CPU second.

    python benchmarks/ppo.py [--model arithmetic] [--steps 8] [--completions 64] [--rounds 2]
                            [--critic separate]

Both train all weights of the same policy, with a critic of its own, on the same prompts of varied
lengths, with the same reward and the same budget: completions in a step, optimizer steps, epochs,
KL penalty and learning rate. With ``--critic detached`` ours is a head on the policy's features.
``--model llama`` has 18.9 million random weights and a vocabulary of 49,152, ``--model smollm2``
the shapes of SmolLM2-135M. TRL's trainer is put into a virtual environment of its own at the first
run, which shares all else with this one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import harness.examples
import torch
from harness.examples.arithmetic_task import is_correct, prompt_rows, split_pairs

PEER = "trl==1.12.0"
POLICY = Path(harness.examples.__path__[0]) / "arithmetic_policy"
SHAPES: dict[str, dict[str, int]] = {
    "llama": {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 6,
              "num_attention_heads": 4, "num_key_value_heads": 4},
    "smollm2": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
                "num_attention_heads": 9, "num_key_value_heads": 3},
}  # fmt: skip
RATE = {"arithmetic": 2e-4, "llama": 1e-4, "smollm2": 2e-5}


def environment(folder: Path) -> Path:
    """Return the interpreter of a virtual environment with the peer, which is made once."""
    python = folder / "bin" / "python"
    if not (folder / "made").is_file():
        venv.create(folder, with_pip=True, clear=True)
        (here,) = {path for path in sys.path if path.endswith("site-packages")}
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "shared.pth").write_text(f"import site; site.addsitedir({here!r})\n")
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--no-deps", "--ignore-installed", PEER],
            check=True,
        )
        (folder / "made").touch()
    return python


def make_model(kind: str, folder: Path) -> str:
    """Return the folder of a policy: the packaged one, or random weights of some shape."""
    if kind == "arithmetic":
        return str(POLICY)
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49_152, tie_word_embeddings=True, eos_token_id=2, **SHAPES[kind]
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    for file in POLICY.glob("tokenizer*"):
        shutil.copy(file, folder)
    return str(folder)


def prompts_of(kind: str) -> list[str]:
    """Return prompts of varied lengths: sums, or as many of them as make a longer text."""
    sums = [row["prompt"] for row in prompt_rows(split_pairs()[0])]
    if kind == "arithmetic":
        return sums
    return [" ".join(sums[number : number + 1 + number % 5]) for number in range(len(sums))]


def reward_of(kind: str, tokenizer: Any) -> Callable[[Sequence[int]], float]:
    """Return the reward of the real tokens of a prompt with its completion."""

    def right(ids: Sequence[int]) -> float:
        prompt, _, answer = tokenizer.decode(ids, skip_special_tokens=True).partition("?")
        return float(is_correct(prompt, answer))

    def even(ids: Sequence[int]) -> float:
        return sum(i % 2 == 0 for i in ids) / len(ids)

    return right if kind == "arithmetic" else even


def own(told: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Train with our PPO; return the CPU seconds of each step but the first, and rewards."""
    from harness.policy.models import load_tokenizer
    from harness.policy.prompts import prompt_ids
    from harness.train.log import read_log
    from harness.train.reward_function import WeightedRewards
    from harness.train.trainers import train
    from harness.train.training import TrainOptions

    tokenizer = load_tokenizer(told["model"])
    reward = reward_of(told["kind"], tokenizer)

    def rewards(prompts: Any, completion_ids: Any, **_: Any) -> list[float]:
        return [
            reward([*prompt_ids(tokenizer, p), *ids])
            for p, ids in zip(prompts, completion_ids, strict=True)
        ]

    n = told["completions"]
    settings = {
        "learning_rate": RATE[told["kind"]], "warmup_steps": 0, "steps": told["steps"],
        "rollout_size": n, "batch_size": n // 2, "epochs": 2, "beta": 0.05,
        "max_new_tokens": told["tokens"], "critic": told["critic"],
    }  # fmt: skip
    rows = [{"prompt": prompt} for prompt in prompts_of(told["kind"])]
    times: list[float] = []
    options = TrainOptions(
        rewards=WeightedRewards({"reward": rewards}), seed=told["seed"],
        on_step=lambda row: times.append(time.process_time()),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as out:
        log = read_log(train("ppo", told["model"], rows, settings, Path(out), options).log_path)
    return [b - a for a, b in itertools.pairwise(times)], [row["reward"] for row in log]


def peer(told: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Train with TRL's PPO; return the same."""
    import trl
    from datasets import Dataset
    from transformers import (
        AutoModelForCausalLM,
        AutoModelForSequenceClassification,
        AutoTokenizer,
        TrainerCallback,
    )
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    assert f"trl=={trl.__version__}" == PEER, trl.__version__
    model, kind, n = told["model"], told["kind"], told["completions"]
    tokenizer: Any = AutoTokenizer.from_pretrained(model, padding_side="left")
    policy, reference = (
        AutoModelForCausalLM.from_pretrained(model, dtype="float32") for _ in range(2)
    )
    value = AutoModelForSequenceClassification.from_pretrained(model, num_labels=1, dtype="float32")
    torch.nn.init.zeros_(value.score.weight)
    moments: list[float] = []
    rewards: list[float] = []

    class Moments(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if "objective/scores" in logs:
                moments.append(time.process_time())
                rewards.append(logs["objective/scores"])

    ids = [tokenizer(prompt)["input_ids"] for prompt in prompts_of(kind)]
    with tempfile.TemporaryDirectory() as out:
        trainer = PPOTrainer(
            args=PPOConfig(
                output_dir=out, seed=told["seed"], report_to="none", disable_tqdm=True,
                save_strategy="no", num_sample_generations=0, logging_steps=1, bf16=False,
                gradient_checkpointing=False,
                learning_rate=RATE[kind], lr_scheduler_type="constant", warmup_steps=0,
                total_episodes=n * told["steps"], per_device_train_batch_size=n // 2,
                gradient_accumulation_steps=2, num_mini_batches=2, num_ppo_epochs=2,
                local_rollout_forward_batch_size=n, response_length=told["tokens"],
                temperature=1.0, stop_token="eos", kl_coef=0.05, vf_coef=0.1,
            ),
            processing_class=tokenizer, model=policy, ref_model=reference, value_model=value,
            reward_model=scorer(reward_of(kind, tokenizer), tokenizer.pad_token_id),
            train_dataset=Dataset.from_dict({"input_ids": ids}),
            eval_dataset=Dataset.from_dict({"input_ids": ids[:n]}),
            callbacks=[Moments()],
        )  # fmt: skip
        trainer.train()
    return [b - a for a, b in itertools.pairwise(moments)], rewards


def scorer(reward: Callable[[Sequence[int]], float], pad: int) -> torch.nn.Module:
    """Return a reward function in the form that TRL's PPO takes: a body, and a head on its states.

    The body's states are the ids, of which the head makes the reward, the same at each token.
    """

    class Body(torch.nn.Module):  # type: ignore[misc]
        def forward(self, input_ids: Any, **_: Any) -> Any:
            return argparse.Namespace(hidden_states=[input_ids.unsqueeze(-1).double()])

    class Head(torch.nn.Module):  # type: ignore[misc]
        def forward(self, states: Any) -> Any:
            rows = states.squeeze(-1).long().tolist()
            values = [reward([i for i in row if i != pad]) for row in rows]
            return torch.tensor(values)[:, None, None].expand(*states.shape)

    class Scorer(torch.nn.Module):  # type: ignore[misc]
        base_model_prefix = "body"

        def __init__(self) -> None:
            super().__init__()
            self.body, self.score = Body(), Head()

    return Scorer()


def run_one(python: Path | str, side: str, told: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Train in a process of its own; return seconds of each step but the first, and rewards."""
    threads = str(told["threads"])
    found = subprocess.run(
        [python, __file__, "--one", side, json.dumps(told)],
        env={**os.environ, "OMP_NUM_THREADS": threads, "TRL_EXPERIMENTAL_SILENCE": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    if found.returncode:
        raise SystemExit(f"{side} failed:\n{found.stderr[-2000:]}")
    seconds, rewards = json.loads(found.stdout.splitlines()[-1])
    return seconds, rewards


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=sorted(RATE), default="arithmetic")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--completions", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--critic", choices=["separate", "detached"], default="separate",
                        help="of ours; TRL's is a network of its own")  # fmt: skip
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "feedback-harness"
    parser.add_argument("--environment", type=Path, default=home / PEER.replace("==", "-"))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        side, told = arguments.one[0], json.loads(arguments.one[1])
        torch.set_num_threads(told["threads"])
        print(json.dumps({"own": own, "peer": peer}[side](told)))
        return 0
    interpreters = {"own": sys.executable, "peer": environment(arguments.environment)}
    seconds: dict[str, list[float]] = {"own": [], "peer": []}
    rewards: dict[str, list[float]] = {"own": [], "peer": []}
    with tempfile.TemporaryDirectory() as scratch:
        told = {
            key: getattr(arguments, key)
            for key in ("steps", "completions", "tokens", "threads", "critic")
        }
        told |= {"kind": arguments.model, "model": make_model(arguments.model, Path(scratch))}
        for seed in range(arguments.rounds):
            for side, python in interpreters.items():
                times, means = run_one(python, side, {**told, "seed": seed})
                seconds[side] += times
                rewards[side] += means[-max(1, len(means) // 4) :]  # when it has learnt
    rates = {side: arguments.completions / statistics.median(seconds[side]) for side in seconds}
    print(f"{arguments.model}: {arguments.completions} completions of at most {arguments.tokens} "
          f"tokens a step, threads: {arguments.threads}, critic: {arguments.critic}")  # fmt: skip
    for side, name in (("peer", "TRL 1.12.0"), ("own", "our PPO")):
        print(f"{name:12} {rates[side]:8.3g} samples/CPU s   reward in the last quarter of steps "
              f"{statistics.mean(rewards[side]):.3f}")  # fmt: skip
    print(f"ratio of medians: {rates['own'] / rates['peer']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
