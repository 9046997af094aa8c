"""A server that samples: with the weights of the step, or found out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_policy import PROMPTS, engine_of
from small_ppo import training

from harness.nouns.errors import EngineError
from harness.policy.models import load_policy, load_tokenizer
from harness.policy.prompts import prompt_ids
from harness.policy.sampling import Sampling, sample
from harness.policy.scoring import score_rollout
from harness.policy.server_engine import nearer
from harness.testing import PolicyServer
from harness.train.engines import make_engine
from harness.train.ppo_settings import PpoSettings

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


@pytest.fixture(scope="module")
def served(policy_path: Path) -> Iterator[PolicyServer]:
    with PolicyServer(policy_path) as server:
        yield server


def told(update: float, noise: float, stale: bool, seed: int) -> bool:
    """Ask of 200 tokens, of which the update moved each by about so much."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    before, step, rounding = torch.randn(3, 200, generator=generator)
    after = before + update * step
    return nearer((before if stale else after) + noise * rounding, before, after)


@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-3, 0.03])
@pytest.mark.parametrize("update", [0.0, 1e-5, 1e-3, 0.01, 0.1])
def test_old_weights_are_told_from_new_ones_and_rounding_from_both(
    update: float, noise: float
) -> None:
    assert not any(told(update, noise, False, seed) for seed in range(100))
    if update > noise:  # else nobody can tell, and nothing is lost
        assert all(told(update, noise, True, seed) for seed in range(100))


def test_what_a_server_draws_is_the_policys_and_is_scored_as_it_was_drawn(
    served: PolicyServer, policy_path: Path, tmp_path: Path
) -> None:
    import torch

    policy, tokenizer = load_policy(policy_path), load_tokenizer(policy_path)
    engine = engine_of(served, tmp_path)
    engine.update(policy)
    sampling = Sampling(0.8, 12, seed=5, per_item=3)
    rollout = engine.sample(policy, tokenizer, PROMPTS, sampling)
    assert rollout.drawn is not None
    scored, _ = score_rollout(policy, rollout, 0.8)
    torch.testing.assert_close(rollout.drawn, scored, rtol=0, atol=1e-4)
    own = sample(policy, tokenizer, PROMPTS, sampling)
    assert torch.equal(rollout.prompt_ids, own.prompt_ids)
    assert torch.equal(rollout.prompt_mask, own.prompt_mask)
    assert rollout.ended.tolist() == [row[-1] == 2 for row in rollout.sampled_ids()]
    assert 0 < rollout.ended.sum() < 9  # some ended, some were cut
    assert all("<eos>" not in text for text in rollout.texts)
    ids = rollout.sampled_ids()
    assert engine.sample(policy, tokenizer, PROMPTS, sampling).sampled_ids() == ids
    assert len({tuple(row) for row in rollout.sampled_ids()}) > 5  # a seed for each completion
    later = dataclasses.replace(sampling, first=1)  # as another rank samples the other prompts
    assert engine.sample(policy, tokenizer, PROMPTS[1:], later).sampled_ids() == ids[3:]
    _, body = next(one for one in reversed(served.bodies) if "seed" in one[1])
    assert body["prompt"] in [prompt_ids(tokenizer, prompt) for prompt in PROMPTS]
    sent = {"top_p": 1, "top_k": 0, "min_p": 0, "repetition_penalty": 1, "temperature": 0.8}
    assert sent.items() <= body.items()
    engine.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("impatient")
def test_a_server_that_fails_for_a_while_is_asked_again(policy_path: Path, tmp_path: Path) -> None:
    policy, tokenizer = load_policy(policy_path), load_tokenizer(policy_path)
    sampling = Sampling(1.0, 4, seed=0)
    with PolicyServer(policy_path, faults=["500", "drop", "badjson", "429"]) as server:
        engine = engine_of(server, tmp_path)
        engine.update(policy)
        first = engine.sample(policy, tokenizer, PROMPTS, sampling)
        assert (
            first.sampled_ids() == engine.sample(policy, tokenizer, PROMPTS, sampling).sampled_ids()
        )
        server.faults += ["400"]
        with pytest.raises(EngineError, match="400 at /v1/completions"):
            engine.sample(policy, tokenizer, PROMPTS, sampling)
        server.faults += ["500"] * 40
        with pytest.raises(EngineError, match=r"500 at /v1/completions.*\n.*the training goes on"):
            engine.sample(policy, tokenizer, PROMPTS, sampling)


