"""What the monitor says of a policy, counted by hand and by plain loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.nouns.errors import DataError
from harness.nouns.schema import Item
from harness.policy.models import Reference, load_policy, load_tokenizer
from harness.policy.sampling import Rollout, Sampling, sample
from harness.train.monitor import (
    Monitor,
    distinct_n,
    kl_statistics,
    rollout_statistics,
)
from harness.train.reward_arguments import call_rewards
from harness.train.rows import item_of

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


def rollout(texts: list[str], lengths: list[int], ended: list[bool]) -> Rollout:
    """A rollout of given lengths; ids count up from 1, and every prompt is one token."""
    import torch

    n, width = len(texts), max(lengths)
    mask = (torch.arange(width)[None] < torch.tensor(lengths)[:, None]).long()
    ids = torch.arange(1, n * width + 1).reshape(n, width) * mask
    ones = torch.ones(n, 1, dtype=torch.long)
    return Rollout(ones, ones, ids, mask, torch.tensor(ended), texts)


def test_rollout_statistics_by_hand() -> None:
    """Tokens 3, 1, 2, 2; entropies .5 at the first token, 1 at the second, 3 at the third."""
    import torch

    texts = ["a b a", "a", "a b", "a b"]
    entropy = torch.tensor([[0.5, 1.0, 3.0]] * 4)
    statistics = rollout_statistics(
        rollout(texts, [3, 1, 2, 2], [True, False, True, True]), entropy
    )
    assert statistics == {
        "length": 8 / 4,
        "entropy": (4 * 0.5 + 3 * 1.0 + 3.0) / 8,
        "distinct_1": 2 / 8,  # a, b among a b a, a, a b, a b
        "distinct_2": 2 / 4,  # ab, ba among ab ba, ab, ab
        "unique": 3 / 4,
        "eos_rate": 3 / 4,
        "truncated": 1,
    }


@pytest.mark.parametrize(
    ("texts", "n", "share"),
    [
        (["a b c a b c"], 3, 3 / 4),  # abc bca cab abc
        (["a b", "b a"], 2, 1.0),
        (["x", "x"], 1, 0.5),
        (["a b", ""], 3, 0.0),
        ([], 1, 0.0),
    ],
)
def test_distinct_n_by_hand(texts: list[str], n: int, share: float) -> None:
    assert distinct_n(texts, n) == share


def test_kl_is_that_of_the_policy_from_the_reference() -> None:
    """The policy's likelier tokens: ln p - ln q = .5 + .25 and -.125, so 5/8 over 2 and 3."""
    import torch

    policy = torch.tensor([[-0.5, -1.0], [-1.125, 0.0]])
    reference = torch.tensor([[-1.0, -1.25], [-1.0, -9.0]])
    mask = torch.tensor([[1, 1], [1, 0]])
    assert kl_statistics(policy, reference, mask) == {
        "kl_sequence": 0.625 / 2,
        "kl_token": pytest.approx(0.625 / 3),
    }


@pytest.mark.parametrize("chat", [False, True])
def test_reward_functions_get_every_column_of_every_row(chat: bool) -> None:
    seen: dict[str, Any] = {}

    def spy(**arguments: Any) -> list[float]:
        seen.update(arguments)
        return [0.25, 0.5]

    prompts: list[Any] = [[{"role": "user", "content": p}] if chat else p for p in ("p", "q")]
    rows = [
        {"prompt": prompts[0], "item_id": "1", "completion": "old", "completion_ids": [9]},
        {"prompt": prompts[1], "item_id": "2", "metadata": {"k": 1}},
    ]
    assert call_rewards(spy, rows, ["x", "y"], [[1, 2], [3]]) == [0.25, 0.5]
    assert seen == {
        "prompts": prompts,
        "completions": [[{"role": "assistant", "content": t}] if chat else t for t in "xy"],
        "completion_ids": [[1, 2], [3]],
        "item_id": ["1", "2"],
        "metadata": [None, {"k": 1}],
        "item": [item_of(row) for row in rows],
    }


def test_as_many_completions_as_prompts_are_rewarded() -> None:
    for n, texts in ((1, ["x", "y"]), (2, ["x"])):
        with pytest.raises(ValueError, match="argument 2 is"):
            call_rewards(lambda **_: [1.0], [{"prompt": "p"}] * n, texts, [[1]])


def log_probability(model: Any, prompt: list[int], completion: list[int], heat: float) -> list[Any]:
    """The distribution before each token of one completion, computed alone."""
    import torch

    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt + completion])).logits[0]
    return [
        (logits[len(prompt) + i - 1] / heat).double().log_softmax(0) for i in range(len(completion))
    ]


