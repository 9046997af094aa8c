"""Trainings of which another engine samples are those that this process makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from served_policy import PROMPTS
from small_ppo import ROWS, SETTINGS
from trainings import changed, trained_by

from harness.nouns.errors import EngineError
from harness.nouns.hashing import seed_of
from harness.policy import sampling as policy_sampling
from harness.policy.drawing import uniforms
from harness.policy.models import load_policy, load_tokenizer
from harness.policy.sampling import Sampling, sample
from harness.policy.scoring import score_rollout
from harness.testing import PolicyServer
from harness.train.engines import make_engine
from harness.train.ppo_settings import PpoSettings
from harness.train.settings import TrainerSettings

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


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
        assert not (out / "weights").exists()
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
