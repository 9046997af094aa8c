"""What trainers take for granted of a model, on every architecture of the list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from architectures import (
    BENT,
    CONFIGS,
    OTHERWISE_IN_TRL,
    READING_PADDING,
    WITH_STATES,
    config_of,
    made,
)

from harness.nouns.errors import ConfigError
from harness.policy.drawing import uniforms
from harness.policy.engine import generate
from harness.policy.head_kind import plain_head
from harness.policy.models import settled
from harness.policy.padding import padded
from harness.policy.recurrent import is_recurrent
from harness.policy.sampling import Rollout
from harness.policy.scoring import score_rollout
from harness.policy.shape import measured
from harness.policy.stillness import recompute_layers
from harness.train.trl_head import check_head, check_padding, count_from_masks

torch = pytest.importorskip("torch", reason="the extra train is not installed")

TEMPERATURE = 0.7
PROMPTS = ([5, 6, 7], [30, 9, 40, 50, 60])
SOME = [[3, 4, 5, 6, 7]]


@pytest.fixture(params=CONFIGS, scope="module")
def named(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    yield request.param, settled(made(request.param))


def said(model: Any, ids: list[list[int]]) -> Any:
    return model(input_ids=torch.tensor(ids), use_cache=False).logits.float()


def test_what_is_sampled_and_scored_is_what_the_model_says(named: tuple[str, Any]) -> None:
    """Each sequence alone and without padding is the judge."""
    name, model = named
    assert is_recurrent(model) == (name in WITH_STATES)
    assert (plain_head(model) is None) == measured(config_of(name)).bent == (name in BENT)
    tokens, drawn = generate(model, PROMPTS, 1, uniforms(2, 4, 3), TEMPERATURE, [2], 0)
    ids, mask = padded(PROMPTS, 0, "left")
    ended = (tokens == 2).long()
    real = (ended.cumsum(1) - ended == 0).long()
    rollout = Rollout(ids, mask, tokens, real, ended.any(1), ["", ""], drawn)
    scored, entropy = score_rollout(model, rollout, TEMPERATURE)
    for row, (prompt, sampled) in enumerate(zip(PROMPTS, rollout.sampled_ids(), strict=True)):
        with torch.no_grad():
            logits = said(model, [prompt + sampled])[0, len(prompt) - 1 : -1] / TEMPERATURE
        wanted, n = logits.log_softmax(-1), len(sampled)
        chosen = wanted.gather(-1, torch.tensor(sampled).unsqueeze(-1)).squeeze(-1)
        nats = -(wanted.exp() * wanted).sum(-1)
        for found, right in ((scored, chosen), (drawn, chosen), (entropy, nats)):
            torch.testing.assert_close(found[row, :n], right, atol=2e-5, rtol=1e-5)


def test_nothing_is_left_to_chance_in_training(named: tuple[str, Any]) -> None:
    """Dropout of every kind, layers left out, noise of experts; also in recomputed layers."""
    _, model = named
    with torch.no_grad():
        wanted = said(model, SOME)
        model.train()
        assert model.training
        assert torch.equal(said(model, SOME), wanted)
    if model.supports_gradient_checkpointing:
        model.activation_checkpointing_enable()  # as transformers' trainer does
        model.train()
        assert torch.equal(said(model, SOME), wanted)
        model.activation_checkpointing_disable()
    model.eval()
    recompute_layers(model, True)
    assert torch.equal(said(model, SOME), wanted)
    recompute_layers(model, False)


@pytest.mark.parametrize("name", ["Jamba", "FalconMamba", "Mamba", "Mamba2", "Rwkv", "Llama"])
def test_the_sizes_of_models_without_attention_are_measured(name: str) -> None:
    shape, model = measured(config_of(name)), made(name)
    assert shape.parameters == sum(p.numel() for p in model.parameters())
    assert (shape.heads > 0) == (shape.keys > 0) == (name in {"Jamba", "Llama"})


def test_what_trl_would_get_wrong_is_refused(named: tuple[str, Any]) -> None:
    """The last test of a model: TRL's head stays on it."""
    from trl.trainer.utils import add_fused_lm_head

    name, model = named
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    count_from_masks(model)
    refused(check_padding, name in READING_PADDING, model)
    check_head(model, TEMPERATURE)  # nothing to say of the model's own
    add_fused_lm_head(model, temperature=TEMPERATURE)
    refused(check_head, name in OTHERWISE_IN_TRL, model, TEMPERATURE)
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())
    if name in READING_PADDING | OTHERWISE_IN_TRL:
        return
    said_here = [[11, 12, 13], [14, 15, 16]]
    whole = [prompt + answer for prompt, answer in zip(PROMPTS, said_here, strict=True)]
    ids, mask = padded(whole, 0, "left")
    with torch.no_grad():
        found = model(input_ids=ids, attention_mask=mask, labels=ids, fused_lm_head=True).log_probs
        for row, answer in enumerate(said_here):
            wanted = (said(model, [whole[row]])[0, -4:-1] / TEMPERATURE).log_softmax(-1)
            wanted = wanted.gather(-1, torch.tensor(answer).unsqueeze(-1)).squeeze(-1)
            torch.testing.assert_close(found[row, -3:], wanted, atol=2e-5, rtol=1e-5)


def test_positions_are_those_that_a_model_is_given_where_it_is_given_any() -> None:
    """With keys and values of what stands before, the mask is wider than the tokens."""
    model = made("GPT2")
    count_from_masks(model)
    ids, mask = padded(PROMPTS, 0, "left")
    with torch.no_grad():
        whole = model(input_ids=ids, attention_mask=mask).logits[:, -1]
        kept = model(input_ids=ids[:, :-1], attention_mask=mask[:, :-1]).past_key_values
        last = model(input_ids=ids[:, -1:], attention_mask=mask, past_key_values=kept).logits[:, -1]
        torch.testing.assert_close(last, whole, atol=1e-4, rtol=1e-4)
        places = torch.arange(ids.size(1)).expand(ids.shape)
        as_given = model(input_ids=ids, attention_mask=mask, position_ids=places).logits
        plain = made("GPT2")(input_ids=ids, attention_mask=mask).logits
    assert torch.equal(as_given[mask.bool()], plain[mask.bool()])
    assert not torch.allclose(as_given[:, -1], whole, atol=1e-3)


def refused(check: Any, wrong: bool, *arguments: Any) -> None:
    if not wrong:
        check(*arguments)
        return
    with pytest.raises(ConfigError, match="TRL") as caught:
        check(*arguments)
    assert "ppo" in caught.value.hint


def test_the_table_in_the_docs_is_of_this_list(repo_root: Path) -> None:
    """Made by ``python docs/make_architectures.py``."""
    from architectures import table

    assert table() in (repo_root / "docs" / "training.md").read_text(encoding="utf-8")
