"""Reward models to values: labels, splits, statistics, dtypes, adapters, what is logged."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import statistics
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from trainings import changed, trained_by

from harness.nouns.errors import DataError
from harness.policy.answers import Answers
from harness.policy.models import load_tokenizer
from harness.policy.weights import weights_hash
from harness.statistics.intervals import wilson
from harness.train.log import read_log
from harness.train.result import TrainResult
from harness.train.reward_model import (
    STATISTICS,
    RewardModelReward,
    load_reward_model,
    score_ids,
)
from harness.train.reward_model_training import RewardModelSettings

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

SETTINGS = RewardModelSettings(
    learning_rate=1e-2, warmup_steps=0, batch_size=32, held_out_share=0.0, lora_rank=0
)
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<{{ m.content }}>{% endfor %}"
    "{% if add_generation_prompt %}:{% endif %}"
)


def pair(prompt: str = "2+3?", **changes: Any) -> dict[str, Any]:
    return {"prompt": prompt, "chosen": "Gladly: 5.", "rejected": "5, duh.", **changes}


def train(path: Path, out: Path, rows: list[Any], seed: int = 0, **changes: Any) -> TrainResult:
    return trained_by("reward_model", path, rows, changed(SETTINGS, **changes), out, seed=seed)


@pytest.fixture(scope="module")
def plain(gpt2_path: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    """Trained on two rows in one step."""
    return trained_by(
        "reward_model", gpt2_path, [pair()] * 2, SETTINGS, tmp_path_factory.mktemp("plain")
    )


def told(result: TrainResult) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((result.checkpoint / STATISTICS).read_text())
    return read


def weights(result: TrainResult) -> dict[str, Any]:
    from safetensors.torch import load_file

    (file,) = result.checkpoint.glob("*.safetensors")
    loaded: dict[str, Any] = load_file(file)
    return loaded


def same(first: TrainResult, second: TrainResult) -> bool:
    a, b = weights(first), weights(second)
    return a.keys() == b.keys() and all(a[name].equal(b[name]) for name in a)


def test_labels_soft_and_hard(gpt2_path: Path, tmp_path: Path) -> None:
    """The first gradient is in proportion to p - 1/2; a hard label counts as if p were 1."""

    def once(name: str, rows: list[Any], **changes: Any) -> TrainResult:
        return train(gpt2_path, tmp_path / name, rows, **changes)

    certain = once("certain", [pair(probability=1.0)] * 4)
    assert same(certain, once("absent", [pair()] * 4))
    turned = pair(chosen="5, duh.", rejected="Gladly: 5.", probability=0.4)
    mixed = [pair(probability=0.6), turned, pair(probability=0.9), pair(probability=0.51)]
    ties = [pair("1+1?", probability=0.5)] * 3
    hard = once("hard", [*mixed, *ties], soft_labels=False)
    assert same(certain, hard)
    assert told(hard)["n_train"] == 4
    soft = once("soft", [pair(probability=0.6)] * 4)
    norms = [read_log(r.log_path)[0]["grad_norm"] for r in (certain, hard, soft)]
    assert norms[1] == norms[0]
    assert norms[2] == pytest.approx(norms[0] / 5, rel=1e-4)
    with pytest.raises(DataError, match="none of 3 preferences"):
        once("ties", ties, soft_labels=False)


def test_what_is_logged_of_the_first_step(gpt2_path: Path, tmp_path: Path) -> None:
    """From a head of zeros: a loss of ln 2, no margin, no reward; half a rate in the warm-up."""
    settings = changed(SETTINGS, warmup_steps=2, batch_size=2, epochs=2)
    seen: list[dict[str, Any]] = []
    rows = [pair(probability=0.8), pair("1+1?"), pair("2+2?"), pair("4+4?")]
    result = trained_by("reward_model", gpt2_path, rows, settings, tmp_path, on_step=seen.append)
    log = read_log(result.log_path)
    assert seen == log
    assert [row["step"] for row in log] == [1, 2, 3, 4, 4]
    assert result.steps == 4
    first = log[0]
    first.pop("seconds")
    assert first.pop("grad_norm") > 0
    assert first == {
        "step": 1,
        "loss": pytest.approx(math.log(2), abs=1e-4),
        "reward_accuracy": 0,
        "reward_margin": 0,
        "reward": 0,
        "learning_rate": 0.0,
        "total_steps": 4,
    }
    assert [row["learning_rate"] for row in log[1:4]] == [0.005, 0.01, 0.01]
    held_out = {f"held_out/{key}": value for key, value in told(result).items()}
    assert held_out.pop("held_out/reliability") == []
    last = {key: value for key, value in log[-1].items() if key.startswith("held_out/")}
    assert last == pytest.approx(held_out, abs=1e-6)
    assert (tmp_path / "final" / STATISTICS).read_text().endswith("}\n")


def test_the_fingerprint_of_the_inputs_is_pinned(plain: TrainResult, gpt2_path: Path) -> None:
    """Another spelling would refuse every training that an earlier version began."""
    rows = [pair()] * 2
    inputs = {
        "trainer": "reward_model",
        "weights": weights_hash(gpt2_path),
        "rows": rows,
        "rewards": None,
        "settings": SETTINGS.model_dump(exclude={"report_to", *SETTINGS.elsewhere}),
        "seed": 0,
    }
    wanted = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    folder = plain.checkpoint.parent
    assert (folder / "inputs.sha256").read_text() == wanted + "\n"
    assert train(gpt2_path, folder, rows) == plain  # done already, whatever the time


def test_a_model_that_tells_nothing_apart_is_right_about_nothing(
    gpt2_path: Path, tmp_path: Path
) -> None:
    """Scores of 0 throughout: deviation 1 to divide by, and no pair is right, either way round."""
    rows = [
        pair(f"{i}+{i}?", probability=probability)
        for i in range(8)
        for probability in (0.9, 0.1, 0.5)
    ]
    result = train(gpt2_path, tmp_path, rows, learning_rate=1e-60, held_out_share=0.5)
    assert told(result) == {
        "score_mean": 0.0,
        "score_deviation": 1.0,
        "accuracy": 0.0,
        "accuracy_low": 0.0,
        "accuracy_high": pytest.approx(wilson(0, 4)[1]),  # of four prompts
        "brier": 0.25,
        "n_train": 12,
        "n_held_out": 8,  # ties cannot be right or wrong
        "reliability": [
            {"stated": 0.5, "observed": 0.5, "low": pytest.approx(wilson(4, 8)[0]),
             "high": pytest.approx(wilson(4, 8)[1]), "n": 8}
        ],
    }  # fmt: skip


def test_whole_prompts_are_held_out_by_seed(gpt2_path: Path, tmp_path: Path) -> None:
    """Prompts of 1, 2, 4, 8 and 16 rows: two of five are held out, whole, others by the seed."""
    rows = [pair(f"{i}+1?") for i in range(5) for _ in range(2**i)]
    held_out = []
    for seed in (0, 1):
        result = train(
            gpt2_path, tmp_path / str(seed), rows, seed, held_out_share=0.4, learning_rate=1e-60
        )
        held_out.append(told(result)["n_held_out"])
        assert told(result)["n_train"] == 31 - held_out[-1]
    assert [n.bit_count() for n in held_out] == [2, 2]
    assert held_out == [9, 6]


def test_rows_above_the_longest_are_not_counted_as_trained(gpt2_path: Path, tmp_path: Path) -> None:
    rows = [pair()] * 3 + [pair("2+3? " * 8)]
    longest = 1 + len("2+3?") + len("Gladly: 5.") + 1
    assert told(train(gpt2_path, tmp_path / "1", rows, max_length=longest))["n_train"] == 3
    assert told(train(gpt2_path, tmp_path / "2", rows))["n_train"] == 4


@pytest.mark.parametrize(("model", "lora_rank"), [("gpt2_path", 0), ("policy_path", 2)])
def test_the_checkpoint_scores_as_the_statistics_say(
    model: str, lora_rank: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """From a half-precision chat model: scores of the rows, their mean and their deviation."""
    import torch
    from transformers import AutoModelForCausalLM

    path, start = request.getfixturevalue(model), tmp_path / "start"
    shutil.copytree(path, start)
    AutoModelForCausalLM.from_pretrained(path, dtype="bfloat16").save_pretrained(start)
    tokenizer = load_tokenizer(path)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(start)
    rows = [pair(), pair("1+1?", chosen="2", rejected="Certainly: 2, my friend."), pair("20+1?")]
    changes: dict[str, Any] = {"lora_rank": lora_rank, "epochs": 4, "batch_size": 3}
    result = train(start, tmp_path / "out", rows, **changes)
    assert {str(tensor.dtype) for tensor in weights(result).values()} == {"torch.float32"}
    assert (result.checkpoint / "adapter_config.json").is_file() is bool(lora_rank)

    reward = RewardModelReward(result.checkpoint, standardize=False)
    assert reward.__name__ == "reward_model"
    texts = [(row["prompt"], row[key]) for row in rows for key in ("chosen", "rejected")]
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for _, text in texts]
    prompts = [prompt for prompt, _ in texts]
    scores = reward(prompts, [text for _, text in texts], ids)
    read = told(result)
    assert (read["n_train"], read["n_held_out"], read["accuracy"]) == (3, 0, None)
    assert read["score_mean"] == pytest.approx(statistics.fmean(scores), abs=1e-4)
    assert read["score_deviation"] == pytest.approx(statistics.pstdev(scores), rel=1e-3)
    assert statistics.pstdev(scores) > 0.01

    chat = [[{"role": "user", "content": prompt}] for prompt in prompts]
    assert reward(chat, prompts, ids) == pytest.approx(scores, abs=1e-4)
    rendered = [
        tokenizer(f"{tokenizer.bos_token}<{prompt}>:", add_special_tokens=False)["input_ids"]
        for prompt in prompts
    ]
    whole = [[*a, *b, tokenizer.eos_token_id] for a, b in zip(rendered, ids, strict=True)]
    for batch_size in (1, 4, 256):
        reward.batch_size = batch_size
        assert reward(prompts, prompts, ids) == pytest.approx(scores, abs=1e-4)
        again = score_ids(reward.model, reward.tokenizer, whole, batch_size)
        assert again == pytest.approx(scores, abs=1e-4)
    standard = RewardModelReward(result.checkpoint)(prompts, prompts, ids)
    assert statistics.fmean(standard) == pytest.approx(0, abs=1e-3)
    assert statistics.pstdev(standard) == pytest.approx(1, abs=1e-3)
    assert max(map(abs, standard)) > 1
    clipped = RewardModelReward(result.checkpoint, clip=0.5)(prompts, prompts, ids)
    assert clipped == pytest.approx([min(max(s, -0.5), 0.5) for s in standard], abs=1e-4)

    for trainable in (False, True):
        loaded = load_reward_model(result.checkpoint, trainable=trainable)
        assert {p.requires_grad for p in loaded.parameters()} == {trainable}
        assert not loaded.training
        assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    assert not any(p.requires_grad for p in load_reward_model(result.checkpoint).parameters())


def test_a_half_precision_checkpoint_scores_in_single(gpt2_path: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    AutoModelForSequenceClassification.from_pretrained(
        gpt2_path, num_labels=1, dtype="bfloat16"
    ).save_pretrained(tmp_path)
    assert {p.dtype for p in load_reward_model(tmp_path).parameters()} == {torch.float32}


def test_a_new_adapter_is_drawn_from_the_seed(policy_path: Path, tmp_path: Path) -> None:
    import torch

    results = []
    for number, seed in enumerate((3, 3, 4)):
        torch.manual_seed(number)
        results.append(train(policy_path, tmp_path / str(number), [pair()], seed, lora_rank=2))
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_the_reward_model_runs_where_the_policy_does(
    plain: TrainResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    asked: list[Any] = []
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *a, **k: asked.append(a) or self)
    for gpu, device in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpu=gpu: gpu)
        RewardModelReward(plain.checkpoint)
        assert asked[-1] == (device,)


def test_what_is_scored_goes_to_the_device_of_the_model(gpt2_path: Path) -> None:
    """A model on no device at all shows where its input was sent."""
    import torch

    def body(input_ids: Any, attention_mask: Any) -> Any:
        assert {input_ids.device.type, attention_mask.device.type} == {"meta"}
        return SimpleNamespace(last_hidden_state=torch.zeros(2, 2, 3, device="meta"))

    class Nowhere:
        base_model = staticmethod(body)

        def parameters(self) -> Any:
            return iter([torch.zeros(1, device="meta")])

        def score(self, last: Any) -> Any:
            assert (last.device.type, last.shape) == ("meta", (2, 3))
            return torch.tensor([[0.5], [2.0]])

    assert score_ids(Nowhere(), load_tokenizer(gpt2_path), [[5], [5, 6]]) == [0.5, 2.0]


def test_every_prompt_needs_a_completion_to_score(plain: TrainResult) -> None:
    reward = RewardModelReward(plain.checkpoint)
    with pytest.raises(ValueError, match="shorter"):
        reward(["a", "b"], ["x", "y"], [[5]])


def test_an_eos_is_added_once_and_at_the_end_only(gpt2_path: Path) -> None:
    tokenizer = load_tokenizer(gpt2_path)
    eos = tokenizer.eos_token_id
    for ids, wanted in [
        ([], [eos]),
        ([5], [5, eos]),
        ([eos], [eos]),
        ([5, 6, eos], [5, 6, eos]),
        ([5, eos, 6], [5, eos, 6, eos]),
        ([eos, 6], [eos, 6, eos]),
    ]:
        assert Answers(tokenizer, [tokenizer.eos_token_id]).ended("", ids) == wanted


@pytest.mark.parametrize("column", ["prompt", "chosen", "rejected"])
def test_preferences_without_a_column_are_refused(tmp_path: Path, column: str) -> None:
    row = pair()
    del row[column]
    with pytest.raises(DataError, match="in the preferences") as caught:
        train(tmp_path / "absent", tmp_path / "out", [pair(), row])
    assert caught.value.details == (f"row 2: column {column!r} is missing",)
    assert not (tmp_path / "out").exists()
