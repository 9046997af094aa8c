"""Sampling and scoring against plain loops: one sequence at a time, without padding or batches."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.nouns.stop_ids import stop_ids
from harness.policy.models import load_policy, load_tokenizer
from harness.policy.padding import padded
from harness.policy.prompts import prompt_ids
from harness.policy.sampling import (
    Rollout,
    Sampling,
    cut,
    rows_of,
    sample,
)
from harness.policy.scoring import score_rollout

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

PROMPTS = ["What is 3+4?", "What is 12+13?", "2?"]


def greedy_by_hand(model: Any, ids: list[int], stops: list[int], limit: int) -> list[int]:
    """Take the argmax of the plain logits, token by token."""
    import torch

    new: list[int] = []
    while len(new) < limit and not (new and new[-1] in stops):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids + new])).logits[0, -1]
        new.append(int(logits.argmax()))
    return new


BENT = {
    "repetition_penalty": 5.0,
    "no_repeat_ngram_size": 1,
    "suppress_tokens": [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    "min_new_tokens": 9,
    "min_p": 0.9,
    "top_p": 0.1,
    "top_k": 1,
    "temperature": 0.01,
}


@pytest.mark.parametrize("model_name", ["policy_path", "lora_path"])
def test_nothing_of_the_checkpoints_generation_config_bends_sampling(
    model_name: str, request: pytest.FixtureRequest
) -> None:
    """Log-probabilities know of no penalty, ban or minimum, so sampling may not either."""
    path = request.getfixturevalue(model_name)
    tokenizer, model = load_tokenizer(path), load_policy(path)
    inner = model.get_base_model() if model_name == "lora_path" else model
    sampling = Sampling(1.3, 30, 4)
    plain = sample(model, tokenizer, PROMPTS * 3, sampling)
    wanted = [
        greedy_by_hand(model, prompt_ids(tokenizer, p), [tokenizer.eos_token_id], 30)
        for p in PROMPTS
    ]
    for name, value in BENT.items():
        setattr(inner.generation_config, name, value)
    before = copy.deepcopy(inner.generation_config.to_dict())
    assert sample(model, tokenizer, PROMPTS * 3, sampling).sampled_ids() == plain.sampled_ids()
    greedy = sample(model, tokenizer, PROMPTS, Sampling(0, 30))
    assert greedy.sampled_ids() == wanted
    assert inner.generation_config.to_dict() == before
    assert before["repetition_penalty"] == 5.0


def test_every_stop_id_of_tokenizer_and_checkpoint_ends_a_completion(policy_path: Path) -> None:
    tokenizer, model = load_tokenizer(policy_path), load_policy(policy_path)
    eos = tokenizer.eos_token_id
    prompt = prompt_ids(tokenizer, PROMPTS[0])
    free = greedy_by_hand(model, prompt, [eos], 30)
    for configured, wanted in [
        (None, [eos]),
        (eos, [eos]),
        (free[2], [eos, free[2]]),
        ([free[2], 99, eos], [eos, free[2], 99]),
    ]:
        model.generation_config.eos_token_id = configured
        assert stop_ids(model, tokenizer) == wanted
        rollout = sample(model, tokenizer, PROMPTS[:1], Sampling(0, 30))
        until = next(i for i, token in enumerate(free) if token in wanted)
        assert rollout.sampled_ids() == [free[: until + 1]]
        assert rollout.texts == [tokenizer.decode(free[:until])]
        assert rollout.ended.tolist() == [True]


def test_chunks_of_different_widths_become_one_rollout(policy_path: Path) -> None:
    """One by one, two by two or all at once: the same ids, padded to the longest."""
    tokenizer, model = load_tokenizer(policy_path), load_policy(policy_path)
    wanted = [
        greedy_by_hand(model, prompt_ids(tokenizer, p), [tokenizer.eos_token_id], 40)
        for p in PROMPTS
    ]
    longest = max(map(len, wanted))
    assert len({len(ids) for ids in wanted}) > 1
    for batch_size in (1, 2, 3, 256):
        rollout = sample(model, tokenizer, PROMPTS, Sampling(0, 40), batch_size)
        assert rollout.sampled_ids() == wanted
        assert rollout.completion_mask.tolist() == [
            [1] * len(ids) + [0] * (longest - len(ids)) for ids in wanted
        ]
        pad = tokenizer.pad_token_id
        assert rollout.completion_ids.tolist() == [
            ids + [pad] * (longest - len(ids)) for ids in wanted
        ]
        encoded = [prompt_ids(tokenizer, p) for p in PROMPTS]
        width = max(map(len, encoded))
        assert rollout.prompt_ids.tolist() == [[pad] * (width - len(e)) + e for e in encoded]
        assert rollout.prompt_mask.tolist() == [
            [0] * (width - len(e)) + [1] * len(e) for e in encoded
        ]
        assert rollout.ended.tolist() == [True] * 3
        assert len(rollout) == 3


def test_without_a_seed_the_global_random_state_decides(policy_path: Path) -> None:
    import torch

    tokenizer, model = load_tokenizer(policy_path), load_policy(policy_path)

    def draw(seed: int | None) -> list[list[int]]:
        sampling = Sampling(max_new_tokens=6, seed=seed)
        return sample(model, tokenizer, PROMPTS * 2, sampling).sampled_ids()

    with torch.random.fork_rng():
        torch.manual_seed(8)
        first, second = draw(None), draw(None)
        torch.manual_seed(8)
        assert [draw(None), draw(None)] == [first, second]
    assert first != second
    assert draw(8) == first  # the same stream of numbers, on its own
    assert draw(9) != first


def test_a_completion_does_not_depend_on_what_is_made_beside_it(gpt2_path: Path) -> None:
    """Several of a prompt, alone, in small parts or at once, whoever ends before."""
    tokenizer, model = load_tokenizer(gpt2_path), load_policy(gpt2_path)
    sampling = Sampling(1.2, 24, 3, per_item=4)
    whole = sample(model, tokenizer, PROMPTS, sampling)
    assert len({len(ids) for ids in whole.sampled_ids()}) > 3
    assert len(set(map(tuple, whole.sampled_ids()))) == 12
    for batch_size in (1, 3, 4, 8):
        part = sample(model, tokenizer, PROMPTS, sampling, batch_size)
        assert part.sampled_ids() == whole.sampled_ids()
        assert part.drawn is not None and whole.drawn is not None
        assert (part.drawn - whole.drawn).abs().max() < 1e-4


@pytest.mark.parametrize("model_name", ["policy_path", "lora_path", "gpt2_path"])
@pytest.mark.parametrize("temperature", [1.2, 0.0])
def test_steps_of_fixed_shapes_sample_the_same(
    model_name: str, temperature: float, request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What a GPU is given as a graph, made step by step here; half of the batch ends before."""
    from harness.policy import decode_graph, engine

    path = request.getfixturevalue(model_name)
    tokenizer, model = load_tokenizer(path), load_policy(path)
    sampling = Sampling(temperature, 40, 3, per_item=3)
    plain = sample(model, tokenizer, PROMPTS, sampling)
    assert not decode_graph.fits(model, torch.device("cpu"))
    made: list[int] = []
    run = decode_graph.Steps.run

    def counted(self: Any, few: int) -> Any:
        made.append(len(self.going))
        return run(self, few)

    monkeypatch.setattr(decode_graph, "fits", lambda *_: True)
    monkeypatch.setattr(decode_graph.Steps, "run", counted)
    monkeypatch.setattr(decode_graph, "ASKED", 3)
    monkeypatch.setattr(engine, "WORTH", 4)
    fixed = sample(model, tokenizer, PROMPTS, sampling)
    assert fixed.sampled_ids() == plain.sampled_ids()
    assert fixed.completion_ids.shape == plain.completion_ids.shape
    assert fixed.drawn is not None and plain.drawn is not None
    torch.testing.assert_close(fixed.drawn, plain.drawn, rtol=1e-4, atol=1e-4)
    assert made[0] == 9 and (len(made) > 1 or (model_name, temperature) != ("policy_path", 1.2))


