"""Engines that sample for a training, and what is said of one that is wrong."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_ppo import ROWS, SETTINGS, training
from trainings import changed, trained_by

from harness.nouns.errors import ConfigError, EngineError
from harness.nouns.hashing import seed_of
from harness.policy import completions_api
from harness.policy import sampling as policy_sampling
from harness.policy.completions_api import CompletionsServer
from harness.policy.drawing import uniforms
from harness.policy.engines import InProcess
from harness.policy.models import load_policy, load_tokenizer
from harness.policy.prompts import prompt_ids
from harness.policy.sampling import Rollout, Sampling, sample
from harness.policy.scoring import score_rollout
from harness.policy.server_engine import ServerEngine, nearer
from harness.testing import PolicyServer
from harness.train.engines import make_engine
from harness.train.losses import truncated_weights
from harness.train.ppo_settings import PpoSettings
from harness.train.settings import TrainerSettings
from harness.train.trainers import settings_of

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

PROMPTS = ["What is 3+4?", "What is 12+5? Now.", "Hi"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr(completions_api, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def served(policy_path: Path) -> Iterator[PolicyServer]:
    with PolicyServer(policy_path) as server:
        yield server


def engine_of(server: PolicyServer, folder: Path) -> ServerEngine:
    settings = PpoSettings(engine="server", server_url=server.url + "/v1/")
    engine = make_engine(settings, folder)
    assert isinstance(engine, ServerEngine)
    return engine


# Settings.


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"engine": "server"}, "server_url: engine: server needs the address of one"),
        ({"engine": "server", "server_url": "localhost:8000"}, "'localhost:8000' is no address"),
        ({"engine": "server", "server_url": "http://["}, "is no address"),
        ({"engine": "server", "server_url": "http://"}, "is no address"),
        ({"server_url": "http://x"}, "server_url and weights_folder: engine: in_process has no"),
        ({"engine": "continuous_batching", "weights_folder": "w"}, "continuous_batching has no"),
    ],
)
@pytest.mark.parametrize("trainer", ["ppo", "best_of_n"])
def test_settings_that_do_not_fit(trainer: str, values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settings_of(trainer, values, "settings")


def test_continuous_batching_is_for_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="is for one process"):
        make_engine(PpoSettings(engine="continuous_batching"), tmp_path)


# The correction.


def test_truncated_weights_by_hand() -> None:
    import torch

    p = torch.tensor([[0.5, 0.2, 0.9], [0.3, 0.7, 0.1]]).log()
    q = torch.tensor([[0.25, 0.4, 0.1], [0.3, 0.07, 0.1]]).log()
    mask = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    weights, clipped = truncated_weights(p, q, mask, 3.0)
    torch.testing.assert_close(weights, torch.tensor([[2.0, 0.5, 3.0], [1.0, 3.0, 0.0]]))
    assert clipped == pytest.approx(2 / 5)


def test_weights_turn_a_mean_over_what_the_engine_drew_into_one_over_the_policy() -> None:
    import torch

    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.3, 0.5])
    reward = torch.tensor([1.0, 0.0, -1.0])
    drawn = torch.arange(3).repeat_interleave((q * 1000).long()).unsqueeze(0)
    mask = torch.ones(drawn.shape)
    weights, _ = truncated_weights(p.log()[drawn], q.log()[drawn], mask, 3.0)
    assert float((weights * reward[drawn]).mean()) == pytest.approx(float(p @ reward), abs=1e-3)
    assert float(reward[drawn].mean()) == pytest.approx(-0.3)  # what it would be without


# Whose log-probabilities are they?


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


# The server.


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


class Answers(CompletionsServer):
    """A server that gives one answer."""

    def __init__(self, answer: Any) -> None:
        self.url, self.answer = "http://server", answer

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.answer


def answer(**changes: Any) -> dict[str, Any]:
    choice = {
        "index": 0,
        "token_ids": [5, 6, 2],
        "prompt_token_ids": [1, 4],
        "logprobs": {"token_logprobs": [-0.5, -1, -0.1]},
        "finish_reason": "stop",
    }
    return {"model": "m", "choices": [choice | changes]}


WRONG: list[tuple[Any, str]] = [
    (None, "1 completions were asked for"),
    ([], "1 completions were asked for"),
    ({"choices": []}, "1 completions were asked for"),
    ({"choices": [answer()["choices"][0]] * 2}, "1 completions were asked for"),
    (answer() | {"model": "older"}, "m was asked, and 'older' answered"),
    ({"model": "m", "choices": [{}]}, "'index' is missing"),
    (answer(token_ids=None), "without token ids.*\n.*return_token_ids"),
    (answer(token_ids=[]), "without token ids"),
    (answer(token_ids=["5", "6", "2"]), "without token ids"),
    (answer(token_ids=[5, 6.0, 2]), "without token ids"),
    (answer(prompt_token_ids=[1, 1, 4]), "another prompt"),
    (answer(logprobs=None), "without a log-probability per token"),
    (answer(logprobs={}), "without a log-probability per token"),
    (answer(logprobs={"token_logprobs": [-0.5, -1]}), "without a log-probability per token"),
    (answer(logprobs={"token_logprobs": [-0.5, -1, None]}), "log-probability is none"),
    (answer(logprobs={"token_logprobs": [-0.5, -1, float("nan")]}), "log-probability is none"),
    (answer(logprobs={"token_logprobs": [-0.5, -1, float("-inf")]}), "log-probability is none"),
    (answer(logprobs={"token_logprobs": [-0.5, -1, 0.5]}), "log-probability is none"),
    (answer(token_ids=[5, 6, 7]), "ended .'stop'. without an end token after 3 of 4"),
    (answer(token_ids=[5, 6, 7], finish_reason="length"), "--max-model-len"),
    (answer(token_ids=[5, 6, 7], finish_reason="abort"), "'abort'"),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_an_answer_that_is_no_completion_is_refused(given: Any, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        Answers(given).complete("m", [[1, 4]], Sampling(1.0, 4, seed=0), [2], "w")


def test_a_sound_answer_is_taken() -> None:
    sound = [answer(), answer(prompt_token_ids=None), {"choices": answer()["choices"]}]
    sound.append(answer(token_ids=[5, 6, 7, 8], logprobs={"token_logprobs": [0, -1, -2, -3]}))
    for given in sound:
        (drawn,) = Answers(given).complete("m", [[1, 4]], Sampling(1.0, 4, seed=0), [2], "w")
        assert len(drawn.ids) == len(drawn.logprobs) >= 3


@pytest.mark.parametrize("given", [{}, answer(), answer(prompt_logprobs=[None, {"9": {}}])])
def test_a_server_that_scores_no_prompt_is_refused(given: Any) -> None:
    with pytest.raises(EngineError, match="no log-probabilities of a prompt"):
        Answers(given).score("m", [[1, 4]], "w")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9",
        "http://name.invalid:8000",
    ],
)
def test_an_address_without_a_server(url: str) -> None:
    with pytest.raises(EngineError, match=r"ConnectError.*\n.*start the server"):
        CompletionsServer(url, 1.0).model()


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


def test_a_server_of_another_model_is_told(
    policy_path: Path, gpt2_path: Path, tmp_path: Path
) -> None:
    policy, tokenizer = load_policy(policy_path), load_tokenizer(policy_path)
    with PolicyServer(gpt2_path, keeps_weights=True) as server:
        engine = engine_of(server, tmp_path)
        engine.update(policy)
        with pytest.raises(EngineError, match="another model or other weights"):
            engine.sample(policy, tokenizer, PROMPTS, Sampling(1.0, 6, seed=0))


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


class Shifted(InProcess):
    """An engine that says to have drawn each token with another probability."""

    same = False

    def sample(self, *given: Any) -> Rollout:
        rollout = super().sample(*given)
        assert rollout.drawn is not None
        shift = rollout.completion_ids % 3 - 1  # the policy is e times as likely, as likely, less
        return dataclasses.replace(rollout, drawn=rollout.drawn - shift * rollout.completion_mask)


@pytest.mark.parametrize("most", [0.0, 1.5, 3.0])
def test_the_advantages_of_what_another_engine_drew_are_corrected(
    policy_path: Path, tmp_path: Path, most: float
) -> None:
    import torch

    trained = training(
        policy_path, tmp_path, importance_sampling_clip_max=most, max_new_tokens=6, beta=0.0
    )
    plain, row = trained.collect(1)
    assert "importance_clipped" not in row
    trained.engine = Shifted()
    found, row = trained.collect(1)
    assert found.rollout.sampled_ids() == plain.rollout.sampled_ids()
    weights = (found.rollout.completion_ids % 3 - 1).float().exp().clamp(max=most or 1.0)
    if most == 0.0:
        weights = torch.ones(weights.shape)
    torch.testing.assert_close(found.advantages, plain.advantages * weights, rtol=1e-4, atol=1e-5)
    assert row.get("importance_clipped", 0) == pytest.approx(
        float((weights == 1.5)[plain.mask.bool()].float().mean())
    )
    assert float((plain.advantages - found.advantages).abs().max()) > 0.1 or most == 0.0


# Trainings.


class Length:
    """Short answers are better; from the third call on a server fails."""

    identity = "length"

    def __init__(self, server: PolicyServer | None = None) -> None:
        self.server, self.calls = server, 0

    def __call__(self, completion_ids: Any, **_: Any) -> list[float]:
        self.calls += 1
        if self.server is not None and self.calls == 3:
            self.server.faults += ["500"] * 1000
        return [-len(ids) / 10 for ids in completion_ids]


def curve(path: Path, out: Path, settings: TrainerSettings) -> list[dict[str, Any]]:
    result = trained_by("ppo", path, ROWS, settings, out, {"reward": Length()}, seed=3)
    return [json.loads(line) for line in result.log_path.read_text().splitlines()]


@pytest.fixture
def same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process draws each completion with the numbers that the server draws it with."""
    import torch

    def as_asked(n: int, width: int, seed: int) -> Any:
        return torch.cat([uniforms(1, width, seed_of(f"{seed} {i}", 31)) for i in range(n)])

    monkeypatch.setattr(policy_sampling, "uniforms", as_asked)


