"""The engine draws from what is scored, and stops where it must, for everybody who samples.

The checkpoint is the worst of its kind: two end ids, and a generation config that sets every knob.
The engine's log-probability of a token is what it drew it with: ours, or that of `generate` in TRL.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from small_ppo import training
from trainings import trained_by

from harness.nouns.schema import Item
from harness.policy import sampling as policy_sampling
from harness.policy.models import load_policy, load_tokenizer
from harness.policy.prompts import prompt_ids
from harness.policy.respond import log_ratios, response_logprobs, sample_policy
from harness.policy.sampling import Rollout, Sampling, rollout_of
from harness.policy.scoring import score_rollout
from harness.train import monitor as monitor_module
from harness.train.monitor import Monitor

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

HEAT, LIMIT = 1.3, 14
ITEMS = [Item(f"i{a}", f"What is {a}+{a + 2}?") for a in (3, 14, 5, 26, 7, 8)]
ROWS = [{"id": item.id, "prompt": item.prompt} for item in ITEMS]
KNOBS: dict[str, Any] = {
    "do_sample": True,
    "temperature": 0.5,
    "top_k": 5,
    "top_p": 0.7,
    "min_p": 0.2,
    "typical_p": 0.6,
    "epsilon_cutoff": 0.05,
    "eta_cutoff": 0.05,
    "repetition_penalty": 5.0,
    "no_repeat_ngram_size": 2,
    "bad_words_ids": [[20], [21, 22]],
    "sequence_bias": [[[23], 4.0]],
    "suppress_tokens": [24, 25],
    "begin_suppress_tokens": [26],
    "min_new_tokens": 5,
    "exponential_decay_length_penalty": [2, 1.5],
    "forced_bos_token_id": 30,
    "forced_eos_token_id": 31,
    "renormalize_logits": True,
}


@dataclass(frozen=True)
class Drawn:
    """One completion as `generate` made it."""

    prompt: list[int]
    ids: list[int]
    logprobs: list[float]


@dataclass
class Engine:
    """What `generate` drew, in order."""

    drawn: list[Drawn] = field(default_factory=list)

    def check(self, scored: list[list[float]], ids: list[list[int]], stops: list[int]) -> None:
        """Hold the scores of completions against what each token was drawn with."""
        assert len(self.drawn) == len(scored) == len(ids) > 0
        for row, mine, logprobs in zip(self.drawn, ids, scored, strict=True):
            assert mine == row.ids[: len(mine)]
            assert len(logprobs) == len(mine)
            assert not set(mine[:-1]) & set(stops)
            assert mine[-1] in stops or len(mine) == LIMIT
            assert logprobs == pytest.approx(row.logprobs[: len(mine)], abs=1e-4)
        assert {row[-1] for row in ids} >= set(stops), "an end id never came"
        assert any(len(row) == LIMIT for row in ids), "nothing was cut"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Watch both engines."""
    import torch
    from transformers import GenerationMixin

    seen, generate = Engine(), GenerationMixin.generate

    def watched(model: Any, *args: Any, **options: Any) -> Any:
        more = {"output_scores": True, "return_dict_in_generate": True}
        if (config := options.get("generation_config")) is None:
            options |= more
        else:
            options["generation_config"] = config = copy.deepcopy(config)
            config.update(**more)
        out = generate(model, *args, **options)
        steps = torch.stack(out.scores, 1).float().log_softmax(-1)
        prompts, new = out.sequences.split(
            [out.sequences.size(1) - steps.size(1), steps.size(1)], 1
        )
        logprobs = steps.gather(2, new[..., None])[..., 0]
        for prompt, mask, ids, row in zip(
            prompts, options["attention_mask"].bool(), new, logprobs, strict=True
        ):
            seen.drawn.append(Drawn(prompt[mask].tolist(), ids.tolist(), row.tolist()))
        return out.sequences

    def own(model: Any, prompts: Any, each: int, *args: Any) -> Any:
        tokens, logprobs = ours(model, prompts, each, *args)
        for number, (ids, row) in enumerate(zip(tokens.tolist(), logprobs.tolist(), strict=True)):
            seen.drawn.append(Drawn(list(prompts[number // each]), ids, row))
        return tokens, logprobs

    ours = policy_sampling.generate
    monkeypatch.setattr(policy_sampling, "generate", own)
    monkeypatch.setattr(GenerationMixin, "generate", watched)
    yield seen


@pytest.fixture(scope="session")
def bent_path(policy_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy policy with two end ids and a generation config that sets every knob."""
    from transformers import GenerationConfig

    folder = tmp_path_factory.mktemp("bent")
    tokenizer, model = load_tokenizer(policy_path), load_policy(policy_path)
    second = tokenizer.convert_tokens_to_ids(".")
    model.generation_config = GenerationConfig(
        eos_token_id=[second, tokenizer.eos_token_id], **KNOBS
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def bent_lora_path(bent_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter on it that changes what it says, without a tokenizer of its own."""
    import torch
    from peft import LoraConfig, get_peft_model

    folder = tmp_path_factory.mktemp("bent_lora")
    torch.manual_seed(1)
    model = get_peft_model(
        load_policy(bent_path),
        LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    model.save_pretrained(folder)
    return folder


Found = tuple[list[list[float]], list[list[int]]]
"""Scored log-probabilities and sampled ids, both by completion and token."""


def found_in(rollout: Rollout, logprobs: Any) -> Found:
    ids = rollout.sampled_ids()
    return [row[: len(mine)] for row, mine in zip(logprobs.tolist(), ids, strict=True)], ids


def scored_later(path: Path, prompts: list[Any], ids: list[list[int]]) -> Found:
    """Score ids that somebody handed on, with a model that is loaded anew."""
    model, tokenizer = load_policy(path), load_tokenizer(path)
    rollout = rollout_of(model, tokenizer, prompts, ids)
    return found_in(rollout, score_rollout(model, rollout, HEAT)[0])


def respond(path: Path, out: Path, watch: pytest.MonkeyPatch) -> Found:
    responses = sample_policy(path, ITEMS, Sampling(HEAT, LIMIT, 4, per_item=8), system="s")
    scored = response_logprobs(path, ITEMS, responses, HEAT)
    return scored, [r.metadata["token_ids"] for r in responses]


def evaluation(path: Path, out: Path, watch: pytest.MonkeyPatch) -> Found:
    """The KL figure against a base that is no model at all: every token has probability 1."""
    responses = sample_policy(path, ITEMS, Sampling(HEAT, LIMIT, 5, per_item=8), system="s")
    scored = response_logprobs(path, ITEMS, responses, HEAT)
    names = {path: scored, "base": [[0.0] * len(row) for row in scored]}
    watch.setattr("harness.policy.respond.response_logprobs", lambda model, *_: names[model])
    ratios = log_ratios(path, "base", ITEMS, responses, HEAT)
    assert ratios == pytest.approx([sum(row) for row in scored])
    return scored, [r.metadata["token_ids"] for r in responses]


def ppo(path: Path, out: Path, watch: pytest.MonkeyPatch) -> Found:
    rows = [row for row in ROWS for _ in range(8)]
    trained = training(
        path, out, rows=rows, rollout_size=48, temperature=HEAT, max_new_tokens=LIMIT
    )
    experience, _ = trained.collect(1)
    return found_in(experience.rollout, experience.logprobs)


def monitor(path: Path, out: Path, watch: pytest.MonkeyPatch) -> Found:
    scored: list[Found] = []

    def score(model: Any, rollout: Rollout, heat: float) -> Any:
        logprobs, entropy = score_rollout(model, rollout, heat)
        scored.append(found_in(rollout, logprobs))
        return logprobs, entropy

    watch.setattr(monitor_module, "score_rollout", score)
    looker = Monitor(ROWS, max_new_tokens=LIMIT, temperature=HEAT, samples=8)
    looker.look(load_policy(path), None, load_tokenizer(path))
    return scored[0]


def handed_on(path: Path, sampler: Callable[[Any], Any]) -> Found:
    """What a reward function was given, scored."""
    prompts: list[Any] = []
    ids: list[list[int]] = []

    def reward(completions: Any, completion_ids: Any, item: Any, **_: Any) -> list[float]:
        assert not any("." in text for text in completions), "an end id is no text"
        prompts.extend(one.prompt for one in item)
        ids.extend(completion_ids)
        return [float(len(row)) for row in completion_ids]

    sampler({"r": reward})
    return scored_later(path, prompts, ids)


def best(path: Path, out: Path, watch: pytest.MonkeyPatch) -> Found:
    values = {"n": 8, "temperature": HEAT, "max_new_tokens": LIMIT}
    return handed_on(
        path, lambda rewards: trained_by("best_of_n", path, ROWS, values, out, rewards, seed=2)
    )


def grpo(path: Path, out: Path, watch: pytest.MonkeyPatch) -> Found:
    """TRL's own engine."""
    values = {
        "steps": 1, "group_size": 8, "batch_size": 48, "temperature": HEAT, "max_new_tokens": LIMIT,
        "learning_rate": 1e-4, "warmup_steps": 0,
    }  # fmt: skip
    return handed_on(path, lambda rewards: trained_by("grpo", path, ROWS, values, out, rewards))


@pytest.mark.parametrize("model_name", ["bent_path", "bent_lora_path"])
@pytest.mark.parametrize("user", [respond, evaluation, ppo, monitor, best, grpo])
def test_the_engine_draws_each_token_with_the_probability_that_is_scored(
    user: Callable[..., Found],
    model_name: str,
    engine: Engine,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = request.getfixturevalue(model_name)
    model, tokenizer = load_policy(path), load_tokenizer(path)
    stops = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(".")]
    scored, ids = user(path, tmp_path / "out", monkeypatch)
    engine.check(scored, ids, stops)
    known = [prompt_ids(tokenizer, item.prompt) for item in ITEMS]
    assert all(row.prompt in known for row in engine.drawn)
    for name, value in KNOBS.items():
        assert getattr(model.generation_config, name) == value