def test_a_token_is_the_first_at_which_the_sum_passes_the_chance() -> None:
    """Shares .5, .3, .2; a chance of 1 names the last token, also where rounding loses some."""
    import torch

    from harness.policy.drawing import draw

    shares = torch.tensor([0.5, 0.3, 0.2])
    chance = torch.tensor([0.0, 0.49, 0.51, 0.79, 0.81, 1.0], dtype=torch.float64)
    tokens, logprobs = draw(shares.log().repeat(6, 1) + 7, 1.0, chance)
    assert tokens.tolist() == [0, 0, 1, 1, 2, 2]
    torch.testing.assert_close(logprobs.exp(), shares[tokens])
    heated, logprobs = draw(shares.log()[None], 0.5, torch.tensor([0.66], dtype=torch.float64))
    assert (heated.item(), round(logprobs.exp().item(), 4)) == (1, 0.2368)  # .09 / .38, from .6579
    most, logprobs = draw(shares.log()[None], 0.0, chance[:1] + 0.99)
    assert (most.item(), round(logprobs.exp().item(), 4)) == (0, 0.5)
    wide = torch.zeros(1, 151_936)
    assert draw(wide, 1.0, torch.tensor([1.0], dtype=torch.float64))[0].item() == 151_935


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1_000])
def test_blocks_name_the_token_that_one_sum_names(size: int) -> None:
    """Also beside tokens without a share; next to a border rounding decides."""
    import torch

    from harness.policy.drawing import draw

    source = torch.Generator().manual_seed(size)
    logits = 3 * torch.randn(500, size, generator=source)
    logits[::3, torch.rand(size, generator=source) < 0.5] = -torch.inf
    logits[:, 0] = logits[:, 0].nan_to_num(neginf=0)
    chance = torch.rand(500, generator=source, dtype=torch.float64)
    chance[:2] = torch.tensor([0.0, 1.0])
    tokens, logprobs = draw(logits, 0.8, chance)
    shares = (logits.double() / 0.8).softmax(-1)
    upto = shares.cumsum(-1)
    assert bool((shares.gather(-1, tokens[:, None]) > 0).all())
    gap = 1e-6
    assert bool((upto.gather(-1, tokens[:, None])[:, 0] > chance - gap).all())
    before = upto.gather(-1, tokens[:, None]) - shares.gather(-1, tokens[:, None])
    assert bool((before[:, 0] < chance + gap).all())
    torch.testing.assert_close(
        logprobs, shares.gather(-1, tokens[:, None])[:, 0].log().float(), rtol=1e-5, atol=1e-5
    )


