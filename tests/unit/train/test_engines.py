"""Engines that sample for a training: their settings, their end, and the correction."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from small_ppo import ROWS, SETTINGS, training
from trainings import changed, trained_by

from harness.nouns.errors import ConfigError, EngineError
from harness.policy import continuous, engines
from harness.policy.completions_api import CompletionsServer
from harness.policy.engines import InProcess, closing, copied_draws, foreign_draws
from harness.policy.models import load_policy, load_tokenizer
from harness.policy.sampling import Rollout, Sampling, rows_of
from harness.policy.server_engine import ServerEngine
from harness.policy.weights import weights_hash
from harness.train import best_of_n
from harness.train.engines import make_engine
from harness.train.losses import truncated_weights
from harness.train.ppo_settings import PpoSettings
from harness.train.trainers import settings_of

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


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


class Engine(InProcess):
    """Counts how often it is closed, and whether with all ranks."""

    def __init__(self) -> None:
        self.closed: list[bool] = []

    def close(self, *, together: bool = True) -> None:
        self.closed.append(together)
        if not together:
            raise OSError("the disk has gone as well")


def fails(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "place", ["check_model", "resume", "look", "collect", "update", "save_state", "folder.log", ""]
)
def test_an_engine_is_closed_in_every_way_out_of_ppo(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    trained = training(policy_path, tmp_path, steps=2, checkpoint_every=1, max_new_tokens=4)
    trained.weights, trained.engine = weights_hash(policy_path), Engine()
    monkeypatch.setattr(trained, "build", lambda: None)
    owner, _, name = place.rpartition(".")
    if not place:
        assert trained.work() == 2
        assert trained.engine.closed == [True]
        return
    monkeypatch.setattr(getattr(trained, owner) if owner else trained, name, fails)
    with pytest.raises(KeyboardInterrupt):  # and not what failed after it
        trained.work()
    assert trained.engine.closed == [False]


@pytest.mark.parametrize("place", ["update", "sample", ""])
def test_an_engine_is_closed_in_every_way_out_of_best_of_n(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    engine = Engine()
    monkeypatch.setattr(best_of_n, "make_engine", lambda *_: engine)
    values = {"n": 2, "epochs": 1, "batch_size": 2, "max_new_tokens": 4}
    if place:
        monkeypatch.setattr(engine, place, fails)
    else:  # nothing is trained once it is closed
        monkeypatch.setattr(best_of_n.BestOfN, "scored", fails)
    with pytest.raises(KeyboardInterrupt):
        trained_by(
            "best_of_n", policy_path, ROWS[:2], values, tmp_path, {"r": lambda **_: [1.0] * 4}
        )
    assert engine.closed == [not place]


def test_a_failed_training_leaves_no_weights_of_its_server_and_waits_for_nobody(
    tmp_path: Path,
) -> None:
    server, folder = CompletionsServer("http://127.0.0.1:9", 1.0), tmp_path / "weights"
    (folder / "harness-1").mkdir(parents=True)
    (folder / "newest").touch()
    engine = ServerEngine(server, folder, True, fails)
    with pytest.raises(EngineError), closing(engine):
        raise EngineError("the server went away")
    assert not folder.exists()
    assert server._client.is_closed


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
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: float
) -> None:
    import torch

    monkeypatch.setattr(engines, "FAR", 2.0)  # more than a training lets pass
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


@pytest.mark.parametrize(
    ("off", "heat", "said"),
    [
        ({}, 1.0, ""),
        ({range(100): 0.03}, 1.0, ""),  # bfloat16
        ({range(100): 0.09}, 1.0, ""),
        ({range(100): 0.11}, 1.0, "its log-probabilities are 0.11 nats a token"),
        ({range(100): 0.15}, 0.5, ""),
        ({range(100): 0.25}, 0.5, "its log-probabilities are 0.25 nats a token"),
        ({range(100): 0.11}, 2.0, "its log-probabilities are 0.11 nats a token"),
        ({range(90, 92): 2.0}, 1.0, ""),  # one in fifty
        ({range(90, 93): 2.0}, 1.0, "of 3 of 100 completions are 2 nats a token"),
        ({range(90, 93): 0.7}, 1.0, "of 3 of 100 completions are 0.7 nats a token"),
        ({range(90, 93): 0.5}, 1.0, ""),  # 2 nats in four tokens, .4 of them in all that pass
    ],
)
def test_draws_of_another_model_by_hand(off: dict[range, float], heat: float, said: str) -> None:
    """100 completions of four tokens; padding says nothing, and both signs count."""
    import torch

    mask = torch.ones(100, 6, dtype=torch.long)
    mask[:, 4:] = 0
    logprobs = torch.full((100, 6), -1.0)
    drawn = logprobs.clone()
    for rows, gap in off.items():
        drawn[list(rows)] += gap * torch.tensor([1.0, -1.0, 1.0, -1.0, 50.0, 50.0])
    none = torch.zeros(100, 1, dtype=torch.long)
    rollout = Rollout(none, none, mask, mask, mask[:, 0].bool(), [""] * 100, drawn)
    told = foreign_draws(rollout, logprobs, heat)
    assert told.removesuffix(" from the policy's").endswith(said)
    assert bool(told) == bool(said)


def drawn_by_chance(n: int, tokens: int, sides: int, seed: int) -> tuple[Rollout, Any]:
    """Return completions of fair dice, and the log-probabilities of their tokens."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(sides, (n, tokens), generator=generator)
    mask = torch.ones_like(ids)
    none = torch.zeros(n, 1, dtype=torch.long)
    logprobs = torch.full((n, tokens), -math.log(sides))
    return Rollout(none, none, ids, mask, mask[:, 0].bool(), [""] * n, logprobs.clone()), logprobs


