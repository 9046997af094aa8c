"""DPO with soft labels: its loss and gradient by hand, and where its gap of log-ratios goes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.nouns.errors import ConfigError
from harness.policy.models import load_policy, load_tokenizer
from harness.train.dpo import Dpo, DpoSettings
from harness.train.result import TrainingFolder
from harness.train.training import TrainOptions

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

PAIRS = [("2+3?", "5.", "It is 6, duh."), ("4+4?", "Well, 8.", "9."), ("1+1?", "2.", "Three!")]


def rows(*probabilities: float) -> list[dict[str, Any]]:
    return [
        {"prompt": prompt, "chosen": chosen, "rejected": rejected, "probability": probability}
        for (prompt, chosen, rejected), probability in zip(PAIRS, probabilities, strict=False)
    ]


def gaps(model: Any, tokenizer: Any) -> list[Any]:
    """Return log p(chosen) - log p(rejected) of each pair, token by token through the model."""
    import torch

    def logprob(prompt: str, text: str) -> Any:
        before = tokenizer(prompt)["input_ids"]
        ids = tokenizer(prompt + text + tokenizer.eos_token)["input_ids"]
        logits = model(input_ids=torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
        return sum(logits[i - 1, ids[i]] for i in range(len(before), len(ids)))

    return [logprob(p, chosen) - logprob(p, rejected) for p, chosen, rejected in PAIRS]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["policy_path", "lora_path"])
def test_loss_and_gradient_are_those_of_the_hand_formula(
    model: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """-p log sigmoid(z) - (1 - p) log sigmoid(-z), away from the reference, with imitation."""
    import torch

    path, beta, chances = request.getfixturevalue(model), 0.7, [0.8, 0.5, 1.0]
    settings = DpoSettings(beta=beta, batch_size=3, sft_weight=0.0)
    training = Dpo(path, rows(*chances), settings, tmp_path, TrainOptions(seed=1))
    training.folder = TrainingFolder(tmp_path, {}, None)
    training.tokenizer = tokenizer = load_tokenizer(path)
    trainer = training.build()
    policy = trainer.model
    generator = torch.Generator().manual_seed(0)
    trained = [p for p in policy.parameters() if p.requires_grad]
    for one in trained:
        one.data += 0.05 * torch.randn(one.shape, generator=generator)
    batch = trainer.data_collator([trainer.train_dataset[n] for n in range(3)])
    loss = trainer.compute_loss(policy, batch)
    found = torch.autograd.grad(loss, trained)
    with torch.no_grad():
        reference = gaps(load_policy(path, trainable=False), tokenizer)
    z = torch.stack(gaps(policy, tokenizer)) - torch.stack(reference)
    z, p, sigmoid = beta * z, torch.tensor(chances), torch.nn.functional.logsigmoid
    hand = -(p * sigmoid(z) + (1 - p) * sigmoid(-z)).mean()
    assert loss.item() == pytest.approx(hand.item(), rel=1e-4)
    for ours, right in zip(found, torch.autograd.grad(hand, trained), strict=True):
        assert torch.allclose(ours, right, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_the_gap_goes_to_the_logit_of_the_probability_over_beta(
    policy_path: Path, tmp_path: Path
) -> None:
    """Also of a tie, and of a row that is turned round; hard labels go beyond."""
    chances, beta = [0.8, 0.5, 0.1], 0.5
    settings = {"beta": beta, "batch_size": 3, "epochs": 100, "learning_rate": 3e-3}
    tokenizer, base = load_tokenizer(policy_path), load_policy(policy_path, trainable=False)
    reference = [gap.item() for gap in gaps(base, tokenizer)]

    def trained(out: Path, **more: Any) -> list[float]:
        made = trained_by("dpo", policy_path, rows(*chances), settings | more, out)
        after = gaps(load_policy(made.checkpoint, trainable=False), tokenizer)
        return [gap.item() - before for gap, before in zip(after, reference, strict=True)]

    soft = trained(tmp_path / "soft")
    right = [math.log(p / (1 - p)) / beta for p in chances]
    assert soft == pytest.approx(right, abs=0.3)
    hard = trained(tmp_path / "hard", soft_labels=False)
    assert hard[0] > 2 * right[0] and hard[2] < 1.5 * right[2]


@pytest.mark.slow
def test_a_loss_that_takes_no_probabilities_is_refused(policy_path: Path, tmp_path: Path) -> None:
    fields: dict[str, Any] = {"trl": {"loss_type": "ipo"}, "batch_size": 3}
    with pytest.raises(ConfigError, match=r"loss of trl\.loss_type takes no probabilities"):
        trained_by("dpo", policy_path, rows(0.8, 1.0), fields, tmp_path / "out")
    hard = fields | {"soft_labels": False}
    assert trained_by("dpo", policy_path, rows(0.8, 1.0), hard, tmp_path / "out").used == 2