def mixed_rollout(tokenizer: Any) -> tuple[Rollout, list[list[int]], list[list[int]]]:
    """Prompts and completions of different lengths, one of them truncated."""
    import torch

    prompts = [prompt_ids(tokenizer, p) for p in [*PROMPTS, "1+1?", "20+20?"]]
    eos, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    completions = [[20, 21, eos], [30, eos], [22, 23, 24, 25, eos], [eos], [26, 27, 28, 29, 31]]
    ids, mask = padded(prompts, pad, "left")
    raw = torch.tensor([row + [pad] * (5 - len(row)) for row in completions])
    return cut(ids, mask, raw, [eos], tokenizer), prompts, completions


def test_a_special_token_within_a_completion_is_kept_and_not_shown(policy_path: Path) -> None:
    """A sampled pad or BOS is a token like any other, with a log-probability; no text."""
    import torch

    tokenizer = load_tokenizer(policy_path)
    pad, bos, eos = tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id
    a, b = tokenizer.convert_tokens_to_ids(["a", "b"])
    ids, mask = padded([[1], [1, 2]], pad, "left")
    raw = torch.tensor([[a, pad, bos, b, eos], [pad, eos, a, a, a]])
    rollout = cut(ids, mask, raw, [eos], tokenizer)
    assert rollout.sampled_ids() == [[a, pad, bos, b, eos], [pad, eos]]
    assert rollout.texts == ["ab", ""]
    assert rollout.completion_ids.tolist() == [[a, pad, bos, b, eos], [pad, eos, pad, pad, pad]]


@pytest.mark.parametrize("model_name", ["policy_path", "gpt2_path", "lora_path"])
@pytest.mark.parametrize("temperature", [1.0, 0.4])
def test_scores_are_those_of_one_sequence_at_a_time(
    model_name: str, temperature: float, request: pytest.FixtureRequest
) -> None:
    import torch

    path = request.getfixturevalue(model_name)
    tokenizer, model = load_tokenizer(path), load_policy(path)
    rollout, prompts, completions = mixed_rollout(tokenizer)
    assert rollout.sampled_ids() == completions
    assert rollout.ended.tolist() == [True] * 4 + [False]
    for tokens in (1, 20, 16_384):
        logprobs, entropy = score_rollout(model, rollout, temperature, tokens)
        assert logprobs.shape == entropy.shape == (5, 5)
        for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([prompt + completion])).logits[0]
            for column, token in enumerate(completion):
                at = (logits[len(prompt) + column - 1] / temperature).double().softmax(0)
                assert float(logprobs[row, column]) == pytest.approx(
                    float(at[token].log()), abs=2e-4
                )
                nats = -sum(float(p) * float(p.log()) for p in at if p > 0)
                assert float(entropy[row, column]) == pytest.approx(nats, abs=2e-4)


def test_rows_of_a_rollout_keep_together_what_belongs_together(policy_path: Path) -> None:
    import torch

    rollout, prompts, completions = mixed_rollout(load_tokenizer(policy_path))
    for index, numbers in [(slice(1, 4), [1, 2, 3]), (torch.tensor([4, 0]), [4, 0])]:
        part = rows_of(rollout, index)
        assert part.sampled_ids() == [completions[i] for i in numbers]
        assert part.texts == [rollout.texts[i] for i in numbers]
        assert part.ended.tolist() == [i != 4 for i in numbers]
        real = [
            row[mask == 1].tolist()
            for row, mask in zip(part.prompt_ids, part.prompt_mask, strict=True)
        ]
        assert real == [prompts[i] for i in numbers]


def test_trl_samples_without_what_a_checkpoint_bends_too(policy_path: Path) -> None:
    """It asks transformers, which fills in from the checkpoint what a call leaves unset."""
    from harness.train.trl_callbacks import unbent

    model = load_policy(policy_path)
    for name, value in BENT.items():
        setattr(model.generation_config, name, value)
    kept = copy.deepcopy(model.generation_config.to_dict())
    with unbent(model):
        inside = model.generation_config.to_dict()
        assert inside["eos_token_id"] == kept["eos_token_id"]
        assert not any(inside.get(name) == value for name, value in BENT.items())
    assert model.generation_config.to_dict() == kept