@pytest.mark.parametrize("model_name", ["policy_path", "lora_path"])
def test_a_look_by_hand(model_name: str, policy_path: Path, request: pytest.FixtureRequest) -> None:
    """KL, entropy, length and gold of one look, one sequence at a time, at its temperature."""
    path = request.getfixturevalue(model_name)
    tokenizer, policy = load_tokenizer(path), load_policy(path)
    if model_name == "lora_path":
        of_reference, reference = load_policy(policy_path), Reference(policy, "")
    else:
        of_reference = load_policy(policy_path, trainable=False)
        for parameter in of_reference.parameters():
            parameter.data *= 1.1
        reference = Reference(of_reference)
    seen: list[dict[str, Any]] = []

    def gold(prompts: Any, completions: Any, completion_ids: Any, **columns: Any) -> list[Any]:
        seen.append({"prompts": prompts, "completions": completions, **columns})
        return [None, *(float(len(ids)) for ids in completion_ids[1:])]

    rows = [{"prompt": "2+3?", "item_id": "a"}, {"prompt": "What is 3+4?", "item_id": "b"}]
    gold_functions = {"tokens": gold, "none": lambda prompts, **_: [None] * len(prompts)}
    monitor = Monitor(rows, gold_functions, max_new_tokens=7, temperature=0.7, samples=2)
    prompts = ["2+3?", "2+3?", "What is 3+4?", "What is 3+4?"]
    drawn = sample(policy, tokenizer, prompts, Sampling(0.7, 7, 0))
    kl, entropy = [], []
    for prompt, completion in zip(prompts, drawn.sampled_ids(), strict=True):
        ids = tokenizer(prompt)["input_ids"]
        p = log_probability(policy, ids, completion, 0.7)
        q = log_probability(of_reference, ids, completion, 0.7)
        kl.append(sum(float(a[t] - b[t]) for a, b, t in zip(p, q, completion, strict=True)))
        entropy += [-float((a.exp() * a).sum()) for a in p]
    lengths = [len(ids) for ids in drawn.sampled_ids()]
    assert abs(sum(kl)) > 0.1
    wanted = {
        "kl_sequence": sum(kl) / 4,
        "kl_token": sum(kl) / sum(lengths),
        "entropy": sum(entropy) / sum(lengths),
        "length": sum(lengths) / 4,
        "gold/tokens": sum(lengths[1:]) / 3,
        "gold_se/tokens": abs(lengths[1] - (lengths[2] + lengths[3]) / 2) * 4 / 9,
        "coverage/tokens": 3 / 4,
        "coverage/none": 0.0,
        "samples": 2,
        "unique": len(set(drawn.texts)) / 4,
        "distinct_1": distinct_n(drawn.texts, 1),
        "distinct_2": distinct_n(drawn.texts, 2),
        "eos_rate": float(drawn.ended.float().mean()),
        "truncated": int((~drawn.ended).sum()),
    }
    look = monitor.look(policy, reference, tokenizer)
    for key in ("gold", "gold_se"):
        nothing = look.pop(f"held_out/{key}/none")
        assert nothing != nothing
    by_prompt = {name: look.pop(f"held_out/gold_by_prompt/{name}") for name in gold_functions}
    later = round((lengths[2] + lengths[3]) / 2, 6)
    assert by_prompt == {"tokens": {"a": float(lengths[1]), "b": later}, "none": {}}
    assert look == pytest.approx({f"held_out/{k}": v for k, v in wanted.items()}, abs=2e-4)
    for offered in ("trainer_state", "log_metric", "log_extra"):
        del seen[0][offered]
    assert seen == [
        {
            "prompts": prompts,
            "completions": drawn.texts,
            "item_id": ["a", "a", "b", "b"],
            "item": [Item(i, p) for i, p in zip("aabb", prompts, strict=True)],
        }
    ]


def test_a_look_without_reference_and_gold_has_neither(policy_path: Path) -> None:
    tokenizer, policy = load_tokenizer(policy_path), load_policy(policy_path)
    monitor = Monitor([{"prompt": "2+3?"}], max_new_tokens=3)
    names = "length entropy distinct_1 distinct_2 unique eos_rate truncated".split()
    assert list(monitor.look(policy, None, tokenizer)) == [f"held_out/{name}" for name in names]


def test_what_is_monitored_unless_told_otherwise() -> None:
    monitor = Monitor([{"prompt": "p"}, {"prompt": "q"}])
    assert [row["prompt"] for row in monitor.rows] == ["p", "q"]
    assert [step for step in range(26) if monitor.is_due(step, 25)] == [0, 10, 20, 25]
    assert (monitor.max_new_tokens, monitor.temperature, monitor.gold) == (256, 1.0, {})
    assert monitor.samples == 4
    for ids, names in ((["a", "b"], ["a", "b"]), (["a", "a"], ["0", "1"]), (["a", ""], ["0", "1"])):
        assert Monitor([{"prompt": "p", "item_id": one} for one in ids]).prompts == names


def test_monitored_rows_without_a_prompt_are_refused() -> None:
    with pytest.raises(DataError, match="monitored prompts") as caught:
        Monitor([{"prompt": "p"}, {"item_id": "2"}])
    assert caught.value.details == ("row 2: column 'prompt' is missing",)