def assert_same(rows: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    assert len(rows) == len(wanted) == SETTINGS.steps
    for row, right in zip(rows, wanted, strict=True):
        assert row.pop("importance_clipped") == 0
        assert row.pop("engine_gap") < 1e-4
        del row["seconds"], row["value_clip_fraction"]  # a count, which rounding moves
        right = {key: value for key, value in right.items() if key in row}
        assert row == pytest.approx(right, rel=1e-3, abs=1e-3, nan_ok=True)
        assert len(right) > 20


@pytest.mark.slow
@pytest.mark.usefixtures("same_draws", "impatient")
@pytest.mark.parametrize("changes", [{}, {"lora_rank": 4, "temperature": 0.7}])
def test_a_server_makes_the_training_that_this_process_makes_and_another_goes_on_with_it(
    policy_path: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    settings = changed(SETTINGS, epochs=2, **changes)
    wanted = curve(policy_path, tmp_path / "own", settings)
    out = tmp_path / "in-two"
    with PolicyServer(policy_path) as server:
        asked = changed(settings, engine="server", server_url=server.url)
        ends = Length(server)
        with pytest.raises(EngineError, match="the training goes on"):
            trained_by("ppo", policy_path, ROWS, asked, out, {"reward": ends}, seed=3)
        assert ends.calls == 3
    with PolicyServer(policy_path) as server:
        asked = changed(settings, engine="server", server_url=server.url)
        assert_same(curve(policy_path, out, asked), wanted)
    assert not (out / "weights").exists()


@pytest.mark.slow
def test_continuous_batching_draws_what_is_scored_and_ends_where_it_must(
    gpt2_path: Path, tmp_path: Path
) -> None:
    """With pad = EOS, a second end id, and a config that would bend the distribution."""
    import torch

    policy, tokenizer = load_policy(gpt2_path), load_tokenizer(gpt2_path)
    policy.generation_config.eos_token_id = [2, 9]
    engine = make_engine(PpoSettings(engine="continuous_batching"), tmp_path)
    engine.update(policy)
    before = torch.get_rng_state()
    for heat in (1.0, 0.7):
        sampling = Sampling(heat, 9, seed=5, per_item=4)
        rollout = engine.sample(policy, tokenizer, PROMPTS, sampling)
        assert rollout.drawn is not None
        scored, _ = score_rollout(policy, rollout, heat)
        torch.testing.assert_close(rollout.drawn, scored, rtol=0, atol=1e-4)
        ids = rollout.sampled_ids()
        assert rollout.ended.tolist() == [row[-1] in (2, 9) for row in ids]
        assert all(len(row) == 9 or row[-1] in (2, 9) for row in ids)
        assert not any({2, 9} & set(row[:-1]) for row in ids)
        own = sample(policy, tokenizer, PROMPTS, sampling)
        assert torch.equal(rollout.prompt_ids, own.prompt_ids)
    assert engine.sample(policy, tokenizer, PROMPTS, sampling).sampled_ids() == ids
    assert torch.equal(torch.get_rng_state(), before)
    assert policy.config._attn_implementation == "sdpa"
    engine.close()


@pytest.mark.slow
def test_a_model_that_continuous_batching_cannot_sample_from_is_refused(
    policy_path: Path, tmp_path: Path
) -> None:
    policy, tokenizer = load_policy(policy_path), load_tokenizer(policy_path)
    policy.config._attn_implementation = "flex_attention"
    engine = make_engine(PpoSettings(engine="continuous_batching"), tmp_path)
    with pytest.raises(EngineError, match=r"flex_attention is not supported.*\n.*in_process"):
        engine.sample(policy, tokenizer, PROMPTS, Sampling(1.0, 4, seed=0))


@pytest.mark.slow
def test_best_of_n_samples_from_a_server(policy_path: Path, tmp_path: Path) -> None:
    values = {"n": 3, "epochs": 1, "batch_size": 4, "max_new_tokens": 8, "engine": "server"}
    with PolicyServer(policy_path) as server:
        settings = settings_of("best_of_n", values | {"server_url": server.url}, "settings")
        trained_by("best_of_n", policy_path, ROWS[:4], settings, tmp_path, {"r": Length()})
        assert sum("seed" in body for _, body in server.bodies) == 4
    best = json.loads((tmp_path / "best_of_n.json").read_text())["best"]
    assert [row["scored"] for row in best] == [3] * 4