@pytest.mark.parametrize("heat", [0.5, 0.9, 1.5])
def test_log_probabilities_from_before_the_temperature_are_told(
    policy_path: Path, tmp_path: Path, heat: float
) -> None:
    policy, tokenizer = load_policy(policy_path), load_tokenizer(policy_path)
    with PolicyServer(policy_path, raw_logprobs=True) as server:
        engine = engine_of(server, tmp_path)
        engine.update(policy)
        with pytest.raises(EngineError, match="--logprobs-mode processed_logprobs"):
            engine.sample(policy, tokenizer, PROMPTS, Sampling(heat, 6, seed=0))


def test_a_server_of_another_model_stops_the_training(
    policy_path: Path, gpt2_path: Path, tmp_path: Path
) -> None:
    with PolicyServer(gpt2_path, keeps_weights=True) as server:
        trained = training(policy_path, tmp_path, engine="server", server_url=server.url)
        with pytest.raises(EngineError, match=f"{server.url}: .* another model or other weights"):
            trained.collect(1)
        trained.engine.close()


@pytest.mark.parametrize("lora", [False, True])
@pytest.mark.parametrize("keeps", [False, True])
def test_a_server_that_keeps_old_weights_is_told(
    policy_path: Path, lora_path: Path, tmp_path: Path, lora: bool, keeps: bool
) -> None:
    import torch

    policy = load_policy(lora_path if lora else policy_path)
    tokenizer = load_tokenizer(policy_path)
    with PolicyServer(policy_path, keeps_weights=keeps) as server:
        engine = engine_of(server, tmp_path)
        engine.update(policy)
        engine.sample(policy, tokenizer, PROMPTS, Sampling(1.0, 6, seed=0))
        with torch.no_grad():
            for weights in policy.parameters():
                if weights.requires_grad:
                    weights += 1e-4 * weights.sign()
        if keeps:
            with pytest.raises(EngineError, match="still has older weights"):
                engine.update(policy)
        else:
            engine.update(policy)
            names = [one.name for one in tmp_path.rglob("harness-*")]
            assert len(names) == 1  # the last is gone, of the server's adapters too
            assert list(server.adapters) == (names if lora else [])


def test_another_rank_samples_with_the_weights_that_the_first_gave(
    policy_path: Path, lora_path: Path, tmp_path: Path
) -> None:
    tokenizer, sampling = load_tokenizer(policy_path), Sampling(1.0, 6, seed=0)
    for path in (policy_path, lora_path):
        policy = load_policy(path)
        with PolicyServer(policy_path) as server:
            settings = PpoSettings(engine="server", server_url=server.url)
            first, second = (make_engine(settings, tmp_path, main) for main in (True, False))
            for engine in (first, second):
                engine.update(policy)
            made = [e.sample(policy, tokenizer, PROMPTS, sampling) for e in (first, second)]
            assert made[0].sampled_ids() == made[1].sampled_ids()
            assert sum(path != "/v1/completions" for path, _ in server.bodies) == 3
            names = {
                (body["model"], body["cache_salt"]) for _, body in server.bodies if "seed" in body
            }
            assert len(names) == 1
            for engine in (second, first):
                engine.close()
        assert not (tmp_path / "weights").exists()


def test_trainings_share_a_folder_of_weights(policy_path: Path, tmp_path: Path) -> None:
    policy, shared = load_policy(policy_path), tmp_path / "shared"
    mine = shared / "harness-of-mine" / "kept.txt"
    mine.parent.mkdir(parents=True)
    mine.touch()
    with PolicyServer(policy_path) as server:
        settings = PpoSettings(engine="server", server_url=server.url, weights_folder=str(shared))
        one, two = (make_engine(settings, tmp_path / name) for name in ("one", "two"))
        for engine in (one, two, one):
            engine.update(policy)
        assert len(list(shared.rglob("model.safetensors"))) == 2
        one.close()
        assert len(list(shared.rglob("model.safetensors"))) == 1
        two.close()
    assert list(shared.rglob("*.*")) == [mine]