@pytest.mark.parametrize(("tokens", "sides"), [(1, 2), (2, 2), (3, 3), (20, 2), (1, 50)])
def test_what_is_the_same_by_chance_is_no_copy(tokens: int, sides: int) -> None:
    """Short answers coincide: of coins all four of a prompt are the same in an eighth."""
    for seed in range(20):
        assert copied_draws(*drawn_by_chance(64, tokens, sides, seed), 4) == ""


@pytest.mark.parametrize(
    ("tokens", "sides", "of", "copies"),
    [(40, 4, 4, 48), (4, 4, 4, 48), (40, 4, 2, 32), (1, 1000, 4, 48)],
)
def test_copies_of_a_prompts_completions_are_told(
    tokens: int, sides: int, of: int, copies: int
) -> None:
    """All of a prompt are one, or two and two."""
    rollout, logprobs = drawn_by_chance(64, tokens, sides, 0)
    ids = rollout.completion_ids
    ids[:] = ids[[row - row % of for row in range(64)]]
    told = copied_draws(rollout, logprobs, 4)
    assert told.startswith(f"{copies} of its 64 completions are those of others of the same prompt")
    assert copied_draws(rollout, logprobs, 1) == ""


def test_a_greedy_engine_copies_nothing() -> None:
    """What is certain is the same each time, whichever of the two says that it is."""
    rollout, logprobs = drawn_by_chance(64, 30, 4, 0)
    rollout.completion_ids[:] = 1
    assert copied_draws(rollout, logprobs * 0, 4) == ""
    drawn = dataclasses.replace(rollout, drawn=logprobs * 0)
    assert copied_draws(drawn, logprobs, 4) == ""
    assert copied_draws(drawn, logprobs - 1e-3, 4) == "" != copied_draws(rollout, logprobs, 4)


class Copies(InProcess):
    """An engine that answers with one completion, as often as it is asked for one."""

    same = False

    def sample(self, *given: Any) -> Rollout:
        import torch

        rollout = super().sample(*given)
        rows = torch.arange(len(rollout))
        return rows_of(rollout, rows - rows % given[-1].per_item)


@pytest.mark.parametrize("trainer", ["ppo", "best_of_n"])
def test_an_engine_that_copies_stops_the_training(
    trainer: str, policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group of copies has nothing to compare: each step would learn nothing, without a word."""
    of = f"harness.train.{trainer}.make_engine"
    monkeypatch.setattr(of, lambda *_: Copies())
    settings: dict[str, Any] = {"batch_size": 4, "max_new_tokens": 24, "warmup_steps": 0}
    settings |= {"n": 4} if trainer == "best_of_n" else {
        "advantage_estimator": "grpo", "group_size": 4, "rollout_size": 16, "steps": 1,
    }  # fmt: skip
    asked: list[Any] = []

    def asks(prompts: Any, completions: Any, **_: Any) -> list[float]:
        asked.append(prompts)
        return [0.0] * len(completions)

    rows = [{"prompt": f"What is {n}+5?"} for n in range(4)]
    with pytest.raises(EngineError, match=r"12 of its 16 completions .* answers with copies"):
        trained_by(trainer, policy_path, rows, settings, tmp_path, {"r": asks})
    assert asked == []


class Late(InProcess):
    """An engine of which the last completion is drawn by another model."""

    same = False

    def sample(self, *given: Any) -> Rollout:
        rollout = super().sample(*given)
        assert rollout.drawn is not None
        real = rollout.completion_mask[-1]
        rollout.drawn[-1] -= 4.0 * real / real.sum()  # little among all of them
        return rollout


@pytest.mark.parametrize("trainer", ["ppo", "best_of_n"])
def test_a_model_that_draws_late_in_a_rollout_stops_a_training_before_it_is_rewarded(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainer: str
) -> None:
    for module in ("ppo", "best_of_n"):
        monkeypatch.setattr(f"harness.train.{module}.make_engine", lambda *_: Late())
    values: dict[str, Any] = {"n": 2, "epochs": 1, "batch_size": 2, "max_new_tokens": 4}
    if trainer == "ppo":
        values = changed(SETTINGS, rollout_size=16, batch_size=16).model_dump(exclude_unset=True)
    with pytest.raises(EngineError, match=r"of 1 of 16 completions are .* nats.*another model"):
        trained_by(trainer, policy_path, ROWS[:8], values, tmp_path, {"r": fails})


@pytest.mark.parametrize(
    ("ids", "said"), [([5, 2, 7], "goes on after its end token"), ([5] * 9, "may have 4")]
)
def test_what_continuous_batching_draws_ends_where_sampling_is_over(
    policy_path: Path, monkeypatch: pytest.MonkeyPatch, ids: list[int], said: str
) -> None:
    class Made:
        generated_tokens = ids
        logprobs = [-1.0] * len(ids)

    monkeypatch.setattr(continuous, "_made", lambda *_: [Made()])
    policy, tokenizer = load_policy(policy_path), load_tokenizer(policy_path)
    with pytest.raises(EngineError, match=said):
        continuous.ContinuousBatching().sample(policy, tokenizer, ["Hi"], Sampling(1.0, 4, seed=0))
